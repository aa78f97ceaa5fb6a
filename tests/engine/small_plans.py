"""Small training jobs for the tests of the compiled engine, given to it directly."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

CLASS_LOSSES = ("cross_entropy", "squared_error_of_classes")
LOSSES = (*CLASS_LOSSES, "binary_cross_entropy", "squared_error", "absolute_error", "huber", "poisson", "quantile")
ACTIVATIONS = (
    "identity", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "tanh", "sigmoid", "softplus",
)  # fmt: skip
ACTIVATION_PARAMETER = {"leaky_relu": 0.01, "elu": 1.0, "softplus": 1.0}
NUMBER_SCHEDULES = ("weight_decay_schedule", "dropout_schedule", "label_smoothing_schedule")
SCHEDULES: list[dict[str, Any]] = [
    {}, {"kind": "flat_cosine", "length": 9.0, "per_step": True}, {"kind": "cosine_log", "length": 3.0},
    {"kind": "exponential", "factor": 0.8},
]  # fmt: skip
GROUPS: list[dict[str, float]] = [
    {}, {}, {"learning_rate": 0.1}, {"learning_rate": 0.25, "epsilon": 4.0, "weight_decay": 4.0, "l1": 2.0},
    {"weight_decay": 0.0, "l1": 0.0, "clip_value": 0.5},
]  # fmt: skip
# What a layer may have besides weights and biases, and what that begins with.
PARTS: list[dict[str, Any]] = [
    {}, {"scale_inputs": True}, {"parametric_activation": True}, {"normalization": "layer"}, {"normalization": "batch"},
    {"scale_inputs": True, "parametric_activation": True, "normalization": "layer"},
]  # fmt: skip
STARTS: list[dict[str, Any]] = [
    {}, {"bias_initializer": "normal"}, {"initializer": "unit_variance"},
    {"initializer": "unit_variance", "bias_initializer": "sampled"}, {"bias_initializer": "sampled"},
    {"bias_initializer": "uniform"},
]  # fmt: skip
ALL_PARTS = PARTS[-1]
ALL_PARTS_BY_BATCH: dict[str, Any] = {**ALL_PARTS, "normalization": "batch"}
STATISTICS = (".running_mean", ".running_variance")  # of batch normalization: no gradient changes them
GROUP_FIELDS = ("weights", "biases", "scale", "slopes", "gains")
# Of a table of nine columns: two numbers; a code of five; a feature of three columns and one of a single one.
EMBEDDINGS: list[dict[str, Any]] = [
    {"kind": "periodic", "columns": [0, 3], "width": 4, "frequencies": 5, "deviation": 0.3},
    {"kind": "category", "columns": [2], "sizes": [5], "width": 3},
    {"kind": "linear", "columns": [5, 4], "sizes": [3, 1], "width": 2},
]  # fmt: skip
EMBEDDED_COLUMNS = 9
OPTIMIZERS = ("sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "nadam", "radam", "lion", "lbfgs")


def examples(count: int) -> int:
    """Return how many examples of Hypothesis to run: fewer with sanitizers, with which each takes long."""
    return count // 3 if "CRECHE_SANITIZED" in os.environ else count


def spread_quantiles(outputs: int, shift: float = 0.0) -> list[float]:
    """Return a level for each output: all of them differ."""
    return [(c + 1) / (outputs + 1) + shift / (outputs + 2) for c in range(outputs)]


@dataclass
class Job:
    """A plan and a table for it; everything from a seed."""

    sizes: tuple[int, ...] = (4, 10, 10, 3)
    rows: int = 70
    batch_size: int = 20
    epochs: int = 3
    loss: str = "cross_entropy"
    activation: str = "relu"
    dropout: float = 0.0
    weighted: bool = False
    validation: int = 0
    seed: int = 0
    dtype: type = np.float32
    initializer: str = "he_uniform"
    optimizer: dict[str, Any] = field(default_factory=dict)
    groups: tuple[dict[str, float], ...] = ()  # factors: weights of the first layer, its biases, and so on
    parts: tuple[dict[str, Any], ...] = ()  # what each layer has besides
    embeddings: tuple[dict[str, Any], ...] = ()
    residual: bool = False  # where a layer has as many inputs as neurons
    submodels: int = 1
    sharing: str = "mini"  # or "full": each hidden layer of a submodel with its own factors and biases
    submodel_start: str = "signs"
    input_features: tuple[int, ...] = ()
    loss_numbers: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    weight_decay_schedule: dict[str, Any] = field(default_factory=dict)
    dropout_schedule: dict[str, Any] = field(default_factory=dict)
    label_smoothing_schedule: dict[str, Any] = field(default_factory=dict)
    early_stopping: dict[str, Any] = field(default_factory=dict)
    shuffle: bool = True
    windows: tuple[int, int] = (0, 0)  # rows of a block, blocks of a window
    drop_last: bool = False
    own_batches: bool = False
    shards: int = 1
    rounds_products: bool = False

    @property
    def can_have_batches(self) -> bool:
        """Whether hidden layers can have batch normalization; otherwise a part with it stands for none."""
        return self.submodels == 1 and self.shards == 1 and self.optimizer.get("kind") != "lbfgs"

    def plan(self, engine: ModuleType) -> Any:
        plan = engine.Plan()
        plan.inputs = self.sizes[0]
        plan.submodels, plan.submodel_start = self.submodels, self.submodel_start
        plan.input_features = list(self.input_features)
        layers = []
        for i, width in enumerate(self.sizes[1:]):
            layer = engine.LayerPlan()
            layer.width = width
            layer.initializer = self.initializer
            if i < len(self.sizes) - 2:
                layer.activation = self.activation
                layer.activation_parameter = ACTIVATION_PARAMETER.get(self.activation, 0.0)
                layer.dropout = self.dropout
            is_output = i == len(self.sizes) - 2
            if self.submodels > 1:
                hidden = "matrix" if self.sharing == "full" else "all_but_scale" if i == 0 else "all"
                layer.sharing = "none" if is_output else hidden
                layer.scale_inputs = i == 0 or (hidden == "matrix" and not is_output)
            for name, value in (self.parts[i] if i < len(self.parts) else {}).items():
                if value != "batch" or (self.can_have_batches and not is_output):
                    setattr(layer, name, value)
            layer.residual = self.residual and width == self.sizes[i] and not (i == 0 and self.embeddings)
            fields = len(GROUP_FIELDS)
            for group, factors in zip(GROUP_FIELDS, self.groups[fields * i : fields * (i + 1)], strict=False):
                for name, value in factors.items():
                    setattr(getattr(layer, group), name, value)
            layers.append(layer)
        plan.layers = layers
        plan.embeddings = [self.embedding(engine, fields) for fields in self.embeddings]
        plan.batch_size, plan.epochs, plan.seed, plan.shuffle = self.batch_size, self.epochs, self.seed, self.shuffle
        plan.drop_last, plan.own_batches = self.drop_last, self.own_batches
        plan.shards, plan.rounds_products = self.shards, self.rounds_products
        plan.windows.block, plan.windows.window = self.windows
        plan.loss.kind = self.loss
        for part in ("optimizer", "schedule", "early_stopping", *NUMBER_SCHEDULES):
            for name, value in getattr(self, part).items():
                setattr(getattr(plan, part), name, value)
        for name, value in self.loss_numbers.items():
            setattr(plan.loss, name, value)
        return plan

    @staticmethod
    def embedding(engine: ModuleType, fields: dict[str, Any]) -> Any:
        out = engine.EmbeddingPlan()
        for name, value in fields.items():
            if name == "parameters":
                for factor, number in value.items():
                    setattr(out.parameters, factor, number)
            else:
                setattr(out, name, value)
        return out

    def table(self, rows: int | None = None, stream: int = 0) -> tuple[Any, Any, Any, Any]:
        """x, classes, targets, weights; what the loss does not want is None."""
        rng = np.random.default_rng([self.seed, stream])
        n, d, outputs = rows or self.rows, self.sizes[0], self.sizes[-1]
        x = rng.standard_normal((n, d)).astype(self.dtype)
        truth = np.random.default_rng([self.seed, 99]).standard_normal((d, outputs))  # the same for every stream
        signal = x @ truth.astype(self.dtype) + 0.1
        for fields in self.embeddings:
            if fields["kind"] == "category":  # and some numbers beyond
                for column, codes in zip(fields["columns"], fields["sizes"], strict=True):
                    x[:, column] = rng.integers(-1, codes + 1, n)
        weights = rng.uniform(0, 2, n).astype(self.dtype) if self.weighted else None
        if self.loss in CLASS_LOSSES:
            return x, signal.argmax(axis=1).astype(np.int32), None, weights
        if self.loss == "binary_cross_entropy":
            return x, None, (signal > 0).astype(self.dtype), weights
        if self.loss == "poisson":
            return x, None, rng.poisson(np.exp(np.clip(signal, -2, 2))).astype(self.dtype), weights
        return x, None, signal.astype(self.dtype), weights

    def solo(self, engine: ModuleType, threads: int = 1) -> Any:
        kind = engine.Solo32 if self.dtype == np.float32 else engine.Solo64
        validation = self.table(self.validation, stream=1) if self.validation else None
        return kind(self.plan(engine), *self.table(), validation, threads)

    def reference(self, engine: ModuleType, native: ModuleType) -> bytes:
        """The weights that the contract, written down one number at a time, gives."""
        x, classes, targets, weights = self.table()
        out = np.zeros(len(weights_of(self.solo(engine))) // np.dtype(self.dtype).itemsize, self.dtype)
        native.reference_train(self.plan(engine), x, classes, targets, weights, out)
        return out.tobytes()


def weights_of(solo: Any) -> bytes:
    return b"".join(array.tobytes() for array in solo.parameters().values())


def digest(solo: Any) -> str:
    """The digest of a run's state, without the seconds its epochs took."""
    out = hashlib.sha256()
    for name, array in sorted(solo.state().items()):
        if name == "history.seconds":
            continue
        kept = array.copy()
        if name == "progress":
            kept[7] = 0  # seconds spent on the epoch that is under way
        out.update(name.encode())
        out.update(kept.tobytes())
    return out.hexdigest()
