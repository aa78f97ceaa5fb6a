"""Leakage: rows that are both trained on and evaluated on, so that a network seems better than it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.table.split import hash_sequence, mix_bits
from creche.table.table import Column, Table

__all__ = ["Leakage", "digest_rows", "find_fold_leakage", "find_leakage", "find_table_leakage"]

REMEDY_WITHIN = "duplicates='drop' keeps one row of each, duplicates='together' keeps copies on one side"
REMEDY_BETWEEN = "remove them from one of the two tables"


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

    """

    part: str
    n_leaked: int
    n_rows: int
    example: tuple[str, str]
    remedy: str

    def __str__(self) -> str:
        return (
            f"leakage: {self.n_leaked:,} of {self.n_rows:,} {self.part} rows are also among the training rows, with "
            f"the same label (for example, {self.example[0]} equals {self.example[1]}), so {self.part} metrics are "
            f"too optimistic; {self.remedy}"
        )


def find_leakage(
    digests: NDArray[np.uint64], parts: Mapping[str, NDArray[np.int64]], row_numbers: NDArray[np.int64]
) -> list[Leakage]:
    """Find the rows of each part that are also training rows.

    Parameters
    ----------
    digests : (n,) uint64 array
        A hash of each row of the table (see `digest_rows`).
    parts : dict of str to array of int
        The indices of the rows of each part, the training part first.
    row_numbers : (n,) int64 array
        The row number of each row.

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
        leaked, copy = _find_copies(digests[rows], digests[train])
        if leaked.any():
            pair = f"row {row_numbers[rows[np.argmax(leaked)]]}", f"row {row_numbers[train[copy]]}"
            leaks.append(Leakage(part, int(leaked.sum()), len(rows), pair, REMEDY_WITHIN))
    return leaks


def find_fold_leakage(
    digests: NDArray[np.uint64],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    row_numbers: NDArray[np.int64],
) -> Leakage | None:
    """Find the held-out rows of all folds that are also training rows of their fold; None if there are none."""
    n_leaked, n_rows, pair = 0, 0, ("", "")
    for train, held_out in folds:
        for leak in find_leakage(digests, {"train": train, "held-out": held_out}, row_numbers):
            n_leaked, pair = n_leaked + leak.n_leaked, pair if n_leaked else leak.example
        n_rows += len(held_out)
    return Leakage("held-out", n_leaked, n_rows, pair, REMEDY_WITHIN) if n_leaked else None


def find_table_leakage(
    part: str,
    rows: tuple[NDArray[np.uint64], NDArray[np.int64], str],
    train: tuple[NDArray[np.uint64], NDArray[np.int64], str],
) -> Leakage | None:
    """Find the rows of another table that are also training rows; None if there are none.

    Parameters
    ----------
    part : str
    rows, train : (array of uint64, array of int64, str)
        The hashes of the rows, their row numbers, and the name of their table.

    """
    leaked, copy = _find_copies(rows[0], train[0])
    if not leaked.any():
        return None
    pair = f"row {rows[1][np.argmax(leaked)]} of {rows[2]}", f"row {train[1][copy]} of {train[2]}"
    return Leakage(part, int(leaked.sum()), len(rows[0]), pair, REMEDY_BETWEEN)


def digest_rows(x: Table | NDArray[np.floating], y: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return 64 bits for each row, equal for rows with equal features and label.

    In a table of a million distinct rows, two have the same bits by chance with a probability of one in 30 million.

    Parameters
    ----------
    x : Table or (n, d) array
        The features.
    y : (n,) or (n, k) array
        The labels.

    Returns
    -------
    (n,) uint64 array

    """
    columns = list(x.columns.values()) if isinstance(x, Table) else list(np.asarray(x).T)
    labels = list(y.T) if y.ndim == 2 else [y]
    total = np.zeros(len(y), dtype=np.uint64)
    for key, column in zip(hash_sequence(0, len(columns) + len(labels)), [*columns, *labels], strict=True):
        total += mix_bits(_value_bits(column) ^ key)
    return total


def _find_copies(rows: NDArray[np.uint64], train: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], int]:
    """Return which rows are among the training rows, and the index there of the first of them."""
    leaked = np.isin(rows, train)
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
