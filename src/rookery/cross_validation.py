"""Cross-validation: every row is predicted by networks that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import TableError
from rookery.evaluation import ClassEvaluation, NumberEvaluation
from rookery.run import Run
from rookery.table.columns import Table
from rookery.table.folds import folds as fold_rows
from rookery.table.labels import class_numbers, classes_of
from rookery.table.observations import Observations, observations
from rookery.training import train

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CrossValidation", "cross_validate"]


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """Runs on the folds of a table.

    Attributes
    ----------
    runs : list of Run
        One for each fold of each repeat.
    evaluations : list of ClassEvaluation or NumberEvaluation
        Of each run on the rows of its fold.
    predictions : (n, classes) or (n, k) float64
        Of each row by the networks that never saw it (their mean over the repeats); NaN where there was none.
    evaluation : ClassEvaluation or NumberEvaluation
        Of those predictions together.

    """

    runs: list[Run]
    evaluations: list[ClassEvaluation | NumberEvaluation]
    predictions: NDArray[np.float64]
    evaluation: ClassEvaluation | NumberEvaluation

    def summary(self) -> dict[str, tuple[float, float]]:
        """The mean of each metric over the folds, and its standard deviation."""
        metrics = self.evaluations[0].metrics()
        values = {name: np.array([e.metrics()[name] for e in self.evaluations], dtype=np.float64) for name in metrics}
        return {
            name: (float(np.nanmean(v)), float(np.nanstd(v, ddof=1 if len(v) > 1 else 0)))
            for name, v in values.items()
            if not np.isnan(v).all()
        }

    def to_dict(self) -> dict[str, Any]:
        """The folds, the summary and the evaluation of all predictions together, as plain data."""
        folds = [{"fold": i + 1, "rows": e.rows, **e.metrics()} for i, e in enumerate(self.evaluations)]
        return {"folds": folds, "summary": self.summary(), "evaluation": self.evaluation.to_dict()}

    def table(self) -> pl.DataFrame:
        """One row for each fold, one column for each metric, as a Polars DataFrame."""
        import polars as pl

        return pl.DataFrame([{"fold": i + 1, "rows": e.rows, **e.metrics()} for i, e in enumerate(self.evaluations)])


def cross_validate(
    data: Any,
    y: Any = None,
    *,
    label: str | None = None,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    group: str | None = None,
    time: str | None = None,
    **arguments: Any,
) -> CrossValidation:
    """Trains one network for each fold and judges it on the rows of that fold.

    Parameters
    ----------
    data, y, label
        As for `rookery.train`.
    folds : int, default 5
    repeats : int, default 1
        How often the rows are dealt out anew.
    seed : int, default 0
        Of the folds, and of the networks.
    group, time : str, optional
        A column whose equal values stay in one fold, or by which each fold is judged by what went before it only.
    **arguments
        Of `rookery.train`: the network, the optimizer, the epochs, ….

    Returns
    -------
    CrossValidation

    Raises
    ------
    TableError
        If there are fewer rows, groups or rows of a class than folds.
    PlanError
        If an argument cannot be.

    Examples
    --------
    >>> import rookery as rk
    >>> crossed = cross_validate("penguins", label="species", folds=3, epochs=30, threads=1)
    >>> len(crossed.runs), crossed.predictions.shape
    (3, (344, 3))
    >>> bool(crossed.evaluation.accuracy > 0.9)
    True

    """
    rows = observations(data, y, label, missing_label=arguments.get("missing_label", "error"))
    numbers = _class_numbers(rows, folds, arguments.get("task"))
    by = {name: _values(rows, column, name) for name, column in (("groups", group), ("times", time)) if column}
    pairs = fold_rows(len(rows), folds, repeats=repeats, seed=seed, classes=None if by else numbers, **by)
    runs: list[Run] = []
    judged: list[Any] = []
    total: NDArray[np.float64] | None = None
    times_seen = np.zeros(len(rows))
    for kept, held_out in pairs:
        train_rows, fold = rows.take(kept), rows.take(held_out)
        run = train(
            _data(train_rows), train_rows.y, label=rows.labels, seed=seed, validation_data=(_data(fold), fold.y),
            **arguments,
        )  # fmt: skip
        outputs = _predictions(run, fold)
        total = np.zeros((len(rows), outputs.shape[1])) if total is None else total
        total[held_out] += outputs
        times_seen[held_out] += 1
        runs.append(run)
        judged.append(run.model.judge(fold, intervals=0))
    assert total is not None
    with np.errstate(invalid="ignore"):
        mean = total / times_seen[:, np.newaxis]
    return CrossValidation(runs, judged, mean, _together(runs[0], rows, mean, times_seen > 0))


def _class_numbers(rows: Observations, folds: int, task: str | None) -> NDArray[np.int32] | None:
    from rookery.table.labels import infer_task

    if (task or infer_task(rows.y)) != "classes":
        return None
    classes = classes_of(rows.y, rows.label)
    numbers = class_numbers(rows.y, classes, rows.label)
    rarest = int(np.bincount(numbers).argmin())
    if np.bincount(numbers)[rarest] < 2:
        raise TableError(
            f"label {rows.label!r}: class {classes[rarest]!r} has one row only, so it cannot be both learnt and "
            "judged; leave it out, or join it with another class"
        )
    return numbers


def _values(rows: Observations, column: str, what: str) -> NDArray[Any]:
    if not isinstance(rows.x, Table):
        raise TableError(f"{what}: got {column!r}, but arrays have no named columns; give a table")
    found = rows.x.column(column, what)
    if found.missing.any():
        row = rows.called[int(np.argmax(found.missing))]
        raise TableError(f"column {column!r}: row {row} is empty, and the folds go by it; fill it in")
    return found.values


def _data(rows: Observations) -> Any:
    return rows.x


def _predictions(run: Run, rows: Observations) -> NDArray[np.float64]:
    model = run.model
    if model.classes is None:
        return np.asarray(model.predict(rows.x)).reshape(len(rows), -1)
    return np.asarray(model.predict_proba(rows.x), dtype=np.float64)


def _together(
    run: Run, rows: Observations, predictions: NDArray[np.float64], seen: NDArray[np.bool_]
) -> ClassEvaluation | NumberEvaluation:
    labels = run.model.labels
    y, predicted = rows.y[seen], predictions[seen]
    if labels.classes is None:
        numbers = predicted[:, 0] if rows.y.ndim == 1 else predicted
        return NumberEvaluation.of(numbers, y.astype(np.float64), labels=labels.names)
    return ClassEvaluation.of(predicted, class_numbers(y, labels.classes, labels.name), labels.classes)
