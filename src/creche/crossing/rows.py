"""Rows with what is said of them by networks that never saw them: as columns, and those most in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.table.columns import Column, Table
from creche.table.labels import LabelEncoder, class_numbers
from creche.table.parts import Part

__all__ = ["Doubtful", "most_doubtful", "table_of_rows"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A row about which the networks that never saw it disagree.

    Attributes
    ----------
    row : int
        As the user counts.
    truth, said
        Classes, or numbers; of several labels, lists of them.
    doubt : float

    """

    row: int
    truth: Any
    said: Any
    doubt: float


def table_of_rows(part: Part, labels: LabelEncoder, said: Numbers, doubt: Numbers, times: NDArray[np.int64]) -> Table:
    """Row, truth and prediction, a probability for each class, doubt, and how many networks said so.

    Parameters
    ----------
    part : Part
        The rows.
    labels : LabelEncoder
    said : (n, classes) or (n, k) float64
    doubt : (n,) float64
    times : (n,) int64

    """
    rows = part.observations
    columns = {"row": Column("whole", rows.called)}
    if labels.classes is None:
        truth = rows.y.reshape(len(rows), -1).astype(np.float64)
        for i, name in enumerate(labels.names):
            columns[f"true_{name}"] = Column("number", truth[:, i])
            columns[f"predicted_{name}"] = Column("number", said[:, i])
    else:
        words = tuple(str(value) for value in labels.classes)
        numbers = class_numbers(rows.y, labels.classes, rows.label, rows.called)
        columns[f"true_{labels.name}"] = Column("words", numbers, words)
        columns[f"predicted_{labels.name}"] = Column("words", said.argmax(axis=1).astype(np.int32), words)
        columns |= {f"probability_{word}": Column("number", said[:, i]) for i, word in enumerate(words)}
    columns["doubt"] = Column("number", doubt)
    columns["networks"] = Column("whole", times)
    return Table(columns, "predictions")


def most_doubtful(
    part: Part, classes: tuple[Any, ...] | None, said: Numbers, doubt: Numbers, most: int
) -> list[Doubtful]:
    """The rows of the most doubt, those first; none of which there is no doubt."""
    rows, known = part.observations, np.nan_to_num(doubt)
    first = np.argsort(-known, kind="stable")[:most]
    first = first[known[first] > 0]
    numbers = said[first, 0] if rows.y.ndim == 1 else said[first]
    words = numbers.tolist() if classes is None else [classes[c] for c in said[first].argmax(axis=1)]
    of_rows = zip(rows.called[first].tolist(), rows.y[first].tolist(), words, known[first].tolist(), strict=True)
    return [Doubtful(*of_row) for of_row in of_rows]
