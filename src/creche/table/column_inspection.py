"""`creche.inspect_columns`: what would be read from a table, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from creche._advice import advise
from creche.errors import TableError
from creche.plan.arguments import reject_unknown
from creche.plan.words import TASKS, Role, Task, check_word
from creche.table.column_summary import ColumnSummary, count_values, summarize_column
from creche.table.inspection import choose_task
from creche.table.label_leakage import find_label_leaks
from creche.table.labels import as_class_labels, check_varying, encode_classes, find_classes
from creche.table.leakage import digest_rows
from creche.table.observations import Observations, read_observations
from creche.table.preparation import Preparation
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.result_frames import FrameResult, frame_method
from creche.table.roles import INPUT_ROLES
from creche.table.schema import ColumnSchema, Schema, describe_columns, find_errors, find_remarks, set_roles
from creche.table.spellings import SPELLING_REMEDY, describe_spellings, find_spellings
from creche.table.table import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ColumnInspection", "Finding", "FindingKind", "LabelSummary", "inspect_columns"]

FindingKind: TypeAlias = Literal[
    "error", "leak", "dropped", "reading", "words", "spellings", "constant", "duplicates", "label", "task"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a table to check before training.

    Attributes
    ----------
    kind : str
        "error": training would refuse the table. "leak": a column alone gives the label away. "dropped": a column
        that is not an input. "reading": values that could be read otherwise. "words": a column of words though most are
        numbers. "spellings": categories that may be one. "constant": a column with one value. "duplicates": rows that
        are copies of others. "label": rows without a label. "task": whole numbers that may be classes or amounts.
    column : str
        The name of the column; empty if it is about rows.
    text : str
        What was found.
    remedy : str
        What to do about it in words; empty if an option does it, or the text says it.
    argument : str
        The argument of `creche.train` that would change it; empty if none would.
    value : object
        The value of that argument.

    """

    kind: FindingKind
    column: str
    text: str
    remedy: str = ""
    argument: str = ""
    value: object = None

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.text, self.remedy, self.change)))

    @property
    def change(self) -> str:
        """The argument and its value, or the option, as the reader types them; empty if none would change it."""
        return advise(self.argument, self.value) if self.argument else ""

    @property
    def role(self) -> Role | None:
        """The role that the change would give the column; None if it would give none."""
        return self.value.get(self.column) if isinstance(self.value, dict) else None

    def to_dict(self) -> dict[str, object]:
        """Return the finding as plain data."""
        return {
            "kind": self.kind, "column": self.column, "text": self.text, "remedy": self.remedy,
            "argument": self.argument, "value": self.value,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """What would be predicted.

    Attributes
    ----------
    names : tuple of str
    task : {"classification", "regression", "multilabel"} or None
        As set, or as guessed from the values; None if the label can be neither.
    classes : tuple of (str, int)
        The classes and their numbers of rows, the most frequent first; empty for regression.
    missing : int
        The number of rows without a label.
    alternative : {"classification", "regression"} or None
        The task that is also possible.

    """

    names: tuple[str, ...]
    task: Task | None
    classes: tuple[tuple[str, int], ...] = ()
    missing: int = 0
    alternative: Task | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        classes = [list(pair) for pair in self.classes]
        return {
            "names": list(self.names), "task": self.task, "classes": classes, "missing": self.missing,
            "alternative": self.alternative,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnInspection(FrameResult):
    """What would be read from a table, and what to check before training.

    Attributes
    ----------
    source : str
        The name of the table.
    rows : int
    duplicates : int
        How many rows are copies of others: the same features, and the same label.
    columns : tuple of ColumnSummary
        All columns, the label too, in the order of the table.
    label : LabelSummary or None
        None if no label was named.
    findings : tuple of Finding
        What training would refuse first, then leaks, then the rest.

    """

    source: str
    rows: int
    duplicates: int
    columns: tuple[ColumnSummary, ...]
    label: LabelSummary | None
    findings: tuple[Finding, ...]

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with one row for each column; ranges are written as words."""
        import polars as pl

        def write(value: object) -> str | None:
            return None if value is None else str(value)

        return pl.DataFrame(
            {
                "column": [c.name for c in self.columns], "role": [c.role for c in self.columns],
                "kind": [c.kind for c in self.columns], "missing": [c.missing for c in self.columns],
                "distinct": [c.distinct for c in self.columns], "low": [write(c.low) for c in self.columns],
                "high": [write(c.high) for c in self.columns],
                "frequent": [", ".join(f"{value} ({count})" for value, count in c.frequent) for c in self.columns],
                "reason": [c.reason for c in self.columns], "alternative": [c.alternative for c in self.columns],
            },
            schema_overrides={"low": pl.String, "high": pl.String, "alternative": pl.String},
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the inspection as plain data, ready for JSON."""
        return {
            "source": self.source, "rows": self.rows, "duplicates": self.duplicates,
            "label": None if self.label is None else self.label.to_dict(),
            "columns": [column.to_dict() for column in self.columns],
            "findings": [finding.to_dict() for finding in self.findings],
        }  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"ColumnInspection({self.source}: {self.rows:,} rows, {len(self.columns):,} columns, "
            f"{len(self.findings):,} findings)"
        )


@reject_unknown
def inspect_columns(
    data: Any,
    label: str | Sequence[str] | None = None,
    *,
    task: Task | None = None,
    schema: Schema | Mapping[str, Role] | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
) -> ColumnInspection:
    """Show what `creche.train` would read from a table, without training.

    Parameters
    ----------
    data : file name, DataFrame or other table
        As `creche.train` takes it.
    label : str or sequence of str, optional
        The column to predict, or several. Without it, no task is guessed and no leak is looked for.
    task : {"classification", "regression", "multilabel"}, optional
        By default guessed from the label.
    schema : dict of column to role, optional
        Roles of columns that are not to be inferred.
    read_options : ReadOptions or dict, optional
        How the file is written, if that is not to be detected.

    Returns
    -------
    ColumnInspection

    Raises
    ------
    FileError, TableError
        If the table cannot be read, or lacks a named column. What would only keep a network from learning is a finding.

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.inspect_columns("penguins", label="species")
    >>> found.rows, found.label.task, found.columns[3].name, found.columns[3].low, found.columns[3].high
    (344, 'classification', 'bill_depth_mm', 13.1, 21.5)
    >>> [str(finding) for finding in found.findings]
    []

    """
    preparation = Preparation(label=label or (), schema=schema, read_options=read_options or ReadOptions())  # type: ignore[arg-type]
    if not is_table(data):
        raise TableError(f"data: got {type(data).__name__}, which has no named columns; give a table")
    table = read_table(data, preparation.read_options)
    if not len(table):
        raise TableError(f"{table.source}: has no rows; needs at least one")
    names, roles = preparation.label, dict(preparation.schema or {})
    labelled = np.ones(len(table), dtype=np.bool_)
    for name in names:
        labelled &= ~table.column(name, "label").missing
    features = table.with_columns({n: c for n, c in table.columns.items() if n not in names})
    # Rows without a label are not trained on; if there is no other, all show at least what they hold.
    kept = np.flatnonzero(labelled) if labelled.any() else np.arange(len(table))
    row_numbers = kept + table.first_row
    features = set_roles(features if len(kept) == len(table) else features.take(kept), names, roles, row_numbers)
    columns = describe_columns(features, {n: r for n, r in roles.items() if n in features.columns}, row_numbers)

    findings = [Finding("error", "", str(error)) for error in find_errors(features, columns, roles, row_numbers)]
    rows, summary = None, None
    if names:
        rows, summary, found = _inspect_label(table, names, task, labelled)
        findings += found
    inputs = [column.name for column in columns if column.role in INPUT_ROLES]
    if rows is not None and summary is not None and rows.y.ndim == 1:
        findings += _find_leaks(features, inputs, rows, summary)
    findings += _find_remarks(features, columns, roles, row_numbers)
    duplicates = _count_duplicates(features.select(inputs), rows)
    if duplicates:
        findings.append(
            Finding(
                "duplicates", "", f"{duplicates:,} of {len(features):,} rows are copies of others",
                "", "duplicates", "drop",
            )
        )  # fmt: skip
    summaries = {c.name: summarize_column(c, features.columns[c.name]) for c in columns}
    for name in names:
        (described,) = describe_columns(table.select([name]), {name: "ignore"})
        summaries[name] = summarize_column(described, table.columns[name], is_label=True)
    in_order = tuple(summaries[name] for name in table.names)
    return ColumnInspection(
        table.source, len(table), duplicates, in_order, summary, tuple(findings), library=table.library
    )


def _inspect_label(
    table: Table, names: tuple[str, ...], task: str | None, labelled: Any
) -> tuple[Observations | None, LabelSummary, list[Finding]]:
    """Return the rows that have a label, what would be predicted, and what to check."""
    missing, findings = int(len(table) - labelled.sum()), []
    if missing:
        text = f"{missing:,} of {len(table):,} rows have no label"
        findings.append(Finding("label", names[0], text, "", "missing_label", "drop"))
    only_labels = table.select(list(names))
    if labelled.any():
        only_labels = only_labels.take(np.flatnonzero(labelled))
    try:
        rows = read_observations(only_labels, label=names)
        rows = replace(rows, row_indices=np.flatnonzero(labelled), n_table_rows=len(table))
        known = None if task is None else check_word("task", task, TASKS, error=TableError)
        resolved, guess = choose_task(known, None, rows)
    except TableError as error:
        return None, LabelSummary(names, None, missing=missing), [*findings, Finding("error", names[0], str(error))]
    note = None if guess is None else guess.note(names[0])
    if note is not None and guess is not None and not guess.is_certain:
        other = "regression" if resolved == "classification" else "classification"
        findings.append(Finding("task", names[0], note.partition("; ")[0], "", "task", other))
    if resolved != "classification":
        try:
            check_varying(rows.y, names)
        except TableError as error:
            findings.append(Finding("error", names[0], str(error)))
        return rows, LabelSummary(names, resolved, (), missing, _find_other_task(rows, resolved)), findings
    rows = replace(rows, y=as_class_labels(rows.y))
    column = only_labels.columns[names[0]]
    counts = tuple((str(value), count) for value, count in count_values(column))
    summary = LabelSummary(names, "classification", counts, missing, _find_other_task(rows, "classification"))
    try:
        find_classes(rows.y, names[0], rows.row_numbers)
    except TableError as error:
        return None, summary, [*findings, Finding("error", names[0], str(error))]
    spellings = find_spellings(*zip(*counts, strict=True)) if column.kind == "words" else []
    if spellings:
        findings.append(
            Finding("spellings", names[0], describe_spellings(f"label {names[0]!r}", spellings), SPELLING_REMEDY)
        )
    return rows, summary, findings


def _find_other_task(rows: Observations, task: Task) -> Task | None:
    """Return the other task if the label can be learnt by it, too."""
    if rows.y.ndim == 2 or rows.y.dtype.kind not in "iuf":
        return None
    if task == "classification":
        return "regression"
    is_whole = bool((rows.y == np.trunc(rows.y)).all())
    return "classification" if is_whole and len(np.unique(rows.y)) < len(rows.y) else None


def _find_leaks(features: Table, inputs: list[str], rows: Observations, label: LabelSummary) -> Iterator[Finding]:
    numbers = None
    if label.task == "classification":
        numbers = encode_classes(rows.y, find_classes(rows.y, rows.label), rows.label)
    for leak in find_label_leaks(features, inputs, rows.label, rows.y, numbers):
        yield Finding(
            "leak", leak.column, leak.finding, "if it is not known before the label is, leave it out",
            "schema", {leak.column: "ignore"},
        )  # fmt: skip


def _find_remarks(
    table: Table, columns: Sequence[ColumnSchema], roles: Mapping[str, str], row_numbers: Any
) -> Iterator[Finding]:
    for column in columns:
        for remark in find_remarks(table, column, roles, row_numbers):
            if remark.role is None:
                yield Finding(remark.kind, column.name, remark.text, remark.remedy)
            else:
                yield Finding(remark.kind, column.name, remark.text, "", "schema", {column.name: remark.role})
        if column.role in INPUT_ROLES and column.distinct == 1 and not column.missing and column.rows > 1:
            text = f"column {column.name!r} has the same value in each row"
            yield Finding("constant", column.name, text, "", "schema", {column.name: "ignore"})


def _count_duplicates(inputs: Table, rows: Observations | None) -> int:
    """Count the rows that are copies of others in their features and label."""
    if not inputs.columns:
        return 0
    labels = np.zeros(len(inputs)) if rows is None or len(rows) != len(inputs) else rows.y
    return len(inputs) - len(np.unique(digest_rows(inputs, labels)))
