"""CSV of any size, by Polars, piece by piece; pieces that Polars would misread go to Python's reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_types import MISSING_WORDS
from creche.table.reading.csv_dialect import Dialect
from creche.table.reading.csv_small import (
    LONGEST_ROW,
    no_rows_error,
    ragged_row_error,
    split_csv_rows,
    unclosed_quote_error,
)
from creche.table.table import check_names, select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_csv_frames"]

BLANK_LINES = re.compile(rb"(?:(?<=\n)|\A)(?:\r?\n)+")


def read_csv_frames(
    pieces: Iterable[bytes], dialect: Dialect, source: str, columns: Sequence[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Frames of words, null where one is missing, from a text in UTF-8 whose first line holds the names.

    Raises
    ------
    TableError
        If a line has more or fewer cells than there are names, or quotes are not in pairs.

    """
    reader: _Reader | None = None
    rest, line, any_rows = b"", 1, False
    for piece, final in _marked_last(pieces):
        text = rest + piece
        if reader is None:
            head = split_csv_rows(text.decode(), dialect, source, limit=1, final=final)
            if not head.rows and not final:
                rest = _kept(text, dialect, source, line)
                continue
            names = check_names([name.strip(" \t") for name in head.rows[0]] if head.rows else [], source)
            reader = _Reader(dialect, source, names, select_names(columns, names, source))
            begin = len(text.decode()[: head.consumed].encode())
            text, line = text[begin:], 1 + _line_ends(text[:begin])
        frame, taken = reader.read(text, line, final)
        if frame is not None and len(frame):
            any_rows = True
            yield frame
        line += _line_ends(text[:taken])
        rest = _kept(text[taken:], dialect, source, line)
    if not any_rows:
        check_names(reader.names if reader else [], source)
        raise no_rows_error(source)


def _marked_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    before: bytes | None = None
    for piece in pieces:
        if before is not None:
            yield before, False
        before = piece
    if before is not None:
        yield before, True


def _kept(rest: bytes, dialect: Dialect, source: str, line: int) -> bytes:
    if len(rest) > LONGEST_ROW:
        raise unclosed_quote_error(source, line, dialect.quote)
    return rest


def _line_ends(text: bytes) -> int:
    r"""How many lines end in it: in \n, \r\n or \r."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


class _Reader:
    """Reads pieces that begin with a row."""

    def __init__(self, dialect: Dialect, source: str, names: list[str], chosen: list[str]) -> None:
        import polars as pl

        self.dialect = dialect
        self.source = source
        self.names = names
        self.chosen = chosen
        self.schema = dict.fromkeys(names, pl.String())
        place = {name: i for i, name in enumerate(names)}
        # The last column too: where it is empty, the line may be short.
        self.columns = sorted({*(place[name] for name in chosen), len(names) - 1})

    def read(self, text: bytes, line: int, final: bool) -> tuple[pl.DataFrame | None, int]:
        """The rows that end in the text, and how many bytes they take."""
        if final and text and not text.endswith((b"\n", b"\r")):
            text += b"\n"
        quotes = self._quotes(text)
        if self._is_odd(text, quotes, final):
            return self._carefully(text, line, final)
        end = _last_row_end(text, quotes)
        if end == 0:
            return self._carefully(text, line, final) if final and text else (None, 0)
        rows = text[:end]
        if self._has_blank_lines(rows):
            if len(quotes):
                return self._carefully(rows, line, True)[0], end
            rows = BLANK_LINES.sub(b"", rows)
            if not rows:
                return None, end
        frame = self._by_polars(rows)
        if frame is None or frame[self.names[-1]].null_count():
            self._check_widths(text[:end], quotes[quotes < end], line)
            if frame is None:
                return self._carefully(text[:end], line, True)[0], end
        return frame.select(self.chosen), end

    def _quotes(self, text: bytes) -> NDArray[np.int64]:
        quote = self.dialect.quote.encode()
        if not quote or quote not in text:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == quote[0])

    def _is_odd(self, text: bytes, quotes: NDArray[np.int64], final: bool) -> bool:
        r"""Whether a quote opens or closes anywhere but at the edge of a cell, or a \r stands without its \n."""
        returns = text.count(b"\r") - text.count(b"\r\n")
        if returns > (not final and text.endswith(b"\r")):
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
            return False  # there, a blank line is a missing value
        return rows.startswith((b"\n", b"\r\n")) or b"\n\n" in rows or b"\n\r\n" in rows

    def _by_polars(self, rows: bytes) -> pl.DataFrame | None:
        import polars as pl

        try:
            return pl.read_csv(
                rows,
                has_header=False,
                schema=self.schema,
                columns=self.columns if len(self.columns) < len(self.names) else None,
                separator=self.dialect.separator,
                quote_char=self.dialect.quote or None,
                null_values=list(MISSING_WORDS),
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
            return None

    def _carefully(self, text: bytes, line: int, final: bool) -> tuple[pl.DataFrame | None, int]:
        import polars as pl

        width = len(self.names)
        decoded = text.decode()
        cells = split_csv_rows(decoded, self.dialect, self.source, width=width, first_line=line, final=final)
        taken = len(text) if final else len(decoded[: cells.consumed].encode())
        if not cells.rows:
            return None, taken
        values = dict(zip(self.names, zip(*cells.rows, strict=True), strict=True))
        return pl.DataFrame({n: pl.Series(n, values[n], dtype=pl.String) for n in self.chosen}), taken

    def _check_widths(self, rows: bytes, quotes: NDArray[np.int64], line: int) -> None:
        """Refuses the first line that has more or fewer cells than there are names."""
        array = np.frombuffer(rows, dtype=np.uint8)
        newlines = np.flatnonzero(array == ord("\n"))
        ends = _outside(newlines, quotes)
        separators = _outside(np.flatnonzero(array == ord(self.dialect.separator)), quotes)
        widths = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        starts = np.concatenate(([0], ends[:-1] + 1))
        lengths = ends - starts - (array[ends - 1] == ord("\r"))
        wrong = np.flatnonzero((widths != len(self.names)) & (lengths > 0))
        if len(wrong):
            first = wrong[0]
            at = line + int(np.searchsorted(newlines, ends[first]))
            raise ragged_row_error(self.source, at, int(widths[first]), len(self.names))


def _outside(places: NDArray[Any], quotes: NDArray[np.int64]) -> NDArray[Any]:
    return places if len(quotes) == 0 else places[np.searchsorted(quotes, places) % 2 == 0]


def _last_row_end(text: bytes, quotes: NDArray[np.int64]) -> int:
    """Where the last row that is complete ends; 0 if none is."""
    newline = text.rfind(b"\n")
    while newline >= 0:
        before = int(np.searchsorted(quotes, newline))
        if before % 2 == 0:
            break
        newline = text.rfind(b"\n", 0, int(quotes[before - 1]))
    return newline + 1
