"""The weights of rows: from a column or an array, and factors by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import TableError, nearest
from creche.table.checks import CONVERSION_ERRORS
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations
from creche.table.table import Table

__all__ = ["apply_class_weights", "resolve_sample_weights"]


def resolve_sample_weights(weights: Any, rows: Observations) -> NDArray[np.float64] | None:
    """Return the weight of each row, or None if all count for one.

    Parameters
    ----------
    weights : (n,) array, str or None
        One number for each row of the user's table, or the name of a column.
    rows : Observations

    Raises
    ------
    TableError
        If there is not one for each row, or if any is negative or not finite, or all are 0.

    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return _check_weights(_read_weight_column(weights, rows), rows)
    try:
        array = np.asarray(weights, dtype=np.float64)
    except CONVERSION_ERRORS as error:
        raise TableError(f"sample_weight: holds no numbers ({error}); needs one number per row") from error
    if array.shape != (rows.n_table_rows,):
        raise TableError(
            f"sample_weight: has shape {array.shape}; needs one number per row of the table, ({rows.n_table_rows},)"
        )
    return _check_weights(array[rows.row_indices], rows)


def apply_class_weights(
    class_weight: Mapping[Any, float] | str,
    train: Observations,
    labels: LabelEncoder,
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return the weight of each row times the weight of its class.

    Parameters
    ----------
    class_weight : dict of class to number, or "balanced"
        "balanced" makes the weights of each class add up to the same sum.
    train : Observations
    labels : LabelEncoder
    weights : (n,) array or None
        The weights of the rows; None if each counts for one.

    Raises
    ------
    TableError
        If a class is unknown, or a weight is negative, not finite or no number, or all are 0.

    """
    if labels.classes is None:
        held = "several labels of yes or no" if labels.is_multilabel else "numbers"
        raise TableError(
            f"class_weight: label {labels.name!r} holds {held}, not classes; use {advise('sample_weight')}"
        )
    numbers = encode_classes(train.y, labels.classes, labels.name)
    if class_weight == "balanced":
        counts = np.bincount(numbers, weights, len(labels.classes))
        factors = counts.sum() / (len(labels.classes) * np.where(counts > 0, counts, 1.0))
    elif isinstance(class_weight, Mapping):
        factors = _class_factors(class_weight, labels.classes)
    else:
        raise TableError(f"class_weight: got {class_weight!r}; needs 'balanced' or a dict from class to weight")
    return np.asarray(factors[numbers] * (1.0 if weights is None else weights))


def _read_weight_column(name: str, rows: Observations) -> NDArray[np.float64]:
    if not isinstance(rows.x, Table):
        raise TableError(f"sample_weight: got {name!r}, but arrays have no named columns; needs one number per row")
    column = rows.x.column(name, "sample_weight")
    if column.kind not in ("number", "whole", "boolean"):
        raise TableError(f"sample_weight: column {name!r} holds no numbers; needs one number per row")
    return column.values.astype(np.float64)


def _check_weights(array: NDArray[np.float64], rows: Observations) -> NDArray[np.float64]:
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise TableError(
            f"sample_weight: row {rows.row_numbers[wrong[0]]} is {array[wrong[0]]}; needs finite numbers of 0 or more"
        )
    if array.sum() == 0:
        raise TableError("sample_weight: all are zero; needs at least one number above 0")
    return array


def _match_classes(class_weight: Mapping[Any, float], classes: tuple[Any, ...]) -> dict[Any, float]:
    """Return the weights by class; a class that is a number or boolean may be written as a word, as in files."""
    class_by_word = {str(label).lower(): label for label in classes if not isinstance(label, str)}
    weights: dict[Any, float] = {}
    for key, weight in class_weight.items():
        if key in classes:
            label = key
        elif isinstance(key, str) and key.lower() in class_by_word:
            label = class_by_word[key.lower()]
        else:
            raise TableError(f"class_weight: got {key!r}, which is not a class; {nearest(key, map(str, classes))}")
        if label in weights:
            raise TableError(f"class_weight: got {label!r} twice; needs one weight for each class")
        weights[label] = weight
    return weights


def _class_factors(class_weight: Mapping[Any, float], classes: tuple[Any, ...]) -> NDArray[np.float64]:
    class_weight = _match_classes(class_weight, classes)
    try:
        factors = np.array([float(class_weight.get(label, 1.0)) for label in classes])
    except (TypeError, ValueError) as error:
        raise TableError(f"class_weight: got {dict(class_weight)}; needs a number for each class") from error
    if not (np.isfinite(factors).all() and (factors >= 0).all() and factors.any()):
        raise TableError(f"class_weight: got {dict(class_weight)}; needs numbers of 0 or more, not all 0")
    return factors
