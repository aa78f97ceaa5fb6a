"""Classes as the user gives them: all of them, in the order of the outputs, and with names for the labels' values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count, list_first
from creche.errors import PlanError, TableError, closest
from creche.table.labels import as_class_labels, find_distinct

__all__ = ["GivenClasses", "check_classes", "name_labels", "resolve_classes"]

GivenClasses = tuple[Any, ...] | Mapping[Any, str]
"""The classes in the order of the outputs, or the values of the labels with the name of each."""

NAMED = 10


def check_classes(classes: Any) -> GivenClasses | None:
    """Return the argument `classes` as plain data: a tuple of classes, or a dict from label value to name.

    Raises
    ------
    PlanError
        If there are fewer than two, or one is given twice.

    """
    if classes is None:
        return None
    if isinstance(classes, Mapping):
        pairs = [(_to_python(value), name) for value, name in classes.items()]
    elif _are_pairs(classes):  # as they stand in files, whose dicts have keys of words only
        pairs = [(_to_python(value), name) for value, name in classes]
    else:
        return _check_sequence(classes)
    wrong = next((name for _, name in pairs if not isinstance(name, str) or not name), None)
    if wrong is not None or not pairs:
        raise PlanError(
            f"classes: got {wrong!r} as a name; needs a word for each value of the label, such as {{0: 'Adelie'}}"
        )
    _check_distinct([str(value) for value, _ in pairs])
    _check_distinct([name for _, name in pairs])
    return dict(pairs)


def _are_pairs(classes: Any) -> bool:
    return (
        isinstance(classes, Sequence)
        and not isinstance(classes, str)
        and len(classes) > 0
        and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in classes)
    )


def _check_sequence(classes: Any) -> tuple[Any, ...]:
    try:
        plain = () if isinstance(classes, str) else tuple(_to_python(value) for value in classes)
        distinct = len(set(plain))
    except TypeError:
        plain, distinct = (), 0
    if not plain:
        raise PlanError(f"classes: got {classes!r}; needs the classes in a list, or a dict from label value to name")
    if distinct < len(plain):
        _check_distinct(plain)
    if not all(isinstance(value, str | int | float | bool) and value == value for value in plain):
        raise PlanError(f"classes: got {classes!r}; needs words, numbers or booleans")
    _check_count(len(plain), plain)
    return plain


def _check_distinct(values: Sequence[Any]) -> None:
    twice = next((value for i, value in enumerate(values) if value in values[:i]), None)
    if twice is not None:
        raise PlanError(f"classes: got {twice!r} twice; give each class once")
    _check_count(len(values), values)


def _check_count(count: int, values: Sequence[Any]) -> None:
    if count < 2:
        raise PlanError(f"classes: got only {values[0]!r}; needs two classes or more")


def name_labels(y: NDArray[Any], names: Mapping[Any, str], label: str, row_numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return labels with the name in place of each value, (n,).

    Parameters
    ----------
    y : (n,) array
    names : dict of value to str
        A value may be a word: "0" is the number 0.
    label : str
        The name of the label.
    row_numbers : (n,) array of int

    Raises
    ------
    TableError
        If a value has no name.

    """
    # Labels may have their names already, as those of an array that the user has prepared.
    by_word = {name: name for name in names.values()} | {str(value): name for value, name in names.items()}
    values, numbers = _distinct(y)
    words = [by_word.get(_as_word(value)) for value in values]
    for i, word in enumerate(words):
        if word is None:
            row = int(np.argmax(numbers == i))
            pairs = [f"{value}={name}" for value, name in names.items()]
            raise TableError(
                f"classes: label {label!r} is {values[i]!r} in {_count_rows(numbers, i)} (the first is row "
                f"{row_numbers[row]}), which has no name; add it to {list_first(pairs, NAMED)}",
                argument="classes",
            )
    return np.array(words, dtype=object)[numbers] if len(y) else np.array([], dtype=object)


def resolve_classes(
    classes: GivenClasses | None, y: NDArray[Any], label: str, row_numbers: NDArray[np.int64]
) -> tuple[Any, ...] | None:
    """Return the given classes, in their order, as values of the labels, which hold names if names were given.

    Words stand for numbers and booleans, since that is how they are typed.

    Parameters
    ----------
    classes : tuple, dict or None
        As `check_classes` returns them.
    y : (n,) array
    label : str
        The name of the label.
    row_numbers : (n,) array of int

    Raises
    ------
    TableError
        If the labels hold another class.

    """
    if classes is None or y.ndim > 1:
        return None if classes is None else tuple(classes)
    if isinstance(classes, Mapping):
        return tuple(classes.values())
    if all(type(value) is float for value in classes):
        classes = tuple(as_class_labels(np.array(classes)).tolist())
    values, numbers = _distinct(y)
    if all(isinstance(value, str) for value in classes):
        by_word = {_as_word(value): value for value in values}
        classes = tuple(by_word.get(word, word) for word in classes)
    known = set(classes)
    for i, value in enumerate(values):
        if value not in known:
            row = row_numbers[int(np.argmax(numbers == i))]
            unused = [given for given in classes if given not in set(values)]
            meant = closest(value, map(str, unused))
            remedy = (
                f"did you mean it by {meant!r}?" if meant else f"add it to {list_first([*map(str, classes)], NAMED)}"
            )
            raise TableError(
                f"classes: label {label!r} also has the class {value!r}, in {_count_rows(numbers, i)} (the first is "
                f"row {row}); {remedy}",
                argument="classes",
            )
    return tuple(classes)


def _distinct(y: NDArray[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the distinct labels, and the index of each row's among them."""
    if y.dtype != object:
        values, numbers = find_distinct(as_class_labels(y))
        return values.tolist(), numbers
    index: dict[Any, int] = {}
    numbers = np.array([index.setdefault(value, len(index)) for value in y.tolist()], dtype=np.int64)
    return list(index), numbers


def _as_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _count_rows(numbers: NDArray[np.int64], value: int) -> str:
    return format_count(int((numbers == value).sum()), "row")


def _to_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
