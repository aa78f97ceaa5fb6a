from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rookery as rk

ABC = ("a", "b", "c")


def random_predictions(rows: int, seed: int, ties: bool = False) -> tuple[np.ndarray[Any, Any], list[str]]:
    rng = np.random.default_rng(seed)
    raw = rng.integers(1, 4, (rows, 3)) if ties else rng.random((rows, 3))
    return raw / raw.sum(axis=1, keepdims=True), [ABC[i] for i in rng.integers(0, 3, rows)]


def pairs_in_order(score: list[float], positive: list[bool]) -> float | None:
    won: list[float] = []
    for i, mine in enumerate(positive):
        for j, other in enumerate(positive):
            if mine and not other:
                won.append(1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return sum(won) / len(won) if won else None


@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
def test_classes_against_sums_over_rows(rows: int, seed: int, ties: bool) -> None:
    p, labels = random_predictions(rows, seed, ties)
    out = rk.ClassEvaluation.of(p, np.array(labels), ABC, "kind")
    said = [max(range(3), key=lambda c: (p[row, c], -c)) for row in range(rows)]
    right = [ABC[c] == label for c, label in zip(said, labels, strict=True)]
    assert out.rows == rows
    assert out.accuracy == pytest.approx(sum(right) / rows)
    assert out.log_loss == pytest.approx(
        -sum(math.log(p[i, ABC.index(label)]) for i, label in enumerate(labels)) / rows
    )
    for i in range(3):
        for j in range(3):
            assert out.confusion[i, j] == sum(
                1 for label, c in zip(labels, said, strict=True) if label == ABC[i] and c == j
            )
    areas = [pairs_in_order(p[:, c].tolist(), [label == ABC[c] for label in labels]) for c in range(3)]
    known = [area for area in areas if area is not None]
    if known:
        assert out.auc == pytest.approx(sum(known) / len(known))
    else:
        assert math.isnan(out.auc)


def test_perfect_and_worst_predictions() -> None:
    labels = np.array(["a", "b", "c", "a"])
    sure = np.eye(3)[[0, 1, 2, 0]]
    best = rk.ClassEvaluation.of(sure, labels, ABC, "kind")
    assert (best.accuracy, best.log_loss, best.auc) == (1.0, 0.0, 1.0)
    assert best.confusion.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 1]]
    worst = rk.ClassEvaluation.of(sure[[1, 2, 0, 1]], labels, ABC, "kind")
    assert worst.accuracy == 0
    assert worst.log_loss == pytest.approx(-math.log(1e-15))


def test_predictions_without_a_difference_have_an_area_of_half() -> None:
    assert rk.ClassEvaluation.of(np.full((6, 2), 0.5), np.array([0, 1, 0, 1, 1, 1]), (0, 1), "y").auc == 0.5


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(rk.TableError, match="label 'kind': row 1 is 'z', none of"):
        rk.ClassEvaluation.of(np.full((2, 3), 1 / 3), np.array(["a", "z"]), ABC, "kind")


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=50))
def test_numbers_against_sums_over_rows(pairs: list[tuple[float, float]]) -> None:
    predicted, truth = (np.array(column) for column in zip(*pairs, strict=True))
    out = rk.NumberEvaluation.of(predicted, truth)
    errors = [p - y for p, y in pairs]
    assert out.rows == len(pairs)
    assert out.rmse == pytest.approx(math.sqrt(math.fsum(e * e for e in errors) / len(errors)))
    assert out.mae == pytest.approx(math.fsum(map(abs, errors)) / len(errors))
    mean = math.fsum(y for _, y in pairs) / len(pairs)
    spread = math.fsum((y - mean) ** 2 for _, y in pairs)
    if spread > 1e-3:
        assert out.r2 == pytest.approx(1 - math.fsum(e * e for e in errors) / spread, rel=1e-6, abs=1e-9)


def test_a_constant_label_has_no_r2() -> None:
    assert math.isnan(rk.NumberEvaluation.of(np.array([1.0, 2.0]), np.array([3.0, 3.0])).r2)


def test_the_mean_has_an_r2_of_0() -> None:
    assert rk.NumberEvaluation.of(np.full(3, 2.0), np.array([1.0, 2.0, 3.0])).r2 == 0
