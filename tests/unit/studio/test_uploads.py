"""Uploads: bounded, in their folder, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import FileError
from creche.studio.uploads import MAX_FILES, TooLargeError, Uploads


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(limit=10, parent=tmp_path)


def test_parts_become_a_file_with_its_ending(uploads: Uploads) -> None:
    uploads.begin("u", "penguins.csv")
    uploads.add("u", 0, b"a,b\n")
    uploads.add("u", 4, b"1,2\n")
    path = uploads.path("u")
    assert path.name == "penguins.csv"
    assert path.read_bytes() == b"a,b\n1,2\n"
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\data\\a.csv", "a.csv"), ("..", "table"), ("", "table"), ("/", "table"),
        (".bashrc", "bashrc"), ("a\0b\n.csv", "ab.csv"), ("x" * 500 + ".parquet", "x" * 92 + ".parquet"),
    ],
)  # fmt: skip
def test_a_name_leads_nowhere(uploads: Uploads, name: str, kept: str) -> None:
    uploads.begin("u", name)
    assert uploads.path("u").name == kept


@given(st.text())
def test_any_name_stays_in_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("uploads")
    uploads = Uploads(parent=folder)
    uploads.begin("u", name)
    uploads.add("u", 0, b"x")
    path = uploads.path("u").resolve()
    assert path.parents[2] == folder.resolve()
    assert path.read_bytes() == b"x"


def test_a_file_that_is_too_large_is_removed(uploads: Uploads, tmp_path: Path) -> None:
    uploads.begin("u", "a.csv")
    uploads.add("u", 0, bytes(10))
    with pytest.raises(TooLargeError, match=r"a\.csv: is larger than"):
        uploads.add("u", 10, b"x")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(FileError, match="upload the file again"):
        uploads.path("u")


def test_a_missing_part_is_told(uploads: Uploads) -> None:
    uploads.begin("u", "a.csv")
    with pytest.raises(FileError, match=r"begins at byte 4, but 0 bytes have come so far"):
        uploads.add("u", 4, b"x")


def test_only_the_latest_few_are_kept(uploads: Uploads, tmp_path: Path) -> None:
    for number in range(3 * MAX_FILES):
        uploads.begin(str(number), "a.csv")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == MAX_FILES
    uploads.path(str(3 * MAX_FILES - 1))
    with pytest.raises(FileError):
        uploads.path("0")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the upload cannot be written"):
        Uploads(parent=tmp_path / "file").begin("u", "a.csv")


def test_closing_removes_all_files(uploads: Uploads, tmp_path: Path) -> None:
    uploads.begin("u", "a.csv")
    uploads.close()
    assert list(tmp_path.iterdir()) == []
