"""How a file is written, if that is not to be detected."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from creche.errors import PlanError
from creche.plan.component import Component
from creche.plan.words import check_word

__all__ = ["FORMATS", "OUTPUT_FORMATS", "SEPARATORS", "Format", "OutputFormat", "ReadOptions"]

Format: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl", "json", "excel"]
FORMATS: tuple[Format, ...] = get_args(Format)

OutputFormat: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)

SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, repr=False)
class ReadOptions(Component):
    r"""How a file is written; an option that is None is detected from its first bytes.

    Attributes
    ----------
    format : {"csv", "parquet", "arrow", "jsonl", "json", "excel"}, optional
        "jsonl" has one JSON object per line, "json" is one array of objects (or an object of columns); "arrow" is Arrow
        IPC, as a file or a stream; "excel" is .xlsx, .xlsb, .xls or .ods.
    separator : str, optional
        The character between the cells of a CSV file. Detected are ``,``, ``;``, ``|`` and tab.
    quote : str, optional
        The character around cells that contain separators; ``""`` if there is none.
    text_encoding : str, optional
        The name of the text encoding in Python. Detected are UTF-8, UTF-16, and otherwise Windows-1252 or Latin-1.
    decimal_comma : bool, optional
        Whether numbers are written 1.234,5 rather than 1234.5.
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
    sheet: str | int | None = None

    def __post_init__(self) -> None:
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
        if self.decimal_comma not in (None, True, False):
            raise PlanError(f"ReadOptions.decimal_comma: got {self.decimal_comma!r}; needs True, False or None")
        _check_sheet(self.sheet)


def _check_character(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\0\r\n .+-0123456789":
        raise PlanError(
            f"ReadOptions.{name}: got {value!r}; needs one ASCII character that is no part of numbers, such as ';'"
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
