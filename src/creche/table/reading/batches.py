"""The rows of a table of any size, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creche.databases.address import Database
from creche.errors import TableError
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.contents import Contents, inspect_contents, text_rules
from creche.table.reading.database_rows import iterate_database
from creche.table.reading.dataframes import iterate_frames
from creche.table.reading.options import ReadOptions
from creche.table.reading.places import BEGINNING, Place, Trail
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.read import IN_MEMORY, without_totals
from creche.table.reading.table_parts import TablePart
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    import polars as pl

__all__ = ["STREAMED", "Batch", "OnRows", "Position", "iterate_batches"]

# Called with how many rows and how many bytes of the files have been read.
OnRows = Callable[[int, int], object]

# The formats that are read in pieces; JSON and Excel are read as a whole.
STREAMED = ("csv", "parquet", "arrow", "jsonl")


@dataclass(frozen=True, slots=True)
class Position:
    """Where the reading of the files of a table goes on.

    Attributes
    ----------
    part : int
        The index of the file.
    part_rows : int
        Rows of that file that have been read.
    rows, size : int
        Rows, and bytes of whole files, that have been read.
    place : Place
        A place of the file at or before these rows.

    """

    part: int = 0
    part_rows: int = 0
    rows: int = 0
    size: int = 0
    place: Place = BEGINNING

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Position:
        """Make the position that `dataclasses.asdict` described."""
        return cls(**{**data, "place": Place(**data["place"])})


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table.

    Attributes
    ----------
    frame : polars.DataFrame
    source : str
        The file that they are from.
    first_row : int
        The number of the first of them in that file.
    text : TextRules
    end : Position, optional
        Where reading goes on after them, if they are from a file.

    """

    frame: pl.DataFrame
    source: str
    first_row: int
    text: TextRules
    end: Position | None = None


def iterate_batches(
    data: Any,
    parts: Sequence[TablePart],
    options: ReadOptions,
    batch_rows: int | None = None,
    on_rows: OnRows | None = None,
    start: Position | None = None,
) -> Iterator[Batch]:
    """Yield the rows of a table, some at a time, in order.

    Parameters
    ----------
    data
        As `creche.table.reading.read.read_table` takes it; unused if there are parts.
    parts : sequence of TablePart
        The files, if data come from files.
    options : ReadOptions
    batch_rows : int, optional
        How many rows to yield at a time, at most.
    on_rows : callable, optional
    start : Position, optional
        Where to begin in the files.

    Raises
    ------
    FileError
        If a file cannot be read, or changes meanwhile.
    TableError
        If there is no table.

    """
    if parts:
        yield from _batches_of_files(parts, options, batch_rows, on_rows, start or Position())
        return
    rows = 0
    if isinstance(data, Database):
        source, frames = data.source, iterate_database(data, options)
    else:
        source, frames, on_rows = IN_MEMORY, _frames_in_memory(data), None
    for frame in frames:
        for some in _split(frame, batch_rows):
            yield Batch(some, source, rows + 1, text_rules(options))
            rows += len(some)
            if on_rows is not None:
                on_rows(rows, 0)


def _frames_in_memory(data: Any) -> Iterator[pl.DataFrame]:
    for piece in data if hasattr(type(data), "__next__") else [data]:
        for frame in iterate_frames(piece, IN_MEMORY):
            yield frame.to_polars() if isinstance(frame, PlainFrame) else frame


def _batches_of_files(
    parts: Sequence[TablePart],
    options: ReadOptions,
    batch_rows: int | None,
    on_rows: OnRows | None,
    start: Position,
) -> Iterator[Batch]:
    rows, size, part_rows, place = start.rows, start.size, start.part_rows, start.place
    for index, part in enumerate(parts[start.part :], start.part):
        source, trail = str(part.path), Trail(place)
        with open_bytes(part.path, source) as stream, inspect_contents(stream, options) as contents:
            part.check_unchanged()
            if contents.format not in STREAMED:
                raise TableError(f"{source}: is read as a whole, being {contents.format}; save it as Parquet or CSV")
            for frame in _skip_rows(_frames(contents, source, trail), part_rows - place.rows):
                for some in _split(frame, batch_rows):
                    first_row, part_rows, rows = part_rows + 1, part_rows + len(some), rows + len(some)
                    end = Position(index, part_rows, rows, size, trail.last_before(part_rows))
                    yield Batch(some, source, first_row, contents.text, end)
                    if on_rows is not None:
                        on_rows(rows, size)
        size += part.size
        part.check_unchanged()
        part_rows, place = 0, BEGINNING


def _frames(contents: Contents, source: str, trail: Trail) -> Iterator[pl.DataFrame]:
    frames = contents.frames(trail=trail)
    for frame in without_totals(frames, source) if contents.text.are_cells else frames:
        yield frame.to_polars() if isinstance(frame, PlainFrame) else frame


def _skip_rows(frames: Iterator[pl.DataFrame], count: int) -> Iterator[pl.DataFrame]:
    """Yield frames without the first rows."""
    for frame in frames:
        if not count:
            yield frame
        elif count < len(frame):
            yield frame.slice(count)
            count = 0
        else:
            count -= len(frame)


def _split(frame: pl.DataFrame, rows: int | None) -> Iterator[pl.DataFrame]:
    if rows is None or len(frame) <= rows:
        yield frame
        return
    for begin in range(0, len(frame), rows):
        yield frame.slice(begin, rows)
