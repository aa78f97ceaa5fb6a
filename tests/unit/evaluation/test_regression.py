from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr

NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 3)), min_size=1, max_size=50))
def test_metrics_against_sums_over_rows(rows: list[tuple[float, float, int]]) -> None:
    weights = [w for *_, w in rows]
    if not any(weights):
        weights[0] = 1
    predicted, true = np.array([p for p, *_ in rows]), np.array([y for _, y, _ in rows])
    out = cr.RegressionEvaluation.of(
        predicted, true, weights=np.array(weights, dtype=float), n_resamples=0, quantiles=[0.9]
    )
    total = sum(weights)
    pairs = [(p, y, w) for (p, y, _), w in zip(rows, weights, strict=True)]
    squares = math.fsum(w * (p - y) ** 2 for p, y, w in pairs)
    assert out.rmse == pytest.approx(math.sqrt(squares / total))
    assert out.mae == pytest.approx(math.fsum(w * abs(p - y) for p, y, w in pairs) / total)
    pinball = math.fsum(w * max(0.9 * (y - p), -0.1 * (y - p)) for p, y, w in pairs) / total
    assert out.pinball == pytest.approx(pinball)
    mean = math.fsum(w * y for _, y, w in pairs) / total
    spread = math.fsum(w * (y - mean) ** 2 for _, y, w in pairs)
    if spread > 1e-3 * total:
        assert out.r2 == pytest.approx(1 - squares / spread, rel=1e-6, abs=1e-6)


def test_a_constant_label_has_no_r2() -> None:
    out = cr.RegressionEvaluation.of(np.array([1.0, 2.0]), np.array([3.0, 3.0]))
    assert math.isnan(out.r2)
    assert out.to_dict()["r2"] is None
    json.dumps(out.to_dict(), allow_nan=False)


def test_the_mean_has_an_r2_of_0() -> None:
    out = cr.RegressionEvaluation.of(np.full(12, 2.0), np.tile([1.0, 2.0, 3.0], 4))
    assert out.r2 == 0
    assert out.baseline == out.metrics()
    assert out.gain["rmse"] == (0.0, 0.0)


def test_there_are_no_intervals_from_fewer_than_ten_rows() -> None:
    y = np.random.default_rng(0).standard_normal((10, 2))
    few = cr.RegressionEvaluation.of(y[:9] + 1, y[:9], labels=("u", "v"))
    assert (few.intervals, few.gain, few.label_intervals) == ({}, {}, {"u": {}, "v": {}})
    assert set(cr.RegressionEvaluation.of(y + 1, y, labels=("u", "v")).intervals) == set(few.values)


def test_several_labels_are_evaluated_one_by_one_and_on_average() -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal((40, 2)) * [1, 100]
    predicted = y + rng.standard_normal((40, 2)) * [0.1, 5]
    out = cr.RegressionEvaluation.of(predicted, y, labels=("u", "v"), n_resamples=20)
    alone = [cr.RegressionEvaluation.of(predicted[:, i], y[:, i], n_resamples=0) for i in range(2)]
    for label, of_label in zip(("u", "v"), alone, strict=True):
        assert out.per_label[label] == pytest.approx(of_label.metrics())
    assert out.metrics() == pytest.approx({n: np.mean([e.metrics()[n] for e in alone]) for n in ("rmse", "mae", "r2")})
    for i, label in enumerate(("u", "v")):
        one = cr.RegressionEvaluation.of(predicted[:, i], y[:, i], n_resamples=20)
        assert out.label_intervals[label] == {name: pytest.approx(pair) for name, pair in one.intervals.items()}
    assert set(out.intervals) == {"rmse", "mae", "r2"}
    assert json.loads(json.dumps(out.to_dict()))["label_intervals"]["v"]["mae"] == list(out.label_intervals["v"]["mae"])
    far = out.largest_errors(3)
    assert [m.label for m in far] == [
        ("u", "v")[int(np.argmax(np.abs(predicted - y)[m.row] / y.std(axis=0)))] for m in far
    ]


def test_the_largest_errors_come_first() -> None:
    out = cr.RegressionEvaluation.of(np.array([1.0, 5.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 3.5]), labels=("price",))
    assert [(m.row, m.true, m.predicted) for m in out.largest_errors()] == [(1, 2.0, 5.0), (3, 3.5, 4.0)]


def test_a_large_mean_costs_no_digits() -> None:
    y = 1e9 + np.array([0.0, 1.0, 2.0, 3.0])
    out = cr.RegressionEvaluation.of(y + np.array([0.5, -0.5, 0.5, -0.5]), y, n_resamples=0)
    assert out.r2 == pytest.approx(1 - 0.25 / 1.25)
