"""The contents of a file, in whichever format: told by its bytes, given out as frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creche.errors import TableError
from creche.table.columns import Table
from creche.table.formats import format_of_bytes, format_of_name
from creche.table.kinds import Rule
from creche.table.reading import Reading
from creche.table.small_csv import small_table
from creche.table.sniff import Dialect, dialect_of, encoding_of
from creche.table.streams import Stream, on_disk
from creche.table.text import utf8_pieces

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Contents", "contents_of_file"]

# Polars takes longer to import than Python takes to read a CSV file of this size (bytes).
SMALL = 1_000_000
ARROW_FILE = b"ARROW1"


@dataclass(slots=True)
class Contents:
    """What a stream of bytes holds, to be read once.

    Attributes
    ----------
    format : {"csv", "parquet", "arrow", "jsonl"}
    encoding : str
        Of text.
    dialect : Dialect
        Of CSV.

    """

    stream: Stream
    format: str
    encoding: str
    dialect: Dialect
    opened: ExitStack

    @property
    def decimal_comma(self) -> bool:
        return self.dialect.decimal_comma

    def small_table(self, rules: dict[str, Rule]) -> Table | None:
        """The whole table, if it is a CSV file so small that Polars is not needed."""
        if self.format != "csv" or len(self.stream.peek(SMALL + 1)) > SMALL:
            return None
        text = b"".join(utf8_pieces(self.stream, self.encoding)).decode()
        return small_table(text, self.dialect, self.stream.source, rules)

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Frames of some rows each, of all columns or of these; those of a CSV file hold words."""
        source = self.stream.source
        if self.format == "parquet" or self.stream.peek(len(ARROW_FILE)) == ARROW_FILE:
            from creche.table.indexed import indexed_frames

            return indexed_frames(self.opened.enter_context(on_disk(self.stream)), self.format, source, columns)
        if self.format == "arrow":
            from creche.table.arrow_stream import arrow_frames

            return arrow_frames(self.stream, columns)
        pieces = utf8_pieces(self.stream, self.encoding)
        if self.format == "jsonl":
            from creche.table.json_lines import json_frames

            return json_frames(pieces, source, columns)
        from creche.table.large_csv import csv_frames

        return csv_frames(pieces, self.dialect, source, columns)


@contextmanager
def contents_of_file(stream: Stream, reading: Reading) -> Iterator[Contents]:
    """What the bytes hold, as far as `reading` does not say.

    Raises
    ------
    TableError
        If they hold no table.

    """
    source = stream.source
    head = stream.peek(SMALL + 1)
    if not head.strip():
        raise TableError(f"{source}: is empty; needs column names and rows below them")
    format = reading.format or format_of_bytes(head, source)
    with ExitStack() as opened:
        if format in ("parquet", "arrow"):
            yield Contents(stream, format, "", Dialect(), opened)
            return
        encoding = reading.encoding or encoding_of(head, source)
        text = head.decode(encoding, errors="ignore")
        format = format or _format_of_text(text, source)
        dialect = dialect_of(text, reading) if format == "csv" else Dialect()
        yield Contents(stream, format, encoding, dialect, opened)


def _format_of_text(text: str, source: str) -> str:
    start = text[:1000].lstrip()
    if start.startswith("{") and format_of_name(source)[0] != "csv":
        return "jsonl"
    if start.startswith(("[{", "[\n", "[\r", "[ ")) and '"' in start:
        raise TableError(f"{source}: is a JSON list; needs JSON lines, one object per line (jq -c '.[]' makes them)")
    if start[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise TableError(f"{source}: is a page of HTML or XML, not a table; download the file itself")
    return "csv"
