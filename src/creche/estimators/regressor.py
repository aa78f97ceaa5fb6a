"""The scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creche.estimators.base import DNNEstimator
from creche.estimators.labels import NumberLabels
from creche.plan.arguments import reject_unknown
from creche.plan.plan import EarlyStopping
from creche.plan.row_order import RowOrder
from creche.plan.words import DeviceName

if TYPE_CHECKING:
    from creche.plan.activations import Activation
    from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
    from creche.plan.initializers import Initializer
    from creche.plan.losses import Loss
    from creche.plan.optimizers import Optimizer
    from creche.plan.schedules import Schedule
    from creche.plan.words import (
        ActivationName,
        BiasInitializerName,
        InitializerName,
        KeptWeights,
        LossName,
        Normalization,
        NumberEmbeddingName,
        OptimizerName,
        Precision,
        PreprocessingName,
        Role,
        ScheduleName,
        SubmodelBatches,
        WeightSharing,
    )
    from creche.table.encoders.features import Preprocessing
    from creche.table.schema import Schema
    from creche.training.callbacks import OnEpoch

__all__ = ["DNNRegressor"]


class DNNRegressor(NumberLabels, DNNEstimator):
    """A deep neural network for regression, with one or several numbers to predict, as a scikit-learn estimator.

    On arrays of float64 it trains in float64, as scikit-learn does; float32 is faster.

    Parameters
    ----------
    hidden : sequence of int, default (32, 32)
        Widths of the hidden layers; empty for none.
    activation, dropout, initializer, bias_initializer, normalization, parametric_activation, residual
        As for `DNNClassifier`.
    scale_inputs, number_embedding, category_embedding, submodels, weight_sharing, loss, optimizer, learning_rate
        As for `DNNClassifier`.
    schedule, weight_decay_schedule
        As for `DNNClassifier`.
    dropout_schedule
        As for `DNNClassifier`.
    quantiles : sequence of float, optional
        Predict these quantiles of y, in ascending order, in place of its mean: ``[0.05, 0.5, 0.95]``.
    label_smoothing_schedule, batch_size, drop_last, submodel_batches, shards, epochs, early_stopping
        As for `DNNClassifier`.
    keep, validation_fraction, shuffle, standardize, preprocessing, schema, precision, warm_start, on_epoch
        As for `DNNClassifier`.
    random_state, threads, device, verbose
        As for `DNNClassifier`.

    Attributes
    ----------
    n_features_in_, feature_names_in_, n_iter_, model_, history_, loss_, loss_curve_, validation_loss_curve_, coefs_,
    intercepts_
        As for `DNNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> network = DNNRegressor([16], epochs=60, learning_rate=0.01, random_state=0, threads=1)
    >>> bool(network.fit(X, X[:, 0] * X[:, 1]).score(X, X[:, 0] * X[:, 1]) > 0.9)
    True

    """

    _task = "regression"

    @reject_unknown
    def __init__(
        self,
        hidden: Sequence[int] = (32, 32),
        *,
        activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "tanh",
        dropout: float | Sequence[float] = 0.0,
        initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName] | None = None,
        bias_initializer: BiasInitializerName | Sequence[BiasInitializerName] = "zeros",
        normalization: Normalization | Sequence[Normalization | None] | None = None,
        parametric_activation: bool | Sequence[bool] = False,
        residual: bool | Sequence[bool] = False,
        scale_inputs: bool | Sequence[bool] = False,
        number_embedding: NumberEmbedding | NumberEmbeddingName | None = None,
        category_embedding: CategoryEmbedding | int | None = None,
        submodels: int = 1,
        weight_sharing: WeightSharing = "mini",
        loss: Loss | LossName | Callable[..., Any] | None = None,
        quantiles: Sequence[float] | None = None,
        optimizer: Optimizer | OptimizerName = "adam",
        learning_rate: float | None = None,
        schedule: Schedule | ScheduleName = "constant",
        weight_decay_schedule: Schedule | ScheduleName = "constant",
        dropout_schedule: Schedule | ScheduleName = "constant",
        label_smoothing_schedule: Schedule | ScheduleName = "constant",
        batch_size: int = 32,
        drop_last: bool = False,
        submodel_batches: SubmodelBatches = "shared",
        shards: int = 1,
        epochs: int = 100,
        early_stopping: EarlyStopping | int | bool | None = None,
        keep: KeptWeights = "best",
        validation_fraction: float | None = None,
        shuffle: RowOrder = True,
        standardize: bool = True,
        preprocessing: Preprocessing | Mapping[str, Any] | PreprocessingName | None = None,
        schema: Mapping[str, Role] | Schema | None = None,
        precision: Precision | None = None,
        warm_start: bool = False,
        on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
        device: DeviceName | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden, activation=activation, dropout=dropout, initializer=initializer,
            bias_initializer=bias_initializer, normalization=normalization,
            parametric_activation=parametric_activation, residual=residual, scale_inputs=scale_inputs,
            number_embedding=number_embedding, category_embedding=category_embedding, submodels=submodels,
            weight_sharing=weight_sharing, loss=loss, optimizer=optimizer,
            learning_rate=learning_rate, schedule=schedule, weight_decay_schedule=weight_decay_schedule,
            dropout_schedule=dropout_schedule, label_smoothing_schedule=label_smoothing_schedule,
            batch_size=batch_size, drop_last=drop_last, submodel_batches=submodel_batches, shards=shards,
            epochs=epochs, early_stopping=early_stopping, keep=keep,
            validation_fraction=validation_fraction, shuffle=shuffle, standardize=standardize,
            preprocessing=preprocessing, schema=schema, precision=precision, warm_start=warm_start, on_epoch=on_epoch,
            random_state=random_state, threads=threads, device=device, verbose=verbose,
        )  # fmt: skip
        self.quantiles = quantiles

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one more epoch on these rows; weights and the optimizer's state continue from the last call.

        The first call fits the encoders, unless `fit` was called before: its rows should be like those to come.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
            The features.
        y : array-like (n,) or (n, k)
            The labels.
        sample_weight : array-like (n,), optional
            Weight of each row.

        Returns
        -------
        self

        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the predicted number, or quantiles, of each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n,) float64 array, or (n, k) where y was, or for k quantiles; of several labels, those of the first one first

        """
        x = self._validate_fitted(X)
        return self.model_.predict(x)
