"""Parts: a table divided into training, validation and test rows; what is said of rows that stand in two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.checks import warn
from creche.table.labels import check_class_sizes, encode_classes
from creche.table.leakage import digest_rows, find_leakage, find_table_leakage
from creche.table.observations import Observations
from creche.table.preparation import Preparation
from creche.table.reading.read import IN_MEMORY
from creche.table.schema import Schema
from creche.table.split import Parts, Split, describe_part_words, parse_part, split_parts
from creche.table.table import Column, Table

__all__ = [
    "Partition",
    "assemble_partitions",
    "drop_duplicates",
    "hash_rows",
    "read_split_column",
    "split_validation",
    "warn_of_leakage_between",
]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Rows for one purpose, and how much each counts."""

    observations: Observations
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.observations)

    def take(self, which: NDArray[np.int64]) -> Partition:
        """These of them, by place."""
        return Partition(self.observations.take(which), None if self.weights is None else self.weights[which])


def hash_rows(part: Partition, schema: Schema | None, classes: tuple[Any, ...] | None) -> NDArray[np.uint64]:
    """Of each row, by its features and label."""
    rows = part.observations
    # Only features: what else a table holds tells no copies apart.
    x = rows.x.select(schema.features) if schema is not None and isinstance(rows.x, Table) else rows.x
    return digest_rows(x, rows.y if classes is None else encode_classes(rows.y, classes, rows.label, rows.row_numbers))


def drop_duplicates(part: Partition, schema: Schema | None) -> Partition:
    _, first = np.unique(hash_rows(part, schema, None), return_index=True)
    if len(first) == len(part):
        return part
    warn(f"dropped {len(part) - len(first):,} of {len(part):,} rows, for they are copies of others")
    return part.take(np.sort(first))


def assemble_partitions(
    whole: Partition,
    preparation: Preparation,
    classes: tuple[Any, ...] | None,
    seed: int,
    schema: Schema | None,
) -> tuple[Partition, Partition | None, Partition | None]:
    """Training, validation and test rows of one table."""
    rows, split = whole.observations, preparation.split
    if split.column is None and not split.validation_fraction and not split.test_fraction:
        return whole, None, None
    if classes is not None:
        numbers = encode_classes(rows.y, classes, rows.label, rows.row_numbers)
        if split.used is None and split.stratify:
            check_class_sizes(numbers, classes, rows.label, rows.row_numbers, "give validation_fraction=0")
    digests = hash_rows(whole, schema, classes)
    parts = _split_parts(whole, replace(preparation, split=split), classes, seed, digests)
    for leak in find_leakage(
        digests, {"train": parts.train, "validation": parts.validation, "test": parts.test}, rows.row_numbers
    ):
        warn(str(leak))
    return _taken(whole, parts)


def split_validation(
    part: Partition, preparation: Preparation, classes: tuple[Any, ...] | None, seed: int, schema: Schema | None
) -> tuple[Partition, Partition | None]:
    """Rows of one part, divided once more: to train on, and to watch while training. Nothing is said of copies."""
    split = replace(preparation.split, test_fraction=0.0)
    if not split.validation_fraction:
        return part, None
    digests = hash_rows(part, schema, classes)
    train, validation, _ = _taken(part, _split_parts(part, replace(preparation, split=split), classes, seed, digests))
    return train, validation


def _split_parts(
    part: Partition,
    preparation: Preparation,
    classes: tuple[Any, ...] | None,
    seed: int,
    digests: NDArray[np.uint64],
) -> Parts:
    rows, split = part.observations, preparation.split
    numbers = None if classes is None else encode_classes(rows.y, classes, rows.label, rows.row_numbers)
    by = read_split_column(rows, split)
    if preparation.duplicates == "together" and split.used is None:
        split, by = replace(split, group="copies"), digests
    return split_parts(split, len(rows), seed if split.seed is None else split.seed, numbers, by)


def warn_of_leakage_between(
    part: Partition, train: Partition, what: str, schema: Schema | None, classes: tuple[Any, ...] | None
) -> None:
    """Warns if rows of a table of their own, `what`, stand among the training rows."""

    def described(rows: Partition, name: str) -> tuple[NDArray[np.uint64], NDArray[np.int64], str]:
        source = rows.observations.x.source if isinstance(rows.observations.x, Table) else ""
        named = name if source in ("", IN_MEMORY) else source
        return hash_rows(rows, schema, classes), rows.observations.row_numbers, named

    table = IN_MEMORY if isinstance(train.observations.x, Table) else "X"
    leak = find_table_leakage(what.removesuffix("_data"), described(part, what), described(train, table))
    if leak is not None:
        warn(str(leak))


def _taken(whole: Partition, parts: Parts) -> tuple[Partition, Partition | None, Partition | None]:
    held_out = (whole.take(which) if len(which) else None for which in (parts.validation, parts.test))
    return whole.take(parts.train), *held_out  # type: ignore[return-value]


def read_split_column(rows: Observations, split: Split) -> NDArray[Any] | None:
    """What the column says that the split goes by, as numbers in its order."""
    if split.used is None or not isinstance(rows.x, Table):
        return None
    column = rows.x.columns[split.used]
    if column.missing.any():
        row = rows.row_numbers[int(np.argmax(column.missing))]
        raise TableError(f"column {split.used!r}: row {row} is empty, and the split goes by it; fill it in")
    if split.column is not None:
        return _part_numbers(column, rows, split.column)
    if column.kind == "words":
        if split.time is not None:
            raise TableError(f"time: column {split.time!r} holds words; needs dates or numbers to go by")
        place = {word: i for i, word in enumerate(sorted(column.words))}
        return np.asarray(np.array([place[word] for word in column.words])[column.values])
    return column.values


def _part_numbers(column: Column, rows: Observations, name: str) -> NDArray[np.int64]:
    words = [parse_part(word) for word in column.words] if column.kind == "words" else [None]
    codes = column.values if column.kind == "words" else np.zeros(len(column), dtype=np.int64)
    numbers = np.array([-1 if number is None else number for number in words])[codes]
    if (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        said = column.take(slice(row, row + 1)).objects()[0]
        raise TableError(f"column {name!r}: row {rows.row_numbers[row]} says {said!r}; {describe_part_words(said)}")
    return np.asarray(numbers)
