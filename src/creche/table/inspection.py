"""The inspection of a usable table before its rows are split: what is read, checked and inferred from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import list_first
from creche.errors import TableError
from creche.plan.losses import Loss
from creche.plan.words import TASKS, Task, check_word
from creche.table.checks import warn
from creche.table.class_names import name_labels, resolve_classes
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import (
    LabelEncoder,
    as_class_labels,
    check_exact,
    check_varying,
    encode_classes,
    find_classes,
)
from creche.table.observations import Observations, read_observations
from creche.table.partition import Partition, drop_duplicates
from creche.table.preparation import Preparation
from creche.table.roles import apply_roles
from creche.table.row_weights import resolve_sample_weights
from creche.table.schema import Schema
from creche.table.spellings import SPELLING_REMEDY, describe_spellings, find_spellings
from creche.table.table import Column, Table
from creche.table.task import TaskGuess, guess_task

if TYPE_CHECKING:
    from creche.table.training_summary import TrainingSummary

__all__ = ["TableInspection", "choose_task", "inspect_table"]

# In smaller tables, one column may well determine the label; in wider ones, looking for it would delay training.
MIN_ROWS_FOR_LEAKS, MAX_COLUMNS_FOR_LEAKS = 1000, 1000

LEAKS_SHOWN, CLASSES_NAMED = 3, 12


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
    task : {"classification", "regression", "multilabel"}
    classes : tuple or None
        The classes, in the order of the outputs; None for numbers, and for several labels of yes or no.
    loss : Loss or None
        The loss that was asked for.
    preparation : Preparation
    encoders : (FeatureEncoder, LabelEncoder) or None
        The encoders of an earlier run.
    external_weights : (n,) array or None
        The weights of the labelled rows, if they are not a column of the table.
    task_note : str or None
        What the page tells of the task, if it was guessed and the other task is possible as well.

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

    @property
    def n_features(self) -> int:
        """The number of columns that the network learns from."""
        x = self.labelled.x
        if not isinstance(x, Table):
            return int(x.shape[1])
        return len(x.columns) if self.schema is None else len(self.schema.features)

    def describe(self) -> dict[str, Any]:
        """Return the digests of what training on all rows depends on: the rows, and weights that are not a column."""
        from creche.table.digest import describe_table

        names = None if self.schema is None else [*self.schema.features, *self.preparation.auxiliary_columns]
        weights = self.external_weights
        side = (
            {} if weights is None else {"sample_weight": Table({"weight": Column("number", weights)}, "sample_weight")}
        )
        return describe_table(self.labelled.table(names), side)

    def summarize_training(
        self, features: FeatureEncoder, row_indices: NDArray[np.int64] | None = None
    ) -> TrainingSummary:
        """Return what a model with these encoders keeps of the rows that it was trained on.

        Parameters
        ----------
        features : FeatureEncoder
        row_indices : (m,) int64 array, optional
            The rows, ascending, by their place in the table; by default, all that are usable.

        """
        from creche.table.training_summary import TrainingSummary

        usable = self.usable.observations
        if row_indices is not None:
            usable = usable.take(np.searchsorted(usable.row_indices, row_indices))
        rows = np.searchsorted(self.labelled.row_indices, usable.row_indices)
        return TrainingSummary.of(features, usable.x, self.labelled.x, rows)


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
        known = encoders[1].task
    implied = _implied_task(loss, preparation)
    labelled = read_observations(
        data,
        y,
        preparation.label or None,
        expected=None if encoders is None else {**encoders[0].expected, **encoders[1].expected},
        missing_label=preparation.missing_label,
        read_options=preparation.read_options,
        task=known or implied,
    )
    names = preparation.classes if encoders is None else encoders[1].names_of_values
    if isinstance(names, Mapping) and labelled.y.ndim == 1:
        labelled = replace(labelled, y=name_labels(labelled.y, names, labelled.label, labelled.row_numbers))
    if isinstance(labelled.x, Table) and preparation.schema and encoders is None:
        x = apply_roles(labelled.x, preparation.schema, labelled.row_numbers)
        labelled = replace(labelled, x=x)
    schema = _infer_schema(labelled, preparation) if encoders is None else None
    usable = _select_usable(labelled, preparation.sample_weight if weights is None else weights)
    which = "" if len(usable) == len(labelled) else "of a weight above 0"
    if preparation.duplicates == "drop":
        usable = drop_duplicates(usable, schema)
    chosen, guess = choose_task(
        known, implied, usable.observations, has_class_weights=preparation.class_weight is not None
    )
    note = None if guess is None else guess.note(labelled.label)
    if guess is not None and note is not None and not guess.is_certain:
        warn(note)
    if chosen == "classification":
        labelled, rows = (
            replace(observations, y=as_class_labels(observations.y)) for observations in (labelled, usable.observations)
        )
        usable = replace(usable, observations=rows)
    y, row_numbers = usable.observations.y, usable.observations.row_numbers
    if encoders is not None:
        classes = encoders[1].classes
    else:
        classes = resolve_classes(preparation.classes, y, labelled.label, row_numbers)
    if chosen != "classification" and classes is not None:
        learnt = "a number" if chosen == "regression" else "several labels of yes or no"
        remedy = f", or set {advise('task', 'classification')}" if chosen == "regression" else ""
        raise TableError(
            f"classes: got {classes!r}, but the label {labelled.label!r} is treated as {learnt}; leave "
            f"{advise('classes')} out{remedy}"
        )
    if chosen == "classification" and classes is None:
        classes = find_classes(y, labelled.label, row_numbers, which)
    if loss is not None and loss.orders_classes:
        _check_order(chosen, classes, preparation, labelled.label)
    if chosen != "classification" and encoders is None:
        check_varying(y, labelled.labels, which)
    if chosen == "regression" and y.ndim == 1:
        check_exact(y, f"label {labelled.label!r}", row_numbers)
    if encoders is None:
        _warn_of_labels(usable.observations, classes, schema)
    external_weights = resolve_sample_weights(weights, labelled)
    return TableInspection(
        labelled, usable, schema, chosen, classes, loss, preparation, encoders, external_weights, note
    )


def _check_order(task: Task, classes: tuple[Any, ...] | None, preparation: Preparation, label: str) -> None:
    """Refuse to order labels other than classes, and words whose order was not given."""
    if classes is None:
        held = "several labels of yes or no" if task == "multilabel" else "numbers"
        raise TableError(
            f"ordered: label {label!r} holds {held}, which are not classes in an order; leave {advise('ordered')} out",
            argument="ordered",
        )
    if preparation.classes is None and any(isinstance(value, str) for value in classes):
        shown = list_first([*map(repr, classes)], CLASSES_NAMED)
        raise TableError(
            f"ordered: label {label!r} holds words, whose order is not known; give {shown} from the lowest to the "
            f"highest by {advise('classes', list(classes))}",
            argument="ordered",
        )


def _implied_task(loss: Loss | None, preparation: Preparation) -> Task | None:
    """Return the task that other arguments leave open to nothing else, or None."""
    if loss is not None and "classification" not in loss.tasks:
        return "regression"
    if preparation.classes is not None or (loss is not None and "regression" not in loss.tasks):
        return "classification"
    return None


def choose_task(
    known: Task | None, implied: Task | None, rows: Observations, *, has_class_weights: bool = False
) -> tuple[Task, TaskGuess | None]:
    """Return the task: the one that is set, or that other arguments imply, or a guess by the labels, with the guess.

    Raises
    ------
    TableError
        If the labels do not suit the task that is set.

    """
    if rows.y.ndim == 2 and rows.y.dtype.kind == "b":
        return "multilabel", None
    if known == "multilabel":
        raise TableError(
            f"label {rows.label!r}: {advise('task', 'multilabel')} needs several columns of yes or no, such as "
            f"{advise('label', ['a', 'b'])}; leave {advise('task')} out for one column",
            argument="task",
        )
    holds_words = rows.y.dtype.kind in "OUS"
    if known == "regression" and holds_words:
        raise TableError(f"label {rows.label!r}: holds words; {advise('task', 'regression')} needs a label of numbers")
    if known == "classification" and rows.y.ndim == 2:
        raise TableError(
            f"label {rows.label!r}: classification has one label; several labels need {advise('task', 'regression')}"
        )
    if known is not None:
        return known, None
    if implied == "regression" and not holds_words:
        return "regression", None
    if implied == "classification" and rows.y.ndim == 1:
        return "classification", None
    guess = guess_task(rows.y)
    if guess.distinct and has_class_weights:  # whole numbers, which only classes have weights for
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
    split = preparation.split
    for column, what in (
        (split.group, "group"), (split.time, "time"), (split.column, "split_column"),
        (preparation.sample_weight, "sample_weight"),
    ):  # fmt: skip
        if column in rows.labels and column not in rows.x.columns:
            raise TableError(f"{what}: {column!r} is the label; name another column", argument=what)
        if column is not None:
            rows.x.column(column, what)
    not_learnt = dict.fromkeys(preparation.auxiliary_columns, "ignore")
    labels = [name for name in rows.labels if name not in rows.x.columns]
    return Schema.infer(rows.x, labels, {**(preparation.schema or {}), **not_learnt}, rows.row_numbers)


def _warn_of_labels(rows: Observations, classes: tuple[Any, ...] | None, schema: Schema | None) -> None:
    """Warn of classes that may be one, and of columns that give the label away."""
    numbers = None if classes is None else encode_classes(rows.y, classes, rows.label, rows.row_numbers)
    are_words = classes is not None and all(isinstance(value, str) for value in classes)
    if classes is not None and numbers is not None and are_words:
        spellings = find_spellings(classes, np.bincount(numbers, minlength=len(classes)).tolist())
        if spellings:
            warn(f"{describe_spellings(f'label {rows.label!r}', spellings)}; {SPELLING_REMEDY}")
    if schema is None or not isinstance(rows.x, Table) or rows.y.ndim == 2 or len(rows) < MIN_ROWS_FOR_LEAKS:
        return
    if not 1 < len(schema.features) <= MAX_COLUMNS_FOR_LEAKS:
        return
    from creche.table.label_leakage import find_label_leaks  # only now: small tables are not searched

    leaks = find_label_leaks(rows.x, schema.features, rows.label, rows.y, numbers)
    # A threshold of a measurement may well be what defines the classes; `inspect_columns` shows it all the same.
    leaks = [leak for leak in leaks if classes is None or leak.by != "order"]
    for leak in leaks[:LEAKS_SHOWN]:
        warn(str(leak))
    if len(leaks) > LEAKS_SHOWN:
        more = ", ".join(repr(leak.column) for leak in leaks[LEAKS_SHOWN : 2 * LEAKS_SHOWN])
        more += ", …" if len(leaks) > 2 * LEAKS_SHOWN else ""
        warn(f"{len(leaks) - LEAKS_SHOWN:,} more columns give the label {rows.label!r} away: {more}")
