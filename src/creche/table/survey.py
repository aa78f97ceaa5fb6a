"""The survey of a table: what is found out about it as a whole, before its rows are parted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.plan.losses import Loss
from creche.table.columns import Table
from creche.table.encode import FeatureEncoder
from creche.table.labels import LabelEncoder, check_varying, classes_of, infer_task
from creche.table.observations import Observations, observations
from creche.table.parts import Part, without_duplicates
from creche.table.preparation import Preparation
from creche.table.roles import with_given_roles
from creche.table.schema import Schema
from creche.table.weights import sample_weights

__all__ = ["Survey", "surveyed"]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is found out about a table as a whole, before its rows are parted.

    Attributes
    ----------
    everything : Observations
        All rows that have a label.
    whole : Part
        Those of them that count.
    schema : Schema or None
    task : {"classes", "numbers"}
    classes : tuple or None
    loss : Loss or None
    preparation : Preparation
    encoders : (FeatureEncoder, LabelEncoder) or None
        Those of an earlier run.
    given_weights : (n,) array or None
        The weights of the table's rows, if they came in no column of it.

    """

    everything: Observations
    whole: Part
    schema: Schema | None
    task: str
    classes: tuple[Any, ...] | None
    loss: Loss | None
    preparation: Preparation
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None
    given_weights: NDArray[np.float64] | None = None


def surveyed(
    data: Any,
    y: Any,
    preparation: Preparation,
    *,
    task: str | None,
    loss: Loss | None,
    weights: Any = None,
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None,
) -> Survey:
    """Reads and checks; arguments as for `prepare`.

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    everything = observations(
        data, y, preparation.label or None, missing_label=preparation.missing_label, reading=preparation.reading,
        expected=None if encoders is None else encoders[0].kinds,
    )  # fmt: skip
    if encoders is not None:
        task = "numbers" if encoders[1].classes is None else "classes"
    task = _task(task, loss, everything)
    if isinstance(everything.x, Table) and preparation.schema and encoders is None:
        x = with_given_roles(everything.x, preparation.schema, everything.called)
        everything = replace(everything, x=x)
    schema = _schema(everything, preparation) if encoders is None else None
    whole = _counting(everything, preparation.sample_weight if weights is None else weights)
    if preparation.duplicates == "drop":
        whole = without_duplicates(whole, schema)
    classes = preparation.classes if encoders is None else encoders[1].classes
    if task == "numbers" and classes is not None:
        raise TableError(f"classes: the label {everything.label!r} is learnt as a number, and has none; leave them out")
    if task == "classes" and classes is None:
        classes = classes_of(whole.observations.y, everything.label, whole.observations.called)
    if task == "numbers" and encoders is None:
        check_varying(whole.observations.y, everything.labels)
    given_weights = sample_weights(weights, everything)
    return Survey(everything, whole, schema, task, classes, loss, preparation, encoders, given_weights)


def _task(task: str | None, loss: Loss | None, rows: Observations) -> str:
    if task is not None:
        if task not in ("classes", "numbers"):
            raise TableError(f"task: got {task!r}; needs 'classes' or 'numbers'")
        if task == "numbers" and rows.y.dtype.kind in "OUS":
            raise TableError(f"label {rows.label!r}: holds words; a label of numbers is needed for task='numbers'")
        if task == "classes" and rows.y.ndim == 2:
            raise TableError(f"label {rows.label!r}: several labels at once must be numbers, for task='numbers'")
        return task
    if loss is not None and not loss.for_classes and rows.y.dtype.kind not in "OUS":
        return "numbers"
    if loss is not None and not loss.for_numbers and rows.y.ndim == 1:
        return "classes"
    return infer_task(rows.y)


def _counting(rows: Observations, given: Any) -> Part:
    """The rows with their weights; those that weigh nothing are left out."""
    weights = sample_weights(given, rows)
    if weights is None or weights.all():
        return Part(rows, weights)
    some = np.flatnonzero(weights)
    return Part(rows.take(some), weights[some])


def _schema(rows: Observations, preparation: Preparation) -> Schema | None:
    if not isinstance(rows.x, Table):
        named: list[str | None] = [*filter(None, preparation.beside), *(preparation.schema or ())]
        if named or preparation.split.time:
            raise TableError(f"{(named or [preparation.split.time])[0]!r}: arrays have no named columns; give a table")
        return None
    for name, what in ((preparation.split.used, "split"), (preparation.sample_weight, "sample_weight")):
        if name is not None:
            rows.x.column(name, what)
    left_out = dict.fromkeys(preparation.beside, "ignore")
    labels = [name for name in rows.labels if name not in rows.x.columns]
    return Schema.infer(rows.x, labels, {**(preparation.schema or {}), **left_out}, rows.called)
