"""The policy of `creche.fit`: which configurations are tried on a table, and in which order.

The first round is chosen by the number of rows; later rounds, for ``effort="best"`` and time limits, are drawn at
random around it. Everything is a pure function of the table's shape, the seed and a configuration's number, so that a
budget counts work and not seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from creche.fitting.configuration import Configuration
from creche.fitting.fold_rows import choose_fold_count
from creche.plan.words import ActivationName, Effort
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.split import hash_sequence

__all__ = ["BEST_FACTOR", "RANDOM_PER_ROUND", "Policy", "TableShape", "choose_policy"]

# How much more work `effort="best"` may take than the first round.
BEST_FACTOR = 16.0
RANDOM_PER_ROUND = 8


@dataclass(frozen=True, slots=True)
class TableShape:
    """What the choice of configurations depends on.

    Attributes
    ----------
    rows, columns : int
    classes : int
        0 for regression.

    """

    rows: int
    columns: int
    classes: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What is tried on a table.

    Attributes
    ----------
    shape : TableShape
    seed : int
    folds : int
    first : tuple of Configuration
        The first round.
    factor : float
        The work allowed, as a multiple of the first round's.

    """

    shape: TableShape
    seed: int
    folds: int
    first: tuple[Configuration, ...]
    factor: float

    def configuration(self, number: int) -> Configuration:
        """Return the configuration with this number: of the first round, or drawn at random."""
        if number < len(self.first):
            return self.first[number]
        return _draw(self.first, self.seed, number)


def choose_policy(shape: TableShape, effort: Effort, seed: int) -> Policy:
    """Return what is tried on a table of this shape."""
    if effort == "fast":
        return Policy(shape, seed, min(choose_fold_count(shape.rows), 4), tuple(_first_round(shape)[:2]), 1.0)
    factor = BEST_FACTOR if effort == "best" else 1.0
    return Policy(shape, seed, choose_fold_count(shape.rows), tuple(_first_round(shape)), factor)


def _first_round(shape: TableShape) -> list[Configuration]:
    """Return configurations that differ in all that matters: none is best on every table, and their mean is better."""
    n = shape.rows
    batch = int(min(max(2 ** round(math.log2(max(n / 40, 1))), 16), 256))
    width = 64 if n < 3_000 else 128 if n < 20_000 else 256
    robust = Preprocessing.of("realmlp")
    normal = replace(Preprocessing.of("realmlp"), scaling="quantile", clip="none")
    bins = Preprocessing.of("piecewise_linear")
    few_bins, many_bins, tree_bins = replace(bins, bins=8), bins, replace(bins, bins=16, bin_edges="tree")

    def configure(
        name: str, hidden: Sequence[int], activation: ActivationName, rate: float, dropout: float, decay: float,
        preprocessing: Preprocessing,
    ) -> Configuration:  # fmt: skip
        return Configuration(
            name, tuple(hidden), activation, dropout, rate, decay, batch_size=batch, epochs=60,
            preprocessing=preprocessing,
        )  # fmt: skip

    return [
        configure("robust", (width, width), "silu", 3e-3, 0.2, 0.05, robust),
        configure("robust fast", (width, width), "silu", 8e-3, 0.0, 0.05, robust),
        configure("robust firm", (width, width), "silu", 2e-3, 0.4, 0.5, robust),
        configure("robust light", (width, width), "silu", 5e-3, 0.1, 0.2, robust),
        configure("shallow", (width,), "selu", 3e-3, 0.3, 0.5, robust),
        configure("deep", (width,) * 3, "mish", 3e-3, 0.2, 0.05, robust),
        configure("wide", (2 * width,), "relu", 5e-3, 0.1, 0.05, robust),
        configure("linear", (), "relu", 5e-3, 0.0, 0.05, robust),
        configure("bins 8", (width, width), "silu", 3e-3, 0.2, 0.1, few_bins),
        configure("bins 8 firm", (width, width), "silu", 6e-3, 0.4, 0.5, few_bins),
        configure("bins 32", (width, width), "silu", 5e-3, 0.1, 0.05, many_bins),
        configure("bins 32 firm", (width,), "relu", 2e-3, 0.3, 0.5, many_bins),
        configure("tree bins", (width, width), "silu", 3e-3, 0.3, 0.2, tree_bins),
        configure("tree bins deep", (width,) * 3, "gelu", 2e-3, 0.2, 0.05, tree_bins),
        configure("normal", (width, width), "silu", 4e-3, 0.3, 0.2, normal),
        configure("normal tanh", (width, width), "tanh", 3e-3, 0.1, 0.05, normal),
    ]


def _draw(first: Sequence[Configuration], seed: int, number: int) -> Configuration:
    """Draw a configuration around one of the first round."""
    draws = iter(hash_sequence(seed * 1_000_003 + number, 8).tolist())

    def choose(values: Sequence[Any]) -> Any:
        return values[next(draws) % len(values)]

    base: Configuration = choose(first)
    return replace(
        base,
        name=f"{base.name} {number}",
        learning_rate=base.learning_rate * choose((0.5, 0.7, 1.0, 1.4, 2.0)),
        dropout=choose((0.0, 0.1, 0.2, 0.3, 0.4)) if base.hidden else 0.0,
        weight_decay=choose((0.005, 0.02, 0.05, 0.1, 0.3)),
        activation=choose(("relu", "silu", "gelu")),
        beta2=choose((0.95, 0.99)),
    )
