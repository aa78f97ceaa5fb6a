"""The range that is found, and verdicts on steps, for curves that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creche.explain.curve_range import CurveRange, find_range
from creche.explain.step_verdict import choose_rates, find_valley, judge_step


def reach(function: Callable[[Any], Any], scale: float = 1.0) -> CurveRange:
    return find_range(lambda d: np.asarray(function(d), dtype=np.float64), float(function(np.zeros(1))[0]), scale)


@given(middle=st.floats(-20, 20), width=st.floats(1e-5, 1e5), height=st.floats(0.01, 100), scale=st.floats(0.1, 10))
def test_a_valley_is_shown_whole(middle: float, width: float, height: float, scale: float) -> None:
    assume(width * np.sqrt(height) < 100 * scale)  # else it hardly changes, near or far
    found = reach(lambda d: height + ((d - middle) / width) ** 2, scale)
    assert found.low < 0 < found.high
    assert found.low < middle < found.high
    drop = (middle / width) ** 2
    for end in (found.low, found.high):
        rise = ((end - middle) / width) ** 2
        assert rise >= 0.99 * min(drop, 0.25 * height) or max(found.high, -found.low) >= 9 * min(found.high, -found.low)
    # Not so wide that the valley cannot be seen.
    span = found.high - found.low
    assert span < 300 * max(abs(middle), np.sqrt(height + drop) * width, scale)


def test_where_the_loss_levels_off() -> None:
    found = reach(lambda d: 10 + 1 / (1 + np.exp(-np.clip(d - 3, -500, 500))))
    assert found.low < -2 < 5 < found.high < 60
    assert found.ends == (False, False)


def test_a_constant_loss() -> None:
    assert reach(np.ones_like) == CurveRange(-2.0, 2.0, (False, False))
    assert reach(np.zeros_like, 8.0) == CurveRange(-16.0, 16.0, (False, False))


def test_no_further_than_the_loss_is_finite() -> None:
    found = reach(lambda d: np.where(d > 2, np.nan, 1 + 1e-4 * d**2))
    assert 1 < found.high <= 2
    assert found.ends == (False, True)
    later = reach(lambda d: np.where(d > 100, np.inf, 1 + d**2))
    assert later.high < 10
    assert later.ends == (False, False)
    both = reach(lambda d: np.where(np.abs(d) > 1, np.inf, 1.0))
    assert both.ends == (True, True)
    assert -1 <= both.low < 0 < both.high <= 1


def test_a_wall_behind_a_plain_is_found() -> None:
    found = reach(lambda d: np.where(d < 50, 1.0, 1.0 + (d - 50)))
    assert found.high > 50


PARABOLA = np.linspace(-3, 7, 1001)
HERE = int(np.argmin(np.abs(PARABOLA)))


def test_verdicts_on_a_parabola() -> None:
    losses, gradient = (PARABOLA - 2) ** 2, -4.0
    valley = find_valley(PARABOLA, losses, HERE, gradient)
    assert PARABOLA[valley] == pytest.approx(2, abs=0.05)
    low, good, over = choose_rates(PARABOLA, losses, HERE, gradient)
    assert good == pytest.approx(0.5, rel=0.05)
    assert low == pytest.approx(0.05, rel=0.05)
    assert over == pytest.approx(1.06, rel=0.05)  # lands where the loss is a quarter of the drop higher than before
    bottom = float(PARABOLA[valley]), float(losses[valley])
    words = {
        rate: judge_step(4 * rate, (4 * rate - 2) ** 2, (0.0, 4.0), bottom)
        for rate in (0.001, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0, 10.0)
    }
    assert [words[rate] for rate in sorted(words)] == [
        "too low", "too low", "too low", "good", "good", "good", "overshooting", "overshooting", "overshooting",
    ]  # fmt: skip
    assert judge_step(0.0, 4.0, (0.0, 4.0), bottom) == "no step"
    assert judge_step(9.0, np.nan, (0.0, 4.0), bottom) == "overshooting"


def test_the_first_valley_downhill_counts() -> None:
    losses = np.minimum((PARABOLA - 2) ** 2, (PARABOLA - 6) ** 2 - 3)
    assert PARABOLA[find_valley(PARABOLA, losses, HERE, -4.0)] == pytest.approx(2, abs=0.05)
    assert find_valley(PARABOLA, losses, HERE, 4.0) == HERE  # uphill there is nothing to gain
    assert find_valley(PARABOLA, losses, HERE, 0.0) == HERE


def test_at_the_bottom_every_small_step_is_good() -> None:
    losses = PARABOLA**2
    rates = choose_rates(PARABOLA, losses, HERE, 1e-9)
    assert find_valley(PARABOLA, losses, HERE, 1e-9) == HERE
    assert all(rate > 1e6 for rate in rates)
    assert choose_rates(PARABOLA, losses, HERE, 0.0) == []
