"""What came of a cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.colony.member import Member
from creche.crossing.held_out import HeldOut
from creche.crossing.rows import Doubtful, most_doubtful, table_of_rows
from creche.crossing.trained import Networks
from creche.engine.inside import outputs_of_many, stacked
from creche.evaluation import ClassEvaluation, NumberEvaluation
from creche.evaluation.bootstrap import at_least_0
from creche.evaluation.spread import Spread
from creche.run import Run
from creche.table.columns import Table
from creche.table.labels import class_numbers
from creche.table.parts import Part
from creche.table.prepare import encoded_features
from creche.table.survey import Survey

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CrossValidation", "Doubtful", "Place"]

TOGETHER, NUMBERS_AT_ONCE = 64, 16_000_000  # networks, and numbers they say, that are held at a time
ENDED = ("finished", "early_stopped", "stopped")


@dataclass(frozen=True, slots=True)
class Place:
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

    def __init__(self, survey: Survey, networks: Networks, intervals: int) -> None:
        self._survey = survey
        self._folds = networks.folds
        self._intervals = intervals
        self.seconds = networks.seconds
        self.threads = networks.threads
        self.members: list[Member | Run] = []
        self.places: list[Place] = []
        self.diverged: list[Place] = []
        self._fold_of: list[int] = []
        for i, fold in enumerate(self._folds):
            for seed, network in networks.on(i):
                place = Place(fold.repeat, fold.number, seed)
                if network.status == "diverged":
                    self.diverged.append(place)
                elif network.status in ENDED:
                    self.members.append(network)
                    self.places.append(place)
                    self._fold_of.append(i)

    @cached_property
    def _judged(self) -> tuple[list[ClassEvaluation | NumberEvaluation], HeldOut]:
        """Each network on the rows of its fold, which are encoded once for all networks that share them."""
        whole, evaluations = self._survey.whole.observations, []
        classes = self._survey.classes
        columns = len(classes) if classes is not None else whole.y.reshape(len(whole), -1).shape[1]
        said = HeldOut(whole.of, columns, classes is not None)
        for i, members in self._by_fold():
            fold = self._folds[i]
            rows, weights = fold.held_out.observations, fold.held_out.weights
            judge = members[0].model.judging(rows, weights, intervals=0)
            inputs = encoded_features(fold.prepared.features, rows.x, members[0].plan.precision, rows.called)
            together = max(1, min(TOGETHER, NUMBERS_AT_ONCE // max(len(rows) * columns, 1)))
            for begin in range(0, len(members), together):
                models = [member.model for member in members[begin : begin + together]]
                stack = stacked([model.weights for model in models])
                for model, outputs in zip(
                    models, outputs_of_many(models[0].plan, stack, inputs, self.threads), strict=True
                ):
                    model.check_outputs(outputs, rows.called)
                    predicted = model.said(outputs)
                    said.add(rows.rows, np.asarray(predicted, dtype=np.float64))
                    evaluations.append(judge(predicted))
        return evaluations, said

    def _by_fold(self) -> list[tuple[int, list[Member | Run]]]:
        found: dict[int, list[Member | Run]] = {}
        for member, i in zip(self.members, self._fold_of, strict=True):
            found.setdefault(i, []).append(member)
        return list(found.items())

    @property
    def evaluations(self) -> list[ClassEvaluation | NumberEvaluation]:
        """Of each network on the rows of its fold."""
        return self._judged[0]

    @property
    def predictions(self) -> NDArray[np.float64]:
        """Of each row of the table by the networks that never saw it, their mean: (n, classes) or (n, k).

        NaN for rows that none was asked for, such as those without a label.
        """
        return self._judged[1].mean

    @property
    def doubt(self) -> NDArray[np.float64]:
        """How far those networks disagree about each row, (n,): see `Ensemble.disagreement`.

        NaN for rows with fewer than two predictions, as all have without repeats and seeds.
        """
        y = self._survey.whole.observations.y
        scale = np.ones(1) if self._survey.classes is not None else y.reshape(len(y), -1).astype(np.float64).std(axis=0)
        return self._judged[1].doubt(scale)

    @property
    def times(self) -> NDArray[np.int64]:
        """By how many networks each row was predicted, (n,)."""
        return self._judged[1].times

    @cached_property
    def _seen(self) -> Part:
        """The rows that have predictions."""
        whole = self._survey.whole
        return whole.take(np.flatnonzero(self.times[whole.observations.rows] > 0))

    @property
    def called(self) -> NDArray[np.int64]:
        """What the user calls each of the rows that `evaluation` is of, (m,)."""
        return self._seen.observations.called

    @cached_property
    def evaluation(self) -> ClassEvaluation | NumberEvaluation:
        """Of `predictions`, all together.

        Where rows were predicted by several networks, this is how good their mean is: better than one network alone.
        """
        rows, model = self._seen.observations, self.members[0].model
        said = self.predictions[rows.rows]
        # The baseline is not that of the first fold's training rows, but of all rows.
        if model.classes is None:
            return NumberEvaluation.of(
                said, rows.y.astype(np.float64), weights=self._seen.weights, intervals=self._intervals,
                quantile=model.quantile, labels=model.labels.names,
            )  # fmt: skip
        truth = class_numbers(rows.y, model.classes, rows.label, rows.called)
        return ClassEvaluation.of(said, truth, model.classes, weights=self._seen.weights, intervals=self._intervals)

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
        return sum(len(fold.held_out) for fold in used) / sum(fold.learnt for fold in used)

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

    def doubtful(self, most: int = 5) -> list[Doubtful]:
        """The rows with predictions that the networks disagree about most, those first; see `doubt`."""
        at_least_0("doubtful", most)
        at = self._seen.observations.rows
        return most_doubtful(self._seen, self._survey.classes, self.predictions[at], self.doubt[at], most)

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
        rows = self._seen.observations.rows
        labels = self.members[0].model.labels
        return table_of_rows(self._seen, labels, self.predictions[rows], self.doubt[rows], self.times[rows])

    def __repr__(self) -> str:
        diverged = f", {len(self.diverged):,} diverged" if self.diverged else ""
        return f"CrossValidation({len(self.members):,} networks on {len(self._folds)} folds{diverged})"


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
