"""Errors of writing large files: what was to be written, where, and how much room there is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from creche.errors import FileError

__all__ = ["check_room", "explain_write_error", "format_size", "free_space"]

FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it would exceed the largest permitted file size",
}

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def format_size(size: float) -> str:
    """Write a number of bytes for a message.

    Examples
    --------
    >>> format_size(999), format_size(24_576), format_size(8e9)
    ('999 bytes', '24.6 kB', '8 GB')

    """
    power = 0
    while size >= 999.5 and power < len(UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g} {UNITS[power]}"


def free_space(folder: str | os.PathLike[str]) -> int:
    """Return how many bytes this user may still write to the disk of an existing folder."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def check_room(folder: Path, needed: int, what: str) -> None:
    """Check that files of a size fit into a folder, before any is written.

    Parameters
    ----------
    folder : Path
        It exists.
    needed : int
        Bytes.
    what : str
        What is to be written, in the plural, as the message has it.

    Raises
    ------
    FileError
        If the disk has too little room.

    """
    free = free_space(folder)
    if needed > free:
        raise FileError(
            f"{folder}: {what} need about {format_size(needed)}, and the disk "
            f"has {format_size(free)} left; free some space, or choose another folder"
        )


@contextmanager
def explain_write_error(path: Path, size: int = 0) -> Iterator[None]:
    """Turn an operating system's error about a file that is being written into one that tells what to do.

    Parameters
    ----------
    path : Path
    size : int, default 0
        How many bytes are being written; 0 if that is not known.

    Raises
    ------
    FileError

    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileError):
            raise
        reason = FULL.get(error.errno or 0)
        if reason is None:
            raise FileError(f"{path}: cannot be written: {error.strerror or error}; choose another folder") from error
        needed = f", {format_size(size)} are to be written" if size else ""
        raise FileError(
            f"{path}: cannot be written: {reason}: {format_size(free_space(path.parent))} are free{needed}; free some "
            "space, or choose another folder"
        ) from error
