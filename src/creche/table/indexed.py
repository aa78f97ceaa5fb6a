"""Parquet and Arrow IPC files, which have an index at their end: some rows at a time, by Polars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.errors import FileError, TableError
from creche.table.names import checked_names, chosen_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["indexed_frames"]

# The marks that end a file, and what it is called.
ENDINGS = {"parquet": (b"PAR1", "Parquet"), "arrow": (b"ARROW1", "Arrow IPC")}
# A slice is decoded from its whole row group, so larger slices cost less time and more memory.
SLICE_ROWS = 262_144
SLICE_CELLS = 8_000_000


def indexed_frames(
    path: Path, format: str, source: str, columns: Sequence[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Frames of some rows each.

    Raises
    ------
    FileError
        If the file is cut short or damaged.
    TableError
        If columns have no or the same name.

    """
    import polars as pl

    _check_end(path, format, source)
    with _damage(format, source):
        scan = pl.scan_ipc(path) if format == "arrow" else pl.scan_parquet(path, glob=False, hive_partitioning=False)
        there = scan.collect_schema().names()
    names = chosen_names(columns, checked_names(there, source), source)
    with _damage(format, source):
        rows = scan.select(pl.len()).collect().item()
    step = max(1, min(SLICE_ROWS, SLICE_CELLS // max(1, len(names))))
    for start in range(0, max(rows, 1), step):
        with _damage(format, source):
            frame = scan.select(names).slice(start, step).collect(engine="streaming")
        yield frame


def _check_end(path: Path, format: str, source: str) -> None:
    """What a file cut short lacks: the mark at its end, and before it the length of the index."""
    mark = ENDINGS[format][0]
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 10))
        tail = file.read(10)
    if tail[-4:] == b"PARE":
        raise FileError(f"{source}: is encrypted Parquet; decrypt it first")
    length = tail[: -len(mark)][-4:]
    if size < 12 or not tail.endswith(mark) or int.from_bytes(length, "little") > size - 12:
        raise _damaged(format, source)


def _damaged(format: str, source: str) -> FileError:
    return FileError(f"{source}: is {ENDINGS[format][1]} that is cut short or damaged; fetch it or make it again")


@contextmanager
def _damage(format: str, source: str) -> Iterator[Any]:
    import polars as pl

    try:
        yield
    except pl.exceptions.DuplicateError as error:
        raise TableError(f"{source}: two columns have one name; give each column a name of its own") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise _damaged(format, source) from error
