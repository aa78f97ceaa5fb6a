"""The order in which an epoch goes through its rows, as the engine draws it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows, new_run
from creche.plan.custom_loss import CustomLoss
from creche.plan.network import Network
from creche.plan.optimizers import SGD
from creche.plan.plan import Plan

__all__ = ["batch_places", "epoch_order"]

COLUMNS_OF_HISTORY = (
    "train_loss", "train_metric", "validation_loss", "validation_metric", "learning_rate", "seconds",
)  # fmt: skip


def epoch_order(plan: Plan, epoch: int, rows: int) -> NDArray[np.int64]:
    """The places of the rows, (rows,), in the order in which the plan's epoch (from 0) takes them.

    The engine itself is asked, by a loss that writes down which labels it is given: the order depends on nothing but
    the seed, the epoch and how many rows there are.

    Examples
    --------
    >>> sorted(epoch_order(Plan(Network.of(1, [], 1), seed=3), 7, 5).tolist())
    [0, 1, 2, 3, 4]

    """
    if not plan.shuffle:
        return np.arange(rows)
    seen: list[NDArray[Any]] = []

    def write_down(outputs: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        seen.append(labels[:, 0].astype(np.int64))
        return np.zeros(len(outputs)), np.zeros_like(outputs)

    asked = Plan(
        Network.of(1, [], 1), "numbers", CustomLoss(write_down), SGD(learning_rate=0.0), batch_size=rows,
        epochs=epoch + 1, seed=plan.seed, precision="float64",
    )  # fmt: skip
    numbers = np.arange(rows, dtype=np.float64).reshape(-1, 1)
    engine = new_run(asked, Rows(np.zeros_like(numbers), None, numbers), None, 1)
    state = engine.state()
    progress = state["progress"].copy()
    progress[0] = epoch
    history = {f"history.{name}": np.zeros(epoch) for name in COLUMNS_OF_HISTORY}
    engine.set_state({**state, **history, "progress": progress})
    engine.run(steps=1)
    return np.concatenate(seen)


def batch_places(plan: Plan, epoch: int, batch: int, rows: int) -> NDArray[np.int64]:
    """The places of the training rows that are a batch (from 0) of an epoch (from 0), in their order."""
    begin = batch * plan.batch_size
    return epoch_order(plan, epoch, rows)[begin : begin + plan.batch_size]
