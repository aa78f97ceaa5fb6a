"""Whatever goes wrong while a file is written, the old one stays, and nothing else is left."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creche._system import atomic_files as atomic
from creche._system.archive import read_archive, write_archive
from creche._system.atomic_files import clear_temporaries, open_replacement
from creche.errors import FileError
from tests.unit.training.mortal import KILLS, run_mortal


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "model.creche"
    path.write_bytes(b"old")
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(path: Any, data: bytes = b"new") -> None:
    with open_replacement(path) as file:
        file.write(data)


def test_a_file_is_made(tmp_path: Path) -> None:
    write(tmp_path / "a")
    assert content(tmp_path) == {"a": b"new"}
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_is_replaced_and_its_permissions_stay(old: Path) -> None:
    old.chmod(0o640)
    write(old)
    assert content(old.parent) == {"model.creche": b"new"}
    assert old.stat().st_mode & 0o7777 == 0o640


def test_readers_of_the_old_file_keep_it(old: Path) -> None:
    with open(old, "rb") as reader:
        write(old)
        assert reader.read() == b"old"


def test_the_old_file_stays_until_the_end(old: Path) -> None:
    with open_replacement(old) as file:
        file.write(b"new")
        file.flush()
        assert old.read_bytes() == b"old"
        private = [path for path in old.parent.iterdir() if path != old]
        assert [path.stat().st_size for path in private] == [3]
    assert old.read_bytes() == b"new"


def test_a_symbolic_link_stays_and_its_file_is_replaced(old: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "latest"
    link.symlink_to("../model.creche")
    write(link)
    assert link.is_symlink()
    assert old.read_bytes() == b"new"
    assert list((tmp_path / "links").iterdir()) == [link]


def test_a_symbolic_link_to_nothing_makes_its_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "to_be")
    write(tmp_path / "link")
    assert (tmp_path / "to_be").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyboardInterrupt(), SystemExit(3), ZeroDivisionError()])
def test_an_error_while_writing_leaves_the_old_file(old: Path, failure: BaseException) -> None:
    def fail() -> None:
        with open_replacement(old) as file:
            file.write(b"half of the new")
            raise failure

    with pytest.raises(type(failure)):
        fail()
    assert content(old.parent) == {"model.creche": b"old"}


def test_an_error_about_another_file_stays_what_it_is(old: Path) -> None:
    with pytest.raises(FileNotFoundError, match="another") as error, open_replacement(old) as file:
        file.write(Path("another").read_bytes())
    assert not isinstance(error.value, FileError)
    assert content(old.parent) == {"model.creche": b"old"}


@pytest.mark.parametrize("call", ["fsync", "replace", "open", "fchmod"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
def test_the_system_may_refuse_each_call(old: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic.os, call, refuse)
    with pytest.raises(FileError, match=r"model\.creche: cannot be written: .*unchanged"):
        write(old)
    monkeypatch.undo()
    assert content(old.parent) == {"model.creche": b"old"}


def test_a_file_larger_than_allowed_leaves_the_old_one(old: Path) -> None:
    """As on a full disk, the kernel accepts a part of the data, then refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(FileError, match="exceed the largest permitted file size"):
            write_archive(old, "model", {}, {"w": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert content(old.parent) == {"model.creche": b"old"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Make a disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_old_file(small_disk: Path) -> None:
    path = small_disk / "model.creche"
    write_archive(path, "model", {"which": "old"}, {"w": np.zeros(1000)})
    before = content(small_disk)
    with pytest.raises(FileError, match=r"the disk is full; free some space.*unchanged"):
        write_archive(path, "model", {"which": "new"}, {"w": np.zeros(100_000)})
    assert content(small_disk) == before
    assert read_archive(path, "model")[0] == {"which": "old"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "needs the name"),
        ("a\0b", "needs the name"),
        (".", "is a folder"),
        ("new_folder/", "is a folder"),
        ("none/model.creche", "no folder .*none; make it"),
        ("model.creche/x", "not a folder"),
        ("x" * 300, "name is too long"),
        ("\ud800", "needs the name"),
        ("circle", "circle"),
    ],
)
def test_invalid_names_are_refused(old: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.chdir(old.parent)
    if name == "circle":
        Path("circle").symlink_to("circle")
    with pytest.raises(FileError, match=message):
        write(name)
    assert old.read_bytes() == b"old"
    assert {path.name for path in old.parent.iterdir()} <= {"model.creche", "circle"}


def test_a_long_name_that_can_be_is_taken(tmp_path: Path) -> None:
    write(tmp_path / ("ü" * 127))
    assert content(tmp_path) == {"ü" * 127: b"new"}


def test_a_write_protected_file_is_refused(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old.chmod(0o444)
    if os.getuid() == 0:  # who may write anything
        monkeypatch.setattr(atomic.os, "access", lambda *_: False)
    with pytest.raises(FileError, match="write-protected"):
        write(old)
    assert content(old.parent) == {"model.creche": b"old"}


def test_what_has_nothing_to_lose_is_written_directly(tmp_path: Path) -> None:
    write("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe")
    reader.join()
    assert got == [b"new"]
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("to_a_file", [True, False])
def test_standard_output_can_be_named(tmp_path: Path, to_a_file: bool) -> None:
    program = (
        "from creche._system.atomic_files import open_replacement\n"
        "with open_replacement('/dev/stdout') as file: file.write(b'new')"
    )
    with open(tmp_path / "out", "w+b") as out:
        done = subprocess.run([sys.executable, "-c", program], stdout=out if to_a_file else subprocess.PIPE, check=True)
        out.seek(0)
        assert (out.read() if to_a_file else done.stdout) == b"new"


def test_a_full_device_is_an_error() -> None:
    with pytest.raises(FileError, match="disk is full"):
        write("/dev/full")


def test_temporaries_of_the_killed_are_cleared_and_those_of_the_living_stay(old: Path) -> None:
    (old.parent / f".model.creche.0123{atomic.SUFFIX}").write_bytes(b"left behind")
    with open_replacement(old) as file:
        clear_temporaries(old.parent)
        file.write(b"new")
    assert content(old.parent) == {"model.creche": b"new"}


def test_a_process_killed_while_writing_leaves_one_of_the_two_files_whole(tmp_path: Path) -> None:
    report = run_mortal("writes", tmp_path)
    assert report == {"kills": KILLS, "whole": KILLS}
    clear_temporaries(tmp_path)
    assert list(content(tmp_path)) == ["model.creche"]
