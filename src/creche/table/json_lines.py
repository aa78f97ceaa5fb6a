"""JSON lines: one object per line, whose keys are the columns; by Polars, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from creche.errors import TableError
from creche.table.names import checked_names, chosen_names
from creche.table.objects import series_of_objects

if TYPE_CHECKING:
    import polars as pl

__all__ = ["json_frames"]

LONGEST_LINE = 64 << 20  # bytes


def json_frames(pieces: Iterable[bytes], source: str, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Frames of the objects, a column for each key; null where an object lacks it.

    Raises
    ------
    TableError
        If a line is no JSON object, or a value holds several.

    """
    rest, line = b"", 1
    for piece in pieces:
        text = rest + piece
        end = text.rfind(b"\n") + 1
        if end == 0 and len(text) > LONGEST_LINE:
            raise TableError(f"{source}: line {line} is longer than {LONGEST_LINE >> 20} MB; needs one object per line")
        yield from _frames(text[:end], source, line, columns)
        line += text.count(b"\n")
        rest = text[end:]
    yield from _frames(rest, source, line, columns)


def _frames(text: bytes, source: str, line: int, columns: Sequence[str] | None) -> Iterator[pl.DataFrame]:
    import polars as pl

    if not text.strip():
        return
    try:
        frame = pl.read_ndjson(text, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        frame = _carefully(text, source, line)
    checked_names(frame.columns, source)
    yield frame if columns is None else frame.select(chosen_names(columns, frame.columns, source))


def _carefully(text: bytes, source: str, first_line: int) -> pl.DataFrame:
    """By Python, which takes NaN and columns of mixed kinds, and can say what is wrong in which line."""
    import polars as pl

    rows: list[dict[str, Any]] = []
    for line, content in enumerate(text.split(b"\n"), first_line):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            why = f"{error.msg}, character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)
            raise TableError(f"{source}: line {line} is no JSON ({why}); needs one object per line") from error
        if not isinstance(row, dict):
            raise TableError(
                f'{source}: line {line} is a JSON {type(row).__name__}; needs an object: {{"column": value}}'
            )
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame([series_of_objects(name, [row.get(name) for row in rows], source) for name in names])
