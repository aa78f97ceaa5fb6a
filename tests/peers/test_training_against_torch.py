"""Creche and PyTorch train the same network from the same weights on the same batches to the same result.

In float64 the results agree nearly to the last digit, for every activation, loss and optimizer; in float32, within its
rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from tests.peers.parity_cases import (
    ACTIVATIONS,
    ADAM,
    ADAMW,
    BATCH_SIZE,
    CLASS_LOSSES,
    EPOCHS,
    LOSSES,
    N_ROWS,
    NADAM,
    NESTEROV,
    RADAM,
    RULES,
    SGD,
    Rule,
    create_plan,
    create_rule,
    create_table,
    initial_layers,
)

pytestmark = pytest.mark.peers


@dataclass
class Pair:
    """Both networks after training, with the data on which they were trained."""

    ours: Any
    theirs: Any
    their_history: list[float]
    x: NDArray[Any]


def train_both(
    engine: ModuleType,
    twin: ModuleType,
    *,
    activation: str = "tanh",
    loss: str = "cross_entropy",
    arguments: dict[str, Any] | None = None,
    optimizer: Rule = ADAM,
    dtype: type = np.float64,
    weighted: bool = False,
    decay_biases: bool = False,
) -> Pair:
    x, y = create_table(loss, dtype)
    layers = initial_layers(dtype)
    row_weights = np.random.default_rng(13).uniform(0.2, 3, N_ROWS).astype(dtype) if weighted else None
    plan = create_plan(engine, activation, loss, arguments or {}, optimizer)
    plan.optimizer.regularize_bias = decay_biases
    labels = (y, None) if loss in CLASS_LOSSES else (None, y)
    ours = (engine.Solo32 if dtype is np.float32 else engine.Solo64)(plan, x, *labels, row_weights, threads=2)
    ours.set_parameters(dict(Parameters.of_layers(layers)))
    assert ours.run() == "finished"
    theirs = twin.Twin(layers, activation, loss, arguments or {})
    history = theirs.train(
        x,
        y,
        twin.optimizer_factory(optimizer.torch_name, optimizer.torch_arguments),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        row_weights=row_weights,
        decay_biases=decay_biases,
        **optimizer.clipping,
    )
    return Pair(ours, theirs, history, x)


def assert_close(both: Pair, tolerance: float) -> None:
    initial = initial_layers(both.x.dtype.type)
    for ours, theirs, before in zip(
        Parameters(both.ours.parameters()).layers, both.theirs.layers(), initial, strict=True
    ):
        for mine, yours, first in zip(ours, theirs, before, strict=True):
            assert np.abs(mine - first).max() > 100 * tolerance, "the weights did not move, so nothing was compared"
            np.testing.assert_allclose(mine, yours, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(both.ours.history()["train_loss"], both.their_history, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_trains_as_in_torch(engine: ModuleType, twin: ModuleType, activation: str) -> None:
    assert_close(train_both(engine, twin, activation=activation), 1e-9)


@pytest.mark.parametrize(("loss", "arguments"), LOSSES, ids=lambda value: str(value))
def test_every_loss_trains_as_in_torch(
    engine: ModuleType, twin: ModuleType, loss: str, arguments: dict[str, Any]
) -> None:
    assert_close(train_both(engine, twin, loss=loss, arguments=arguments), 1e-9)


@pytest.mark.parametrize("optimizer", RULES, ids=lambda rule: rule.id)
def test_every_optimizer_trains_as_in_torch(engine: ModuleType, twin: ModuleType, optimizer: Rule) -> None:
    assert_close(train_both(engine, twin, optimizer=optimizer), 1e-9)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_weight_decay_of_biases_is_as_in_torch(engine: ModuleType, twin: ModuleType, kind: str) -> None:
    torch_name = {"adam": "Adam", "adamw": "AdamW"}[kind]
    decaying = create_rule(kind, torch_name, 0.01, {"weight_decay": 0.1}, {"weight_decay": 0.1})
    assert_close(train_both(engine, twin, optimizer=decaying, decay_biases=True), 1e-9)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_weighted_rows_train_as_in_torch(engine: ModuleType, twin: ModuleType, loss: str) -> None:
    assert_close(train_both(engine, twin, loss=loss, weighted=True), 1e-9)


@pytest.mark.parametrize(
    ("activation", "loss", "optimizer"),
    [
        ("relu", "cross_entropy", ADAM),
        ("gelu", "squared_error", NESTEROV),
        ("silu", "binary_cross_entropy", ADAMW),
        ("tanh", "poisson", SGD),
        ("sigmoid", "squared_error_of_classes", NADAM),
        ("softplus", "huber", RADAM),
    ],
    ids=lambda value: value.id if isinstance(value, Rule) else value,
)
def test_float32_agrees_within_its_rounding(
    engine: ModuleType, twin: ModuleType, activation: str, loss: str, optimizer: Rule
) -> None:
    arguments = {"delta": 0.7} if loss == "huber" else {}
    both = train_both(
        engine, twin, activation=activation, loss=loss, arguments=arguments, optimizer=optimizer, dtype=np.float32
    )
    assert_close(both, 1e-4)


@pytest.mark.parametrize(("loss", "arguments"), LOSSES, ids=lambda value: str(value))
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_predictions_gradients_and_loss_agree_for_the_same_weights(
    engine: ModuleType, twin: ModuleType, loss: str, arguments: dict[str, Any], dtype: type, tolerance: float
) -> None:
    import torch

    x, y = create_table(loss, dtype)
    layers = initial_layers(dtype)
    plan = create_plan(engine, "gelu", loss, arguments, ADAM)
    labels = (y, None) if loss in CLASS_LOSSES else (None, y)
    theirs = twin.Twin(layers, "gelu", loss, arguments)
    their_loss = theirs.compute_loss(torch.from_numpy(x), torch.from_numpy(y))
    their_loss.backward()

    kind = np.dtype(dtype).itemsize * 8
    predictor = getattr(engine, f"Predictor{kind}")(plan, dict(Parameters.of_layers(layers)))
    np.testing.assert_allclose(predictor.predict(x), theirs.predict(x), rtol=tolerance, atol=tolerance)
    solo = getattr(engine, f"Solo{kind}")(plan, x, *labels)
    solo.set_parameters(dict(Parameters.of_layers(layers)))
    our_loss, our_gradients = solo.gradients(x, *labels)
    assert our_loss == pytest.approx(their_loss.item(), rel=tolerance)
    assert solo.evaluate(x, *labels)[0] == pytest.approx(their_loss.item(), rel=tolerance)
    for ours, yours in zip(Parameters(our_gradients).layers, theirs.gradients(), strict=True):
        for mine, theirs_too in zip(ours, yours, strict=True):
            np.testing.assert_allclose(mine, theirs_too, rtol=tolerance, atol=tolerance)
