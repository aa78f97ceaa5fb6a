"""One column of labels as an array of one kind: words, booleans, integers or floats, and never a mixture."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError

__all__ = ["check_one_kind", "integers_as_array", "unify_labels"]

KINDS = {
    "boolean": "a boolean",
    "whole": "a whole number",
    "number": "a number",
    "word": "a word",
    "bytes": "bytes",
}


def unify_labels(labels: NDArray[Any], what: str = "y") -> NDArray[Any]:
    """Return labels as words (NumPy strings or str objects), booleans, integers or finite floats.

    Parameters
    ----------
    labels : (n,) array
    what : str, default "y"
        What messages call it.

    Raises
    ------
    TableError
        If a label is missing, not finite, of another kind than the others, or none of these.

    Examples
    --------
    >>> unify_labels(np.array([2**63 + 1, 5], dtype=object)).tolist()
    [9223372036854775809, 5]

    """
    if labels.dtype.kind in "SOT":
        labels = _unify_objects(labels.tolist(), what)
    kind = labels.dtype.kind
    if kind == "f" and not np.isfinite(labels).all():
        row = int(np.argmin(np.isfinite(labels)))
        raise TableError(f"{what}: row {row} is {labels[row]}; needs finite numbers: leave such rows out")
    if kind in "mM":
        raise TableError(f"{what}: holds {labels.dtype}; needs classes or numbers, such as the days since a fixed date")
    if kind not in "OUbiuf":
        raise TableError(f"{what}: holds {labels.dtype}; needs numbers or words")
    return labels


def check_one_kind(values: Sequence[Any], what: str, first_row: int = 0) -> None:
    """Refuse values that are neither all words, all booleans nor all numbers; missing ones do not count.

    Raises
    ------
    TableError
        With two rows and their values.

    Examples
    --------
    >>> check_one_kind([1, None, 2.5], "y")
    >>> check_one_kind([1, None, "1"], "y")
    Traceback (most recent call last):
    creche.errors.TableError: y: row 0 is 1, a whole number, but row 2 is '1', a word; needs labels of one kind: \
convert all of them, for example to words with str()

    """
    first: dict[str, int] = {}
    kinds: dict[type, str] = {}
    for row, value in enumerate(values):
        kind = kinds.setdefault(type(value), _kind_of(value))
        if kind not in first and kind != "missing" and not _is_missing(value):
            first[kind] = row
    if len({"number" if kind == "whole" else kind for kind in first}) < 2:
        return
    (one, a), *others = first.items()
    numeric = {"whole", "number"}
    other, b = next((kind, row) for kind, row in others if not {kind, one} <= numeric)
    raise TableError(
        f"{what}: row {a + first_row} is {values[a]!r}, {KINDS.get(one, one)}, but row {b + first_row} is "
        f"{values[b]!r}, {KINDS.get(other, other)}; needs labels of one kind: convert all of them, for example to "
        "words with str()"
    )


def integers_as_array(values: Sequence[int], what: str, row_numbers: Sequence[int] | None = None) -> NDArray[Any]:
    """Return whole numbers as an int64 array, or as uint64 if they need it.

    Raises
    ------
    TableError
        If one of them does not fit, with its row.

    """
    smallest = min(values, default=0)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= smallest and max(values, default=0) <= np.iinfo(dtype).max:
            return np.array(values, dtype=dtype)
    above = 2**63 if smallest < 0 else 2**64
    row = next(row for row, value in enumerate(values) if not -(2**63) <= value < above)
    raise TableError(
        f"{what}: row {row if row_numbers is None else row_numbers[row]} is {values[row]}, which does not fit into 64 "
        "bits; if it is a class, write classes as words with a letter in them, otherwise divide the label"
    )


def _unify_objects(values: list[Any], what: str) -> NDArray[Any]:
    values = [_to_scalar(value) for value in values]
    kinds: dict[type, str] = {}
    for value in values:
        kinds.setdefault(type(value), _kind_of(value))
    found = set(kinds.values())
    for row, value in enumerate(values):
        # NaN among numbers is reported as a number that is not finite.
        if kinds[type(value)] == "missing" or (not found <= {"whole", "number"} and _is_missing(value)):
            raise TableError(f"{what}: row {row} is {value}; leave out rows without a label")
    check_one_kind(values, what)
    unknown = next((kind for kind in kinds.values() if kind not in KINDS), None)
    if unknown is not None:
        row = next(row for row, value in enumerate(values) if kinds[type(value)] == unknown)
        raise TableError(f"{what}: row {row} is {values[row]!r}, {unknown}; needs numbers or words")
    if found == {"boolean"}:
        return np.array(values, dtype=np.bool_)
    if found == {"whole"}:
        return integers_as_array([int(value) for value in values], what)
    if found and found <= {"whole", "number"}:
        return _to_floats(values, kinds, what)
    out = np.empty(len(values), dtype=object)
    out[:] = _decode(values, what) if found == {"bytes"} else [str(value) for value in values]
    return out


def _to_scalar(value: Any) -> Any:
    """Return the number in an array without dimensions, such as an element of a tensor; anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def _to_floats(values: list[Any], kinds: dict[type, str], what: str) -> NDArray[np.float64]:
    for row, value in enumerate(values):
        if kinds[type(value)] == "whole" and float(value) != value:
            raise TableError(
                f"{what}: row {row} is {value}, which float64 cannot hold exactly, and other labels are decimals; "
                "divide the label, or round all labels"
            )
    return np.array([float(value) for value in values], dtype=np.float64)


def _decode(values: list[bytes], what: str) -> list[str]:
    for row, value in enumerate(values):
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise TableError(f"{what}: row {row} is {value!r}, which is not UTF-8; decode the labels first") from error
    return [value.decode() for value in values]


def _kind_of(value: Any) -> str:
    """Return the kind of a label, by its type; an unknown type is described by its name."""
    if isinstance(value, str):
        return "word"
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, numbers.Integral):
        return "whole"
    if isinstance(value, numbers.Real | Decimal):
        return "number"
    if isinstance(value, bytes):
        return "bytes"
    name = type(value).__name__
    return "missing" if _is_missing(value) else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # only NaN differs from itself
    except TypeError:
        return True  # pandas' NA has no truth value
    except ValueError:
        return False  # nor has an array of several values
