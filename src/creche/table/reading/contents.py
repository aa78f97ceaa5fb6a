"""The contents of a file: its format, text encoding and dialect, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creche._advice import advise
from creche._system.forks import check_polars, is_polars_usable
from creche.errors import TableError
from creche.table.cell_types import Rule
from creche.table.checks import warn
from creche.table.number_marks import Marks
from creche.table.reading.byte_streams import TEXT_PIECE, Stream, decode_pieces, spool_to_disk
from creche.table.reading.csv_dialect import detect_encoding
from creche.table.reading.csv_layout import Layout, detect_layout, regularize
from creche.table.reading.csv_small import read_small_table
from creche.table.reading.file_formats import detect_format, detect_text_format
from creche.table.reading.indexed_files import read_indexed_frames
from creche.table.reading.json_lines import LONGEST_LINE, read_json_line_frames
from creche.table.reading.json_tables import read_json_frame
from creche.table.reading.options import ReadOptions
from creche.table.reading.places import Trail
from creche.table.reading.plain_frame import PlainFrame
from creche.table.table import Table, select_names
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = ["Contents", "inspect_contents", "text_rules", "warn_of_unused"]

# Importing Polars takes longer than reading a CSV file of this size in Python.
SMALL_SIZE = 1_000_000  # bytes
SMALL_WIDTH = 5_000  # columns, which Polars reads together and Python one by one

ARROW_FILE = b"ARROW1"

# Fewer lines tell too little about a CSV file.
LINES_OF_HEAD = 5

# A piece of a CSV file has at least so much text of each column: some hundreds of rows.
BYTES_OF_COLUMN = 8 << 10


@dataclass(slots=True)
class Contents:
    """The table in a stream of bytes, which can be read once.

    Attributes
    ----------
    stream : Stream
    format : {"csv", "parquet", "arrow", "jsonl", "json", "excel"}
    encoding : str
        The text encoding of CSV and JSON lines.
    layout : Layout or None
        Dialect and layout of CSV.
    options : ReadOptions
    opened : ExitStack
        What has to be closed after reading.

    """

    stream: Stream
    format: str
    encoding: str
    layout: Layout | None
    options: ReadOptions
    opened: ExitStack

    @property
    def text(self) -> TextRules:
        """How the words of the table are to be understood."""
        return text_rules(self.options, None if self.layout is None else self.layout.dialect.separator)

    def small_table(self, rules: dict[str, Rule]) -> Table | None:
        """Return the whole table if it is a CSV file so small that Polars is not needed, otherwise None."""
        if self.layout is None or len(self.stream.peek(SMALL_SIZE + 1)) > SMALL_SIZE:
            return None
        if len(self.layout.names) > SMALL_WIDTH and is_polars_usable():
            return None
        text = b"".join(regularize(decode_pieces(self.stream, self.encoding), self.layout, self.stream.source)).decode()
        return read_small_table(text, self.layout, self.stream.source, rules, self.text, self.options.drop_rows)

    def frames(self, columns: Sequence[str] | None = None, trail: Trail | None = None) -> Iterator[Frame]:
        """Yield frames of some rows each, with all columns or these; those of a CSV file hold words.

        Those before the start of the trail are left out; in formats without places, all begin at the beginning.
        """
        source = self.stream.source
        plain = self._plain_frame()
        if plain is not None:
            return iter([plain.select(select_names(columns, plain.columns, source))])
        check_polars(source, "read a CSV file of less than 1 MB, pandas DataFrames or arrays")
        if self.format == "parquet" or self.stream.peek(len(ARROW_FILE)) == ARROW_FILE:
            path = self.opened.enter_context(spool_to_disk(self.stream))
            return read_indexed_frames(path, self.format, source, columns, trail)
        if self.format == "arrow":
            from creche.table.reading.arrow_stream import read_arrow_frames

            return read_arrow_frames(self.stream, columns)
        width = 0 if self.layout is None else len(self.layout.names)
        size = min(max(TEXT_PIECE, BYTES_OF_COLUMN * width), LONGEST_LINE)
        pieces = decode_pieces(self.stream, self.encoding, size)
        if self.format == "jsonl":
            return read_json_line_frames(pieces, source, columns, trail)
        from creche.table.reading.csv_large import read_csv_frames

        assert self.layout is not None
        return read_csv_frames(regularize(pieces, self.layout, source), self.layout, source, columns, trail)

    def _plain_frame(self) -> PlainFrame | None:
        """Return the table of a format that is read as a whole, without Polars; None for the other formats."""
        if self.format == "excel":
            from creche.table.reading.excel import read_excel_frame

            path = self.opened.enter_context(spool_to_disk(self.stream))
            return read_excel_frame(path, self.stream.source, self.options)
        if self.format == "json":
            return read_json_frame(decode_pieces(self.stream, self.encoding), self.stream.source)
        return None


@contextmanager
def inspect_contents(stream: Stream, read_options: ReadOptions) -> Iterator[Contents]:
    """Detect the format, text encoding and CSV dialect of the bytes, unless `read_options` sets them.

    Raises
    ------
    TableError
        If the bytes hold no table.

    """
    source = stream.source
    head = stream.peek(SMALL_SIZE + 1)
    if not head.strip():
        raise TableError(f"{source}: is empty; needs a line of column names and rows below it")
    format = read_options.format or detect_format(head, source)
    with ExitStack() as opened:
        if format in ("parquet", "arrow", "excel"):
            warn_of_unused(read_options, format, source)
            yield Contents(stream, format, "", None, read_options, opened)
            return
        encoding = read_options.text_encoding or detect_encoding(head, source)
        text = head.decode(encoding, errors="ignore")
        format = format or detect_text_format(text, source)
        warn_of_unused(read_options, format, source)
        layout = None
        if format == "csv":
            while len(head) > SMALL_SIZE and text.count("\n") < LINES_OF_HEAD and len(head) < LONGEST_LINE:
                longer = stream.peek(4 * len(head))  # the line of names is very long
                if len(longer) == len(head):
                    break
                head, text = longer, longer.decode(encoding, errors="ignore")
            layout = detect_layout(text.removeprefix("\ufeff"), read_options, source)
            for note in layout.notes:
                warn(note)
        yield Contents(stream, format, encoding, layout, read_options, opened)


def text_rules(options: ReadOptions, separator: str | None = None) -> TextRules:
    """Return how the words of a table are to be understood; the separator is None unless it is a CSV file."""
    comma = options.decimal_comma
    marks = None if comma is None else Marks(",", ".") if comma else Marks(".", ",")
    return TextRules(
        separator is not None, marks, options.missing_values, options.default_missing, options.day_first,
        separator == ",",
    )  # fmt: skip


def warn_of_unused(options: ReadOptions, format: str, source: str) -> None:
    """Warn of options that have no effect on a table of this format, such as "parquet" or "database"."""
    unused = [advise(f"ReadOptions.{name}") for name in options.find_unused(format)]
    if unused:
        has = "has" if len(unused) == 1 else "have"
        warn(f"{source}: {' and '.join(unused)} {has} no effect on this file, which is read as {format!r}")
