"""The cases of the parity tests: activations, losses and optimizers of both libraries, and the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

ACTIVATION_PARAMETERS = {"leaky_relu": 0.02, "elu": 1.3, "softplus": 1.7}
ACTIVATIONS = [
    *["identity", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "tanh", "sigmoid"],
    "softplus",
]
CLASS_LOSSES = ("cross_entropy", "squared_error_of_classes")
LOSSES: list[tuple[str, dict[str, Any]]] = [
    ("cross_entropy", {}),
    ("cross_entropy", {"label_smoothing": 0.1}),
    ("squared_error_of_classes", {}),
    ("binary_cross_entropy", {}),
    ("squared_error", {}),
    ("absolute_error", {}),
    ("huber", {"delta": 0.7}),
    ("poisson", {}),
    ("quantile", {"quantiles": [0.8]}),
    ("quantile", {"quantiles": [0.1, 0.5, 0.9]}),  # one for each output
]
# 53 rows in batches of 8: the last batch of each epoch is smaller. 7 steps per epoch.
N_ROWS, N_FEATURES, N_OUTPUTS, BATCH_SIZE, EPOCHS = 53, 6, 3, 8, 5


@dataclass(frozen=True)
class Rule:
    """One optimizer in both libraries: the settings of the plan, and the class and arguments of PyTorch."""

    plan: dict[str, Any]
    torch_name: str
    torch_arguments: dict[str, Any]
    clipping: dict[str, float] = field(default_factory=dict)
    id: str = ""


def create_rule(
    kind: str, torch_name: str, learning_rate: float, plan: dict[str, Any], arguments: dict[str, Any], **clipping: float
) -> Rule:
    """Create a rule with the same learning rate and clipping on both sides."""
    parts = [kind, *(f"{key}={value}" for key, value in {**plan, **clipping}.items())]
    settings = {"kind": kind, "learning_rate": learning_rate, **plan, **clipping}
    return Rule(settings, torch_name, {"lr": learning_rate, **arguments}, clipping, "-".join(parts))


ADAM = create_rule("adam", "Adam", 0.01, {"epsilon": 1e-8}, {"eps": 1e-8})
ADAMW = create_rule("adamw", "AdamW", 0.01, {"weight_decay": 0.1}, {"weight_decay": 0.1})
NADAM = create_rule("nadam", "NAdam", 0.01, {"momentum": 0.004}, {"momentum_decay": 0.004})
RADAM = create_rule("radam", "RAdam", 0.01, {}, {})
SGD = create_rule("sgd", "SGD", 0.05, {}, {})
NESTEROV = create_rule("sgd", "SGD", 0.05, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "nesterov": True})
RULES = [
    SGD,
    create_rule("sgd", "SGD", 0.05, {"momentum": 0.9, "dampening": 0.1}, {"momentum": 0.9, "dampening": 0.1}),
    NESTEROV,
    create_rule("sgd", "SGD", 0.05, {"weight_decay": 0.01}, {"weight_decay": 0.01}),
    create_rule("sgd", "SGD", 0.5, {}, {}, clip_norm=0.1),
    create_rule("sgd", "SGD", 0.5, {}, {}, clip_value=0.01),
    create_rule(
        "adagrad",
        "Adagrad",
        0.05,
        {"learning_rate_decay": 0.02, "initial_accumulator": 0.1, "epsilon": 1e-10},
        {"lr_decay": 0.02, "initial_accumulator_value": 0.1, "eps": 1e-10},
    ),
    create_rule("adadelta", "Adadelta", 1.0, {"rho": 0.9, "epsilon": 1e-6}, {"rho": 0.9, "eps": 1e-6}),
    create_rule("rmsprop", "RMSprop", 0.005, {"rho": 0.95, "epsilon": 1e-8}, {"alpha": 0.95, "eps": 1e-8}),
    create_rule(
        "rmsprop",
        "RMSprop",
        0.005,
        {"rho": 0.95, "epsilon": 1e-4, "centered": True, "momentum": 0.5},
        {"alpha": 0.95, "eps": 1e-4, "centered": True, "momentum": 0.5},
    ),
    ADAM,
    create_rule("adam", "Adam", 0.01, {"amsgrad": True, "beta2": 0.8}, {"amsgrad": True, "betas": (0.9, 0.8)}),
    create_rule("adam", "Adam", 0.01, {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    create_rule(
        "adam", "Adam", 0.01, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}, {"betas": (0.8, 0.99), "eps": 1e-3}
    ),
    ADAMW,
    NADAM,
    RADAM,
    create_rule(
        "lion",
        "Lion",
        0.002,
        {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1, "decoupled": True},
        {"betas": (0.9, 0.99), "weight_decay": 0.1},
    ),
]


def create_table(loss: str, dtype: type) -> tuple[NDArray[Any], NDArray[Any]]:
    """Create features, and labels that suit a loss."""
    random = np.random.default_rng(7)
    x = random.standard_normal((N_ROWS, N_FEATURES)).astype(dtype)
    if loss in CLASS_LOSSES:
        return x, random.integers(0, N_OUTPUTS, N_ROWS).astype(np.int32)
    targets = {
        "binary_cross_entropy": random.random((N_ROWS, N_OUTPUTS)),
        "poisson": random.poisson(2.0, (N_ROWS, N_OUTPUTS)),
    }.get(loss, random.standard_normal((N_ROWS, N_OUTPUTS)))
    return x, targets.astype(dtype)


def initial_layers(dtype: type) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    random = np.random.default_rng(11)
    widths = [N_FEATURES, 17, 5, N_OUTPUTS]  # on both sides of the engine's sixteen lanes
    return [
        (
            (random.standard_normal((n_in, n_out)) / n_in**0.5).astype(dtype),
            (0.1 * random.standard_normal(n_out)).astype(dtype),
        )
        for n_in, n_out in pairwise(widths)
    ]


def create_plan(engine: ModuleType, activation: str, loss: str, arguments: dict[str, Any], optimizer: Rule) -> Any:
    plan = engine.Plan()
    plan.inputs = N_FEATURES
    layers = []
    for weights, _ in initial_layers(np.float64):
        layer = engine.LayerPlan()
        layer.width = weights.shape[1]
        layer.activation = activation
        layer.activation_parameter = ACTIVATION_PARAMETERS.get(activation, 0.0)
        layers.append(layer)
    layers[-1].activation = "identity"
    plan.layers = layers
    plan.loss.kind = loss
    for name, value in arguments.items():
        setattr(plan.loss, name, value)
    for name, value in optimizer.plan.items():
        setattr(plan.optimizer, name, value)
    plan.batch_size, plan.epochs, plan.shuffle = BATCH_SIZE, EPOCHS, False
    return plan
