"""Every format, compression and library of DataFrames gives the same table."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from creche.errors import CrecheWarning
from creche.table.reading.byte_streams import Stream, decode_pieces
from creche.table.reading.frame_columns import concatenate_frames
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_batches, read_table
from creche.table.write import TableWriter
from tests.unit.table.tables import KINDS, expected, frame, kinds, values


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return out.getvalue()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": zipped,
}


def json_lines(data: pl.DataFrame) -> bytes:
    return data.write_ndjson().encode()


def arrow_stream(data: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    table = data.to_arrow()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)  # several batches
    return out.getvalue()


def polars_bytes(write: str) -> Callable[[pl.DataFrame], bytes]:
    def written(data: pl.DataFrame) -> bytes:
        out = io.BytesIO()
        getattr(data, write)(out)
        return out.getvalue()

    return written


def pyarrow_bytes(write: Callable[..., None], **options: Any) -> Callable[[pl.DataFrame], bytes]:
    def written(data: pl.DataFrame) -> bytes:
        out = io.BytesIO()
        write(data.to_arrow(), out, **options)
        return out.getvalue()

    return written


FORMATS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "csv": polars_bytes("write_csv"),
    "jsonl": json_lines,
    "parquet": polars_bytes("write_parquet"),
    "parquet of pyarrow": pyarrow_bytes(pyarrow.parquet.write_table, row_group_size=2),
    "arrow": polars_bytes("write_ipc"),
    "arrow of pyarrow": pyarrow_bytes(pyarrow.feather.write_feather, compression="zstd"),
    "arrow stream": arrow_stream,
    "arrow stream of polars": polars_bytes("write_ipc_stream"),
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("format", FORMATS)
def test_files(format: str, compression: str, tmp_path: Path) -> None:
    data = frame()
    path = tmp_path / "no-ending"
    path.write_bytes(COMPRESSIONS[compression](FORMATS[format](data)))
    table = read_table(path)
    expected_values = {**KINDS, "day": "datetime"}
    assert kinds(table) == expected_values
    assert values(table) == expected(data)
    assert table.source == str(path)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_zstandard_of_text(format: str, tmp_path: Path) -> None:
    data = frame()
    path = tmp_path / "table.zst"
    path.write_bytes(zstd(FORMATS[format](data)))
    assert values(read_table(path)) == expected(data)


def test_twice_compressed(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(bz2.compress(FORMATS["csv"](frame()))))
    assert values(read_table(path)) == expected(frame())


@pytest.mark.parametrize("format", FORMATS)
def test_standard_input(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(gzip.compress(FORMATS[format](frame())))

    monkeypatch.setattr(sys, "stdin", Input)
    table = read_table("-")
    assert values(table) == expected(frame())
    assert table.source == "standard input"


def batches(data: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for start in range(0, len(data), 3):
        yield data.slice(start, 3)


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda data: data,
    "polars lazy": lambda data: data.lazy(),
    "pyarrow": lambda data: data.to_arrow(),
    "pyarrow batch": lambda data: data.to_arrow().combine_chunks().to_batches()[0],
    "pandas": lambda data: data.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))).to_pandas(),
    "pandas of pyarrow": lambda data: data.to_pandas(use_pyarrow_extension_array=True),
    "pandas categories": lambda data: data.to_pandas().astype({"island": "category"}),
    "pandas objects": lambda data: pd.DataFrame(data.to_dicts()),
    "dict": lambda data: data.to_dict(as_series=False),
    "dict of arrays": lambda data: {
        c: s.to_numpy() if s.dtype != pl.Date else s.to_list() for c, s in data.to_dict().items()
    },
    "dict of series": lambda data: data.to_dict(),
    "list of dicts": lambda data: data.to_dicts(),
    "list of frames": lambda data: list(batches(data)),
    "generator": batches,
    "generator of dicts": lambda data: (part.to_dict(as_series=False) for part in batches(data)),
}


@pytest.mark.parametrize("library", FRAMES)
def test_frames(library: str) -> None:
    data = FRAMES[library](frame())
    assert is_table(data)
    table = read_table(data)
    assert kinds(table) == KINDS
    assert values(table) == expected(frame())


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".arrow"])
@pytest.mark.parametrize("library", FRAMES)
def test_every_library_there_and_back_in_every_format(library: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{ending}"
    with TableWriter(path) as writer:
        for part in read_batches(FRAMES[library](frame(23)), rows=10, expected=KINDS):
            writer.write(part.table)
    for source in (path, polars_reads(path)):
        table = read_table(source, expected=KINDS)
        assert kinds(table) == KINDS
        assert values(table) == expected(frame(23))


def polars_reads(path: Path) -> pl.DataFrame:
    """Read a file by Polars itself, independently of our writer; words of a text stay words."""
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False)
    readers = {".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet, ".arrow": pl.read_ipc}
    return readers[path.suffix](path)


def by_modin(data: pl.DataFrame) -> Any:
    modin = pytest.importorskip("modin.pandas")
    return modin.DataFrame(data.to_pandas())


def by_duckdb(data: pl.DataFrame) -> Any:
    return pytest.importorskip("duckdb").connect().from_arrow(data.to_arrow())


def by_dask(data: pl.DataFrame) -> Any:
    return pytest.importorskip("dask.dataframe").from_pandas(data.to_pandas(), npartitions=2)


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("make", [by_modin, by_duckdb, by_dask])
def test_libraries_that_need_not_be_installed(make: Callable[[pl.DataFrame], Any]) -> None:
    assert is_table(make(frame(23)))
    table = read_table(make(frame(23)))
    assert kinds(table) == KINDS
    assert values(table) == expected(frame(23))


@pytest.mark.parametrize("format", FORMATS)
def test_files_that_are_open(format: str, tmp_path: Path) -> None:
    data = FORMATS[format](frame())
    path = tmp_path / "table"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert is_table(file)
        table = read_table(file)
    assert (table.source, values(table)) == (str(path), expected(frame()))
    assert values(read_table(io.BytesIO(gzip.compress(data)))) == expected(frame())
    if format in ("csv", "jsonl"):
        table = read_table(io.StringIO(data.decode()))
        assert (table.source, values(table)) == ("the open file", expected(frame()))


@pytest.mark.parametrize("format", [*FORMATS, "csv.zst", "csv.zip"])
def test_named_pipes_are_read_once_and_forward(format: str, tmp_path: Path) -> None:
    """A shell makes such pipes: creche train <(zcat table.gz)."""
    data = {"csv.zst": zstd, "csv.zip": zipped}[format](FORMATS["csv"](frame())) if "." in format else (
        FORMATS[format](frame())
    )  # fmt: skip
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    assert values(read_table(path)) == expected(frame())
    writer.join()


def test_modin_and_others_by_the_arrow_interface() -> None:
    class Foreign:
        """Any library that hands out its columns by Arrow's C interface."""

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return frame().to_arrow().__arrow_c_stream__(requested_schema)

    assert values(read_table(Foreign())) == expected(frame())


def test_arrays_are_no_tables_of_names() -> None:
    assert not is_table(np.zeros((3, 2)))
    assert not is_table([[1, 2], [3, 4]])
    table = read_table({"a": np.arange(3, dtype=np.uint8), "b": np.array([1, 2, 3], dtype="datetime64[D]")})
    assert kinds(table) == {"a": "whole", "b": "datetime"}


HIDDEN = np.arange(4) % 2 == 0


@pytest.mark.parametrize(
    ("data", "kind", "expected_values"),
    [
        (np.ma.masked_array([1.5, 2.5, 3.5, 4.5], HIDDEN), "number", [None, 2.5, None, 4.5]),
        (np.ma.masked_array([1, 2, 3, 4], HIDDEN), "whole", [None, 2, None, 4]),
        (np.ma.masked_array([True, True, False, False], HIDDEN), "boolean", [None, True, None, False]),
        (np.ma.masked_array(["a", "b", "c", "d"], HIDDEN), "words", [None, "b", None, "d"]),
        (np.ma.masked_array([1.5, 2.5], [False, False]), "number", [1.5, 2.5]),
        (np.array([90, 7200], dtype="timedelta64[s]"), "number", [90.0, 7200.0]),
        (np.array([1.5, 2.5], dtype=np.longdouble), "number", [1.5, 2.5]),
        (pd.Series([1.5, 2.5], dtype=np.longdouble), "number", [1.5, 2.5]),
        (pd.Series(pd.to_timedelta([90, None], unit="s")), "number", [90.0, None]),
    ],
    ids=lambda value: "",
)  # fmt: skip
def test_columns_of_arrays(data: Any, kind: str, expected_values: list[Any]) -> None:
    table = read_table({"a": data})
    assert kinds(table) == {"a": kind}
    assert values(table) == {"a": expected_values}


def test_months_of_pandas_are_dates() -> None:
    table = read_table(pd.DataFrame({"a": pd.period_range("2020-01", periods=3, freq="M")}))
    assert [str(day.date()) for day in values(table)["a"]] == ["2020-01-01", "2020-02-01", "2020-03-01"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1, 2], "b": [1]}, r"its columns differ in length: 'a' has 2, 'b' has 1"),
        ({"a": np.zeros((2, 2))}, r"column 'a' has shape \(2, 2\); needs one value per row"),
        ({"a": "word", "b": [1, 2]}, "column 'a' is a str; needs a list"),
        ([{"a": 1}, 3], "row 2 is a int; needs a dict, like row 1"),
    ],
)
def test_plain_data_that_is_no_table(data: Any, message: str) -> None:
    from creche.errors import TableError

    with pytest.raises(TableError, match=message):
        read_table(data)


def test_json_with_gaps_mixed_kinds_and_late_keys(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    path.write_text('{"a": 1, "b": true}\n\n{"b": false, "c": "x"}\n{"a": "two", "c": null}\n{"a": 3.5}\n')
    table = read_table(path)
    assert values(table) == {
        "a": ["1", None, "two", "3.5"],
        "b": [True, False, None, None],
        "c": [None, "x", None, None],
    }


def test_what_the_name_says_matters_less_than_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(FORMATS["parquet"](frame()))
    assert values(read_table(path)) == expected(frame())
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert values(read_table(path, ReadOptions(format="jsonl"))) == {"a": [1, 2]}


def test_json_numbers_stay_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    numbers = [0.1, 1e300, -5e-324, 12345678901234567, 3]
    path.write_text("".join(json.dumps({"a": n}) + "\n" for n in numbers))
    assert values(read_table(path))["a"] == [float(n) for n in numbers]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"a": ["x", "\udc80"]}, r"'\\udc80', which is not valid Unicode"),
        (pd.DataFrame({"a": [1 + 2j]}), "complex numbers"),
        ({"a": [[1], [2]]}, "a list"),
    ],
)
def test_a_column_of_what_no_network_could_take_is_read_and_doubted(data: Any, what: str) -> None:
    from creche.errors import TableError

    assert re.match(f"it holds {what}", read_table(data).columns["a"].doubt)
    with pytest.raises(TableError, match=f"column 'a' holds {what}"):
        read_table(data, expected={"a": "number"})


WITHOUT_EFFECT: list[tuple[str, dict[str, Any], str]] = [
    ("csv", {"sheet": 1}, "ReadOptions.sheet has"),
    ("parquet", {"separator": ";", "header": False}, "ReadOptions.separator and ReadOptions.header have"),
    ("arrow", {"names": ["a"]}, "ReadOptions.names has"),
    ("jsonl", {"skip_rows": 1, "sheet": "a"}, "ReadOptions.skip_rows and ReadOptions.sheet have"),
]


@pytest.mark.parametrize(("format", "options", "named"), WITHOUT_EFFECT)
def test_an_option_without_effect_on_the_format_is_named(format: str, options: dict[str, Any], named: str) -> None:
    with pytest.warns(CrecheWarning, match=f": {named} no effect on this file, which is read as '{format}'"):
        table = read_table(io.BytesIO(FORMATS[format](frame(3))), ReadOptions(**options))
    assert len(table) == 3


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("csv", {"separator": ",", "header": True}),
        ("jsonl", {"text_encoding": "utf-8"}),
        ("parquet", {"day_first": True}),
    ],
)
def test_options_that_go_with_the_format_are_taken_without_a_word(format: str, options: dict[str, Any]) -> None:
    assert len(read_table(io.BytesIO(FORMATS[format](frame(3))), ReadOptions(**options))) == 3


def test_what_was_inspected_is_no_piece_of_its_own() -> None:
    stream = Stream(io.BytesIO(b"a,b\n" * 10), "t")
    assert stream.peek(6) == b"a,b\na,"
    assert [len(piece) for piece in decode_pieces(stream, "utf-8", 16)] == [16, 16, 8]


def test_frames_of_other_types_or_columns_become_one() -> None:
    frames = [pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"a": ["y"], "b": ["z"]}), pl.DataFrame({"b": ["w"]})]
    assert concatenate_frames(frames[:2], "t").rows() == [("1", "x"), ("y", "z")]
    assert concatenate_frames([frames[0], frames[2]], "t").rows() == [(1, "x"), (None, "w")]
