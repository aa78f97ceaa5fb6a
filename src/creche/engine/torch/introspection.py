"""Everything that a step computes on the way of some rows, kept."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from creche.engine.torch.evaluation import CustomLoss, call_custom_loss
from creche.engine.torch.losses import LOSSES, LossNumbers
from creche.engine.torch.network import NamedTensors, Network, Passed
from creche.engine.torch.step import flush_gradient
from creche.engine.torch.tables import DeviceRows

__all__ = ["pass_rows"]


def pass_rows(
    network: Network,
    of: NamedTensors,
    to: NamedTensors,
    kind: str,
    numbers: LossNumbers,
    rows: DeviceRows,
    loss: CustomLoss | None,
    as_step: bool,
) -> tuple[list[NDArray[Any]], list[NDArray[Any]], list[NDArray[Any]], NDArray[Any], float]:
    """Pass rows through the network and back.

    Parameters
    ----------
    network : Network
    of : NamedTensors
        The parameters, copies: their running statistics become those that normalize these rows.
    to : NamedTensors
        Receives the gradients.
    kind : str
        The kind of loss.
    numbers : LossNumbers
    rows : DeviceRows
    loss : callable, or None
        A custom loss.
    as_step : bool
        Whether batch normalization takes the statistics of the rows.

    Returns
    -------
    sums, activations, gradients : list of (n, width) array
        Those of each layer, the rows of one submodel below those of the one before.
    losses : (n,) array
    loss : float

    """
    by_batch = as_step and network.has_batch_normalization and len(rows) > 1
    (whole,) = rows.in_pieces(max(1, len(rows)))
    passed = network.forward(of, whole.x, by_batch=by_batch)
    if by_batch:
        _keep_statistics(of, passed)
    z, submodels = passed.sums, network.submodels
    labels = whole.labels.expand(submodels, *whole.labels.shape).flatten(0, 1)
    losses, gradient = LOSSES[kind](z, labels, numbers) if loss is None else call_custom_loss(loss, z, labels)
    weights = whole.weights if whole.weights is not None else torch.ones_like(whole.x[:, 0])
    by_row = weights.expand(submodels, -1).flatten()
    total = by_row.cpu().sum(dtype=torch.float64)  # on the host, since not every device has float64
    per_weight = 1 / float(total) if total > 0 else 0.0
    network.backward(of, to, passed, flush_gradient(gradient * (by_row * per_weight).unsqueeze(1)))
    mean = (by_row * losses).cpu().sum(dtype=torch.float64) / total
    layers = passed.layers
    sums, activations = ([_to_array(kept.sums) for kept in layers], [_to_array(kept.outputs) for kept in layers])
    return sums, activations, [_to_array(kept.gradient) for kept in layers], _to_array(losses), float(mean)


def _to_array(tensor: Tensor) -> NDArray[Any]:
    return tensor.cpu().numpy().copy()  # type: ignore[no-any-return]


def _keep_statistics(of: NamedTensors, passed: Passed) -> None:
    for tensors, kept in zip(of.layers, passed.layers, strict=True):
        if kept.has_batch_statistics:
            variance, mean = torch.var_mean(kept.sums, 0, correction=0)
            assert tensors.running_mean is not None
            assert tensors.running_variance is not None
            tensors.running_mean.copy_(mean)
            tensors.running_variance.copy_(variance)
