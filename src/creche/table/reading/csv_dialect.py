"""Detecting the text encoding of a file, and the separator and quote of CSV."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from creche.errors import TableError
from creche.table.number_words import PLAIN
from creche.table.reading.options import SEPARATORS

if TYPE_CHECKING:
    from creche.table.reading.fixed_width import Spans

__all__ = [
    "SAMPLE_SIZE",
    "Dialect",
    "detect_dialect",
    "detect_encoding",
    "read_sample_rows",
    "split_blanks",
    "split_line",
]

ACCEPTED_FORMATS = "needs CSV, JSON lines, Parquet or Arrow"

SAMPLE_SIZE = 65_536  # bytes, or characters

SAMPLE_ROWS = 200

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

# Columns of fixed width are looked for only where a smaller share of the rows has the same number of cells.
REGULAR_SHARE = 0.9

# Blanks separate cells only where so large a share of the rows has the same number of them.
BLANKS_SHARE = 0.9


# Between two decimal commas, blanks separate numbers: 0,5 1,25. But 1 234,5 678,9 012 are three.
BETWEEN_COMMAS, GROUP = r"\d+[ \t]+[+-]?\d+", r"\d{1,3} \d{3}"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated and quoted in a CSV file.

    The separator " " is a run of spaces and tabs, unless `spans` has the places of columns of fixed width.
    """

    separator: str = ","
    quote: str = '"'
    spans: Spans = ()


def detect_encoding(head: bytes, source: str) -> str:
    """Return the encoding of a text by its first bytes.

    Raises
    ------
    TableError
        If it is not text.

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


def detect_dialect(
    sample: str, separator: str | None = None, quote: str | None = None, decimal_comma: bool | None = None
) -> Dialect:
    """Return the dialect of a CSV text by its beginning, except for what is known.

    The separator is the one that gives most rows the same number of cells; between equals, the one with more cells.
    Blanks are it only where no other character gives all rows the same number of cells; and where they do not either,
    columns may have fixed places.
    """
    is_quote_known = quote is not None
    if quote is None:
        quote = _detect_quote(sample)
    if separator:
        return Dialect(separator, quote)
    separator, is_regular = _detect_separator(sample, quote, decimal_comma)
    if is_regular or is_quote_known:
        return Dialect(separator, quote)
    from creche.table.reading.fixed_width import find_spans  # only now: most files are regular

    spans = find_spans(sample.splitlines()[:SAMPLE_ROWS])
    return Dialect(" ", "", spans) if spans else Dialect(separator, quote)


def split_blanks(line: str, quote: str) -> list[str]:
    """Return the cells of a line that are separated by runs of spaces and tabs; quoted ones keep their quotes.

    Examples
    --------
    >>> split_blanks("  0.793   1.232 'very good'", "'")
    ['0.793', '1.232', "'very good'"]

    """
    if not quote or quote not in line:
        return re.findall(r"[^ \t\r\n]+", line)
    return re.findall(rf"{quote}(?:[^{quote}]|{quote}{quote})*{quote}(?![^ \t\r\n])|[^ \t\r\n]+", line)


def split_line(line: str, dialect: Dialect) -> list[str] | None:
    """Return the cells of a line that blanks separate; None if it does not fit columns of fixed width."""
    if not dialect.spans:
        return split_blanks(line, dialect.quote)
    from creche.table.reading.fixed_width import split_fixed

    return split_fixed(line, dialect.spans)


def read_sample_rows(sample: str, dialect: Dialect, limit: int = SAMPLE_ROWS) -> list[list[str]]:
    """Return the first rows without blank lines; the last may be incomplete, if a quote is left open."""
    quote, separator = dialect.quote, dialect.separator
    lines = sample.splitlines()
    if separator == " ":
        # A line that does not fit is a title.
        lines, separator = ["\t".join(split_line(line, dialect) or [line]) for line in lines if line.strip()], "\t"
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=separator, quotechar=quote or None, quoting=quoting, skipinitialspace=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append([cell.strip() for cell in row])
            if len(rows) == limit:
                break
    except csv.Error:
        pass
    return rows


def _detect_quote(sample: str) -> str:
    if '"' in sample or "'" not in sample:
        return '"'
    separators = re.escape("".join(SEPARATORS))
    opened = re.findall(rf"(?:^|[{separators}])'", sample, re.MULTILINE)
    enclosed = re.findall(rf"(?:^|(?<=[{separators}]))'[^'\n]*'(?=[{separators}\r\n]|$)", sample, re.MULTILINE)
    return "'" if opened and len(opened) == len(enclosed) else '"'


def _detect_separator(sample: str, quote: str, decimal_comma: bool | None) -> tuple[str, bool]:
    """Return the separator, and whether it gives (nearly) all rows the same number of cells."""
    best, best_score = "", (0.0, 0)
    # With a decimal comma, the comma is the separator only if nothing else is.
    for separator in (*SEPARATORS[1:], ",") if decimal_comma else SEPARATORS:
        if separator == quote or (separator == "," and decimal_comma and best_score[1]):
            continue
        score = _score(read_sample_rows(sample, Dialect(separator, quote)))
        if score[1] > 1 and score > best_score:
            best, best_score = separator, score
    if best == "," and " " in sample and _has_decimal_commas(read_sample_rows(sample, Dialect(",", quote))):
        return " ", True
    if best_score[0] < 1 and best != "\t":
        rows = read_sample_rows(sample, Dialect(" ", quote))
        share, width = _score(rows)
        numbers = sum(PLAIN.fullmatch(cell.replace(",", ".")) is not None for row in rows for cell in row)
        is_regular = width > 1 and len(rows) > 2 and share >= BLANKS_SHARE and share > best_score[0]
        if is_regular and 3 * numbers >= sum(map(len, rows)):
            return " ", share == 1
    return best or (";" if decimal_comma else ","), best_score[0] >= REGULAR_SHARE


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    """Whether rows that are cut at commas have, between two of them, the end of a number and the beginning of one."""
    inner = [[cell for cell in row[1:-1] if re.fullmatch(BETWEEN_COMMAS, cell)] for row in rows]
    return all(inner) and not all(re.fullmatch(GROUP, cell) for cells in inner for cell in cells)


def _score(rows: list[list[str]]) -> tuple[float, int]:
    """Return the share of the rows that have the most frequent number of cells, and that number."""
    if not rows:
        return 0.0, 0
    widths = Counter(map(len, rows))
    most = max(widths.values())
    width = len(rows[0]) if widths[len(rows[0])] == most else max(w for w, n in widths.items() if n == most)
    return most / len(rows), width
