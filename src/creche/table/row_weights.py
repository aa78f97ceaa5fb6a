"""Weights: how much each row counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations
from creche.table.table import Table

__all__ = ["apply_class_weights", "resolve_sample_weights"]


def resolve_sample_weights(weights: Any, rows: Observations) -> NDArray[np.float64] | None:
    """One number for each observation, from one for each row of the user's table or the name of a column.

    Raises
    ------
    TableError
        If they are not as many as rows, negative, not finite, or all 0.

    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return _checked(_of_column(weights, rows), rows)
    try:
        array = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"sample_weight: holds no numbers ({error}); needs one number per row") from error
    if array.shape != (rows.of,):
        raise TableError(f"sample_weight: has shape {array.shape}; needs one number per row of the table, ({rows.of},)")
    return _checked(array[rows.rows], rows)


def _of_column(name: str, rows: Observations) -> NDArray[np.float64]:
    if not isinstance(rows.x, Table):
        raise TableError(f"sample_weight: got {name!r}, but arrays have no named columns; give one number per row")
    column = rows.x.column(name, "sample_weight")
    if column.kind not in ("number", "whole", "boolean"):
        raise TableError(f"sample_weight: column {name!r} holds no numbers; needs one number per row")
    return column.values.astype(np.float64)


def _checked(array: NDArray[np.float64], rows: Observations) -> NDArray[np.float64]:
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise TableError(
            f"sample_weight: row {rows.row_numbers[wrong[0]]} is {array[wrong[0]]}; needs finite numbers of 0 or more"
        )
    if array.sum() == 0:
        raise TableError("sample_weight: all are zero; at least one row must count")
    return array


def apply_class_weights(
    class_weight: Mapping[Any, float] | str,
    train: Observations,
    labels: LabelEncoder,
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """The rows' weights times those of their classes; "balanced" makes all classes weigh the same in sum.

    Raises
    ------
    TableError
        If a class is unknown, or a weight is negative, not finite or no number, or all are 0.

    """
    if labels.classes is None:
        raise TableError("class_weight: the label holds numbers, not classes; use sample_weight")
    numbers = encode_classes(train.y, labels.classes, labels.name)
    if class_weight == "balanced":
        counts = np.bincount(numbers, weights, len(labels.classes))
        of_class = counts.sum() / (len(labels.classes) * np.where(counts > 0, counts, 1.0))
    elif isinstance(class_weight, Mapping):
        of_class = _of_classes(class_weight, labels.classes)
    else:
        raise TableError(f"class_weight: got {class_weight!r}; needs 'balanced' or a dict from class to weight")
    return np.asarray(of_class[numbers] * (1.0 if weights is None else weights))


def _by_class(class_weight: Mapping[Any, float], classes: tuple[Any, ...]) -> dict[Any, float]:
    """The weights by the classes themselves: files and command lines have only words for numbers and yes or no."""
    of_word = {str(c).lower(): c for c in classes if not isinstance(c, str)}
    found: dict[Any, float] = {}
    for key, weight in class_weight.items():
        if key in classes:
            which = key
        elif isinstance(key, str) and key.lower() in of_word:
            which = of_word[key.lower()]
        else:
            raise TableError(f"class_weight: {key!r} is none of the classes {', '.join(map(repr, classes))}")
        if which in found:
            raise TableError(f"class_weight: got {which!r} twice; needs one weight for each class")
        found[which] = weight
    return found


def _of_classes(class_weight: Mapping[Any, float], classes: tuple[Any, ...]) -> NDArray[np.float64]:
    class_weight = _by_class(class_weight, classes)
    try:
        of_class = np.array([float(class_weight.get(c, 1.0)) for c in classes])
    except (TypeError, ValueError) as error:
        raise TableError(f"class_weight: got {dict(class_weight)}; needs a number for each class") from error
    if not (np.isfinite(of_class).all() and (of_class >= 0).all() and of_class.any()):
        raise TableError(f"class_weight: got {dict(class_weight)}; needs numbers of 0 or more, not all 0")
    return of_class
