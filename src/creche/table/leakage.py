"""Leakage: rows that are both trained on and evaluated on, so that a network seems better than it is.

Where few different rows are possible, rows repeat by chance, and nothing leaks. So the rows found are compared with the
number that chance would repeat if columns and label were independent. Without a repeated value, which a copy brings
along itself, chance repeats nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.table.column_blocks import NUMBER_KINDS, stack_values
from creche.table.split import hash_sequence, mix_bits
from creche.table.table import Column, Table

__all__ = [
    "Chance",
    "Expectation",
    "Leakage",
    "digest_columns",
    "digest_rows",
    "expect_repeats",
    "expect_repeats_of_pairs",
    "find_fold_leakage",
    "find_leakage",
    "find_table_leakage",
    "value_bits",
]

REMEDY_BETWEEN = "remove them from one of the two tables"

DEVIATIONS = 3.0  # by which the rows found must exceed those that chance repeats

BLOCK_CELLS = 2**18

FEW_DIFFERENT = 0.2  # the share of different rows below which the alarm tells how few they are


@dataclass(frozen=True, slots=True)
class Expectation:
    """How many rows chance would repeat.

    Attributes
    ----------
    mean, variance : float

    """

    mean: float
    variance: float

    def __add__(self, other: Expectation) -> Expectation:
        return Expectation(self.mean + other.mean, self.variance + other.variance)

    def explains(self, count: int) -> bool:
        """Whether this many rows, or more, may well be repeated by chance."""
        return count <= self.mean + DEVIATIONS * math.sqrt(self.variance)


NOTHING = Expectation(0.0, 0.0)

# From the indices of training rows and of other rows to how many of the latter chance would repeat.
Chance = Callable[[NDArray[np.int64], NDArray[np.int64]], Expectation]


@dataclass(frozen=True, slots=True)
class Leakage:
    """Rows that are on both sides of a split.

    Attributes
    ----------
    part : str
        "validation", "test", or "held-out" for the rows of folds.
    n_leaked : int
        How many rows of the part are also among the training rows.
    n_rows : int
        The number of rows of the part.
    example : (str, str)
        One of these rows, and its copy among the training rows.
    remedy : str
        What to do about it.
    by_chance : float
        How many of the rows chance would repeat.
    different : (int, int) or None
        The numbers of different rows and of all rows, where rows repeat so often that few values may be the reason.

    """

    part: str
    n_leaked: int
    n_rows: int
    example: tuple[str, str]
    remedy: str
    by_chance: float = 0.0
    different: tuple[int, int] | None = None

    def __str__(self) -> str:
        chance = f"; chance alone would repeat about {self.by_chance:,.0f}" if self.by_chance >= 0.5 else ""
        found = (
            f"leakage: {self.n_leaked:,} of {self.n_rows:,} {self.part} rows are also among the training rows, with "
            f"the same label (for example, {self.example[0]} equals {self.example[1]}{chance})"
        )
        if self.different is None:
            return f"{found}, so {self.part} metrics are too optimistic; {self.remedy}"
        return (
            f"{found}. Only {self.different[0]:,} of all {self.different[1]:,} rows differ: if no others can occur, "
            f"nothing is wrong; if rows were copied, {self.part} metrics are too optimistic: {self.remedy}"
        )


def suggest_duplicates() -> str:
    """Return what to do about rows that are copies of others within one table."""
    drop, together = advise("duplicates", "drop"), advise("duplicates", "together")
    return f"{drop} keeps one row of each, {together} keeps copies on one side"


def find_leakage(
    digests: NDArray[np.uint64],
    parts: Mapping[str, NDArray[np.int64]],
    row_numbers: NDArray[np.int64],
    chance: Chance | None = None,
) -> list[Leakage]:
    """Find the rows of each part that are also training rows, if there are more than chance would repeat.

    Parameters
    ----------
    digests : (n,) uint64 array
        A hash of each row of the table (see `digest_rows`).
    parts : dict of str to array of int
        The indices of the rows of each part, the training part first.
    row_numbers : (n,) int64 array
        The row number of each row.
    chance : callable, optional
        Called only if rows are found; by default, chance repeats none.

    Examples
    --------
    >>> digests = np.array([5, 6, 7, 5], dtype=np.uint64)
    >>> leak, = find_leakage(digests, {"train": np.array([0, 1]), "test": np.array([2, 3])}, np.arange(1, 5))
    >>> leak.part, leak.n_leaked, leak.n_rows, leak.example
    ('test', 1, 2, ('row 4', 'row 1'))

    """
    (_, train), *others = parts.items()
    leaks = []
    for part, rows in others:
        leak = _compare_rows(part, digests, train, rows, row_numbers)
        if leak is not None:
            expected = NOTHING if chance is None else chance(train, rows)
            leaks += _judge(leak, expected, digests)
    return leaks


def find_fold_leakage(
    digests: NDArray[np.uint64],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    row_numbers: NDArray[np.int64],
    chance: Chance | None = None,
) -> Leakage | None:
    """Find the held-out rows of all folds that are also training rows of their fold.

    None if there are no more than chance would repeat; arguments as for `find_leakage`.
    """
    n_leaked, n_rows, pair, expected = 0, 0, ("", ""), NOTHING
    for train, held_out in folds:
        leak = _compare_rows("held-out", digests, train, held_out, row_numbers)
        if leak is not None:
            n_leaked, pair = n_leaked + leak.n_leaked, pair if n_leaked else leak.example
            expected += NOTHING if chance is None else chance(train, held_out)
        n_rows += len(held_out)
    if not n_leaked:
        return None
    total = Leakage("held-out", n_leaked, n_rows, pair, suggest_duplicates())
    return next(iter(_judge(total, expected, digests)), None)


def find_table_leakage(
    part: str,
    rows: tuple[NDArray[np.uint64], NDArray[np.int64], str],
    train: tuple[NDArray[np.uint64], NDArray[np.int64], str],
    chance: Callable[[], Expectation] | None = None,
) -> Leakage | None:
    """Find the rows of another table that are also training rows; None if no more than chance would repeat.

    Parameters
    ----------
    part : str
    rows, train : (array of uint64, array of int64, str)
        The hashes of the rows, their row numbers, and the name of their table.
    chance : callable, optional
        Returns how many of the rows chance would repeat; called only if rows are found. By default, none.

    """
    leaked, copy = _find_copies(rows[0], train[0])
    if not leaked.any():
        return None
    pair = f"row {rows[1][np.argmax(leaked)]} of {rows[2]}", f"row {train[1][copy]} of {train[2]}"
    leak = Leakage(part, int(leaked.sum()), len(rows[0]), pair, REMEDY_BETWEEN)
    expected = NOTHING if chance is None else chance()
    return next(iter(_judge(leak, expected, np.concatenate([rows[0], train[0]]))), None)


def expect_repeats(train: Iterable[NDArray[np.uint64]], rows: Iterable[NDArray[np.uint64]]) -> Expectation:
    """Return how many rows would equal a training row if the columns were independent of each other.

    The probability of a row's values is the product of their frequencies among the training rows. One training row is
    not counted for each value: it may be a copy of the row in question, which is not a sign that the value is frequent.

    Parameters
    ----------
    train, rows : iterable of (n,) uint64 arrays
        The values of each column, features and label, as `value_bits` returns them.

    Examples
    --------
    >>> coins = [np.array([0, 1, 0, 1, 1, 0], dtype=np.uint64)] * 2
    >>> round(expect_repeats(coins, coins).mean, 2)
    3.89

    """
    return expect_repeats_of_pairs(zip(train, rows, strict=True))


def expect_repeats_of_pairs(columns: Iterable[tuple[NDArray[np.uint64], NDArray[np.uint64]]]) -> Expectation:
    """Return what `expect_repeats` does, given each column's values in the training rows and in the other rows."""
    n_train, probability = 0, np.ones(1)
    for known, asked in columns:
        n_train = len(known)
        values, counts = np.unique(known, return_counts=True)
        index = np.minimum(np.searchsorted(values, asked), len(values) - 1)
        others = np.where(values[index] == asked, counts[index] - 1, 0)
        probability = probability * (others / max(n_train - 1, 1))
    repeated = -np.expm1(n_train * np.log1p(-np.minimum(probability, 1 - 1e-12)))
    return Expectation(float(repeated.sum()), float((repeated * (1 - repeated)).sum()))


def value_bits(x: Table | NDArray[np.floating], y: NDArray[np.generic] | None = None) -> Iterator[NDArray[np.uint64]]:
    """Yield the values of each feature and of the label as 64 bits, the same for the same value in any table."""
    columns = _list_columns(x, y)
    for i in range(len(columns)):
        yield _value_bits(columns[i : i + 1][0])


def digest_rows(x: Table | NDArray[np.floating], y: NDArray[np.generic] | None = None) -> NDArray[np.uint64]:
    """Return 64 bits for each row, equal for rows with equal features and label.

    In a table of a million distinct rows, two have the same bits by chance with a probability of one in 30 million.

    Parameters
    ----------
    x : Table or (n, d) array
        The features.
    y : (n,) or (n, k) array, optional
        The labels.

    Returns
    -------
    (n,) uint64 array

    """
    return _digest(_list_columns(x, y), len(x), x)


def digest_columns(columns: Sequence[Column], rows: int) -> NDArray[np.uint64]:
    """Return what `digest_rows` does, for columns that may be read when they are asked for."""
    return _digest(_Columns(len(columns), lambda i: columns[i]), rows, None)


def _digest(columns: _Columns, rows: int, x: Table | NDArray[np.floating] | None) -> NDArray[np.uint64]:
    keys = hash_sequence(0, len(columns))
    total = np.zeros(rows, dtype=np.uint64)
    at_a_time = max(1, BLOCK_CELLS // max(rows, 1))
    for begin in range(0, len(columns), at_a_time):
        block = slice(begin, begin + at_a_time)
        if isinstance(x, np.ndarray) and begin + at_a_time <= x.shape[1]:
            bits = _value_bits(np.ascontiguousarray(x[:, block].T))
        else:
            bits = _stack_bits(columns[block], rows)
        total += mix_bits(bits ^ keys[block].reshape(-1, 1)).sum(axis=0, dtype=np.uint64)
    return total


def _list_columns(x: Table | NDArray[np.floating], y: NDArray[np.generic] | None) -> _Columns:
    labels = [] if y is None else list(y.T) if y.ndim == 2 else [y]
    if isinstance(x, Table):
        columns, names = x.columns, x.names
        return _Columns(
            len(names) + len(labels), lambda i: columns[names[i]] if i < len(names) else labels[i - len(names)]
        )
    values = [*np.asarray(x).T, *labels]
    return _Columns(len(values), lambda i: values[i])


class _Columns:
    """Columns that are read, by their number, when they are asked for."""

    def __init__(self, count: int, read: Callable[[int], Column | NDArray[np.generic]]) -> None:
        self._count, self._read = count, read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, block: slice) -> list[Column | NDArray[np.generic]]:
        return [self._read(i) for i in range(*block.indices(self._count))]


def _stack_bits(columns: Sequence[Column | NDArray[np.generic]], rows: int) -> NDArray[np.uint64]:
    """Return the bits of each column, those of columns of numbers together."""
    out = np.empty((len(columns), rows), dtype=np.uint64)
    numbers: dict[int, NDArray[Any]] = {}
    for i, column in enumerate(columns):
        values = column.values if isinstance(column, Column) and column.kind in NUMBER_KINDS else column
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
            numbers[i] = values
        else:
            out[i] = _value_bits(column)
    indices = np.array(list(numbers), dtype=np.int64)
    for which, matrix in stack_values(list(numbers.values())):
        out[indices[which]] = _value_bits(matrix)
    return out


def _compare_rows(
    part: str,
    digests: NDArray[np.uint64],
    train: NDArray[np.int64],
    rows: NDArray[np.int64],
    row_numbers: NDArray[np.int64],
) -> Leakage | None:
    leaked, copy = _find_copies(digests[rows], digests[train])
    if not leaked.any():
        return None
    pair = f"row {row_numbers[rows[np.argmax(leaked)]]}", f"row {row_numbers[train[copy]]}"
    return Leakage(part, int(leaked.sum()), len(rows), pair, suggest_duplicates())


def _judge(leak: Leakage, expected: Expectation, digests: NDArray[np.uint64]) -> list[Leakage]:
    """Return the leakage with what is to be known of chance, or nothing if chance explains it."""
    if expected.explains(leak.n_leaked):
        return []
    different = len(np.unique(digests))
    is_repetitive = different < FEW_DIFFERENT * len(digests)
    return [replace(leak, by_chance=expected.mean, different=(different, len(digests)) if is_repetitive else None)]


def _find_copies(rows: NDArray[np.uint64], train: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], int]:
    """Return which rows are among the training rows, and the index there of the first of them."""
    known = np.sort(train)
    places = np.searchsorted(known, rows)
    places[places == len(known)] = 0
    leaked = known[places] == rows if len(known) else np.zeros(len(rows), dtype=np.bool_)
    return leaked, int(np.argmax(train == rows[np.argmax(leaked)])) if leaked.any() else 0


def _value_bits(column: Column | NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return a number for each value, the same for the same value in any table."""
    if isinstance(column, Column):
        if column.kind == "words":
            hashes = np.array([*map(_hash_word, column.words), 0], dtype=np.uint64)
            return np.asarray(hashes[column.values])
        return _value_bits(column.values)
    if column.dtype.kind in "OUS":
        words, codes = np.unique(column.astype(str), return_inverse=True)
        return np.array([_hash_word(word) for word in words.tolist()], dtype=np.uint64)[codes]
    if column.dtype.kind in "Mm":
        return column.view(np.uint64)
    value = column.astype(np.float64)
    value += 0.0  # -0 equals 0
    value[np.isnan(value)] = np.nan
    return value.view(np.uint64) ^ mix_bits(_rounded_off(column, value))


def _rounded_off(column: NDArray[np.generic], value: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return what integers lost when they became floats, by which those that became the same float still differ."""
    if column.dtype.kind not in "iu" or column.dtype.itemsize < 8:
        return np.zeros(1, dtype=np.uint64)
    largest = 2.0**63 - 2**10 if column.dtype.kind == "i" else 2.0**64 - 2**11  # a float that the integers can hold
    with np.errstate(over="ignore"):
        return (column - np.minimum(value, largest).astype(column.dtype)).astype(np.uint64)


def _hash_word(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
