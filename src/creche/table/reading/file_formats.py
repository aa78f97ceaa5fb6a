"""Which format bytes are in, told by the first of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.errors import FileError, TableError
from creche.table.cell_types import Rule
from creche.table.reading.byte_streams import Stream, decode_pieces, spool_to_disk
from creche.table.reading.csv_dialect import Dialect, detect_dialect, detect_encoding
from creche.table.reading.csv_small import read_small_table
from creche.table.reading.dataframes import series_from_objects
from creche.table.reading.options import ReadOptions
from creche.table.table import Table, check_names, select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "OF_NAMES",
    "Contents",
    "detect_format",
    "format_from_name",
    "inspect_contents",
    "read_indexed_frames",
    "read_json_frames",
]

OF_NAMES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")


BEGINNINGS = {b"PAR1": "parquet", b"PARE": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}


# What people have beside tables that can be read, and what to do with it.
OTHERS = {
    b"SQLite format 3\0": "an SQLite database; export the table as CSV",
    b"\x89HDF\r\n": "an HDF5 file; export the table as Parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file; save its sheet as CSV (UTF-8)",
    b"%PDF": "a PDF; export the table as CSV",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x80\x04\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x80\x05\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x7fELF": "a program",
    b"Obj\x01": "an Avro file; export the table as Parquet",
    b"ORC": "an ORC file; export the table as Parquet",
    b"FEA1": "a Feather file of version 1; save the table as Feather 2 (Arrow) or Parquet",
}


def detect_format(head: bytes, source: str) -> str | None:
    """parquet, arrow, or None for what may be text.

    Raises
    ------
    TableError
        If it is a file of a known other kind.

    """
    for beginning, name in BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    for beginning, what in OTHERS.items():
        if head.startswith(beginning) and not (beginning == b"ORC" and head[3:4].isalpha()):
            raise TableError(f"{source}: is {what}")
    return None


def format_from_name(name: str | Path) -> tuple[str | None, str]:
    """Format and compression that a file's name asks for.

    Examples
    --------
    >>> format_from_name("predictions.csv.gz"), format_from_name("table.parquet"), format_from_name("table")
    (('csv', '.gz'), ('parquet', ''), (None, ''))

    """
    endings = [ending.lower() for ending in Path(name).suffixes]
    compression = endings.pop() if endings and endings[-1] in COMPRESSED else ""
    return (OF_NAMES.get(endings[-1]) if endings else None), compression


# The marks that end a file, and what it is called.
ENDINGS = {"parquet": (b"PAR1", "Parquet"), "arrow": (b"ARROW1", "Arrow IPC")}


# A slice is decoded from its whole row group, so larger slices cost less time and more memory.
SLICE_ROWS = 262_144


SLICE_CELLS = 8_000_000


def read_indexed_frames(
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
    names = select_names(columns, check_names(there, source), source)
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


LONGEST_LINE = 64 << 20  # bytes


def read_json_frames(
    pieces: Iterable[bytes], source: str, columns: Sequence[str] | None = None
) -> Iterator[pl.DataFrame]:
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
    check_names(frame.columns, source)
    yield frame if columns is None else frame.select(select_names(columns, frame.columns, source))


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
    return pl.DataFrame([series_from_objects(name, [row.get(name) for row in rows], source) for name in names])


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
        text = b"".join(decode_pieces(self.stream, self.encoding)).decode()
        return read_small_table(text, self.dialect, self.stream.source, rules)

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Frames of some rows each, of all columns or of these; those of a CSV file hold words."""
        source = self.stream.source
        if self.format == "parquet" or self.stream.peek(len(ARROW_FILE)) == ARROW_FILE:
            # MOVED

            return read_indexed_frames(
                self.opened.enter_context(spool_to_disk(self.stream)), self.format, source, columns
            )
        if self.format == "arrow":
            from creche.table.reading.arrow_stream import read_arrow_frames

            return read_arrow_frames(self.stream, columns)
        pieces = decode_pieces(self.stream, self.encoding)
        if self.format == "jsonl":
            # MOVED

            return read_json_frames(pieces, source, columns)
        from creche.table.reading.csv_large import read_csv_frames

        return read_csv_frames(pieces, self.dialect, source, columns)


@contextmanager
def inspect_contents(stream: Stream, read_options: ReadOptions) -> Iterator[Contents]:
    """What the bytes hold, as far as `read_options` does not say.

    Raises
    ------
    TableError
        If they hold no table.

    """
    source = stream.source
    head = stream.peek(SMALL + 1)
    if not head.strip():
        raise TableError(f"{source}: is empty; needs column names and rows below them")
    format = read_options.format or detect_format(head, source)
    with ExitStack() as opened:
        if format in ("parquet", "arrow"):
            yield Contents(stream, format, "", Dialect(), opened)
            return
        encoding = read_options.text_encoding or detect_encoding(head, source)
        text = head.decode(encoding, errors="ignore")
        format = format or _format_of_text(text, source)
        dialect = detect_dialect(text, read_options) if format == "csv" else Dialect()
        yield Contents(stream, format, encoding, dialect, opened)


def _format_of_text(text: str, source: str) -> str:
    start = text[:1000].lstrip()
    if start.startswith("{") and format_from_name(source)[0] != "csv":
        return "jsonl"
    if start.startswith(("[{", "[\n", "[\r", "[ ")) and '"' in start:
        raise TableError(f"{source}: is a JSON list; needs JSON lines, one object per line (jq -c '.[]' makes them)")
    if start[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        raise TableError(f"{source}: is a page of HTML or XML, not a table; download the file itself")
    return "csv"
