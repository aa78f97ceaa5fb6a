"""The scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creche.errors import PlanError, TableError
from creche.estimators.base import DNNEstimator
from creche.estimators.labels import ClassLabels
from creche.model.thresholds import choose_classes, class_threshold
from creche.plan.arguments import reject_unknown
from creche.plan.row_order import RowOrder
from creche.plan.words import CLASS_WEIGHTINGS, ClassWeighting, DeviceName, canonical_word
from creche.table.label_argument import array_of_labels

if TYPE_CHECKING:
    from creche.plan.activations import Activation
    from creche.plan.embeddings import CategoryEmbedding, NumberEmbedding
    from creche.plan.initializers import Initializer
    from creche.plan.losses import Loss
    from creche.plan.optimizers import Optimizer
    from creche.plan.plan import EarlyStopping
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
    from creche.training.run import Run

__all__ = ["DNNClassifier"]


class DNNClassifier(ClassLabels, DNNEstimator):
    """A deep neural network for classification, as a scikit-learn estimator.

    On arrays of float64 it trains in float64, as scikit-learn does; float32 is faster.

    Parameters
    ----------
    hidden : sequence of int, default (32, 32)
        Widths of the hidden layers; empty for none.
    activation : Activation, str or a sequence with one for each hidden layer, default "tanh"
        Activation of the hidden layers.
    dropout : float or a sequence with one for each hidden layer, default 0
        Share of the hidden layers' activations dropped at random in a training step, from 0 to below 1.
    initializer : Initializer, str or a sequence with one for each layer, the output layer included, optional
        Distribution of the initial weights. By default, the one that suits each layer's activation.
    bias_initializer : {"zeros", "normal", "uniform", "sampled"} or a sequence with one for each layer, default "zeros"
        The initial biases; "sampled" draws them so that activations bend where the rows are: see `Layer`.
    normalization : {"layer", "batch", "none"} or a sequence with one for each hidden layer, optional
        What the weighted sums are normalized over before the activation: "layer", the neurons of a layer in each row;
        "batch", the rows of a batch for each neuron, and otherwise its running mean and variance.
    parametric_activation : bool or a sequence with one for each hidden layer, default False
        Whether each neuron learns how much its activation bends.
    residual : bool or a sequence with one for each hidden layer, default False
        Whether the inputs of a layer are added to its outputs; True for all hidden layers with as many neurons as
        inputs.
    scale_inputs : bool or a sequence with one for each layer, the output layer included, default False
        Whether each input has a learned factor; True for the first layer.
    number_embedding : PeriodicEmbedding, LinearEmbedding or str, optional
        How each number becomes several inputs of the first layer: "periodic", by cosines of learned frequencies; or
        "linear", by learned combinations of the number and its bins (see `Preprocessing`). By default it is one input.
    category_embedding : CategoryEmbedding or int, optional
        The length of the learned vector of each category, of columns with more than eight categories; by default each
        category has an input of its own.
    submodels : int, default 1
        How many networks share weights, and are trained and predict as one (Gorishniy, Kotelnikov & Babenko 2024,
        "TabM"). Training minimizes the mean of their losses; the prediction, and all that is evaluated, is the mean of
        their probabilities, or numbers. Not with a custom loss.
    weight_sharing : {"mini", "full"}, default "mini"
        What several submodels share. Each has an output layer of its own and a learned factor for each input; with
        "full" (Wen, Tran & Ba 2020, "BatchEnsemble") also factors for the inputs and outputs of each hidden layer, and
        biases.
    loss : Loss, str or function, optional
        What training minimizes; by default "cross_entropy" (of `DNNRegressor`, "squared_error").
    optimizer : Optimizer or str, default "adam"
        The update rule; ``optimizer__beta1=0.8`` sets one of its parameters.
    learning_rate : float, optional
        Step size; by default the optimizer's own.
    schedule : Schedule or str, default "constant"
        How the learning rate changes during training.
    weight_decay_schedule, dropout_schedule, label_smoothing_schedule : Schedule or str, default "constant"
        How the optimizer's weight decay, the layers' dropout and the loss's label smoothing change during training, as
        factors of their values: "flat_cosine" lets them vanish in the second half. Validation losses always have the
        full label smoothing.
    batch_size : int, default 32
        Rows per step.
    drop_last : bool, default False
        Whether an epoch leaves out the rows of a last batch that is not full; a single batch is always kept.
    submodel_batches : {"shared", "own"}, default "shared"
        Whether several submodels learn from the same rows in each step, or each from rows of its own: see
        `creche.train`.
    shards : int, default 1
        Parts of each batch whose gradients are summed each for itself, and then added in their order: see
        `creche.train`.
    epochs : int, default 100
        Passes over the training rows.
    early_stopping : EarlyStopping, int or bool, optional
        When to stop before the last epoch: True, the number of epochs without improvement to wait, or an
        `EarlyStopping`, which may watch any metric. By default training stops early where validation rows are given;
        True and numbers hold out a tenth of the rows for it, unless `validation_fraction` is given. False is for never.
    keep : {"best", "last"}, default "best"
        With which weights training ends: those of the best epoch on the validation rows, or of the last epoch. Without
        validation rows it is the last.
    validation_fraction : float, optional
        Share of rows held out for validation; by default 0.1 with early stopping, else 0.
    shuffle : bool or Windows, default True
        Whether each epoch goes through the rows in a new order; `Windows` shuffles blocks of neighboring rows.
    standardize, preprocessing, schema
        How columns become inputs, as for `creche.train`.
    class_weight : dict or "balanced", optional
        Weight of the training rows of each class.
    threshold : float, optional
        For two classes: predict the second from this probability on, also in `model_` and its file; by default the
        likelier class. `TunedThresholdClassifierCV` of scikit-learn chooses one.
    ordered : bool, default False
        Whether the classes, which are whole numbers, are learnt in their order: see `creche.train`.
    precision : {"float32", "float64", "tf32", "bfloat16"}, optional
        The type of weights and inputs; by default float32 for an array of float32, else float64. The last two
        round what products multiply: see `creche.train`.
    warm_start : bool, default False
        Whether `fit` continues where the last call ended, for `epochs` more epochs: with its encoders, weights,
        optimizer's state and number of epochs.
    on_epoch : function or sequence of functions, optional
        Called with an `EpochRecord` after each epoch; training stops when one returns True.
    random_state : int, RandomState or None, default None
        An int is the seed of `creche.train`, with which the same weights result again; None draws one for each fit.
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    device : str, optional
        What trains: "cpu", "cuda", "cuda:1" or another number, "mps", or "auto", which chooses by the work; by default
        ``CRECHE_DEVICE``, or else "cpu". A GPU that this machine lacks is an error, and is never replaced.
    verbose : int, default 0
        1 prints a line for each epoch.

    Attributes
    ----------
    classes_ : (classes,) array
        The classes, sorted, in the order of `predict_proba`'s columns; for several labels, their numbers.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : (d,) array of str
        Names of the features, if X had any.
    n_iter_ : int
        Completed epochs.
    model_ : Model
        The trained model, which can be saved.
    history_ : History
        Losses and metrics of each epoch.
    loss_ : float
        The training loss of the last epoch.
    loss_curve_, validation_loss_curve_ : list of float
        The losses of each epoch.
    coefs_, intercepts_ : list of array
        Weights and biases of each layer.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> network = DNNClassifier([16], epochs=60, learning_rate=0.01, random_state=0, threads=1)
    >>> bool(network.fit(X, X[:, 0] * X[:, 1] > 0).score(X, X[:, 0] * X[:, 1] > 0) > 0.95)
    True

    """

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
        class_weight: Mapping[Any, float] | ClassWeighting | None = None,
        ordered: bool = False,
        threshold: float | None = None,
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
        self.class_weight = class_weight
        self.ordered = ordered
        self.threshold = threshold

    classes_: NDArray[Any]

    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one more epoch on these rows; weights and the optimizer's state continue from the last call.

        The first call fits the encoders, unless `fit` was called before: its rows should be like those to come.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
            The features.
        y : array-like (n,)
            The labels.
        classes : array-like (classes,)
            All classes that any call will see; needed in the first call.
        sample_weight : array-like (n,), optional
            Weight of each row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As for `fit`, or if the classes are missing or differ from those before.

        """
        if canonical_word(self.class_weight, CLASS_WEIGHTINGS) == "balanced":
            raise PlanError(
                "class_weight: 'balanced' needs all rows at once, and partial_fit sees some; give a dict from class to "
                "weight",
                argument="class_weight",
            )
        if hasattr(self, "_state"):
            if classes is not None and not np.array_equal(
                np.unique(np.asarray(array_of_labels(classes))), self.classes_
            ):
                raise TableError(
                    f"classes: got {np.asarray(classes).tolist()}; they were {self.classes_.tolist()} before",
                    argument="classes",
                )
            return self._partial_fit(X, y, sample_weight)
        if classes is None:
            raise TableError(
                "classes: is missing; the first call of partial_fit needs all classes that any call will see",
                argument="classes",
            )
        known = np.unique(np.asarray(array_of_labels(classes)))
        self._partial_fit(X, y, sample_weight, classes=known.tolist())
        self.classes_ = known
        return self

    def _store(self, run: Run, labels: NDArray[Any] | None) -> Self:
        super()._store(run, labels)
        self._apply_threshold()
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likeliest class of each row, or the second of two classes from the threshold on.

        For several labels, it is whether yes is predicted for each.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n,) array of the labels' type, or (n, k) for several labels

        """
        x = self._validate_fitted(X)
        if self.model_.labels.is_multilabel:
            return np.asarray(self.model_.predict(x), dtype=self._answer_type)
        probabilities = np.asarray(self.model_.predict_proba(x))
        return np.asarray(self.classes_[choose_classes(probabilities, class_threshold(self.model_.threshold))])
