"""Planning: the arguments of `creche.train` made into a preparation and a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.plan.losses import LOSSES, CrossEntropy, Loss, SquaredError
from creche.plan.network import Network
from creche.plan.optimizers import OPTIMIZERS, Optimizer
from creche.plan.plan import EarlyStopping, Plan
from creche.table.encode import Encoding
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared
from creche.table.reading import Reading
from creche.table.split import Split

__all__ = ["loss_of", "optimizer_of", "plan_of", "preparation_of", "suited_loss", "whole"]

Arguments = Mapping[str, Any]


def preparation_of(given: Arguments) -> Preparation:
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
        label, given["schema"], Encoding.of(given["encoding"] if standardize else "none"),
        split, given["duplicates"], given["missing_label"], weights if isinstance(weights, str) else None,
        given["class_weight"], given["classes"], Reading() if given["reading"] is None else given["reading"],
    )  # fmt: skip


def loss_of(given: Arguments) -> Loss | None:
    """The loss that was asked for; None where the label is to decide."""
    return None if given["loss"] is None else LOSSES.of(given["loss"])


def suited_loss(task: str) -> Loss:
    """The loss where none was asked for."""
    return CrossEntropy() if task == "classes" else SquaredError()


def optimizer_of(given: Arguments) -> Optimizer:
    """The optimizer, with the learning rate where one was given beside it."""
    optimizer = OPTIMIZERS.of(given["optimizer"])
    if given["learning_rate"] is not None:
        optimizer = replace(optimizer, learning_rate=given["learning_rate"])
    return optimizer


def plan_of(given: Arguments, prepared: Prepared) -> Plan:
    """The plan for a table that was prepared, by the arguments of `creche.train`."""
    loss = loss_of(given) or suited_loss(prepared.task)
    hidden = given["hidden"].tolist() if isinstance(given["hidden"], np.ndarray) else given["hidden"]
    inputs, outputs = len(prepared.features.inputs), prepared.labels.outputs(loss)
    network = Network.of(inputs, hidden, outputs, given["activation"], given["dropout"], given["initializer"])
    return Plan(
        network, prepared.task, loss, optimizer_of(given), given["schedule"], given["batch_size"], given["epochs"],
        given["seed"], given["shuffle"], EarlyStopping.of(given["early_stopping"]), given["precision"],
    )  # fmt: skip


def whole(name: str, value: object, at_least: int, at_most: int | None = None) -> int:
    """A whole number.

    Raises
    ------
    PlanError
        If it is none, too small or too large.

    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {at_least}")
    if at_most is not None and value > at_most:
        raise PlanError(f"{name}: got {value:,}; needs a whole number of at most {at_most:,}")
    return int(value)
