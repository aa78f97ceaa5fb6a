"""Columns that are fitted and encoded together get the bits that each gets by itself."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.errors import CrecheWarning, TableError
from creche.table import column_blocks
from creche.table.cell_types import ColumnContext
from creche.table.encoders import features, numeric_block
from creche.table.encoders.features import FeatureEncoder, Preprocessing
from creche.table.encoders.moments import compute_moments, compute_present_moments
from creche.table.encoders.numeric import NumericEncoder
from creche.table.encoders.numeric_block import fit_numbers
from creche.table.encoders.quantiles import quantiles
from creche.table.schema import Schema
from creche.table.table import Column, Table

CHOICES = [
    *("standard", "robust", "quantile", "none", "realmlp", "piecewise_linear"),
    {"clip": "smooth"},
    {"binary": "sign"},
    {"scaling": "quantile", "numeric_encoding": "piecewise_linear", "bins": 3, "clip": "smooth"},
    {"scaling": "none", "numeric_encoding": "piecewise_linear", "bins": 3},
]


def drawn_columns(seed: int, rows: int) -> dict[str, Column]:
    """Return columns of all kinds: numbers of any size, whole ones, booleans, constants, with gaps and without."""
    random = np.random.default_rng(seed)
    columns: dict[str, Column] = {}
    for i in range(int(random.integers(2, 40))):
        values: NDArray[Any] = random.normal(size=rows) * 10.0 ** random.integers(-8, 8)
        if i % 5 == 1:
            values = random.integers(-5, 6, rows).astype(np.float64)
        if i % 5 == 2:
            values = np.full(rows, values[0])
        if i % 3 == 0 and rows > 1:
            values[random.random(rows) < 0.3] = np.nan
            values[0] = 0.5
        kind = "number"
        if i % 7 == 3:
            kind, values = "whole", random.integers(-9, 10, rows)
        if i % 7 == 5:
            kind, values = "boolean", random.integers(0, 2, rows).astype(np.float64)
        columns[f"c{i}"] = Column(kind, values)
    return columns


def same_bits(a: NumericEncoder, b: NumericEncoder) -> bool:
    return repr(a) == repr(b) and type(a) is type(b)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 40),
    choice=st.sampled_from(CHOICES),
    is_weighted=st.booleans(),
    block=st.sampled_from([1, 50, 2**17]),
)
def test_fitted_together_or_alone(seed: int, rows: int, choice: Any, is_weighted: bool, block: int) -> None:
    columns = drawn_columns(seed, rows)
    weights = np.random.default_rng(seed).integers(0, 4, rows).astype(np.float64) if is_weighted else None
    if weights is not None:
        weights[0] = 1
    preprocessing = Preprocessing.of(choice)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(column_blocks, "BLOCK_VALUES", block)
        together = fit_numbers(list(columns), list(columns.values()), preprocessing, weights)
    for encoder, (name, column) in zip(together, columns.items(), strict=True):
        assert same_bits(encoder, NumericEncoder.fit(name, column, preprocessing, weights))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), choice=st.sampled_from(CHOICES))
def test_long_columns_are_fitted_as_short_ones(seed: int, choice: Any) -> None:
    columns, preprocessing = drawn_columns(seed, 30), Preprocessing.of(choice)
    expected = fit_numbers(list(columns), list(columns.values()), preprocessing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numeric_block, "BLOCK_ROWS", 10)
        found = fit_numbers(list(columns), list(columns.values()), preprocessing)
    assert all(map(same_bits, expected, found))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    choice=st.sampled_from(CHOICES),
    block_rows=st.sampled_from([7, 8192]),
    few_rows=st.sampled_from([0, 32]),
)
def test_encoded_together_or_alone(precision: str, seed: int, choice: Any, block_rows: int, few_rows: int) -> None:
    train, new = drawn_columns(seed, 25), drawn_columns(seed, 25)
    train |= {"s": Column.from_words(["a", "b", None, "c", "d"] * 5), "v": Column("number", np.arange(25.0))}
    new = {name: new.get(name, column) for name, column in train.items()}
    new["v"] = Column("number", np.where(np.arange(25) % 4 == 0, np.nan, np.arange(25.0)))  # gaps that are new
    roles = {
        name: "boolean" if column.kind == "boolean" else "numeric" for name, column in train.items() if name != "s"
    }
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", CrecheWarning)
        patch.setattr(features, "BLOCK_ROWS", block_rows)
        patch.setattr(numeric_block, "FEW_ROWS", few_rows)
        schema = Schema.infer(Table(train, "t"), [], roles)
        encoder = FeatureEncoder.fit(Table(train, "t"), schema, Preprocessing.of(choice))
        # The order of the columns of the table does not matter.
        shuffled = dict(sorted(new.items(), key=lambda pair: hash((seed, pair[0]))))
        encoded = encoder.transform(Table(shuffled, "t"), precision)
    position = 0
    for each in encoder.columns:
        alone = np.empty((25, each.width), precision)
        each.write(each.prepare(new[each.name], ColumnContext("t", each.name)), alone)
        assert encoded[:, position : position + each.width].tobytes() == alone.tobytes()
        position += each.width
    assert position == encoded.shape[1]


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 50))
def test_moments_of_what_is_present(seed: int, rows: int) -> None:
    x = np.array([c.values.astype(np.float64) for c in drawn_columns(seed, rows).values()]).T
    mean, deviation = compute_present_moments(x)
    for i in range(x.shape[1]):
        expected = compute_moments([x[~np.isnan(x[:, i]), i]])
        assert (mean[i].tobytes(), deviation[i].tobytes()) == tuple(number[0].tobytes() for number in expected)


def test_quantiles_of_rows() -> None:
    x = np.random.default_rng(0).normal(size=(7, 30)).round(1)
    shares = np.array([0.0, 0.25, 0.5, 0.99, 1.0])
    assert quantiles(x, shares).tobytes() == np.array([quantiles(row, shares) for row in x]).tobytes()


def test_the_first_infinite_number_by_column_is_named() -> None:
    table = Table({name: Column("number", np.arange(9.0)) for name in "abc"}, "t")
    encoder = FeatureEncoder.fit(table, Schema.infer(table, [], {}), Preprocessing())
    values = {name: Column("number", np.arange(9.0)) for name in "abc"}
    values["b"].values[7], values["c"].values[2] = np.inf, -np.inf
    with pytest.raises(TableError, match="row 8, column 'b' is inf"):
        encoder.transform(Table(values, "t"), "float32")


def test_more_inputs_than_a_file_can_have_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "MAX_INPUTS", 3)
    table = Table({name: Column("number", np.arange(9.0)) for name in "abcd"}, "t")
    with pytest.raises(TableError, match="4 inputs of the network; a model has at most 3"):
        FeatureEncoder.fit(table, Schema.infer(table, [], {}), Preprocessing())
    with pytest.raises(TableError, match="4 inputs of the network; a model has at most 3"):
        FeatureEncoder.fit_matrix(np.arange(8.0).reshape(2, 4), tuple("abcd"), Preprocessing())


def test_a_warning_of_very_many_constant_columns_names_some() -> None:
    table = Table({f"c{i}": Column("number", np.ones(9) if i else np.arange(9.0)) for i in range(101)}, "t")
    with pytest.warns(CrecheWarning, match=r": c1, c2, .*c20, … \(80 more\)"):
        FeatureEncoder.fit(table, Schema.infer(table, [], {}), Preprocessing())
