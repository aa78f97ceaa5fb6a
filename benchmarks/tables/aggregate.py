"""Statistics over tables: ratios of errors, ranks, Elo, improvability, and tests, with intervals by bootstrap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

N_BOOTSTRAPS = 10_000

# A log loss below it counts as it, so that one table that is solved does not decide a mean of logarithms.
SMALLEST_ERROR = 1e-3

# The reference has this rating, and ten to one is a difference of 400.
REFERENCE_ELO = 1_000.0


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval over the choice of tables."""

    value: float
    low: float
    high: float


def draw_tables(n_tables: int, seed: int = 0, n_draws: int = N_BOOTSTRAPS) -> Numbers:
    """Return how often each table is in each bootstrap sample of as many tables, divided by their number."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_tables, np.full(n_tables, 1 / n_tables), size=n_draws) / n_tables


def estimate_means(values: Numbers) -> list[Estimate]:
    """Return the mean of each row of (n, tables), with its interval."""
    draws = draw_tables(values.shape[1]) @ values.T
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return [Estimate(*map(float, row)) for row in zip(values.mean(axis=1), low, high, strict=True)]


def estimate_ratio(errors: Numbers, reference: Numbers) -> Estimate:
    """Return the geometric mean over tables of the error divided by that of the reference."""
    [found] = estimate_means(log_ratios(errors, reference)[None, :])
    return Estimate(*(float(np.exp(value)) for value in (found.value, found.low, found.high)))


def log_ratios(errors: Numbers, reference: Numbers) -> Numbers:
    return np.log(np.maximum(errors, SMALLEST_ERROR)) - np.log(np.maximum(reference, SMALLEST_ERROR))


def rank_systems(errors: Numbers) -> Numbers:
    """Return the rank of each system (n, tables) on each table, 1 the best; ties have the mean of their ranks."""
    better = (errors[None, :, :] < errors[:, None, :]).sum(axis=1)
    equal = (errors[None, :, :] == errors[:, None, :]).sum(axis=1)
    return better + (equal + 1) / 2


def find_improvability(errors: Numbers) -> Numbers:
    """Return by how many per cent each error (n, tables) is reduced by taking the best system of the table."""
    return 100 * (1 - errors.min(axis=0) / np.maximum(errors, 1e-300))


def estimate_elo(errors: Numbers, reference: int) -> list[Estimate]:
    """Return the rating of each system from who has the lower error on each table; the reference has 1,000.

    Ratings are the maximum of the Bradley-Terry likelihood with half a win of each over each added, without which a
    system that wins everywhere has no finite one.
    """
    wins = (errors[:, None, :] < errors[None, :, :]) + 0.5 * (errors[:, None, :] == errors[None, :, :])
    n_tables = errors.shape[1]
    counts = np.concatenate([np.full((1, n_tables), 1 / n_tables), draw_tables(n_tables)])
    ratings = fit_bradley_terry(np.einsum("bt,ijt->bij", counts * n_tables, wins))
    ratings += REFERENCE_ELO - ratings[:, [reference]]
    low, high = np.quantile(ratings[1:], [0.025, 0.975], axis=0)
    return [Estimate(*map(float, row)) for row in zip(ratings[0], low, high, strict=True)]


def fit_bradley_terry(wins: Numbers, n_steps: int = 200) -> Numbers:
    """Return Elo ratings (b, n) from numbers of wins (b, n, n) of row over column, by Zermelo's fixed point."""
    n_systems = wins.shape[1]
    others = 1 - np.eye(n_systems)
    wins = (wins + 0.5) * others
    played = wins + wins.transpose(0, 2, 1)
    strength = np.ones(wins.shape[:2])
    for _ in range(n_steps):
        shares = played / (strength[:, :, None] + strength[:, None, :])
        strength = wins.sum(axis=2) / shares.sum(axis=2)
        strength /= np.exp(np.log(strength).mean(axis=1, keepdims=True))
    return 400 * np.log10(strength)


def compare_splits(differences: Sequence[float], test_share: float) -> float:
    """Return the two-sided p of a mean difference over splits, by the corrected t of Nadeau and Bengio.

    The rows of the splits overlap, and so the variance is larger than that of independent ones: 1/n + `test_share`
    instead of 1/n, where the share is the number of test rows divided by that of training rows.
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    if len(values) < 2:
        return float("nan")
    variance = values.var(ddof=1)
    if variance == 0:
        return 1.0 if values.mean() == 0 else 0.0
    t = values.mean() / np.sqrt((1 / len(values) + test_share) * variance)
    return float(2 * stats.t.sf(abs(t), len(values) - 1))


def adjust_signed_ranks(ratios: Mapping[str, Numbers]) -> dict[str, float]:
    """Return Holm's adjusted p of the signed-rank test of Wilcoxon for the log ratios of each system."""
    from scipy import stats

    raw = {name: float(stats.wilcoxon(values).pvalue) if np.any(values) else 1.0 for name, values in ratios.items()}
    adjusted, largest = {}, 0.0
    for place, name in enumerate(sorted(raw, key=raw.__getitem__)):
        largest = max(largest, min(1.0, raw[name] * (len(raw) - place)))
        adjusted[name] = largest
    return adjusted
