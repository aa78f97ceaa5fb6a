"""scikit-learn estimators over `creche.fit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creche.errors import TableError
from creche.estimators.labels import ClassLabels, LabelledEstimator, NumberLabels
from creche.fitting.fit import fit
from creche.plan.arguments import reject_unknown
from creche.plan.words import DeviceName

if TYPE_CHECKING:
    from creche.evaluation.metrics import MetricName
    from creche.fitting.search import FitProgress
    from creche.model.fit_record import FitRecord
    from creche.model.fitted import FittedModel
    from creche.plan.words import ClassWeighting, Effort, Role
    from creche.table.schema import Schema

__all__ = ["TabularClassifier", "TabularRegressor"]


class TabularEstimator(LabelledEstimator):
    """The base of `TabularClassifier` and `TabularRegressor`."""

    @reject_unknown
    def __init__(
        self,
        *,
        effort: Effort = "default",
        time_limit: float | None = None,
        metric: MetricName | None = None,
        schema: Mapping[str, Role] | Schema | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        device: DeviceName | None = None,
        verbose: int = 0,
    ) -> None:
        self.effort = effort
        self.time_limit = time_limit
        self.metric = metric
        self.schema = schema
        self.random_state = random_state
        self.threads = threads
        self.device = device
        self.verbose = verbose

    model_: FittedModel
    record_: FitRecord

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit networks to folds of the rows, and keep those that predict the other rows best together.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
            The features.
        y : array-like (n,), or (n, k) of numbers, or for classifiers of 0 and 1
            The labels.
        sample_weight : array-like (n,), optional
            Weight of each row; rows of weight 0 are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the rows cannot be trained on (`TableError`), or a parameter is invalid (`PlanError`).

        """
        x, labels = self._validate_observations(X, y, reset=True)
        if len(labels) == 1:
            raise TableError("X: has one sample; needs two or more, to evaluate networks on held-out rows")
        self.model_ = fit(
            x, labels, task=self._choose_task(labels), effort=self.effort, time_limit=self.time_limit,
            metric=self.metric, schema=self.schema, class_weight=getattr(self, "class_weight", None),
            quantiles=getattr(self, "quantiles", None), ordered=getattr(self, "ordered", False),
            sample_weight=sample_weight, seed=self._draw_seed(), threads=self.threads, device=self.device,
            on_progress=_create_printer() if self.verbose else False,
        )  # fmt: skip
        self.record_ = self.model_.record
        self._remember_labels(labels)
        return self


def _create_printer() -> Callable[[FitProgress], None]:
    """Return a function that prints a line whenever configurations have been trained."""
    printed = -1

    def report(progress: FitProgress) -> None:
        nonlocal printed
        if progress.tried > printed:
            printed = progress.tried
            best = "" if progress.best is None else f", lowest out-of-fold loss {progress.best:.6g}"
            print(f"{progress.tried} configurations tried, {progress.training} in training{best}")

    return report


class TabularClassifier(ClassLabels, TabularEstimator):
    """A strong classifier in one call: `creche.fit` as a scikit-learn estimator.

    Many networks are trained on folds of the rows, weighted by their predictions for the rows that they were not
    trained on, and calibrated on these.

    Parameters
    ----------
    effort : {"fast", "default", "best"}, default "default"
        The budget.
    time_limit : float, optional
        Seconds after which no more is tried.
    metric : str, optional
        What the model is to be good at, by default "log_loss"; "accuracy", "balanced_accuracy" and "f1" also choose the
        probability from which the second of two classes is predicted.
    schema : dict or Schema, optional
        Roles of columns, as for `creche.train`.
    class_weight : dict or "balanced", optional
        Weight of the rows of each class.
    threshold : float, optional
        For two classes: predict the second from this probability on, also in `model_` and its file; by default the
        likelier class, or what `metric` chooses. `TunedThresholdClassifierCV` of scikit-learn chooses one.
    ordered : bool, default False
        Whether the classes, which are whole numbers, are learnt in their order: see `creche.train`.
    random_state : int, RandomState or None, default None
        An int is the seed of `creche.fit`, with which the same model results again; None draws one for each fit.
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    device : str, optional
        What trains: "cpu", "cuda", "cuda:1" or another number, "mps", or "auto", which chooses by the work; by default
        ``CRECHE_DEVICE``, or else "cpu". A GPU that this machine lacks is an error, and is never replaced.
    verbose : int, default 0
        1 prints a line for each round of configurations.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_
        As for `DNNClassifier`.
    model_ : FittedModel
        The fitted model, which can be saved.
    record_ : FitRecord
        What was tried, kept and found.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((120, 2))
    >>> classifier = TabularClassifier(effort="fast", random_state=0, threads=1)
    >>> bool(classifier.fit(X, X[:, 0] * X[:, 1] > 0).score(X, X[:, 0] * X[:, 1] > 0) > 0.9)
    True

    """

    @reject_unknown
    def __init__(
        self,
        *,
        effort: Effort = "default",
        time_limit: float | None = None,
        metric: MetricName | None = None,
        schema: Mapping[str, Role] | Schema | None = None,
        class_weight: Mapping[Any, float] | ClassWeighting | None = None,
        threshold: float | None = None,
        ordered: bool = False,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        device: DeviceName | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            effort=effort, time_limit=time_limit, metric=metric, schema=schema, random_state=random_state,
            threads=threads, device=device, verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight
        self.threshold = threshold
        self.ordered = ordered

    def _remember_labels(self, labels: NDArray[Any]) -> None:
        super()._remember_labels(labels)
        self._apply_threshold()

    def predict(self, X: Any, interval: float | None = None) -> Any:
        """Return the likeliest class of each row, or the second of two classes from a chosen probability on.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
        interval : float, optional
            A coverage such as 0.9: also return the set of classes that holds the true one with this probability, as
            for `FittedModel.predict`.

        Returns
        -------
        (n,) array of the labels' type, or (n, k) for several labels
            With `interval`, a pair of this and an (n, classes) array of bool.

        """
        x = self._validate_fitted(X)
        predicted = self.model_.predict(x, interval)
        if self.model_.labels.is_multilabel:
            return np.asarray(predicted, dtype=self._answer_type)
        if interval is None:
            return np.asarray(predicted, dtype=self.classes_.dtype)
        return np.asarray(predicted[0], dtype=self.classes_.dtype), predicted[1]


class TabularRegressor(NumberLabels, TabularEstimator):
    """A strong regressor in one call: `creche.fit` as a scikit-learn estimator, for one or several numbers.

    Parameters
    ----------
    effort, time_limit, schema, random_state, threads, device, verbose
        As for `TabularClassifier`.
    metric : str, optional
        What the model is to be good at, by default "rmse", or "pinball" for quantiles.
    quantiles : sequence of float, optional
        Predict these quantiles of y, in ascending order, in place of its mean: ``[0.05, 0.5, 0.95]``.

    Attributes
    ----------
    n_features_in_, feature_names_in_, model_, record_
        As for `TabularClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((120, 2))
    >>> regressor = TabularRegressor(effort="fast", random_state=0, threads=1)
    >>> bool(regressor.fit(X, X[:, 0] * X[:, 1]).score(X, X[:, 0] * X[:, 1]) > 0.7)
    True
    >>> predicted, interval = regressor.predict(X, interval=0.9)
    >>> interval.shape
    (120, 2)

    """

    _task = "regression"

    @reject_unknown
    def __init__(
        self,
        *,
        effort: Effort = "default",
        time_limit: float | None = None,
        metric: MetricName | None = None,
        schema: Mapping[str, Role] | Schema | None = None,
        quantiles: Sequence[float] | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        device: DeviceName | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            effort=effort, time_limit=time_limit, metric=metric, schema=schema, random_state=random_state,
            threads=threads, device=device, verbose=verbose,
        )  # fmt: skip
        self.quantiles = quantiles

    def predict(self, X: Any, interval: float | None = None) -> Any:
        """Return the predicted number, or quantiles, of each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
        interval : float, optional
            A coverage such as 0.9: also return lower and upper limits between which the true number lies with this
            probability, as for `FittedModel.predict`.

        Returns
        -------
        (n,) float64 array, or (n, k) where y was, or for k quantiles
            With `interval`, a pair of this and an (n, 2) array, or (n, k, 2) for k numbers.

        """
        x = self._validate_fitted(X)
        return self.model_.predict(x, interval)
