"""Reading a table of any size into columns on disk, with the kinds and values that it would have in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche._phrases import list_first
from creche.databases.address import Database
from creche.errors import FileError, TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext
from creche.table.disk_columns import ColumnFolder, DiskColumns, StoredColumn, write_column
from creche.table.number_marks import Marks
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.contents import Contents, inspect_contents, text_rules
from creche.table.reading.database_rows import iterate_database
from creche.table.reading.dataframes import iterate_frames, library_of
from creche.table.reading.frame_columns import is_text, table_from_frame
from creche.table.reading.growing_columns import CellNumbers, GrowingWords, TypedValues
from creche.table.reading.options import ReadOptions
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.read import IN_MEMORY, read_table, without_totals
from creche.table.reading.table_parts import TablePart
from creche.table.table import Table
from creche.table.text_rules import TextRules
from creche.table.word_columns import agree_on_marks

if TYPE_CHECKING:
    import polars as pl

__all__ = ["OnRows", "read_to_folder"]

# Called with how many rows and how many bytes of the files have been read.
OnRows = Callable[[int, int], object]

NAMED_WORDS = 3

SMALL_FILE = 1_000_000  # bytes, of a file that is read as a whole

# The formats that are read in pieces; JSON and Excel are read as a whole.
STREAMED = ("csv", "parquet", "arrow", "jsonl")

Growing = CellNumbers | GrowingWords | TypedValues


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

    """

    frame: pl.DataFrame
    source: str
    first_row: int
    text: TextRules


def read_to_folder(
    data: Any,
    parts: Sequence[TablePart],
    folder: ColumnFolder,
    options: ReadOptions,
    *,
    source: str,
    left_out: Collection[str] = (),
    on_rows: OnRows | None = None,
    batch_rows: int | None = None,
) -> Table:
    """Read a table into columns on disk.

    Parameters
    ----------
    data
        As `creche.table.reading.read.read_table` takes it; unused if there are parts.
    parts : sequence of TablePart
        The files, if data come from files.
    folder : ColumnFolder
    options : ReadOptions
    source : str
        The name of the table in messages.
    left_out : collection of str
        Columns that no network learns from, which may hold any number of words.
    on_rows : callable, optional
    batch_rows : int, optional
        How many rows to read at a time, at most; then small files are read in batches, too.

    Raises
    ------
    FileError
        If a file cannot be read, or changes meanwhile.
    TableError
        If there is no table, or its files have different columns.

    """
    if options.drop_rows:
        raise TableError(
            "drop_rows: rows of a table that is read in pieces cannot be left out by number; give "
            f"{advise('sample_weight')}, with 0 for these rows, or leave {advise('memory')} out"
        )
    whole = _read_whole(data, parts, options, batch_rows)
    if whole is not None:
        stored = {name: write_column(folder.new_path("column"), column) for name, column in whole.columns.items()}
        columns = DiskColumns(stored, len(whole), folder)
        return Table(columns, source, whole.first_row, whole.library)
    reader = _Reader(folder, source, left_out)
    for batch in _batches(data, parts, options, batch_rows, on_rows):
        reader.add(batch)
    again = reader.find_unclear()
    if again:
        if not parts:
            raise TableError(
                f"{source}: column {again[0]!r} holds more than plain numbers, which a stream cannot be read twice to "
                "find out; save the table as a file"
            )
        reader.begin_words(again)
        for batch in _batches(data, parts, options, batch_rows, on_rows):
            reader.add_words(batch, again)
    for part in parts:
        part.check_unchanged()
    return Table(reader.finish(), source, library="polars" if parts else library_of(data))


class _Reader:
    """Grows the columns of a table batch by batch."""

    def __init__(self, folder: ColumnFolder, source: str, left_out: Collection[str]) -> None:
        self.folder, self.source, self.left_out = folder, source, left_out
        self.names: list[str] = []
        self.rows = 0
        self.text = TextRules()
        self._columns: dict[str, Growing] = {}
        self._unclear: dict[str, None] = {}  # columns of numbers in which something else came
        self._numbers: dict[str, CellNumbers] = {}  # those of them that are numbers but for a few words

    def add(self, batch: Batch) -> None:
        """Add rows to all columns."""
        self._check_columns(batch)
        typed = []
        for name in self.names:
            if name in self._unclear:
                continue
            if batch.text.are_cells:
                self._add_cells(name, batch)
            elif not self._add_words(name, batch):
                typed.append(name)
        if typed:
            table = table_from_frame(batch.frame.select(typed), batch.source, {}, text=batch.text)
            for name in typed:
                column = self._columns[name]
                assert isinstance(column, TypedValues)
                column.append(table.columns[name], self._context(name, batch))
        self.rows += len(batch.frame)

    def find_unclear(self) -> list[str]:
        """Return the columns that need a second pass over all their words, though some cells are plain numbers."""
        numbers = {name: column for name, column in self._columns.items() if isinstance(column, CellNumbers)}
        self._unclear |= dict.fromkeys(name for name, column in numbers.items() if column.kind is None)
        clear = [name for name in numbers if name not in self._unclear]
        if clear and self._agreed_text().marks not in (None, *_POINTS) and self.text.marks is None:
            # The decimal mark of the table is a comma, so that 1.234 may be a thousand.
            self._unclear |= dict.fromkeys(name for name in clear if numbers[name].kind == "number")
        return list(self._unclear)

    def begin_words(self, names: Sequence[str]) -> None:
        """Make columns of words of these columns, from the first row on."""
        for name in names:
            column = self._columns.get(name)
            if isinstance(column, CellNumbers) and column.strays:
                self._numbers[name] = column
            else:
                self._drop(name)
            self._columns[name] = GrowingWords(self.folder.new_path("words"))

    def add_words(self, batch: Batch, names: Sequence[str]) -> None:
        """Add words to these columns, in a second pass."""
        for name in names:
            column = self._columns[name]
            assert isinstance(column, GrowingWords)
            is_left_out = name in self.left_out or name in self._numbers
            column.append(batch.frame[name], self._context(name, batch), is_left_out=is_left_out)

    def finish(self) -> DiskColumns:
        """Return the columns, each with the kind of its values."""
        for name, column in self._columns.items():
            if column.rows != self.rows:
                raise FileError(
                    f"{self.source}: had {self.rows:,} rows, and {column.rows:,} when column {name!r} was read again; "
                    "begin again once it is complete"
                )
        text = self._agreed_text()
        marks = text.marks or Marks()
        usual = CellFormat(marks.decimal, marks.thousands, missing=text.missing_words(None))
        stored: dict[str, StoredColumn] = {}
        for name in self.names:
            column = self._columns[name]
            if isinstance(column, GrowingWords) and column.has_overflown and name in self._numbers:
                stored[name] = self._finish_numbers(name, text)
            elif isinstance(column, GrowingWords):
                stored[name] = column.finish(ColumnContext(self.source, name), text)
            elif isinstance(column, CellNumbers):
                stored[name] = column.finish(column.kind or "number", usual)
            else:
                stored[name] = column.finish()
        return DiskColumns(stored, self.rows, self.folder)

    def _finish_numbers(self, name: str, text: TextRules) -> StoredColumn:
        """Return a column of more different numbers than words fit, in which a few words stand for missing values."""
        numbers = self._numbers[name]
        found = numbers.finish_without_strays(text)
        if found is None:
            words = list_first([*map(repr, numbers.strays)], NAMED_WORDS)
            raise TableError(
                f"{self.source}: column {name!r} holds words, such as {words}, among more different numbers than "
                f"categories fit; name those that stand for missing values: "
                f"{advise('ReadOptions.missing_values', numbers.strays[:1])}; or leave the column out: "
                f"{advise('schema', {name: 'ignore'})}"
            )
        return found

    def _agreed_text(self) -> TextRules:
        """Return how words are to be understood, once all of them are known."""
        words = [column.words for column in self._columns.values() if isinstance(column, GrowingWords)]
        numbers = [column for column in self._columns.values() if isinstance(column, CellNumbers)]
        return agree_on_marks(words, self.text, ["0.5"] if any(c.kind == "number" for c in numbers) else [])

    def _check_columns(self, batch: Batch) -> None:
        """Refuse a file with other columns than the first."""
        if not self.names:
            self.names, self.text = list(batch.frame.columns), batch.text
            return
        if batch.frame.columns == self.names and batch.text.are_cells == self.text.are_cells:
            return
        for name in self.names:
            if name not in batch.frame.columns:
                raise TableError(
                    f"{batch.source}: has no column {name!r}, which the files before have; all files of a table need "
                    "the same columns"
                )
        for name in batch.frame.columns:
            if name not in self.names:
                raise TableError(
                    f"{batch.source}: has a column {name!r}, which the files before lack; all files of a table need "
                    "the same columns"
                )
        if batch.text.are_cells != self.text.are_cells:
            raise TableError(
                f"{batch.source}: has another format than the files before; save all of them in one format"
            )

    def _add_cells(self, name: str, batch: Batch) -> None:
        cells, column = batch.frame[name], self._columns.get(name)
        if column is None:
            column = self._columns[name] = CellNumbers(self.folder.new_path("numbers"), batch.text)
        if isinstance(column, CellNumbers):
            if column.append(cells):
                return
            if not column.is_empty:
                self._unclear[name] = None
                self._drop(name)
                return
            rows = column.rows
            self._drop(name)
            column = self._columns[name] = GrowingWords(self.folder.new_path("words"), rows)
        assert isinstance(column, GrowingWords)
        column.append(cells, self._context(name, batch), is_left_out=name in self.left_out)

    def _add_words(self, name: str, batch: Batch) -> bool:
        """Add the words of a source with types; return False if the column holds other values."""
        series, column = batch.frame[name], self._columns.get(name)
        context = self._context(name, batch)
        if not is_text(series):
            if isinstance(column, GrowingWords):
                if series.null_count() < len(series):
                    raise _mixed_error(context)
                column.append_missing(len(series))
                return True
            if column is None:
                self._columns[name] = TypedValues(self.folder.new_path("values"))
            return False
        if column is None or isinstance(column, TypedValues):
            if isinstance(column, TypedValues):
                if not column.is_empty:
                    raise _mixed_error(context)
                column.discard()
            column = self._columns[name] = GrowingWords(self.folder.new_path("words"), self.rows)
        assert isinstance(column, GrowingWords)
        column.append(series.cast(_string()), context, is_left_out=name in self.left_out)
        return True

    def _drop(self, name: str) -> None:
        column = self._columns.pop(name, None)
        if isinstance(column, CellNumbers):
            column.discard()

    def _context(self, name: str, batch: Batch) -> ColumnContext:
        return ColumnContext(batch.source, name, batch.first_row)


_POINTS = (Marks(), Marks(".", ","), Marks(".", " "), Marks(".", "'"))


def _read_whole(data: Any, parts: Sequence[TablePart], options: ReadOptions, batch_rows: int | None) -> Table | None:
    """Return a table that is in memory anyway, or is small, or in a format without pieces; otherwise None."""
    if isinstance(data, Database):
        return None
    if not parts:
        is_stream = hasattr(type(data), "__next__") or hasattr(type(data), "collect")
        return None if is_stream or (batch_rows is not None and hasattr(data, "slice")) else read_table(data, options)
    if len(parts) > 1:
        return None
    with open_bytes(parts[0].path, str(parts[0].path)) as stream, inspect_contents(stream, options) as contents:
        is_streamed, is_small = contents.format in STREAMED, len(stream.peek(SMALL_FILE + 1)) <= SMALL_FILE
    if is_streamed and (batch_rows is not None or not is_small):
        return None
    return read_table(parts[0].path, options)


def _batches(
    data: Any, parts: Sequence[TablePart], options: ReadOptions, batch_rows: int | None, on_rows: OnRows | None
) -> Iterator[Batch]:
    """Yield the rows of a table, some at a time, in order."""
    rows = size = 0
    if isinstance(data, Database):
        for some_rows in iterate_database(data, options):
            for some in _split(some_rows, batch_rows):
                yield Batch(some, data.source, rows + 1, text_rules(options))
                rows += len(some)
                if on_rows is not None:
                    on_rows(rows, 0)
        return
    if not parts:
        pieces = data if hasattr(type(data), "__next__") else [data]
        for piece in pieces:
            for frame in iterate_frames(piece, IN_MEMORY):
                plain = frame.to_polars() if isinstance(frame, PlainFrame) else frame
                for some in _split(plain, batch_rows):
                    yield Batch(some, IN_MEMORY, rows + 1, text_rules(options))
                    rows += len(some)
        return
    for part in parts:
        source, first_row = str(part.path), 1
        with open_bytes(part.path, source) as stream, inspect_contents(stream, options) as contents:
            part.check_unchanged()
            if contents.format not in STREAMED:
                raise TableError(f"{source}: is read as a whole, being {contents.format}; save it as Parquet or CSV")
            for frame in _frames(contents, source):
                for some in _split(frame, batch_rows):
                    yield Batch(some, source, first_row, contents.text)
                    first_row += len(some)
                    rows += len(some)
                    if on_rows is not None:
                        on_rows(rows, size)
        size += part.size
        part.check_unchanged()


def _frames(contents: Contents, source: str) -> Iterator[pl.DataFrame]:
    frames = contents.frames()
    for frame in without_totals(frames, source) if contents.text.are_cells else frames:
        yield frame.to_polars() if isinstance(frame, PlainFrame) else frame


def _split(frame: pl.DataFrame, rows: int | None) -> Iterator[pl.DataFrame]:
    if rows is None or len(frame) <= rows:
        yield frame
        return
    for begin in range(0, len(frame), rows):
        yield frame.slice(begin, rows)


def _mixed_error(context: ColumnContext) -> TableError:
    return TableError(
        f"{context.source}: column {context.name!r} holds words in some rows and other values in others, which a table "
        f"that is read in pieces cannot; save it with one type, or leave {advise('memory')} out"
    )


def _string() -> type[pl.String]:
    import polars as pl

    return pl.String
