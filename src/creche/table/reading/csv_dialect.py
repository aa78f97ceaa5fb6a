"""Detecting the text encoding of a file, and the separator, quote and decimal comma of CSV."""

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

ACCEPTED_FORMATS = "needs CSV, JSON lines, Parquet or Arrow"

SAMPLE_SIZE = 65_536  # bytes, or characters

SAMPLE_ROWS = 200

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+")

THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated and quoted in a CSV file, and how its numbers are written."""

    separator: str = ","
    quote: str = '"'
    decimal_comma: bool = False


def detect_encoding(head: bytes, source: str) -> str:
    """Return the encoding of a text by its first bytes.

    Raises
    ------
    TableError
        If it is no text.

    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    start = head[:SAMPLE_SIZE]
    if b"\0" in start:
        if start[1:200:2].count(0) > 0.8 * len(start[1:200:2]) and 0 not in start[0:200:2]:
            return "utf-16-le"
        if start[0:200:2].count(0) > 0.8 * len(start[0:200:2]) and 0 not in start[1:200:2]:
            return "utf-16-be"
        line = head[: head.index(b"\0")].count(b"\n") + 1
        raise TableError(f"{source}: line {line} holds a NUL byte, which text never does; {ACCEPTED_FORMATS}")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError as error:
        control = re.search(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", start)
        if control:
            raise TableError(
                f"{source}: byte {error.start + 1} is not UTF-8, and byte {control.start() + 1} is a control "
                f"character, which text never holds; {ACCEPTED_FORMATS}"
            ) from error
        return "cp1252" if not re.search(rb"[\x81\x8d\x8f\x90\x9d]", head) else "latin-1"
    return "utf-8"


def detect_dialect(head: str, read_options: ReadOptions) -> Dialect:
    """Return the dialect of a CSV text by its beginning, except for what `read_options` sets.

    The separator is the one that gives most rows as many cells as the first row; between equals, the one with more
    cells.
    """
    sample = head[:SAMPLE_SIZE]
    if len(head) > SAMPLE_SIZE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    quote = read_options.quote if read_options.quote is not None else _detect_quote(sample)
    separator = read_options.separator or _detect_separator(sample, quote, read_options.decimal_comma)
    comma = read_options.decimal_comma
    if comma is None:
        comma = _detect_decimal_comma(_read_rows(sample, separator, quote), separator)
    return Dialect(separator, quote, comma)


def _read_rows(sample: str, separator: str, quote: str) -> list[list[str]]:
    """Return the first rows without blank lines; the last may be incomplete, if a quote is left open."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    lines = csv.reader(
        sample.splitlines(), delimiter=separator, quotechar=quote or None, quoting=quoting, skipinitialspace=True
    )
    rows: list[list[str]] = []
    try:
        for row in lines:
            if row:
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _detect_quote(sample: str) -> str:
    if '"' in sample:
        return '"'
    separators = re.escape("".join(SEPARATORS))
    opened = re.findall(rf"(?:^|[{separators}])'", sample, re.MULTILINE)
    enclosed = re.findall(rf"(?:^|(?<=[{separators}]))'[^'\n]*'(?=[{separators}\r\n]|$)", sample, re.MULTILINE)
    return "'" if opened and len(opened) == len(enclosed) else '"'


def _detect_separator(sample: str, quote: str, decimal_comma: bool | None) -> str:
    best, best_score = ",", (0.0, 0)
    # With a decimal comma, the comma is the separator only if nothing else is.
    for separator in (*SEPARATORS[1:], ",") if decimal_comma else SEPARATORS:
        if separator == quote or (separator == "," and decimal_comma and best_score[1]):
            continue
        rows = _read_rows(sample, separator, quote)
        width = len(rows[0]) if rows else 0
        if width > 1:
            share = Counter(len(row) for row in rows)[width] / len(rows)
            if (share, width) > best_score:
                best, best_score = separator, (share, width)
    return ";" if decimal_comma and not best_score[1] else best


def _detect_decimal_comma(rows: list[list[str]], separator: str) -> bool:
    cells = [cell.strip() for row in rows[1:] for cell in row]
    # Where the comma separates cells, "1,500" is rather one thousand five hundred than one and a half.
    commas = any(
        "," in cell and DECIMAL_COMMA_NUMBER.fullmatch(cell) and not (separator == "," and re.search(r",\d{3}$", cell))
        for cell in cells
    )
    points = any(POINT.fullmatch(cell) and not THOUSANDS.fullmatch(cell) for cell in cells)
    return commas and not points
