"""What a model and an ensemble have in common: predicting, and evaluating predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray

from creche._displayed import Displayed
from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import CrecheError, TableError
from creche.model.thresholds import (
    DecisionThreshold,
    GivenThreshold,
    check_threshold,
    choose_classes,
    class_threshold,
)
from creche.plan.arguments import reject_unknown
from creche.plan.words import MissingLabel, SqlDialect
from creche.table.class_names import name_labels
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder, class_array, encode_classes
from creche.table.observations import Observations, read_observations
from creche.table.reading.options import ReadOptions
from creche.table.result_frames import frame_like
from creche.table.row_weights import resolve_sample_weights
from creche.table.table import Table

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation, Threshold
    from creche.evaluation.metrics import ThresholdMetric
    from creche.model.data_check import DataCheck
    from creche.scale.cluster import ClusterChoice
    from creche.table.training_summary import TrainingRows, TrainingSummary

__all__ = ["Predictor"]


class Predictor(Displayed, ABC):
    """Predicts from tables and evaluates the predictions: a `Model` or an `Ensemble`.

    Attributes
    ----------
    features : FeatureEncoder
        Turns columns into inputs.
    labels : LabelEncoder
        Turns outputs into classes or numbers.

    """

    features: FeatureEncoder
    labels: LabelEncoder

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles it predicts, in ascending order; empty if it predicts something else."""
        return self.labels.quantiles

    @property
    @abstractmethod
    def training_summary(self) -> TrainingSummary | None:
        """What it keeps of its training rows; None if it was saved by an earlier version."""

    @abstractmethod
    def _predict_probabilities(self, data: Any) -> NDArray[Any]:
        """Predict the probability of each class, (n, classes); rows sum to 1."""

    @abstractmethod
    def _predict_numbers(self, data: Any) -> NDArray[Any]:
        """Predict numbers in the labels' units, (n,) or (n, k)."""

    #: The probability at or above which the second of two classes is predicted, or yes for each of several labels; None
    # for
    #: the likelier one.
    threshold: DecisionThreshold | None

    def with_threshold(self, threshold: GivenThreshold | None) -> Self:
        """Return the model with another threshold, which `predict`, `evaluate` and its file then use.

        Parameters
        ----------
        threshold : Threshold, float or None
            The probability at or above which the second of two classes is predicted, such as `choose_threshold`
            returns; None predicts the likelier class. For several labels of yes or no, one for all of them, a sequence
            with one for each, or a dict from some labels to theirs, such as `choose_thresholds` returns.

        Raises
        ------
        TableError
            If there are neither two classes nor several labels of yes or no, or a threshold is not a probability.

        Examples
        --------
        >>> import creche as cr
        >>> penguins = cr.datasets.penguins().drop_nulls()
        >>> model = cr.train(penguins, label="sex", epochs=5, threads=1).model
        >>> chosen = model.choose_threshold(penguins, metric="f1")
        >>> model.with_threshold(chosen).threshold == chosen.threshold
        True

        """
        return self._replace_threshold(None if threshold is None else check_threshold(threshold, self.labels))

    @abstractmethod
    def _replace_threshold(self, threshold: DecisionThreshold | None) -> Self: ...

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes, in the order of the columns of `predict_proba`; None for numbers, or several labels."""
        return self.labels.classes

    @cached_property
    def _class_array(self) -> NDArray[Any]:
        return class_array(self.labels.classes or ())

    @overload
    def predict_proba(
        self, data: Any, *, as_frame: Literal[False] = False, cluster: ClusterChoice | None = None
    ) -> NDArray[Any]: ...

    @overload
    def predict_proba(self, data: Any, *, as_frame: Literal[True], cluster: ClusterChoice | None = None) -> Any: ...

    @reject_unknown
    def predict_proba(self, data: Any, *, as_frame: bool = False, cluster: ClusterChoice | None = None) -> Any:
        """Predict the probability of each class, or of the yes of each of several labels, for each row.

        Parameters
        ----------
        data : file name, DataFrame or (n, d) array
            A table needs the columns that the network was trained on, in any order; other columns are ignored. A row of
            a pandas DataFrame (``df.iloc[0]``) or a dict of values is one row.
        as_frame : bool, default False
            Whether to return a DataFrame, whose columns have the names of the classes, or labels: of the library that
            `data` came in, with the index of a pandas DataFrame; of Polars if `data` is not a DataFrame.
        cluster : str, Cluster or executor, optional
            Other processes or machines that predict, 65,536 rows at a time, with the same bits: as for `creche.sweep`.

        Returns
        -------
        (n, classes) array of the plan's precision, or DataFrame
            Rows sum to 1; columns are in the order of `classes`. For k labels of yes or no, (n, k) float64.

        Raises
        ------
        TableError
            If a column is missing, or holds values of another kind than in training.
        CrecheError
            If the label is a number.

        """
        self._require_classes()
        probabilities = self.predict_values(data, cluster)
        if not as_frame:
            return probabilities
        return frame_like(data, dict(zip(map(str, self.labels.outcomes), probabilities.T, strict=True)))

    def predict_values(self, data: Any, cluster: ClusterChoice | None = None) -> NDArray[Any]:
        """Predict what `predict_proba` returns, or, for labels that are numbers, what `predict` returns.

        Parameters
        ----------
        data, cluster
            As for `predict_proba`.

        """
        if cluster is not None:
            from creche.model.elsewhere import predict_elsewhere

            return predict_elsewhere(self, data, cluster)
        return self._predict_numbers(data) if self.labels.task == "regression" else self._predict_probabilities(data)

    def _require_classes(self) -> None:
        if self.labels.task == "regression":
            raise CrecheError(f"predict_proba: the label {self.labels.name!r} is a number, not a class; use predict")

    @overload
    def predict(
        self, data: Any, *, as_frame: Literal[False] = False, cluster: ClusterChoice | None = None
    ) -> NDArray[Any]: ...

    @overload
    def predict(self, data: Any, *, as_frame: Literal[True], cluster: ClusterChoice | None = None) -> Any: ...

    @reject_unknown
    def predict(self, data: Any, *, as_frame: bool = False, cluster: ClusterChoice | None = None) -> Any:
        """Predict the likeliest class, the number, the quantiles, or the labels of yes or no of each row.

        Parameters
        ----------
        data, as_frame, cluster
            As for `predict_proba`; a frame has a column for each label, or each of several quantiles (``mass_q0.05``).

        Returns
        -------
        (n,) array, or (n, k) for k labels that are numbers, k quantiles in ascending order (of several labels, those of
        the first one first), or bool for k labels of yes or no; or DataFrame

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=20, learning_rate=0.01, threads=1).model
        >>> penguins = cr.datasets.penguins()
        >>> model.predict(penguins.head(2)).tolist()
        ['Adelie', 'Adelie']
        >>> model.predict(penguins.head(2), as_frame=True).columns
        ['species']
        >>> model.predict(penguins.row(0, named=True)).tolist()
        ['Adelie']

        """
        predicted = self.predict_values(data, cluster)
        if self.classes is not None:
            predicted = self._class_array[choose_classes(predicted, class_threshold(self.threshold))]
        elif self.labels.is_multilabel:
            predicted = self.answers(predicted)
        return self._label_frame(data, predicted) if as_frame else predicted

    def answers(self, probabilities: NDArray[Any], threshold: GivenThreshold | None = None) -> NDArray[np.bool_]:
        """Return whether yes is predicted for each of several labels.

        Parameters
        ----------
        probabilities : (n, k) array
            As `predict_proba` returns them.
        threshold : optional
            As for `with_threshold`; by default, the model's own.

        Returns
        -------
        (n, k) array of bool

        """
        chosen = self.threshold if threshold is None else check_threshold(threshold, self.labels)
        return np.asarray(probabilities >= np.asarray(0.5 if chosen is None else chosen))

    def _label_frame(self, data: Any, predicted: NDArray[Any], **more: NDArray[Any]) -> Any:
        """Return predictions as a frame with a column for each label or quantile, and more columns."""
        columns = predicted.reshape(len(predicted), -1).T
        return frame_like(data, dict(zip(self.labels.predicted_names, columns, strict=True)) | more)

    @reject_unknown
    def to_onnx(
        self, path: str | Path, *, check: Any = None, interval: float | None = None, tolerance: float = 1e-6
    ) -> None:
        """Write the model to an ONNX file, which takes raw columns and gives predictions, without Creche.

        The file has an input for each column, with the column's name, (rows, 1): double for numbers, string for
        categories and int64, microseconds since 1970, for dates; of a model of an array, one input ``X``. Its outputs
        are ``label`` and ``probabilities``, or ``prediction`` for numbers, and ``disagreement`` of several networks.

        Parameters
        ----------
        path : str or path
            Usually ending with ``.onnx``. A file of that name is replaced once the new one is whole on disk.
        check : file name, DataFrame or (n, d) array, optional
            Rows on which the file must predict what the model does; by default 200 rows made like the training rows.
            Where rare categories share several inputs by a hash, the file knows only those in these rows.
        interval : float, optional
            For models of `creche.fit`, a coverage such as 0.9: more outputs are ``low`` and ``high`` of a number, or
            ``in_set`` of classes, as `FittedModel.predict` gives them.
        tolerance : float, default 1e-6
            The largest difference of a probability; ten times as much of a number, in units of the label's standard
            deviation.

        Raises
        ------
        CrecheError
            If onnx is not installed, a part of the model cannot be expressed, or the file would predict otherwise.
        FileError
            If it cannot be written; a file that was there is unchanged.

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
        >>> model.to_onnx("penguins.csv")
        Traceback (most recent call last):
        creche.errors.FileError: penguins.csv: is the name of a table (.csv); a file for ONNX ends in .onnx
        >>> model.to_onnx("penguins.onnx")  # doctest: +SKIP

        """
        from creche import exporting

        exporting.write_onnx(self, path, check=check, interval=interval, tolerance=tolerance)

    @reject_unknown
    def to_javascript(self, path: str | Path, *, interval: float | None = None) -> None:
        """Write the model to a JavaScript module, which predicts rows in a browser or in Node, without Creche.

        The module exports ``predict(row)``, which takes an object with the value of each column, null where it is
        missing, and returns an object with ``label`` and ``probabilities``, or ``prediction``; and ``columns``,
        ``classes`` and ``RowError``, which a row throws that cannot be predicted.

        Parameters
        ----------
        path : str or path
            Usually ending with ``.js`` or ``.mjs``. A file of that name is replaced once the new one is whole on disk.
        interval : float, optional
            For models of `creche.fit`, a coverage such as 0.9: what ``predict`` returns has ``low`` and ``high`` of a
            number, or ``inSet`` of classes, as `FittedModel.predict` gives them.

        Raises
        ------
        PlanError
            If there are more than a million parameters, a part of the model cannot be expressed, or it has no intervals
            of this coverage.
        FileError
            If it cannot be written; a file that was there is unchanged.

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
        >>> model.to_javascript("penguins.csv")
        Traceback (most recent call last):
        creche.errors.FileError: penguins.csv: is the name of a table (.csv); a JavaScript module ends in .js
        >>> model.to_javascript("penguins.js")  # doctest: +SKIP

        """
        from creche import exporting

        exporting.write_javascript(self, path, interval=interval)

    @reject_unknown
    def to_sql(
        self,
        path: str | Path,
        *,
        table: str,
        keep: Sequence[str] | None = None,
        dialect: SqlDialect = "postgresql",
        interval: float | None = None,
    ) -> None:
        """Write the model to a query, which predicts all rows of a table within its database.

        Its result has the kept columns, ``predicted_`` with the name of the label and, for classes, ``probability_``
        with the name of each; of several networks also ``disagreement``.

        Parameters
        ----------
        path : str or path
            Usually ending with ``.sql``. A file of that name is replaced once the new one is whole on disk.
        table : str
            The name of the table; what is before a dot is its schema.
        keep : sequence of str, optional
            The columns of the table that the result has, such as its key; by default those that the model reads.
        dialect : {"postgresql", "duckdb", "sqlite"}, default "postgresql"
            The database. PostgreSQL and DuckDB get the same query.
        interval : float, optional
            For models of `creche.fit`, a coverage such as 0.9: more columns are ``low_`` and ``high_`` with the name of
            a number, or ``in_set_`` with that of each class, as `FittedModel.predict` gives them.

        Raises
        ------
        PlanError
            If there are more than 5,000 parameters, a part of the model cannot be expressed, or it has no intervals of
            this coverage.
        FileError
            If it cannot be written; a file that was there is unchanged.

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1).model
        >>> model.to_sql("penguins.csv", table="penguins")
        Traceback (most recent call last):
        creche.errors.FileError: penguins.csv: is the name of a table (.csv); a query in SQL ends in .sql
        >>> model.to_sql("penguins.sql", table="penguins", keep=["island"])  # doctest: +SKIP

        """
        from creche import exporting

        exporting.write_sql(self, path, table=table, keep=keep, dialect=dialect, interval=interval)

    def to_torch(self) -> Any:
        """Return the model as a module of PyTorch, with the same parameters, in eval mode.

        Returns
        -------
        torch.nn.Module
            ``module(x)`` predicts probabilities, or numbers, from encoded rows, which ``module.transform(data)`` makes.
            Of one network, ``module.network`` is a ``torch.nn.Sequential`` that gives the weighted sums of the output
            layer, which losses of PyTorch take; `creche.from_torch` makes a model of it again. Of several networks,
            ``module.members`` are these, and the module averages and calibrates as the ensemble does.

        Raises
        ------
        CrecheError
            If PyTorch is not installed.

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
        >>> module = model.to_torch()  # doctest: +SKIP
        >>> module(module.transform("penguins")).shape  # doctest: +SKIP
        torch.Size([344, 3])

        """
        from creche import exporting

        return exporting.build_torch_module(self)

    @reject_unknown
    def check_data(self, data: Any, *, read_options: ReadOptions | None = None) -> DataCheck:
        """Compare rows with the training rows: `predict` answers any rows, also those that it cannot know.

        Parameters
        ----------
        data : file name, DataFrame or (n, d) array
            As for `predict`; a file is read in batches.
        read_options : ReadOptions, optional
            How the file is written.

        Returns
        -------
        DataCheck
            For each column, with counts: values far outside the training range, with the unit they may be in;
            categories that training did not have; other shares of missing values; and, of fifty rows or more, a
            distribution that has changed.

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
        >>> import polars as pl
        >>> penguins = cr.datasets.penguins().head(3)
        >>> len(model.check_data(penguins))
        0
        >>> check = model.check_data(penguins.with_columns(pl.col("flipper_length_mm") / 10))
        >>> check.findings[0].column, check.findings[0].count, check.findings[0].unit
        ('flipper_length_mm', 3, 'centimetres')

        """
        from creche.model.data_check import check_data

        return check_data(self, data, read_options)

    @reject_unknown
    def evaluate(
        self,
        data: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        n_resamples: int = 1000,
        threshold: GivenThreshold | None = None,
        missing_label: MissingLabel = "error",
        memory: str | int | None = None,
        on_progress: OnProgress[StepProgress] = None,
    ) -> AnyEvaluation:
        """Evaluate the predictions on rows whose labels are known, and compare them with a constant prediction.

        Parameters
        ----------
        data : file name or DataFrame with the label column, or (n, d) array
            The rows.
        y : (n,) array, optional
            The labels, if `data` does not contain them.
        sample_weight : (n,) array or name of a column, optional
            How much each row counts.
        n_resamples : int, default 1000
            Bootstrap resamples for the 95 % confidence intervals; 0 for none.
        threshold : float, optional
            For two classes: predict the second at or above this probability; by default, the model's own `threshold`.
        missing_label : {"error", "drop"}, default "error"
            Whether rows without a label are an error or are left out.
        memory : str or int, optional
            What the table may take, as for `creche.train`: it is read and predicted in pieces. The labels, the
            predictions and what is computed from them are in memory.
        on_progress : callable or bool, optional
            By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A
            function is called with a `StepProgress` after some resamples.

        Returns
        -------
        ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation

        Examples
        --------
        >>> import creche as cr
        >>> model = cr.train("penguins", label="species", epochs=20, learning_rate=0.01, threads=1).model
        >>> evaluation = model.evaluate("penguins")
        >>> evaluation.accuracy > evaluation.baseline["accuracy"]
        True

        """
        rows = self.read_observations(data, y, missing_label=missing_label, memory=memory)
        return self.evaluate_rows(
            rows, sample_weight=sample_weight, n_resamples=n_resamples, threshold=threshold, counts_training_rows=True,
            on_progress=on_progress,
        )  # fmt: skip

    def find_training_rows(self, x: Table | NDArray[Any]) -> TrainingRows | None:
        """Count those of some rows that the model was trained on, by their features.

        Parameters
        ----------
        x : Table or (n, d) array
            The rows, as `read_observations` returns them.

        Returns
        -------
        TrainingRows or None
            None if there are none, or no more than chance would repeat, or the model was saved by an earlier version.

        """
        summary = self.training_summary
        return None if summary is None else summary.find_training_rows(self.features, x)

    @reject_unknown
    def choose_threshold(
        self,
        data: Any,
        y: Any = None,
        *,
        metric: ThresholdMetric | None = None,
        costs: tuple[float, float] | None = None,
        sample_weight: Any = None,
    ) -> Threshold:
        """Choose the probability at or above which the second of two classes is predicted.

        Parameters
        ----------
        data, y, sample_weight
            As for `evaluate`; preferably not the rows that the result is evaluated on.
        metric : {"accuracy", "balanced_accuracy", "f1"}, optional
            The metric to maximize; F1 is that of the second class.
        costs : (float, float), optional
            Instead of a metric: the cost of a false positive (the second class predicted wrongly) and of a false
            negative. Their mean is minimized.

        Returns
        -------
        Threshold

        Raises
        ------
        TableError
            If the label does not have two classes.

        """
        from creche.evaluation import choose_threshold

        rows = data if isinstance(data, Observations) else self.read_observations(data, y)
        if self.classes is None or len(self.classes) != 2:
            more = "; use choose_thresholds for several labels" if self.labels.is_multilabel else ""
            raise TableError(f"threshold: can only be chosen for models of two classes{more}")
        true = encode_classes(rows.y, self.classes, self.labels.name, rows.row_numbers)
        probabilities = self._predict_probabilities(rows.x)
        weights = resolve_sample_weights(sample_weight, rows)
        return choose_threshold(probabilities, true, metric=metric, costs=costs, weights=weights)

    @reject_unknown
    def choose_thresholds(
        self,
        data: Any,
        y: Any = None,
        *,
        metric: ThresholdMetric | None = None,
        costs: tuple[float, float] | None = None,
        sample_weight: Any = None,
    ) -> dict[str, Threshold]:
        """Choose the probability at or above which yes is predicted, for each of several labels.

        Parameters
        ----------
        data, y, metric, costs, sample_weight
            As for `choose_threshold`; F1 is that of yes.

        Returns
        -------
        dict of label to Threshold

        Raises
        ------
        TableError
            If there are not several labels of yes or no, or one has only one answer in these rows.

        """
        from creche.evaluation import choose_thresholds

        if not self.labels.is_multilabel:
            raise TableError("thresholds: are for models of several labels of yes or no; use choose_threshold")
        rows = data if isinstance(data, Observations) else self.read_observations(data, y)
        probabilities = self._predict_probabilities(rows.x)
        weights = resolve_sample_weights(sample_weight, rows)
        return choose_thresholds(probabilities, rows.y, self.labels.names, metric=metric, costs=costs, weights=weights)

    def read_observations(
        self,
        data: Any,
        y: Any = None,
        *,
        read_options: ReadOptions | None = None,
        missing_label: MissingLabel = "error",
        memory: str | int | None = None,
    ) -> Observations:
        """Read rows with their labels as the training rows were read.

        Parameters
        ----------
        data, y, missing_label, memory
            As for `evaluate`.
        read_options : ReadOptions, optional
            How to read a file.

        Returns
        -------
        Observations

        """
        if isinstance(y, str):
            raise TableError(
                f"y: got {y!r}; needs the labels, one per row. Those in the table are found by their name, "
                f"{self.labels.name!r}: leave y out"
            )
        if memory is not None:
            from creche.table.on_disk import read_within  # only now: most tables are in memory

            data = read_within(data, memory, read_options)
        expected = {**self.features.expected, **self.labels.expected}
        rows = read_observations(
            data, y, self.labels.names if y is None else None, expected=expected, missing_label=missing_label,
            read_options=read_options, task=self.labels.task,
        )  # fmt: skip
        names = self.labels.names_of_values
        if names is None:
            return rows
        return replace(rows, y=name_labels(rows.y, names, rows.label, rows.row_numbers))

    def evaluate_rows(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None = None,
        *,
        sample_weight: Any = None,
        n_resamples: int = 1000,
        threshold: GivenThreshold | None = None,
        counts_training_rows: bool = False,
        on_progress: OnProgress[StepProgress] = None,
    ) -> AnyEvaluation:
        """Evaluate the predictions on rows that have been read already: see `evaluate`.

        Parameters
        ----------
        rows : Observations
            Rows from `read_observations`.
        weights : (n,) float64, optional
            How much each row counts, where that is known already; `sample_weight` overrides it.
        sample_weight, n_resamples, threshold, on_progress
            As for `evaluate`.
        counts_training_rows : bool, default False
            Whether to count the rows that the model was trained on, which takes a summary of the training rows.

        Returns
        -------
        ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation

        """
        if sample_weight is not None:
            weights = resolve_sample_weights(sample_weight, rows)
        predict = self._predict_numbers if self.classes is None else self._predict_probabilities
        predicted = predict(rows.x)
        evaluate = self.prepare_evaluation(rows, weights, n_resamples=n_resamples, threshold=threshold)
        with watch_steps(on_progress):
            evaluation = evaluate(predicted)
        if not counts_training_rows:
            return evaluation
        return replace(evaluation, training_rows=self.find_training_rows(rows.x))

    def prepare_evaluation(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None = None,
        *,
        n_resamples: int = 1000,
        threshold: GivenThreshold | None = None,
    ) -> Callable[[NDArray[Any]], AnyEvaluation]:
        """Check the rows' labels once, and return a function that evaluates predictions for these rows.

        Parameters
        ----------
        rows : Observations
            Rows from `read_observations`.
        weights : (n,) float64, optional
            How much each row counts; 1 by default.
        n_resamples, threshold
            As for `evaluate`.

        Returns
        -------
        callable
            Takes probabilities (n, classes) or numbers (n, k), and returns their evaluation.

        """
        evaluate = self._prepare_evaluation(rows, weights, n_resamples, threshold)
        return lambda predicted: replace(evaluate(predicted), library=rows.library, row_numbers=rows.row_numbers)

    def _prepare_evaluation(
        self,
        rows: Observations,
        weights: NDArray[np.float64] | None,
        n_resamples: int,
        threshold: GivenThreshold | None,
    ) -> Callable[[NDArray[Any]], AnyEvaluation]:
        from creche.evaluation import ClassificationLabels, MultilabelEvaluation, RegressionEvaluation

        chosen = self.threshold if threshold is None else check_threshold(threshold, self.labels)
        baseline = np.array(self.labels.baseline)
        if self.classes is not None:
            numbers = encode_classes(rows.y, self.classes, self.labels.name, rows.row_numbers)
            return ClassificationLabels.of(
                numbers, self.classes, weights=weights, n_resamples=n_resamples, baseline=baseline,
                threshold=class_threshold(chosen), is_ordered=self.labels.is_ordered,
            ).evaluate  # fmt: skip
        if self.labels.is_multilabel:
            return partial(
                MultilabelEvaluation.of, y=rows.y, weights=weights, n_resamples=n_resamples, labels=self.labels.names,
                baseline=baseline, thresholds=chosen,
            )  # fmt: skip
        if rows.y.dtype.kind in "OUS":
            raise TableError(f"label {rows.label!r}: holds text; the network was trained on numbers there")
        return partial(
            RegressionEvaluation.of, y=rows.y.astype(np.float64), weights=weights, n_resamples=n_resamples,
            quantiles=self.quantiles, labels=self.labels.outcomes, baseline=baseline,
        )  # fmt: skip
