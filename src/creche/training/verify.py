"""Verification: training a model again from the plan in its file, and comparing the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._displayed import Displayed
from creche._progress import OnProgress, watch
from creche._version import __version__
from creche.engine.device import describe_device, name_device
from creche.engine.hardware import resolve_hardware
from creche.errors import PlanError
from creche.model.model import Model
from creche.model.provenance import Provenance
from creche.plan.losses import LossFunction
from creche.plan.memory_size import parse_memory
from creche.plan.words import DeviceName
from creche.table.digest import compare_tables, describe_table, digest_arrays
from creche.table.on_disk import read_within
from creche.training.large_tables import encode_rows, left_out_columns
from creche.training.resume import order_columns, prepare_again
from creche.training.run import Run

__all__ = [
    "LOSS_TOLERANCE",
    "Verification",
    "arrange_columns",
    "list_differences",
    "read_again",
    "verify_network",
]


# On another device sums are rounded otherwise, and float32 networks part within tens of epochs: only the loss compares.
LOSS_TOLERANCE = 0.05
LEAST_LOSS = 1e-3  # a smaller one counts as this, so that networks that know all rows by heart compare too


@dataclass(frozen=True, slots=True)
class Verification(Displayed):
    """The result of training a model again.

    Attributes
    ----------
    same : bool
        Whether the weights are the same, bit for bit.
    expected, found : str
        Digests of the model's weights and of those trained now; the latter is empty if the network does not fit the
        table any more.
    data_same : bool
        Whether the table is the one the model was trained on.
    differences : tuple of str
        Descriptions of what differs: rows, columns, the version of Creche, the device.
    loss_difference : float or None
        Where another device trains than trained the model, whose bits are others: how much the loss of the last epoch
        differs, divided by the model's. `LOSS_TOLERANCE` is the most that counts as the same training.

    """

    same: bool
    expected: str
    found: str
    data_same: bool
    differences: tuple[str, ...]
    loss_difference: float | None = None

    @property
    def verified(self) -> bool:
        """Whether the weights are the same, or, on another device, the loss is."""
        return self.same or (self.loss_difference is not None and self.loss_difference <= LOSS_TOLERANCE)

    def __str__(self) -> str:
        differences = "; ".join(self.differences)
        if self.same:
            despite = f", although {differences}" if differences else ""
            return f"verified: training again gives the same weights, bit for bit ({self.found[:16]}){despite}"
        if not self.found:
            return f"not verified: the network does not fit the table any more: {differences}"
        if self.loss_difference is not None:
            verdict = "verified" if self.verified else "not verified"
            return (
                f"{verdict}: training again gives other bits, as {differences}, and a loss that differs by "
                f"{self.loss_difference:.2%}; at most {LOSS_TOLERANCE:.0%} counts as the same"
            )
        reason = differences or "the table and the plan are the same, so the engine differs"
        return f"not verified: training again gives other weights: {reason}"


def verify_network(
    model: Model | str | Path,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    on_progress: OnProgress[Run] = None,
) -> Verification:
    """Train a network again from its plan on the same table, and compare the weights: `creche.verify` of a `Model`."""
    if not isinstance(model, Model):
        from creche.model.file import load_model

        model = load_model(model)
    origin = model.provenance
    if origin is None:
        raise PlanError(
            f"the model does not hold how it was trained; only a model of {advise('creche.train')} can be verified",
            argument="model",
        )
    plan = model.plan if loss is None else model.plan.with_function(loss)
    data = arrange_columns(read_again(data, memory, origin), origin)
    prepared = prepare_again(
        plan, origin.preparation, data, y, validation_data=validation_data,
        sample_weight=sample_weight,
    )  # fmt: skip
    description = describe_table(prepared.training_table(), prepared.side_tables())
    data_same, differences = list_differences(origin, description)
    try:
        encoded = None if memory is None else encode_rows(prepared, plan, parse_memory(memory))
        run = Run(plan, prepared, resolve_hardware(threads, device or _original_device(origin)), encoded)
    except PlanError:
        if data_same:
            raise
        return Verification(False, origin.weights, "", False, differences)
    weights = _train_again(run, origin, on_progress)
    same, loss_difference, now = weights == origin.weights, None, describe_device(run.device)
    before = None if _has_bits_of_processor(origin) else origin.device
    if now != before:
        differences += (f"the model was trained on {name_device(origin.device)}, this is {name_device(now)}",)
        if data_same and not same:
            loss_difference = _compare_losses(origin.history.watched_loss, run.history.watched_loss)
    return Verification(same, origin.weights, weights, data_same, differences, loss_difference)


def _original_device(origin: Provenance) -> DeviceName:
    """Return a device that gives the bits of the model again."""
    if origin.device is None or _has_bits_of_processor(origin):
        return "cpu"
    return cast("DeviceName", origin.device["device"])


def _has_bits_of_processor(origin: Provenance) -> bool:
    """Whether the processor trained the model, or the kernel of colonies on a GPU, whose bytes are the same."""
    return origin.device is None or "kernel" in origin.device


def _compare_losses(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Return how much the last losses differ, divided by the former."""
    if len(before) != len(now) or not len(before):
        return float("inf")
    return float(abs(now[-1] - before[-1]) / max(abs(before[-1]), LEAST_LOSS))


def _train_again(run: Run, origin: Provenance, on_progress: OnProgress[Run]) -> str:
    """Train for as many epochs and steps as the model was, and return the digest of the weights."""
    with watch(on_progress, "training") as report:
        run.resume(epochs=len(origin.history), on_progress=report)
    if run.step < origin.steps:  # it was interrupted within an epoch
        run.resume(steps=origin.steps - run.step)
    return digest_arrays(run.model.arrays())


def read_again(data: Any, memory: str | int | None, origin: Provenance) -> Any:
    """Return the table of a model, on disk if it may not take all of the memory."""
    preparation = origin.preparation
    return read_within(data, memory, preparation.read_options, left_out_columns(preparation.schema))


def arrange_columns(data: Any, origin: Provenance) -> Any:
    """Return a table with those columns that a model was trained on, in their order."""
    names = () if origin.schema is None else [column.name for column in origin.schema.columns]
    return order_columns(data, origin.preparation, names, others=False)


def list_differences(origin: Provenance, description: Mapping[str, Any]) -> tuple[bool, tuple[str, ...]]:
    """Return whether a table, as `describe_table` describes it, is that of a model, and what differs.

    Besides the table, it may be the version of Creche.
    """
    differences = [f"the table: {change}" for change in compare_tables(origin.data, description)]
    is_same_table = not differences
    if origin.version != __version__:
        differences.append(f"the model was trained with Creche {origin.version}, this is {__version__}")
    return is_same_table, tuple(differences)
