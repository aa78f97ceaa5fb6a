from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.errors import CrecheError, CrecheWarning, FileError, PlanError, TableError
from creche.table.encoders.features import FeatureEncoder, Preprocessing
from creche.table.schema import Schema
from creche.table.table import Column, Table

ABC = ("a", "b", "c")
SCALINGS = ["standard", "robust", "quantile", "none"]


def drawn(below: int, rows: int, seed: int) -> NDArray[np.int64]:
    """Return whole numbers from 0 by SplitMix64 (Steele, Lea & Flood 2014), the same with any version of NumPy."""
    z = (np.arange(1, rows + 1, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) % np.uint64(below)).astype(np.int64)


def mixed(rows: int, seed: int = 0) -> Table:
    """Return a table with all roles, some with gaps, made of whole numbers and quotients, the same on each machine."""
    below = [2000, 50, 5, 8, 4, 60, 2, 2, 10_000, 9]
    sizes, gaps, is_gap, rooms, kinds, towns, named, new, hours, is_nat = (
        drawn(limit, rows, 100 * seed + i) for i, limit in enumerate(below)
    )
    days = np.datetime64("2019-12-01T00", "us") + hours.astype("timedelta64[h]")
    days[is_nat == 0] = np.datetime64("NaT")
    columns = {
        "size": Column("number", (sizes - 1000) / 64),
        "rooms": Column("whole", rooms + 1),
        "gaps": Column("number", np.where(is_gap == 0, np.nan, gaps / 8)),
        "kind": Column("words", (kinds - 1).astype(np.int32), ("flat", "house", "villa")),
        "town": Column("words", (towns * named).astype(np.int32), tuple(f"town {i}" for i in range(60))),
        "new": Column("boolean", new.astype(np.float64)),
        "sold": Column("datetime", days),
    }
    return Table(columns, "the table")


def fit(table: Table, encoding: Any = None, weights: Any = None, **given: str) -> FeatureEncoder:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)
        return FeatureEncoder.fit(table, Schema.infer(table, [], given), Preprocessing.of(encoding), weights)


def test_encodings_by_word_dict_and_object() -> None:
    assert Preprocessing.of(None) == Preprocessing() == Preprocessing.of("standard") == Preprocessing.of({})
    assert Preprocessing.of({"scaling": "robust", "buckets": 3}) == Preprocessing("robust", buckets=3)
    assert Preprocessing.from_dict(json.loads(json.dumps(Preprocessing("quantile").to_dict()))) == Preprocessing(
        "quantile"
    )
    assert Preprocessing.of(Preprocessing("none")) == Preprocessing("none")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("standrd", "preprocessing: got 'standrd'; did you mean 'standard'"),
        ({"scaling": "x"}, "preprocessing: got 'x'; choose one of auto, standard, robust, quantile, none"),
        ({"scalng": "none"}, "Preprocessing: unknown key 'scalng'; did you mean 'scaling'"),
        ({"max_categories": 0}, "Preprocessing.max_categories: got 0; needs a whole number of at least 1"),
        ({"buckets": 2**20}, "Preprocessing.buckets: got 1048576; needs"),
        (3, "preprocessing: got 3; needs a Preprocessing, a dict of its fields, or one of auto, standard, robust"),
    ],
    ids=str,
)
def test_invalid_preprocessing(choice: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Preprocessing.of(choice)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_arrays_are_standardized(precision: str) -> None:
    x = np.asfortranarray(np.random.default_rng(0).normal([5, -300, 1e6], [2, 40, 1], (9000, 3)))
    encoder = FeatureEncoder.fit_matrix(x, ABC, Preprocessing())
    assert (encoder.names, encoder.inputs, encoder.kinds, encoder.width) == (ABC, ABC, {}, 3)
    z = encoder.transform_matrix(x, precision)
    assert z.dtype == precision
    assert z.flags.c_contiguous
    expected = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(z, expected, rtol=2e-6 if precision == "float32" else 1e-9, atol=1e-9)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_an_array_is_encoded_as_its_columns_in_a_table_are(scaling: str) -> None:
    x = np.random.default_rng(1).normal(3, 2, (500, 3))
    table = Table({name: Column("number", x[:, i].copy()) for i, name in enumerate(ABC)}, "the table")
    of_array = FeatureEncoder.fit_matrix(x, ABC, Preprocessing.of(scaling)).transform_matrix(x, "float64")
    np.testing.assert_allclose(of_array, fit(table, scaling).transform(table, "float64"), rtol=1e-12, atol=1e-12)


def test_without_scaling_an_array_is_not_even_copied() -> None:
    x = np.random.default_rng(0).standard_normal((20, 3)) * 1e4
    encoder = FeatureEncoder.fit_matrix(x, ABC, Preprocessing("none"))
    assert encoder.transform_matrix(x, "float64") is x
    np.testing.assert_array_equal(encoder.transform_matrix(x, "float32"), x.astype(np.float32))


def test_constant_columns_warn_and_become_0() -> None:
    x = np.column_stack([np.arange(30.0), np.full(30, 0.1)])
    with pytest.warns(CrecheWarning, match=r"constant in the training rows, so nothing can be learnt from: b$"):
        encoder = FeatureEncoder.fit_matrix(x, ("a", "b"), Preprocessing())
    assert encoder.transform_matrix(np.array([[1.0, 0.1], [2.0, 5.0]]), "float32")[:, 1].tolist() == [0, 0]
    table = Table({"a": Column("whole", np.arange(5)), "c": Column.from_words(["k"] * 5)}, "the table")
    with pytest.warns(CrecheWarning, match=r"nothing can be learnt from: c$"):
        FeatureEncoder.fit(table, Schema.infer(table, [], {}), Preprocessing())


def test_a_table_in_which_nothing_differs() -> None:
    table = Table({"day": Column("datetime", np.array(["2020-01-01"] * 5, dtype="datetime64[us]"))}, "the table")
    with pytest.raises(TableError, match="the table: every column is constant in the training rows"):
        fit(table)


def test_all_roles_side_by_side() -> None:
    table = mixed(3000)
    encoder = fit(table)
    assert encoder.names == tuple(table.names)
    assert encoder.kinds == {
        "size": "number", "rooms": "number", "gaps": "number", "kind": "words", "town": "words", "new": "boolean",
        "sold": "datetime",
    }  # fmt: skip
    z = encoder.transform(table, "float64")
    assert z.shape == (3000, encoder.width)
    by_name = dict(zip(encoder.inputs, z.T, strict=True))
    assert len(by_name) == encoder.width
    size = table.columns["size"].values
    np.testing.assert_allclose(by_name["size"], (size - size.mean()) / size.std(), atol=1e-12)
    np.testing.assert_array_equal(by_name["gaps missing"], np.isnan(table.columns["gaps"].values))
    np.testing.assert_array_equal(by_name["kind=house"], table.columns["kind"].values == 1)
    np.testing.assert_array_equal(by_name["kind missing"], table.columns["kind"].values == -1)
    np.testing.assert_array_equal(by_name["town=town 0"], table.columns["town"].values == 0)
    np.testing.assert_array_equal(by_name["sold missing"], table.columns["sold"].missing)
    assert set(np.sign(by_name["new"]).tolist()) == {-1, 1}


@pytest.mark.parametrize("scaling", SCALINGS)
def test_each_row_is_encoded_by_itself(scaling: str) -> None:
    """The encoding of a row does not depend on the rows around it, nor on its position in a long table."""
    table = mixed(20_000)
    encoder = fit(table.take(slice(0, 500)), scaling)
    whole = encoder.transform(table, "float32")
    some = np.array([0, 8191, 8192, 19_999, 8192])
    np.testing.assert_array_equal(encoder.transform(table.take(some), "float32"), whole[some])
    np.testing.assert_array_equal(encoder.transform(table.take(some[:1]), "float32"), whole[:1])


def test_columns_may_come_in_any_order_and_with_others() -> None:
    table = mixed(300)
    encoder = fit(table)
    other = Table({"more": table.columns["size"], **dict(reversed(table.columns.items()))}, "another table")
    np.testing.assert_array_equal(encoder.transform(other, "float32"), encoder.transform(table, "float32"))


def test_columns_of_the_same_values_in_another_kind() -> None:
    table = mixed(300)
    encoder = fit(table)
    columns = dict(table.columns)
    columns["rooms"] = Column("number", columns["rooms"].values.astype(np.float64))
    columns["new"] = Column("whole", columns["new"].values.astype(np.int64))
    columns["gaps"] = Column.from_words([None if v is None else str(v) for v in columns["gaps"].to_objects()])
    columns["kind"] = Column.from_words(columns["kind"].to_objects().tolist()[::-1]).take(slice(None, None, -1))
    same = Table(columns, "the table")
    np.testing.assert_array_equal(encoder.transform(same, "float32"), encoder.transform(table, "float32"))


def test_a_missing_column_is_named() -> None:
    table = mixed(300)
    columns = {name.replace("rooms", "room"): column for name, column in table.columns.items()}
    message = "the table has no column 'rooms', which the model was trained on; did you mean 'room'"
    with pytest.raises(TableError, match=message):
        fit(table).transform(Table(columns, "the table"), "float32")


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("size", Column.from_words(["1", "2", "big"]), "row 3, column 'size' is 'big'; needs a number"),
        ("sold", Column.from_words(["2020-01-01", "soon", None]), "row 2, column 'sold' is 'soon'; needs a date"),
        ("new", Column("whole", np.array([0, 1, 2])), "row 3, column 'new' is 2; needs yes or no"),
        ("size", Column("number", np.array([1.0, np.inf, 2.0])), "row 2, column 'size' is inf; needs a finite number"),
    ],
    ids=str,
)
def test_values_that_are_not_what_they_were_are_named(name: str, column: Column, message: str) -> None:
    table = mixed(300)
    columns = {**table.take(slice(0, 3)).columns, name: column}
    with pytest.raises(TableError, match=f"new.csv: {message}"):
        fit(table).transform(Table(columns, "new.csv"), "float32")


def test_numbers_beyond_the_precision_are_named() -> None:
    values = np.zeros(9000)
    values[8500] = 1e300
    table = Table({"a": Column("number", np.arange(9000.0)), "b": Column("number", values)}, "the table")
    encoder = fit(table, "none")
    assert encoder.transform(table, "float64")[8500, 1] == 1e300
    with pytest.raises(TableError, match=r"the table: row 8501, column 'b' is 1e\+300, which is too large for float32"):
        encoder.transform(table, "float32")
    with pytest.raises(TableError, match=r"row 17000, column 'b' is 1e\+300, which"):
        encoder.transform(table, "float32", row_numbers=np.arange(9000) * 2)
    x = np.column_stack([np.arange(9000.0), values])
    with pytest.raises(
        TableError, match=r"X: row 8500, column 1 is 1e\+300, which is too large for float32; check its unit, or"
    ):
        FeatureEncoder.fit_matrix(x, ("a", "b"), Preprocessing("none")).transform_matrix(x, "float32")


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_weight_is_as_many_rows(scaling: str) -> None:
    table = mixed(400)
    counts = np.random.default_rng(5).integers(1, 4, 400)
    weighted = fit(table, scaling, counts.astype(np.float64))
    repeated = fit(table.take(np.repeat(np.arange(400), counts)), scaling)
    assert weighted.inputs == repeated.inputs
    np.testing.assert_allclose(
        weighted.transform(table, "float64"), repeated.transform(table, "float64"), rtol=1e-10, atol=1e-10
    )


@given(st.integers(1, 80), st.integers(0, 10), st.sampled_from(SCALINGS))
def test_there_and_back_as_plain_data(rows: int, seed: int, scaling: str) -> None:
    table = mixed(rows, seed)
    options = {"scaling": scaling, "infrequent": 2, "max_categories": 8}
    if any(column.missing.all() for column in table.columns.values()):
        with pytest.warns(CrecheWarning, match="empty in each"), contextlib.suppress(TableError):
            Schema.infer(table, [], {})  # no column is left to learn from, if all are empty
        return
    encoder = fit(table, options)
    again = FeatureEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert (again.names, again.inputs, again.kinds) == (encoder.names, encoder.inputs, encoder.kinds)
    assert again.transform(table, "float32").tobytes() == encoder.transform(table, "float32").tobytes()


def test_arrays_there_and_back() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[:, 1] = 4
    with pytest.warns(CrecheWarning):
        encoder = FeatureEncoder.fit_matrix(x, ABC, Preprocessing())
    again = FeatureEncoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again.kinds == {}
    assert again.transform_matrix(x, "float32").tobytes() == encoder.transform_matrix(x, "float32").tobytes()


@pytest.mark.parametrize(
    ("scaling", "digest"),
    [
        ("standard", "9d8dc7ece457a258"),
        ("robust", "0af020cc8580ec9f"),
        ("quantile", "0a5334d7c05a659b"),
        ("none", "e0a5beb39c0854ab"),
    ],
)
def test_the_bytes_are_the_same_on_each_machine(scaling: str, digest: str) -> None:
    """No sum, root or sine may come from a library that differs between machines: weights depend on these bytes."""
    table = mixed(10_000)
    z = fit(table, scaling).transform(table, "float64")
    assert hashlib.sha256(z.tobytes()).hexdigest()[:16] == digest


def test_the_output_is_written_once() -> None:
    """Memory holds the output and the values of the columns, and no copy of the output."""
    rows = 60_000
    random = np.random.default_rng(0)
    words = tuple(f"w{i}" for i in range(30))
    columns = {f"c{i}": Column("words", random.integers(0, 30, rows).astype(np.int32), words) for i in range(4)}
    columns |= {f"n{i}": Column("number", random.normal(size=rows)) for i in range(8)}
    table = Table(columns, "the table")
    encoder = fit(table)
    tracemalloc.start()
    z = encoder.transform(table, "float32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * z.nbytes


PLAIN = fit(mixed(300), "quantile").to_dict()


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path to every value in plain data."""
    if path:
        yield path
    items = data.items() if isinstance(data, dict) else enumerate(data[:2]) if isinstance(data, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.sampled_from([10**400, -1, 0, 2**40, float("nan"), "words", "number", ["a", "a"], [1.5], {"role": "date"}]),
)  # fmt: skip


@given(st.sampled_from(list(leaves(PLAIN))), JUNK)
def test_any_data_from_a_file_is_refused_or_works(path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(PLAIN)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    try:
        encoder = FeatureEncoder.from_dict(data)
        z: NDArray[Any] = encoder.transform(mixed(20), "float64")
    except CrecheError:
        return
    assert z.shape == (20, len(encoder.inputs))


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"columns": [], "of_table": True}, {**PLAIN, "of_table": 1}, {**PLAIN, "columns": [3]},
        {**PLAIN, "columns": PLAIN["columns"] * 2}, {**PLAIN, "columns": [{"role": []}]},
        {"of_table": True, "columns": [
            {"role": "categorical", "name": str(i), "kind": "words", "categories": [], "buckets": 2**20,
             "marked": False}
            for i in range(2)
        ]},
    ],
    ids=lambda data: str(data)[:30],
)  # fmt: skip
def test_damaged_data_is_refused(data: Any) -> None:
    with pytest.raises(FileError, match="the file was damaged or made by hand"):
        FeatureEncoder.from_dict(data)
