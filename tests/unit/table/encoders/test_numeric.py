from __future__ import annotations

import math
import warnings
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from creche.errors import FileError, TableError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.numeric import NumericEncoder, clip_smoothly
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.table import Column

SCALINGS = ["standard", "robust", "quantile", "none"]
REALMLP = Preprocessing.of("realmlp")
BINNED = Preprocessing("standard", numeric_encoding="piecewise_linear", bins=4)
HERE = ColumnContext("the table", "size")
NAN = float("nan")


def encode(encoder: NumericEncoder, values: Any) -> NDArray[np.float64]:
    out = np.empty((len(values), encoder.width))
    encoder.write(encoder.prepare(Column("number", np.array(values, dtype=np.float64)), HERE), out)
    return out


def fit(values: Any, scaling: Any = "standard", weights: Any = None, kind: Any = "number") -> NumericEncoder:
    column = Column(kind, np.array(values, dtype=np.float64))
    return NumericEncoder.fit("size", column, Preprocessing.of(scaling), weights)


def test_mean_and_deviation_are_numpys_to_the_bit() -> None:
    x = np.random.default_rng(0).normal([5, -300, 1e6], [2, 40, 1e-3], (500, 3))
    mean, deviation = compute_moments(x)
    np.testing.assert_array_equal(mean, np.mean(x, axis=0))
    np.testing.assert_array_equal(deviation, np.std(x, axis=0))


def test_many_rows_go_in_stretches() -> None:
    x = np.random.default_rng(0).normal(7, 3, (20_000, 2)).astype(np.float32)
    mean, deviation = compute_moments(x)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(deviation, x.astype(np.float64).std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("size", [1e-200, 1e200, 5e307])
def test_spreads_beyond_squares_of_floats(size: float) -> None:
    z = encode(fit(np.array([1.0, 2.0, 3.0]) * size), np.array([1.0, 2.0, 3.0]) * size)
    np.testing.assert_allclose(z[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e150])
@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
def test_a_constant_column_becomes_0_wherever_it_is_seen(value: float, scaling: str) -> None:
    encoder = fit([value] * 30, scaling)
    assert encoder.is_constant
    assert encode(encoder, [value, value + 5]).tolist() == [[0], [0]]


def test_rows_of_no_weight_teach_nothing() -> None:
    mean, deviation = compute_moments(np.array([[1.0], [1.0], [9.0]]), np.array([2.0, 1.0, 0.0]))
    assert (mean.tolist(), deviation.tolist()) == ([1], [np.inf])


@given(arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e6, 1e6).map(lambda v: round(v, 3))))
def test_no_value_is_further_out_than_it_can_be(values: NDArray[np.float64]) -> None:
    # No value can lie further from the mean of n values than sqrt(n - 1) standard deviations.
    assert (np.abs(encode(fit(values), values)) <= np.sqrt(len(values) - 1) * (1 + 1e-6)).all()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_missing_values_are_filled_in_and_marked(scaling: str) -> None:
    values = [3.0, NAN, 8.0, 1.0, NAN, 5.0]
    encoder = fit(values, scaling)
    assert encoder.inputs == ("size", "size missing")
    z = encode(encoder, values)
    assert z[:, 1].tolist() == [0, 1, 0, 0, 1, 0]
    present = [3.0, 8.0, 1.0, 5.0]
    fill = np.mean(present) if scaling in ("standard", "none") else np.median(present)
    assert encoder.fill == fill
    np.testing.assert_array_equal(z[[1, 4], 0], encode(encoder, [fill])[0, 0])
    np.testing.assert_array_equal(z[[0, 2, 3, 5], 0], encode(fit(present, scaling), present)[:, 0])


def test_a_value_missing_only_later_is_filled_in() -> None:
    encoder = fit([1.0, 2.0, 6.0])
    assert encoder.inputs == ("size",)
    assert encode(encoder, [NAN, 3.0]).tolist() == [[0], [0]]


def test_without_any_value() -> None:
    encoder = fit([NAN, NAN])
    assert encode(encoder, [NAN, 4.0]).tolist() == [[0, 1], [0, 0]]


def test_robust_scaling_is_that_of_the_middle() -> None:
    values = np.random.default_rng(1).normal(10, 4, 4001)
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    deviation = (high - low) / (NormalDist().inv_cdf(0.75) - NormalDist().inv_cdf(0.25))
    z = encode(fit(values, "robust"), values)[:, 0]
    np.testing.assert_allclose(z, (values - median) / deviation, rtol=1e-12)
    wild = np.concatenate([values, [1e9] * 3])
    np.testing.assert_allclose(encode(fit(wild, "robust"), values)[:, 0], z, atol=0.01)


def test_robust_scaling_where_most_values_are_the_same() -> None:
    values = [0.0] * 90 + [1.0] * 10
    assert fit(values, "robust").scale == pytest.approx(np.std(values))


def test_quantiles_become_normal_numbers_of_the_same_rank() -> None:
    values = np.random.default_rng(2).exponential(size=1000) ** 3
    z = encode(fit(values, "quantile"), values)[:, 0]
    rank = np.argsort(np.argsort(values))
    expected = [NormalDist().inv_cdf((r + 0.5) / 1000) for r in rank.tolist()]
    np.testing.assert_allclose(z, expected, atol=1e-12)


def test_quantiles_of_many_rows_make_any_distribution_normal() -> None:
    values = np.random.default_rng(3).exponential(size=30_000)
    z = encode(fit(values, "quantile"), values)[:, 0]
    assert z.mean() == pytest.approx(0, abs=0.01)
    assert z.std() == pytest.approx(1, abs=0.01)
    assert (z < -1).mean() == pytest.approx(NormalDist().cdf(-1), abs=0.002)


def test_ties_share_the_middle_of_their_normal_numbers() -> None:
    z = encode(fit([0.0, 0.0, 0.0, 1.0], "quantile"), [0.0, 0.5, 1.0])[:, 0]
    scores = [NormalDist().inv_cdf((i + 0.5) / 4) for i in range(4)]
    np.testing.assert_allclose(z[[0, 2]], [(scores[0] + scores[2]) / 2, scores[3]])
    assert z[1] == pytest.approx((z[0] + z[2]) / 2)


@example([1.224149186879143e16, *[1.2241491868791432e16] * 3, -1.0, -1.0, -1.0, -2.0], [0.0, -1.0])
@example([1.7976931348623153e308, 1.7976931348623155e308, -8.988465674311582e307], [0.0, 0.0])
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=50),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=50),
)
def test_quantiles_keep_the_order_and_bounds(train: list[float], seen: list[float]) -> None:
    encoder = fit(train, "quantile")
    with np.errstate(over="ignore"):
        z = encode(encoder, sorted(seen))[:, 0]
    assert (np.diff(z) >= 0).all()
    assert (np.abs(z) <= NormalDist().inv_cdf(1 - 0.5 / len(train)) + 1e-9).all()


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_a_weight_is_as_many_rows(scaling: str) -> None:
    random = np.random.default_rng(4)
    values, counts = random.integers(0, 9, 40).astype(np.float64), random.integers(1, 4, 40)
    # Weights of quantiles count as rows where there are enough of both for all the references.
    many, weights = np.tile(values, 50), np.tile(counts, 50).astype(np.float64)
    weighted, repeated = fit(many, scaling, weights), fit(np.repeat(many, np.tile(counts, 50)), scaling)
    np.testing.assert_allclose(encode(weighted, values), encode(repeated, values), rtol=1e-12)


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_infinite_values_are_refused(infinite: float) -> None:
    with pytest.raises(
        TableError, match=r"the table: row 3, column 'size' is -?inf; needs a finite number, or an empty cell"
    ):
        encode(fit([1.0, 2.0]), [1.0, 2.0, infinite])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TableError, match=r"column 'size': holds -?inf"):
            fit([1.0, infinite, 2.0])


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3}, {"kind": "words"}, {"kind": []}, {"center": NAN}, {"center": "1"}, {"center": True},
        {"center": 10**400}, {"scale": 0.0}, {"scale": -1.0}, {"scale": float("inf")}, {"fill": None}, {"marked": 1},
        {"references": 3}, {"references": [1.0, "2"]}, {"references": [2.0, 1.0]}, {"references": [0.0] * 1001},
        {"references": [float("inf")]},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    plain = fit([1.0, 2.0, 4.0], "quantile").to_dict()
    assert NumericEncoder.from_dict(plain) == fit([1.0, 2.0, 4.0], "quantile")
    with pytest.raises(FileError, match="the file was damaged or made by hand"):
        NumericEncoder.from_dict({**plain, **change})


@given(st.floats(allow_nan=False))
def test_the_smooth_clip_of_one_number(x: float) -> None:
    found = float(clip_smoothly(np.array([x]))[0])
    if abs(x) < 1e100:
        assert found == pytest.approx(x / math.sqrt(1 + (x / 3) ** 2), rel=1e-15, abs=0)
    else:
        assert found == math.copysign(3, x)


def test_realmlp_scales_as_scikit_learn_does_by_quartiles() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    values = np.random.default_rng(4).lognormal(size=4001)[:, np.newaxis]  # no quartile lies between two values
    scaled = preprocessing.RobustScaler().fit_transform(values)
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    np.testing.assert_allclose(encode(fit(values[:, 0], REALMLP), values[:, 0]), expected, rtol=1e-12, atol=1e-14)


def test_realmlp_scales_by_half_the_range_where_the_quartiles_are_equal() -> None:
    encoder = fit([2.0] * 8 + [1.0, 6.0], REALMLP)
    assert (encoder.center, encoder.scale) == (2.0, 2.5)
    weighted = fit([2.0, 1.0, 6.0, 99.0], REALMLP, np.array([8.0, 1.0, 1.0, 0.0]))
    assert weighted == encoder
    assert fit([2.0] * 9, REALMLP).is_constant


def test_clipped_numbers_cannot_overflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = fit(np.array([0.0, 1.0, 2.0, 3.0]) * 1e-300, REALMLP)
        assert encode(encoder, [-1e308, 1e308])[:, 0].tolist() == [-3, 3]


def test_signs_of_booleans() -> None:
    encoder = fit([1.0, 0.0, 1.0, NAN], REALMLP, kind="boolean")
    assert encoder.inputs == ("size", "size missing")
    assert encode(encoder, [0.0, 1.0, NAN]).tolist() == [[-1, 0], [1, 0], [0, 1]]
    assert encode(fit([1.0, 1.0], REALMLP, kind="boolean"), [0.0, 1.0]).tolist() == [[0], [0]]


def test_what_was_clipped_or_in_bins_is_read_from_data() -> None:
    for preprocessing in (REALMLP, BINNED):
        encoder = fit(np.arange(20.0), preprocessing)
        assert NumericEncoder.from_dict(encoder.to_dict()) == encoder
    assert {"clipped", "edges"}.isdisjoint(fit(np.arange(20.0)).to_dict())
    for change in ({"edges": [1.0]}, {"edges": [2.0, 1.0]}, {"edges": ["a"]}, {"clipped": 1}):
        with pytest.raises(FileError, match="the file was damaged or made by hand"):
            NumericEncoder.from_dict({**fit(np.arange(20.0), BINNED).to_dict(), **change})


@pytest.mark.parametrize("preprocessing", [REALMLP, BINNED], ids=str)
@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 3)), min_size=2, max_size=30))
def test_a_weight_is_as_many_rows_for_clips_and_bins(preprocessing: Preprocessing, rows: list[tuple[int, int]]) -> None:
    values, counts = np.array([value for value, _ in rows], dtype=np.float64), np.array([count for _, count in rows])
    counts[0] = 1
    weighted = fit(values, preprocessing, counts.astype(np.float64))
    repeated = fit(np.repeat(values, counts), preprocessing)
    assert weighted.edges == repeated.edges
    assert weighted.scale == pytest.approx(repeated.scale, rel=1e-12)
    assert weighted.center == pytest.approx(repeated.center, rel=1e-12, abs=1e-12)
