"""Plain data: the same table from every way to hold it, and one clear sentence for what is none."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import creche as cr
from creche.errors import CrecheError
from creche.table.reading.read import read_table
from tests.unit.table.tables import kinds, values

D = decimal.Decimal
UTC = datetime.UTC
NOON = datetime.datetime(2020, 1, 2, 12, 0)

COLUMNS: dict[str, tuple[list[Any], str, list[Any]]] = {
    "decimals": ([D("1.50"), None, D("2")], "number", [1.5, None, 2.0]),
    "fractions": ([fractions.Fraction(1, 2), 1, 2.5], "number", [0.5, 1.0, 2.5]),
    "flags": ([True, None, np.False_], "boolean", [True, None, False]),
    "whole": ([1, np.int8(2), np.nan], "whole", [1, 2, None]),
    "dates": ([NOON.date(), None, NOON], "datetime", [datetime.datetime(2020, 1, 2), None, NOON]),
    "zones": (
        [NOON.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))],
        "datetime",
        [NOON.replace(hour=10)],
    ),
    "moments": ([np.datetime64("2020-01-02T12"), pd.NaT], "datetime", [NOON, None]),
    "durations": ([datetime.timedelta(minutes=1), None], "number", [60.0, None]),
    "missing": ([pd.NA, None, float("nan"), "x"], "words", [None, None, None, "x"]),
    "none": ([None, pd.NA], "number", [None, None]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_objects_in_lists_records_and_pandas(name: str) -> None:
    cells, kind, expected = COLUMNS[name]
    for data in ({"a": cells}, [{"a": cell} for cell in cells], pd.DataFrame({"a": pd.Series(cells, dtype=object)})):
        table = read_table(data)
        assert kinds(table) == {"a": kind}
        assert values(table) == {"a": expected}


ARROW = {
    "decimal": (pa.array([D("1.50"), None], pa.decimal128(5, 2)), "number", [1.5, None]),
    "dictionary": (pa.array(["x", "y", "x"]).dictionary_encode(), "words", ["x", "y", "x"]),
    "large_string": (pa.array(["x", None], pa.large_string()), "words", ["x", None]),
    "zone": (pa.array([NOON], pa.timestamp("ns", "Europe/Paris")), "datetime", [NOON]),
    "date": (pa.array([NOON.date(), None], pa.date32()), "datetime", [datetime.datetime(2020, 1, 2), None]),
    "duration": (pa.array([datetime.timedelta(seconds=2), None], pa.duration("s")), "number", [2.0, None]),
    "bool": (pa.array([True, None]), "boolean", [True, None]),
    "int": (pa.array([1, None]), "whole", [1, None]),
    "uint8": (pa.array([1, 255], pa.uint8()), "whole", [1, 255]),
    "float32": (pa.array([1.5, None], pa.float32()), "number", [1.5, None]),
}


@pytest.mark.parametrize("name", ARROW)
def test_arrow_arrays_wherever_they_are(name: str) -> None:
    array, kind, expected = ARROW[name]
    table = pa.table({"a": array})
    for data in (
        table, table.to_batches()[0], {"a": array}, {"a": pa.chunked_array([array])}, pl.DataFrame(table),
        {"a": pl.Series(array)}, table.to_pandas(types_mapper=pd.ArrowDtype), table.to_pandas(),
    ):  # fmt: skip
        read = read_table(data)
        if kind == "boolean" or type(data) is not pd.DataFrame:  # pandas itself makes floats of integers with gaps
            assert kinds(read)["a"] == kind
        assert values(read) == {"a": expected}


@pytest.mark.parametrize(
    ("dtype", "cells", "expected"),
    [
        ("Int64", [1, None, 3], [1, None, 3]),
        ("UInt64", [1, None, 2**40], [1, None, 2**40]),
        ("Float64", [1.5, None], [1.5, None]),
        ("boolean", [True, None], [True, None]),
        ("string", ["x", None], ["x", None]),
        ("category", ["x", None, "y"], ["x", None, "y"]),
        ("Sparse[float]", [1.0, np.nan, 0.0], [1.0, None, 0.0]),
        ("datetime64[ns, Asia/Tokyo]", [NOON], [NOON - datetime.timedelta(hours=9)]),
    ],
)
def test_types_of_pandas(dtype: str, cells: list[Any], expected: list[Any]) -> None:
    series = pd.Series(cells).dt.tz_localize("Asia/Tokyo") if "Tokyo" in dtype else pd.Series(cells, dtype=dtype)
    assert values(read_table(pd.DataFrame({"a": series}))) == {"a": expected}


def test_one_row() -> None:
    frame = pd.DataFrame({"mass": [3750.0, 4100.0], "count": [1, 2], "island": ["Biscoe", "Dream"]})
    expected = {"mass": [3750.0], "count": [1], "island": ["Biscoe"]}
    for row in (frame.iloc[0], frame.iloc[0].to_dict(), {"mass": 3750.0, "count": np.int64(1), "island": "Biscoe"}):
        assert values(read_table(row)) == expected
    assert values(read_table({"a": None, "b": D("1.5")})) == {"a": [None], "b": [1.5]}


def test_several_frames_are_one_table() -> None:
    pieces = [pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), {"a": [2.5], "c": [True]}]
    expected = {"a": [1.0, 2.0, 2.5], "b": ["x", "y", None], "c": [None, None, True]}
    assert values(read_table(pieces)) == expected
    assert values(read_table([*pieces, pl.DataFrame({"a": [3], "b": ["z"]})])) == {
        "a": [1.0, 2.0, 2.5, 3.0], "b": ["x", "y", None, "z"], "c": [None, None, True, None]
    }  # fmt: skip
    assert values(read_table(iter([{"a": np.ma.array([1, 2], mask=[0, 1])}, {"a": [3]}]))) == {"a": [1, None, 3]}
    numbers = iter([{"a": np.ma.array([1, 2], mask=[0, 1])}, {"a": np.array([3])}])
    assert values(read_table(numbers)) == {"a": [1, None, 3]}


def test_prediction_from_every_form_of_the_same_rows() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": random.normal(size=60), "n": random.integers(0, 9, 60), "city": random.choice(["a", "b"], 60)}
    )
    frame["kind"] = np.where(frame.x > 0, "up", "down")
    model = cr.train(frame, label="kind", hidden=[4], epochs=2, threads=1).model
    rows = frame.drop(columns="kind").head(5)
    expected = model.predict_proba(rows)
    for same in (
        rows.to_dict("records"), rows.to_dict("list"), pl.DataFrame(rows.to_dict("list")), pa.Table.from_pandas(rows),
        pa.Table.from_pandas(rows).to_batches()[0], rows.convert_dtypes(), rows.convert_dtypes(dtype_backend="pyarrow"),
        rows.astype(object), rows.assign(city=rows.city.astype("category")), [rows.head(2), rows.tail(3)],
        {name: pa.array(column) for name, column in rows.items()},
    ):  # fmt: skip
        assert model.predict_proba(same).tolist() == expected.tolist()
    for row in (rows.iloc[0], rows.iloc[0].to_dict(), pl.DataFrame(rows.to_dict("list")).row(0, named=True)):
        assert model.predict_proba(row).tolist() == expected[:1].tolist()


class Strange:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array today")


X = np.random.default_rng(0).normal(size=(40, 2))

ODD: dict[str, Any] = {
    "none": None,
    "int": 3,
    "float": 1.5,
    "string": "no such file.csv",
    "bytes": b"a,b\n1,2\n",
    "object": object(),
    "type": int,
    "function": len,
    "set": {1, 2},
    "generator": (i for i in [1, 2]),
    "range": range(3),
    "complex": 1j,
    "empty list": [],
    "empty dict": {},
    "empty array": np.zeros((0, 2)),
    "no columns": np.zeros((3, 0)),
    "flat list": [1, 2],
    "flat array": X[0],
    "scalar array": np.array(1.0),
    "cube": np.zeros((2, 2, 2)),
    "ragged": [[1, 2], [3]],
    "words": [["a", "b"]],
    "text array": np.array([["1.5", "2"]]),
    "nested dict": {"a": {"b": [1]}},
    "nested list": {"x0": [[1], [2]]},
    "tuple rows": [(1, 2), (3, 4)],
    "named tuple": collections.namedtuple("R", "a b")(1, 2),
    "objects": np.array([[1, 2.5]], dtype=object),
    "decimals": [[D("1.5"), D("2")]],
    "none in array": [[1.0, None]],
    "na in array": np.array([[1.0, pd.NA]], dtype=object),
    "nan": np.array([[np.nan, 1.0]]),
    "inf": [[np.inf, 1.0]],
    "huge": [[1e39, 1.0]],
    "huge integer": [[10**400, 1]],
    "longdouble": np.ones((1, 2), np.longdouble),
    "float16": np.ones((1, 2), np.float16),
    "bool": np.ones((1, 2), bool),
    "uint64": np.full((1, 2), 2**64 - 1, np.uint64),
    "dates": np.array([["2020-01-01", "2020-01-02"]], dtype="M8[D]"),
    "durations": np.ones((1, 2), "m8[s]"),
    "records": np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    "void": np.zeros((2, 2), "V3"),
    "masked": np.ma.array([[1.0, 2.0]], mask=[[True, False]]),
    "matrix": X[:2].view(np.matrix),  # np.asmatrix warns
    "csr": scipy.sparse.csr_matrix(X),
    "coo array": scipy.sparse.coo_array(X),
    "dok": scipy.sparse.dok_matrix((3, 2)),
    "sparse row": scipy.sparse.coo_array(X[0]),
    "series": pd.Series([1.0, 2.0]),
    "named series": pd.Series([1.0, 2.0], index=["a", "b"]),
    "index": pd.Index([1, 2]),
    "polars series": pl.Series([1.0, 2.0]),
    "structs": pl.Series([{"a": 1, "b": 2}]),
    "lists": pl.Series([[1.0, 2.0]]),
    "polars array": pl.Series([[1.0, 2.0]], dtype=pl.Array(pl.Float64, 2)),
    "arrow array": pa.array([1.0, 2.0]),
    "arrow lists": pa.array([[1.0, 2.0]]),
    "chunked lists": pa.chunked_array([[[1.0, 2.0]]]),
    "list of arrow": [pa.array([1.0, 2.0])],
    "arrow structs": pa.array([{"a": 1}]),
    "arrow scalar": pa.scalar(1.0),
    "group": pd.DataFrame({"a": [1]}).groupby("a"),
    "no rows": pd.DataFrame({"x0": []}),
    "no frame columns": pd.DataFrame(index=[0, 1]),
    "integer names": pd.DataFrame(X[:3]),
    "multi index": pd.DataFrame(X[:3], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
    "repeated names": pd.DataFrame(X[:3], columns=["a", "a"]),
    "nested frame": pl.DataFrame({"x0": [[1]], "x1": [{"b": 1}]}),
    "polars objects": pl.DataFrame({"x0": pl.Series([object()], dtype=pl.Object)}),
    "strange": Strange(),
    "list of none": [None],
    "mixed records": [{"a": 1}, [2]],
    "list of sets": [{1, 2}],
    "unequal columns": {"a": [1], "b": [1, 2]},
    "dict of sets": {"a": {1}},
    "frames and no frame": [pd.DataFrame({"a": [1]}), 3],
    "dict of frames": {"a": pd.DataFrame({"b": [1]})},
    "int keys": {0: [1.0], 1: [2.0]},
    "surrogates": {"x0": ["\udc80"], "x1": [1.0]},
    "bytes cells": {"x0": [b"a"], "x1": [b"b"]},
}


@pytest.fixture(scope="module")
def models() -> list[Any]:
    settings: dict[str, Any] = {"hidden": [2], "epochs": 1, "threads": 1}
    y = (X[:, 0] > 0).astype(int)
    table = {"x0": X[:, 0], "x1": X[:, 1], "y": y}
    return [cr.train(X, y, **settings).model, cr.train(table, label="y", **settings).model]


@pytest.mark.parametrize("name", ODD)
def test_odd_inputs_work_or_say_why_not(name: str, models: list[Any]) -> None:
    """Never an error of another library, and never one without words."""
    odd = ODD[name]
    y = X[:, 0]
    settings: dict[str, Any] = {"hidden": [2], "epochs": 1, "threads": 1}
    attempts = [lambda m=m: m.predict(odd) for m in models]
    attempts += [lambda m=m: m.evaluate(odd, [0, 1], n_resamples=0) for m in models]
    attempts += [lambda m=m: m.evaluate(X, odd, n_resamples=0) for m in models]
    attempts += [lambda: cr.train(odd, [0, 1], **settings), lambda: cr.train(X, odd, **settings)]
    attempts += [lambda: cr.train(odd, label="x1", **settings), lambda: cr.train(X, y, sample_weight=odd, **settings)]
    for attempt in attempts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                attempt()
            except CrecheError:
                continue
