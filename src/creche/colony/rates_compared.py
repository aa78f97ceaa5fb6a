"""Networks of many learning rates compared: losses by rate and seed, and what is said of each band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from creche.colony.bands import Limits, limits_of
from creche.colony.colony import Colony
from creche.colony.rates_found import Band, LearningRates, gains
from creche.colony.references import References

__all__ = ["rates_found"]

LAST, STILL = 0.1, 0.01  # the share of the epochs that is the end, and of the whole fall that is still falling


def rates_found(colony: Colony, references: References, extensions: Sequence[str] = ()) -> LearningRates | None:
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
    limits = limits_of(rates, losses, above_untrained, references.constant)
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


def _notes(limits: Limits, references: References, rates: NDArray[np.float64]) -> list[str]:
    if not gains(limits, references):
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
    limits: Limits,
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


def _untrained(colony: Colony, references: References) -> NDArray[np.float64]:
    """Of each network, the training loss with its initial weights."""
    first = min(choice["seed"] for choice in colony.choices)
    return np.array([references.untrained[choice["seed"] - first] for choice in colony.choices])


def _diverged(colony: Colony, references: References) -> NDArray[np.bool_]:
    """Of each network, whether its loss is not finite or ended above where it began."""
    results = colony.results
    lost = results.diverged | ~np.isfinite(results.loss) | (results.train_loss > _untrained(colony, references))
    return np.asarray(lost & results.done)


def _falling(colony: Colony, references: References) -> NDArray[np.bool_]:
    """Of each network, whether its training loss was still falling when it ended."""
    begin = _untrained(colony, references)
    found = np.zeros(len(colony), dtype=np.bool_)
    for n, member in enumerate(colony):
        losses = np.concatenate([[begin[n]], member.history.train_loss])
        if member.status == "finished" and len(losses) > 1:
            before = losses[-1 - max(1, round(LAST * (len(losses) - 1)))]
            found[n] = before - losses[-1] > STILL * max(losses[0] - losses[-1], 0.0)
    return found
