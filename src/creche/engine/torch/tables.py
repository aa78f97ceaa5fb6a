"""The rows of a table on the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from creche.engine.native import Rows
from creche.engine.torch.losses import CLASS_LOSSES

__all__ = ["DeviceRows", "Labelled"]


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


@dataclass(frozen=True, slots=True)
class DeviceRows:
    """A table of rows on the device.

    Attributes
    ----------
    all : Labelled
    host_weights : (n,) array of float64, or None
        The weights once more, for sums.

    """

    all: Labelled
    host_weights: Any

    @classmethod
    def of(cls, rows: Rows, plan: Any, dtype: torch.dtype, device: torch.device, what: str) -> DeviceRows:
        """Copy rows to the device.

        Raises
        ------
        ValueError
            If they do not fit the plan (of the compiled engine); `what` is the argument, for the message.

        """
        _check(rows, plan, what)
        labels = rows.targets if rows.classes is None else rows.classes
        label_type = dtype if rows.classes is None else torch.int64
        weights = None if rows.weights is None else torch.tensor(rows.weights, dtype=dtype, device=device)
        return cls(
            Labelled(
                torch.tensor(rows.x, dtype=dtype, device=device),
                torch.tensor(labels, dtype=label_type, device=device),
                weights,
            ),
            None if rows.weights is None else rows.weights.astype(np.float64),
        )

    def __len__(self) -> int:
        return len(self.all.x)

    def take(self, index: Tensor) -> Labelled:
        """Copy some rows, by their numbers."""
        weights = self.all.weights
        return Labelled(
            self.all.x.index_select(0, index),
            self.all.labels.index_select(0, index),
            None if weights is None else weights.index_select(0, index),
        )

    def in_pieces(self, size: int) -> Iterator[Labelled]:
        """Yield all rows, as views of at most `size`."""
        weights = self.all.weights
        for begin in range(0, len(self), size):
            of = slice(begin, begin + size)
            yield Labelled(self.all.x[of], self.all.labels[of], None if weights is None else weights[of])


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
