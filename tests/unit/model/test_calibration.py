"""The calibration: what it does to predictions, its gradient against differences, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

import creche as cr
from creche.model.calibration import Calibration

SHARES = (0.2, 0.3, 0.5)
MATRIX = ((1.2, -0.3, 0.1), (0.4, 0.7, 0.0), (-0.2, 0.1, 1.5))
OFFSETS = (0.3, -0.2, 0.1)
OFFSETS_ONLY = Calibration(offsets=OFFSETS)
MATRIX_ONLY = Calibration(matrix=MATRIX, offsets=OFFSETS)
WITH_MATRIX = Calibration(0.8, 0.1, SHARES, matrix=MATRIX, offsets=OFFSETS)


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


@given(seed=st.integers(0, 1000))
def test_offsets_are_added_to_logits(seed: int) -> None:
    p = probabilities(seed)
    found = Calibration(1.3, offsets=OFFSETS).apply(p)
    np.testing.assert_allclose(found, softmax(np.log(p) / 1.3 + np.array(OFFSETS), axis=1), rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 1000))
def test_a_matrix_multiplies_centered_logits(seed: int) -> None:
    p = probabilities(seed)
    logits = np.log(np.maximum(p, 1e-7)) / 0.8
    logits -= logits.mean(axis=1, keepdims=True)
    expected = 0.9 * softmax(logits @ np.array(MATRIX) + np.array(OFFSETS), axis=1) + 0.1 * np.array(SHARES)
    np.testing.assert_allclose(WITH_MATRIX.apply(p), expected, rtol=1e-9, atol=1e-12)


def test_the_identity_changes_nothing() -> None:
    p = np.clip(probabilities(4, 20), 0.001, None)
    p /= p.sum(axis=1, keepdims=True)
    identity = tuple(map(tuple, np.eye(3).tolist()))
    np.testing.assert_allclose(Calibration(matrix=identity, offsets=(0.0,) * 3).apply(p), p, rtol=1e-12)


def test_a_row_is_calibrated_alone_as_among_others() -> None:
    p = probabilities(5, 200)
    together, weight = WITH_MATRIX.apply(p), np.random.default_rng(1).standard_normal(p.shape)
    gradient = WITH_MATRIX.gradient(p, weight)
    for row in range(0, 200, 7):
        alone = slice(row, row + 1)
        assert WITH_MATRIX.apply(p[alone]).tobytes() == together[alone].tobytes()
        assert WITH_MATRIX.gradient(p[alone], weight[alone]).tobytes() == gradient[alone].tobytes()


def test_a_probability_of_zero_has_no_gradient_through_a_matrix() -> None:
    p = np.array([[0.0, 0.4, 0.6]])
    assert np.isfinite(MATRIX_ONLY.apply(p)).all()
    assert MATRIX_ONLY.gradient(p, np.array([[1.0, 2.0, 3.0]]))[0, 0] == 0


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
        OFFSETS_ONLY,
        Calibration(1.2, 0.1, SHARES, offsets=OFFSETS),
        MATRIX_ONLY,
        WITH_MATRIX,
    ],
    ids=["none", "temperature", "mixed", "limits", "offsets", "mixed offsets", "matrix", "all"],
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
        {"matrix": MATRIX},
        {"offsets": (float("nan"),)},
        {"matrix": MATRIX[:2], "offsets": OFFSETS[:2]},
        {"matrix": (*MATRIX[:2], (1.0, float("nan"), 0.0)), "offsets": OFFSETS},
        {"matrix": MATRIX, "offsets": (0.0, -1001.0, 0.0)},
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(cr.PlanError, match=r"got|need"):
        Calibration(**arguments)


def test_it_survives_plain_data() -> None:
    for calibration in (
        Calibration(1.5, 0.1, SHARES),
        Calibration(lowest=(0.0,), highest=(5.0,)),
        OFFSETS_ONLY,
        WITH_MATRIX,
    ):
        assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())), 3, 1) == calibration


def test_without_offsets_it_is_written_as_before_there_were_any() -> None:
    assert set(Calibration(1.5).to_dict()) == {"temperature", "mix", "shares", "lowest", "highest"}
    assert set(OFFSETS_ONLY.to_dict()) == {"temperature", "mix", "shares", "lowest", "highest", "offsets"}


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
        {"matrix": [list(row) for row in MATRIX]},
        {"offsets": [0.1, 0.2]},
        {"offsets": 0.1},
        {"matrix": [], "offsets": []},
        {"matrix": MATRIX[0], "offsets": list(OFFSETS)},
        {"matrix": 1.0, "offsets": list(OFFSETS)},
        {"matrix": [[1.0, 0.0, 0.0], [0.0, 1.0], [0.0, 0.0, 1.0]], "offsets": list(OFFSETS)},
        {"matrix": [[1.0, 0.0, 0.0], [0.0, "1", 0.0], [0.0, 0.0, 1.0]], "offsets": list(OFFSETS)},
        {"matrix": [list(row) for row in MATRIX], "offsets": [0.0]},
        {"matrix": [[1.0, 0.0], [0.0, 1.0]], "offsets": [0.0, 0.0]},
    ],
)
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((cr.FileError, cr.PlanError), match=r"damaged|as many rows"):
        Calibration.from_dict({**Calibration(1.5, 0.1, SHARES).to_dict(), **change}, 3, 1)
