"""Identifiers: columns that only tell rows apart, found by their values, and by names only together with these."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.table.table import Column

__all__ = ["MIN_ROWS_FOR_IDENTIFIER", "find_identifier", "find_unique_words", "split_name"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# In fewer rows, distinct values prove nothing about the column.
MIN_ROWS_FOR_IDENTIFIER = 20

# In a column that is named like an index, a count over these few rows is enough.
MIN_ROWS_FOR_INDEX = 3

# Words are identifiers if more than this share of the rows has a word of its own, UUIDs and hashes from fewer on.
IDENTIFIER_SHARE = 0.5

RANDOM_WORD_SHARE = 0.1

# Numbers in a column that is named like an identifier are one if at least this share of the rows has its own number.
NEARLY_UNIQUE_SHARE = 0.9

# A name of the former words alone, one of the latter among them, is the name of an index: `row`, `line index`.
INDEX_WORDS = _words(
    "row rows rownames rowname rowid rownum rownumber rowindex index idx line record obs observation case sample "
    "name names label labels number num no nr id"
)
INDEX_HEADS = _words("row rows rownames rowname rowid rownum rownumber rowindex index idx")

# What pandas, R and readr call an index that has no name.
INDEX_NAME = re.compile(r"(?:|unnamed: ?0(?:\.[0-9]+)*|level_[0-9]+|\.\.\.[0-9]+|#)", re.IGNORECASE)

# What a column is called that has no name, which may but need not be an index.
UNNAMED = re.compile(r"(?:column[ _]?[0-9]+|unnamed: ?[0-9]+)", re.IGNORECASE)

# As the last word of a name; the former also as its first.
LEADING_IDENTIFIER_WORDS = _words("id ids uid uuid guid")
IDENTIFIER_WORDS = LEADING_IDENTIFIER_WORDS | _words(
    "oid pid pk key identifier rowid ssn isbn ean iban imei barcode hash"
)

# As the last word, after one that has numbers or codes: `order_no` is an identifier, `atomic_number` is not.
CODE_WORDS = _words("no nr num nbr number nummer code ref reference")
PEOPLE = _words(
    "applicant client customer employee member participant passenger patient person respondent specimen student "
    "subject user"
)
NUMBERED = PEOPLE | _words(
    "account article bar batch book booking card case claim contract device doc document encounter event flight "
    "house household id invoice item job licence license line listing loan lot match message model movie order parcel "
    "part payment phone player policy post product property record reference registration respondent roll row sample "
    "seller sensor serial session shop site sku song sr staff store survey task test ticket tracking transaction trip "
    "tweet unit vehicle vendor visit visitor"
)

# A sequence with such a name may be one of moments: years that follow each other.
MOMENT_WORDS = _words("year years yr month week day hour minute second date time timestamp period quarter t")

UUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)

HASH = re.compile(r"(?:0x)?(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])(?:[0-9a-f]{16}|[0-9a-f]{20,})", re.IGNORECASE)

PROBED_WORDS = 100

LARGEST_EXACT = 2.0**53  # whole number up to which float64 holds all

LARGEST_STEP = 2**32

HASH_SPREAD = 2**62  # of 64-bit hashes; moments in nanoseconds of three decades differ by less


def find_identifier(
    name: str, column: Column, missing: int, distinct: int, row_numbers: NDArray[np.int64] | None = None
) -> str:
    """Return how a column of numbers tells rows apart; empty if it may be a measurement.

    A sequence in which no number is skipped is an identifier whatever its name. Other numbers are one if nearly all
    differ and the name has a word such as ``id``: distinct salaries are salaries.

    Parameters
    ----------
    name : str
    column : Column
        A column of numbers.
    missing, distinct : int
        The number of missing values and of distinct other values.
    row_numbers : (n,) array of int, optional
        The row number of each row, by which rows that were left out are not gaps in a sequence.

    Examples
    --------
    >>> find_identifier("n", Column("whole", np.arange(30) * 2), 0, 30)
    'a row number (0, 2, 4, …)'
    >>> numbers = Column("whole", np.arange(30) ** 2 * 7919 % 4001)
    >>> find_identifier("PatientID", numbers, 0, 30), find_identifier("paid", numbers, 0, 30)
    ('30 distinct numbers in 30 rows', '')

    """
    present = len(column) - missing
    if present < MIN_ROWS_FOR_INDEX or distinct < NEARLY_UNIQUE_SHARE * present or _has_fraction(column.values[:8]):
        return ""  # as nearly all columns, before their names are looked at
    words = split_name(name)
    is_index = _is_index_name(name, words)
    if present < MIN_ROWS_FOR_IDENTIFIER and not is_index:
        return ""
    is_named, is_code = is_index or _is_identifier_name(words), _is_code_name(words)
    if column.kind != "whole" and not (is_named or is_code):
        return ""
    values, rows = column.values, np.arange(len(column)) if row_numbers is None else row_numbers
    if missing:
        values, rows = values[~column.missing], rows[~column.missing]
    if values.dtype.kind == "f":
        if _has_fraction(values):
            return ""
        if not (np.abs(values) < LARGEST_EXACT).all():  # rounded, as unsigned 64-bit hashes are
            return f"{distinct:,} distinct numbers in {present:,} rows" if is_named else ""
        values = values.astype(np.int64)
    low, high = int(values.min()), int(values.max())
    begins_as_index = low in (0, 1)
    if distinct == present and (begins_as_index or MOMENT_WORDS.isdisjoint(words)):
        if step := _find_step(values, rows):
            return f"a row number ({', '.join(str(int(values[0]) + i * step) for i in range(3))}, …)"
        if begins_as_index and high - low == present - 1:
            return f"a row number (each from {low} to {high}, in another order)"
    if present < MIN_ROWS_FOR_IDENTIFIER:
        return ""
    ascends = bool((values[1:] > values[:-1]).all())
    if UNNAMED.fullmatch(name.strip()) and ascends and low >= 0:
        return f"a row number ({', '.join(str(value) for value in values[:3].tolist())}, …)"
    # Numbers that were given out ascend, have the same length, or leave hardly any out.
    is_dense = high - low < 3 * len(values)
    were_given_out = low >= 0 and (ascends or is_dense or (low >= 100 and len(str(low)) == len(str(high))))
    if is_named or (is_code and were_given_out):
        return f"{distinct:,} distinct numbers in {present:,} rows"
    return "its numbers are hashes" if high - low >= HASH_SPREAD else ""


def find_unique_words(column: Column, missing: int, distinct: int) -> bool:
    """Whether the words only tell rows apart, because most rows have a word of their own."""
    present = len(column) - missing
    if _are_random(column.words):
        return distinct > RANDOM_WORD_SHARE * present and (present >= MIN_ROWS_FOR_IDENTIFIER or distinct == present)
    return present >= MIN_ROWS_FOR_IDENTIFIER and distinct > IDENTIFIER_SHARE * present


def split_name(name: str) -> list[str]:
    """Split the name of a column into its words, in lower case: at other characters, digits, and inner capitals.

    Examples
    --------
    >>> split_name("PatientID"), split_name("body_mass_index"), split_name("HTTPServer No.2"), split_name("humid")
    (['patient', 'id'], ['body', 'mass', 'index'], ['http', 'server', 'no'], ['humid'])

    """
    spaced = re.sub(r"(?<=[^\W\d_])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", spaced)]


def _has_fraction(values: NDArray[Any]) -> bool:
    """Whether any number is not whole; a missing value is none of them."""
    if values.dtype.kind != "f" or len(values) == 0:
        return False
    if values.item(0) % 1 > 0:  # as in most columns of measurements
        return True
    return bool(((values != np.trunc(values)) & ~np.isnan(values)).any())


def _is_index_name(name: str, words: list[str]) -> bool:
    is_of_index = INDEX_WORDS.issuperset(words) and not INDEX_HEADS.isdisjoint(words)
    return is_of_index or INDEX_NAME.fullmatch(name.strip()) is not None


def _is_identifier_name(words: list[str]) -> bool:
    if not words:
        return False
    if words[0] in LEADING_IDENTIFIER_WORDS or words[-1] in IDENTIFIER_WORDS:
        return True
    # "customerid" is written as one word; "humid" is not
    return words[-1].endswith("id") and words[-1].removesuffix("id") in NUMBERED


def _is_code_name(words: list[str]) -> bool:
    if len(words) == 1:
        return words[0] in CODE_WORDS or words[0] in PEOPLE
    return len(words) > 1 and words[-1] in CODE_WORDS and words[-2] in NUMBERED


def _find_step(values: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    """Return by how much the values count up or down, from row number to row number or from row to row; else 0."""
    for places in (rows, np.arange(len(values))):
        step, remainder = divmod(int(values[-1]) - int(values[0]), int(places[-1] - places[0]))
        if remainder or not step or abs(step) >= LARGEST_STEP:
            continue
        for part in (slice(0, 8), slice(0, None)):  # the first rows settle it for nearly all columns
            if not (values[part] - values[0] == step * (places[part] - places[0])).all():
                break
        else:
            return step
    return 0


def _are_random(words: tuple[str, ...]) -> bool:
    """Whether words are UUIDs or hashes in hexadecimal digits."""
    probed = words[:PROBED_WORDS]
    return bool(probed) and all(UUID.fullmatch(word) or HASH.fullmatch(word) for word in probed)
