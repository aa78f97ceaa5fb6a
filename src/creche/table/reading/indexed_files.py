"""Parquet and Arrow files, which end with an index, read some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.errors import FileError, TableError
from creche.table.reading.places import Place, Trail
from creche.table.table import clean_names, select_names

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = ["read_indexed_frames"]

# The bytes that end a file, and the name of its format.
ENDINGS = {"parquet": (b"PAR1", "Parquet"), "arrow": (b"ARROW1", "Arrow IPC")}

# Polars decodes whole row groups for a slice, so larger slices cost less time and more memory.
SLICE_ROWS = 262_144

SLICE_CELLS = 8_000_000


def read_indexed_frames(
    path: Path, format: str, source: str, columns: Sequence[str] | None = None, trail: Trail | None = None
) -> Iterator[Frame]:
    """Yield the rows of a Parquet or Arrow file, some at a time.

    The places between frames are noted in the trail, from whose start on the rows are read.

    Raises
    ------
    FileError
        If the file is cut short or damaged.
    TableError
        If a column has no name, or two have the same.

    """
    import polars as pl

    _check_end(path, format, source)
    with _polars_errors(format, source):
        scan = pl.scan_ipc(path) if format == "arrow" else pl.scan_parquet(path, glob=False, hive_partitioning=False)
        all_names = scan.collect_schema().names()
    clean = clean_names(all_names, source)[0]
    original = dict(zip(clean, all_names, strict=True))
    names = select_names(columns, clean, source)
    with _polars_errors(format, source):
        rows = scan.select(pl.len()).collect().item()
    step = max(1, min(SLICE_ROWS, SLICE_CELLS // max(1, len(names))))
    trail = Trail() if trail is None else trail
    for start in range(trail.start.offset, max(rows, 1), step):
        with _polars_errors(format, source):
            frame = (
                scan.select(pl.col(original[name]).alias(name) for name in names)
                .slice(start, step)
                .collect(engine="streaming")
            )
        end = min(start + step, rows)
        trail.note(Place(end, end))
        yield frame


def _check_end(path: Path, format: str, source: str) -> None:
    """Refuse a file that lacks its last bytes: the length of its index, and the mark of its format."""
    mark = ENDINGS[format][0]
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 10))
        tail = file.read(10)
    if tail[-4:] == b"PARE":
        raise FileError(f"{source}: is encrypted Parquet; decrypt it first")
    length = tail[: -len(mark)][-4:]
    if size < 12 or not tail.endswith(mark) or int.from_bytes(length, "little") > size - 12:
        raise _damage_error(format, source)


@contextmanager
def _polars_errors(format: str, source: str) -> Iterator[Any]:
    import polars as pl

    try:
        yield
    except pl.exceptions.DuplicateError as error:
        raise TableError(f"{source}: two columns have the same name; give each column a different name") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise _damage_error(format, source) from error


def _damage_error(format: str, source: str) -> FileError:
    return FileError(
        f"{source}: is a {ENDINGS[format][1]} file that is cut short or damaged; download or write it again"
    )
