"""Predictions by other processes or machines: a piece is a block of rows, and blocks come back in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche.engine.hardware import Hardware
from creche.errors import TableError
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.scale.cluster import ClusterChoice, with_workers
from creche.scale.handout import carry_out_in_order
from creche.table.checks import check_finite, check_matrix
from creche.table.reading.read import is_table, read_batches
from creche.table.row_encoder import may_be_row
from creche.table.table import Column, Table

__all__ = ["BlockTask", "carry_out_blocks", "predict_elsewhere", "predicting_hardware"]

ROWS_OF_BLOCK = 65_536

# What blocks on their way may take in this process, and how many there are at least and at most.
BYTES_AHEAD = 2**30
LEAST_AHEAD, MOST_AHEAD = 4, 4_096

Predicted = TypeVar("Predicted")


@dataclass(frozen=True, eq=False)
class BlockTask(Generic[Predicted]):
    """What all blocks have in common, which goes to each process once.

    Attributes
    ----------
    model : Predictor
    predict : callable
        Takes the model and a block; it can be pickled.
    hardware : Hardware
        What a process predicts on.

    """

    model: Predictor
    predict: Callable[[Predictor, Table], Predicted]
    hardware: Hardware

    @cached_property
    def model_here(self) -> Predictor:
        """The model with the threads of this process."""
        if isinstance(self.model, Ensemble):
            return self.model.with_threads(self.hardware.threads)
        assert isinstance(self.model, Model)
        return replace(self.model, threads=self.hardware.threads)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    table: Table

    def describe(self, _: BlockTask[Any]) -> str:
        """Return which rows it has, for messages."""
        first = self.table.first_row
        return f"rows {first:,} to {first + len(self.table) - 1:,}"


def predicting_hardware(model: Predictor, cluster: ClusterChoice | None) -> Hardware:
    """Return what predicts blocks of rows.

    Parameters
    ----------
    model : Model or Ensemble
    cluster : str, Cluster or executor, optional

    Raises
    ------
    PlanError
        If the model predicts on a device, or `cluster` is none.
    CrecheError
        If there is no such cluster.

    """
    first = model.models[0] if isinstance(model, Ensemble) else model
    assert isinstance(first, Model)
    return with_workers(Hardware(1, first.device), cluster)


def carry_out_blocks(
    hardware: Hardware,
    model: Predictor,
    predict: Callable[[Predictor, Table], Predicted],
    blocks: Iterable[Table],
    on_done: Callable[[Predicted], object],
) -> None:
    """Predict blocks of rows by workers, and take the predictions in the order of the blocks.

    Parameters
    ----------
    hardware : Hardware
        With workers.
    model : Model or Ensemble
    predict : callable
        Takes the model and a block; it can be pickled.
    blocks : iterable of Table
        They are read when it is their turn.
    on_done : callable
        Called with the predictions of each block.

    """
    assert hardware.workers is not None
    remaining = iter(blocks)
    first = next(remaining, None)
    if first is None:
        return
    task = BlockTask(model, predict, Hardware(1, hardware.device))
    lead = min(max(BYTES_AHEAD // max(_size(first), 1), LEAST_AHEAD), MOST_AHEAD)
    pieces = (_Block(_only_used(model, block)) for block in chain([first], remaining))
    carry_out_in_order(hardware.workers, _predict_block, task, pieces, on_done, lead)


def predict_elsewhere(model: Predictor, data: Any, cluster: ClusterChoice) -> NDArray[Any]:
    """Predict probabilities, or numbers, by a cluster, with the bits that predicting here gives.

    Parameters
    ----------
    model : Model or Ensemble
    data
        As for `Predictor.predict`.
    cluster : str, Cluster or executor

    """
    hardware = predicting_hardware(model, cluster)
    if may_be_row(data):
        return model.predict_values(data)
    parts: list[NDArray[Any]] = []
    carry_out_blocks(hardware, model, _predict_values, _read_blocks(model, data), parts.append)
    return np.concatenate(parts) if parts else model.predict_values(data)  # which says what no rows lead to


def _predict_block(task: BlockTask[Predicted], block: _Block) -> Predicted:
    return task.predict(task.model_here, block.table)


def _predict_values(model: Predictor, block: Table) -> NDArray[Any]:
    return model.predict_values(block)


def _read_blocks(model: Predictor, data: Any) -> Iterator[Table]:
    if is_table(data):
        for batch in read_batches(data, rows=ROWS_OF_BLOCK, expected=model.features.expected):
            yield batch.table
        return
    names = model.features.names
    x = check_matrix(data, columns=len(names))
    if x.shape[1] != len(names):
        raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}")
    check_finite(x)
    for first in range(0, len(x), ROWS_OF_BLOCK):
        block = x[first : first + ROWS_OF_BLOCK].astype(np.float64)
        columns = {name: Column("number", block[:, i]) for i, name in enumerate(names)}
        yield Table(columns, "X", first_row=first)


def _only_used(model: Predictor, table: Table) -> Table:
    """Return the columns that the model takes; all of them where it goes by their places, or must name what lacks."""
    names = model.features.names
    return table.select(names) if all(name in table.columns for name in names) else table


def _size(table: Table) -> int:
    return sum(column.values.nbytes for column in table.columns.values())
