"""Leakage: rows that are trained on and judged with as well, so that a network is praised for remembering them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.table.split import hash_sequence, mix_bits
from creche.table.table import Column, Table

__all__ = ["Leakage", "digest_rows", "find_fold_leakage", "find_leakage", "find_table_leakage"]

OF_ONE_TABLE = "duplicates='drop' keeps one row of each, duplicates='together' keeps copies on one side"
OF_TWO_TABLES = "take them out of one of the two"


@dataclass(frozen=True, slots=True)
class Leakage:
    """Rows that stand on both sides of a split.

    Attributes
    ----------
    part : str
        "validation", "test", or "held-out" for the rows of folds.
    rows : int
        How many of that part's rows stand among the training rows too.
    of : int
        How many rows the part has.
    example : (str, str)
        One of them and its like among the training rows, as their user calls rows.
    cure : str
        What to do.

    """

    part: str
    rows: int
    of: int
    example: tuple[str, str]
    cure: str

    def __str__(self) -> str:
        return (
            f"leakage: {self.rows:,} of the {self.of:,} {self.part} rows stand among the training rows as well, with "
            f"the same label ({self.example[0]} is {self.example[1]}, for one), so {self.part} numbers flatter "
            f"the network; {self.cure}"
        )


def find_leakage(
    digests: NDArray[np.uint64], parts: Mapping[str, NDArray[np.int64]], called: NDArray[np.int64]
) -> list[Leakage]:
    """What is found in each part of a table but the first, which is the training part.

    Parameters
    ----------
    digests : (n,) uint64
        Of each row (see `digest_rows`).
    parts : dict of str to row numbers
        The training rows first.
    called : (n,) int64
        What the user calls each row.

    Examples
    --------
    >>> digests = np.array([5, 6, 7, 5], dtype=np.uint64)
    >>> leak, = find_leakage(digests, {"train": np.array([0, 1]), "test": np.array([2, 3])}, np.arange(1, 5))
    >>> leak.part, leak.rows, leak.of, leak.example
    ('test', 1, 2, ('row 4', 'row 1'))

    """
    (_, train), *others = parts.items()
    found = []
    for part, rows in others:
        same, like = _alike(digests[rows], digests[train])
        if same.any():
            pair = f"row {called[rows[np.argmax(same)]]}", f"row {called[train[like]]}"
            found.append(Leakage(part, int(same.sum()), len(rows), pair, OF_ONE_TABLE))
    return found


def find_fold_leakage(
    digests: NDArray[np.uint64], folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], called: NDArray[np.int64]
) -> Leakage | None:
    """What is found in all folds together, each with the rows to train on and those held out; None for nothing."""
    leaking, of, pair = 0, 0, ("", "")
    for train, held_out in folds:
        for leak in find_leakage(digests, {"train": train, "held-out": held_out}, called):
            leaking, pair = leaking + leak.rows, pair if leaking else leak.example
        of += len(held_out)
    return Leakage("held-out", leaking, of, pair, OF_ONE_TABLE) if leaking else None


def find_table_leakage(
    part: str,
    rows: tuple[NDArray[np.uint64], NDArray[np.int64], str],
    train: tuple[NDArray[np.uint64], NDArray[np.int64], str],
) -> Leakage | None:
    """What is found in rows of a table of their own; None for nothing.

    Parameters
    ----------
    part : str
    rows, train : (digests, what the user calls each row, the table's name)

    """
    same, like = _alike(rows[0], train[0])
    if not same.any():
        return None
    pair = f"row {rows[1][np.argmax(same)]} of {rows[2]}", f"row {train[1][like]} of {train[2]}"
    return Leakage(part, int(same.sum()), len(rows[0]), pair, OF_TWO_TABLES)


def _alike(rows: NDArray[np.uint64], train: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], int]:
    """Which rows stand among the training rows, and the place there of the first such."""
    same = np.isin(rows, train)
    return same, int(np.argmax(train == rows[np.argmax(same)])) if same.any() else 0


def digest_rows(x: Table | NDArray[np.floating], y: NDArray[np.generic]) -> NDArray[np.uint64]:
    """64 bits for each row, equal for rows with equal features and label.

    Two unlike rows among a million share theirs by chance once in thirty million tables.

    Parameters
    ----------
    x : Table or (n, d) array
    y : (n,) or (n, k) array of labels

    Returns
    -------
    (n,) uint64

    """
    columns = list(x.columns.values()) if isinstance(x, Table) else list(np.asarray(x).T)
    labels = list(y.T) if y.ndim == 2 else [y]
    total = np.zeros(len(y), dtype=np.uint64)
    for key, column in zip(hash_sequence(0, len(columns) + len(labels)), [*columns, *labels], strict=True):
        total += mix_bits(_bits(column) ^ key)
    return total


def _bits(column: Column | NDArray[np.generic]) -> NDArray[np.uint64]:
    """A number for each value, the same for the same value in any table."""
    if isinstance(column, Column):
        if column.kind == "words":
            of_word = np.array([*map(_of_word, column.words), 0], dtype=np.uint64)
            return np.asarray(of_word[column.values])
        return _bits(column.values)
    if column.dtype.kind in "OUS":
        found, which = np.unique(column.astype(str), return_inverse=True)
        return np.array([_of_word(word) for word in found.tolist()], dtype=np.uint64)[which]
    if column.dtype.kind in "Mm":
        return column.view(np.uint64)
    value = column.astype(np.float64)
    value += 0.0  # -0 equals 0
    value[np.isnan(value)] = np.nan
    return value.view(np.uint64)


def _of_word(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
