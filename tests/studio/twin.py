"""The same network, trained without the studio: what all numbers of the page are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import creche as cr
from tests.studio.driving import Screen

NUMBERS = (
    "hidden", "activation", "optimizer", "learning_rate", "batch_size", "loss", "dropout", "schedule", "seed",
    "preprocessing", "validation_fraction", "test_fraction", "split_seed",
)  # fmt: skip


def train_twin(screen: Screen, table: Any, label: str, epochs: int, **changed: Any) -> cr.Run:
    """Train a network with the settings of the page, and what the test has `changed`, by `creche.train` alone."""
    settings = vars(screen.settings.settings)
    arguments = {name: settings[name] for name in NUMBERS} | {"epochs": epochs} | changed
    return cr.train(table, label=label, early_stopping=False, keep="last", **arguments)


def flatten(model: cr.Model) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return all weights, layer by layer and row by row, and all biases, as the protocol lists them."""
    weights = [np.asarray(W, np.float32).ravel() for W, _ in model.weights]
    return np.concatenate(weights), np.concatenate([np.asarray(b, np.float32) for _, b in model.weights])


def assert_same_weights(screen: Screen, model: cr.Model) -> None:
    """Wait until the page has the weights of a model, to the bit; all connections must be drawn."""
    weights, biases = flatten(model)
    network = screen.network
    assert network.connections == len(weights)
    order = [
        sum(W.size for W, _ in model.weights[:layer]) + source * model.weights[layer][0].shape[1] + target
        for layer, source, target in network.edges
    ]
    expected = (weights[order].tobytes(), biases.tobytes())
    screen.wait_until(lambda: (screen.tick.edge_weights.tobytes(), screen.tick.biases.tobytes()) == expected)
