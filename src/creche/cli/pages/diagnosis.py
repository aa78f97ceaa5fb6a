"""A diagnosis as a page of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from creche.cli.pages.tables import facts_table
from creche.plan.optimizers import Optimizer

if TYPE_CHECKING:
    from creche.explain.diagnosis.findings import Diagnosis, Finding

__all__ = ["as_options", "diagnosis_page"]

OF_AN_OPTIMIZER = ("weight_decay", "clip_norm")


def diagnosis_page(diagnosis: Diagnosis) -> RenderableType:
    """Each finding with what was seen, what it means and what helps."""
    if not len(diagnosis):
        return Text(str(diagnosis))
    parts: list[RenderableType] = []
    for finding in diagnosis:
        parts += [Text(), *_finding(finding)] if parts else _finding(finding)
    return Group(*parts)


def as_options(arguments: Mapping[str, Any]) -> str:
    """Arguments of `creche.train` as they are typed.

    Examples
    --------
    >>> from creche.plan.optimizers import Adam
    >>> as_options({"learning_rate": 0.01, "preprocessing": "standard", "optimizer": Adam(weight_decay=0.03)})
    '--learning-rate 0.01 --preprocessing standard --weight-decay 0.03'

    """
    typed = []
    for name, value in arguments.items():
        if isinstance(value, Optimizer):
            changed = [f for f in OF_AN_OPTIMIZER if getattr(value, f) != getattr(type(value)(), f)]
            typed += [f"--{f.replace('_', '-')} {getattr(value, f):g}" for f in changed]
            continue
        shown = f"{value:g}" if isinstance(value, float) else value
        typed.append(f"{'--' + name.replace('_', '-')} {shown}")
    return " ".join(typed)


def _finding(finding: Finding) -> list[RenderableType]:
    table = facts_table(dim_names=True)
    table.add_row("evidence", finding.evidence)
    table.add_row("meaning", finding.meaning)
    if finding.trials:
        table.add_row("cure", Text(finding.advise(as_options), style="bold" if finding.cure else ""))
    return [Text(finding.title, style="bold"), Padding(table, (0, 0, 0, 2))]
