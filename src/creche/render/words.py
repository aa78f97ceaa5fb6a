"""Numbers and parts of a model in words, for pages of text and of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from creche._phrases import list_first, write_number

if TYPE_CHECKING:
    from creche.table.labels import LabelEncoder

__all__ = [
    "CLASSES_SHOWN",
    "describe_classes",
    "describe_quantiles",
    "describe_threshold",
    "format_interval",
    "format_number",
    "name_purpose",
]

CLASSES_SHOWN = 12


def describe_classes(labels: LabelEncoder) -> str:
    """Return the classes (the first 12 if there are many), "a number", or how many labels of yes or no there are."""
    if labels.is_multilabel:
        return f"{len(labels.names)} labels of yes or no"
    if labels.classes is None:
        number = "a number" if len(labels.names) == 1 else "numbers"
        return f"{describe_quantiles(labels.quantiles)} of {number}" if labels.quantiles else number
    return list_first([*map(str, labels.classes)], CLASSES_SHOWN, " < " if labels.is_ordered else ", ")


def describe_quantiles(quantiles: Sequence[float]) -> str:
    """Return quantiles in words.

    Examples
    --------
    >>> describe_quantiles([0.05, 0.5, 0.95]), describe_quantiles([0.9])
    ('the quantiles 0.05, 0.5, 0.95', 'the quantile 0.9')

    """
    numbers = list_first([f"{quantile:g}" for quantile in quantiles], CLASSES_SHOWN)
    return f"the quantile{'s' if len(quantiles) > 1 else ''} {numbers}"


def describe_threshold(threshold: float | tuple[float, ...], labels: LabelEncoder) -> str:
    """Describe the probability at or above which the second of two classes, or yes for each label, is predicted."""
    if isinstance(threshold, tuple):
        each = [f"{name} from {value:.3g}" for name, value in zip(labels.names, threshold, strict=True)]
        return f"yes for {list_first(each, CLASSES_SHOWN)}"
    return f"{labels.classes[1]!r} from a probability of {threshold:.3g}"  # type: ignore[index]


def format_number(value: float) -> str:
    """A metric as pages show it: four decimals, or five digits of larger numbers and no fraction of large ones; empty
    for NaN.

    Examples
    --------
    >>> format_number(0.98765), format_number(-0.00001), format_number(292.4183), format_number(123456.78)
    ('0.9877', '0.0000', '292.42', '123,457')

    """
    text = "" if math.isnan(value) else f"{value:.4f}" if abs(value) < 10 else write_number(value, 5, keep_zeros=True)
    return text.removeprefix("-") if text == "-0.0000" else text


def format_interval(low: float, high: float) -> str:
    """An interval as pages show it; empty where it is not known.

    Examples
    --------
    >>> format_interval(0.9, 0.95)
    '0.9000 to 0.9500'

    """
    return "" if math.isnan(low) else f"{format_number(low)} to {format_number(high)}"


def name_purpose(part: str) -> str:
    """What the rows of a part of the table are for: "training" for "train", "testing" for "test"."""
    return {"train": "training", "test": "testing"}.get(part, part)
