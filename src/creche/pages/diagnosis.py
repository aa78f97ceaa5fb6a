"""The page of a diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from creche.pages.tables import facts_table

if TYPE_CHECKING:
    from creche.explain.diagnosis.findings import Diagnosis, Finding

__all__ = ["diagnosis_page", "finding_page"]


def diagnosis_page(diagnosis: Diagnosis) -> RenderableType:
    """Render each finding with its evidence, its meaning and the remedy."""
    if not len(diagnosis):
        return Text(str(diagnosis))
    parts: list[RenderableType] = []
    for finding in diagnosis:
        parts += [Text(), finding_page(finding)] if parts else [finding_page(finding)]
    return Group(*parts)


def finding_page(finding: Finding) -> RenderableType:
    """Render one finding."""
    table = facts_table()
    table.add_row("evidence", finding.evidence)
    table.add_row("meaning", finding.meaning)
    if finding.trials:
        table.add_row("remedy", Text(finding.advice, style="bold" if finding.remedy else ""))
    return Group(Text(finding.title, style="bold"), Padding(table, (0, 0, 0, 2)))
