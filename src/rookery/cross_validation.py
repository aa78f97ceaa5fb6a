"""Cross-validation: every row is predicted by networks that never saw it."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import PlanError
from rookery.evaluation import ClassEvaluation, NumberEvaluation
from rookery.plan.plan import EarlyStopping
from rookery.planning import loss_of, optimizer_of, preparation_of, whole
from rookery.run import Run
from rookery.table.check import warn
from rookery.table.folds import folds as fold_rows
from rookery.table.labels import check_no_single_rows, class_numbers
from rookery.table.leakage import leakage_of_folds
from rookery.table.parts import Part, digests_of, split_by, with_validation
from rookery.table.prepare import Prepared, parted
from rookery.table.survey import Survey, surveyed
from rookery.training import begun, settled, train

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CrossValidation", "cross_validate"]

# What says how rows are parted, or goes on with one run: neither has a meaning for many folds.
NOT_OF_FOLDS = ("split_column", "test_fraction", "validation_data", "test_data", "checkpoint", "resume")


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
        Of each row of the table by the networks that never saw it (their mean over the repeats); NaN where there was
        none.
    evaluation : ClassEvaluation or NumberEvaluation
        Of those predictions together.
    called : (m,) int64
        What the user calls each of the rows that `evaluation` is of.

    """

    runs: list[Run]
    evaluations: list[ClassEvaluation | NumberEvaluation]
    predictions: NDArray[np.float64]
    evaluation: ClassEvaluation | NumberEvaluation
    called: NDArray[np.int64]

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

    What the columns are is found out once, for the whole table; encoders are fitted for each fold on its training rows.
    Where a network stops early, it watches `validation_fraction` of its training rows, and never the rows of its fold.

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

    Warns
    -----
    RookeryWarning
        Of leakage: rows that have copies in other folds.

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
    given = _arguments(data, y, label=label, seed=seed, group=group, time=time, **arguments)
    survey = _surveyed(given)
    pairs = _folds(survey, folds, repeats, given)
    runs: list[Run] = []
    judged: list[ClassEvaluation | NumberEvaluation] = []
    total: NDArray[np.float64] | None = None
    times_seen = np.zeros(survey.everything.of)
    for kept, held_out in pairs:
        fold = survey.whole.take(held_out)
        run = begun(given, _prepared(survey, survey.whole.take(kept), fold, given))
        run.resume(on_epoch=given["on_epoch"], on_progress=given["on_progress"])
        outputs = _predictions(run, fold)
        total = np.zeros((len(times_seen), outputs.shape[1])) if total is None else total
        total[fold.observations.rows] += outputs
        times_seen[fold.observations.rows] += 1
        runs.append(run)
        judged.append(run.model.judge(fold.observations, fold.weights, intervals=0))
    assert total is not None
    with np.errstate(invalid="ignore"):
        mean = total / times_seen[:, np.newaxis]
    seen = survey.whole.take(np.flatnonzero(times_seen[survey.whole.observations.rows] > 0))
    rows = seen.observations
    return CrossValidation(runs, judged, mean, _together(runs[0], seen, mean[rows.rows]), rows.called)


def _arguments(*data: Any, **arguments: Any) -> dict[str, Any]:
    """All arguments of `train` by name."""
    given = signature(train).bind(*data, **arguments)
    for name in NOT_OF_FOLDS:
        if arguments.get(name) not in (None, False, 0):
            raise PlanError(f"{name}: does not go with folds, each of which trains on the rows of the others")
    given.apply_defaults()
    return settled(given.arguments)


def _surveyed(given: dict[str, Any]) -> Survey:
    preparation, loss, _ = preparation_of(given), loss_of(given), optimizer_of(given)
    whole("seed", given["seed"], at_least=0)
    weights = given["sample_weight"]
    return surveyed(
        given["data"], given["y"], preparation, task=given["task"], loss=loss,
        weights=None if isinstance(weights, str) else weights,
    )  # fmt: skip


def _folds(
    survey: Survey, folds: int, repeats: int, given: dict[str, Any]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training rows and held-out rows of each fold, by place among the rows that count."""
    rows, split = survey.whole.observations, survey.preparation.split
    classes = _class_numbers(survey)
    digests = digests_of(survey.whole, survey.schema, survey.classes)
    groups = times = None
    if split.group is not None or split.time is not None:
        by = split_by(rows, split)
        groups, times = (by, None) if split.group is not None else (None, by)
    elif survey.preparation.duplicates == "together":
        groups = digests
    stratified = classes if split.stratify and groups is None and times is None else None
    seed = given["seed"] if split.seed is None else split.seed
    pairs = fold_rows(len(rows), folds, repeats=repeats, seed=seed, classes=stratified, groups=groups, times=times)
    leak = leakage_of_folds(digests, pairs, rows.called)
    if leak is not None:
        warn(str(leak))
    return pairs


def _class_numbers(survey: Survey) -> NDArray[np.int32] | None:
    if survey.classes is None:
        return None
    rows = survey.whole.observations
    numbers = class_numbers(rows.y, survey.classes, rows.label, rows.called)
    check_no_single_rows(numbers, survey.classes, rows.label, rows.called, "name another label")
    return numbers


def _prepared(survey: Survey, kept: Part, fold: Part, given: dict[str, Any]) -> Prepared:
    """The fold is for validation; where validation rows decide when to stop, they are others, and it is for testing."""
    stops_early = EarlyStopping.of(given["early_stopping"] if given["plan"] is None else given["plan"].early_stopping)
    if stops_early is None:
        return parted(survey, kept, fold, None)
    preparation, seed = survey.preparation, given["seed"]
    train_rows, watched = with_validation(kept, preparation, survey.classes, seed, survey.schema)
    return parted(survey, train_rows, watched, fold)


def _predictions(run: Run, fold: Part) -> NDArray[np.float64]:
    model, x = run.model, fold.observations.x
    if model.classes is None:
        return np.asarray(model.predict(x)).reshape(len(fold), -1)
    return np.asarray(model.predict_proba(x), dtype=np.float64)


def _together(run: Run, seen: Part, predictions: NDArray[np.float64]) -> ClassEvaluation | NumberEvaluation:
    labels, rows = run.model.labels, seen.observations
    if labels.classes is None:
        numbers = predictions[:, 0] if rows.y.ndim == 1 else predictions
        return NumberEvaluation.of(numbers, rows.y.astype(np.float64), weights=seen.weights, labels=labels.names)
    truth = class_numbers(rows.y, labels.classes, labels.name, rows.called)
    return ClassEvaluation.of(predictions, truth, labels.classes, weights=seen.weights)
