"""The format of a file, told by its name and first bytes, and the rows of a file in each format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._system.forks import check_polars, is_polars_usable
from creche.errors import FileError, TableError
from creche.table.cell_types import Rule
from creche.table.checks import warn
from creche.table.number_words import Marks
from creche.table.reading.byte_streams import TEXT_PIECE, ZIP, Stream, decode_pieces, spool_to_disk
from creche.table.reading.csv_dialect import detect_encoding
from creche.table.reading.csv_layout import Layout, detect_layout, regularize
from creche.table.reading.csv_small import read_small_table
from creche.table.reading.json_tables import is_json_array, is_json_object_of_columns, read_json_frame
from creche.table.reading.options import ReadOptions
from creche.table.reading.plain_frame import PlainFrame, plain_frame_from_records
from creche.table.table import Table, clean_names, select_names
from creche.table.text_rules import TextRules

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = [
    "SUFFIXES",
    "Contents",
    "detect_format",
    "format_from_name",
    "inspect_contents",
    "separates_by_tabs",
    "text_rules",
]

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}

COMPRESSION_SUFFIXES = (".gz", ".zst", ".bz2", ".xz", ".zip")

SIGNATURES = {
    b"PAR1": "parquet",
    b"PARE": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    ZIP: "excel",  # other archives are unpacked before
    b"\xd0\xcf\x11\xe0": "excel",
}

# Files that people have but that cannot be read, and what to do instead.
UNREADABLE = {
    b"SQLite format 3\0": "an SQLite database; export the table as CSV",
    b"\x89HDF\r\n": "an HDF5 file; export the table as Parquet",
    b"%PDF": "a PDF; export the table as CSV",
    b"\x89PNG": "a picture; needs a table",
    b"\xff\xd8\xff": "a picture; needs a table",
    b"\x80\x04\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x80\x05\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x7fELF": "a program; needs a table",
    b"Obj\x01": "an Avro file; export the table as Parquet",
    b"ORC": "an ORC file; export the table as Parquet",
    b"FEA1": "a Feather file of version 1; save the table as Feather 2 (Arrow) or Parquet",
}

# The bytes that end a file, and the name of its format.
ENDINGS = {"parquet": (b"PAR1", "Parquet"), "arrow": (b"ARROW1", "Arrow IPC")}

# Importing Polars takes longer than reading a CSV file of this size in Python.
SMALL_SIZE = 1_000_000  # bytes
SMALL_WIDTH = 5_000  # columns, which Polars reads together and Python one by one

ARROW_FILE = b"ARROW1"

# Polars decodes whole row groups for a slice, so larger slices cost less time and more memory.
SLICE_ROWS = 262_144

SLICE_CELLS = 8_000_000

# Fewer lines tell too little about a CSV file.
LINES_OF_HEAD = 5

LONGEST_LINE = 64 << 20  # bytes

# A piece of a CSV file has at least so much text of each column: some hundreds of rows.
BYTES_OF_COLUMN = 8 << 10


def format_from_name(name: str | Path) -> tuple[str | None, str]:
    """Return the format (or None) and the compression that the suffixes of a file's name stand for.

    Examples
    --------
    >>> format_from_name("predictions.csv.gz"), format_from_name("table.parquet"), format_from_name("table")
    (('csv', '.gz'), ('parquet', ''), (None, ''))

    """
    suffix, compression = _split_suffixes(name)
    return SUFFIXES.get(suffix), compression


def separates_by_tabs(name: str | Path) -> bool:
    """Whether the name of a CSV file promises tabs between its cells.

    Examples
    --------
    >>> separates_by_tabs("predictions.tsv.gz"), separates_by_tabs("predictions.txt")
    (True, False)

    """
    return _split_suffixes(name)[0] in (".tsv", ".tab")


def _split_suffixes(name: str | Path) -> tuple[str, str]:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSION_SUFFIXES else ""
    return (suffixes[-1] if suffixes else ""), compression


def detect_format(head: bytes, source: str) -> str | None:
    """Return "parquet", "arrow" or "excel" by the first bytes of a file, or None if it may be text.

    Raises
    ------
    TableError
        If it is a file of another known format.

    """
    for signature, name in SIGNATURES.items():
        if head.startswith(signature):
            return name
    for signature, what in UNREADABLE.items():
        if head.startswith(signature) and not (signature == b"ORC" and head[3:4].isalpha()):
            raise TableError(f"{source}: is {what}")
    return None


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

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[Frame]:
        """Yield frames of some rows each, with all columns or these; those of a CSV file hold words."""
        source = self.stream.source
        plain = self._plain_frame()
        if plain is not None:
            return iter([plain.select(select_names(columns, plain.columns, source))])
        check_polars(source, "read a CSV file of less than 1 MB, pandas DataFrames or arrays")
        if self.format == "parquet" or self.stream.peek(len(ARROW_FILE)) == ARROW_FILE:
            path = self.opened.enter_context(spool_to_disk(self.stream))
            return _read_indexed_frames(path, self.format, source, columns)
        if self.format == "arrow":
            from creche.table.reading.arrow_stream import read_arrow_frames

            return read_arrow_frames(self.stream, columns)
        width = 0 if self.layout is None else len(self.layout.names)
        size = min(max(TEXT_PIECE, BYTES_OF_COLUMN * width), LONGEST_LINE)
        pieces = decode_pieces(self.stream, self.encoding, size)
        if self.format == "jsonl":
            return _read_json_frames(pieces, source, columns)
        from creche.table.reading.csv_large import read_csv_frames

        assert self.layout is not None
        return read_csv_frames(regularize(pieces, self.layout, source), self.layout, source, columns)

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
            _warn_of_unused(read_options, format, source)
            yield Contents(stream, format, "", None, read_options, opened)
            return
        encoding = read_options.text_encoding or detect_encoding(head, source)
        text = head.decode(encoding, errors="ignore")
        format = format or _detect_text_format(text, source)
        _warn_of_unused(read_options, format, source)
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


def _warn_of_unused(options: ReadOptions, format: str, source: str) -> None:
    unused = options.find_unused(format)
    if unused:
        has = "has" if len(unused) == 1 else "have"
        warn(f"{source}: {' and '.join(unused)} {has} no effect on this file, which is read as {format!r}")


def _detect_text_format(text: str, source: str) -> str:
    start = text[:1000].lstrip()
    suffix = format_from_name(source)[0]
    if suffix != "csv":
        if start.startswith("{"):
            if is_json_object_of_columns(text) or (suffix == "json" and text.count("\n", 0, len(text.rstrip())) == 0):
                return "json"
            return "jsonl"
        if is_json_array(start):
            return "json"
    if "urn:schemas-microsoft-com:office:spreadsheet" in start or "urn:oasis:names:tc:opendocument" in start:
        raise TableError(f"{source}: is a spreadsheet saved as plain XML; save it as .xlsx, .ods or CSV")
    if start[:15].lower().startswith(("<!doctype", "<html", "<?xml", "<table")):
        raise TableError(
            f"{source}: is a page of HTML or XML, not a table; download the file itself, or save it as CSV"
        )
    return "csv"


def _read_indexed_frames(path: Path, format: str, source: str, columns: Sequence[str] | None = None) -> Iterator[Frame]:
    """Yield the rows of a Parquet or Arrow file, some at a time.

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
    for start in range(0, max(rows, 1), step):
        with _polars_errors(format, source):
            frame = (
                scan.select(pl.col(original[name]).alias(name) for name in names)
                .slice(start, step)
                .collect(engine="streaming")
            )
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


def _read_json_frames(pieces: Iterable[bytes], source: str, columns: Sequence[str] | None = None) -> Iterator[Frame]:
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
        yield from _parse_json_lines(text[:end], source, line, columns)
        line += text.count(b"\n")
        rest = text[end:]
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
