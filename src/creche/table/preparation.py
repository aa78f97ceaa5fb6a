"""The preparation: all that determines how a table becomes the rows of a training run, as plain data."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche.errors import PlanError, nearest
from creche.plan.component import Component, count_field
from creche.plan.words import (
    CLASS_WEIGHTINGS,
    DUPLICATES,
    MISSING_LABELS,
    Duplicates,
    MissingLabel,
    canonical_word,
    check_word,
)
from creche.table.class_names import GivenClasses, check_classes
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.reading.options import ReadOptions
from creche.table.roles import ROLES
from creche.table.schema import Schema
from creche.table.split import Split

__all__ = ["Preparation"]


@dataclass(frozen=True, slots=True, repr=False)
class Preparation(Component):
    """How a table becomes training rows: with the plan, all that a run depends on except the table itself.

    Parameters
    ----------
    label : tuple of str
        The names of the columns to predict.
    schema : dict of str to str, optional
        The roles of columns that were set rather than inferred.
    preprocessing : Preprocessing
    split : Split
    duplicates : {"warn", "drop", "together"}, default "warn"
        What to do with rows that have the same features and label: warn if they are on both sides of a split, drop all
        but one, or keep them together on one side.
    missing_label : {"error", "drop"}, default "error"
        What to do with rows without a label.
    sample_weight : str, optional
        The name of a column with the weight of each row.
    class_weight : dict of class to number, or "balanced", optional
        Factors on the weights of the rows of each class.
    classes : tuple, or dict from label value to name, optional
        All classes in the order of the network's outputs, and their names if those of the labels are others.
    read_options : ReadOptions
        How the file is written, as far as the user has set it.
    bootstrap : int, optional
        The seed of the bootstrap sample that the network learns in place of the training rows; encoders are fitted to
        all training rows.
    row_order : int, optional
        The seed of a random order in which the training rows lie, once and for all epochs; by default they lie as in
        the table.

    """

    label: tuple[str, ...] = ()
    schema: Mapping[str, str] | None = None
    preprocessing: Preprocessing = Preprocessing()  # noqa: RUF009 - frozen
    split: Split = Split()  # noqa: RUF009 - frozen
    duplicates: Duplicates = "warn"
    missing_label: MissingLabel = "error"
    sample_weight: str | None = None
    class_weight: Any = None
    classes: GivenClasses | None = None
    read_options: ReadOptions = ReadOptions()  # noqa: RUF009 - frozen
    bootstrap: int | None = count_field(None, at_least=0, optional=True)
    row_order: int | None = count_field(None, at_least=0, optional=True)

    def __post_init__(self) -> None:
        label = _check_label(self.label)
        split = Split.from_dict(self.split) if isinstance(self.split, Mapping) else self.split
        read_options = (
            self.read_options
            if isinstance(self.read_options, ReadOptions)
            else ReadOptions.from_dict(self.read_options)
        )
        for name, value in (
            ("label", label),
            ("schema", _check_schema(self.schema)),
            ("preprocessing", Preprocessing.of(self.preprocessing)),
            ("split", split),
            ("read_options", read_options),
        ):
            object.__setattr__(self, name, value)
        for name, choices in (("duplicates", DUPLICATES), ("missing_label", MISSING_LABELS)):
            object.__setattr__(self, name, check_word(name, getattr(self, name), choices))
        if self.sample_weight is not None and not isinstance(self.sample_weight, str):
            raise PlanError(f"sample_weight: got {self.sample_weight!r}; needs the name of a column")
        object.__setattr__(self, "class_weight", _check_class_weight(self.class_weight))
        object.__setattr__(self, "classes", check_classes(self.classes))
        Component.__post_init__(self)

    @property
    def auxiliary_columns(self) -> tuple[str, ...]:
        """The columns that are neither feature nor label: weights, groups, and the parts of a split."""
        return tuple(c for c in (self.sample_weight, self.split.group, self.split.column) if c is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the preparation as plain data."""
        weights = self.class_weight
        if isinstance(weights, Mapping):  # classes may be numbers, but keys of JSON are words
            weights = [[_to_python(key), float(value)] for key, value in weights.items()]
        classes: Any = None if self.classes is None else list(self.classes)
        if isinstance(self.classes, Mapping):
            classes = [list(pair) for pair in self.classes.items()]
        data = {**Component.to_dict(self), "class_weight": weights, "classes": classes}
        for name in ("bootstrap", "row_order"):
            if data[name] is None:  # as in nearly all files
                del data[name]
        return data


def _check_label(label: Any) -> tuple[str, ...]:
    if isinstance(label, str):
        return (label,)
    names = tuple(label) if isinstance(label, Iterable) and not isinstance(label, Mapping) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise PlanError(f"label: got {label!r}; needs the name of a column, or a list of names")
    return names


def _check_schema(schema: Any) -> dict[str, str] | None:
    if isinstance(schema, Schema):
        return {column.name: column.role for column in schema.columns}
    if schema is None:
        return None
    if not isinstance(schema, Mapping):
        raise PlanError(f"schema: got {schema!r}; needs a dict from column to role, such as {{'id': 'ignore'}}")
    roles: dict[str, str] = {}
    for column, given in schema.items():
        role = canonical_word(given, ROLES)
        if role not in ROLES:
            raise PlanError(f"schema: column {column!r} got {given!r}; {nearest(given, ROLES)}")
        roles[str(column)] = role
    return roles or None


def _check_class_weight(class_weight: Any) -> Any:
    class_weight = canonical_word(class_weight, CLASS_WEIGHTINGS)
    if class_weight is None or class_weight == "balanced":
        return class_weight
    if isinstance(class_weight, list):
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in class_weight):
            raise PlanError(f"class_weight: got {class_weight!r}; needs pairs of class and weight")
        try:
            class_weight = dict(map(tuple, class_weight))
        except TypeError as error:
            raise PlanError(f"class_weight: got {class_weight!r}; needs pairs of class and weight") from error
    if not isinstance(class_weight, Mapping):
        raise PlanError(f"class_weight: got {class_weight!r}; needs 'balanced' or a dict from class to weight")
    for label, weight in class_weight.items():
        if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
            raise PlanError(f"class_weight: got {weight!r} for class {label!r}; needs a number")
    return dict(class_weight)


def _to_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
