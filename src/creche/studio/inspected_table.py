"""What is shown of a table whatever is trained on it: its columns, with histograms and what was found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from creche._phrases import format_count
from creche.plan.words import Role, Task
from creche.studio.histograms import count_bars
from creche.studio.protocol.views import Column, Finding
from creche.table.column_inspection import ColumnInspection, FindingKind, inspect_columns
from creche.table.column_inspection import Finding as InspectionFinding
from creche.table.column_summary import ColumnSummary
from creche.table.schema import describe_columns
from creche.table.table import Column as TableColumn
from creche.table.table import Table

__all__ = ["InspectedTable", "as_sentence", "inspect_table", "rank_labels"]

MOST_ROWS = 20_000
"""How many rows of a large table are summarized: the page must not wait for all of a million."""

MOST_CLASSES = 100
CLASSES_OF_A_LABEL = 20

Severity: TypeAlias = Literal["note", "warning", "error"]
SEVERITIES: dict[FindingKind, Severity] = {
    "error": "error", "leak": "warning", "label": "warning", "duplicates": "warning", "task": "warning",
}  # fmt: skip
"""The others are notes."""

REMEDIES: dict[FindingKind, str] = {
    "task": "Choose the other task if that is wrong.", "duplicates": "Look whether they were entered twice.",
}  # fmt: skip
"""What to do in the page where no role is the remedy."""

LABEL_WORDS = ("label", "target", "class", "species", "outcome", "response", "y", "survived", "diagnosis", "price")


@dataclass(frozen=True, slots=True)
class InspectedTable:
    """What is shown of a table whatever is trained on it."""

    rows: int
    columns: tuple[Column, ...]
    label_candidates: tuple[str, ...]
    findings: tuple[Finding, ...]
    classes: tuple[tuple[str, int], ...]
    told: tuple[str, ...]
    """How training begins to say what was found here."""


def inspect_table(table: Table, label: tuple[str, ...], task: Task | None, roles: Mapping[str, Role]) -> InspectedTable:
    """Return what is shown of a table; of a large one, evenly spaced rows are looked at."""
    if len(table) > MOST_ROWS:
        table = _take_evenly(table, MOST_ROWS)
    inspection = inspect_columns(table, label or None, task=task, schema=dict(roles) or None)
    inferred = _infer_roles(table, [*roles, *label])
    reasons = {column.name: column.reason for column in inspection.columns}
    remarks: dict[str, list[Finding]] = {name: [] for name in table.names}
    others: list[Finding] = []
    for found in inspection.findings:
        finding = _describe_finding(found, reasons.get(found.column, ""))
        remarks.get(found.column, others).append(finding)
    columns = tuple(
        _describe_column(table, summary, inferred.get(summary.name), tuple(remarks[summary.name]))
        for summary in inspection.columns
    )
    classes = () if inspection.label is None else inspection.label.classes[:MOST_CLASSES]
    told = tuple(_begin_of(found) for found in inspection.findings)
    return InspectedTable(len(table), columns, rank_labels(inspection), tuple(others), classes, told)


def _take_evenly(table: Table, rows: int) -> Table:
    """Return evenly spaced rows, with only the words that occur in them."""
    sample = table.take(np.linspace(0, len(table) - 1, rows).astype(np.int64))
    return replace(sample, columns={name: _keep_words(column) for name, column in sample.columns.items()})


def _keep_words(column: TableColumn) -> TableColumn:
    if column.kind != "words":
        return column
    present, codes = np.unique(column.values, return_inverse=True)
    words = [column.words[code] for code in present.tolist() if code >= 0]
    missing = int(present[0] < 0)
    return replace(column, values=(codes - missing).astype(np.int32), words=tuple(words))


def rank_labels(inspection: ColumnInspection) -> tuple[str, ...]:
    """Return the columns that can be predicted, the likeliest first.

    A column whose name says so comes first, then those of a few classes, then the others; the last column of a table is
    more often its label than the first, and those than any between.
    """
    columns = inspection.columns

    def likelihood(place: int) -> tuple[int, int, int]:
        column = columns[place]
        words = column.name.lower().replace("-", "_").replace(" ", "_").split("_")
        is_named = any(word in LABEL_WORDS for word in words)
        has_classes = column.kind in ("words", "boolean", "whole") and 2 <= column.distinct <= CLASSES_OF_A_LABEL
        at_an_end = 0 if place == len(columns) - 1 else 1 if place == 0 else 2
        return (not is_named, not has_classes, at_an_end)

    possible = [place for place, column in enumerate(columns) if _can_be_predicted(column)]
    return tuple(columns[place].name for place in sorted(possible, key=likelihood))


def _can_be_predicted(column: ColumnSummary) -> bool:
    is_learnable = column.role == "label" or column.role in ("numeric", "categorical", "boolean")
    return is_learnable and column.distinct > 1


def _describe_column(
    table: Table, summary: ColumnSummary, inferred: Role | None, findings: tuple[Finding, ...]
) -> Column:
    histogram = count_bars(table.columns[summary.name])
    role: Role = inferred or summary.role  # type: ignore[assignment]  # a label has an inferred role
    return Column(
        name=summary.name,
        role=role if summary.role == "label" else summary.role,  # type: ignore[arg-type]
        inferred=role,
        missing=summary.missing,
        distinct=summary.distinct,
        bars=histogram.counts,
        bar_labels=histogram.labels,
        summary=_summarize(summary),
        findings=findings,
    )


def _summarize(summary: ColumnSummary) -> str:
    """Write what a column holds as a phrase."""
    if summary.distinct == 0:
        return "no value"
    if summary.low is not None:
        low, high = (
            f"{bound:.6g}" if isinstance(bound, float) else f"{bound}" for bound in (summary.low, summary.high)
        )
        return low if low == high else f"{low} to {high}"
    return format_count(summary.distinct, "value")


def _infer_roles(table: Table, names: Sequence[str]) -> dict[str, Role]:
    """Return the roles that the data suggest for columns whose role was set, or which are labels."""
    asked = [name for name in dict.fromkeys(names) if name in table.columns]
    return {column.name: column.role for column in describe_columns(table.select(asked), {})}  # type: ignore[misc]


def _describe_finding(found: InspectionFinding, reason: str) -> Finding:
    text = f"Dropped: {reason}" if found.kind == "dropped" else found.text
    remedy = found.remedy or REMEDIES.get(found.kind, "")
    severity = SEVERITIES.get(found.kind, "note")
    return Finding(severity, as_sentence(text), as_sentence(remedy), found.column or None, found.role)


def _begin_of(found: InspectionFinding) -> str:
    """Return how training begins to say the same: without its numbers, where it counts rows that are not looked at."""
    return found.text.partition(": ")[0] if found.kind == "dropped" else found.text


def as_sentence(text: str) -> str:
    """Return words with a full stop, and with a capital unless a name begins them."""
    if not text:
        return ""
    first = text[0].upper() if text.split()[0].isalpha() else text[0]
    return f"{first}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"
