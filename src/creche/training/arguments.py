"""The arguments of `creche.train`, checked and made into a preparation, a plan and a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from creche._system.resources import resolve_threads
from creche.errors import PlanError
from creche.plan.losses import LOSSES, CrossEntropy, CustomLoss, Loss, SquaredError
from creche.plan.network import Network
from creche.plan.optimizers import OPTIMIZERS, Optimizer
from creche.plan.plan import EarlyStopping, Plan
from creche.table.encoders.features import Preprocessing
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared
from creche.table.reading.options import ReadOptions
from creche.table.split import Split
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.training.recorder import Record

__all__ = [
    "create_plan",
    "create_run",
    "default_loss",
    "resolve_arguments",
    "resolve_loss",
    "resolve_optimizer",
    "resolve_preparation",
]

Arguments = Mapping[str, Any]


def resolve_preparation(given: Arguments) -> Preparation:
    """How the table becomes rows, by the arguments of `creche.train` (all of them, by name)."""
    split = Split(
        given["validation_fraction"], given["test_fraction"], given["stratify"], given["group"], given["time"],
        given["split_column"], given["split_seed"],
    )  # fmt: skip
    weights, standardize = given["sample_weight"], given["standardize"]
    if not isinstance(standardize, bool | np.bool_):
        raise PlanError(f"standardize: got {standardize!r}; needs True or False")
    label = () if given["label"] is None else given["label"]
    return Preparation(
        label, given["schema"], Preprocessing.of(given["preprocessing"] if standardize else "none"),
        split, given["duplicates"], given["missing_label"], weights if isinstance(weights, str) else None,
        given["class_weight"], given["classes"], ReadOptions() if given["read_options"] is None else given["read_options"],
    )  # fmt: skip


def resolve_loss(given: Arguments) -> Loss | None:
    """The loss that was asked for; None where the label is to decide."""
    return None if given["loss"] is None else LOSSES.of(given["loss"])


def default_loss(task: str) -> Loss:
    """The loss where none was asked for."""
    return CrossEntropy() if task == "classification" else SquaredError()


def resolve_optimizer(given: Arguments) -> Optimizer:
    """The optimizer, with the learning rate where one was given beside it."""
    optimizer = OPTIMIZERS.of(given["optimizer"])
    if given["learning_rate"] is not None:
        optimizer = replace(optimizer, learning_rate=given["learning_rate"])
    return optimizer


def create_plan(given: Arguments, prepared: Prepared) -> Plan:
    """The plan for a table that was prepared, by the arguments of `creche.train`."""
    loss = resolve_loss(given) or default_loss(prepared.task)
    hidden = given["hidden"].tolist() if isinstance(given["hidden"], np.ndarray) else given["hidden"]
    inputs, outputs = len(prepared.features.inputs), prepared.labels.outputs(loss)
    network = Network.of(inputs, hidden, outputs, given["activation"], given["dropout"], given["initializer"])
    return Plan(
        network, prepared.task, loss, resolve_optimizer(given), given["schedule"], given["batch_size"], given["epochs"],
        given["seed"], given["shuffle"], EarlyStopping.of(given["early_stopping"]), given["precision"],
    )  # fmt: skip


# What a plan says, so that only one of the two can be given; `seed` is also that of the split.
OF_THE_PLAN = (
    "hidden", "activation", "dropout", "initializer", "loss", "optimizer", "learning_rate", "schedule", "batch_size",
    "epochs", "early_stopping", "seed", "shuffle", "task", "precision",
)  # fmt: skip


def resolve_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `train`, all of them by name, with those that a plan among them says.

    Raises
    ------
    PlanError
        If the plan is none, or other arguments say what it says.

    """
    if given["plan"] is None:
        return given
    plan = _only_the_plan(given["plan"], given)
    return {**given, "plan": plan, "loss": plan.loss, "seed": plan.seed, "task": plan.task}


def create_run(given: Mapping[str, Any], prepared: Prepared) -> Run:
    """A run by the (settled) arguments of `train` on rows that are prepared; no step is done yet."""
    plan = create_plan(given, prepared) if given["plan"] is None else given["plan"]
    run = Run(plan, prepared, resolve_threads(given["threads"]))
    record = resolve_record(given["record"])
    if record is not None:
        from creche.training.recorder import Recorder

        run.recorder = Recorder(record, run)
    return run


def resolve_record(given: Any) -> Record | None:
    if given is None or given is False:
        return None
    from creche.training.recorder import Record

    return Record.of(given)


def _only_the_plan(plan: object, arguments: Mapping[str, object]) -> Plan:
    if not isinstance(plan, Plan):
        raise PlanError(
            f"plan: got {type(plan).__name__}; needs a Plan, such as another run's, or Plan.from_json(text)"
        )
    from creche.training.train import train

    parameters = signature(train).parameters
    loss = arguments["loss"]
    if isinstance(plan.loss, CustomLoss) and callable(loss):  # which a plan from a file lacks
        plan, arguments = plan.with_function(loss), {**arguments, "loss": parameters["loss"].default}
    both = [name for name in OF_THE_PLAN if arguments[name] is not parameters[name].default]
    if both:
        raise PlanError(f"plan: says {both[0]} already; leave {', '.join(both)} out, or the plan")
    return plan
