"""The policy of `creche.fit`: which configurations are tried on a table, and in which order.

The first round is chosen by the number of rows. Later rounds, for ``effort="best"`` and time limits, are drawn at
random, one half of them anywhere, the other half near the best so far. Everything is a function of the table's shape,
the seed, a configuration's number and what earlier rounds found, so that a budget counts work and not seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from creche.fitting.configuration import Configuration
from creche.fitting.fold_rows import choose_fold_count
from creche.plan.embeddings import LinearEmbedding, NumberEmbedding, PeriodicEmbedding
from creche.plan.words import ActivationName, Effort, Normalization, Parameterization
from creche.table.encoders.preprocessing import MIN_BINS, Preprocessing, limit_bins
from creche.table.split import hash_sequence

__all__ = ["BEST_FACTOR", "LENGTHENED_FACTOR", "RANDOM_PER_ROUND", "Policy", "TableShape", "Tried", "choose_policy"]

# How much more work `effort="best"` may take than the first round.
BEST_FACTOR = 16.0
RANDOM_PER_ROUND = 8
# How many of the best configurations later ones are drawn near to.
PARENTS = 8
# Of the best configurations of the first round, this many are tried once more, with this many times the epochs, if
# their best epoch came after this share of them: they were still learning when the learning rate had fallen.
LENGTHENED, LENGTH, LATE = 4, 3, 0.65
# How much work that may take, as a multiple of the first round's, and for tables with fewer rows than how many: larger
# ones have enough steps in an epoch.
LENGTHENED_FACTOR, LENGTHENED_BELOW = 2 / 3, 10_000
FAST_FOLDS, FAST_CONFIGURATIONS = 4, 3
FAST_SPLIT_ROWS = 3_000  # from here on, a fast fit has one split
ACTIVATIONS: tuple[ActivationName, ...] = ("relu", "silu", "mish", "selu", "tanh")
NORMALIZATIONS: tuple[Normalization, ...] = ("none", "none", "layer")

T = TypeVar("T")


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


class Tried(Protocol):
    """What the policy looks at in a configuration that was trained on every fold, as `Candidate` holds it."""

    @property
    def configuration(self) -> Configuration: ...

    @property
    def epoch(self) -> int: ...

    @property
    def work(self) -> float: ...


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
    lengthened : int
        How many of the best configurations of the first round may be tried once more, for longer.

    """

    shape: TableShape
    seed: int
    folds: int
    first: tuple[Configuration, ...]
    factor: float
    lengthened: int = 0

    def lengthen(self, tried: Sequence[Tried], first_work: float) -> Policy:
        """Return the policy whose first configurations are followed by the best of them that were still learning.

        Parameters
        ----------
        tried : sequence of Tried
            The first configurations, the one with the lowest loss first.
        first_work : float
            The operations of all of them.

        """
        left, longer = LENGTHENED_FACTOR * first_work, []
        for each in tried[: self.lengthened]:
            work = LENGTH * each.work
            if each.epoch > LATE * each.configuration.epochs and work <= left:
                left -= work
                name, epochs = f"{each.configuration.name}, longer", LENGTH * each.configuration.epochs
                longer.append(replace(each.configuration, name=name, epochs=epochs))
        return replace(self, first=(*self.first, *longer), lengthened=0)

    def count_known(self, number: int) -> int:
        """Return how many configurations, from the first one on, have to be trained before this one is chosen."""
        past = number - len(self.first)
        return 0 if past < 0 else number - past % RANDOM_PER_ROUND

    def configuration(self, number: int, best: Sequence[Configuration]) -> Configuration:
        """Return the configuration with this number: of the first round, or drawn at random.

        Parameters
        ----------
        number : int
        best : sequence of Configuration
            Those with the lowest losses so far, the best one first; the first `PARENTS` of them count.

        """
        if number < len(self.first):
            return self.first[number]
        draws = _Draws(self.seed, number)
        if number % 2 and best:
            return draws.change(draws.choose(best[:PARENTS]))
        return draws.explore(draws.choose(self.first))


def choose_policy(shape: TableShape, effort: Effort, seed: int) -> Policy:
    """Return what is tried on a table of this shape."""
    first = _configure(shape, effort)
    if effort == "fast":
        folds = 1 if shape.rows >= FAST_SPLIT_ROWS else min(choose_fold_count(shape.rows), FAST_FOLDS)
        return Policy(shape, seed, folds, tuple(first[:FAST_CONFIGURATIONS]), 1)
    factor = BEST_FACTOR if effort == "best" else 1
    lengthened = LENGTHENED if shape.rows < LENGTHENED_BELOW else 0
    return Policy(shape, seed, choose_fold_count(shape.rows), tuple(first), factor, lengthened)


def _configure(shape: TableShape, effort: Effort) -> list[Configuration]:
    """Return configurations that differ in all that matters: none is best on every table, and their mean is better.

    Those that are best most often come first. Chosen by out-of-fold scores of open tables of `benchmarks/tables`.
    """
    size = next(size for size in SIZES if shape.rows < size.below)
    batch = int(min(max(2 ** round(math.log2(max(shape.rows / 40, 1))), 16), size.batch_size))
    shared = {"batch_size": batch, "epochs": size.fast_epochs if effort == "fast" else size.epochs}
    return [_create(kind, size.width, shape, shared) for kind in KINDS if kind.suits(shape, size)]


@dataclass(frozen=True, slots=True)
class _Size:
    """What depends on the number of rows.

    Attributes
    ----------
    below : float
        For tables with fewer rows than this.
    width, epochs, fast_epochs, batch_size : int
        Neurons of a hidden layer, passes over the rows, those of ``effort="fast"``, and the most rows per step.

    """

    below: float
    width: int
    epochs: int
    fast_epochs: int
    batch_size: int


SIZES = (
    _Size(1_500, 64, 60, 60, 32),
    _Size(3_000, 96, 60, 60, 64),
    _Size(10_000, 128, 50, 50, 128),
    _Size(30_000, 192, 64, 32, 256),
    _Size(100_000, 256, 20, 20, 256),
    _Size(math.inf, 192, 8, 8, 1024),
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
    least : int
        For tables with at least this many rows.
    parameterization : {"standard", "ntk"}
    parts : dict
        Other fields of `Configuration`.

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
    least: int = 0
    parts: dict[str, Any] = field(default_factory=dict)

    def suits(self, shape: TableShape, size: _Size) -> bool:
        """Return whether it is tried on a table of this shape.

        Submodels are for classes only, and for two classes only where there are rows enough: elsewhere, networks that
        share no weights predict better together.
        """
        if size.below > self.below or shape.rows < self.least:
            return False
        return "submodels" not in self.parts or shape.classes > 2 or (shape.classes == 2 and shape.rows >= FEW_ROWS)


ROBUST = Preprocessing.of("realmlp")
NORMAL = replace(ROBUST, scaling="quantile", clip="none")
BINS = Preprocessing.of("piecewise_linear")
FEW_BINS, MANY_BINS = replace(BINS, bins=8), replace(BINS, bins=48)
TREE_BINS, MANY_TREE_BINS = (replace(BINS, bins=bins, bin_edges="tree") for bins in (16, 64))

EMBEDDED: dict[str, Any] = {"number_embedding": LinearEmbedding(8)}
# The parts of RealMLP (Holzmüller et al. 2024), with higher frequencies.
PERIODIC = {
    "number_embedding": PeriodicEmbedding(deviation=0.3), "parametric_activation": True, "scale_inputs": True,
}  # fmt: skip
NORMALIZED: dict[str, Any] = {"normalization": "layer"}
SHARED = {"submodels": 8}  # TabM-mini (Gorishniy et al. 2024)
BRIEF = {"epochs": 10}
FEW_ROWS = 1_000

KINDS = (
    _Kind("bins", 1, "relu", 4e-3, 0.3, 0.5, BINS, math.inf),
    _Kind("few bins", 2, "silu", 3e-3, 0.2, 0.1, FEW_BINS, 30_000, parts=NORMALIZED),
    _Kind("deep", 3, "mish", 2.5e-2, 0.2, 0.05, ROBUST, 30_000, "ntk"),
    _Kind("tree bins", 1, "relu", 3e-3, 0.3, 0.5, MANY_TREE_BINS, math.inf),
    _Kind("normal", 2, "tanh", 3e-3, 0.1, 0.05, NORMAL, 10_000),
    _Kind("tree bins deep", 3, "mish", 2e-3, 0.2, 0.05, TREE_BINS, 30_000),
    _Kind("bins deep", 3, "silu", 2e-3, 0.2, 0.1, MANY_BINS, math.inf, least=10_000),
    _Kind("bins of two", 2, "silu", 5e-3, 0.1, 0.05, BINS, 1_500),
    _Kind("bins of two", 2, "silu", 5e-3, 0.1, 0.05, BINS, math.inf, least=10_000),
    _Kind("embedded bins", 2, "silu", 1.5e-3, 0.1, 0.1, BINS, 10_000, parts=EMBEDDED),
    _Kind("periodic", 3, "mish", 1e-2, 0.15, 0.05, ROBUST, 10_000, "ntk", parts=PERIODIC),
    _Kind("fast", 2, "silu", 8e-3, 0.0, 0.05, ROBUST, 1_500),
    _Kind("light", 2, "silu", 5e-3, 0.1, 0.2, ROBUST, 1_500),
    _Kind("linear", 0, "relu", 5e-3, 0.0, 0.05, ROBUST, 1_500),
    _Kind("embedded bins of eight", 2, "relu", 3e-3, 0.1, 0.1, BINS, 10_000, parts=EMBEDDED | SHARED),
    _Kind("few bins of eight", 2, "silu", 3e-3, 0.2, 0.1, FEW_BINS, 10_000, parts=NORMALIZED | SHARED),
    _Kind(
        "brief embedded bins of eight", 2, "relu", 5e-3, 0.1, 0.1, BINS, 100_000, least=10_000,
        parts=EMBEDDED | SHARED | BRIEF,
    ),
)  # fmt: skip


def _create(kind: _Kind, width: int, shape: TableShape, shared: dict[str, Any]) -> Configuration:
    preprocessing = kind.preprocessing
    if preprocessing.numeric_encoding == "piecewise_linear":
        bins = limit_bins(preprocessing.bins, shape.rows, shape.columns)
        preprocessing = replace(preprocessing, **({"bins": bins} if bins else {"numeric_encoding": "plain"}))
    return Configuration(
        kind.name, (width,) * kind.layers, kind.activation, kind.dropout, kind.rate, kind.decay,
        parameterization=kind.parameterization, preprocessing=preprocessing, **{**shared, **kind.parts},
    )  # fmt: skip


class _Draws:
    """Random choices that depend on a seed and a configuration's number."""

    def __init__(self, seed: int, number: int) -> None:
        self._number = number
        self._values: Iterator[int] = iter(hash_sequence(seed * 1_000_003 + number, 16).tolist())

    def choose(self, values: Sequence[T]) -> T:
        return values[next(self._values) % len(values)]

    def change(self, base: Configuration) -> Configuration:
        """Return a configuration near this one, or this one with other random weights."""
        return replace(
            base,
            name=self._name(base),
            learning_rate=base.learning_rate * self.choose((0.6, 0.8, 1.0, 1.25, 1.6)),
            dropout=min(max(base.dropout + self.choose((-0.1, 0.0, 0.0, 0.1)), 0.0), 0.6) if base.hidden else 0.0,
            weight_decay=base.weight_decay * self.choose((0.5, 1.0, 2.0)),
            activation=self.choose((base.activation, base.activation, "silu", "mish")),
            beta2=self.choose((0.95, 0.99)),
        )

    def explore(self, base: Configuration) -> Configuration:
        """Return a configuration that shares with this one no more than its size, its rate and its kind of inputs."""
        preprocessing = base.preprocessing
        if preprocessing.numeric_encoding == "piecewise_linear":
            bins = max(MIN_BINS, int(preprocessing.bins * self.choose((0.5, 0.75, 1.0))))
            preprocessing = replace(preprocessing, bins=bins, bin_edges=self.choose(("quantile", "tree")))
        shared = replace(
            base,
            name=self._name(base),
            learning_rate=base.learning_rate * self.choose((0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5)),
            weight_decay=self.choose((0.02, 0.05, 0.1, 0.2, 0.5, 1.0)),
            beta2=self.choose((0.95, 0.99)),
            epochs=base.epochs * self.choose((1, 1, 2)),
            preprocessing=preprocessing,
            number_embedding=self._embedding(preprocessing),
        )
        if not base.hidden:
            return replace(shared, number_embedding=None)
        shared = replace(
            shared,
            normalization=self.choose(NORMALIZATIONS),
            parametric_activation=self.choose((False, False, True)),
            scale_inputs=self.choose((False, True)),
        )
        width = int(base.hidden[0] * self.choose((0.5, 1.0, 1.0, 2.0)))
        return replace(
            shared,
            hidden=(width,) * self.choose((1, 2, 2, 3)),
            dropout=self.choose((0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
            activation=self.choose(ACTIVATIONS),
        )

    def _embedding(self, preprocessing: Preprocessing) -> NumberEmbedding | None:
        """Return what makes several inputs of a number and its bins, or, without bins, of the number alone."""
        if preprocessing.numeric_encoding == "piecewise_linear":
            return self.choose((None, LinearEmbedding(8), LinearEmbedding(16)))
        deviation = self.choose((0.03, 0.1, 0.3, 1.0))
        return self.choose((None, PeriodicEmbedding(deviation=deviation)))

    def _name(self, base: Configuration) -> str:
        return f"{base.name.rstrip('0123456789 ')} {self._number}"
