"""Decision thresholds: the probability at or above which a class, or yes for a label, is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError, nearest
from creche.table.labels import LabelEncoder

if TYPE_CHECKING:
    from creche.evaluation import Threshold

__all__ = [
    "DecisionThreshold",
    "GivenThreshold",
    "check_probability",
    "check_threshold",
    "choose_classes",
    "class_threshold",
    "read_threshold",
]

# Of the second of two classes; of several labels of yes or no, one for each.
DecisionThreshold: TypeAlias = float | tuple[float, ...]

# What users may give.
GivenThreshold: TypeAlias = Union[
    "Threshold", float, Sequence[Union["Threshold", float]], Mapping[str, Union["Threshold", float]]
]

DEFAULT = 0.5


def check_threshold(threshold: Any, labels: LabelEncoder) -> DecisionThreshold:
    """Return a threshold as a number, or as one for each of several labels, if a model of these labels can have it.

    Parameters
    ----------
    threshold : Threshold or float; for several labels also a sequence of them, or a dict from some labels to theirs
    labels : LabelEncoder

    Raises
    ------
    TableError
        If there are neither two classes nor several labels of yes or no, or it is not a probability.

    """
    if labels.is_multilabel:
        return _check_each(threshold, labels.names)
    if labels.classes is None or len(labels.classes) != 2:
        raise TableError(f"threshold: got {threshold!r}; it is for models of two classes only")
    return check_probability(threshold)


def _check_each(threshold: Any, names: tuple[str, ...]) -> tuple[float, ...]:
    if isinstance(threshold, Mapping):
        for name in threshold:
            if name not in names:
                raise TableError(f"threshold: got one for {name!r}; {nearest(name, names)}")
        return tuple(check_probability(threshold.get(name, DEFAULT)) for name in names)
    if not isinstance(threshold, Sequence) or isinstance(threshold, str):
        return (check_probability(threshold),) * len(names)
    if len(threshold) != len(names):
        raise TableError(f"threshold: got {len(threshold)}; needs one for each of the {len(names)} labels, or one")
    return tuple(map(check_probability, threshold))


def check_probability(threshold: Any) -> float:
    """Return a `Threshold`, or a number from 0 to 1, as a number; TableError if it is something else."""
    value = getattr(threshold, "threshold", threshold)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TableError(f"threshold: got {threshold!r}; needs a probability, from 0 to 1")
    return float(value)


def class_threshold(threshold: DecisionThreshold | None) -> float | None:
    """Return the threshold of a model of classes."""
    assert not isinstance(threshold, tuple)
    return threshold


def choose_classes(probabilities: NDArray[Any], threshold: float | None) -> NDArray[np.int64]:
    """Return the number of the class that is predicted for each row: the likeliest, or the second from a threshold on.

    Examples
    --------
    >>> probabilities = np.array([[0.7, 0.3], [0.2, 0.8]])
    >>> choose_classes(probabilities, None), choose_classes(probabilities, 0.3)
    (array([0, 1]), array([1, 1]))

    """
    if threshold is None:
        return np.asarray(probabilities.argmax(axis=1))
    return np.asarray((probabilities[:, 1] >= threshold).astype(np.int64))


def read_threshold(value: Any, labels: LabelEncoder) -> DecisionThreshold | None:
    """Return the threshold in the header of a file.

    Raises
    ------
    FileError
        If a model of these labels cannot have it.

    """
    if value is None:
        return None
    numbers = value if labels.is_multilabel and isinstance(value, list) else [value]
    try:
        if not all(type(number) is float for number in numbers) or labels.is_multilabel != isinstance(value, list):
            raise TableError("threshold: is no number")
        return check_threshold(value, labels)
    except TableError as error:
        raise FileError(f"its threshold is {value!r}; the file was damaged or made by hand") from error
