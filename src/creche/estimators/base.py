"""The base of the estimators of one network: parameters and training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from creche.errors import PlanError, TableError, nearest
from creche.estimators.labels import LabelledEstimator
from creche.estimators.rows import matching_precision
from creche.plan.activations import ACTIVATIONS
from creche.plan.arguments import ARGUMENTS, NUMBER_SCHEDULES, OF_NETWORK, PER_LAYER, reject_unknown
from creche.plan.component import Component
from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
from creche.plan.initializers import INITIALIZERS
from creche.plan.losses import LOSSES
from creche.plan.network import Network
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.row_order import RowOrder, choose_row_order
from creche.plan.schedules import SCHEDULES
from creche.plan.words import DeviceName
from creche.training.arguments import resolve_early_stopping
from creche.training.resume import TrainingState, continue_training
from creche.training.run import Run
from creche.training.train import train

if TYPE_CHECKING:
    from creche.model.history import History
    from creche.model.model import Model
    from creche.plan.activations import Activation
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

__all__ = ["ComponentParameters", "DNNEstimator"]

# Turns a parameter (a word, a dict, a component) into a component.
COMPONENTS: dict[str, Callable[[Any], Component | None]] = {
    "activation": ACTIVATIONS.of,
    "early_stopping": EarlyStopping.of,
    "initializer": INITIALIZERS.of,
    "loss": LOSSES.of,
    "optimizer": OPTIMIZERS.of,
    "schedule": SCHEDULES.of,
    **dict.fromkeys(NUMBER_SCHEDULES, SCHEDULES.of),
}


class ComponentParameters(BaseEstimator):  # type: ignore[misc]
    """An estimator with components of a plan as parameters: ``optimizer__learning_rate`` reaches into them."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default True
            Whether to include the parameters of those that are objects: ``optimizer__learning_rate`` of
            ``optimizer=cr.Adam()``.

        Returns
        -------
        dict

        """
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            for name in COMPONENTS:
                component = params.get(name)
                if isinstance(component, Component):
                    params |= {f"{name}__{field.name}": getattr(component, field.name) for field in fields(component)}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``optimizer__beta1=0.8`` changes one parameter of the optimizer and keeps the others.

        Parameters
        ----------
        **params
            New values by name.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such parameter.

        """
        nested = {
            name: params.pop(name) for name in list(params) if name.partition("__")[0] in COMPONENTS and "__" in name
        }
        super().set_params(**params)
        for name, value in nested.items():
            outer, _, inner = name.partition("__")
            component = COMPONENTS[outer](getattr(self, outer))
            known = [] if component is None else [field.name for field in fields(component)]
            if component is None or inner not in known:
                raise PlanError(
                    f"{name}: there is no such parameter of {outer}={component!r}; {nearest(inner, known)}",
                    argument=name,
                )
            setattr(self, outer, replace(component, **{inner: value}))
        return self


# Parameters that are passed on to `creche.train` as they are.
PASSED_ON = tuple(argument.name for argument in ARGUMENTS.values() if argument.estimator)

FRACTION_FOR_EARLY_STOPPING = 0.1


class DNNEstimator(ComponentParameters, LabelledEstimator):
    """The base of `DNNClassifier` and `DNNRegressor`."""

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
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.initializer = initializer
        self.bias_initializer = bias_initializer
        self.normalization = normalization
        self.parametric_activation = parametric_activation
        self.residual = residual
        self.scale_inputs = scale_inputs
        self.number_embedding = number_embedding
        self.category_embedding = category_embedding
        self.submodels = submodels
        self.weight_sharing = weight_sharing
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.dropout_schedule = dropout_schedule
        self.label_smoothing_schedule = label_smoothing_schedule
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.submodel_batches = submodel_batches
        self.shards = shards
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.keep = keep
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.standardize = standardize
        self.preprocessing = preprocessing
        self.schema = schema
        self.precision = precision
        self.warm_start = warm_start
        self.on_epoch = on_epoch
        self.random_state = random_state
        self.threads = threads
        self.device = device
        self.verbose = verbose

    model_: Model
    history_: History
    n_iter_: int

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """The weights of each layer, (d_in, d_out)."""
        return [weights for weights, _ in self.model_.weights]

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """The biases of each layer, (d_out,)."""
        return [bias for _, bias in self.model_.weights]

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return self.history_.train_loss.tolist()  # type: ignore[no-any-return]

    @property
    def validation_loss_curve_(self) -> list[float]:
        """The validation loss of each epoch; NaN if there were no validation rows."""
        return self.history_.validation_loss.tolist()  # type: ignore[no-any-return]

    @property
    def loss_(self) -> float:
        """The training loss of the last epoch; NaN before the first."""
        return self.loss_curve_[-1] if len(self.history_) else float("nan")

    def fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, validation_data: tuple[Any, Any] | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
            The features.
        y : array-like (n,), or (n, k) of numbers, or for classifiers of 0 and 1
            The labels.
        sample_weight : array-like (n,), optional
            Weight of each row; rows of weight 0 are left out. In a batch that holds all rows, a row of weight k counts
            as k equal rows.
        validation_data : pair (X, y), optional
            Rows for validation, in place of a share of X.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the rows cannot be trained on (`TableError`), or a parameter is invalid (`PlanError`).
        DivergedError
            If the loss is no longer finite.

        """
        state = getattr(self, "_state", None) if self.warm_start else None
        x, y = self._validate_observations(X, y, reset=state is None)
        held_out = self._validation_arguments(validation_data)
        if state is None:
            run = self._start(x, y, sample_weight, self.epochs, early_stopping=self.early_stopping, **held_out)
        else:
            has_validation = "validation_data" in held_out or held_out["validation_fraction"] > 0
            stopping = resolve_early_stopping(self.early_stopping, has_validation)
            plan = self._current_plan(state.plan, state.epoch + self.epochs, stopping)
            run = self._continue(state, plan, x, y, sample_weight, **held_out).resume(**self._callbacks(state))
        return self._store(run, y if state is None else None)

    def _partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None, **first_call: Any) -> Self:
        state: TrainingState | None = getattr(self, "_state", None)
        x, y = self._validate_observations(X, y, reset=state is None)
        if state is None:
            state = TrainingState.of(self._start(x, y, sample_weight, 0, **first_call))
        plan = self._current_plan(state.plan, max(self.epochs, state.epoch + 1), early_stopping=None)
        run = self._continue(state, plan, x, y, sample_weight)
        return self._store(run.resume(epochs=1, **self._callbacks(state)), None)

    def _validation_arguments(self, validation_data: Any) -> dict[str, Any]:
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
                raise TableError(
                    f"validation_data: got {type(validation_data).__name__}; needs a pair (X, y)",
                    argument="validation_data",
                )
            return {"validation_data": self._validate_observations(*validation_data, reset=False)}
        if self.validation_fraction is not None:
            return {"validation_fraction": self.validation_fraction}
        stops = EarlyStopping.of(self.early_stopping) is not None
        return {"validation_fraction": FRACTION_FOR_EARLY_STOPPING if stops else 0.0}

    def _start(self, x: Any, y: Any, sample_weight: Any, epochs: int, **others: Any) -> Run:
        arguments = {name: getattr(self, name) for name in PASSED_ON}
        return train(
            x, y, task=self._choose_task(y), epochs=epochs, seed=self._draw_seed(), sample_weight=sample_weight,
            class_weight=getattr(self, "class_weight", None), quantiles=getattr(self, "quantiles", None),
            ordered=getattr(self, "ordered", False),
            precision=self.precision or matching_precision(x),
            on_progress=self._epoch_printer(0) or False, **{"validation_fraction": 0.0, **arguments, **others},
        )  # fmt: skip

    def _continue(self, state: TrainingState, plan: Plan, x: Any, y: Any, sample_weight: Any, **held_out: Any) -> Run:
        return continue_training(
            state, plan, x, y, sample_weight=sample_weight, class_weight=getattr(self, "class_weight", None),
            threads=self.threads, device=self.device, **held_out,
        )  # fmt: skip

    def _current_plan(self, plan: Plan, epochs: int, early_stopping: EarlyStopping | None) -> Plan:
        """Return the plan so far with the current parameters; open lengths of the schedule span all epochs."""
        network, hidden = plan.network, np.asarray(self.hidden).tolist()
        optimizer = OPTIMIZERS.of(self.optimizer)
        if self.learning_rate is not None:
            optimizer = replace(optimizer, learning_rate=self.learning_rate)
        return replace(
            plan,
            network=Network.of(
                network.inputs,
                hidden,
                network.outputs,
                **{name: getattr(self, name) for name in (*PER_LAYER, *OF_NETWORK)},
                embeddings=network.embeddings,
                submodel_start=network.submodel_start,
                input_features=network.input_features,
            ),
            loss=plan.loss if self.loss is None else LOSSES.of(self.loss),
            optimizer=optimizer,
            schedule=SCHEDULES.of(self.schedule),
            **{name: getattr(self, name) for name in NUMBER_SCHEDULES},
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            submodel_batches=self.submodel_batches,
            shards=self.shards,
            epochs=epochs,
            shuffle=choose_row_order(self.shuffle),
            early_stopping=early_stopping,
            keep=self.keep,
        )

    def _callbacks(self, state: TrainingState) -> dict[str, Any]:
        on_epoch = {} if self.on_epoch is None else {"on_epoch": self.on_epoch}
        return {"on_progress": self._epoch_printer(state.epoch), **on_epoch}

    def _epoch_printer(self, printed: int) -> Callable[[Run], None] | None:
        """Return a function that prints each epoch once, from the number of those already printed on."""
        if not self.verbose:
            return None

        def report(run: Run) -> None:
            nonlocal printed
            history = run.history
            for epoch in range(printed, len(history)):
                held_out = f", validation loss {history.validation_loss[epoch]:.6g}" if history.has_validation else ""
                print(f"epoch {epoch + 1} of {run.plan.epochs}: loss {history.train_loss[epoch]:.6g}{held_out}")
            printed = len(history)

        return report

    def _store(self, run: Run, labels: NDArray[Any] | None) -> Self:
        """Set the attributes of a fitted estimator; `labels` are None if this call continued an earlier one."""
        self._state = TrainingState.of(run)
        # Without its provenance, which would keep the run and the training rows alive, and be computed when pickled.
        self.model_ = replace(run.model, origin=None)
        self.history_, self.n_iter_ = run.history, run.epoch
        if labels is not None:
            self._remember_labels(labels)
        return self
