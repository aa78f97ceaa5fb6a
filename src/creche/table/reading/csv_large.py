"""Reading CSV of any size by Polars, in pieces; a piece that Polars would misread is read by Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.reading.csv_dialect import Dialect
from creche.table.reading.csv_layout import Layout, dialect_of_rows
from creche.table.reading.csv_small import (
    MAX_ROW,
    no_rows_error,
    ragged_row_error,
    split_csv_rows,
    unclosed_quote_error,
)
from creche.table.reading.places import Place, Trail, skip_bytes
from creche.table.reading.row_filters import drop_repeated_names_of_frame, strip_footer, warn_of_footer
from creche.table.table import select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_csv_frames"]

# With this number of columns, Polars takes longer to begin with each than to read some rows of it.
WIDE = 500

BLANK_LINES = re.compile(rb"(?:(?<=\n)|\A)(?:\r?\n)+")


def read_csv_frames(
    pieces: Iterable[bytes],
    layout: Layout,
    source: str,
    columns: Sequence[str] | None = None,
    trail: Trail | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield frames of cells as they are written, null where empty, from UTF-8 text that `regularize` yields.

    Parameters
    ----------
    pieces : iterable of bytes
    layout : Layout
    source : str
        The name of the file in messages.
    columns : sequence of str, optional
    trail : Trail, optional
        Where to begin, and where the places between frames are noted. What comes before is decoded, but not parsed.

    Raises
    ------
    TableError
        If a line has more or fewer cells than there are names, or a quote is never closed.

    """
    names = list(layout.names)
    dialect = dialect_of_rows(layout)
    reader = _Reader(dialect, source, names, select_names(columns, names, source))
    trail = Trail() if trail is None else trail
    place = trail.start
    rest, line, n_rows = b"", place.line or layout.first_line, place.numbered
    rows, offset = place.rows, place.offset
    for piece, final in _mark_last(skip_bytes(pieces, offset)):
        text = rest + piece
        if final:
            decoded, footer = strip_footer(text.decode(), dialect, len(names))
            text = decoded.encode() if footer else text
            warn_of_footer(footer, source)
        frame, size = reader.read(text, line, final)
        line, offset = line + _count_lines(text[:size]), offset + size
        if frame is not None and len(frame):
            n_rows += len(frame)
            frame = drop_repeated_names_of_frame(frame, layout.header, n_rows - len(frame) + 1, source)
            rows += len(frame)
            if not final:  # what follows the last rows may be lines below the table, which are told by the rows
                trail.note(Place(rows, offset, line, n_rows))
            yield frame
        rest = _check_rest(text[size:], dialect, source, line)
    if not n_rows:
        raise no_rows_error(source)


def _mark_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each piece, and whether it is the last."""
    previous: bytes | None = None
    for piece in pieces:
        if previous is not None:
            yield previous, False
        previous = piece
    if previous is not None:
        yield previous, True


def _check_rest(rest: bytes, dialect: Dialect, source: str, line: int) -> bytes:
    """Return the beginning of an unfinished row, unless it is too long to be one."""
    if len(rest) > MAX_ROW:
        raise unclosed_quote_error(source, line, dialect.quote)
    return rest


def _count_lines(text: bytes) -> int:
    r"""Return how many lines end in the text: by \n, \r\n or \r."""
    return text.count(b"\n") + _count_lone_returns(text)


def _count_lone_returns(text: bytes) -> int:
    r"""Return how many \r are not followed by \n; pairs are searched for slowly, and only where there may be some."""
    returns = text.count(b"\r")
    return returns - text.count(b"\r\n") if returns else 0


class _Reader:
    """A reader of pieces of text that begin with a row."""

    def __init__(self, dialect: Dialect, source: str, names: list[str], selected: list[str]) -> None:
        self.dialect = dialect
        self.source = source
        self.names = names
        self.selected = selected
        index = {name: i for i, name in enumerate(names)}
        # The last column always: where it is empty, the line may have too few cells.
        self.columns = sorted({*(index[name] for name in selected), len(names) - 1})

    def read(self, text: bytes, line: int, final: bool) -> tuple[pl.DataFrame | None, int]:
        """Return the rows that end in the text (None if there are none), and how many bytes they take."""
        if final and text and not text.endswith((b"\n", b"\r")):
            text += b"\n"
        quotes = self._find_quotes(text)
        if self._is_irregular(text, quotes, final):
            return self._read_in_python(text, line, final)
        end = _find_last_row_end(text, quotes)
        if end == 0:
            return self._read_in_python(text, line, final) if final and text else (None, 0)
        rows = text[:end]
        if self._has_blank_lines(rows):
            if len(quotes):
                return self._read_in_python(rows, line, True)[0], end
            rows = BLANK_LINES.sub(b"", rows)
            if not rows:
                return None, end
        if len(self.names) >= WIDE and not len(quotes):
            self._check_widths(text[:end], quotes, line)
            return self._split_cells(rows), end
        frame = self._read_by_polars(rows)
        if frame is None or frame[self.names[-1]].null_count():
            self._check_widths(text[:end], quotes[quotes < end], line)
            if frame is None:
                return self._read_in_python(text[:end], line, True)[0], end
        return frame.select(self.selected), end

    def _find_quotes(self, text: bytes) -> NDArray[np.int64]:
        quote = self.dialect.quote.encode()
        if not quote or quote not in text:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == quote[0])

    def _is_irregular(self, text: bytes, quotes: NDArray[np.int64], final: bool) -> bool:
        r"""Whether a quote opens or closes inside a cell, or a \r is not followed by \n."""
        if _count_lone_returns(text) > (not final and text.endswith(b"\r")):
            return True
        if len(quotes) == 0:
            return False
        edges = np.frombuffer(self.dialect.separator.encode() + b"\r\n", dtype=np.uint8)
        around = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
        before, after = around[quotes], around[quotes + 2]
        opening, closing = slice(0, None, 2), slice(1, None, 2)
        doubled = np.zeros(len(quotes) + 1, dtype=np.bool_)
        doubled[1:-1] = np.diff(quotes) == 1
        wrong_open = ~np.isin(before[opening], edges) & ~doubled[:-1][opening]
        wrong_close = ~np.isin(after[closing], edges) & ~doubled[1:][closing]
        return bool(wrong_open.any() or wrong_close.any() or (final and len(quotes) % 2))

    def _has_blank_lines(self, rows: bytes) -> bool:
        if len(self.names) == 1:
            return False  # a blank line is a missing value
        if rows.startswith((b"\n", b"\r\n")) or b"\n\n" in rows:
            return True
        return b"\r" in rows and b"\n\r\n" in rows

    def _split_cells(self, rows: bytes) -> pl.DataFrame:
        """Return rows without quotes, each of the right width: as one series of cells, which is cut into columns."""
        import polars as pl

        text = rows.decode().replace("\r\n", "\n").removesuffix("\n")
        separator = self.dialect.separator
        cells = pl.Series([text.replace("\n", separator)]).str.split(separator).explode()
        is_empty = cells == ""
        if is_empty.any():
            cells = cells.set(is_empty, None)
        width = len(self.names)
        count = len(cells) // width
        index = {name: i for i, name in enumerate(self.names)}
        chosen = np.array([index[name] for name in self.selected])
        cells = cells.gather((np.arange(count) * width + chosen[:, np.newaxis]).reshape(-1))
        return pl.DataFrame([cells.slice(i * count, count).alias(name) for i, name in enumerate(self.selected)])

    def _read_by_polars(self, rows: bytes) -> pl.DataFrame | None:
        import polars as pl

        try:
            return pl.read_csv(
                rows,
                has_header=False,
                schema=dict.fromkeys(self.names, pl.String()),
                columns=self.columns if len(self.columns) < len(self.names) else None,
                separator=self.dialect.separator,
                quote_char=self.dialect.quote or None,
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
            return None

    def _read_in_python(self, text: bytes, line: int, final: bool) -> tuple[pl.DataFrame | None, int]:
        import polars as pl

        width = len(self.names)
        decoded = text.decode()
        cells = split_csv_rows(decoded, self.dialect, self.source, width=width, first_line=line, final=final)
        size = len(text) if final else len(decoded[: cells.consumed].encode())
        if not cells.rows:
            return None, size
        values = dict(zip(self.names, zip(*cells.rows, strict=True), strict=True))
        return pl.DataFrame({n: pl.Series(n, values[n], dtype=pl.String) for n in self.selected}), size

    def _check_widths(self, rows: bytes, quotes: NDArray[np.int64], line: int) -> None:
        """Refuse a line with more or fewer cells than there are names."""
        array = np.frombuffer(rows, dtype=np.uint8)
        newlines = np.flatnonzero(array == ord("\n"))
        ends = _outside_quotes(newlines, quotes)
        separators = _outside_quotes(np.flatnonzero(array == ord(self.dialect.separator)), quotes)
        widths = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts - (array[ends - 1] == ord("\r"))
        wrong = np.flatnonzero((widths != len(self.names)) & (lengths > 0))
        if len(wrong):
            first = wrong[0]
            at = line + int(np.searchsorted(newlines, ends[first]))
            raise ragged_row_error(self.source, at, int(widths[first]), len(self.names))


def _outside_quotes(positions: NDArray[Any], quotes: NDArray[np.int64]) -> NDArray[Any]:
    """Return the positions that are not between quotes."""
    return positions if len(quotes) == 0 else positions[np.searchsorted(quotes, positions) % 2 == 0]


def _find_last_row_end(text: bytes, quotes: NDArray[np.int64]) -> int:
    """Return where the last complete row ends; 0 if none is complete."""
    newline = text.rfind(b"\n")
    while newline >= 0:
        before = int(np.searchsorted(quotes, newline))
        if before % 2 == 0:
            break
        newline = text.rfind(b"\n", 0, int(quotes[before - 1]))
    return newline + 1
