"""The inspection of a usable table before its rows are split: what is read, checked and inferred from all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.plan.losses import Loss
from creche.plan.words import TASKS, Task, check_word
from creche.table.checks import warn
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder, as_class_labels, check_exact, check_varying, find_classes
from creche.table.observations import Observations, read_observations
from creche.table.partition import Partition, drop_duplicates
from creche.table.preparation import Preparation
from creche.table.roles import apply_roles
from creche.table.row_weights import resolve_sample_weights
from creche.table.schema import Schema
from creche.table.table import Table
from creche.table.task import TaskGuess, guess_task

__all__ = ["TableInspection", "inspect_table"]


@dataclass(frozen=True, slots=True, eq=False)
class TableInspection:
    """What is known of a usable table before its rows are split.

    Attributes
    ----------
    labelled : Observations
        All rows that have a label.
    usable : Partition
        The labelled rows of positive weight; without duplicates, if those are dropped.
    schema : Schema or None
        None for arrays.
    task : {"classification", "regression"}
    classes : tuple or None
        The classes, sorted; None for regression.
    loss : Loss or None
        The loss that was asked for.
    preparation : Preparation
    encoders : (FeatureEncoder, LabelEncoder) or None
        The encoders of an earlier run.
    external_weights : (n,) array or None
        The weights of the labelled rows, if they are not a column of the table.
    task_note : str or None
        What the page tells of the task, if it was guessed and the other task is possible, too.

    """

    labelled: Observations
    usable: Partition
    schema: Schema | None
    task: Task
    classes: tuple[Any, ...] | None
    loss: Loss | None
    preparation: Preparation
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None
    external_weights: NDArray[np.float64] | None = None
    task_note: str | None = None


def inspect_table(
    data: Any,
    y: Any,
    preparation: Preparation,
    *,
    task: str | None,
    loss: Loss | None,
    weights: Any = None,
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None,
) -> TableInspection:
    """Read and check a table, and infer its schema, task and classes.

    Parameters
    ----------
    data, y, preparation, task, loss, weights, encoders
        As `creche.table.prepare.prepare` takes them.

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    known = None if task is None else check_word("task", task, TASKS, error=TableError)
    if encoders is not None:
        known = "regression" if encoders[1].classes is None else "classification"
    implied = _implied_task(loss, preparation)
    labelled = read_observations(
        data,
        y,
        preparation.label or None,
        expected=None if encoders is None else encoders[0].kinds,
        missing_label=preparation.missing_label,
        read_options=preparation.read_options,
        task=known or implied,
    )
    if isinstance(labelled.x, Table) and preparation.schema and encoders is None:
        x = apply_roles(labelled.x, preparation.schema, labelled.row_numbers)
        labelled = replace(labelled, x=x)
    schema = _infer_schema(labelled, preparation) if encoders is None else None
    usable = _select_usable(labelled, preparation.sample_weight if weights is None else weights)
    if preparation.duplicates == "drop":
        usable = drop_duplicates(usable, schema)
    chosen, guess = _choose_task(known, implied, usable.observations, preparation)
    note = None if guess is None else guess.note(labelled.label)
    if guess is not None and note is not None and not guess.is_certain:
        warn(note)
    if chosen == "classification":
        labelled, rows = (
            replace(observations, y=as_class_labels(observations.y)) for observations in (labelled, usable.observations)
        )
        usable = replace(usable, observations=rows)
    y, row_numbers = usable.observations.y, usable.observations.row_numbers
    classes = _given_classes(preparation) if encoders is None else encoders[1].classes
    if chosen == "regression" and classes is not None:
        raise TableError(
            f"classes: got {classes!r}, but the label {labelled.label!r} is learnt as a number (task='regression'); "
            "leave classes out, or set task='classification'"
        )
    if chosen == "classification" and classes is None:
        classes = find_classes(y, labelled.label, row_numbers)
    if chosen == "regression" and encoders is None:
        check_varying(y, labelled.labels)
    if chosen == "regression" and y.ndim == 1:
        check_exact(y, f"label {labelled.label!r}", row_numbers)
    external_weights = resolve_sample_weights(weights, labelled)
    return TableInspection(
        labelled, usable, schema, chosen, classes, loss, preparation, encoders, external_weights, note
    )


def _implied_task(loss: Loss | None, preparation: Preparation) -> Task | None:
    """Return the task that other arguments leave open to nothing else, or None."""
    if loss is not None and "classification" not in loss.tasks:
        return "regression"
    if preparation.classes is not None or (loss is not None and "regression" not in loss.tasks):
        return "classification"
    return None


def _given_classes(preparation: Preparation) -> tuple[Any, ...] | None:
    """Return the classes that were given; floats that are whole numbers as integers, as those of the labels are."""
    if preparation.classes is None or not all(type(value) is float for value in preparation.classes):
        return preparation.classes
    return tuple(as_class_labels(np.array(preparation.classes)).tolist())


def _choose_task(
    known: Task | None, implied: Task | None, rows: Observations, preparation: Preparation
) -> tuple[Task, TaskGuess | None]:
    """Return the task, and the guess if it is one."""
    holds_words = rows.y.dtype.kind in "OUS"
    if known == "regression" and holds_words:
        raise TableError(f"label {rows.label!r}: holds words; task='regression' needs a label of numbers")
    if known == "classification" and rows.y.ndim == 2:
        raise TableError(f"label {rows.label!r}: classification has one label; several labels need task='regression'")
    if known is not None:
        return known, None
    if implied == "regression" and not holds_words:
        return "regression", None
    if implied == "classification" and rows.y.ndim == 1:
        return "classification", None
    guess = guess_task(rows.y)
    if guess.distinct and preparation.class_weight is not None:  # whole numbers, which only classes have weights for
        return "classification", None
    return guess.task, guess


def _select_usable(rows: Observations, sample_weight: Any) -> Partition:
    """Return the rows of positive weight."""
    weights = resolve_sample_weights(sample_weight, rows)
    if weights is None or weights.all():
        return Partition(rows, weights)
    positive = np.flatnonzero(weights)
    return Partition(rows.take(positive), weights[positive])


def _infer_schema(rows: Observations, preparation: Preparation) -> Schema | None:
    if not isinstance(rows.x, Table):
        named: list[str | None] = [*filter(None, preparation.auxiliary_columns), *(preparation.schema or ())]
        if named or preparation.split.time:
            name = (named or [preparation.split.time])[0]
            raise TableError(f"column {name!r}: the data are an array, which has no named columns; give a table")
        return None
    for column, what in ((preparation.split.by_column, "split"), (preparation.sample_weight, "sample_weight")):
        if column is not None:
            rows.x.column(column, what)
    not_learnt = dict.fromkeys(preparation.auxiliary_columns, "ignore")
    labels = [name for name in rows.labels if name not in rows.x.columns]
    return Schema.infer(rows.x, labels, {**(preparation.schema or {}), **not_learnt}, rows.row_numbers)
