"""JSON lines: one object for each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from creche.errors import TableError
from creche.table.reading.places import Place, Trail, skip_bytes
from creche.table.reading.plain_frame import PlainFrame, plain_frame_from_records
from creche.table.table import clean_names, select_names

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = ["LONGEST_LINE", "read_json_line_frames"]

LONGEST_LINE = 64 << 20  # bytes


def read_json_line_frames(
    pieces: Iterable[bytes], source: str, columns: Sequence[str] | None = None, trail: Trail | None = None
) -> Iterator[Frame]:
    """Yield frames of the objects: a column for each key; null where an object lacks it.

    The places between frames are noted in the trail, from whose start on the objects are read.

    Raises
    ------
    TableError
        If a line is not a JSON object, or a value holds several.

    """
    trail = Trail() if trail is None else trail
    rows, offset, rest, line = trail.start.rows, trail.start.offset, b"", trail.start.line or 1
    for piece in skip_bytes(pieces, offset):
        text = rest + piece
        end = text.rfind(b"\n") + 1
        if end == 0 and len(text) > LONGEST_LINE:
            raise TableError(f"{source}: line {line} is longer than {LONGEST_LINE >> 20} MB; needs one object per line")
        first_line, line, offset, rest = line, line + text.count(b"\n"), offset + end, text[end:]
        for frame in _parse_json_lines(text[:end], source, first_line, columns):
            rows += len(frame)
            trail.note(Place(rows, offset, line))
            yield frame
    yield from _parse_json_lines(rest, source, line, columns)


def _parse_json_lines(text: bytes, source: str, line: int, columns: Sequence[str] | None) -> Iterator[Frame]:
    import polars as pl

    if not text.strip():
        return
    frame: Frame
    try:
        frame = pl.read_ndjson(text, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        frame = _parse_json_in_python(text, source, line)
    if not isinstance(frame, PlainFrame):
        frame.columns = clean_names(frame.columns, source)[0]
    yield frame if columns is None else frame.select(select_names(columns, frame.columns, source))


def _parse_json_in_python(text: bytes, source: str, first_line: int) -> PlainFrame:
    """Parse JSON lines in Python, which accepts NaN and columns of mixed types, and finds the line of an error."""
    rows: list[dict[str, Any]] = []
    for line, content in enumerate(text.split(b"\n"), first_line):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            why = f"{error.msg}, character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)
            raise TableError(f"{source}: line {line} is not valid JSON ({why}); needs one object per line") from error
        if not isinstance(row, dict):
            raise TableError(
                f'{source}: line {line} is a JSON {type(row).__name__}; needs an object: {{"column": value}}'
            )
        rows.append(row)
    return plain_frame_from_records(rows, source)
