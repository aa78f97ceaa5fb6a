"""Values of a column that grow in a file, in pieces of several types until all of them are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.disk_space import explain_write_error
from creche.table.disk_columns import write_values

__all__ = ["CHUNK", "MISSING", "ColumnOfValues", "GrowingValues", "append_values", "cut_file", "finished_path"]

CHUNK = 1 << 20  # values that are converted at a time

MISSING = "missing"  # of any kind, in place of a kind


class GrowingValues:
    """A file of 8-byte values in pieces; each piece has its own type until all values are known."""

    def __init__(self, path: Path, pieces: Sequence[tuple[str, int]] = ()) -> None:
        self.path = path
        self.rows = sum(rows for _, rows in pieces)
        self._pieces = list(pieces)
        cut_file(path, 8 * self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of the values so far, as plain data."""
        return {"file": self.path.name, "pieces": [[kind, rows] for kind, rows in self._pieces]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path) -> GrowingValues:
        """Go on with the values that `to_dict` described; what was written after that is cut off."""
        return cls(folder / data["file"], [(kind, rows) for kind, rows in data["pieces"]])

    def append(self, values: NDArray[Any], kind: str = "") -> None:
        """Write values; the kind of NumPy's type is theirs unless it is given."""
        kind = kind or values.dtype.kind
        if self._pieces and self._pieces[-1][0] == kind:
            self._pieces[-1] = kind, self._pieces[-1][1] + len(values)
        else:
            self._pieces.append((kind, len(values)))
        append_values(self.path, values)
        self.rows += len(values)

    @property
    def kinds(self) -> set[str]:
        """The kinds of the pieces."""
        return {kind for kind, _ in self._pieces}

    def convert(self, dtype: str) -> Path:
        """Return a file in which all pieces have the same type: this one, if they have it already."""
        wanted = np.dtype(dtype)
        has_gaps = wanted.kind == "f"  # a missing value of a kind that is not known is written as NaN
        if all(kind == wanted.kind or (has_gaps and kind == MISSING) for kind, _ in self._pieces):
            return self.path
        path = finished_path(self.path)
        with explain_write_error(path, 8 * self.rows), self.path.open("rb") as source, path.open("wb") as file:
            for kind, rows in self._pieces:
                for begin in range(0, rows, CHUNK):
                    count = min(CHUNK, rows - begin)
                    values = np.frombuffer(source.read(8 * count), _type_of(kind, wanted))
                    if kind == MISSING and not has_gaps:
                        values = np.full(count, "NaT")
                    write_values(file, values.astype(wanted))
        return path


class ColumnOfValues:
    """A column whose values grow in a file.

    Parameters
    ----------
    path : Path or GrowingValues
        The file, or the values to go on with.

    """

    def __init__(self, path: Path | GrowingValues) -> None:
        self._values = path if isinstance(path, GrowingValues) else GrowingValues(path)

    @property
    def rows(self) -> int:
        """The number of rows so far."""
        return self._values.rows

    @property
    def path(self) -> Path:
        """The file of the values."""
        return self._values.path


def _type_of(kind: str, wanted: np.dtype[Any]) -> str | np.dtype[Any]:
    return {"i": "<i8", "f": "<f8", MISSING: "<f8"}.get(kind, wanted)


def finished_path(path: Path) -> Path:
    """Return the path of the finished column: another one, so that one can still go on with the growing column."""
    return path.with_name(f"{path.name}-finished")


def cut_file(path: Path, size: int) -> None:
    """Make a file as long as it was when a column was described; an empty one if it is none.

    Raises
    ------
    ValueError
        If it is shorter.

    """
    with explain_write_error(path), path.open("ab") as file:
        if file.tell() < size:
            raise ValueError(f"{path}: has {file.tell():,} bytes; needs {size:,}")
        file.truncate(size)


def append_values(path: Path, values: NDArray[Any]) -> None:
    """Write values to the end of a file, which is not kept open: there may be more columns than open files."""
    with explain_write_error(path, values.nbytes), path.open("ab") as file:
        write_values(file, values)
