"""The preparation: everything that determines how a table becomes the rows of a training run, as plain data."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche.errors import PlanError, nearest
from creche.plan.component import Component, count_field
from creche.table.encoders.features import Preprocessing
from creche.table.observations import WHEN_LABELS_MISS
from creche.table.reading.options import ReadOptions
from creche.table.schema import ROLES, Schema
from creche.table.split import Split

__all__ = ["DUPLICATES", "Preparation"]

DUPLICATES = ("warn", "drop", "together")


@dataclass(frozen=True, slots=True, repr=False)
class Preparation(Component):
    """How a table becomes training rows: with the plan, all that a run depends on besides the table itself.

    Parameters
    ----------
    label : tuple of str
        The columns to predict.
    schema : dict of str to str
        The roles of columns that were set rather than inferred.
    preprocessing : Preprocessing
    split : Split
    duplicates : {"warn", "drop", "together"}, default "warn"
        What becomes of rows with the same features and label: a warning where they stand on both sides of a split, one
        of each kept, or all of each on one side.
    missing_label : {"error", "drop"}, default "error"
    sample_weight : str, optional
        A column that says how much each row counts.
    class_weight : dict of class to number, or "balanced", optional
    classes : tuple, optional
        All classes, sorted, where the training rows may not hold each of them.
    read_options : ReadOptions
        How the file is written, as far as it was said.
    bootstrap : int, optional
        The seed of the bootstrap sample that a network learns in place of the training rows themselves; encoders are
        fitted on all training rows.

    """

    label: tuple[str, ...] = ()
    schema: Mapping[str, str] | None = None
    preprocessing: Preprocessing = Preprocessing()  # noqa: RUF009 - frozen
    split: Split = Split()  # noqa: RUF009 - frozen
    duplicates: str = "warn"
    missing_label: str = "error"
    sample_weight: str | None = None
    class_weight: Any = None
    classes: tuple[Any, ...] | None = None
    read_options: ReadOptions = ReadOptions()  # noqa: RUF009 - frozen
    bootstrap: int | None = count_field(None, at_least=0, optional=True)

    def __post_init__(self) -> None:
        label = _names(self.label)
        split = Split.from_dict(self.split) if isinstance(self.split, Mapping) else self.split
        read_options = (
            self.read_options
            if isinstance(self.read_options, ReadOptions)
            else ReadOptions.from_dict(self.read_options)
        )
        for name, value in (
            ("label", label),
            ("schema", _roles(self.schema)),
            ("preprocessing", Preprocessing.of(self.preprocessing)),
            ("split", split),
            ("read_options", read_options),
        ):
            object.__setattr__(self, name, value)
        for name, words in (("duplicates", DUPLICATES), ("missing_label", WHEN_LABELS_MISS)):
            if getattr(self, name) not in words:
                raise PlanError(f"{name}: got {getattr(self, name)!r}; {nearest(getattr(self, name), words)}")
        if self.sample_weight is not None and not isinstance(self.sample_weight, str):
            raise PlanError(f"sample_weight: got {self.sample_weight!r}; needs the name of a column")
        object.__setattr__(self, "class_weight", _class_weight(self.class_weight))
        object.__setattr__(self, "classes", _classes(self.classes))
        Component.__post_init__(self)

    @property
    def beside(self) -> tuple[str, ...]:
        """The columns that are neither feature nor label: weights, and what the split goes by, except for time."""
        return tuple(c for c in (self.sample_weight, self.split.group, self.split.column) if c is not None)

    def to_dict(self) -> dict[str, Any]:
        weights = self.class_weight
        if isinstance(weights, Mapping):  # classes need not be words, as the keys of JSON must
            weights = [[_plain(key), float(value)] for key, value in weights.items()]
        classes = None if self.classes is None else list(self.classes)
        data = {**Component.to_dict(self), "class_weight": weights, "classes": classes}
        if self.bootstrap is None:  # as in nearly all files, those of versions without it among them
            del data["bootstrap"]
        return data


def _names(given: Any) -> tuple[str, ...]:
    """One name, or several."""
    if isinstance(given, str):
        return (given,)
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, Mapping) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise PlanError(f"label: got {given!r}; needs the name of a column, or several")
    return names


def _roles(given: Any) -> dict[str, str] | None:
    if isinstance(given, Schema):
        return {column.name: column.role for column in given.columns}
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise PlanError(f"schema: got {given!r}; needs a dict from column to role, such as {{'id': 'ignore'}}")
    for column, role in given.items():
        if role not in ROLES:
            raise PlanError(f"schema: column {column!r} got {role!r}; {nearest(role, ROLES)}")
    return {str(column): role for column, role in given.items()} or None


def _class_weight(given: Any) -> Any:
    if given is None or given == "balanced":
        return given
    if isinstance(given, list):
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
            raise PlanError(f"class_weight: got {given!r}; needs pairs of class and weight")
        try:
            given = dict(map(tuple, given))
        except TypeError as error:
            raise PlanError(f"class_weight: got {given!r}; needs pairs of class and weight") from error
    if not isinstance(given, Mapping):
        raise PlanError(f"class_weight: got {given!r}; needs 'balanced' or a dict from class to weight")
    for name, weight in given.items():
        if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
            raise PlanError(f"class_weight: got {weight!r} for {name!r}; needs a number")
    return dict(given)


def _classes(given: Any) -> tuple[Any, ...] | None:
    if given is None:
        return None
    try:
        classes = tuple(_plain(value) for value in given)
        fits = len(classes) >= 2 and list(classes) == sorted(set(classes))
    except TypeError:
        fits = False
    if not fits:
        raise PlanError(f"classes: got {given!r}; needs the classes, each once and sorted")
    return classes


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
