"""The result of a cross-validation: metrics of networks on rows that they never saw, predictions, models."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from creche._displayed import Displayed
from creche._progress import OnProgress, watch_steps
from creche.engine.hardware import Hardware
from creche.engine.introspection import predict_many
from creche.engine.parameters import Parameters
from creche.errors import TableError
from creche.evaluation import (
    AnyEvaluation,
    ClassificationEvaluation,
    MultilabelEvaluation,
    RegressionEvaluation,
)
from creche.evaluation.bootstrap import check_count
from creche.evaluation.fold_intervals import Spread
from creche.model.fold_origin import FoldMember, FoldOrigin
from creche.model_selection.held_out import (
    OutOfFoldPredictions,
    UncertainRow,
    find_uncertain_rows,
    out_of_fold_table,
)
from creche.model_selection.member import Member
from creche.table.folds import Fold
from creche.table.inspection import TableInspection
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations
from creche.table.partition import Partition
from creche.table.prepare import encode_features
from creche.table.result_frames import frame_method
from creche.table.table import FrameLibrary, Table
from creche.training.arguments import TrainArguments
from creche.training.run import Run

if TYPE_CHECKING:
    import polars as pl

    from creche.evaluation import Threshold
    from creche.evaluation.metrics import ThresholdMetric
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["CrossValidation", "TrainedFolds"]

ENDED = ("finished", "early_stopped", "stopped")
# How many networks predict at once, and how many numbers they may give together.
BATCHED_NETWORKS, BATCHED_NUMBERS = 64, 16_000_000


class TrainedFolds(Protocol):
    """What a cross-validation is made of: the networks of each fold."""

    @property
    def folds(self) -> list[Fold]: ...
    @property
    def arguments(self) -> TrainArguments: ...
    @property
    def hardware(self) -> Hardware: ...
    @property
    def seconds(self) -> float: ...
    def fold_networks(self, fold: int) -> list[tuple[int, Member | Run]]: ...


class CrossValidation(Displayed):
    """Networks trained on the folds of a table, and their predictions, as `creche.cross_validate` returns them.

    Attributes
    ----------
    members : list of Member or Run
        The networks, ordered by repeat, fold and seed, without those that diverged or, after Ctrl-C, had not ended;
        `Run` objects where they were trained one by one.
    fold_members : list of FoldMember
        The repeat, the fold and the seed of each of `members`.
    diverged : list of FoldMember
        The repeat, the fold and the seed of each network that diverged.
    seconds : float
        The training time.
    threads : int
        Number of threads.

    """

    def __init__(self, inspection: TableInspection, networks: TrainedFolds, n_resamples: int) -> None:
        self._inspection = inspection
        self._folds = networks.folds
        self._arguments = networks.arguments
        self._n_resamples = n_resamples
        self.seconds = networks.seconds
        self.threads = networks.hardware.threads
        self.members: list[Member | Run] = []
        self.fold_members: list[FoldMember] = []
        self.diverged: list[FoldMember] = []
        self._fold_indices: list[int] = []
        for i, fold in enumerate(self._folds):
            for seed, network in networks.fold_networks(i):
                fold_member = FoldMember(fold.repeat, fold.number, seed)
                if network.status == "diverged":
                    self.diverged.append(fold_member)
                elif network.status in ENDED:
                    self.members.append(network)
                    self.fold_members.append(fold_member)
                    self._fold_indices.append(i)

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which its tables come."""
        return self._inspection.labelled.library

    @property
    def row_labels(self) -> Any:
        """The index of the table, if it is a DataFrame of pandas."""
        return self._inspection.labelled.row_labels

    @property
    def is_multilabel(self) -> bool:
        """Whether the networks predict several labels of yes or no."""
        return self._inspection.task == "multilabel"

    @property
    def evaluations(self) -> list[AnyEvaluation]:
        """The evaluation of each network on the rows of its fold."""
        return self._evaluated[0]

    @property
    def predictions(self) -> NDArray[np.float64]:
        """The mean prediction for each row of the table, of the networks that never saw it: (n, classes) or (n, k).

        NaN for rows without a prediction, such as those without a label.
        """
        return self._evaluated[1].mean

    @property
    def disagreement(self) -> NDArray[np.float64]:
        """How far those networks disagree about each row, (n,): see `Ensemble.disagreement`.

        NaN for rows with fewer than two predictions, which are all rows if there is one repeat and one seed.
        """
        y = self._inspection.usable.observations.y
        is_classification = self._inspection.classes is not None
        scale = np.ones(1) if is_classification else y.reshape(len(y), -1).astype(np.float64).std(axis=0)
        scale = scale if is_classification else self.members[0].model.labels.repeat(scale)
        return self._evaluated[1].disagreement(scale)

    @property
    def prediction_counts(self) -> NDArray[np.int64]:
        """How many networks predicted each row of the table, (n,)."""
        return self._evaluated[1].counts

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """The row numbers, as the user counts, of the rows in `evaluation`, (m,)."""
        return self._predicted_rows.observations.row_numbers

    @cached_property
    def evaluation(self) -> AnyEvaluation:
        """The evaluation of all `predictions` together.

        Where several networks predicted a row, this evaluates their mean, which is better than a single network.
        """
        rows, model = self._predicted_rows.observations, self.members[0].model
        weights, predicted = self._predicted_rows.weights, self.predictions[rows.row_indices]
        # Without the model: its baseline is that of the first fold's training rows, not that of all rows.
        with watch_steps():
            return replace(self._evaluate(model.labels, predicted, rows, weights), library=self.library)

    def _evaluate(
        self,
        labels: LabelEncoder,
        predicted: NDArray[np.float64],
        rows: Observations,
        weights: NDArray[np.float64] | None,
    ) -> AnyEvaluation:
        if labels.is_multilabel:
            return MultilabelEvaluation.of(
                predicted, rows.y, weights=weights, n_resamples=self._n_resamples, labels=labels.names
            )
        if labels.classes is None:
            return RegressionEvaluation.of(
                predicted, rows.y.astype(np.float64), weights=weights, n_resamples=self._n_resamples,
                quantiles=labels.quantiles, labels=labels.outcomes,
            )  # fmt: skip
        true = encode_classes(rows.y, labels.classes, rows.label, rows.row_numbers)
        return ClassificationEvaluation.of(
            predicted, true, labels.classes, weights=weights, n_resamples=self._n_resamples,
            is_ordered=labels.is_ordered,
        )  # fmt: skip

    @property
    def test_to_train(self) -> float:
        """The ratio of held-out rows to training rows, both averaged over the folds."""
        folds = [self._folds[i] for i in sorted(set(self._fold_indices))]
        return sum(len(fold.held_out) for fold in folds) / sum(fold.n_train for fold in folds)

    def summary(self) -> dict[str, Spread]:
        """Return the mean of each metric over the folds, its 95 % CI, and how much of its variance is due to the seed.

        Metrics that no fold has are left out.
        """
        spreads = {}
        for name in self.evaluations[0].metrics():
            fold_values: dict[int, list[float]] = {}
            for i, evaluation in zip(self._fold_indices, self.evaluations, strict=True):
                fold_values.setdefault(i, []).append(evaluation.metrics()[name])
            rows = len(self._inspection.usable)
            spread = Spread.of(list(fold_values.values()), self.test_to_train, name, rows)
            if spread.networks:
                spreads[name] = spread
        return spreads

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with a row for each network: repeat, fold, seed, held-out rows and metrics."""
        import polars as pl

        return pl.DataFrame(self._network_rows())

    @frame_method
    def predictions_table(self) -> pl.DataFrame:
        """Return the out-of-fold predictions as a DataFrame, with a row for each predicted row of the table.

        The columns are row (the row number, as the user counts), ``true_<label>``, ``predicted_<label>``,
        ``probability_<class>`` for each class, disagreement (null where there are fewer than two predictions) and
        networks (how many predicted the row). One of pandas has the index of the table.
        """
        from creche.table.write import frame_of_table

        return frame_of_table(self._predictions())

    def write_predictions(self, path: str | Path) -> None:
        """Write `predictions_table` to a file: CSV, Parquet, Arrow or JSON lines, by the ending of its name.

        Parameters
        ----------
        path : str or path
            A file of that name is replaced.

        Raises
        ------
        FileError
            If the file cannot be written; an incomplete file is never left behind.
        PlanError
            If it is the table.

        """
        from creche._system.output_files import check_outputs
        from creche.table.datasets import locate_read_file
        from creche.table.write import TableWriter

        x = self._predicted_rows.observations.x
        check_outputs({"path": path}, {"table": locate_read_file(x.source) if isinstance(x, Table) else None})
        with TableWriter(path) as writer:
            writer.write(self._predictions())

    def most_uncertain_rows(self, limit: int = 5) -> list[UncertainRow]:
        """Return the rows about which the networks disagree most, in descending order of `disagreement`.

        Parameters
        ----------
        limit : int, default 5
            At most this many.

        Returns
        -------
        list of UncertainRow

        """
        check_count("limit", limit)
        rows = self._predicted_rows.observations.row_indices
        return find_uncertain_rows(
            self._predicted_rows, self._inspection.classes, self.predictions[rows], self.disagreement[rows], limit
        )

    def choose_threshold(
        self, *, metric: ThresholdMetric | None = None, costs: tuple[float, float] | None = None
    ) -> Threshold:
        """Choose the probability at or above which the second of two classes is predicted, by the out-of-fold
        predictions.

        Give it to a model with `Predictor.with_threshold`.

        Parameters
        ----------
        metric : {"accuracy", "balanced_accuracy", "f1"}, optional
            The metric to maximize; F1 is that of the second class.
        costs : (float, float), optional
            Instead of a metric: the cost of a false positive and of a false negative, whose mean is minimized.

        Returns
        -------
        Threshold

        Raises
        ------
        TableError
            If the label does not have two classes.
        PlanError
            If neither or both of `metric` and `costs` are given, or one is invalid.

        Examples
        --------
        >>> import creche as cr
        >>> crossed = cr.cross_validate(cr.datasets.penguins().drop_nulls(), label="sex", folds=3, epochs=5, threads=1)
        >>> model = crossed.ensemble().with_threshold(crossed.choose_threshold(costs=(1, 5)))
        >>> bool(0 < model.threshold < 0.5)
        True

        """
        from creche.evaluation import choose_threshold

        rows, classes = self._predicted_rows.observations, self._inspection.classes
        if classes is None or len(classes) != 2:
            more = "; use choose_thresholds for several labels" if self.is_multilabel else ""
            raise TableError(f"threshold: can only be chosen for models of two classes{more}")
        true = encode_classes(rows.y, classes, rows.label, rows.row_numbers)
        return choose_threshold(
            self.predictions[rows.row_indices], true, metric=metric, costs=costs, weights=self._predicted_rows.weights
        )

    def choose_thresholds(
        self, *, metric: ThresholdMetric | None = None, costs: tuple[float, float] | None = None
    ) -> dict[str, Threshold]:
        """Choose the probability at or above which yes is predicted for each of several labels, by the out-of-fold
        predictions.

        Parameters
        ----------
        metric, costs
            As for `choose_threshold`; F1 is that of yes.

        Returns
        -------
        dict of label to Threshold
            What `Predictor.with_threshold` takes.

        Raises
        ------
        TableError
            If there are not several labels of yes or no, or one has only one answer in the rows.
        PlanError
            As for `choose_threshold`.

        """
        from creche.evaluation import choose_thresholds

        if not self.is_multilabel:
            raise TableError("thresholds: are for models of several labels of yes or no; use choose_threshold")
        rows = self._predicted_rows.observations
        return choose_thresholds(
            self.predictions[rows.row_indices], rows.y, rows.labels, metric=metric, costs=costs,
            weights=self._predicted_rows.weights,
        )  # fmt: skip

    def ensemble(self) -> Ensemble:
        """Return the networks of all folds as one model, whose predictions are the mean of theirs.

        Each row was learned by most of its networks, so only `evaluation`, which the model records, says how good it
        is: it is that of networks which never saw a row. The mean of several is usually a little better than that.

        Examples
        --------
        >>> import creche as cr
        >>> crossed = cr.cross_validate("penguins", label="species", folds=3, epochs=20, threads=1)
        >>> ensemble = crossed.ensemble()
        >>> len(ensemble), ensemble.predict_proba("penguins").shape
        (3, (344, 3))

        """
        from creche.model_selection.fold_models import combine_fold_networks

        return combine_fold_networks(
            self.members, self._inspection, self.evaluation, self._describe_folds(), self.threads
        )

    def _describe_folds(self) -> FoldOrigin:
        first = self.members[0]
        return FoldOrigin(
            folds=max(fold.number for fold in self._folds),
            repeats=max(fold.repeat for fold in self._folds),
            seed=self._arguments.seed,
            split=self._inspection.preparation.split,
            stops_early=first.plan.early_stopping is not None,
            bootstrap=first.prepared.preparation.bootstrap is not None,
            members=tuple(self.fold_members),
            epochs=tuple(member.epoch for member in self.members),
        )

    def refit(self, *, on_progress: OnProgress[Run] = None) -> Model:
        """Train one network on all rows, for as many epochs as the networks of the folds needed.

        It has the first seed, and trains for the median of the epochs whose weights the networks of the folds have;
        schedules span these epochs. No row is held out, so the model records `evaluation`: networks that learned fewer
        rows than this one, on rows that they were not trained on.

        Parameters
        ----------
        on_progress : callable or bool, optional
            As for `creche.train`.

        Returns
        -------
        Model

        Raises
        ------
        PlanError
            If the networks were trained for 0 epochs.
        DivergedError
            If it diverges.

        Examples
        --------
        >>> import creche as cr
        >>> crossed = cr.cross_validate("penguins", label="species", folds=3, epochs=20, threads=1)
        >>> model = crossed.refit()
        >>> model.provenance.rows["train"]
        344

        """
        from creche.model_selection.fold_models import refit_on_all_rows

        return refit_on_all_rows(self.members, self._inspection, self.evaluation, self._arguments, on_progress)

    def to_dict(self) -> dict[str, Any]:
        """Return the networks, the summary and the evaluation of all predictions as plain data."""
        return {
            "folds": len({member.fold for member in self.fold_members}),
            "repeats": len({member.repeat for member in self.fold_members}),
            "seeds": len({member.seed for member in self.fold_members}),
            "seconds": self.seconds,
            "networks": [{name: _none_if_not_finite(v) for name, v in row.items()} for row in self._network_rows()],
            "diverged": [[member.repeat, member.fold, member.seed] for member in self.diverged],
            "summary": {name: spread.to_dict() for name, spread in self.summary().items()},
            "evaluation": self.evaluation.to_dict(),
        }

    def plot(self, *, axes: Any = None) -> Any:
        """Draw the out-of-fold predictions: the confusion matrix, or predicted against true numbers.

        Of several labels of yes or no, draw one: ``plots.confusion_matrix(crossed.evaluation.of_label("ill"))``.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        draw = plots.predicted_against_true if self._inspection.task == "regression" else plots.confusion_matrix
        return draw(self.evaluation, axes=axes)

    def __repr__(self) -> str:
        diverged = f", {len(self.diverged):,} diverged" if self.diverged else ""
        return f"CrossValidation({len(self.members):,} networks on {len(self._folds)} folds{diverged})"

    @cached_property
    def _evaluated(self) -> tuple[list[AnyEvaluation], OutOfFoldPredictions]:
        """The evaluation of each network on the rows of its fold, and the predictions of all of them."""
        observations, classes = self._inspection.usable.observations, self._inspection.classes
        columns = len(self.members[0].model.labels.outcomes)
        predictions = OutOfFoldPredictions(observations.n_table_rows, columns, classes is not None)
        evaluations = []
        for i, members in self._members_by_fold().items():
            fold = self._folds[i]
            rows, weights = fold.held_out.observations, fold.held_out.weights
            evaluate = members[0].model.prepare_evaluation(rows, weights, n_resamples=0)
            # The rows of a fold are encoded once for all of its networks.
            inputs = encode_features(fold.prepared.features, rows.x, members[0].plan.dtype, rows.row_numbers)
            batch = max(1, min(BATCHED_NETWORKS, BATCHED_NUMBERS // max(len(rows) * columns, 1)))
            for start in range(0, len(members), batch):
                models = [member.model for member in members[start : start + batch]]
                stack = Parameters.stack(model.parameters for model in models)
                batch_outputs = predict_many(models[0].plan, stack, inputs, self.threads)
                for model, outputs in zip(models, batch_outputs, strict=True):
                    model.check_outputs(outputs, rows.row_numbers)
                    predicted = model.decode_outputs(outputs)
                    predictions.add(rows.row_indices, np.asarray(predicted, dtype=np.float64))
                    evaluations.append(evaluate(predicted))
        return evaluations, predictions

    def _members_by_fold(self) -> dict[int, list[Member | Run]]:
        by_fold: dict[int, list[Member | Run]] = {}
        for member, i in zip(self.members, self._fold_indices, strict=True):
            by_fold.setdefault(i, []).append(member)
        return by_fold

    @cached_property
    def _predicted_rows(self) -> Partition:
        whole = self._inspection.usable
        return whole.take(np.flatnonzero(self.prediction_counts[whole.observations.row_indices] > 0))

    def _predictions(self) -> Table:
        rows = self._predicted_rows.observations.row_indices
        return out_of_fold_table(
            self._predicted_rows, self.members[0].model.labels, self.predictions[rows], self.disagreement[rows],
            self.prediction_counts[rows],
        )  # fmt: skip

    def _network_rows(self) -> list[dict[str, Any]]:
        return [
            {"repeat": member.repeat, "fold": member.fold, "seed": member.seed, "rows": e.rows, **e.metrics()}
            for member, e in zip(self.fold_members, self.evaluations, strict=True)
        ]


def _none_if_not_finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
