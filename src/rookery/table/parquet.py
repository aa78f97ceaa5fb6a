"""Parquet, some rows at a time, by Polars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.errors import FileError, TableError
from rookery.table.names import checked_names, chosen_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["parquet_frames"]

MARK = b"PAR1"
# A slice is decoded from its whole row group, so larger slices cost less time and more memory.
SLICE_ROWS = 262_144
SLICE_CELLS = 8_000_000


def parquet_frames(path: Path, source: str, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Frames of some rows each.

    Raises
    ------
    FileError
        If the file is cut short or damaged.
    TableError
        If columns have no or the same name.

    """
    import polars as pl

    _check_ends(path, source)
    with _damage(source):
        scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        there = scan.collect_schema().names()
    names = chosen_names(columns, checked_names(there, source), source)
    with _damage(source):
        rows = scan.select(pl.len()).collect().item()
    step = max(1, min(SLICE_ROWS, SLICE_CELLS // max(1, len(names))))
    for start in range(0, rows, step):
        with _damage(source):
            frame = scan.select(names).slice(start, step).collect(engine="streaming")
        yield frame


def _check_ends(path: Path, source: str) -> None:
    """What a file cut short lacks: the mark at its end, and before it the length of the description."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        tail = file.read(8)
    if tail[4:] == b"PARE":
        raise FileError(f"{source}: is encrypted Parquet; decrypt it first")
    if size < 12 or tail[4:] != MARK or int.from_bytes(tail[:4], "little") > size - 12:
        raise _damaged(source)


def _damaged(source: str) -> FileError:
    return FileError(f"{source}: is Parquet that is cut short or damaged; fetch it or make it again")


@contextmanager
def _damage(source: str) -> Iterator[Any]:
    import polars as pl

    try:
        yield
    except pl.exceptions.DuplicateError as error:
        raise TableError(f"{source}: two columns have one name; give each column a name of its own") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise _damaged(source) from error
