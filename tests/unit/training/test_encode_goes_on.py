"""An encoding whose process is killed, again and again, while it reads: the next one goes on, to the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creche as cr
from creche._system.owned_folders import claim_folder
from creche.errors import CrecheWarning, FileError, TableError
from creche.table.on_disk import open_on_disk
from creche.table.reading import contents, indexed_files, reading_record, stream
from tests.preloaded import preloaded_python

pytestmark = pytest.mark.filterwarnings("ignore::creche.CrecheWarning")

ROWS = 600

# A process that kills itself before a file operation in the unfinished folder: each of them is an event.
KILLED = """
import json, os, signal, sys
import creche as cr
from creche.table.reading import contents, indexed_files, reading_record, stream
stream.SMALL_FILE, contents.TEXT_PIECE, contents.BYTES_OF_COLUMN = 0, 1024, 8
indexed_files.SLICE_ROWS, reading_record.CELLS_BETWEEN = 50, 400
data, to, left = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def watch(event, args):
    global left
    if event in ("open", "os.rename", "os.remove") and ".unfinished" in str(args[0]):
        if str(args[0]).endswith("columns.json"):
            left = -1  # all has been read
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
first = []
def report(done):
    if not first:
        first.append(done)
        print(done.stage, done.rows, flush=True)
cr.encode(data, to, label="kind", on_progress=report)
"""


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "whole": [str(i) for i in range(ROWS)],
            "fraction": [f"{i / 7:.4f}" for i in range(ROWS)],
            "mostly": [*(f"{i / 3:.3f}" for i in range(ROWS - 3)), "unknown", "-", "unknown"],
            "gaps": ["" if i < 150 or i % 5 == 0 else str(i % 90) for i in range(ROWS)],
            "late_word": [*map(str, range(ROWS - 1)), "none of these"],
            "code": [f"c{i * 7919 % 211}" for i in range(ROWS)],
            "day": [f"2020-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(ROWS)],
            "kind": ["a" if i * 7919 % 13 < 6 else "b" for i in range(ROWS)],
        }
    )


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SMALL_FILE", 0)
    monkeypatch.setattr(contents, "TEXT_PIECE", 1024)
    monkeypatch.setattr(contents, "BYTES_OF_COLUMN", 8)
    monkeypatch.setattr(indexed_files, "SLICE_ROWS", 50)
    monkeypatch.setattr(reading_record, "CELLS_BETWEEN", 400)


def write_as(form: str, folder: Path) -> Any:
    whole = frame()
    typed = whole.with_columns(pl.col("whole").cast(pl.Int64), pl.col("fraction").cast(pl.Float64))
    if form == "csv":
        whole.write_csv(folder / "t.csv")
        with (folder / "t.csv").open("a") as file:
            file.write("Source: the office, in its report of 2020\n")
    elif form == "jsonl":
        typed.write_ndjson(folder / "t.jsonl")
    elif form == "parquet":
        typed.write_parquet(folder / "t.parquet")
    else:
        for i in range(6):
            text = whole.slice(100 * i, 100).write_csv().encode()
            (folder / f"{i}.csv.gz").write_bytes(gzip.compress(text))
        return str(folder)
    return str(folder / f"t.{form}")


def contents_of(folder: Path) -> dict[str, Any]:
    """Return the columns and the encoded rows of a folder."""
    table = open_on_disk(folder)
    columns = {
        name: (column.kind, column.values.tobytes(), column.words, column.note, column.doubt, column.format)
        for name, column in ((name, table.columns[name]) for name in table.names)
    }
    rows = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("rows-*")}
    assert len(rows) == 2
    return columns | rows


@pytest.mark.parametrize(("form", "operations"), [("csv", 83), ("parts", 97), ("jsonl", 211), ("parquet", 61)])
def test_killed_again_and_again(form: str, operations: int, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = write_as(form, tmp_path / "data")
    cr.encode(data, tmp_path / "expected.rows", label="kind")
    target = tmp_path / "t.rows"
    started: list[int] = []
    killed = 0
    while not target.exists():
        done = subprocess.run(
            [*preloaded_python(), "-W", "ignore", "-c", KILLED, json.dumps(data), str(target), str(operations)],
            capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        killed += done.returncode != 0
        assert killed < 30
        started += [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("reading")]
    assert killed >= 3
    # Each began after the rows of the one before, until all were read or its words were read again.
    assert max(started) > min(started)
    assert contents_of(target) == contents_of(tmp_path / "expected.rows")
    assert not {"reading.json", "owner.lock"} & {path.name for path in target.iterdir()}
    assert not [path for path in target.iterdir() if path.name.endswith((".new", ".distinct"))]


def stop_after(rows: int) -> Any:
    def stop(done: Any) -> None:
        if done.stage == "reading" and done.rows >= rows:
            raise KeyboardInterrupt

    return stop


def begin(data: Any, target: Path, rows: int = 350) -> None:
    with pytest.raises(KeyboardInterrupt):
        cr.encode(data, target, label="kind", on_progress=stop_after(rows))


def first_rows(data: Any, target: Path) -> int:
    """Encode, and return how many rows had been read when reading reported first."""
    seen: list[int] = []
    cr.encode(data, target, label="kind", on_progress=lambda done: seen.append(done.rows))
    return seen[0]


@pytest.mark.usefixtures("small_pieces")
def test_files_that_changed_are_read_from_the_beginning(tmp_path: Path) -> None:
    data, target = write_as("parts", tmp_path), tmp_path / "t.rows"
    begin(data, target)
    text = gzip.decompress((tmp_path / "1.csv.gz").read_bytes()).replace(b"c1", b"d1")
    (tmp_path / "1.csv.gz").write_bytes(gzip.compress(text))
    with pytest.warns(CrecheWarning, match=r"t\.rows\.unfinished: is read again from .*1\.csv\.gz has changed since"):
        assert first_rows(data, target) < 100
    cr.encode(data, tmp_path / "whole.rows", label="kind")
    assert contents_of(target) == contents_of(tmp_path / "whole.rows")


@pytest.mark.usefixtures("small_pieces")
def test_files_that_were_not_read_yet_may_change(tmp_path: Path) -> None:
    data, target = write_as("parts", tmp_path), tmp_path / "t.rows"
    begin(data, target)
    frame().slice(100, 70).write_csv(tmp_path / "5.csv")
    (tmp_path / "5.csv.gz").unlink()
    frame().slice(0, 30).write_csv(tmp_path / "6.csv")
    assert first_rows(data, target) > 300
    cr.encode(data, tmp_path / "whole.rows", label="kind")
    assert contents_of(target) == contents_of(tmp_path / "whole.rows")


@pytest.mark.usefixtures("small_pieces")
def test_a_file_of_other_columns_can_be_put_right(tmp_path: Path) -> None:
    data, target = write_as("parts", tmp_path), tmp_path / "t.rows"
    good = (tmp_path / "4.csv.gz").read_bytes()
    (tmp_path / "4.csv.gz").write_bytes(gzip.compress(b"whole,other\n1,2\n3,4\n"))
    with pytest.raises(TableError, match=r"4\.csv\.gz: has no column 'fraction'"):
        cr.encode(data, target, label="kind")
    (tmp_path / "4.csv.gz").write_bytes(good)
    assert first_rows(data, target) > 300


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("damage", ["record", "column", "options"])
def test_what_cannot_be_gone_on_with_is_read_again(damage: str, tmp_path: Path) -> None:
    data, target = write_as("csv", tmp_path), tmp_path / "t.rows"
    begin(data, target)
    unfinished = tmp_path / "t.rows.unfinished"
    given: dict[str, Any] = {"label": "kind"}
    message = "it has lost files, or they are damaged"
    if damage == "record":
        record = json.loads((unfinished / "reading.json").read_bytes())
        record["table"]["columns"]["code"][1].pop("rows")
        (unfinished / "reading.json").write_text(json.dumps(record))
    elif damage == "column":
        longest = max(unfinished.glob("numbers-*"), key=lambda path: path.stat().st_size)
        os.truncate(longest, 8)
    else:
        given["read_options"], message = {"missing_values": ["c7"]}, "the options of reading are others"
    with pytest.warns(CrecheWarning, match=message):
        cr.encode(data, target, **given)
    cr.encode(data, tmp_path / "whole.rows", **given)
    assert contents_of(target) == contents_of(tmp_path / "whole.rows")


def test_two_processes_do_not_write_one_folder(tmp_path: Path) -> None:
    data, target = write_as("csv", tmp_path), tmp_path / "t.rows"
    unfinished = tmp_path / "t.rows.unfinished"
    unfinished.mkdir()
    with claim_folder(unfinished), pytest.raises(FileError, match=r"t\.rows\.unfinished: another process is writing"):
        cr.encode(data, target, label="kind")
    cr.encode(data, target, label="kind")
    assert [path.name for path in tmp_path.glob("t.rows*")] == ["t.rows"]
