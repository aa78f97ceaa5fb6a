"""A table that grows on disk while it is read in batches: a growing column for each of its columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche._phrases import list_first
from creche.errors import FileError, TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext
from creche.table.disk_columns import ColumnFolder, DiskColumns, StoredColumn
from creche.table.number_marks import Marks
from creche.table.reading.batches import Batch
from creche.table.reading.frame_columns import is_text, table_from_frame
from creche.table.reading.growing_columns import GrowingWords, TypedValues
from creche.table.reading.growing_numbers import CellNumbers
from creche.table.text_rules import TextRules
from creche.table.word_columns import agree_on_marks

if TYPE_CHECKING:
    import polars as pl

__all__ = ["GrowingTable"]

NAMED_WORDS = 3

Growing = CellNumbers | GrowingWords | TypedValues

_POINTS = (Marks(), Marks(".", ","), Marks(".", " "), Marks(".", "'"))


class GrowingTable:
    """The columns of a table, which grow on disk batch by batch.

    Parameters
    ----------
    folder : ColumnFolder
    source : str
        The name of the table in messages.
    left_out : collection of str
        Columns that no network learns from, which may hold any number of words.

    Attributes
    ----------
    rows : int
        The number of rows so far.

    """

    def __init__(self, folder: ColumnFolder, source: str, left_out: Collection[str]) -> None:
        self.folder, self.source, self.left_out = folder, source, left_out
        self.names: list[str] = []
        self.rows = 0
        self.text = TextRules()
        self._columns: dict[str, Growing] = {}
        self._unclear: dict[str, None] = {}  # columns of numbers in which something else came
        self._numbers: dict[str, CellNumbers] = {}  # those of them that are numbers but for a few words
        self._agreed: TextRules | None = None
        self._finished: dict[str, StoredColumn] = {}
        self._replaced: list[Path] = []  # files that are needed no more, unless one goes on where `to_dict` was

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known of the table so far, except what is in files, as plain data."""
        return {
            "rows": self.rows, "names": self.names, "text": asdict(self.text), "unclear": list(self._unclear),
            "agreed": None if self._agreed is None else asdict(self._agreed),
            "columns": {name: [type(each).__name__, each.to_dict()] for name, each in self._growing.items()},
            "numbers": {name: each.to_dict() for name, each in self._numbers.items() if name in self._growing},
            "finished": {name: each.to_dict() for name, each in self._finished.items()},
        }  # fmt: skip

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], folder: ColumnFolder, source: str, left_out: Collection[str]
    ) -> GrowingTable:
        """Go on where `to_dict` described the table; what was written to its files after that is cut off.

        Raises
        ------
        ValueError, FileError
            If a file has lost something; also KeyError, TypeError or AttributeError if the data are damaged.

        """
        table, path = cls(folder, source, left_out), folder.path
        text = table.text = _text_from_dict(data["text"])
        table._agreed = None if data["agreed"] is None else _text_from_dict(data["agreed"])
        table.rows, table.names = data["rows"], list(data["names"])
        table._unclear = dict.fromkeys(data["unclear"])
        for name, (kind, column) in data["columns"].items():
            table._columns[name] = _column_from_dict(kind, column, path, text)
        table._numbers = {name: CellNumbers.from_dict(each, path, text) for name, each in data["numbers"].items()}
        table._finished = {name: StoredColumn.from_dict(each, path) for name, each in data["finished"].items()}
        for finished in table._finished.values():
            finished.read(max(0, finished.rows - 1), finished.rows)  # raises an error unless it has all rows
            finished.read_words()
        return table

    def files(self) -> list[Path]:
        """Return the files of all columns."""
        growing = [file for column in (*self._growing.values(), *self._numbers.values()) for file in _files_of(column)]
        return growing + [file for column in self._finished.values() for file in column.files]

    @property
    def _growing(self) -> dict[str, Growing]:
        return {name: column for name, column in self._columns.items() if name not in self._finished}

    def remove_replaced(self) -> None:
        """Remove files that are needed no more, not even to go on where `to_dict` described the table last."""
        for path in self._replaced:
            path.unlink(missing_ok=True)
        self._replaced.clear()

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

    def finish(self, on_column: Callable[[], object] | None = None) -> DiskColumns:
        """Return the columns, each with the kind of its values; `on_column` is called after each."""
        for name, column in self._columns.items():
            if column.rows != self.rows:
                raise FileError(
                    f"{self.source}: had {self.rows:,} rows, and {column.rows:,} when column {name!r} was read again; "
                    "begin again once it is complete"
                )
        text = self._agreed = self._agreed or self._agreed_text()
        marks = text.marks or Marks()
        usual = CellFormat(marks.decimal, marks.thousands, missing=text.missing_words(None))
        for name in [name for name in self.names if name not in self._finished]:
            column = self._columns[name]
            if isinstance(column, GrowingWords) and column.has_overflown and name in self._numbers:
                finished = self._finish_numbers(name, text)
            elif isinstance(column, GrowingWords):
                finished = column.finish(ColumnContext(self.source, name), text)
            elif isinstance(column, CellNumbers):
                finished = column.finish(column.kind or "number", usual)
            else:
                finished = column.finish()
            self._finished[name] = finished
            self._replace([column, *filter(None, [self._numbers.get(name)])], finished.path)
            if on_column is not None:
                on_column()
        return DiskColumns({name: self._finished[name] for name in self.names}, self.rows, self.folder)

    def _replace(self, columns: Sequence[Growing], path: Path | None = None) -> None:
        """Note that the files of columns are needed no more, unless the finished column is in one of them."""
        self._replaced += [file for column in columns for file in _files_of(column) if file != path]

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
                self._replace([column])
            column = self._columns[name] = GrowingWords(self.folder.new_path("words"), self.rows)
        assert isinstance(column, GrowingWords)
        column.append(series.cast(_string()), context, is_left_out=name in self.left_out)
        return True

    def _drop(self, name: str) -> None:
        column = self._columns.pop(name, None)
        if column is not None:
            self._replace([column])

    def _context(self, name: str, batch: Batch) -> ColumnContext:
        return ColumnContext(batch.source, name, batch.first_row)


def _mixed_error(context: ColumnContext) -> TableError:
    return TableError(
        f"{context.source}: column {context.name!r} holds words in some rows and other values in others, which a table "
        f"that is read in pieces cannot; save it with one type, or leave {advise('memory')} out"
    )


def _string() -> type[pl.String]:
    import polars as pl

    return pl.String


def _files_of(column: Growing) -> list[Path]:
    return [column.path, column.path_of_words] if isinstance(column, GrowingWords) else [column.path]


def _text_from_dict(data: Mapping[str, Any]) -> TextRules:
    marks = None if data["marks"] is None else Marks(**data["marks"])
    return TextRules(**{**data, "marks": marks, "missing": tuple(data["missing"])})


def _column_from_dict(kind: str, data: Mapping[str, Any], folder: Path, text: TextRules) -> Growing:
    if kind == CellNumbers.__name__:
        return CellNumbers.from_dict(data, folder, text)
    return (GrowingWords if kind == GrowingWords.__name__ else TypedValues).from_dict(data, folder)
