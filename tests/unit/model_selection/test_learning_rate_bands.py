"""The rule by which learning rates are too low, good, too high, or diverge."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.model_selection.learning_rate_bands import find_limits

RATES = 10.0 ** np.arange(-6, 2, 0.5)  # 16
NOWHERE = np.zeros((16, 4), dtype=np.bool_)
SEEDS = np.array([0.97, 0.99, 1.01, 1.03])


def valley(low: int, high: int, diverging: int) -> NDArray[np.float64]:
    """Return losses that fall to a floor from `low` to `high`, rise, and are infinite from `diverging` on."""
    losses = np.full(16, 0.1)
    losses[:low] = np.linspace(1.0, 0.5, low)
    losses[high + 1 :] = 0.6
    losses[diverging:] = np.inf
    return losses[:, np.newaxis] * SEEDS


@given(low=st.integers(1, 8), width=st.integers(2, 5), high=st.integers(2, 3))
def test_a_valley_with_clear_walls(low: int, width: int, high: int) -> None:
    last = low + width
    limits = find_limits(RATES, valley(low, last, min(last + high, 16)), NOWHERE, 1.0)
    assert limits is not None
    # The median of three rates is as low as theirs where two of the three are good, so each edge is a good rate.
    assert (limits.first_good, limits.last_good, limits.first_diverged) == (low, last, min(last + high, 16))
    assert abs(limits.recommended_index - (low + last) / 2) <= 0.5


@st.composite
def tables(draw: Any) -> NDArray[np.float64]:
    losses = st.one_of(st.floats(0.01, 10.0), st.just(np.inf))
    return np.array(draw(st.lists(st.lists(losses, min_size=4, max_size=4), min_size=16, max_size=16)))


@given(losses=tables(), above=st.lists(st.booleans(), min_size=64, max_size=64))
def test_the_bands_are_in_order_for_any_losses(losses: NDArray[np.float64], above: list[bool]) -> None:
    limits = find_limits(RATES, losses, np.array(above).reshape(16, 4), 1.0)
    diverged = (losses == np.inf).sum(axis=1) >= 2
    if limits is None:
        assert diverged.all()
        return
    assert 0 <= limits.first_good <= limits.recommended_index <= limits.last_good < limits.first_diverged <= 16
    assert limits.first_good <= limits.best_index <= limits.last_good
    assert not diverged[limits.first_good : limits.last_good + 1].any()


@given(losses=tables(), power=st.integers(-8, 8), moved=st.integers(-3, 3))
def test_units_of_the_loss_and_of_the_rate_do_not_matter(losses: NDArray[np.float64], power: int, moved: int) -> None:
    """Powers of two, so that not a bit is lost."""
    one = find_limits(RATES, losses, NOWHERE, 1.0)
    other = find_limits(RATES * 2.0**moved, losses * 2.0**power, NOWHERE, 2.0**power)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.first_good, one.last_good, one.best_index, one.first_diverged) == (
            other.first_good,
            other.last_good,
            other.best_index,
            other.first_diverged,
        )


def test_one_lucky_network_is_not_the_best_rate() -> None:
    losses = valley(6, 9, 16)
    losses[13, 0] = 1e-6
    losses[2] = 0.04  # and not even a lucky rate is, between two bad ones
    losses[2, 2:] = 0.9
    limits = find_limits(RATES, losses, NOWHERE, 1.0)
    assert limits is not None
    assert (limits.first_good, limits.last_good) == (6, 9)


def test_an_outlier_moves_no_limit() -> None:
    losses = valley(4, 8, 12)
    losses[14] = 3.0  # among those that diverge, one rate ends with finite numbers
    losses[10, 0] = np.inf
    limits = find_limits(RATES, losses, NOWHERE, 1.0)
    assert limits is not None
    assert (limits.first_good, limits.last_good, limits.first_diverged) == (4, 8, 12)


def test_a_final_loss_above_the_initial_one_is_divergence_at_high_rates_only() -> None:
    above = NOWHERE.copy()
    above[:2] = True  # where next to nothing is learnt, chance decides
    above[13:, :2] = True
    limits = find_limits(RATES, valley(4, 8, 16), above, 1.0)
    assert limits is not None
    assert (limits.first_good, limits.last_good, limits.first_diverged) == (4, 8, 13)


def test_the_tolerance_is_a_share_of_the_improvement() -> None:
    still = find_limits(RATES, np.repeat(valley(4, 8, 16)[:, :1], 4, axis=1), NOWHERE, 1.0)
    assert still is not None
    assert still.tolerance == 0.01 * (1.0 - 0.097)
    noisy = valley(4, 8, 16)
    noisy[4:9] = [0.07, 0.08, 0.12, 0.13]  # whose median is 0.1: two lie 0.02 and 0.03 above it
    limits = find_limits(RATES, noisy, NOWHERE, 1.0)
    assert limits is not None
    np.testing.assert_allclose(limits.tolerance, np.quantile([-0.03, -0.02, 0.02, 0.03], 0.75))
    noisy[4:9] = [0.02, 0.03, 0.9, 0.9]
    limits = find_limits(RATES, noisy, NOWHERE, 1.0)
    assert limits is not None
    assert limits.tolerance <= 0.05 * (1.0 - limits.smoothed_medians[limits.best_index])


def test_networks_that_have_not_ended_do_not_count() -> None:
    losses = valley(4, 8, 12)
    losses[:, 2:] = np.nan
    losses[5, 1] = np.nan
    limits = find_limits(RATES, losses, NOWHERE, 1.0)
    assert limits is not None
    assert (limits.first_good, limits.last_good, limits.first_diverged) == (4, 8, 12)
    assert find_limits(RATES[:3], np.full((3, 2), np.inf), NOWHERE[:3, :2], 1.0) is None
