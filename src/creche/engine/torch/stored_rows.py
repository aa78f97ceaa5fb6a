"""Rows of a file for a device: windows of them, which the compiled engine reads ahead, are copied there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche import _core
from creche.engine.feeding import describe_table
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.engine.torch.tables import Brought, Labelled

__all__ = ["StoredDeviceRows", "first_rows"]

BYTES_AT_ONCE = 1 << 26  # on the device
FIRST_ROWS = 1024  # of the first epoch, which initial parameters may depend on


def first_rows(plan: Any, rows: StoredRows) -> tuple[Any, NDArray[np.float32]]:
    """Return a plan and the inputs of some rows with which networks begin as they do with all rows and this plan.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    rows : StoredRows

    """
    engine = _core.load()
    feed = engine.StoredFeed(plan, describe_table(engine, rows))
    in_order = plan.with_seed(plan.seed)  # a copy
    in_order.shuffle = False
    return in_order, feed.take(0, 0, min(FIRST_ROWS, len(rows)))[0]


class StoredDeviceRows:
    """Rows of a file; some of them are on the device at a time.

    Parameters
    ----------
    rows : StoredRows
    plan : Plan
        A plan of the compiled engine.
    device : torch.device

    """

    def __init__(self, rows: StoredRows, plan: Any, device: torch.device) -> None:
        self.device = device
        self._rows, self._plan = rows, plan
        self._feed: Any = None
        self._window: Labelled | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def weight_sum(self) -> float:
        """The sum of the weights of all rows."""
        if not self._rows.layout.weighted:
            return float(len(self))
        return float(sum(chunk.weights.astype(np.float64).sum() for chunk in self._rows.chunks()))  # type: ignore[union-attr]

    def reserve(self, rows: int) -> int:
        """Return how many rows a window may have: at least this many."""
        return min(len(self), max(rows, BYTES_AT_ONCE // self._rows.layout.stride))

    def bring(self, epoch: int, begin: int, count: int) -> Brought:
        """Bring the rows at positions of an epoch, from `begin` on, to the device."""
        rows = self._take(epoch, begin, count)
        self._window = self._to_device(rows)
        index = torch.arange(count, dtype=torch.int32, device=self.device).unsqueeze(0)
        return Brought(index, None if rows.weights is None else rows.weights.astype(np.float64)[None])

    def take(self, index: Tensor) -> Labelled:
        """Copy some rows, by the numbers that `bring` returned."""
        assert self._window is not None
        return self._window.map(lambda column: column.index_select(0, index))

    def in_pieces(self, size: int) -> Iterator[Labelled]:
        """Yield all rows on the device, at most `size` at a time."""
        for chunk in self._rows.chunks(min(size, self.reserve(1))):
            yield self._to_device(chunk)

    @property
    def seconds_waited(self) -> float:
        """How long training has waited for rows."""
        return 0.0 if self._feed is None else float(self._feed.seconds_waited)

    def release(self) -> None:
        """Give back what is needed to read, until rows are brought again."""
        self._window = None
        if self._feed is not None:
            self._feed.release()

    def _take(self, epoch: int, begin: int, count: int) -> Rows:
        if self._feed is None:
            engine = _core.load()
            self._feed = engine.StoredFeed(self._plan, describe_table(engine, self._rows))
        return Rows(*self._feed.take(epoch, begin, count))

    def _to_device(self, rows: Rows) -> Labelled:
        labels = rows.targets if rows.classes is None else rows.classes.astype(np.int64)
        weights = None if rows.weights is None else torch.tensor(rows.weights, device=self.device)
        return Labelled(torch.tensor(rows.x, device=self.device), torch.tensor(labels, device=self.device), weights)
