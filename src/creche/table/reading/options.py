"""How a file is written, if that is not to be detected."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from creche.errors import PlanError
from creche.plan.component import Component, count_field, flag_field
from creche.plan.words import check_word

__all__ = ["FORMATS", "OUTPUT_FORMATS", "SEPARATORS", "Format", "OutputFormat", "ReadOptions"]

Format: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl", "json", "excel"]
FORMATS: tuple[Format, ...] = get_args(Format)

OutputFormat: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)

SEPARATORS = (",", ";", "\t", "|")

# The formats to which options about the layout of a file apply; the other options apply to all formats.
LAYOUT_OPTIONS: dict[str, tuple[Format, ...]] = {
    "separator": ("csv",),
    "quote": ("csv",),
    "comment": ("csv",),
    "text_encoding": ("csv", "jsonl", "json"),
    "header": ("csv", "excel"),
    "names": ("csv", "excel"),
    "skip_rows": ("csv", "excel"),
    "sheet": ("excel",),
}


@dataclass(frozen=True, slots=True, repr=False)
class ReadOptions(Component):
    r"""How a file is written; an option that is None is detected from its first bytes.

    Attributes
    ----------
    format : {"csv", "parquet", "arrow", "jsonl", "json", "excel"}, optional
        "jsonl" has one JSON object per line, "json" is one array of objects (or an object of columns); "arrow" is Arrow
        IPC, as a file or a stream; "excel" is .xlsx, .xlsb, .xls or .ods.
    separator : str, optional
        The character between the cells of a CSV file. Detected are ``,``, ``;``, ``|``, tab and ``" "``, which is any
        number of spaces and tabs.
    quote : str, optional
        The character around cells that contain separators; ``""`` if there is none.
    text_encoding : str, optional
        The name of the text encoding in Python. Detected are UTF-8, UTF-16, and otherwise Windows-1252 or Latin-1.
    decimal_comma : bool, optional
        Whether numbers are written 1.234,5 rather than 1,234.5.
    day_first : bool, optional
        Whether 3/4/2020 is 3 April rather than 4 March.
    missing_values : tuple of str
        Words and numbers that stand for missing values, in addition to the usual ones (an empty cell, NA, NaN, null,
        None, ? and the like).
    default_missing : bool, default True
        Whether the usual words stand for missing values; if not, only an empty cell and `missing_values` do.
    header : bool, optional
        Whether the first line holds the column names.
    names : tuple of str, optional
        The names of the columns of a CSV file; its first line is then a row, unless `header` is True.
    skip_rows : int, optional
        The number of lines to leave out at the top of a CSV file.
    comment : str, optional
        The character with which lines begin that are comments; ``""`` if none are.
    drop_rows : tuple of int
        The numbers of rows to leave out, from 1; -1 is the last row. The others are numbered without them.
    sheet : str or int, optional
        The sheet of an Excel file, by its name or its number among the visible sheets, counted from 1. By default, the
        first visible one that is not empty.

    Examples
    --------
    >>> ReadOptions(separator=";", decimal_comma=True)
    ReadOptions(separator=';', decimal_comma=True)
    >>> ReadOptions.from_dict(ReadOptions(text_encoding="latin-1").to_dict())
    ReadOptions(text_encoding='latin-1')

    """

    format: Format | None = None
    separator: str | None = None
    quote: str | None = None
    text_encoding: str | None = None
    decimal_comma: bool | None = None
    day_first: bool | None = None
    missing_values: tuple[str, ...] = ()
    default_missing: bool = flag_field(True)
    header: bool | None = None
    names: tuple[str, ...] | None = None
    skip_rows: int | None = count_field(None, at_least=0, optional=True)
    comment: str | None = None
    drop_rows: tuple[int, ...] = ()
    sheet: str | int | None = None

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if self.format is not None:
            object.__setattr__(self, "format", check_word("ReadOptions.format", self.format, FORMATS))
        _check_character("separator", self.separator)
        if self.quote != "":
            _check_character("quote", self.quote)
        if self.quote and self.quote == self.separator:
            raise PlanError(
                f"ReadOptions.quote: got {self.quote!r}, which is also the separator; needs another character"
            )
        if self.text_encoding is not None:
            _check_text_encoding(self.text_encoding)
        if self.comment != "":
            _check_character("comment", self.comment)
        for name in ("decimal_comma", "day_first", "header"):
            if getattr(self, name) not in (None, True, False):
                raise PlanError(f"ReadOptions.{name}: got {getattr(self, name)!r}; needs True, False or None")
        object.__setattr__(self, "missing_values", _check_words("missing_values", self.missing_values))
        if self.names is not None:
            object.__setattr__(self, "names", _check_words("names", self.names))
        rows = (self.drop_rows,) if isinstance(self.drop_rows, int) else self.drop_rows
        if not isinstance(rows, Sequence) or not all(type(row) is int and row != 0 for row in rows):
            raise PlanError(f"ReadOptions.drop_rows: got {rows!r}; needs numbers of rows, from 1, or -1 for the last")
        object.__setattr__(self, "drop_rows", tuple(rows))
        _check_sheet(self.sheet)

    def find_unused(self, format: str) -> tuple[str, ...]:
        """Return the options that are set but have no meaning for a file of this format.

        Parameters
        ----------
        format : str
            One of `FORMATS`.

        Examples
        --------
        >>> ReadOptions(separator=";", sheet=2).find_unused("parquet")
        ('separator', 'sheet')

        """
        return tuple(
            n for n, formats in LAYOUT_OPTIONS.items() if format not in formats and getattr(self, n) is not None
        )


def _check_words(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, Sequence) or not all(isinstance(word, str | int | float) for word in value):
        raise PlanError(f"ReadOptions.{name}: got {value!r}; needs a list of words")
    return tuple(str(word) for word in value)


def _check_character(name: str, value: object) -> None:
    if value is None:
        return
    is_separator = name == "separator" and value == " "
    if is_separator:
        return
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\0\r\n .+-0123456789":
        raise PlanError(
            f"ReadOptions.{name}: got {value!r}; needs one ASCII character that is not part of numbers, such as ';'"
        )


def _check_sheet(value: object) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is not None and not is_number and (not isinstance(value, str) or not value):
        raise PlanError(
            f"ReadOptions.sheet: got {value!r}; needs the name of a sheet, or its number, counted from 1",
            argument="sheet",
        )


def _check_text_encoding(value: object) -> None:
    try:
        codecs.lookup(value)  # type: ignore[arg-type]
        "".encode(value)  # type: ignore[arg-type]  # codecs from bytes to bytes raise an error
    except (LookupError, TypeError, ValueError) as error:
        raise PlanError(
            f"ReadOptions.text_encoding: got {value!r}; needs the name of a text encoding that Python knows, such as "
            "'utf-8' or 'cp1252'"
        ) from error
