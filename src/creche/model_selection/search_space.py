"""The search space of a sweep: ranges of numbers, and the combinations of values that are tried."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from creche._advice import advise
from creche.errors import CrecheError, PlanError
from creche.plan.arguments import ARGUMENTS, SWEEPABLE, arguments_in
from creche.plan.words import check_word

__all__ = ["METHODS", "Axis", "Combinations", "Range", "SearchMethod", "linear_range", "log_range", "split_axes"]

MAX_LISTED_VALUES = 10_000  # a longer grid computes each value when it is needed


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, as `log_range` and `linear_range` return them.

    Attributes
    ----------
    low, high : float
        The ends, both included.
    count : int, optional
        The number of evenly spaced values in a grid; samples are drawn from the whole range.
    log : bool
        Whether evenly spaced means equal ratios, instead of equal steps.
    whole : bool
        Whether only whole numbers belong to the range.

    """

    low: float
    high: float
    count: int | None = None
    log: bool = False
    whole: bool = False

    def __repr__(self) -> str:
        kind = "log_range" if self.log else "linear_range"
        numbers = [f"{value:.17g}" if self.whole else repr(float(value)) for value in (self.low, self.high)]
        return f"{kind}({', '.join(numbers)}{'' if self.count is None else f', {self.count}'})"

    def interpolate(self, share: float) -> float | int:
        """Return the number at a share of the way from `low` (0) to `high` (1)."""
        if share in (0, 1):  # the ends are not rounded
            end = (self.low, self.high)[int(share)]
            return int(end) if self.whole else float(end)
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        if self.whole:
            return round(value)
        # Six digits are precise enough for any argument, and short enough to be typed again.
        return float(f"{value:.6g}")

    def values(self) -> list[float | int]:
        """Return `count` evenly spaced numbers from `low` to `high`; each whole number once."""
        if self.count is None:
            raise PlanError(
                f"{self}: has no count, which a grid needs; give a count, such as log_range(1e-4, 1, 24), or draw "
                f"combinations with {advise('samples', 100)}"
            )
        shares = np.linspace(0, 1, self.count).tolist() if self.count > 1 else [0.0]
        return list(dict.fromkeys(self.interpolate(share) for share in shares))

    def grid_values(self) -> Sequence[float | int]:
        """Return the same numbers as `values`; very many of them are computed when they are needed."""
        if self.count is None or self.count <= MAX_LISTED_VALUES:
            return tuple(self.values())
        if self.whole and self.high - self.low < self.count:
            return range(int(self.low), int(self.high) + 1)
        return _LazyValues(self, self.count)

    def __str__(self) -> str:
        dots = f"{self.low:g}..{self.high:g}"
        return dots if self.count is None else f"{dots}, {self.count} values"


class _LazyValues(Sequence[float | int]):
    """The values of a range, each computed when it is needed."""

    def __init__(self, values: Range, count: int) -> None:
        self._range = values
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self._count))]
        return self._range.interpolate(range(self._count)[i] / (self._count - 1))


def log_range(low: float, high: float, count: int | None = None) -> Range:
    """Return a range of numbers from low to high in equal ratios, which suits learning rates and batch sizes.

    Parameters
    ----------
    low, high : float
        The ends, above 0. Two ints (``8, 512``) give a range of whole numbers.
    count : int, optional
        The number of values; not needed where a sweep draws samples.

    Raises
    ------
    PlanError
        If the range is empty or reversed, or does not begin above 0.

    Examples
    --------
    >>> log_range(1e-4, 1, 5).values()
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> log_range(8, 512, 4).values()
    [8, 32, 128, 512]

    """
    _check("log_range", low, high, count)
    if low <= 0:
        raise PlanError(f"log_range: begins at {low:g}; needs a number above 0; or use linear_range")
    return Range(low, high, count, log=True, whole=_both_whole(low, high))


def linear_range(low: float, high: float, count: int | None = None) -> Range:
    """Return a range of numbers from low to high in equal steps.

    Parameters
    ----------
    low, high : float
        The ends. Two ints (``4, 16``) give a range of whole numbers.
    count : int, optional
        The number of values; not needed where a sweep draws samples.

    Raises
    ------
    PlanError
        If the range is empty or reversed.

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


SearchMethod: TypeAlias = Literal["grid", "random", "sobol"]
METHODS: tuple[SearchMethod, ...] = get_args(SearchMethod)


@dataclass(frozen=True, slots=True)
class Axis:
    """An argument with the values that a sweep tries.

    Attributes
    ----------
    name : str
    values : tuple or Range

    """

    name: str
    values: tuple[Any, ...] | Range

    def grid_values(self) -> Sequence[Any]:
        """Return all values, in the order of a grid."""
        return self.values.grid_values() if isinstance(self.values, Range) else self.values

    def interpolate(self, share: float) -> Any:
        """Return the value at a share of the way from the first (0) to the last (1)."""
        if isinstance(self.values, Range):
            return self.values.interpolate(share)
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


def split_axes(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[Axis]]:
    """Split arguments into those with one value and those with several.

    Several values are a list, a one-dimensional array or a `Range`. A tuple is one value with an entry for each layer;
    the widths of the layers may also be a list of numbers.

    Raises
    ------
    PlanError
        If an argument has no value, the same value twice, or several values although all networks share it.

    """
    fixed, axes = {}, []
    for name, value in arguments.items():
        values = _parse_values(name, value)
        if values is None:
            fixed[name] = value
            continue
        if name not in SWEEPABLE:
            raise PlanError(
                f"{name}: got {value!r}; needs one value, since all networks of a sweep share it. Several values are "
                f"possible for {', '.join(SWEEPABLE)}; for several seeds, give {advise('seeds', 8)}"
            )
        axes.append(Axis(name, values))
    return fixed, axes


def _parse_values(name: str, value: Any) -> tuple[Any, ...] | Range | None:
    """Return the values of an argument that has several; None for a single value."""
    if isinstance(value, Range):
        return value
    if isinstance(value, np.ndarray) and value.ndim == 1 and name != "hidden" and name in SWEEPABLE:
        value = value.tolist()
    if not isinstance(value, list):
        return None
    if name not in SWEEPABLE and name not in arguments_in("plan"):
        return None  # one value that is a list, such as the names of several labels
    if name in ARGUMENTS and ARGUMENTS[name].is_list and not any(isinstance(v, Sequence | np.ndarray) for v in value):
        return None  # the widths of one network, or its quantiles
    if not value:
        raise PlanError(f"{name}: got an empty list; give at least one value")
    seen = set()
    for item in value:
        key = (type(item), repr(item))
        if key in seen:
            raise PlanError(f"{name}: got {item!r} twice; give each value once")
        seen.add(key)
    return tuple(value)


class Combinations(Sequence[dict[str, Any]]):
    """The combinations that a sweep tries, each a dict from argument to value, created when they are needed.

    Parameters
    ----------
    axes : sequence of Axis
    samples : int, optional
        The number of combinations to draw; by default, all combinations are tried.
    method : {"grid", "random", "sobol"}, optional
        By default "random" with `samples`, and otherwise "grid".
    seed : int, default 0
        Seed of the draws.

    Attributes
    ----------
    axes : tuple of Axis
    number : int
        The number of combinations, which may be too large for ``len``.

    Raises
    ------
    PlanError
        If method and samples do not go together, or a range in a grid has no count.
    CrecheError
        If scipy, which computes Sobol's numbers, is not installed.

    Examples
    --------
    >>> axes = [Axis("hidden", ([5], [10, 10])), Axis("learning_rate", Range(0.001, 0.1, 3, log=True))]
    >>> choices = Combinations(axes)
    >>> len(choices), choices[1], choices[5]
    (6, {'hidden': [5], 'learning_rate': 0.01}, {'hidden': [10, 10], 'learning_rate': 0.1})

    """

    def __init__(
        self, axes: Sequence[Axis], samples: int | None = None, method: SearchMethod | None = None, seed: int = 0
    ) -> None:
        self.axes = tuple(axes)
        method = check_word("method", method or ("grid" if samples is None else "random"), METHODS)
        if (method == "grid") != (samples is None):
            needs = "tries all combinations; leave samples out" if method == "grid" else "needs samples, such as 100"
            raise PlanError(f"method: {method!r} {needs}")
        if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int) or samples < 1):
            raise PlanError(f"samples: got {samples!r}; needs a whole number of at least 1")
        if samples is not None and not self.axes:
            raise PlanError(
                f"samples: got {samples}, but no argument has several values; give one a range or a list of values"
            )
        if method == "sobol":
            _sobol()  # raises an error if scipy is missing
        self._method, self._samples, self._seed = method, samples, seed
        self._lists = [axis.grid_values() for axis in self.axes] if samples is None else []
        self.number: int = math.prod(map(len, self._lists)) if samples is None else samples

    @cached_property
    def _shares(self) -> list[list[float]]:
        # Drawn only when they are needed: a sweep with too many combinations is refused before.
        return _draw_points(self._method, self.number, len(self.axes), self._seed)

    def select_examples(self, limit: int) -> list[dict[str, Any]]:
        """Return a few combinations, spread over the whole grid or drawn at random."""
        few = min(limit, self.number)
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
            return {axis.name: axis.interpolate(share) for axis, share in zip(self.axes, self._shares[k], strict=True)}
        k %= self.number
        chosen = {}
        for axis, values in zip(reversed(self.axes), reversed(self._lists), strict=True):
            k, i = divmod(k, len(values))
            chosen[axis.name] = values[i]
        return {axis.name: chosen[axis.name] for axis in self.axes}


def _draw_points(method: str, samples: int, dimensions: int, seed: int) -> list[list[float]]:
    """Draw points in the unit cube."""
    if method == "random":
        return np.random.default_rng(seed).random((samples, dimensions)).tolist()  # type: ignore[no-any-return]
    # Sobol's numbers are balanced over powers of two only, so the next one is drawn and cut off.
    points = _sobol()(dimensions, rng=np.random.default_rng(seed)).random_base2(math.ceil(math.log2(samples)))
    return points[:samples].tolist()  # type: ignore[no-any-return]


def _sobol() -> Any:
    try:
        from scipy.stats import qmc
    except ImportError as error:
        raise CrecheError(f"method 'sobol' needs scipy: pip install scipy, or {advise('method', 'random')}") from error
    return qmc.Sobol
