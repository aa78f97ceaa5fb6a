"""Summaries of columns: mean, deviation and quantiles of numbers and dates, the counts of categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_types import ColumnContext, Rule
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.moments import compute_moments
from creche.table.split import mix_bits
from creche.table.table import Column
from creche.table.word_columns import coerce_column

__all__ = ["QUANTILES", "CategoryCounts", "as_numbers", "count_categories", "hash_category", "summarize_numbers"]

QUANTILES = 20  # intervals with the same share of the values, between the quantiles 0/20, 1/20, …, 20/20

MAX_SORTED = 100_000  # values of a column; of longer ones, quantiles are those of a sample

MAX_RARE = 100_000  # categories without an input of their own

BLOCK_CELLS = 16_000_000


@dataclass(frozen=True, slots=True, eq=False)
class CategoryCounts:
    """How often each category of a column occurred in the training rows.

    Attributes
    ----------
    rows : (k + 1,) int64
        The rows of each category with an input of its own, in the encoder's order; then of all others together.
    rare : (r,) uint32
        The hashes of the others, ascending.
    singles : int
        How many categories occurred in one row only.
    is_complete : bool
        Whether `rare` holds all of the others: very many are not kept.

    """

    rows: NDArray[np.int64]
    rare: NDArray[np.uint32]
    singles: int
    is_complete: bool

    @property
    def expected_unseen(self) -> float:
        """The share of other rows to expect with a category that did not occur (Good 1953): that of single ones."""
        return self.singles / max(int(self.rows.sum()), 1)


def as_numbers(column: Column) -> NDArray[np.float64]:
    """Return the values of a column of numbers or dates as float64; dates as microseconds since 1970."""
    if column.kind != "datetime":
        return column.values.astype(np.float64, copy=False)
    moments = column.values.astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64).astype(np.float64))


def hash_category(word: str) -> int:
    """Return 32 bits for a category."""
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")


def summarize_numbers(
    columns: Sequence[Column],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the missing values, mean, deviation and quantiles of each column."""
    if not isinstance(columns, list):  # read when they are asked for: one by one, with the same bits
        parts = [summarize_numbers([columns[i]]) for i in range(len(columns))]
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))  # type: ignore[return-value]
    missing = np.array([int(column.missing.sum()) for column in columns], dtype=np.int64)
    mean, deviation = np.full(len(columns), np.nan), np.full(len(columns), np.nan)
    quantiles = np.full((len(columns), QUANTILES + 1), np.nan)
    numeric = [i for i, column in enumerate(columns) if column.kind != "words"]
    rows = len(columns[0])
    at_a_time = max(1, BLOCK_CELLS // max(rows, 1))
    complete = [i for i in numeric if not missing[i]]
    groups = [complete[begin : begin + at_a_time] for begin in range(0, len(complete), at_a_time)]
    groups += [[i] for i in numeric if 0 < missing[i] < rows]
    for group in groups:
        values = np.stack([as_numbers(columns[i]) for i in group])
        if missing[group[0]]:
            values = values[:, ~np.isnan(values[0])]
        mean[group], spread = compute_moments(values.T)
        deviation[group] = np.where(np.isfinite(spread), spread, 0.0)
        quantiles[group] = _quantiles(values)
    return missing, mean, deviation, quantiles


def _quantiles(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced quantiles of columns, (d, rows): definition 2 of Hyndman & Fan 1996."""
    rows = columns.shape[1]
    sample: Any = slice(None)
    if rows > MAX_SORTED:
        sample = np.flatnonzero(mix_bits(np.arange(rows, dtype=np.uint64)) < 2**64 // rows * MAX_SORTED)
    ordered = np.sort(columns[:, sample], axis=1)
    count = ordered.shape[1]
    shares = np.arange(QUANTILES + 1) * count
    low = np.clip(-(-shares // QUANTILES) - 1, 0, count - 1)
    high = np.minimum(shares // QUANTILES, count - 1)
    out = ordered[:, low] / 2 + ordered[:, high] / 2  # halves, so that the sum cannot overflow
    out[:, 0], out[:, -1] = columns.min(axis=1), columns.max(axis=1)
    return np.maximum.accumulate(out, axis=1) + 0.0


def count_categories(encoder: CategoricalEncoder, column: Column) -> CategoryCounts:
    column = coerce_column(column, Rule("words", required=True), ColumnContext("the table", encoder.name))
    present = column.values[column.values >= 0]
    counts = np.bincount(present, minlength=len(column.words)).tolist()
    index = {word: i for i, word in enumerate(encoder.categories)}
    rows = np.zeros(len(index) + 1, dtype=np.int64)
    rare = []
    for word, count in zip(encoder.match_categories(column.words), counts, strict=True):
        if not count:
            continue
        rows[index.get(word, -1)] += count
        if word not in index:
            rare.append(word)
    is_complete = len(rare) <= MAX_RARE
    hashes = np.array([hash_category(word) for word in rare] if is_complete else [], dtype=np.uint32)
    return CategoryCounts(rows, np.unique(hashes), sum(count == 1 for count in counts), is_complete)
