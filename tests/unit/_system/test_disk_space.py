"""Errors of writing large files tell what was to be written and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from creche._system.disk_space import check_room, explain_write_error
from creche.errors import FileError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "column"
    path.symlink_to("/dev/full")
    message = r"column: cannot be written: the disk is full: .* are free, 5 kB are to be written; free some space, or"
    with pytest.raises(FileError, match=message), explain_write_error(path, 5000):
        path.write_bytes(bytes(5000))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EFBIG, "it would exceed the largest permitted file size"),
        (errno.EIO, os.strerror(errno.EIO)),
        (errno.EINVAL, os.strerror(errno.EINVAL)),
    ],
)
def test_other_reasons(tmp_path: Path, number: int, reason: str) -> None:
    with (
        pytest.raises(FileError, match=rf"column: cannot be written: {reason}.*choose another folder"),
        explain_write_error(tmp_path / "column"),
    ):
        raise OSError(number, os.strerror(number))


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    check_room(tmp_path, 0, "rows")
    with pytest.raises(FileError, match=r"rows need about 1e\+06 TB, and the disk has .* left; free some space"):
        check_room(tmp_path, 10**18, "rows")
