"""What a text is like, told by the beginning of it: encoding, separator, quote, decimal comma."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from creche.errors import TableError
from creche.table.cell_types import DECIMAL_COMMA_NUMBER
from creche.table.reading.options import SEPARATORS, ReadOptions

__all__ = ["Dialect", "detect_dialect", "detect_encoding"]

LOOKED_AT = 65_536


ROWS = 200


MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+")


THREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a CSV file are set apart."""

    separator: str = ","
    quote: str = '"'
    decimal_comma: bool = False


def detect_encoding(head: bytes, source: str) -> str:
    """The encoding of a text that begins so.

    Raises
    ------
    TableError
        If it is no text.

    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    start = head[:LOOKED_AT]
    if b"\0" in start:
        if start[1:200:2].count(0) > 0.8 * len(start[1:200:2]) and 0 not in start[0:200:2]:
            return "utf-16-le"
        if start[0:200:2].count(0) > 0.8 * len(start[0:200:2]) and 0 not in start[1:200:2]:
            return "utf-16-be"
        line = head[: head.index(b"\0")].count(b"\n") + 1
        raise TableError(f"{source}: line {line} holds a NUL byte, as no text does; {NEEDED}")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        control = re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", start)
        if control:
            raise TableError(
                f"{source}: byte {error.start + 1} is not UTF-8, and byte {control.start() + 1} is a control "
                f"character, as no text holds; {NEEDED}"
            ) from error
        return "cp1252" if not re.search(rb"[\x81\x8d\x8f\x90\x9d]", head) else "latin-1"
    return "utf-8"


NEEDED = "needs CSV, JSON lines, Parquet or Arrow"


def detect_dialect(head: str, read_options: ReadOptions) -> Dialect:
    """How cells are set apart in a text that begins so, where `read_options` leaves it open.

    The separator is the one by which most rows have as many cells as the first; between several, the one with more.
    """
    sample = head[:LOOKED_AT]
    if len(head) > LOOKED_AT:
        sample = sample[: sample.rfind("\n") + 1] or sample
    quote = read_options.quote if read_options.quote is not None else _quote(sample)
    separator = read_options.separator or _separator(sample, quote, read_options.decimal_comma)
    comma = read_options.decimal_comma
    if comma is None:
        comma = _decimal_comma(_rows(sample, separator, quote), separator)
    return Dialect(separator, quote, comma)


def _rows(sample: str, separator: str, quote: str) -> list[list[str]]:
    """The first rows, without blank lines; the last may be cut, where a quote is left open."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    lines = csv.reader(
        sample.splitlines(), delimiter=separator, quotechar=quote or None, quoting=quoting, skipinitialspace=True
    )
    rows: list[list[str]] = []
    try:
        for row in lines:
            if row:
                rows.append(row)
            if len(rows) == ROWS:
                break
    except csv.Error:
        pass
    return rows


def _quote(sample: str) -> str:
    if '"' in sample:
        return '"'
    separators = re.escape("".join(SEPARATORS))
    opened = re.findall(rf"(?:^|[{separators}])'", sample, re.MULTILINE)
    enclosed = re.findall(rf"(?:^|(?<=[{separators}]))'[^'\n]*'(?=[{separators}\r\n]|$)", sample, re.MULTILINE)
    return "'" if opened and len(opened) == len(enclosed) else '"'


def _separator(sample: str, quote: str, decimal_comma: bool | None) -> str:
    best, best_score = ",", (0.0, 0)
    # A comma in numbers sets cells apart only if nothing else does.
    for separator in (*SEPARATORS[1:], ",") if decimal_comma else SEPARATORS:
        if separator == quote or (separator == "," and decimal_comma and best_score[1]):
            continue
        rows = _rows(sample, separator, quote)
        width = len(rows[0]) if rows else 0
        if width > 1:
            share = Counter(len(row) for row in rows)[width] / len(rows)
            if (share, width) > best_score:
                best, best_score = separator, (share, width)
    return ";" if decimal_comma and not best_score[1] else best


def _decimal_comma(rows: list[list[str]], separator: str) -> bool:
    cells = [cell.strip() for row in rows[1:] for cell in row]
    # Between commas, "1,500" is more likely one thousand and a half.
    commas = any(
        "," in cell and DECIMAL_COMMA_NUMBER.fullmatch(cell) and not (separator == "," and re.search(r",\d{3}$", cell))
        for cell in cells
    )
    points = any(POINT.fullmatch(cell) and not THREES.fullmatch(cell) for cell in cells)
    return commas and not points
