"""A file is recognized under each of its names, and only files that would be overwritten are refused."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from creche._system.output_files import TABLE_ENDINGS, Folder, check_ending, check_outputs
from creche.errors import FileError, PlanError
from creche.table.reading.file_formats import COMPRESSION_SUFFIXES, SUFFIXES


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    return path


def other_name(path: Path, name: str) -> Any:
    other = path.with_name("other")
    if name == "hard link":
        other.hardlink_to(path)
    elif name == "symbolic link":
        other.symlink_to(path)
    else:
        return {"relative": path.name, "path": path, "dots": f"./x/../{path.name}"}[name]
    return other


@pytest.mark.parametrize("name", ["hard link", "symbolic link", "relative", "path", "dots"])
@pytest.mark.parametrize("read", [str, Path, lambda path: (None, str(path))])
def test_each_name_of_a_file_is_recognized(table: Path, name: str, read: Callable[[Path], Any]) -> None:
    (table.parent / "x").mkdir()
    output = other_name(table, name)
    with table.open("rb") as opened:
        for source in (read(table), opened):
            with pytest.raises(PlanError, match=r"^path: .*is the table itself; give another name$") as raised:
                check_outputs({"path": output}, {"model": None, "table": source})
            assert raised.value.argument == "path"


@pytest.mark.parametrize(
    "read",
    [
        None, [[1, 2]], {"a": [1]}, [{"a": 1}], pl.DataFrame({"a": [1]}), io.StringIO("a\n"), io.BytesIO(), "none.csv",
        "a\0b", "x" * 5000, 7, (pl.DataFrame({"a": [1]}), [0]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_file_is_never_overwritten(table: Path, read: Any) -> None:
    check_outputs({"path": table, "card": None, "none": "new.html"}, {"table": read})
    if isinstance(read, str):
        check_outputs({"path": read}, {"table": read})


def test_pipes_and_devices_are_never_overwritten(table: Path) -> None:
    os.mkfifo("pipe")
    for name in ("pipe", "/dev/null"):
        check_outputs({"path": name, "card": name}, {"table": name})


def test_files_that_are_not_there_yet_are_compared_by_their_real_paths(table: Path) -> None:
    Path("here").symlink_to(table.parent)
    Path("dangling").symlink_to("new.html")
    for name in ("new.html", "./new.html", "here/new.html", "dangling"):
        with pytest.raises(PlanError, match=r"^card: .* is written by path, too; give another name$"):
            check_outputs({"path": "new.html", "card": name}, {})
    check_outputs({"path": "new.html", "card": "New.html"}, {"table": table})


def test_a_closed_stream_is_no_file(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    closed = table.open("rb")
    closed.close()
    for read in ("-", closed):
        check_outputs({"path": table}, {"table": read})


def test_of_a_folder_only_the_files_that_are_written_count(table: Path) -> None:
    names = Folder(table.parent, ("run.json", "epoch-*"))
    check_outputs({"folder": names}, {"table": table})
    for name in ("run.json", "epoch-1"):
        os.rename(table, name)
        with pytest.raises(PlanError, match=rf"^folder: .* holds the table, {name}, under a name"):
            check_outputs({"folder": names}, {"table": name})
        os.rename(name, table)
    Path("run.json").symlink_to(table)
    with pytest.raises(PlanError, match="holds the table"):
        check_outputs({"folder": names}, {"table": table})
    for name in ("run.json", "epoch-2"):
        with pytest.raises(PlanError, match="is written by folder, too"):
            check_outputs({"folder": names, "path": name}, {})
        with pytest.raises(PlanError, match="is the checkpoint itself"):
            check_outputs({"path": name}, {"checkpoint": Folder(".", names.patterns)})
    with pytest.raises(PlanError, match="is the table itself"):
        check_outputs({"folder": Folder(table, names.patterns)}, {"table": table})
    check_outputs({"folder": Folder("new", names.patterns), "path": "new.creche"}, {"table": table})


def test_the_names_of_all_tables_are_known() -> None:
    assert set(SUFFIXES) - {".txt", ".json"} <= set(TABLE_ENDINGS)
    for ending in TABLE_ENDINGS:
        for compression in ("", *COMPRESSION_SUFFIXES):
            with pytest.raises(FileError, match=rf"is the name of a table \({ending}\); a plan file ends in \.toml"):
                check_ending(f"t{ending.upper()}{compression}", "plan file", ".toml")
    for name in ("m.creche", "csv", ".csv", "t.csv.creche", "notes.txt", "m", "m.gz", Path("a.csv/m")):
        check_ending(name, "model file", ".creche")
