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
from creche.plan.words import ActivationName, Effort, Parameterization
from creche.table.encoders.preprocessing import Preprocessing, limit_bins
from creche.table.split import hash_sequence

__all__ = ["BEST_FACTOR", "RANDOM_PER_ROUND", "Policy", "TableShape", "choose_policy"]

# How much more work `effort="best"` may take than the first round.
BEST_FACTOR = 16.0
RANDOM_PER_ROUND = 8
FAST_FOLDS, FAST_CONFIGURATIONS = 4, 3
FAST_SPLIT_ROWS = 3_000  # from here on, one split


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
    first = _configure(shape)
    if effort == "fast":
        return Policy(
            shape, seed, min(choose_fold_count(shape.rows), FAST_FOLDS), tuple(first[:FAST_CONFIGURATIONS]), 1
        )
    return Policy(shape, seed, choose_fold_count(shape.rows), tuple(first), BEST_FACTOR if effort == "best" else 1)


def _configure(shape: TableShape) -> list[Configuration]:
    """Return configurations that differ in all that matters: none is best on every table, and their mean is better.

    Those that are best most often come first. Chosen by out-of-fold scores of open tables of `benchmarks/tables`.
    """
    size = next(size for size in SIZES if shape.rows < size.below)
    batch = int(min(max(2 ** round(math.log2(max(shape.rows / 40, 1))), 16), size.batch_size))
    shared = {"batch_size": batch, "epochs": size.epochs}
    return [_create(kind, size.width, shape, shared) for kind in KINDS if kind.below >= size.below]


@dataclass(frozen=True, slots=True)
class _Size:
    """What depends on the number of rows.

    Attributes
    ----------
    below : float
        For tables with fewer rows than this.
    width, epochs, batch_size : int
        Neurons of a hidden layer, passes over the rows, and the most rows per step.

    """

    below: float
    width: int
    epochs: int
    batch_size: int


SIZES = (
    _Size(1_500, 64, 60, 32),
    _Size(3_000, 96, 60, 64),
    _Size(10_000, 128, 50, 128),
    _Size(30_000, 192, 32, 256),
    _Size(100_000, 256, 20, 256),
    _Size(math.inf, 192, 8, 1024),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of configuration.

    Attributes
    ----------
    name : str
    layers : int
    activation : str
    rate, dropout, decay : float
        The learning rate, dropout and weight decay.
    preprocessing : Preprocessing
    below : float
        For the sizes of tables with fewer rows than this.
    parameterization : {"standard", "ntk"}

    """

    name: str
    layers: int
    activation: ActivationName
    rate: float
    dropout: float
    decay: float
    preprocessing: Preprocessing
    below: float
    parameterization: Parameterization = "standard"


ROBUST = Preprocessing.of("realmlp")
NORMAL = replace(ROBUST, scaling="quantile", clip="none")
BINS = Preprocessing.of("piecewise_linear")
FEW_BINS, MANY_BINS = replace(BINS, bins=8), replace(BINS, bins=48)
TREE_BINS, MANY_TREE_BINS = (replace(BINS, bins=bins, bin_edges="tree") for bins in (16, 64))

KINDS = (
    _Kind("bins", 1, "relu", 4e-3, 0.3, 0.5, BINS, math.inf),
    _Kind("few bins", 2, "silu", 3e-3, 0.2, 0.1, FEW_BINS, 30_000),
    _Kind("deep", 3, "mish", 2.5e-2, 0.2, 0.05, ROBUST, 30_000, "ntk"),
    _Kind("tree bins", 1, "relu", 3e-3, 0.3, 0.5, MANY_TREE_BINS, math.inf),
    _Kind("normal", 2, "tanh", 3e-3, 0.1, 0.05, NORMAL, 10_000),
    _Kind("tree bins deep", 3, "mish", 2e-3, 0.2, 0.05, TREE_BINS, 30_000),
    _Kind("bins deep", 3, "silu", 2e-3, 0.2, 0.1, MANY_BINS, math.inf),
    _Kind("firm", 2, "silu", 2e-3, 0.4, 0.5, ROBUST, 10_000),
    _Kind("bins of two", 2, "silu", 5e-3, 0.1, 0.05, BINS, math.inf),
    _Kind("shallow", 1, "selu", 3e-3, 0.3, 0.5, ROBUST, 1_500),
    _Kind("few bins firm", 2, "silu", 6e-3, 0.4, 0.5, FEW_BINS, 1_500),
    _Kind("fast", 2, "silu", 8e-3, 0.0, 0.05, ROBUST, 1_500),
    _Kind("light", 2, "silu", 5e-3, 0.1, 0.2, ROBUST, 1_500),
    _Kind("linear", 0, "relu", 5e-3, 0.0, 0.05, ROBUST, 1_500),
    _Kind("normal firm", 2, "silu", 4e-3, 0.3, 0.2, NORMAL, 3_000),
    _Kind("tree bins of two", 2, "silu", 3e-3, 0.3, 0.2, TREE_BINS, 1_500),
)  # fmt: skip


def _create(kind: _Kind, width: int, shape: TableShape, shared: dict[str, int]) -> Configuration:
    preprocessing = kind.preprocessing
    if preprocessing.numeric_encoding == "piecewise_linear":
        bins = limit_bins(preprocessing.bins, shape.rows, shape.columns)
        preprocessing = replace(preprocessing, **({"bins": bins} if bins else {"numeric_encoding": "plain"}))
    return Configuration(
        kind.name, (width,) * kind.layers, kind.activation, kind.dropout, kind.rate, kind.decay,
        parameterization=kind.parameterization, preprocessing=preprocessing, **shared,
    )  # fmt: skip


def _draw(first: Sequence[Configuration], seed: int, number: int) -> Configuration:
    """Draw a configuration near one of the first round: what is farther off is worse more often than it is better."""
    draws = iter(hash_sequence(seed * 1_000_003 + number, 8).tolist())

    def choose(values: Sequence[Any]) -> Any:
        return values[next(draws) % len(values)]

    base: Configuration = choose(first)
    return replace(
        base,
        name=f"{base.name} {number}",
        learning_rate=base.learning_rate * choose((0.6, 0.8, 1.0, 1.25, 1.6)),
        dropout=min(max(base.dropout + choose((-0.1, 0.0, 0.0, 0.1)), 0.0), 0.6) if base.hidden else 0.0,
        weight_decay=base.weight_decay * choose((0.5, 1.0, 2.0)),
        activation=choose((base.activation, base.activation, "silu", "mish")),
        beta2=choose((0.95, 0.99)),
    )
