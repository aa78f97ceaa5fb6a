"""The neural tangent parameterization, parameter groups and schedules, against a PyTorch network that has them itself.

The layers of that network compute x W / sqrt(d) + b; Creche computes x w + b and changes the steps of w.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.native import translate
from creche.engine.parameters import Parameters
from creche.plan import schedules
from tests.peers.parity_cases import BATCH_SIZE, EPOCHS, N_ROWS, create_table, initial_layers

pytestmark = pytest.mark.peers

STEPS = EPOCHS * (N_ROWS // BATCH_SIZE)

RULES: list[tuple[cr.plan.optimizers.Optimizer, str, dict[str, Any]]] = [
    (cr.SGD(0.05), "SGD", {}),
    (
        cr.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.1), "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    (cr.Adagrad(0.05, epsilon=1e-3), "Adagrad", {"eps": 1e-3}),
    (
        cr.RMSprop(0.005, rho=0.95, epsilon=1e-3, momentum=0.5), "RMSprop",
        {"alpha": 0.95, "eps": 1e-3, "momentum": 0.5},
    ),
    (cr.Adam(0.02, epsilon=1e-3, weight_decay=0.1), "Adam", {"eps": 1e-3, "weight_decay": 0.1}),
    (cr.Adam(0.02, epsilon=1e-3, amsgrad=True), "Adam", {"eps": 1e-3, "amsgrad": True}),
    (cr.AdamW(0.02, beta2=0.95, weight_decay=0.1), "AdamW", {"betas": (0.9, 0.95), "weight_decay": 0.1}),
    (cr.NAdam(0.02, epsilon=1e-3), "NAdam", {"eps": 1e-3}),
    (cr.Lion(0.002, weight_decay=0.1), "Lion", {"betas": (0.9, 0.99), "weight_decay": 0.1}),
]  # fmt: skip


def train_ours(engine: ModuleType, optimizer: Any, **arguments: Any) -> Any:
    layers = initial_layers(np.float64)
    x, y = create_table("cross_entropy", np.float64)
    network = cr.Network.of(layers[0][0].shape[0], [w.shape[1] for w, _ in layers[:-1]], layers[-1][0].shape[1], "tanh")
    plan = cr.Plan(
        network, optimizer=optimizer, batch_size=BATCH_SIZE, epochs=EPOCHS, shuffle=False, keep="last", drop_last=True,
        **arguments,
    ).resolved(N_ROWS)  # fmt: skip
    run = engine.Solo64(translate(engine, plan), x, y, None)
    run.set_parameters(dict(Parameters.of_layers(layers)))
    assert run.run() == "finished"
    assert run.step == STEPS
    return Parameters(run.parameters()).layers


class Ntk:
    """The network in PyTorch, and its parameters by group."""

    def __init__(self) -> None:
        import torch

        layers = initial_layers(np.float64)
        self.roots = [math.sqrt(len(w)) for w, _ in layers]
        self.weights = [torch.tensor(w * r, requires_grad=True) for (w, _), r in zip(layers, self.roots, strict=True)]
        self.biases = [torch.tensor(b, requires_grad=True) for _, b in layers]

    def __call__(self, x: Any) -> Any:
        for i, (w, b, root) in enumerate(zip(self.weights, self.biases, self.roots, strict=True)):
            x = x @ w / root + b
            x = x if i == len(self.weights) - 1 else x.tanh()
        return x

    def train(self, optimizer: Any, before_step: Any = lambda step: 0.0) -> None:
        import torch

        x, y = (torch.from_numpy(array) for array in create_table("cross_entropy", np.float64))
        for step in range(STEPS):
            begin = step % (N_ROWS // BATCH_SIZE) * BATCH_SIZE
            rows = slice(begin, begin + BATCH_SIZE)
            smoothing = before_step(step)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self(x[rows]), y[rows].long(), label_smoothing=smoothing).backward()
            optimizer.step()

    def assert_close(self, ours: Any) -> None:
        for (w, b), theirs, bias, root in zip(ours, self.weights, self.biases, self.roots, strict=True):
            np.testing.assert_allclose(w, theirs.detach().numpy() / root, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(b, bias.detach().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("optimizer", "name", "numbers"), RULES, ids=lambda value: str(value))
def test_each_rule_takes_the_steps_of_a_network_in_ntk_parameterization(
    engine: ModuleType, twin: ModuleType, optimizer: Any, name: str, numbers: dict[str, Any]
) -> None:
    from dataclasses import replace

    network = Ntk()
    numbers = {"lr": optimizer.learning_rate, **numbers}
    groups = [{"params": network.weights}, {"params": network.biases, "weight_decay": 0.0}]
    network.train(twin.optimizer_factory(name, numbers)(groups))
    network.assert_close(train_ours(engine, replace(optimizer, parameterization="ntk")))


def test_realmlps_training_is_that_of_its_recipe(engine: ModuleType, twin: ModuleType) -> None:
    """Groups, coslog4 of the learning rate, flat_cos of weight decay and label smoothing, no last short batch."""
    import torch

    rate, decay, smoothing = 0.04, 0.02, 0.1
    ours = train_ours(
        engine,
        cr.AdamW(
            rate, weight_decay=decay, beta2=0.95, parameterization="ntk",
            groups={"biases": {"learning_rate": 0.1}, "first_layer": {"learning_rate": 0.5, "weight_decay": 0.5}},
        ),
        loss=cr.CrossEntropy(smoothing), schedule=schedules.CosineLog(), weight_decay_schedule="flat_cosine",
        label_smoothing_schedule="flat_cosine",
    )  # fmt: skip
    network = Ntk()
    factors = [0.5, 1.0, 0.1]
    groups = [{"params": network.weights[:1]}, {"params": network.weights[1:]}, {"params": network.biases}]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))

    def schedule(step: int) -> float:
        t = step / STEPS
        flat = 1.0 if t <= 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * t - 1)))
        for group, factor, decays in zip(optimizer.param_groups, factors, (0.5, 1.0, 0.0), strict=True):
            group["lr"] = rate * factor * 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t)))
            group["weight_decay"] = decay * decays * flat
        return smoothing * flat

    network.train(optimizer, schedule)
    network.assert_close(ours)
