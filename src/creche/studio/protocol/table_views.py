"""What is shown of a table: its columns, its label, its split, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from creche.plan.words import Role, Task
from creche.studio.protocol.common import WorkStatus

__all__ = ["Column", "Finding", "TableProgress", "TableView"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about a table, a column or a run.

    `severity` is how much it matters; `remedy` is what to do, and may be empty. `role` is the role of `column` that
    would remedy it, if one does.
    """

    severity: Literal["note", "warning", "error"]
    text: str
    remedy: str = ""
    column: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    `bars` are the counts of its histogram (numbers and dates: up to 20 intervals of equal width; others: the most
    frequent values), `bar_labels` names each bar. `inferred` is the role that the data suggest, `role` the role in use.
    """

    name: str
    role: Role
    inferred: Role
    missing: int
    distinct: int
    bars: tuple[int, ...]
    bar_labels: tuple[str, ...]
    summary: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """The table of a session, its columns, its label and its split.

    `label` is empty until one is chosen; `label_candidates` are columns that can be predicted, the likeliest first.
    `summarized_rows` is how many rows the histograms describe: all, or a sample of a large table.
    """

    name: str
    rows: int
    summarized_rows: int
    columns: tuple[Column, ...]
    label: tuple[str, ...]
    label_candidates: tuple[str, ...]
    task: Task | None
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    train_rows: int
    validation_rows: int
    test_rows: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TableProgress:
    """What is done to a table beside training: it is read, prepared or encoded. Pushed while that goes on.

    `doing` says what, as "preparing 1,000,000 rows".
    """

    status: WorkStatus
    name: str
    doing: str
