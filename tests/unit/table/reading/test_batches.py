"""Reading in batches gives the same table, in memory that does not grow with the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import TableError
from creche.table.reading.read import read_batches, read_table
from creche.table.table import Table
from tests.unit.table.reading.test_formats import FORMATS, FRAMES
from tests.unit.table.tables import frame, kinds, values


def read_parts(*arguments: Any, **options: Any) -> list[Table]:
    return [batch.table for batch in read_batches(*arguments, **options)]


def joined(parts: list[Table]) -> dict[str, list[Any]]:
    return {name: [v for part in parts for v in values(part)[name]] for name in parts[0].names}


@pytest.mark.parametrize("rows", [1, 4, 100])
@pytest.mark.parametrize("format", FORMATS)
def test_files(format: str, rows: int, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(FORMATS[format](frame(23)))
    whole = read_table(path)
    parts = read_parts(path, rows=rows, expected=kinds(whole))
    assert joined(parts) == values(whole)
    assert max(len(part) for part in parts) <= rows
    assert [part.first_row for part in parts] == (1 + np.cumsum([0, *(len(part) for part in parts[:-1])])).tolist()
    chosen = read_parts(path, rows=rows, expected={"gap": "number", "mass": "number"})
    assert joined(chosen) == {name: values(whole)[name] for name in ("gap", "mass")}


@pytest.mark.parametrize("library", FRAMES)
def test_frames(library: str) -> None:
    whole = read_table(FRAMES[library](frame(23)))
    assert joined(read_parts(FRAMES[library](frame(23)), rows=5, expected=kinds(whole))) == values(whole)


def test_kinds_are_settled_by_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,x\n" * 5 + "two,y\n")
    with pytest.raises(
        TableError, match=r"row 6, column 'a' is 'two'; needs a .*number, or an empty cell, as in the rows before"
    ):
        list(read_batches(path, rows=3))
    (batch, *_) = read_batches(path, rows=10, expected={"b": "words"})
    assert batch.table.names == ["b"]
    assert batch.frame["a"].to_list() == ["1"] * 5 + ["two"]


MEASURE = """
import re, sys
from creche.table.reading.read import read_batches
rows = 0
for part in read_batches(sys.argv[1], rows=20_000):
    rows += len(part.table)
# The peak of this program only: getrusage includes its parent.
print(rows, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) // 1024)
"""


def peak_of_reading(path: Path) -> tuple[int, int]:
    """Return the rows and the peak memory in MB of reading in a process of its own."""
    package = str(Path(cr.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    rows, peak = done.stdout.split()
    return int(rows), int(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to say what memory was used")
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_file(ending: str, tmp_path: Path) -> None:
    line = {
        ".csv": "3750.5,Biscoe,true," + "word " * 12 + "\n",
        ".jsonl": '{"mass": 3750.5, "island": "Biscoe", "ringed": true, "remark": "' + "word " * 12 + '"}\n',
    }[ending]
    head = "mass,island,ringed,remark\n" if ending == ".csv" else ""
    peaks = {}
    for rows in (100_000, 800_000):
        path = tmp_path / f"{rows}{ending}"
        path.write_text(head + line * rows)
        found, peaks[rows] = peak_of_reading(path)
        assert found == rows
    # The large file is some 60 MB larger; tables of it would take more than that.
    assert peaks[800_000] < peaks[100_000] + 40
