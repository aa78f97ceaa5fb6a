"""A table that is read in pieces of any size is the table that is read as a whole, column by column and bit by bit."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creche.errors import FileError, TableError
from creche.table.disk_columns import DiskColumns, open_columns
from creche.table.on_disk import read_to_disk
from creche.table.reading import growing_columns
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.reading.table_parts import find_parts
from creche.table.table import Table

pytestmark = pytest.mark.filterwarnings("ignore::creche.CrecheWarning")

ROWS = 60

# What a reader could take for something else if it saw only some of the rows.
CELLS = {
    "whole": [str(i % 7) for i in range(ROWS)],
    "number": [f"{i / 8}" for i in range(ROWS)],
    "gaps": ["" if i % 3 else str(i) for i in range(ROWS)],
    "late_fraction": [*map(str, range(ROWS - 1)), "1.5"],
    "late_word": [*map(str, range(ROWS - 1)), "none of these"],
    "late_marker": [*(f"{i / 7:.3f}" for i in range(ROWS - 2)), "-", "unknown"],
    "late_value": [*[""] * (ROWS - 2), "x", "y"],
    "codes": [f"{i % 50:05}" for i in range(ROWS)],
    "late_code": [*map(str, range(10_000, 10_000 + ROWS - 1)), "00501"],
    "date": [f"2020-01-{i % 28 + 1:02}" for i in range(ROWS)],
    "compact_date": [f"202001{i % 28 + 1:02}" for i in range(ROWS)],
    "late_day_first": [*(f"{i % 12 + 1}/{i % 12 + 1}/2020" for i in range(ROWS - 1)), "13/1/2020"],
    "yes": ["yes" if i % 2 else "no" for i in range(ROWS)],
    "money": [f"${i}" for i in range(ROWS)],
    "thousands": [f"{i % 9 + 1}.{i % 1000:03}" for i in range(ROWS)],
    "missing": ["NA"] * ROWS,
    "large": [str(2**53 + i) for i in range(ROWS)],
    "word": ["ü" if i % 5 == 0 else f"w{i % 4}" for i in range(ROWS)],
}  # fmt: skip


def assert_equal(found: Table, expected: Table) -> None:
    assert (found.names, len(found)) == (expected.names, len(expected))
    for name in expected.names:
        one, other = found.columns[name], expected.columns[name]
        assert (name, one.kind, one.values.dtype) == (name, other.kind, other.values.dtype)
        assert (name, one.values.tobytes()) == (name, other.values.tobytes())
        assert (name, one.words, one.note, one.doubt) == (name, other.words, other.note, other.doubt)


def read(data: object, rows: int = 7, **options: object) -> Table:
    return read_to_disk(data, options=ReadOptions(**options), batch_rows=rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [6, 59])
@pytest.mark.parametrize("separator", [",", ";"])
def test_csv_in_pieces_is_the_whole_csv(tmp_path: Path, rows: int, separator: str) -> None:
    pl.DataFrame(CELLS).write_csv(tmp_path / "t.csv", separator=separator)
    assert_equal(read(tmp_path / "t.csv", rows), read_table(tmp_path / "t.csv"))


def test_decimal_commas_of_one_column_decide_for_the_others(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["1.234"] * 30, "b": [*["7"] * 29, "2,5"], "c": [f"1.5{i:02}" for i in range(30)]})
    frame.write_csv(tmp_path / "t.csv", separator=";")
    for options in [{}, {"decimal_comma": True}, {"decimal_comma": False}, {"missing_values": ("7",)}]:
        expected = read_table(tmp_path / "t.csv", ReadOptions(**options))
        assert_equal(read(tmp_path / "t.csv", 4, **options), expected)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["1", "2.5", "-3", "", "NA", "007", "1e5", "yes", "no", "x", "2020-01-31", "1.234", "-", "$5"]),
        min_size=3, max_size=25,
    ),
    st.integers(1, 9),
)  # fmt: skip
def test_any_cells_in_pieces_of_any_size(tmp_path: Path, cells: list[str], rows: int) -> None:
    # The second column keeps the first from being a line of names or a remark, and rows from being blank.
    text = "a,b\n" + "".join(f"{cell},{i}.5\n" for i, cell in enumerate(cells))
    (tmp_path / "t.csv").write_text(text)
    assert_equal(read(tmp_path / "t.csv", rows), read_table(tmp_path / "t.csv"))


@pytest.mark.parametrize("ending", ["parquet", "arrow", "jsonl"])
def test_formats_with_types(tmp_path: Path, ending: str) -> None:
    cells = {name: [cell or None for cell in CELLS[name]] for name in ("word", "date", "late_value", "money")}
    frame = pl.DataFrame(cells).with_columns(
        whole=pl.Series(range(ROWS)), gaps=pl.Series([None if i % 4 else i for i in range(ROWS)]), empty=None,
        number=pl.Series([i / 3 for i in range(ROWS)]), late=pl.Series([*[None] * 50, *range(10)]),
        flag=pl.Series([i % 2 == 0 for i in range(ROWS)]),
    )  # fmt: skip
    if ending != "jsonl":
        frame = frame.with_columns(
            day=pl.col("date").str.to_date(),
            category=pl.col("word").cast(pl.Categorical),
            nested=pl.Series([[1]] * ROWS),
        )
    path = tmp_path / f"t.{ending}"
    {"parquet": frame.write_parquet, "arrow": frame.write_ipc, "jsonl": frame.write_ndjson}[ending](path)
    assert_equal(read(path), read_table(path))


def test_files_of_one_table(tmp_path: Path) -> None:
    frame = pl.DataFrame(CELLS)
    frame.write_csv(tmp_path / "whole.csv")
    parts = tmp_path / "parts"
    parts.mkdir()
    frame.slice(0, 20).write_csv(parts / "1.csv")
    (parts / "2.csv.gz").write_bytes(gzip.compress(frame.slice(20, 25).write_csv().encode()))
    frame.slice(45).write_csv(parts / "3.csv")
    (parts / "_SUCCESS").touch()
    expected = read_table(tmp_path / "whole.csv")
    names = sorted(str(path) for path in parts.glob("*.csv*"))
    for data in [parts, f"{parts}/*.csv*", names]:
        assert_equal(read(data), expected)
        assert_equal(read_table(data), expected)


def test_frames_are_read_as_they_are() -> None:
    frame = pl.DataFrame({"a": [1, 2, None, 4], "b": ["x", None, "y", "x"]})
    assert_equal(read(frame, 2), read_table(frame))
    assert_equal(read(frame.lazy(), 3), read_table(frame))
    assert_equal(read({"a": [1, 2], "b": ["x", "y"]}), read_table({"a": [1, 2], "b": ["x", "y"]}))


def test_files_of_different_columns_are_named(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1.5,2\n2.5,3\n")
    for text, message in [
        ("a,c\n1.5,2\n2.5,3\n", r"2\.csv: has no column 'b', which the files before have"),
        ("a,b,c\n1.5,2,3\n2.5,3,4\n", r"2\.csv: has a column 'c', which the files before lack"),
    ]:
        (tmp_path / "2.csv").write_text(text)
        with pytest.raises(TableError, match=message):
            read(tmp_path)


def test_a_file_that_changes_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1.5,2\n2.5,3\n")
    (part,) = find_parts(tmp_path)
    (tmp_path / "1.csv").write_text("a,b\n1.5,2\n2.5,3\n3.5,4\n")
    with pytest.raises(FileError, match=r"1\.csv: changed while it was read: it had 16 bytes and has 22"):
        part.check_unchanged()


def test_no_file(tmp_path: Path) -> None:
    for data, message in [
        (tmp_path, "is a folder without a table"), (f"{tmp_path}/*.csv", "no file has such a name"),
        ([f"{tmp_path}/a.csv"], "there is no such file"),
    ]:  # fmt: skip
        with pytest.raises(FileError, match=message):
            read(data)
    with pytest.raises(TableError, match="standard input cannot be read in pieces"):
        read("-")


def test_too_many_words_name_the_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_columns, "MAX_WORDS", 20)
    pl.DataFrame({"n": range(30), "id": [f"u{i}" for i in range(30)]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"t\.parquet: column 'id' holds more than 20 different words .* leave it out"):
        read(tmp_path / "t.parquet")
    table = read_to_disk(tmp_path / "t.parquet", options=ReadOptions(), left_out=["id"], batch_rows=7)
    assert table.columns["id"].doubt == "it holds over 20 words"
    assert len(table.columns["id"]) == 30


def test_a_few_words_among_very_many_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing_columns, "MAX_WORDS", 20)
    numbers = [f"{i / 7:.3f}" for i in range(ROWS)]
    wholes = [str(i * 977) for i in range(ROWS)]
    columns = {
        "early": ["-", *numbers[1:]], "late": [*numbers[:-3], "-", "n.a.", "-"], "whole": [*wholes[:-1], "unknown"],
        "rare": [*numbers[:30], "soon", *numbers[31:]], "other": numbers,
    }  # fmt: skip
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    found, expected = read(tmp_path / "t.csv"), read_table(tmp_path / "t.csv")
    assert_equal(found, expected)
    assert {c.kind for c in expected.columns.values()} == {"number", "whole"}
    assert [c.format for c in found.columns.values()] == [c.format for c in expected.columns.values()]
    pl.DataFrame({"a": [*numbers[:-10], *["x", "y"] * 5], "b": numbers}).write_csv(tmp_path / "t.csv")
    with pytest.raises(TableError, match=r"column 'a' holds words, such as 'x', 'y', among more different numbers"):
        read(tmp_path / "t.csv")


def test_columns_of_some_rows() -> None:
    table = read({"n": list(range(100)), "w": [f"c{i % 9}" for i in range(100)]})
    whole = Table({name: table.columns[name] for name in table.names}, "whole")
    rows = np.random.default_rng(0).permutation(100)
    for choose in [
        lambda t: t.take(slice(10, 30)), lambda t: t.take(rows), lambda t: t.take(rows[:40]).take(slice(3, 20)),
        lambda t: t.take(slice(10, 90)).take(rows[:80] < 35), lambda t: t.take(slice(20, 90)).take(slice(0, 60, 7)),
        lambda t: t.take(rows[:50]).select(["w"]), lambda t: t.take(np.zeros(0, dtype=np.int64)),
    ]:  # fmt: skip
        assert_equal(choose(table), choose(whole))
    some = table.take(rows[:10])
    changed = some.changed({"n": some.columns["n"].take(slice(0, None)), "new": some.columns["w"]})
    assert_equal(changed, whole.take(rows[:10]).changed({"new": whole.take(rows[:10]).columns["w"]}))


def test_a_folder_of_columns_is_opened_again(tmp_path: Path) -> None:
    table = read_to_disk(pl.DataFrame(CELLS), options=ReadOptions(), to=tmp_path / "t.rows")
    assert isinstance(table.columns, DiskColumns)
    table.columns.save()
    assert_equal(Table(open_columns(tmp_path / "t.rows"), "t"), table)
    assert_equal(read_table(tmp_path / "t.rows"), table)
    (tmp_path / "t.rows" / "columns.json").write_bytes(b"{}")
    with pytest.raises(FileError, match="describes no columns"):
        open_columns(tmp_path / "t.rows")


def test_a_temporary_folder_lives_as_long_as_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    table = read({"n": [1, 2, 3]})
    some = table.take(slice(1, 3))
    assert len(list(tmp_path.iterdir())) == 1
    del table
    assert some.columns["n"].values.tolist() == [2, 3]
    del some
    assert not list(tmp_path.iterdir())
