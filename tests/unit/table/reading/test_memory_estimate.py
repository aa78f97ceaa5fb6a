"""A file that does not fit into memory is refused before it is read, and the message tells what to do."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from creche.errors import TableError
from creche.table.on_disk import read_to_disk
from creche.table.reading import memory_estimate
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table

FRAME = pl.DataFrame({"a": range(1000), "b": [i / 7 for i in range(1000)]})


@pytest.fixture(autouse=True)
def _all_files_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_estimate, "SMALL", 1)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow", "t.jsonl"])
def test_a_table_larger_than_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    {"csv": FRAME.write_csv, "parquet": FRAME.write_parquet, "arrow": FRAME.write_ipc, "jsonl": FRAME.write_ndjson}[
        name.partition(".")[2]
    ](path)
    assert len(read_table(path)) == 1000
    needed = memory_estimate.estimate_memory(path, path.stat().st_size)
    assert needed > 2 * 8 * 1000
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: int(needed) - 1)
    with pytest.raises(TableError, match=rf"{name}: takes about .* in memory, and .* available; .*memory='1GB'"):
        read_table(path)
    assert len(read_to_disk(path, options=ReadOptions(), batch_rows=300)) == 1000


def test_what_is_not_known_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: 10)
    FRAME.write_csv(tmp_path / "t.csv.zst", compression="zstd")
    assert len(read_table(tmp_path / "t.csv.zst")) == 1000
    FRAME.write_csv(tmp_path / "t.csv")
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: None)
    assert len(read_table(tmp_path / "t.csv")) == 1000
