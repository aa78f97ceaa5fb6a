"""What lies around the rows of a CSV file: lines above the table, comments, the line of column names, lines below."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from creche._advice import advise
from creche.errors import TableError
from creche.table.number_marks import is_number
from creche.table.reading.csv_dialect import SAMPLE_SIZE, Dialect, detect_dialect, read_sample_rows, split_line
from creche.table.reading.csv_header import count_titles, find_doubtful_name, fit_names, looks_like_row
from creche.table.reading.options import ReadOptions
from creche.table.reading.places import skip_bytes
from creche.table.reading.units_row import describe_units_row, is_units_row
from creche.table.table import clean_names

__all__ = ["Layout", "detect_layout", "dialect_of_rows", "regularize"]

# Excel writes this line above a table to name its separator.
SEPARATOR_LINE = re.compile(r'"?sep=(.|\\t)"?\r?\n', re.IGNORECASE)

# At least two groups of dashes: |---|:--:| and ----+----.
RULER = re.compile(r"[|+]?\s*:?(?:-{2,}|={2,}):?(?:[\s|+]+:?(?:-{2,}|={2,}):?)+\s*[|+]?")

LIBSVM = re.compile(r"[+-]?[0-9.]+(?:\s+[0-9]+:[+-]?[0-9.]\S*)+")

COMMENT_MARKS = ("#", "%")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the rows of a CSV file begin and what its columns are called.

    Attributes
    ----------
    dialect : Dialect
    names : tuple of str
        The names of the columns, each different.
    unnamed : tuple of str
        Those of the names that stand in for none.
    begin : int
        The number of bytes of UTF-8 before the first row.
    first_line : int
        The number of the line of the first row.
    comment : str
        What begins a line that is a comment; empty if there are none.
    keeps_rows : bool
        Whether a line that begins so is a row nevertheless if it has as many cells as there are columns.
    notes : tuple of str
        Remarks on it for the user.
    header : tuple of str
        The cells of the line of names, if there is one with a name for each of several columns.

    """

    dialect: Dialect
    names: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    begin: int = 0
    first_line: int = 1
    comment: str = ""
    keeps_rows: bool = False
    notes: tuple[str, ...] = ()
    header: tuple[str, ...] = ()


def detect_layout(head: str, options: ReadOptions, source: str) -> Layout:
    """Detect dialect and layout of a CSV text by its beginning, except for what the options set.

    Raises
    ------
    TableError
        If it holds no column, or the options contradict it.

    """
    begin = 0
    notes: list[str] = []
    separator = options.separator
    if head.lstrip()[:1] in ("@", "%") and options.names is None and options.header is None:
        from creche.table.reading.arff import read_arff_head  # few files are such

        arff = read_arff_head(head, source)
        if arff is not None:
            begin, names_of_arff = arff
            options = replace(options, names=names_of_arff, comment=options.comment or "%")
    _check_libsvm(head, source)
    found = SEPARATOR_LINE.match(head)
    if found is not None and options.skip_rows is None:
        begin, separator = found.end(), separator or found[1].replace("\\t", "\t")
    for _ in range(options.skip_rows or 0):
        begin = _next_line(head, begin)
    comment = options.comment or ""
    begin, comment, named_by_comment = _skip_comments(head, begin, comment, options)
    begin = _skip_ruler(head, begin)
    sample = _without_rulers(_without_comments(_cut(head[begin:]), comment, bool(options.comment)))
    dialect = detect_dialect(sample, separator, options.quote, options.decimal_comma)
    rows = read_sample_rows(sample, dialect)
    titles = 0 if options.skip_rows is not None or options.header is False else count_titles(rows)
    if not titles and options.header is None and options.names is None and _is_title(head, begin, rows, dialect):
        titles = 1
    if titles:
        before = begin
        begin = _skip_rows(head, begin, rows[titles], dialect)
        n_lines = head[before:begin].count("\n")
        what = "the first line" if n_lines == 1 else f"the first {n_lines} lines"
        notes.append(
            f"dropped {what} of {source} ({' '.join(filter(None, rows[0]))[:40]!r}), because the table begins below"
        )
        rows = rows[titles:]
    if not rows:
        return Layout(dialect, ())
    if dialect.spans:
        notes.append(
            f"{source} is read in columns of fixed width, because runs of blanks give lines different numbers of "
            "cells; if "
            f"they do separate cells, set {advise('ReadOptions.separator', ' ')}"
        )
    header: tuple[str, ...] = ()
    has_header = options.header
    if has_header is None:
        has_header = options.names is None and (named_by_comment or not looks_like_row(rows))
        if not has_header and options.names is None:
            letters = list("abcdefgh"[: len(rows[0])])
            notes.append(
                f"the first line of {source} looks like a row, not like column names, and is read as one; name the "
                f"columns by {advise('ReadOptions.names', letters)}; if the line does hold their names, set "
                f"{advise('ReadOptions.header', True)}"
            )
    if has_header:
        begin, head_row = _skip_header(head, begin, dialect, comment, source)
        head_row = [name.lstrip("#% ") if i == 0 and named_by_comment else name for i, name in enumerate(head_row)]
        names = fit_names(head_row, rows[1:])
        is_repeatable = len(head_row) == len(names) > 1 and not all(map(is_number, filter(None, head_row)))
        header = tuple(head_row) if is_repeatable else ()
        begin = _skip_ruler(head, begin)
        if len(rows) > 1 and is_units_row(rows[1], [row for row in rows[2:] if row != rows[0]]):
            begin = _next_line(head, _skip_rows(head, begin, rows[1], dialect))
            notes.append(f"{source}: {describe_units_row(rows[1])}")
        doubtful = find_doubtful_name(rows) if options.header is None else None
        if doubtful is not None:
            why = f"{doubtful!r} could be a value" if doubtful else "it is empty"
            notes.append(
                f"the first line of {source} is read as column names, though {why}; if it is a row, set "
                f"{advise('ReadOptions.header', False)}"
            )
    else:
        names = [""] * Counter(map(len, rows)).most_common(1)[0][0]
    if options.names is not None:
        if len(options.names) != len(names):
            raise TableError(
                f"{source}: got {len(options.names)} names, but its rows have {len(names)} cells; name each column"
            )
        names = list(options.names)
    clean, unnamed, repeated = clean_names(names, source)
    if repeated:
        notes.append(
            f"{source} has several columns called {', '.join(map(repr, repeated[:3]))}; they are renamed to "
            f"{repeated[0] + ' (1)'!r}, {repeated[0] + ' (2)'!r} and so on"
        )
    used = head[:begin]
    lines = used.count("\n") + used.count("\r") - used.count("\r\n")
    return Layout(
        dialect, tuple(clean), tuple(unnamed), len(used.encode()), 1 + lines, comment, not options.comment,
        tuple(notes), header,
    )  # fmt: skip


def regularize(pieces: Iterable[bytes], layout: Layout, source: str = "the file") -> Iterator[bytes]:
    """Yield the text of the rows alone: without what is above and below them, comments and runs of blanks.

    Parameters
    ----------
    pieces : iterable of bytes
        UTF-8, in pieces of any size.
    layout : Layout
    source : str, default "the file"
        Its name in messages.

    Raises
    ------
    TableError
        If a line does not fit columns of fixed width.

    """
    pieces = skip_bytes(pieces, layout.begin)
    if layout.comment or layout.dialect.separator == " ":
        pieces = _rewrite_lines(pieces, layout, source)
    return pieces


def _cut(text: str) -> str:
    """Return the beginning of a text, up to the end of a line."""
    if len(text) <= SAMPLE_SIZE:
        return text
    start = text[:SAMPLE_SIZE]
    end = start.rfind("\n") + 1
    if end == 0:
        end = text.find("\n", SAMPLE_SIZE) + 1
        end = text.find("\n", end) + 1 or end
    return text[:end] or text


def _next_line(text: str, begin: int) -> int:
    """Return where the line after the one at `begin` starts."""
    found = re.compile(r"\r\n|\n|\r").search(text, begin)
    return found.end() if found else len(text)


def _is_title(head: str, begin: int, rows: Sequence[Sequence[str]], dialect: Dialect) -> bool:
    """Whether the first row is a title with as many cells as the table: an empty line is between it and the names."""
    if len(rows) < 2 or not is_units_row(rows[1], rows[2:], are_known=False):  # no units, as it turns out, but names
        return False
    end = _next_line(head, _skip_rows(head, begin, rows[0], dialect))
    return not head[end : _next_line(head, end)].strip()


def _skip_ruler(text: str, begin: int) -> int:
    """Return where the text after a line such as ---+--- begins, as database clients and Markdown have around names."""
    end = _next_line(text, begin)
    while end < len(text) and not text[begin:end].strip():
        begin, end = end, _next_line(text, end)
    return end if RULER.fullmatch(text[begin:end].strip()) else begin


def _without_rulers(text: str) -> str:
    if "---" not in text and "===" not in text:
        return text
    return "".join(line for line in text.splitlines(keepends=True) if not RULER.fullmatch(line.strip()))


def _check_libsvm(head: str, source: str) -> None:
    lines = [head[: _next_line(head, 0)]] if head[:1] in "+-0123456789" else []
    if lines and LIBSVM.fullmatch(lines[0].strip()):
        raise TableError(
            f"{source}: is in the LIBSVM format; load it with sklearn.datasets.load_svmlight_file, and pass its arrays"
        )


def _skip_comments(head: str, begin: int, comment: str, options: ReadOptions) -> tuple[int, str, bool]:
    """Return where the text after comments at the top begins, their mark, and whether the last holds the names."""
    if options.comment == "" or options.skip_rows is not None:
        return begin, comment, False
    marks = (comment,) if comment else COMMENT_MARKS
    start, last = begin, begin
    mark = ""
    while start < len(head):
        line = head[start : _next_line(head, start)]
        if line.strip():
            mark = mark or next((m for m in marks if line.lstrip().startswith(m)), "")
            if not mark or not line.lstrip().startswith(mark):
                break
            last = start
        start = _next_line(head, start)
    if not mark or (start >= len(head) and not comment):  # a table whose every line begins so has no comments
        return begin, comment, False
    if not comment:
        # A single line of as many cells as the rows have, such as "#chrom,start,end", holds the names.
        names = head[last : _next_line(head, last)]
        dialect = detect_dialect(_cut(head[start:]), options.separator, options.quote, options.decimal_comma)
        rows = read_sample_rows(_cut(head[start:]), dialect, 50)
        first = read_sample_rows(names, dialect)
        if rows and first and 1 < len(first[0]) == len(rows[0]) and looks_like_row([*rows, *rows, *rows]):
            return last, "", True
    return start, mark, False


def _without_comments(text: str, comment: str, is_set: bool) -> str:
    """Return a text without comments; where the mark was detected and begins most lines, these are rows."""
    if not comment:
        return text
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith(comment)]
    return "".join(kept) if is_set or 2 * len(kept) >= len(lines) else text


def _skip_rows(head: str, begin: int, row: Sequence[str], dialect: Dialect) -> int:
    """Return where the line of that row begins."""
    while begin < len(head):
        end = _next_line(head, begin)
        if read_sample_rows(head[begin:end], dialect) == [list(row)]:
            return begin
        begin = end
    return begin


def _skip_header(head: str, begin: int, dialect: Dialect, comment: str, source: str) -> tuple[int, list[str]]:
    """Return where the row after the line of names begins, and the names."""
    from creche.table.reading.csv_small import split_csv_rows

    while begin < len(head):
        end = _next_line(head, begin)
        line = head[begin:end]
        if line.strip() and not (comment and line.lstrip().startswith(comment)):
            break
        begin = end
    if dialect.separator == " ":
        end = _next_line(head, begin)
        return end, read_sample_rows(head[begin:end], dialect)[0]
    cells = split_csv_rows(head[begin:], dialect, source, limit=1)
    return begin + cells.consumed, [name.strip() for name in cells.rows[0]]


def _rewrite_lines(pieces: Iterable[bytes], layout: Layout, source: str) -> Iterator[bytes]:
    """Yield lines whose cells are separated by tabs, and empty ones in place of comments."""
    has_blanks = layout.dialect.separator == " "
    comment = layout.comment
    numbers = count(layout.first_line)

    def rewrite(line: str) -> str:
        number = next(numbers)
        cells = split_line(line, layout.dialect) if has_blanks else []
        if layout.dialect.spans and not line.strip():
            return "\n"
        if cells is None:
            raise TableError(
                f"{source}: line {number} does not fit the fixed columns of the lines before it; put a "
                f"blank between its cells, or set {advise('ReadOptions.separator', ' ')} if no cell is empty"
            )
        if comment and line.lstrip().startswith(comment):
            width = len(cells) or line.count(layout.dialect.separator) + 1
            if not layout.keeps_rows or width == 1 or width != len(layout.names):
                return "" if len(layout.names) == 1 else "\n"
        return "\t".join(cells) + "\n" if has_blanks else line

    rest = b""
    for piece in pieces:
        text = rest + piece
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        yield "".join(map(rewrite, text[:end].decode().splitlines(keepends=True))).encode()
    if rest:
        yield rewrite(rest.decode()).encode()


def dialect_of_rows(layout: Layout) -> Dialect:
    """Return the dialect of the text that `regularize` yields."""
    return replace(layout.dialect, separator="\t", spans=()) if layout.dialect.separator == " " else layout.dialect
