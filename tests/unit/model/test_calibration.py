"""The calibration: what it does to predictions, its gradient against differences, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.model.calibration import Calibration

SHARES = (0.2, 0.3, 0.5)


def probabilities(seed: int, rows: int = 6) -> Any:
    return np.random.default_rng(seed).dirichlet(np.ones(3), rows)


@given(seed=st.integers(0, 1000), temperature=st.floats(0.05, 20), mix=st.floats(0.001, 0.5))
def test_probabilities_are_powers_mixed_with_shares(seed: int, temperature: float, mix: float) -> None:
    p = probabilities(seed)
    powers = p ** (1 / temperature)
    expected = (1 - mix) * powers / powers.sum(axis=1, keepdims=True) + mix * np.array(SHARES)
    found = Calibration(temperature, mix, SHARES).apply(p)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_a_class_without_probability_stays_without() -> None:
    found = Calibration(0.5).apply(np.array([[0.0, 0.4, 0.6], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0, 16 / 52, 36 / 52], [1, 0, 0]], rtol=1e-14)


def test_numbers_are_clipped() -> None:
    calibration = Calibration(lowest=(0.0, -1.0), highest=(2.0, 1.0))
    assert calibration.apply(np.array([[3.0, -5.0], [1.0, 0.5]])).tolist() == [[2.0, -1.0], [1.0, 0.5]]


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(0.7),
        Calibration(1.8, 0.02, SHARES),
        Calibration(lowest=(0.1,) * 3, highest=(0.4,) * 3),
    ],
    ids=["none", "temperature", "mixed", "limits"],
)
def test_the_gradient_equals_differences(calibration: Calibration) -> None:
    p = np.clip(probabilities(3), 0.02, None)
    weight = np.random.default_rng(1).standard_normal(p.shape)
    found = calibration.gradient(p, weight)
    step = 1e-6
    for place in np.ndindex(*p.shape):
        up, down = p.copy(), p.copy()
        up[place] += step
        down[place] -= step
        difference = ((calibration.apply(up) - calibration.apply(down)) * weight).sum() / (2 * step)
        assert found[place] == pytest.approx(difference, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"temperature": 0.001},
        {"temperature": float("nan")},
        {"mix": 1.0, "shares": SHARES},
        {"mix": 0.1},
        {"shares": SHARES},
        {"mix": 0.1, "shares": (2.0, -1.0)},
        {"lowest": (float("-inf"),), "highest": (1.0,)},
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(cr.PlanError, match=r"got|need"):
        Calibration(**arguments)


def test_it_survives_plain_data() -> None:
    for calibration in (Calibration(1.5, 0.1, SHARES), Calibration(lowest=(0.0,), highest=(5.0,))):
        assert Calibration.from_dict(calibration.to_dict(), 3, 1) == calibration


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": "1"},
        {"temperature": [1.0]},
        {"mix": True},
        {"shares": 0.5},
        {"shares": [0.5, 0.5]},
        {"lowest": [1.0]},
        {"more": 1},
    ],
)
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(cr.FileError, match="damaged"):
        Calibration.from_dict({**Calibration(1.5, 0.1, SHARES).to_dict(), **change}, 3, 1)
