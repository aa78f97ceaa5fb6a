"""The page of a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from creche._system.shell import shell_command
from creche.pages.tables import facts_table
from creche.pages.wording import is_command_line
from creche.plan.optimizers import Optimizer

if TYPE_CHECKING:
    from creche.explain.diagnosis.findings import Diagnosis, Finding

__all__ = ["as_options", "diagnosis_page", "finding_page"]

OPTIMIZER_OPTIONS = ("weight_decay", "clip_norm")


def diagnosis_page(diagnosis: Diagnosis) -> RenderableType:
    """Render each finding with its evidence, its meaning and the remedy."""
    if not len(diagnosis):
        return Text(str(diagnosis))
    parts: list[RenderableType] = []
    for finding in diagnosis:
        parts += [Text(), finding_page(finding)] if parts else [finding_page(finding)]
    return Group(*parts)


def as_options(arguments: Mapping[str, Any]) -> str:
    """Write arguments of `creche.train` as options of the command line.

    Examples
    --------
    >>> from creche.plan.optimizers import Adam
    >>> as_options({"learning_rate": 0.01, "preprocessing": "standard", "optimizer": Adam(weight_decay=0.03)})
    '--learning-rate 0.01 --preprocessing standard --weight-decay 0.03'
    >>> as_options({"hidden": [64, 64], "split_column": "which part"})
    "--hidden 64,64 --split-column 'which part'"

    """
    words: list[object] = []
    for name, value in arguments.items():
        if isinstance(value, Optimizer):
            changed = [f for f in OPTIMIZER_OPTIONS if getattr(value, f) != getattr(type(value)(), f)]
            options: dict[str, Any] = {f: float(getattr(value, f)) for f in changed}
        else:
            options = {name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value}
        for option, word in options.items():
            words += [f"--{option.replace('_', '-')}", word]
    return shell_command(*words)


def finding_page(finding: Finding) -> RenderableType:
    """Render one finding."""
    table = facts_table()
    table.add_row("evidence", finding.evidence)
    table.add_row("meaning", finding.meaning)
    if finding.trials:
        advice = finding.advise(as_options) if is_command_line() else finding.advice
        table.add_row("remedy", Text(advice, style="bold" if finding.cure else ""))
    return Group(Text(finding.title, style="bold"), Padding(table, (0, 0, 0, 2)))
