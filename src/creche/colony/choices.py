"""Choices: which values a sweep tries for which arguments, and in which combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from creche.colony.ranges import Range
from creche.errors import PlanError, CrecheError, nearest

__all__ = ["METHODS", "Axis", "Choices", "axes_of"]

METHODS = ("grid", "random", "sobol")

# Fields of an optimizer that can be given beside it.
OF_THE_OPTIMIZER = ("weight_decay", "l1", "momentum", "clip_norm", "clip_value")
CAN_DIFFER = (
    "hidden", "activation", "dropout", "initializer", "loss", "optimizer", "learning_rate", *OF_THE_OPTIMIZER,
    "schedule", "batch_size", "epochs", "early_stopping", "shuffle", "encoding",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """An argument with the values a sweep tries.

    Attributes
    ----------
    name : str
    values : tuple or Range

    """

    name: str
    values: tuple[Any, ...] | Range

    def listed(self) -> Sequence[Any]:
        """All values, as a grid goes through them."""
        return self.values.listed() if isinstance(self.values, Range) else self.values

    def at(self, share: float) -> Any:
        """The value at a share, from 0 to 1, of the way through them."""
        if isinstance(self.values, Range):
            return self.values.at(share)
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


def axes_of(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Axis]]:
    """Arguments parted into those of one value and those of several.

    Several are a list, a one-dimensional array or a `Range`. A value for each layer, widths apart, is a tuple.

    Raises
    ------
    PlanError
        If there is no value, or one twice, or an argument cannot differ among the networks of a sweep.

    """
    fixed, axes = {}, []
    for name, value in given.items():
        values = _several(name, value)
        if values is None:
            fixed[name] = value
            continue
        if name not in CAN_DIFFER:
            raise PlanError(
                f"{name}: got {value!r}; is the same for all networks of a sweep. What can differ: "
                f"{', '.join(CAN_DIFFER)} (and seeds)"
            )
        axes.append(Axis(name, values))
    return fixed, axes


def _several(name: str, value: Any) -> tuple[Any, ...] | Range | None:
    if isinstance(value, Range):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and name != "hidden" and name in CAN_DIFFER:
        value = value.tolist()
    if not isinstance(value, list):
        return None
    if name not in CAN_DIFFER and name not in ("seed", "task", "precision"):
        return None  # such as the names of several labels
    if name == "hidden" and not any(isinstance(item, Sequence | np.ndarray) for item in value):
        return None  # the widths of one network
    if not value:
        raise PlanError(f"{name}: got no values; give at least one")
    seen = set()
    for item in value:
        key = (type(item), repr(item))
        if key in seen:
            raise PlanError(f"{name}: {item!r} is there twice; each value needs to be given once")
        seen.add(key)
    return tuple(value)


class Choices(Sequence[dict[str, Any]]):
    """The combinations a sweep tries, each a dict from argument to value; made when they are asked for.

    Parameters
    ----------
    axes : sequence of Axis
    samples : int, optional
        How many combinations are drawn; without, all there are.
    method : {"grid", "random", "sobol"}
    seed : int
        Of what is drawn.

    Raises
    ------
    PlanError
        If method and samples do not go together, or a range has no count where a grid is asked for.
    CrecheError
        If scipy, which knows Sobol's numbers, is not installed.

    Examples
    --------
    >>> axes = [Axis("hidden", ([5], [10, 10])), Axis("learning_rate", Range(0.001, 0.1, 3, log=True))]
    >>> choices = Choices(axes)
    >>> len(choices), choices[1], choices[5]
    (6, {'hidden': [5], 'learning_rate': 0.01}, {'hidden': [10, 10], 'learning_rate': 0.1})

    """

    def __init__(
        self, axes: Sequence[Axis], samples: int | None = None, method: str | None = None, seed: int = 0
    ) -> None:
        self.axes = tuple(axes)
        method = method or ("grid" if samples is None else "random")
        if method not in METHODS:
            raise PlanError(f"method: got {method!r}; {nearest(method, METHODS)}")
        if (method == "grid") != (samples is None):
            needs = "takes all combinations; leave samples out" if method == "grid" else "needs samples, such as 100"
            raise PlanError(f"method: {method!r} {needs}")
        if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int) or samples < 1):
            raise PlanError(f"samples: got {samples!r}; needs a whole number of at least 1")
        if samples is not None and not self.axes:
            raise PlanError("samples: there is nothing to draw; give an argument a range or a list of values")
        if method == "sobol":
            _sobol()  # or the error that scipy is missing
        self._method, self._samples, self._seed = method, samples, seed
        self._lists = [axis.listed() for axis in self.axes] if samples is None else []
        # Of a grid, more than `len` can say.
        self.number: int = math.prod(map(len, self._lists)) if samples is None else samples

    @cached_property
    def _shares(self) -> list[list[float]]:
        """Drawn when they are first needed: nothing is made of too many before that has been said."""
        return _drawn(self._method, self.number, len(self.axes), self._seed)

    def some(self, most: int) -> list[dict[str, Any]]:
        """A few combinations from everywhere among them, or such as may be drawn, however many there are."""
        few = min(most, self.number)
        if self._samples is not None:
            return list(self) if few == self.number else list(Choices(self.axes, few, "random", self._seed))
        return [self[k * (self.number - 1) // max(few - 1, 1)] for k in range(few)]

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        if not -self.number <= k < self.number:
            raise IndexError(k)
        if self._samples is not None:
            return {axis.name: axis.at(share) for axis, share in zip(self.axes, self._shares[k], strict=True)}
        k %= self.number
        chosen = {}
        for axis, values in zip(reversed(self.axes), reversed(self._lists), strict=True):
            k, place = divmod(k, len(values))
            chosen[axis.name] = values[place]
        return {axis.name: chosen[axis.name] for axis in self.axes}


def _drawn(method: str, samples: int, dimensions: int, seed: int) -> list[list[float]]:
    """Points in the unit cube."""
    if method == "random":
        return np.random.default_rng(seed).random((samples, dimensions)).tolist()  # type: ignore[no-any-return]
    # Drawn as a power of two and cut: Sobol's numbers are balanced only over those (and scipy warns of others).
    points = _sobol()(dimensions, rng=np.random.default_rng(seed)).random_base2(math.ceil(math.log2(samples)))
    return points[:samples].tolist()  # type: ignore[no-any-return]


def _sobol() -> Any:
    try:
        from scipy.stats import qmc
    except ImportError as error:
        raise CrecheError("method 'sobol' needs scipy: pip install 'creche[sweep]', or method='random'") from error
    return qmc.Sobol
