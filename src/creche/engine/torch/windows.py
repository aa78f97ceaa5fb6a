"""The next steps of an epoch, with all that they need uploaded at once: rows, coefficients, what is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche.engine.torch.evaluation import sum_type
from creche.engine.torch.network import Network
from creche.engine.torch.random import draw_kept
from creche.engine.torch.step import StepInputs
from creche.engine.torch.tables import TrainingRows

__all__ = ["Window", "Windows"]

STEPS_AT_ONCE = 1024
DRAWS_AT_ONCE = 1 << 24  # of dropout: whether an activation of a row is kept


@dataclass(frozen=True, slots=True)
class Window:
    """Some steps that follow each other in an epoch.

    Attributes
    ----------
    steps : list of StepInputs
    sums : (steps, 2) tensor
        What the steps write: the sums of losses and metrics.
    weights : (steps,) array
        The weight of each batch, for all submodels together.
    learning_rate : float
        The learning rate of the first step.

    """

    steps: list[StepInputs]
    sums: Tensor
    weights: NDArray[np.float64]
    learning_rate: float


class Windows:
    """Makes windows of a run.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    network : Network
    rows : TrainingRows
        The training rows.
    dtype : torch.dtype

    """

    def __init__(self, plan: Any, network: Network, rows: TrainingRows, dtype: torch.dtype) -> None:
        self._plan, self._network, self._rows, self._dtype = plan, network, rows, dtype
        self._device = rows.device
        self._batch_size = min(plan.batch_size, len(rows))
        neurons = sum(layer.width for layer in network.layers if layer.dropout > 0)
        of_step = self._batch_size * neurons * network.submodels
        limits = [STEPS_AT_ONCE]
        if (most_rows := rows.reserve(self._batch_size)) is not None:
            limits.append(most_rows // self._batch_size)
        if of_step:
            limits.append(DRAWS_AT_ONCE // of_step)
        self._most = max(1, min(limits))

    def take(self, numbers: Any, limit: int) -> Window:
        """Return the next steps of the epoch, at most `limit` of them.

        Parameters
        ----------
        numbers : RunNumbers
            The numbers of the run, by the compiled engine.
        limit : int

        """
        count = min(numbers.batches - numbers.batch_in_epoch, limit, self._most)
        of_groups, factors = numbers.steps(count)
        begin = numbers.batch_in_epoch * self._batch_size
        most = min(count * self._batch_size, len(self._rows) - begin)
        brought = self._rows.bring(numbers.epoch, begin, most)
        starts = np.arange(0, most, self._batch_size)
        weights = np.minimum(self._batch_size, most - starts).astype(np.float64)
        orders = len(brought.index)
        if brought.weights is not None:
            weights = np.add.reduceat(brought.weights, starts, axis=1).sum(axis=0) / orders
        weights *= self._network.submodels
        dropped = np.array([layer.dropout for layer in self._network.layers]) * factors[:, :1]
        with np.errstate(divide="ignore"):
            per_weight = np.where(weights > 0, 1 / weights, 0.0)  # with weights of 0 there is no gradient
        smoothing = self._plan.loss.label_smoothing * factors[:, 1:]
        uploaded = np.concatenate([of_groups.reshape(count, -1), per_weight[:, None], smoothing, 1 / (1 - dropped)], 1)
        table = torch.tensor(uploaded, dtype=self._dtype, device=self._device)
        kept = self._draw_kept(numbers.epoch, begin, most, dropped) if (dropped > 0).any() else None
        steps = []
        for i, start in enumerate(starts):
            rows = slice(start, start + self._batch_size)
            steps.append(StepInputs(brought.index[:, rows], table[i], None if kept is None else kept[:, rows]))
        sums = torch.zeros((count, 2), dtype=sum_type(self._device), device=self._device)
        return Window(steps, sums, weights, numbers.learning_rate)

    def _draw_kept(self, epoch: int, begin: int, count: int, dropped: NDArray[np.float64]) -> Tensor:
        """Return whether each activation is kept, (submodels, rows, neurons), layer beside layer."""
        positions = torch.arange(begin, begin + count, device=self._device)
        # As the compiled engine has them: probabilities times 2^32, without the fraction.
        bounds = np.repeat((dropped * 2.0**32).astype(np.int64), self._batch_size, axis=0)[:count]
        on_device = torch.tensor(bounds, device=self._device)
        of_submodels = [
            torch.cat(
                [
                    draw_kept(self._plan.seed, epoch, positions, i, submodel, layer.width, on_device[:, i])
                    for i, layer in enumerate(self._network.layers)
                    if layer.dropout > 0
                ],
                1,
            )
            for submodel in range(self._network.submodels)
        ]
        return torch.stack(of_submodels)
