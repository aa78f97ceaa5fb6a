"""The files of databases that are files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from creche.errors import FileError

__all__ = ["check_file", "check_folder", "keep_unless_new"]


@contextmanager
def keep_unless_new(path: Path | None) -> Iterator[None]:
    """Remove a file that is made meanwhile, if an error comes."""
    existed = path is None or path.exists()
    try:
        yield
    except BaseException:
        if path is not None and not existed:
            path.unlink(missing_ok=True)
        raise


def check_folder(path: Path, place: str) -> None:
    """Check that there is a folder for a file that may be made.

    Raises
    ------
    FileError
        If there is none.

    """
    if not path.parent.is_dir():
        raise FileError(f"{place}: there is no folder {path.parent.absolute()}; correct the address")


def check_file(path: Path, place: str) -> None:
    """Check that a file is there.

    Parameters
    ----------
    path : Path
    place : str
        The address of the database in the message.

    Raises
    ------
    FileError
        If it is not; the message suggests the nearest name.

    """
    if path.is_file():
        return
    if path.is_dir():
        raise FileError(f"{place}: {path} is a folder; name the file of a database in it")
    check_folder(path, place)
    from difflib import get_close_matches  # only now: most files exist

    names = sorted(entry.name for entry in path.parent.iterdir())
    close = get_close_matches(path.name, names, 1)
    hint = f"did you mean {path.with_name(close[0])}?" if close else "a path from the root begins with a fourth slash"
    raise FileError(f"{place}: there is no file {path}; {hint}")
