"""The rows of a table on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche import _core
from creche.engine.device_memory import resident_memory
from creche.engine.native import Rows, first_positions, rows_memory
from creche.engine.torch.losses import CLASS_LOSSES

__all__ = ["Brought", "DeviceRows", "EvaluatedRows", "Labelled", "TrainingRows"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Some rows.

    Attributes
    ----------
    x : (n, columns) tensor
    labels : (n,) int64 or (n, outputs) tensor
        Classes, or targets.
    weights : (n,) tensor, or None

    """

    x: Tensor
    labels: Tensor
    weights: Tensor | None

    @property
    def columns(self) -> list[Tensor]:
        """All that there is."""
        return [self.x, self.labels] if self.weights is None else [self.x, self.labels, self.weights]

    def map(self, change: Callable[[Tensor], Tensor]) -> Labelled:
        """Change each of them."""
        return Labelled(
            change(self.x), change(self.labels), None if self.weights is None else change(self.weights)
        )  # fmt: skip


class Brought(NamedTuple):
    """Rows that are on the device: those of each position of an epoch, for all submodels, or for each its own.

    Attributes
    ----------
    index : (1 or submodels, n) int32 tensor
        The numbers by which `take` finds them.
    weights : (1 or submodels, n) array of float64, or None
        Their weights, on the host.

    """

    index: Tensor
    weights: NDArray[np.float64] | None


class EvaluatedRows(Protocol):
    """Rows that are evaluated on a device."""

    @property
    def device(self) -> torch.device: ...
    @property
    def weight_sum(self) -> float: ...
    def __len__(self) -> int: ...
    def in_pieces(self, size: int) -> Iterator[Labelled]:
        """Yield all rows on the device, at most `size` at a time."""


class TrainingRows(EvaluatedRows, Protocol):
    """Rows that a network is trained on, on a device."""

    def reserve(self, rows: int) -> int | None:
        """Take memory for windows of at least this many positions; return how many one may have, None for all."""

    def bring(self, epoch: int, begin: int, count: int) -> Brought:
        """Bring the rows at positions of an epoch, from `begin` on, to the device if they are not there."""

    def take(self, index: Tensor) -> Labelled:
        """Copy some rows, by the numbers that `bring` returned."""


class DeviceRows:
    """A table of rows on the device, or, if it does not fit there, on the host: then windows of it are brought over.

    Parameters
    ----------
    rows : Rows
    plan : Plan
        A plan of the compiled engine.
    dtype : torch.dtype
    device : torch.device
    what : str
        The name of the argument, for messages.

    Attributes
    ----------
    host_weights : (n,) array of float64, or None
        The weights once more, for sums.

    Raises
    ------
    ValueError
        If the rows do not fit the plan.

    """

    def __init__(self, rows: Rows, plan: Any, dtype: torch.dtype, device: torch.device, what: str) -> None:
        _check(rows, plan, what)
        self.device = device
        size = rows_memory(rows)
        resident = _resident_memory(size, device)
        is_resident = resident == size
        at = device if is_resident else torch.device("cpu")
        labels, label_type = (rows.targets, dtype) if rows.classes is None else (rows.classes, torch.int64)
        weights = None if rows.weights is None else torch.tensor(rows.weights, dtype=dtype, device=at)
        x = torch.tensor(rows.x, dtype=dtype, device=at)
        self._all = Labelled(x, torch.tensor(labels, dtype=label_type, device=at), weights)
        self._source = self._all  # of the rows that are taken
        self._window_size = 0 if is_resident else max(1, resident * len(rows) // size)
        self.host_weights = None if rows.weights is None else rows.weights.astype(np.float64)
        self._plan = plan
        self._first = first_positions(len(rows), plan.submodels if plan.own_batches else 1)
        self._order: tuple[int, NDArray[Any]] | None = None  # of an epoch

    def __len__(self) -> int:
        return len(self._all.x)

    @property
    def weight_sum(self) -> float:
        """The sum of the weights of all rows."""
        return float(len(self)) if self.host_weights is None else float(self.host_weights.sum())

    def reserve(self, rows: int) -> int | None:
        """Take memory for windows of at least this many positions; return how many one may have, None for all."""
        if self._window_size == 0:
            return None
        orders = len(self._first)
        self._window_size = max(rows * orders, min(len(self), self._window_size))
        self._source = self._all.map(lambda column: column.new_empty((self._window_size, *column.shape[1:])))
        self._source = self._source.map(lambda column: column.to(self.device))
        return self._window_size // orders

    def bring(self, epoch: int, begin: int, count: int) -> Brought:
        """Bring the rows at positions of an epoch, from `begin` on, to the device if they are not there."""
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, _core.load().epoch_order(self._plan, epoch, len(self))
        order = self._order[1][(np.arange(begin, begin + count) + self._first[:, None]) % len(self)]
        weights = None if self.host_weights is None else self.host_weights[order]
        if self._window_size == 0:
            return Brought(torch.tensor(order.astype(np.int32), device=self.device), weights)
        index = torch.tensor(order.ravel())
        for column, to in zip(self._all.columns, self._source.columns, strict=True):
            to[: order.size].copy_(column.index_select(0, index))
        places = torch.arange(order.size, dtype=torch.int32, device=self.device)
        return Brought(places.view(order.shape), weights)

    def take(self, index: Tensor) -> Labelled:
        """Copy some rows, by the numbers that `bring` returned."""
        return self._source.map(lambda column: column.index_select(0, index))

    def in_pieces(self, size: int) -> Iterator[Labelled]:
        """Yield all rows on the device, at most `size` at a time."""
        for begin in range(0, len(self), size):
            piece = self._all.map(itemgetter(slice(begin, begin + size)))
            yield piece.map(lambda column: column.to(self.device))


def _resident_memory(size: int, device: torch.device) -> int:
    """Return how many bytes of a table of this size are on the device at a time."""
    return resident_memory(size, torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else size


def _check(rows: Rows, plan: Any, what: str) -> None:
    outputs = plan.layers[-1].width
    if rows.x.ndim != 2 or rows.x.shape[1] != plan.inputs:
        raise ValueError(f"{what}: x has shape {rows.x.shape}; the network needs {plan.inputs} columns")
    labels, shape = rows.targets, (len(rows), outputs)
    if plan.loss.kind in CLASS_LOSSES:
        labels, shape = rows.classes, (len(rows),)  # type: ignore[assignment]
    if labels is None or (rows.classes is None) == (rows.targets is None):
        wanted = "classes" if plan.loss.kind in CLASS_LOSSES else "targets"
        raise ValueError(f"{what}: this loss needs {wanted}, and nothing else, as labels")
    if labels.shape != shape:
        raise ValueError(f"{what}: labels have shape {labels.shape}; needs {shape}")
    if rows.classes is not None and len(rows) and not 0 <= rows.classes.min() <= rows.classes.max() < outputs:
        row = int(np.argmax((rows.classes < 0) | (rows.classes >= outputs)))
        raise ValueError(f"{what}: row {row} has class {rows.classes[row]}; needs 0 to {outputs - 1}")
    if rows.weights is not None and rows.weights.shape != (len(rows),):
        raise ValueError(f"{what}: got {len(rows.weights)} weights for {len(rows)} rows of x")
