"""How a file is written, if that is not to be detected."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from creche.errors import PlanError
from creche.plan.component import Component
from creche.plan.words import check_word

__all__ = ["FORMATS", "SEPARATORS", "Format", "ReadOptions"]

Format: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)

SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, repr=False)
class ReadOptions(Component):
    r"""How a file is written; an option that is None is detected from its first bytes.

    Attributes
    ----------
    format : {"csv", "parquet", "arrow", "jsonl"}, optional
        "jsonl" has one JSON object per line; "arrow" is Arrow IPC, as a file or a stream.
    separator : str, optional
        The character between the cells of a CSV file. Detected are ``,``, ``;``, ``|`` and tab.
    quote : str, optional
        The character around cells that contain separators; ``""`` if there is none.
    text_encoding : str, optional
        The name of the text encoding in Python. Detected are UTF-8, UTF-16, and otherwise Windows-1252 or Latin-1.
    decimal_comma : bool, optional
        Whether numbers are written 1.234,5 rather than 1234.5.

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


def _check_character(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\0\r\n .+-0123456789":
        raise PlanError(
            f"ReadOptions.{name}: got {value!r}; needs one ASCII character that is no part of numbers, such as ';'"
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
