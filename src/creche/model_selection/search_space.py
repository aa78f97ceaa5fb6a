"""Ranges: numbers from a low one to a high one, for a sweep to go through or to draw from."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from creche.errors import CrecheError, PlanError, nearest
from creche.plan.arguments import SWEEPABLE, arguments_in

__all__ = ["METHODS", "Axis", "Combinations", "Range", "linear_range", "log_range", "split_axes"]

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, made by `log_range` or `linear_range`.

    Attributes
    ----------
    low, high : float
        Both belong to it.
    count : int, optional
        How many evenly spaced values a grid takes; samples are drawn from all between low and high.
    log : bool
        Whether evenly spaced means equal ratios.
    whole : bool
        Whether they are whole numbers.

    """

    low: float
    high: float
    count: int | None = None
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> float | int:
        """The number at a share of the way, from 0 at `low` to 1 at `high`."""
        if share in (0, 1):  # as they were given
            end = (self.low, self.high)[int(share)]
            return int(end) if self.whole else float(end)
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        if self.whole:
            return round(value)
        # Six digits say all that a learning rate needs to, and can be typed again.
        return float(f"{value:.6g}")

    def values(self) -> list[float | int]:
        """As many as `count` says, the first `low` and the last `high`; whole numbers once each."""
        if self.count is None:
            raise PlanError(f"{self}: has no count, so a grid cannot go through it; give one, or samples=100, say")
        shares = np.linspace(0, 1, self.count).tolist() if self.count > 1 else [0.0]
        return list(dict.fromkeys(self.at(share) for share in shares))

    def listed(self) -> Sequence[float | int]:
        """The same as `values`; where they are very many, made one by one when they are asked for."""
        if self.count is None or self.count <= MOST_AT_ONCE:
            return tuple(self.values())
        if self.whole and self.high - self.low < self.count:  # there are no more than lie between
            return range(int(self.low), int(self.high) + 1)
        return _OneByOne(self, self.count)

    def __str__(self) -> str:
        dots = f"{self.low:g}..{self.high:g}"
        return dots if self.count is None else f"{dots}, {self.count} values"


class _OneByOne(Sequence[float | int]):
    """The values of a range of very many."""

    def __init__(self, of: Range, count: int) -> None:
        self._of = of
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self._count))]
        return self._of.at(range(self._count)[i] / (self._count - 1))


def log_range(low: float, high: float, count: int | None = None) -> Range:
    """Numbers from low to high in equal ratios: what suits learning rates, weight decay, batch sizes.

    Parameters
    ----------
    low, high : float
        Above 0; whole numbers if both are given as such (``8, 512``).
    count : int, optional
        How many; not needed where a sweep draws samples.

    Raises
    ------
    PlanError
        If it is empty, reversed or not above 0.

    Examples
    --------
    >>> log_range(1e-4, 1, 5).values()
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> log_range(8, 512, 4).values()
    [8, 32, 128, 512]

    """
    _check("log_range", low, high, count)
    if low <= 0:
        raise PlanError(f"log_range: begins at {low:g}; needs a number above 0, or linear_range")
    return Range(low, high, count, log=True, whole=_both_whole(low, high))


def linear_range(low: float, high: float, count: int | None = None) -> Range:
    """Numbers from low to high in equal steps; parameters and errors as for `log_range`, but any sign.

    Examples
    --------
    >>> linear_range(0.0, 0.5, 3).values()
    [0.0, 0.25, 0.5]
    >>> linear_range(4, 16, 4).values()
    [4, 8, 12, 16]

    """
    _check("linear_range", low, high, count)
    return Range(low, high, count, whole=_both_whole(low, high))


def _both_whole(low: float, high: float) -> bool:
    return isinstance(low, numbers.Integral) and isinstance(high, numbers.Integral) and high - low > 1


def _check(name: str, low: object, high: object, count: object) -> None:
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, numbers.Real) or not math.isfinite(bound):
            raise PlanError(f"{name}: got {bound!r}; needs finite numbers")
    if high < low:  # type: ignore[operator]
        raise PlanError(f"{name}: goes from {low:g} down to {high:g}; give the lower number first")
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise PlanError(f"{name}: got {count!r} values; needs a whole number of at least 1")
    if count > 1 and high == low:
        raise PlanError(f"{name}: {count} values from {low:g} to {high:g} would all be the same; widen it")


METHODS = ("grid", "random", "sobol")


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


def split_axes(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Axis]]:
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
        if name not in SWEEPABLE:
            raise PlanError(
                f"{name}: got {value!r}; is the same for all networks of a sweep. What can differ: "
                f"{', '.join(SWEEPABLE)} (and seeds)"
            )
        axes.append(Axis(name, values))
    return fixed, axes


def _several(name: str, value: Any) -> tuple[Any, ...] | Range | None:
    if isinstance(value, Range):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and name != "hidden" and name in SWEEPABLE:
        value = value.tolist()
    if not isinstance(value, list):
        return None
    if name not in SWEEPABLE and name not in arguments_in("plan"):
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


class Combinations(Sequence[dict[str, Any]]):
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
    >>> choices = Combinations(axes)
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
            return list(self) if few == self.number else list(Combinations(self.axes, few, "random", self._seed))
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
