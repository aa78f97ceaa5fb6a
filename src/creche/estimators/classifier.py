"""The classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from creche.errors import PlanError, TableError
from creche.estimators.base import DNNEstimator

if TYPE_CHECKING:
    from creche.plan.activations import Activation
    from creche.plan.initializers import Initializer
    from creche.plan.losses import Loss
    from creche.plan.optimizers import Optimizer
    from creche.plan.plan import EarlyStopping
    from creche.plan.schedules import Schedule
    from creche.plan.words import (
        ActivationName,
        InitializerName,
        LossName,
        OptimizerName,
        Precision,
        Role,
        Scaling,
        ScheduleName,
    )
    from creche.table.encoders.features import Preprocessing
    from creche.table.schema import Schema
    from creche.training.callbacks import OnEpoch
    from creche.training.run import Run

__all__ = ["DNNClassifier"]


class DNNClassifier(ClassifierMixin, DNNEstimator):  # type: ignore[misc]
    """A deep neural network that gives each row a class, as a scikit-learn estimator.

    Given arrays of float64, it trains in float64, as scikit-learn does; float32 is faster.

    Parameters
    ----------
    hidden : sequence of int, default (32, 32)
        The widths of the hidden layers; empty for none.
    activation, dropout, initializer, loss, optimizer, learning_rate, schedule, batch_size, epochs, shuffle
        As for `creche.train`, with its defaults. What is within a part can be reached too: ``optimizer__beta1=0.8``.
    early_stopping : optional
        True, a patience in epochs, or an `EarlyStopping`.
    validation_fraction : float, optional
        The share of the rows kept for validation. By default all are trained on, or, with early stopping, 0.9 of them.
    standardize, preprocessing, schema
        As for `creche.train`: how a table's columns become the network's inputs.
    class_weight : dict or "balanced", optional
        How much the rows of each class count.
    precision : {"float32", "float64"}, optional
        By default that of X: float32 for an array of it, else float64.
    warm_start : bool, default False
        Whether `fit` goes on from where the last call ended: with its encoders, weights, optimizer's state and count of
        epochs, for `epochs` more.
    on_epoch : function or several, optional
        As for `creche.train`.
    random_state : int, RandomState or None, default None
        An int is the seed of `creche.train`, which gives the same weights again; None takes a new one for each fit.
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    verbose : int, default 0
        1 prints a line for each epoch.

    Attributes
    ----------
    classes_ : (classes,) array
        Sorted, in the order of `predict_proba`'s columns.
    n_features_in_ : int
    feature_names_in_ : (d,) array of str
        Only if X had names of columns.
    n_iter_ : int
        Completed epochs.
    model_ : Model
        What `creche.train` gives; it can be saved.
    history_ : History
    loss_ : float
    loss_curve_, validation_loss_curve_ : list of float
    coefs_, intercepts_ : list of array
        Of each layer.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> network = DNNClassifier([16], epochs=60, learning_rate=0.01, random_state=0, threads=1)
    >>> bool(network.fit(X, X[:, 0] * X[:, 1] > 0).score(X, X[:, 0] * X[:, 1] > 0) > 0.95)
    True

    """

    _task = "classification"

    def __init__(
        self,
        hidden: Sequence[int] = (32, 32),
        *,
        activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "relu",
        dropout: float | Sequence[float] = 0.0,
        initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName] | None = None,
        loss: Loss | LossName | Callable[..., Any] | None = None,
        optimizer: Optimizer | OptimizerName = "adam",
        learning_rate: float | None = None,
        schedule: Schedule | ScheduleName = "constant",
        batch_size: int = 32,
        epochs: int = 100,
        early_stopping: EarlyStopping | int | bool | None = None,
        validation_fraction: float | None = None,
        shuffle: bool = True,
        standardize: bool = True,
        preprocessing: Preprocessing | Mapping[str, Any] | Scaling | None = None,
        schema: Mapping[str, Role] | Schema | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        precision: Precision | None = None,
        warm_start: bool = False,
        on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden, activation=activation, dropout=dropout, initializer=initializer, loss=loss, optimizer=optimizer,
            learning_rate=learning_rate, schedule=schedule, batch_size=batch_size, epochs=epochs,
            early_stopping=early_stopping, validation_fraction=validation_fraction, shuffle=shuffle,
            standardize=standardize, preprocessing=preprocessing, schema=schema, precision=precision,
            warm_start=warm_start,
            on_epoch=on_epoch, random_state=random_state, threads=threads, verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight

    classes_: NDArray[Any]

    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Trains for one epoch more, on these rows; weights and the optimizer's state go on from the call before.

        The first call, unless `fit` was called before, fixes the encoders: let its rows be like those to come.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
        y : array-like (n,)
        classes : array-like (classes,)
            All classes there will ever be. Needed in the first call.
        sample_weight : array-like (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As for `fit`, and if the classes are missing or others than before.

        """
        if self.class_weight == "balanced":
            raise PlanError(
                "class_weight: 'balanced' needs all rows at once, and partial_fit sees some; give a dict from class to "
                "weight"
            )
        if hasattr(self, "_state"):
            if classes is not None and not np.array_equal(np.unique(np.asarray(classes)), self.classes_):
                raise TableError(f"classes: got {np.asarray(classes).tolist()}; were {self.classes_.tolist()} before")
            return self._partial_fit(X, y, sample_weight)
        if classes is None:
            raise TableError("classes: is missing; the first call of partial_fit needs all classes there will be")
        known = np.unique(np.asarray(classes))
        self._partial_fit(X, y, sample_weight, classes=known.tolist())
        self.classes_ = known
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n, classes) array
            Columns in the order of `classes_`; rows sum to 1.

        """
        x = self._validate_fitted(X)
        return self.model_.predict_proba(x)

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """The logarithm of `predict_proba`: minus infinity where a probability is 0.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n, classes) array

        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n,) array of the labels' kind

        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[likeliest])

    def _store(self, run: Run, labels: NDArray[Any] | None) -> Self:
        super()._store(run, labels)
        if labels is not None:
            self.classes_ = np.array(self.model_.classes, dtype=labels.dtype)
        return self

    def _validate_labels(self, y: Any) -> NDArray[Any]:
        labels = np.asarray(column_or_1d(y, warn=True))
        check_classification_targets(labels)
        return labels
