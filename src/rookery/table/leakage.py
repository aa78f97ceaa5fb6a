"""Leakage: rows that are trained on and judged with as well, so that a network is praised for remembering them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rookery.table.columns import Column, Table
from rookery.table.split import hashed, mixed

__all__ = ["Leakage", "find_leakage", "row_digests"]


@dataclass(frozen=True, slots=True)
class Leakage:
    """Rows that stand on both sides of a split.

    Attributes
    ----------
    part : str
        "validation" or "test".
    rows : int
        How many of that part's rows stand among the training rows too.
    of : int
        How many rows the part has.
    example : (int, int)
        One of them and its like among the training rows, as their user counts rows.

    """

    part: str
    rows: int
    of: int
    example: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"leakage: {self.rows:,} of the {self.of:,} {self.part} rows stand among the training rows as well, with "
            f"the same label (row {self.example[0]} is row {self.example[1]}, for one), so {self.part} numbers flatter "
            "the network; duplicates='drop' keeps one row of each, duplicates='together' keeps copies on one side"
        )


def find_leakage(
    digests: NDArray[np.uint64], parts: Mapping[str, NDArray[np.int64]], called: NDArray[np.int64]
) -> list[Leakage]:
    """What is found in each part but the first, which is the training part.

    Parameters
    ----------
    digests : (n,) uint64
        Of each row (see `row_digests`).
    parts : dict of str to row numbers
        The training rows first.
    called : (n,) int64
        What the user calls each row.

    Examples
    --------
    >>> digests = np.array([5, 6, 7, 5], dtype=np.uint64)
    >>> find_leakage(digests, {"train": np.array([0, 1]), "test": np.array([2, 3])}, np.arange(1, 5))
    [Leakage(part='test', rows=1, of=2, example=(4, 1))]

    """
    (_, train), *others = parts.items()
    found = []
    for part, rows in others:
        same = np.isin(digests[rows], digests[train])
        if same.any():
            first = rows[np.argmax(same)]
            like = train[np.argmax(digests[train] == digests[first])]
            found.append(Leakage(part, int(same.sum()), len(rows), (int(called[first]), int(called[like]))))
    return found


def row_digests(x: Table | NDArray[np.floating], y: NDArray[np.generic]) -> NDArray[np.uint64]:
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
    for key, column in zip(hashed(0, len(columns) + len(labels)), [*columns, *labels], strict=True):
        total += mixed(_bits(column) ^ key)
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
