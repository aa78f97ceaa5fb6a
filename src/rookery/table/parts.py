"""Parts: a table divided into training, validation and test rows; what is said of rows that stand in two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import TableError
from rookery.table.check import warn
from rookery.table.columns import Column, Table
from rookery.table.labels import class_numbers
from rookery.table.leakage import find_leakage, row_digests
from rookery.table.observations import Observations
from rookery.table.preparation import Preparation
from rookery.table.schema import Schema
from rookery.table.split import Parts, Split, part_number, part_words, split_parts

__all__ = ["Part", "divided", "without_duplicates"]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows for one purpose, and how much each counts."""

    observations: Observations
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.observations)


def _used(x: Table | NDArray[Any], schema: Schema | None) -> Table | NDArray[Any]:
    """Only the columns that are features: what makes two rows the same."""
    return x.select(schema.features) if schema is not None and isinstance(x, Table) else x


def without_duplicates(part: Part, schema: Schema | None) -> Part:
    rows = part.observations
    _, first = np.unique(row_digests(_used(rows.x, schema), rows.y), return_index=True)
    if len(first) == len(rows):
        return part
    warn(f"dropped {len(rows) - len(first):,} of {len(rows):,} rows, for they are copies of others")
    kept = np.sort(first)
    return Part(rows.take(kept), None if part.weights is None else part.weights[kept])


def divided(
    whole: Part,
    preparation: Preparation,
    classes: tuple[Any, ...] | None,
    seed: int,
    schema: Schema | None,
) -> tuple[Part, Part | None, Part | None]:
    """Training, validation and test rows of one table."""
    rows, split = whole.observations, preparation.split
    if split.column is None and not split.validation_fraction and not split.test_fraction:
        return whole, None, None
    numbers = None
    if classes is not None:
        numbers = class_numbers(rows.y, classes, rows.label, rows.called)
        _check_single_rows(rows, numbers, split)
    digests = row_digests(_used(rows.x, schema), rows.y if numbers is None else numbers)
    by = _split_by(rows, split)
    if preparation.duplicates == "together" and split.used is None:
        split, by = replace(split, group="copies"), digests
    parts = split_parts(split, len(rows), seed if split.seed is None else split.seed, numbers, by)
    for leak in find_leakage(
        digests, {"train": parts.train, "validation": parts.validation, "test": parts.test}, rows.called
    ):
        warn(str(leak))
    return _taken(whole, parts)


def _taken(whole: Part, parts: Parts) -> tuple[Part, Part | None, Part | None]:
    def taken(which: NDArray[np.int64]) -> Part:
        return Part(whole.observations.take(which), None if whole.weights is None else whole.weights[which])

    held_out = (taken(which) if len(which) else None for which in (parts.validation, parts.test))
    return taken(parts.train), *held_out  # type: ignore[return-value]


def _check_single_rows(rows: Observations, classes: NDArray[np.int32], split: Split) -> None:
    counts = np.bincount(classes)
    if split.used is None and split.stratify and (counts == 1).any():
        row = int(np.argmax(classes == np.argmax(counts == 1)))
        only = rows.y[row : row + 1].tolist()[0]
        cure = "" if isinstance(only, str | bool) else "learn it as a number with task='numbers', "
        raise TableError(
            f"label {rows.label!r}: row {rows.called[row]} is the only one of class {only!r}, which so cannot "
            f"be both learnt and validated; {cure}leave it out, join it with another class, or give "
            "validation_fraction=0"
        )


def _split_by(rows: Observations, split: Split) -> NDArray[Any] | None:
    """What the column says that the split goes by, as numbers in its order."""
    if split.used is None or not isinstance(rows.x, Table):
        return None
    column = rows.x.columns[split.used]
    if column.missing.any():
        row = rows.called[int(np.argmax(column.missing))]
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
    words = [part_number(word) for word in column.words] if column.kind == "words" else [None]
    codes = column.values if column.kind == "words" else np.zeros(len(column), dtype=np.int64)
    numbers = np.array([-1 if number is None else number for number in words])[codes]
    if (numbers < 0).any():
        row = int(np.argmax(numbers < 0))
        said = column.take(slice(row, row + 1)).objects()[0]
        raise TableError(f"column {name!r}: row {rows.called[row]} says {said!r}; {part_words(said)}")
    return np.asarray(numbers)
