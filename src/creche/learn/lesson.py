"""The lesson behind the chapter: one network on one table, and every number that the steps show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from creche.engine.hardware import resolve_hardware
from creche.errors import PlanError
from creche.explain.compare import Comparison, compare
from creche.explain.loss_curve import LossAgainstWeight, loss_against_weight
from creche.explain.trace.errors import ClassificationErrors
from creche.explain.trace.result import Trace
from creche.explain.trace.trace import trace
from creche.model.model import Model
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.plan.optimizers import SGD, Adadelta, Adam
from creche.table.prepare import Prepared
from creche.table.reading.read import read_table
from creche.training.run import Run

__all__ = ["DEFAULT_TABLE", "RATE_OF_ADAM", "Lesson", "create_lesson"]

DEFAULT_TABLE = "penguins-four"

# What the chapter does with its own table. Everything is set, so that no default changes what it tells.
ITS_TABLE: dict[str, Any] = {"label": "species", "classes": ["Adelie", "Gentoo", "Chinstrap"]}
ITS_PLAN: dict[str, Any] = {
    "hidden": [5, 5], "activation": "relu", "loss": "squared_error", "optimizer": "sgd", "learning_rate": 1.0,
    "schedule": "constant", "batch_size": 20, "epochs": 50, "early_stopping": False, "keep": "last",
    "preprocessing": "standard", "validation_fraction": 0.3, "seed": 0,
}  # fmt: skip

ITS_COLUMNS = ("bill_length_mm", "bill_depth_mm", "flipper_length_cm", "body_mass_hg")
ITS_OBSERVATION = (37.3, 16.8, 19.2, 30.0)

TOO_LOW, TOO_HIGH = 1e-3, 30.0  # times the learning rate of the lesson
RATE_OF_ADAM = 0.01
POINTS_OF_SURFACE = 3  # along each side; no step draws it
POINTS_OF_CURVE = 201


@dataclass(frozen=True, eq=False)
class Lesson:
    """A network before its training, and what becomes of it; each number is computed when a step asks for it.

    Attributes
    ----------
    source : str
        The name of the table.
    start : Run
        The run before its first step.
    arguments : dict
        The arguments of `creche.train` that make it.
    data : file name, DataFrame or dict
        The table.

    """

    source: str
    start: Run
    arguments: Mapping[str, Any]
    data: Any

    @property
    def prepared(self) -> Prepared:
        """The table, split and encoded."""
        return self.start.prepared

    @cached_property
    def model(self) -> Model:
        """The network with its random weights."""
        return self.start.model

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the outputs."""
        return tuple(str(value) for value in self.model.classes or ())

    @cached_property
    def first_step(self) -> Trace:
        """The first step of training, on its first batch."""
        return trace(self.start)

    @property
    def errors(self) -> ClassificationErrors:
        """The errors of the predictions for the first batch, before its step."""
        errors = self.first_step.errors
        assert isinstance(errors, ClassificationErrors)  # a lesson has classes
        return errors

    @cached_property
    def row(self) -> int:
        """The place in the first batch of the row that is followed: of the first class, the one that errs most.

        If the batch has no row of the first class, it is the row of any class that errs most.
        """
        step = self.first_step
        of_first = self.errors.true == 0
        losses = np.where(of_first if of_first.any() else True, step.losses, -np.inf)
        return int(losses.argmax())

    @cached_property
    def label_of_row(self) -> str:
        """The class of the row that is followed."""
        return self.classes[int(self.errors.true[self.row])]

    @cached_property
    def trained(self) -> Run:
        """The run after all epochs."""
        run = Run(self.start.plan, self.prepared, self.start.hardware)
        run.resume()
        return run

    @property
    def observation(self) -> Any:
        """An observation that is not among the training rows: the chapter's own, or the first validation row."""
        if isinstance(self.data, str) and self.data == DEFAULT_TABLE and self.prepared.features.names == ITS_COLUMNS:
            return [list(ITS_OBSERVATION)]
        rows = (self.prepared.validation or self.prepared.train).observations
        return rows.take(np.arange(1))

    @cached_property
    def curve(self) -> LossAgainstWeight:
        """The loss of all training rows against the steepest weight, before training."""
        return loss_against_weight(self.start, points=POINTS_OF_CURVE, threads=self.start.threads)

    @cached_property
    def rates(self) -> Comparison:
        """Runs with a learning rate far below the lesson's, with the lesson's, and with one far above."""
        rate = self.start.plan.optimizer.learning_rate
        return self._compare(learning_rate=[TOO_LOW * rate, rate, TOO_HIGH * rate])

    @cached_property
    def optimizers(self) -> Comparison:
        """Runs of SGD, ADADELTA and Adam."""
        sgd = SGD(learning_rate=self.start.plan.optimizer.learning_rate)
        return self._compare(optimizer=[sgd, Adadelta(), Adam(learning_rate=RATE_OF_ADAM)], learning_rate=None)

    def _compare(self, **varied: Any) -> Comparison:
        arguments = {**self.arguments, **varied}
        return compare(self.data, **arguments, points=POINTS_OF_SURFACE, threads=self.start.threads)


def create_lesson(data: Any = DEFAULT_TABLE, *, threads: int | None = None, **arguments: Any) -> Lesson:
    """Prepare the table and the network of the chapter.

    Parameters
    ----------
    data : file name, DataFrame or dict, default "penguins-four"
        A table whose label is a class.
    threads : int, optional
    **arguments
        Arguments of `creche.train`, in place of the chapter's: a network 4-5-5-3 that learns with the squared error, by
        stochastic gradient descent with a learning rate of 1, in batches of 20 rows for 50 epochs.

    Returns
    -------
    Lesson

    Raises
    ------
    PlanError
        If the label is a number.
    TableError, FileError
        As for `creche.train`.

    Examples
    --------
    >>> lesson = create_lesson(threads=1)
    >>> str(lesson.start.plan.network), len(lesson.first_step), lesson.classes
    ('4-5-5-3', 20, ('Adelie', 'Gentoo', 'Chinstrap'))

    """
    data = read_table("-", arguments.get("read_options")) if isinstance(data, str) and data == "-" else data
    own = ITS_TABLE if isinstance(data, str) and data == DEFAULT_TABLE else {}
    given = {**own, **ITS_PLAN, **arguments}
    if given.get("label") != ITS_TABLE["label"] and "classes" not in arguments:
        given.pop("classes", None)
    if given.get("task") == "regression":
        raise PlanError("task: got 'regression'; the chapter is about classification: name a label with classes")
    given["task"] = "classification"
    if not given.get("label"):
        raise PlanError("label: is missing; name the column to predict, such as species", argument="label")
    seed = given["seed"]
    fixed = {name: value for name, value in complete_arguments(given).items() if name != "seed"}
    plan, prepared = Jobs(data, None, fixed, seed).create_plan({})
    run = Run(replace(plan, seed=seed), prepared, resolve_hardware(threads))
    return Lesson(prepared_source(prepared), run, given, data)


def prepared_source(prepared: Prepared) -> str:
    """Return the name of the table."""
    return getattr(prepared.labelled.x, "source", "X")
