"""The files of one table: a single one, those of a folder, those that a pattern names, or a list of them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creche.databases.address import is_address
from creche.errors import FileError
from creche.table.datasets import bundled_path
from creche.table.reading.read import locate_source

__all__ = ["TablePart", "are_parts", "find_parts"]

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather", ".ipc", ".jsonl", ".ndjson")

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


@dataclass(frozen=True, slots=True)
class TablePart:
    """A file of a table, as it was when it was found.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    changed_at : int
        When it was last changed, in nanoseconds.

    """

    path: Path
    size: int
    changed_at: int

    @classmethod
    def of(cls, path: Path) -> TablePart:
        """Describe a file as it is now."""
        try:
            status = path.stat()
        except OSError as error:
            raise FileError(f"{path}: cannot be read: {error.strerror}") from error
        return cls(path, status.st_size, status.st_mtime_ns)

    def check_unchanged(self) -> None:
        """Check that the file is still as it was.

        Raises
        ------
        FileError
            If it is not.

        """
        now = TablePart.of(self.path)
        if now != self:
            what = f"had {self.size:,} bytes and has {now.size:,}" if now.size != self.size else "was written again"
            raise FileError(f"{self.path}: changed while it was read: it {what}; begin again once it is complete")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"path": str(self.path), "size": self.size, "changed_at": self.changed_at}


def are_parts(data: Any) -> bool:
    """Whether data name several files of one table: a list of names, a folder, or a pattern such as ``parts/*.csv``.

    Examples
    --------
    >>> are_parts("parts/*.csv"), are_parts(["a.csv", "b.csv"]), are_parts("a.csv")
    (True, True, False)

    """
    if isinstance(data, list | tuple):
        return bool(data) and all(isinstance(name, str | Path) for name in data)
    if not isinstance(data, str | Path) or str(data) == "-" or is_address(data):
        return False
    path = Path(data).expanduser()
    try:
        return path.is_dir() or (glob.has_magic(str(path)) and not path.exists())
    except (OSError, ValueError):  # not the name of a file, which its reader tells
        return False


def find_parts(data: str | Path | Sequence[str | Path]) -> list[TablePart]:
    """Return the files of a table, in the order of their names where no list gives another.

    Raises
    ------
    FileError
        If there is none.

    """
    if isinstance(data, list | tuple):
        paths = [_located(Path(name)) for name in data]
    else:
        path = Path(data).expanduser()  # type: ignore[arg-type]  # a name: lists are above
        if not are_parts(data):
            paths = [_located(path)]
        elif path.is_dir():
            paths = sorted(child for child in path.iterdir() if _is_table_name(child.name) and child.is_file())
            if not paths:
                raise FileError(f"{path}: is a folder without a table ({', '.join(SUFFIXES)}); name the files")
        else:
            paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
            if not paths:
                raise FileError(f"{path}: no file has such a name; check the pattern")
    return [TablePart.of(path) for path in paths]


def _located(path: Path) -> Path:
    found, _ = locate_source(path)
    if not isinstance(found, Path):
        bundled = bundled_path(str(path))
        assert bundled is not None
        return bundled
    return found


def _is_table_name(name: str) -> bool:
    """Whether a file of a folder is a part, by its name; such as _SUCCESS and hidden files are not."""
    lower = name.lower()
    for suffix in COMPRESSED:
        lower = lower.removesuffix(suffix)
    return not name.startswith((".", "_")) and lower.endswith(SUFFIXES)
