"""What came of a cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import predict_many, stack_weights
from creche.errors import DivergedError
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.evaluation.bootstrap import check_count
from creche.evaluation.fold_intervals import Spread
from creche.model_selection.fold_training import FoldNetworks, create_fold_networks
from creche.model_selection.held_out import OutOfFoldPredictions, UncertainRow, most_uncertain, out_of_fold_table
from creche.model_selection.member import Member
from creche.plan.arguments import check_whole_number
from creche.plan.plan import EarlyStopping
from creche.table.checks import warn
from creche.table.folds import check_fold_arguments, prepare_folds
from creche.table.inspection import TableInspection, inspect_table
from creche.table.labels import encode_classes
from creche.table.partition import Partition
from creche.table.prepare import encode_features
from creche.table.table import Table
from creche.training.arguments import (
    TrainArguments,
    resolve_arguments,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
)
from creche.training.run import Run

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CrossValidation", "FoldMember", "cross_validate"]

TOGETHER, NUMBERS_AT_ONCE = 64, 16_000_000  # networks, and numbers they say, that are held at a time


ENDED = ("finished", "early_stopped", "stopped")


@dataclass(frozen=True, slots=True)
class FoldMember:
    """Where a network stands among those of a cross-validation.

    Attributes
    ----------
    repeat, fold : int
        From 1.
    seed : int

    """

    repeat: int
    fold: int
    seed: int


class CrossValidation:
    """Networks on the folds of a table, as `creche.cross_validate` makes them.

    Attributes
    ----------
    members : list of Member or Run
        The networks: repeat by repeat, in each fold by fold, in each by seed. Those that diverged are left out, and
        after Ctrl-C those that were not done. (`Run` where they were trained one by one.)
    places : list of Place
        The repeat, fold and seed of each.
    diverged : list of Place
        Of those that diverged.
    seconds : float
        How long training took.
    threads : int
    called : (m,) int64
        What the user calls each of the rows that `evaluation` is of.

    """

    def __init__(self, survey: TableInspection, networks: FoldNetworks, n_resamples: int) -> None:
        self._survey = survey
        self._folds = networks.folds
        self._n_resamples = n_resamples
        self.seconds = networks.seconds
        self.threads = networks.threads
        self.members: list[Member | Run] = []
        self.places: list[FoldMember] = []
        self.diverged: list[FoldMember] = []
        self._fold_of: list[int] = []
        for i, fold in enumerate(self._folds):
            for seed, network in networks.on(i):
                place = FoldMember(fold.repeat, fold.number, seed)
                if network.status == "diverged":
                    self.diverged.append(place)
                elif network.status in ENDED:
                    self.members.append(network)
                    self.places.append(place)
                    self._fold_of.append(i)

    @cached_property
    def _judged(self) -> tuple[list[ClassificationEvaluation | RegressionEvaluation], OutOfFoldPredictions]:
        """Each network on the rows of its fold, which are encoded once for all networks that share them."""
        whole, evaluations = self._survey.usable.observations, []
        classes = self._survey.classes
        columns = len(classes) if classes is not None else whole.y.reshape(len(whole), -1).shape[1]
        said = OutOfFoldPredictions(whole.n_table_rows, columns, classes is not None)
        for i, members in self._by_fold():
            fold = self._folds[i]
            rows, weights = fold.held_out.observations, fold.held_out.weights
            judge = members[0].model.prepare_evaluation(rows, weights, n_resamples=0)
            inputs = encode_features(fold.prepared.features, rows.x, members[0].plan.precision, rows.row_numbers)
            together = max(1, min(TOGETHER, NUMBERS_AT_ONCE // max(len(rows) * columns, 1)))
            for begin in range(0, len(members), together):
                models = [member.model for member in members[begin : begin + together]]
                stack = stack_weights([model.weights for model in models])
                for model, outputs in zip(
                    models, predict_many(models[0].plan, stack, inputs, self.threads), strict=True
                ):
                    model.check_outputs(outputs, rows.row_numbers)
                    predicted = model.decode_outputs(outputs)
                    said.add(rows.row_indices, np.asarray(predicted, dtype=np.float64))
                    evaluations.append(judge(predicted))
        return evaluations, said

    def _by_fold(self) -> list[tuple[int, list[Member | Run]]]:
        found: dict[int, list[Member | Run]] = {}
        for member, i in zip(self.members, self._fold_of, strict=True):
            found.setdefault(i, []).append(member)
        return list(found.items())

    @property
    def evaluations(self) -> list[ClassificationEvaluation | RegressionEvaluation]:
        """Of each network on the rows of its fold."""
        return self._judged[0]

    @property
    def predictions(self) -> NDArray[np.float64]:
        """Of each row of the table by the networks that never saw it, their mean: (n, classes) or (n, k).

        NaN for rows that none was asked for, such as those without a label.
        """
        return self._judged[1].mean

    @property
    def disagreement(self) -> NDArray[np.float64]:
        """How far those networks disagree about each row, (n,): see `Ensemble.disagreement`.

        NaN for rows with fewer than two predictions, as all have without repeats and seeds.
        """
        y = self._survey.usable.observations.y
        scale = np.ones(1) if self._survey.classes is not None else y.reshape(len(y), -1).astype(np.float64).std(axis=0)
        return self._judged[1].disagreement(scale)

    @property
    def times(self) -> NDArray[np.int64]:
        """By how many networks each row was predicted, (n,)."""
        return self._judged[1].times

    @cached_property
    def _seen(self) -> Partition:
        """The rows that have predictions."""
        whole = self._survey.usable
        return whole.take(np.flatnonzero(self.times[whole.observations.row_indices] > 0))

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """What the user calls each of the rows that `evaluation` is of, (m,)."""
        return self._seen.observations.row_numbers

    @cached_property
    def evaluation(self) -> ClassificationEvaluation | RegressionEvaluation:
        """Of `predictions`, all together.

        Where rows were predicted by several networks, this is how good their mean is: better than one network alone.
        """
        rows, model = self._seen.observations, self.members[0].model
        said = self.predictions[rows.row_indices]
        # The baseline is not that of the first fold's training rows, but of all rows.
        if model.classes is None:
            return RegressionEvaluation.of(
                said, rows.y.astype(np.float64), weights=self._seen.weights, n_resamples=self._n_resamples,
                quantile=model.quantile, labels=model.labels.names,
            )  # fmt: skip
        truth = encode_classes(rows.y, model.classes, rows.label, rows.row_numbers)
        return ClassificationEvaluation.of(
            said, truth, model.classes, weights=self._seen.weights, n_resamples=self._n_resamples
        )

    def summary(self) -> dict[str, Spread]:
        """Of each metric the mean over the folds, an honest interval of 95 %, and what its spread goes with.

        Metrics that no fold has are left out.
        """
        ratio = self.test_to_train
        found = {}
        for name in self.evaluations[0].metrics():
            of_folds: dict[int, list[float]] = {}
            for i, evaluation in zip(self._fold_of, self.evaluations, strict=True):
                of_folds.setdefault(i, []).append(evaluation.metrics()[name])
            spread = Spread.of(list(of_folds.values()), ratio, name)
            if spread.networks:
                found[name] = spread
        return found

    @property
    def test_to_train(self) -> float:
        """Held-out rows to rows for training, both as means over the folds."""
        used = [self._folds[i] for i in sorted(set(self._fold_of))]
        return sum(len(fold.held_out) for fold in used) / sum(fold.n_train for fold in used)

    def table(self) -> pl.DataFrame:
        """One row for each network, as a Polars DataFrame: repeat, fold, seed, held-out rows, metrics."""
        import polars as pl

        return pl.DataFrame(self._rows())

    def rows(self) -> pl.DataFrame:
        """One row for each row of the table that was predicted, as a Polars DataFrame.

        Columns: row (as the user counts), ``true_<label>``, ``predicted_<label>``, ``probability_<class>`` of each
        class, doubt (see `doubt`; null where there is none), networks (how many predicted it).
        """
        from creche.table.write import frame_of_table

        return frame_of_table(self._predicted())

    def uncertain(self, most: int = 5) -> list[UncertainRow]:
        """The rows with predictions that the networks disagree about most, those first; see `doubt`."""
        check_count("doubtful", most)
        at = self._seen.observations.row_indices
        return most_uncertain(self._seen, self._survey.classes, self.predictions[at], self.disagreement[at], most)

    def write_rows(self, path: str | Path) -> None:
        """Writes `rows` to a file: CSV, Parquet, Arrow or JSON lines, by its name.

        Raises
        ------
        FileError
            If it cannot be written; nothing is left half written.

        """
        from creche.table.write import TableWriter

        with TableWriter(path) as writer:
            writer.write(self._predicted())

    def to_dict(self) -> dict[str, Any]:
        """The networks, the summary and the evaluation of all predictions together, as plain data."""
        return {
            "folds": len({place.fold for place in self.places}),
            "repeats": len({place.repeat for place in self.places}),
            "seeds": len({place.seed for place in self.places}),
            "seconds": self.seconds,
            "networks": [{name: _known(value) for name, value in row.items()} for row in self._rows()],
            "diverged": [[place.repeat, place.fold, place.seed] for place in self.diverged],
            "summary": {name: spread.to_dict() for name, spread in self.summary().items()},
            "evaluation": self.evaluation.to_dict(),
        }

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"repeat": place.repeat, "fold": place.fold, "seed": place.seed, "rows": e.rows, **e.metrics()}
            for place, e in zip(self.places, self.evaluations, strict=True)
        ]

    def _predicted(self) -> Table:
        rows = self._seen.observations.row_indices
        labels = self.members[0].model.labels
        return out_of_fold_table(self._seen, labels, self.predictions[rows], self.disagreement[rows], self.times[rows])

    def __repr__(self) -> str:
        diverged = f", {len(self.diverged):,} diverged" if self.diverged else ""
        return f"CrossValidation({len(self.members):,} networks on {len(self._folds)} folds{diverged})"


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


MOST_REPEATS = 10_000


def cross_validate(
    data: Any,
    y: Any = None,
    *,
    label: str | None = None,
    folds: int = 5,
    repeats: int = 1,
    seeds: int = 1,
    seed: int = 0,
    group: str | None = None,
    time: str | None = None,
    n_resamples: int = 1000,
    on_progress: Callable[[FoldNetworks], object] | None = None,
    **arguments: Any,
) -> CrossValidation:
    """Trains a network for each seed on each fold, all at once, and judges it on the rows of that fold.

    What the columns are is found out once, for the whole table; encoders are fitted for each fold on its training rows.
    Where a network stops early, it watches `validation_fraction` of its training rows, and never the rows of its fold.
    Each network is, bit for bit, the one that is trained alone on those rows.

    Parameters
    ----------
    data, y, label
        As for `creche.train`.
    folds : int, default 5
    repeats : int, default 1
        How often the rows are dealt out anew.
    seeds : int, default 1
        How many networks for each fold; they have the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        Of the folds (where `split_seed` is not given), and of the first network of each.
    group, time : str, optional
        A column whose equal values stay in one fold, or by which each fold is judged by what went before it only.
    n_resamples : int, default 1000
        Resamples for the intervals of `CrossValidation.evaluation`; 0 for none.
    on_progress : callable, optional
        Is called about twenty times a second with the networks, which say how many are `done` of ``len(networks)``, how
        many a second (`rate`), and how many `epochs`.
    **arguments
        Of `creche.train`: the network, the optimizer, the epochs, `threads`, …. With a loss that is a function of
        Python, or with `on_epoch`, the networks are trained one by one.

    Returns
    -------
    CrossValidation

    Warns
    -----
    CrecheWarning
        Of leakage: rows that have copies in other folds; of classes that a fold lacks; of networks that diverged.

    Raises
    ------
    TableError
        If there are fewer rows, groups or rows of a class than folds, or a fold leaves only one class to learn.
    PlanError
        If an argument cannot be, or there are more networks than memory.
    DivergedError
        If all networks of a fold diverged.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second; where networks were done, what they give is the exception's
        `cross_validation`.

    Examples
    --------
    >>> import creche as cr
    >>> crossed = cross_validate("penguins", label="species", folds=3, seeds=4, epochs=30, threads=1)
    >>> len(crossed.members), crossed.predictions.shape
    (12, (344, 3))
    >>> accuracy = crossed.summary()["accuracy"]
    >>> bool(accuracy.low < accuracy.mean <= accuracy.high)
    True

    """
    given = _arguments(data, y=y, label=label, seed=seed, group=group, time=time, **arguments)
    first, count = check_whole_number("seed", given.seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    check_count("n_resamples", n_resamples)
    survey = _surveyed(given)
    stops_early = EarlyStopping.of(given.early_stopping if given.plan is None else given.plan.early_stopping)
    check_whole_number("repeats", repeats, at_least=1, at_most=MOST_REPEATS)  # before rows are dealt out so often
    parted = prepare_folds(survey, folds, repeats, first, stops_early=stops_early is not None)
    networks = create_fold_networks(parted, range(first, first + count), given)
    try:
        networks.train(on_progress)
    except KeyboardInterrupt as interrupt:
        done = CrossValidation(survey, networks, n_resamples)
        if done.members:
            interrupt.cross_validation = done  # type: ignore[attr-defined]
        raise
    crossed = CrossValidation(survey, networks, n_resamples)
    if crossed.diverged:
        _tell_of_diverged(networks, crossed)
    return crossed


def _arguments(data: Any, **arguments: Any) -> TrainArguments:
    """All arguments of `train`."""
    given = TrainArguments.complete(data, arguments)
    check_fold_arguments(arguments)
    return resolve_arguments(given)


def _surveyed(given: TrainArguments) -> TableInspection:
    preparation, loss, _ = resolve_preparation(given), resolve_loss(given), resolve_optimizer(given)
    return inspect_table(given.data, given.y, preparation, task=given.chosen_task, loss=loss, weights=given.row_weights)


def _tell_of_diverged(networks: FoldNetworks, crossed: CrossValidation) -> None:
    """A warning that some are left out; an error where a fold is left without any."""
    diverged = [(i, seed) for i in range(len(networks.folds)) for seed, n in networks.on(i) if n.status == "diverged"]
    i, seed = diverged[0]
    fold, (epoch, batch, rate) = networks.folds[i], networks.divergence(i, seed)
    said = (
        f"{len(diverged):,} of {len(networks):,} networks diverged (seed {seed} on fold {fold.number} of repeat "
        f"{fold.repeat} in epoch {epoch + 1}, for one)"
    )
    cure = f"try a learning rate of {rate / 10:g} or lower"
    left = {(place.repeat, place.fold) for place in crossed.places}
    without = [f for f in networks.folds if (f.repeat, f.number) not in left]
    if without:
        raise DivergedError(f"{said}, so fold {without[0].number} has none to judge; {cure}", epoch, batch, rate, None)
    warn(f"{said} and are left out of what is told of the others; {cure}")
