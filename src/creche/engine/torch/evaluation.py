"""Loss and metric of a table, and the intermediate results of its rows, without dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche.engine.torch.losses import LOSSES, LossNumbers, mean_prediction, metric_from_mean, metric_of_rows
from creche.engine.torch.network import NamedTensors, Network
from creche.engine.torch.tables import EvaluatedRows, Labelled

__all__ = ["CustomLoss", "call_custom_loss", "evaluate", "sum_type"]

# Takes outputs and labels of some rows; returns their losses and the gradients of these.
CustomLoss: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

NUMBERS_AT_ONCE = 1 << 22  # activations of all layers
ROWS_OF_CUSTOM_LOSS = 64  # at a time, as in the compiled engine


def sum_type(device: torch.device) -> torch.dtype:
    """Return the type of sums over rows: float64 where the device has it."""
    return torch.float32 if device.type == "mps" else torch.float64


def call_custom_loss(loss: CustomLoss, z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Call a Python function on the host, and return its losses and gradients on the device.

    Raises
    ------
    Exception
        Any that the function raises.

    """
    numbers = labels.cpu().numpy()
    losses, gradient = loss(z.cpu().numpy().copy(), numbers.astype(np.int32) if labels.ndim == 1 else numbers.copy())
    like = {"dtype": z.dtype, "device": z.device}
    return torch.tensor(losses, **like), torch.tensor(gradient, **like)


def evaluate(
    network: Network, of: NamedTensors, kind: str, numbers: LossNumbers, rows: EvaluatedRows, loss: CustomLoss | None
) -> tuple[float, float]:
    """Return loss and metric of a table; of several submodels, those of their mean prediction."""
    sums = torch.zeros(2, dtype=sum_type(rows.device), device=rows.device)
    of_row = sum(layer.width for layer in network.layers) * network.submodels
    for piece in rows.in_pieces(max(1, NUMBERS_AT_ONCE // of_row)):
        z = network.forward(of, piece.x).sums
        if network.submodels > 1:
            z = mean_prediction(kind, z.unflatten(0, (network.submodels, -1)))
        losses = LOSSES[kind](z, piece.labels, numbers)[0] if loss is None else _custom_losses(loss, z, piece)
        weighted = losses if piece.weights is None else losses * piece.weights
        sums[0] += weighted.sum(dtype=sums.dtype)
        sums[1] += metric_of_rows(kind, z, piece.labels).sum(dtype=sums.dtype)
    total = rows.weight_sum
    loss_sum, metric_sum = sums.tolist()
    with np.errstate(all="ignore"):
        mean = np.float64(loss_sum) / total
        metric = np.float64(metric_sum) / len(rows)
    return float(mean), metric_from_mean(kind, float(metric))


def _custom_losses(loss: CustomLoss, z: Tensor, piece: Labelled) -> Tensor:
    parts = zip(z.split(ROWS_OF_CUSTOM_LOSS), piece.labels.split(ROWS_OF_CUSTOM_LOSS), strict=True)
    return torch.cat([call_custom_loss(loss, of_rows, labels)[0] for of_rows, labels in parts])
