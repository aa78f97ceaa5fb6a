"""Partitions: the training, validation and test rows of a table, and warnings about rows that are in two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.checks import warn
from creche.table.labels import encode_classes, find_single_rows
from creche.table.leakage import (
    Chance,
    Expectation,
    digest_rows,
    expect_repeats,
    expect_repeats_of_pairs,
    find_leakage,
    find_table_leakage,
    value_bits,
)
from creche.table.observations import Observations
from creche.table.preparation import Preparation
from creche.table.reading.read import IN_MEMORY
from creche.table.schema import Schema
from creche.table.split import Split, SplitIndices, parse_part, split_indices, suggest_part
from creche.table.table import Column, Table

__all__ = [
    "PartName",
    "Partition",
    "assemble_partitions",
    "drop_duplicates",
    "expect_repeats_within",
    "hash_rows",
    "read_split_column",
    "split_validation",
    "warn_of_leakage_between",
    "warn_of_single_rows",
]

PartName: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The rows of one part of a table, with their weights.

    Attributes
    ----------
    observations : Observations
    weights : (n,) array or None
        How many rows each row counts for; None if each counts for one.

    """

    observations: Observations
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.observations)

    def take(self, rows: NDArray[np.int64]) -> Partition:
        """Return the partition of these rows, by index."""
        return Partition(self.observations.take(rows), None if self.weights is None else self.weights[rows])


def hash_rows(part: Partition, schema: Schema | None, classes: tuple[Any, ...] | None) -> NDArray[np.uint64]:
    """Return a hash of the features and the label of each row."""
    return digest_rows(*_compared_values(part, schema, classes))


def expect_repeats_within(part: Partition, schema: Schema | None, classes: tuple[Any, ...] | None) -> Chance:
    """Return a function that tells how many of some rows of the part equal others by chance."""

    def chance(train: NDArray[np.int64], rows: NDArray[np.int64]) -> Expectation:
        values = value_bits(*_compared_values(part, schema, classes))
        return expect_repeats_of_pairs((column[train], column[rows]) for column in values)

    return chance


def _compared_values(
    part: Partition, schema: Schema | None, classes: tuple[Any, ...] | None
) -> tuple[Table | NDArray[np.floating[Any]], NDArray[Any]]:
    """Return the features and labels in which copies agree; they may differ in other columns."""
    rows = part.observations
    x = rows.x.select(schema.features) if schema is not None and isinstance(rows.x, Table) else rows.x
    return x, rows.y if classes is None else encode_classes(rows.y, classes, rows.label, rows.row_numbers)


def drop_duplicates(part: Partition, schema: Schema | None) -> Partition:
    """Return the part with one of each set of rows with the same features and label, and warn of the others."""
    _, first = np.unique(hash_rows(part, schema, None), return_index=True)
    if len(first) == len(part):
        return part
    warn(f"dropped {len(part) - len(first):,} of {len(part):,} rows because they are copies of others")
    return part.take(np.sort(first))


def assemble_partitions(
    usable: Partition,
    preparation: Preparation,
    classes: tuple[Any, ...] | None,
    seed: int,
    schema: Schema | None,
) -> tuple[Partition, Partition | None, Partition | None]:
    """Return the training, validation and test rows of one table."""
    rows, split = usable.observations, preparation.split
    if split.column is None and not split.validation_fraction and not split.test_fraction:
        return usable, None, None
    if classes is not None:
        numbers = encode_classes(rows.y, classes, rows.label, rows.row_numbers)
        if split.by_column is None and split.stratify:
            warn_of_single_rows(
                numbers, classes, rows,
                "so it stays a training row, and no other row shows how well its class is predicted",
            )  # fmt: skip
    digests = hash_rows(usable, schema, classes)
    parts = _split_indices(usable, replace(preparation, split=split), classes, seed, digests)
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    chance = expect_repeats_within(usable, schema, classes)
    for leak in find_leakage(digests, named, rows.row_numbers, chance):
        warn(str(leak))
    return _take_parts(usable, parts)


def split_validation(
    part: Partition, preparation: Preparation, classes: tuple[Any, ...] | None, seed: int, schema: Schema | None
) -> tuple[Partition, Partition | None]:
    """Split a part once more, into rows to train on and rows to watch while training, without a warning of copies."""
    split = replace(preparation.split, test_fraction=0.0)
    if not split.validation_fraction:
        return part, None
    digests = hash_rows(part, schema, classes)
    indices = _split_indices(part, replace(preparation, split=split), classes, seed, digests)
    train, validation, _ = _take_parts(part, indices)
    return train, validation


def warn_of_leakage_between(
    part: Partition, train: Partition, what: str, schema: Schema | None, classes: tuple[Any, ...] | None
) -> None:
    """Warn if rows that came in the argument `what` are also among the training rows."""

    def describe(rows: Partition, name: str) -> tuple[NDArray[np.uint64], NDArray[np.int64], str]:
        source = rows.observations.x.source if isinstance(rows.observations.x, Table) else ""
        table_name = name if source in ("", IN_MEMORY) else source
        return hash_rows(rows, schema, classes), rows.observations.row_numbers, table_name

    def chance() -> Expectation:
        known, asked = (value_bits(*_compared_values(rows, schema, classes)) for rows in (train, part))
        return expect_repeats(known, asked)

    table = IN_MEMORY if isinstance(train.observations.x, Table) else "X"
    leak = find_table_leakage(what.removesuffix("_data"), describe(part, what), describe(train, table), chance)
    if leak is not None:
        warn(str(leak))


def read_split_column(rows: Observations, split: Split) -> NDArray[Any] | None:
    """Return the values of the column by which rows are split, as numbers in their order; None for a random split."""
    if split.by_column is None or not isinstance(rows.x, Table):
        return None
    column = rows.x.columns[split.by_column]
    if column.missing.any():
        row = rows.row_numbers[int(np.argmax(column.missing))]
        raise TableError(
            f"column {split.by_column!r}: row {row} is empty, but rows are split by this column; fill it in"
        )
    if split.column is not None:
        return _number_parts(column, rows, split.column)
    if column.kind == "words":
        if split.time is not None:
            raise TableError(f"time: column {split.time!r} holds words; needs dates or numbers")
        order = {word: i for i, word in enumerate(sorted(column.words))}
        return np.asarray(np.array([order[word] for word in column.words])[column.values])
    return column.values


def _split_indices(
    part: Partition,
    preparation: Preparation,
    classes: tuple[Any, ...] | None,
    seed: int,
    digests: NDArray[np.uint64],
) -> SplitIndices:
    rows, split = part.observations, preparation.split
    numbers = None if classes is None else encode_classes(rows.y, classes, rows.label, rows.row_numbers)
    by = read_split_column(rows, split)
    if preparation.duplicates == "together" and split.by_column is None:
        split, by = replace(split, group="copies"), digests
    return split_indices(split, len(rows), seed if split.seed is None else split.seed, numbers, by)


def warn_of_single_rows(
    numbers: NDArray[np.int32], classes: tuple[Any, ...], rows: Observations, consequence: str
) -> None:
    """Warn of classes that have only one row, and of what follows, which begins with "so"."""
    single = find_single_rows(numbers, classes)
    if not single:
        return
    row, value = single[0]
    others = len(single) - 1
    more = f" ({others:,} more {'class has' if others == 1 else 'classes have'} only one row)" if others else ""
    warn(
        f"label {rows.label!r}: row {rows.row_numbers[row]} is the only one of class {value!r}{more}, {consequence}; "
        "leave it out, or merge its class with another"
    )


def _take_parts(usable: Partition, indices: SplitIndices) -> tuple[Partition, Partition | None, Partition | None]:
    held_out = (usable.take(rows) if len(rows) else None for rows in (indices.validation, indices.test))
    return usable.take(indices.train), *held_out  # type: ignore[return-value]


def _number_parts(column: Column, rows: Observations, name: str) -> NDArray[np.int64]:
    words = [parse_part(word) for word in column.words] if column.kind == "words" else [None]
    codes = column.values if column.kind == "words" else np.zeros(len(column), dtype=np.int64)
    numbers = np.array([-1 if number is None else number for number in words])[codes]
    if (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        cell = column.take(slice(row, row + 1)).to_objects()[0]
        raise TableError(f"column {name!r}: row {rows.row_numbers[row]} is {cell!r}; {suggest_part(cell)}")
    return np.asarray(numbers)
