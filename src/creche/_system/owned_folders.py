"""Temporary folders that are locked while they are in use, so that those of killed processes are found and removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["OWNER", "claim_folder", "create_owned_folder", "remove_abandoned", "remove_owned_folder"]

# A file in each folder that its process, and what it forks, keep locked as long as they run.
OWNER = "owner.lock"

_locks: dict[Path, int] = {}  # the open files of the folders of this process


def create_owned_folder(prefix: str, parent: str | Path | None) -> Path:
    """Create a folder that other processes leave alone as long as this one runs.

    Parameters
    ----------
    prefix : str
    parent : path, optional
        The folder in which it is created; by default, the usual one for temporary files.

    Raises
    ------
    OSError
        If it cannot be created.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     folder = create_owned_folder("rows-", parent)
    ...     remove_abandoned("rows-", parent), folder.exists()
    ([], True)
    >>> remove_owned_folder(folder)

    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    # Under another name until it is locked: a process that finds it by its own asks whether it is.
    new = folder / f"{OWNER}.new"
    descriptor = os.open(new, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks, where none is found abandoned
        os.close(descriptor)
        new.unlink()
        return folder
    new.rename(folder / OWNER)
    _locks[folder] = descriptor
    return folder


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """Keep others that claim a folder out of it as long as the context lasts.

    Parameters
    ----------
    folder : Path
        It exists.

    Raises
    ------
    BlockingIOError
        If another process, or another thread, has claimed it.

    """
    descriptor = os.open(folder / OWNER, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks, which keeps no process out
            pass
        yield
    finally:
        os.close(descriptor)


def remove_owned_folder(folder: Path) -> None:
    """Remove a folder that `create_owned_folder` made, with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if (descriptor := _locks.pop(folder, None)) is not None:
        os.close(descriptor)


def remove_abandoned(prefix: str, parent: str | Path) -> list[tuple[Path, int]]:
    """Remove the folders whose processes do not run any more, and return them with their sizes in bytes.

    Parameters
    ----------
    prefix : str
    parent : path
        The folder in which they are.

    """
    removed = []
    for folder in sorted(Path(parent).glob(f"{prefix}*")):
        with suppress(OSError):
            descriptor = os.open(folder / OWNER, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                shutil.rmtree(folder)
            finally:
                os.close(descriptor)
            removed.append((folder, size))
    return removed
