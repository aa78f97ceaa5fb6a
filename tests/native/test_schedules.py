"""Factors of the learning rate, against those of torch.optim.lr_scheduler in tests/golden/schedules.json."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "schedules.json").read_text())
BY_UNITS = ["step", "exponential", "cosine", "one_cycle", "one_cycle_late_peak", "warmup"]


def numbers(hexadecimal: list[str]) -> NDArray[np.float64]:
    return np.array([float.fromhex(number) for number in hexadecimal])


def factors(native: Any, units: Any, **plan: Any) -> NDArray[np.float64]:
    out: NDArray[np.float64] = native.schedule_factors(plan, np.atleast_1d(np.asarray(units, np.float64)))
    return out


@pytest.mark.parametrize("name", BY_UNITS)
def test_factors_are_those_of_torch(native: Any, name: str) -> None:
    golden = GOLDEN[name]
    expected = numbers(golden["factors"])
    np.testing.assert_allclose(factors(native, np.arange(len(expected)), **golden["plan"]), expected, rtol=1e-12)


def test_a_plateau_is_torchs(native: Any) -> None:
    golden = GOLDEN["reduce_on_plateau"]
    expected = numbers(golden["factors"])
    got = native.plateau_factors(golden["plan"], numbers(golden["losses"]))
    assert len(set(expected)) > 3  # the golden losses do lead to reductions, down to the minimum
    np.testing.assert_allclose(got[:-1], expected[1:], rtol=1e-12)


def test_a_constant_rate_stays(native: Any) -> None:
    np.testing.assert_array_equal(factors(native, np.arange(200), kind="constant"), 1)


def test_step_drops_at_its_length(native: Any) -> None:
    got = factors(native, [0, 9, 10, 19, 20], kind="step", length=10, factor=0.5)
    np.testing.assert_array_equal(got, [1, 1, 0.5, 0.5, 0.25])


def test_cosine_meets_its_ends_and_stays_there(native: Any) -> None:
    got = factors(native, [0, 25, 50, 51, 1000], kind="cosine", length=50, minimum=0.2)
    np.testing.assert_allclose(got, [1, 0.6, 0.2, 0.2, 0.2], rtol=1e-15)
    assert got[0] == 1
    assert got[2] == got[4] == 0.2


@pytest.mark.parametrize("cycles", [1, 4, 7, 30])
def test_cosine_log_is_its_formula(native: Any, cycles: int) -> None:
    """Holzmüller, Grinsztajn & Steinwart 2024, coslog4: with as many cycles as are given."""
    steps, length = np.arange(1200), 999.0
    within = np.minimum(steps / length, 1)
    expected = (1 - np.cos(2 * np.pi * np.log2(1 + (2.0**cycles - 1) * within))) / 2
    got = factors(native, steps, kind="cosine_log", length=length, cycles=cycles)
    np.testing.assert_allclose(got, expected, atol=1e-13)
    assert got[0] == 0
    assert np.all((got >= 0) & (got <= 1))


def test_cosine_log_is_0_between_its_cycles(native: Any) -> None:
    got = factors(native, [0, 1, 3, 7, 15, 16, 5000], kind="cosine_log", length=15)
    np.testing.assert_array_equal(got, 0)
    peaks = 2 ** np.array([0.5, 1.5, 2.5, 3.5]) - 1
    np.testing.assert_allclose(factors(native, peaks, kind="cosine_log", length=15), 1, rtol=1e-14)


def test_flat_cosine_is_flat_and_then_half_a_cosine(native: Any) -> None:
    got = factors(native, [0, 1, 25, 50, 75, 100, 101, 5000], kind="flat_cosine", length=100)
    np.testing.assert_array_equal(got[[0, 1, 2, 3]], 1)
    np.testing.assert_allclose(got[4], 0.5, rtol=1e-15)
    np.testing.assert_array_equal(got[5:], 0)
    steps = np.arange(101)
    expected = np.where(steps <= 50, 1, (1 + np.cos(np.pi * (2 * steps / 100 - 1))) / 2)
    np.testing.assert_allclose(factors(native, steps, kind="flat_cosine", length=100), expected, atol=1e-15)


def test_one_cycle_meets_its_ends_and_stays_there(native: Any) -> None:
    plan = {"kind": "one_cycle", "length": 100, "peak_at": 0.31, "start": 0.25, "finish": 0.125}
    np.testing.assert_array_equal(factors(native, [0, 30, 99, 100, 5000], **plan), [0.25, 1, 0.125, 0.125, 0.125])
    rising = factors(native, np.arange(31), **plan)
    falling = factors(native, np.arange(30, 100), **plan)
    assert np.all(np.diff(rising) > 0)
    assert np.all(np.diff(falling) < 0)


@pytest.mark.parametrize("peak_at", [0.0, 0.005, 0.01, 1.0])
@pytest.mark.parametrize("length", [1, 2, 100])
def test_one_cycle_is_finite_however_short(native: Any, peak_at: float, length: int) -> None:
    got = factors(native, np.arange(length + 2), kind="one_cycle", length=length, peak_at=peak_at)
    assert np.all((got > 0) & (got <= 1))


def test_warm_up_leads_into_the_start_of_the_schedule(native: Any) -> None:
    plan = {"kind": "cosine", "length": 20, "minimum": 0.0}
    warmed = factors(native, np.arange(30), **plan, warmup=10, warmup_start=0.5)
    np.testing.assert_allclose(warmed[:10], 0.5 + 0.05 * np.arange(10), rtol=1e-15)
    np.testing.assert_array_equal(warmed[10:], factors(native, np.arange(20), **plan))


@pytest.mark.parametrize("scale", [1.0, -1.0])
def test_a_plateau_counts_only_clear_improvements(native: Any, scale: float) -> None:
    plan = {"kind": "reduce_on_plateau", "factor": 0.5, "patience": 2, "threshold": 0.1}
    # A loss below 0 must not count as better for being a little worse.
    losses = np.full(10, scale) - 0.05 * np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    np.testing.assert_array_equal(
        native.plateau_factors(plan, losses), [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    )


def test_a_loss_that_is_nan_is_no_improvement(native: Any) -> None:
    plan = {"kind": "reduce_on_plateau", "factor": 0.5, "patience": 1}
    losses = np.array([math.nan, math.nan, 1.0, math.nan, 0.5, math.nan, math.nan])
    np.testing.assert_array_equal(native.plateau_factors(plan, losses), [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25])
