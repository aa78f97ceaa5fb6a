"""The steps of a process that trains a network together with others: the gradients of its shards go to an exchange.

A shard is summed alone, whatever process has it, so that all products have the same shapes on any number of processes,
and the same bits on devices that are alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from creche.engine.torch.arrays import RunArrays
from creche.engine.torch.step import Step, StepInputs

__all__ = ["Exchange", "SharedSteps", "StoppedError"]

COMPLETE, NOT_FINITE = 0, 1  # StepEnd of core/engines/processes.hpp

Exchange: TypeAlias = Callable[
    [int, Sequence[NDArray[Any]], Sequence[tuple[float, float]], NDArray[Any]], tuple[int, float, float]
]


class StoppedError(Exception):
    """All processes stop before the step at hand."""


class SharedSteps:
    """Takes steps together with other processes.

    Parameters
    ----------
    step : Step
    arrays : RunArrays
    shards : int
    rank, count : int
    exchange : callable
        As the compiled engine has it.

    """

    def __init__(self, step: Step, arrays: RunArrays, shards: int, rank: int, count: int, exchange: Exchange) -> None:
        self._step, self._arrays, self._exchange = step, arrays, exchange
        each = shards // count
        self._own = slice(rank * each, (rank + 1) * each)
        self._shard = arrays.named(torch.zeros_like(arrays.gradients.flat))

    def take(self, inputs: StepInputs, sums: Tensor) -> bool:
        """Take a step, and return whether all losses are finite; `sums` receives those of the batch.

        Raises
        ------
        StoppedError
            If all processes stop instead.

        """
        gradients, numbers = [], []
        for shard in self._step.shards(inputs)[self._own]:
            loss, metric = self._step.add_up_shard(shard, self._shard).tolist()
            numbers.append((loss, metric))
            gradients.append(self._shard.flat.cpu().numpy().copy())
        is_finite = all(math.isfinite(loss) for loss, _ in numbers)
        total = self._arrays.gradients.flat.cpu().numpy().copy()
        end, loss, metric = self._exchange(COMPLETE if is_finite else NOT_FINITE, gradients, numbers, total)
        if end == NOT_FINITE:
            sums.fill_(math.nan)
            return False
        if end != COMPLETE:
            raise StoppedError
        sums.copy_(torch.tensor([loss, metric], dtype=sums.dtype))
        self._arrays.gradients.flat.copy_(torch.from_numpy(total))
        self._step.update(inputs)
        return True
