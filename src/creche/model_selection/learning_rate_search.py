"""Networks of many learning rates compared: losses by rate and seed, and what is said of each band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.errors import PlanError
from creche.model_selection.colony import Colony
from creche.model_selection.cost_estimate import Estimate, check_cost
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.model_selection.learning_rate_bands import BandLimits, find_limits
from creche.model_selection.learning_rate_baselines import Baselines, train_baselines
from creche.model_selection.learning_rate_result import Band, LearningRates, improves_on_constant
from creche.model_selection.search_space import Axis, Combinations, Range, log_range, split_axes
from creche.model_selection.sweep import create_colony, merge_colonies, train_all
from creche.plan.arguments import PER_LAYER, check_whole_number

__all__ = ["find_bands", "find_learning_rate"]

LAST, STILL = 0.1, 0.01  # the share of the epochs that is the end, and of the whole fall that is still falling


def find_bands(colony: Colony, references: Baselines, extensions: Sequence[str] = ()) -> LearningRates | None:
    """What is to be said of rates that were tried; None where no network was done, or all rates diverged.

    Parameters
    ----------
    colony : Colony
        Networks that differ by their rate and their seed.
    references : References
        In the order of the seeds.
    extensions : sequence of str
        How the range was changed on the way.

    """
    results = colony.results
    losses_of = np.where(results.diverged | ~np.isfinite(results.loss), np.inf, results.loss)
    losses_of[~results.done] = np.nan
    above = _diverged(colony, references)
    done = ~np.isnan(losses_of)
    rate_of = np.array([choice["learning_rate"] for choice in colony.choices])
    seed_of = np.array([choice["seed"] for choice in colony.choices])
    if not done.any():
        return None
    rates, row = np.unique(rate_of[done], return_inverse=True)
    _, column = np.unique(seed_of[done], return_inverse=True)
    losses = np.full((len(rates), int(column.max()) + 1), np.nan)
    losses[row, column] = losses_of[done]
    above_untrained = np.zeros(losses.shape, dtype=np.bool_)
    above_untrained[row, column] = above[done]
    limits = find_limits(rates, losses, above_untrained, references.constant)
    if limits is None:
        return None
    places = {"too low": (0, limits.low), "good": (limits.low, limits.high + 1)}
    places |= {"too high": (limits.high + 1, limits.diverging), "diverged": (limits.diverging, len(rates))}
    falling = np.zeros(losses.shape, dtype=np.bool_)
    falling[row, column] = _falling(colony, references)[done]
    above_untrained[: limits.best + 1] = False  # the chance of dropout and of rows, where nearly nothing is learnt
    diverged = (losses == np.inf) | above_untrained
    bands = tuple(
        _band(name, rates[a:b], losses[a:b], diverged[a:b], falling[a:b], limits, colony.watched)
        for name, (a, b) in places.items()
        if b > a
    )
    notes = (*extensions, *_notes(limits, references, rates))
    return LearningRates(
        float(rates[limits.recommended]), bands, rates, losses, diverged, falling, colony, limits, references, notes
    )


def _notes(limits: BandLimits, references: Baselines, rates: NDArray[np.float64]) -> list[str]:
    if not improves_on_constant(limits, references):
        return [
            f"no rate came to less than always giving the same prediction does, a loss of {references.constant:.4g}: "
            "the rate means little. Train longer, try another network, or ask whether the features tell of the label"
        ]
    notes = []
    if limits.low == 0:
        notes.append(f"the good rates reach the lowest that was tried; {rates[0]:g} need not be where they begin")
    if limits.high == len(rates) - 1:
        notes.append(f"the good rates reach the highest that was tried; {rates[-1]:g} need not be where they end")
    return notes


def _band(
    name: str,
    rates: NDArray[np.float64],
    losses: NDArray[np.float64],
    diverged: NDArray[np.bool_],
    falling: NDArray[np.bool_],
    limits: BandLimits,
    watched: str,
) -> Band:
    there = losses[~np.isnan(losses)]
    networks, lost, still = len(there), int(diverged.sum()), int(falling.sum())
    loss, lowest = float(np.median(there)), float(limits.medians[limits.best])
    which = "validation loss" if watched == "validation" else "training loss"
    why = {
        "too low": f"median {which} {loss:.3g}; {still:,} of {networks:,} networks were still falling at the end",
        "good": f"median {which} {loss:.3g}, no more than {limits.tolerance:.2g} above the lowest, {lowest:.3g}",
        "too high": f"median {which} {loss:.3g}" + (f"; {lost:,} of {networks:,} networks diverged" if lost else ""),
        "diverged": f"{lost:,} of {networks:,} networks diverged, or ended above where they began",
    }[name]
    return Band(name, float(rates[0]), float(rates[-1]), len(rates), networks, lost, still, loss, why)


def _untrained(colony: Colony, references: Baselines) -> NDArray[np.float64]:
    """Of each network, the training loss with its initial weights."""
    first = min(choice["seed"] for choice in colony.choices)
    return np.array([references.untrained[choice["seed"] - first] for choice in colony.choices])


def _diverged(colony: Colony, references: Baselines) -> NDArray[np.bool_]:
    """Of each network, whether its loss is not finite or ended above where it began."""
    results = colony.results
    lost = results.diverged | ~np.isfinite(results.loss) | (results.train_loss > _untrained(colony, references))
    return np.asarray(lost & results.done)


def _falling(colony: Colony, references: Baselines) -> NDArray[np.bool_]:
    """Of each network, whether its training loss was still falling when it ended."""
    begin = _untrained(colony, references)
    found = np.zeros(len(colony), dtype=np.bool_)
    for n, member in enumerate(colony):
        losses = np.concatenate([[begin[n]], member.history.train_loss])
        if member.status == "finished" and len(losses) > 1:
            before = losses[-1 - max(1, round(LAST * (len(losses) - 1)))]
            found[n] = before - losses[-1] > STILL * max(losses[0] - losses[-1], 0.0)
    return found


RATES = log_range(1e-6, 10.0, 48)


PER_DECADE = 7


SUCH = "log_range(1e-6, 10, 48)"


LEAST, MOST = 3, 10_000


LOWEST, HIGHEST = 1e-12, 1e6


MOST_EXTENSIONS, FARTHER = 3, 100.0


def find_learning_rate(
    data: Any,
    y: Any = None,
    *,
    rates: Range | Any = RATES,
    seeds: int = 4,
    seed: int = 0,
    extend: bool = True,
    confirm: Callable[[Estimate], bool] | None = None,
    threads: int | None = None,
    on_progress: Callable[[Colony], object] | None = None,
    **arguments: Any,
) -> LearningRates:
    """Trains networks with many learning rates at once, each to its end, and says which are too low, good or too high.

    Unlike a range test, in which the rate of one run rises until it breaks (Smith 2017), these are the runs themselves:
    each network is, bit for bit, what `creche.train` gives with its rate, its seed and ``split_seed=seed``.
    `creche.model_selection.learning_rate_bands` says by which rule rates are good, and which of them to take.

    Parameters
    ----------
    data, y
        As for `creche.train`.
    rates : Range or sequence of float, default ``log_range(1e-6, 10, 48)``
        At least 3, above 0.
    seeds : int, default 4
        Networks for each rate, with the seeds ``seed``, ``seed + 1``, ….
    seed : int, default 0
        The first of them, and that of the split.
    extend : bool, default True
        Whether higher or lower rates are tried, too, where the good ones reach the end of the range, up to three times
        a hundredfold.
    confirm : callable, optional
        Is called with an `Estimate` before training begins; nothing is trained where it returns False.
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable, optional
        Is called with the colony in training about twenty times a second.
    **arguments
        Of `creche.train` (`label`, `hidden`, `optimizer`, `epochs`, …), one value each.

    Returns
    -------
    LearningRates

    Raises
    ------
    TableError, FileError
        As for `creche.train`.
    PlanError
        If a plan cannot be, or the rates are none, too few, or not above 0.
    DivergedError
        If all networks diverged; its message says which rates to try.
    KeyboardInterrupt
        On Ctrl-C; what can be told from the networks that were done is the exception's `learning_rates`.

    Examples
    --------
    >>> import creche as cr
    >>> found = cr.find_learning_rate("penguins", label="species", hidden=[8], epochs=30, seeds=2,
    ...                               rates=cr.log_range(1e-4, 10, 16), threads=1)
    >>> bool(0.003 < found.rate < 0.3), [band.name for band in found.bands]
    (True, ['too low', 'good', 'too high'])

    """
    seed, seeds = check_whole_number("seed", seed, at_least=0), check_whole_number("seeds", seeds, at_least=1)
    values = _values(rates)
    fixed = _fixed(arguments)
    threads = resolve_threads(threads)
    jobs = Jobs(data, y, fixed, seed)
    check_cost(Combinations([Axis("learning_rate", tuple(values))]), seeds, jobs, None, confirm, threads)
    of = range(seed, seed + seeds)
    search = _Search(jobs, of, train_baselines(jobs, of, threads), threads, on_progress)
    search.train(values)
    while extend and (more := search.beyond()):
        search.train(more)
    return search.found()


@dataclass(slots=True, eq=False)
class _Search:
    """The networks trained so far, and what is said of the range."""

    jobs: Jobs
    seeds: range
    references: Baselines
    threads: int
    on_progress: Callable[[Colony], object] | None
    colony: Colony | None = None
    extensions: tuple[str, ...] = ()

    def train(self, rates: list[float]) -> None:
        choices = [{"learning_rate": rate, "seed": s} for rate in _spread(rates) for s in self.seeds]
        colony = create_colony(self.jobs, choices, self.threads)
        try:
            train_all(colony, on_progress=self.on_progress)
        except KeyboardInterrupt as interrupt:
            self._add(colony)
            found = find_bands(self.colony, self.references, self.extensions) if self.colony else None
            if found is not None and len(found.rates) >= LEAST:
                interrupt.learning_rates = found  # type: ignore[attr-defined]
            raise
        self._add(colony)

    def _add(self, colony: Colony) -> None:
        self.colony = colony if self.colony is None else merge_colonies([self.colony, colony])

    def found(self) -> LearningRates:
        """
        Raises
        ------
        DivergedError
            If all networks diverged.

        """
        assert self.colony is not None
        found = find_bands(self.colony, self.references, self.extensions)
        if found is None:
            self.colony.raise_no_ranked_member()
        assert found is not None
        return found

    def beyond(self) -> list[float]:
        """Rates to try beyond the range, where the good ones reach its end; none where there is no end to be found."""
        assert self.colony is not None
        if len(self.extensions) >= MOST_EXTENSIONS:
            return []
        tried = np.unique([choice["learning_rate"] for choice in self.colony.choices])
        steps = max(1, round(float(np.log(FARTHER) / np.median(np.diff(np.log(tried))))))
        found = find_bands(self.colony, self.references, self.extensions)
        more: list[float] = []
        if found is None:
            if not self.colony.results.diverged.any():
                return []
            more += self._farther(float(tried[0]), 1 / FARTHER, steps, "all networks diverged")
        elif found.learned:
            limits = found.limits
            if limits.low == 0:
                more += self._farther(float(tried[0]), 1 / FARTHER, steps, "the lowest rates did as well as the best")
            if limits.high == len(tried) - 1:
                more += self._farther(float(tried[-1]), FARTHER, steps, "the highest rates did as well as the best")
        return more

    def _farther(self, end: float, times: float, steps: int, why: str) -> list[float]:
        """Rates on from the end of the range, as close together as those in it."""
        rates = [float(f"{end * times ** (step / steps):.6g}") for step in range(1, steps + 1)]
        rates = [rate for rate in rates if (rate >= LOWEST if times < 1 else rate <= HIGHEST)]
        if rates:
            word = "down" if times < 1 else "up"
            self.extensions += (f"{why}, so the range was extended {word} from {end:g} to {rates[-1]:g}",)
        return rates


def _spread(rates: list[float]) -> list[float]:
    """In an order in which the first few lie far apart (van der Corput 1935).

    Packs are trained one after the other, so whoever stops early has rates from all over the range.
    """
    digits = len(f"{len(rates):b}")
    return [rates[i] for i in sorted(range(len(rates)), key=lambda i: f"{i:0{digits}b}"[::-1])]


def _values(rates: Any) -> list[float]:
    """The rates, rising."""
    if isinstance(rates, Range) and rates.count is None and rates.low > 0 and rates.high > rates.low:
        rates = log_range(rates.low, rates.high, int(PER_DECADE * np.log10(rates.high / rates.low)) + LEAST)
    rates = list(rates) if isinstance(rates, tuple) else rates
    _, axes = split_axes({"learning_rate": rates})  # says what is wrong with a list
    listed = axes[0].listed() if axes else [rates]
    if len(listed) > MOST:
        raise PlanError(f"rates: got {len(listed):,}; needs at most {MOST:,}, and {SUCH} is enough")
    wrong = [
        rate for rate in listed if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < float(rate) < np.inf
    ]
    if wrong:
        raise PlanError(f"rates: got {wrong[0]!r}; needs numbers above 0, such as {SUCH}")
    if len(listed) < LEAST:
        raise PlanError(f"rates: got {len(listed)}; needs at least {LEAST}, such as {SUCH}")
    return sorted(float(rate) for rate in listed)


def _fixed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that all networks share."""
    if "learning_rate" in arguments:
        raise PlanError("learning_rate: is what is looked for; leave it out, or say among which, as rates")
    given = complete_arguments(arguments)
    for name in PER_LAYER:  # a list holds a value for each layer, as in `train`
        given[name] = tuple(given[name]) if isinstance(given[name], list) else given[name]
    fixed, axes = split_axes({name: value for name, value in given.items() if name not in ("seed", "learning_rate")})
    if axes:
        raise PlanError(
            f"{axes[0].name}: got several values; the rate is looked for with one. creche.sweep compares several"
        )
    return {**fixed, "learning_rate": None}
