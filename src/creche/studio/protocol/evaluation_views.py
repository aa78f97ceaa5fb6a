"""How good a network is: metrics, rows, the largest errors, the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass

from creche.studio.protocol.common import FloatArray, IntArray, Partition
from creche.studio.protocol.table_views import Finding

__all__ = ["DiagnosisView", "ErrorsView", "EvaluationView", "Metric", "RowView", "RowsView"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the predictions; `baseline` is its value for a constant prediction."""

    key: str
    title: str
    value: float | None
    baseline: float | None
    lower_is_better: bool


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """How good the network is now, on one part of the rows. Pushed while it is watched.

    `rows` is how many rows that is: all, or an even sample of more than 10,000. `confusion` has the actual classes as
    rows and the predicted ones as columns; (0, 0) for more than 100 classes, and for a regression, which has `actual`
    and `predicted` of up to 2,000 rows instead. `reliability` has rows (predicted, observed, count).
    """

    partition: Partition
    rows: int
    epoch: int
    metrics: tuple[Metric, ...]
    classes: tuple[str, ...]
    confusion: IntArray
    actual: FloatArray
    predicted: FloatArray
    reliability: FloatArray  # (bins, 3)


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of the table. `number` is counted from 1, as in messages of Creche.

    `values` has the cells of the features as text, by the order of `RowsView.columns`. `activations` are as in `Tick`.
    """

    number: int
    partition: Partition
    values: tuple[str, ...]
    actual: str
    predicted: str
    probability: float | None
    """Of the actual class; None for a regression."""
    loss: float


@dataclass(frozen=True, slots=True)
class RowsView:
    """A piece of the table, with what the network predicts for it now."""

    columns: tuple[str, ...]
    rows: tuple[RowView, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ErrorsView:
    """The rows with the largest losses now. Pushed while it is watched."""

    partition: Partition
    epoch: int
    columns: tuple[str, ...]
    rows: tuple[RowView, ...]


@dataclass(frozen=True, slots=True)
class DiagnosisView:
    """The diagnosis of the run in words."""

    epoch: int
    verdict: str
    findings: tuple[Finding, ...]
