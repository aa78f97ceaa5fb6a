"""The fitted model: what `creche.fit` returns, an ensemble that knows how it was found and how far off it may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche.errors import FileError, PlanError
from creche.model.calibration import Calibration
from creche.model.ensemble import Ensemble
from creche.model.fit_record import FitRecord
from creche.model.model import Model
from creche.model.provenance import Provenance
from creche.model.thresholds import DecisionThreshold, choose_classes, class_threshold, read_threshold
from creche.plan.arguments import reject_unknown
from creche.table.labels import LabelEncoder

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.scale.cluster import ClusterChoice
    from creche.table.training_summary import TrainingSummary

__all__ = ["FittedModel"]

T = TypeVar("T")
Later: TypeAlias = T | Callable[[], T] | None  # a value, or a function that returns it when it is first asked for


class FittedModel(Ensemble):
    """The networks that `creche.fit` keeps, which predict together, calibrated on rows that they were not trained on.

    Parameters
    ----------
    models : sequence of Model
    weights : sequence of float
        How much each counts.
    labels : LabelEncoder
        The label, with the baseline of all rows.
    calibration : Calibration
    record : FitRecord
        What was tried and kept.
    scores : (m,) or (m, labels) float64
        The sorted conformity scores of out-of-fold predictions: 1 less the probability of the true class, or the
        absolute error of each number; where there are more than 1,000, those at 1,000 evenly spaced ranks.
    threshold : float, optional
        Predict the second of two classes at or above this probability.
    threads : int, optional
    provenance : Provenance or callable, optional
        Where it comes from; or a function that returns it when it is first asked for.
    summary : TrainingSummary or callable, optional
        Describes all rows it was fitted to; or a function that returns it when it is first asked for.

    Attributes
    ----------
    out_of_fold : ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation, optional
        The evaluation of the out-of-fold predictions, with intervals that are computed when it is first asked for; None
        once loaded from a file, whose provenance holds its metrics.
    out_of_fold_rows : (n,) int64 array, optional
        The row numbers of the rows that were predicted out of fold.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.fit("penguins", label="species", effort="fast", threads=1)
    >>> model.predict("penguins")[:2].tolist()
    ['Adelie', 'Adelie']
    >>> predicted, sets = model.predict("penguins", interval=0.9)
    >>> sets.shape
    (344, 3)

    """

    def __init__(
        self,
        models: Sequence[Model],
        weights: Sequence[float],
        labels: LabelEncoder,
        calibration: Calibration,
        record: FitRecord,
        scores: NDArray[np.float64],
        threshold: DecisionThreshold | None = None,
        threads: int | None = None,
        provenance: Later[Provenance] = None,
        summary: TrainingSummary | Callable[[], TrainingSummary] | None = None,
    ) -> None:
        super().__init__(models, weights, 1.0, threads)
        self._provenance = provenance
        self.labels = labels
        self.calibration = calibration
        self.record = record
        self._out_of_fold: Later[AnyEvaluation] = None
        self.out_of_fold_rows: NDArray[np.int64] | None = None
        self.scores = scores
        self.threshold = threshold
        self._summary = summary

    def with_threads(self, threads: int | None) -> FittedModel:
        """Return the model with another number of threads.

        Parameters
        ----------
        threads : int or None
            Number of threads for predictions; None for ``CRECHE_NUM_THREADS``, or else the cores this process may use.

        """
        return FittedModel(
            self.models, self.weights.tolist(), self.labels, self.calibration, self.record, self.scores, self.threshold,
            threads, self._provenance, self._summary,
        )  # fmt: skip

    @property
    def provenance(self) -> Provenance | None:
        """Where the model comes from: preparation, digests of the data, history, evaluation; None if unknown."""
        if callable(self._provenance):
            self._provenance = self._provenance()
        return self._provenance

    @provenance.setter
    def provenance(self, provenance: Later[Provenance]) -> None:
        self._provenance = provenance

    @property
    def out_of_fold(self) -> AnyEvaluation | None:
        """The evaluation of the out-of-fold predictions; None once loaded from a file."""
        if callable(self._out_of_fold):
            self._out_of_fold = self._out_of_fold()
        return self._out_of_fold

    def set_origin(
        self,
        provenance: Callable[[], Provenance],
        out_of_fold: Callable[[], AnyEvaluation],
        rows: NDArray[np.int64],
    ) -> None:
        """Set functions that return where the model comes from and how good it is, when they are first asked for.

        Parameters
        ----------
        provenance, out_of_fold : callable
        rows : (n,) int64 array
            The row numbers of the rows that were predicted out of fold.

        """
        self._provenance, self._out_of_fold, self.out_of_fold_rows = provenance, out_of_fold, rows

    @property
    def training_summary(self) -> TrainingSummary | None:
        """What it keeps of the rows it was fitted to."""
        if callable(self._summary):
            self._summary = self._summary()
        return self._summary

    def set_summary(self, summary: Callable[[], TrainingSummary]) -> None:
        """Set the function that returns the summary of the rows it was fitted to.

        Parameters
        ----------
        summary : callable

        """
        self._summary = summary

    @reject_unknown
    def predict(
        self,
        data: Any,
        interval: float | None = None,
        *,
        as_frame: bool = False,
        cluster: ClusterChoice | None = None,
    ) -> Any:
        """Predict the likeliest class, or the number, of each row.

        Parameters
        ----------
        data
            As for `predict_proba`.
        interval : float, optional
            A coverage such as 0.9: also return, for each row, the interval or the set of classes that contains the
            true label with at least this probability, if rows are drawn as those of the table were (split conformal
            prediction by out-of-fold scores; Vovk 2015, "Cross-conformal predictors").
        as_frame : bool, default False
            Whether to return a DataFrame of the library that `data` came in, as `predict_proba` does.
        cluster : str, Cluster or executor, optional
            As for `predict_proba`.

        Returns
        -------
        (n,) array, or (n, k) for k labels that are numbers; or DataFrame
            With `interval`, a pair of this and, for a number, (n, 2) float64 of lower and upper limits, or (n, k, 2)
            for k numbers, where each number is within its limits with this probability; for classes, (n, classes)
            bool, True for the classes in the set. A DataFrame has these as more columns: "low" and "high" (of several
            labels "mass_low" and so on), or "in set: " and the name of the class.

        Raises
        ------
        PlanError
            If the coverage is not between 0 and 1, or higher than the number of rows allows.

        """
        limits: NDArray[Any] | None
        if self.labels.is_multilabel:
            if interval is not None:
                raise PlanError(
                    f"interval: the labels {', '.join(self.labels.names)} are yes or no; an interval is for numbers, "
                    "and a set for classes; leave it out",
                    argument="interval",
                )
            answers = self.answers(self.predict_values(data, cluster))
            return self._label_frame(data, answers) if as_frame else answers
        if self.classes is None:
            predicted = self.predict_values(data, cluster)
            limits = None if interval is None else self._intervals(predicted, interval)
            several = [f"{name}_" for name in self.labels.names] if len(self.labels.names) > 1 else [""]
            names = [f"{name}{end}" for name in several for end in ("low", "high")]
        else:
            probabilities = self.predict_values(data, cluster)
            predicted = self._class_array[choose_classes(probabilities, class_threshold(self.threshold))]
            limits = None if interval is None else self._sets(probabilities, interval)
            names = [f"in set: {name}" for name in self.classes]
        if as_frame:
            more = {} if limits is None else dict(zip(names, limits.reshape(len(limits), -1).T, strict=True))
            return self._label_frame(data, predicted, **more)
        return predicted if limits is None else (predicted, limits)

    def conformal_scores(self, coverage: float) -> NDArray[np.float64]:
        """Return the score that the true label's does not exceed with this probability, of each label.

        Parameters
        ----------
        coverage : float
            From above 0 to below 1.

        Returns
        -------
        (k,) float64 array
            Half the width of the interval of each number; for classes, one score: 1 less the smallest probability of a
            class in the set.

        Raises
        ------
        PlanError
            If the coverage is not between 0 and 1, or higher than the number of rows allows, or the scores of several
            labels were not kept apart by the version that saved the model.

        """
        if isinstance(coverage, bool) or not isinstance(coverage, int | float) or not 0 < coverage < 1:
            raise PlanError(
                f"interval: got {coverage!r}; needs a coverage above 0 and below 1, such as 0.9", argument="interval"
            )
        rows = self.record.judged_rows
        rank = math.ceil((rows + 1) * coverage - 1e-9)
        if rank > rows:
            raise PlanError(
                f"interval: got {coverage:g}, but {rows:,} out-of-fold predictions tell of at most "
                f"{rows / (rows + 1):.3g}; ask for less",
                argument="interval",
            )
        place = math.ceil(rank / rows * len(self.scores) - 1e-9)  # the next one up, where not all scores are kept
        scores, labels = np.atleast_1d(self.scores[place - 1]), len(self.labels.names)
        if self.labels.task == "regression" and len(scores) != labels:
            raise PlanError(
                f"interval: the model was saved by an earlier version, without the errors of each of {labels} labels; "
                "fit it again",
                argument="interval",
            )
        return scores

    def _intervals(self, numbers: NDArray[np.float64], coverage: float) -> NDArray[np.float64]:
        scores = self.conformal_scores(coverage)
        # Of quantiles, the outermost move: Romano, Patterson & Candès 2019, "Conformalized quantile regression".
        columns, step = numbers.reshape(len(numbers), -1), max(len(self.quantiles), 1)
        limits = np.stack([columns[:, ::step] - scores, columns[:, step - 1 :: step] + scores], axis=-1)
        return limits if len(scores) > 1 else limits[:, 0]

    def _sets(self, probabilities: NDArray[np.float64], coverage: float) -> NDArray[np.bool_]:
        in_set = 1.0 - probabilities <= self.conformal_scores(coverage)
        in_set[np.arange(len(in_set)), probabilities.argmax(axis=1)] = True  # never empty
        return np.asarray(in_set)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the weights of all networks by name, and what else the predictions depend on."""
        calibration = self.calibration
        numbers = [calibration.temperature, calibration.mix, *calibration.shares, *calibration.lowest]
        matrix = [number for row in calibration.matrix for number in row]
        return {
            **super().arrays(), "fit.scores": self.scores, "fit.weights": self.weights,
            "fit.calibration": np.array([*numbers, *calibration.highest, *matrix, *calibration.offsets]),
        }  # fmt: skip

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the header, plain data, and the named arrays of a model file."""
        header, arrays = super().to_parts()
        header["ensemble"] = {"weights": self.weights.tolist(), "temperature": 1.0}
        header.pop("threshold", None)  # it is with what else was fitted
        header["fit"] = {
            "labels": self.labels.to_dict(), "calibration": self.calibration.to_dict(),
            "record": self.record.to_dict(), "threshold": self.threshold,
        }  # fmt: skip
        arrays["fit.scores"] = self.scores
        if (summary := self.training_summary) is not None:
            header["fit"]["training"], own = summary.to_parts()
            arrays |= {f"fit.{name}": array for name, array in own.items()}
        return header, arrays

    @classmethod
    def _from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        fit = header["fit"]
        if not isinstance(fit, Mapping) or not {"labels", "calibration", "record", "threshold"} <= set(fit):
            raise FileError("its header does not describe how it was fitted; the file was damaged or made by hand")
        own = {name.removeprefix("fit."): array for name, array in arrays.items() if name.startswith("fit.")}
        networks = {name: array for name, array in arrays.items() if not name.startswith("fit.")}
        ensemble = Ensemble.from_parts({key: value for key, value in header.items() if key != "fit"}, networks)
        labels, record = (
            LabelEncoder.from_dict(fit["labels"], ensemble.models[0].plan.loss),
            FitRecord.from_dict(fit["record"]),
        )
        if (labels.names, labels.classes) != (ensemble.labels.names, ensemble.labels.classes):
            raise FileError("its label is not that of its networks; the file was damaged or made by hand")
        calibration = Calibration.from_dict(fit["calibration"], len(labels.classes or ()), len(labels.names))
        scores, threshold = own.pop("scores", None), read_threshold(fit["threshold"], labels)
        if scores is None or not _are_scores(scores, labels):
            raise FileError("its conformity scores are invalid; the file was damaged or made by hand")
        from creche.table.training_summary import TrainingSummary

        summary = TrainingSummary.from_parts(fit["training"], own, ensemble.features) if "training" in fit else None
        return cls(
            ensemble.models, ensemble.weights.tolist(), labels, calibration, record, scores, threshold, None,
            ensemble.provenance, summary,
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        # Functions cannot be pickled, what they return can.
        self.training_summary, self.provenance, self.out_of_fold  # noqa: B018
        return self.__dict__

    def __repr__(self) -> str:
        kept = len({entry.number for entry in self.record.tried if entry.weight > 0})
        networks = f"{format_count(len(self), 'network')} of {format_count(kept, 'configuration')}"
        return (
            f"FittedModel({networks}; {self.labels.name}; {self.record.score_name} {self.record.score:.4g} out of fold)"
        )


def _are_scores(scores: NDArray[Any], labels: LabelEncoder) -> bool:
    """Whether these are finite numbers in ascending order, of all labels together or of each."""
    is_valid = scores.shape[1:] in ((), (len(labels.names),)) and scores.dtype == np.float64 and len(scores) > 0
    return bool(is_valid and np.isfinite(scores).all() and (np.diff(scores, axis=0) >= 0).all())
