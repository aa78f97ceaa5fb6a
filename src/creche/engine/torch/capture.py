"""Steps as CUDA graphs: one launch for all kernels of a step. Elsewhere they are taken one kernel after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from creche.engine.torch.step import Step, StepInputs

__all__ = ["COMPILE", "GRAPHS", "CapturedSteps", "choose_taker"]

COMPILE = "CRECHE_TORCH_COMPILE"  # in the environment: 1 for steps that torch.compile fuses, which takes long once
GRAPHS = "CRECHE_TORCH_GRAPHS"  # in the environment: 0 for steps that are taken one kernel after the other everywhere
WARM_UP_STEPS = 3

Taker = Callable[[StepInputs, Tensor], None]


def choose_taker(step: Step, device: torch.device, changed: Sequence[Tensor]) -> Taker:
    """Return the function that takes a step in the fastest way.

    Parameters
    ----------
    step : Step
    device : torch.device
    changed : sequence of tensor
        All that a step changes and the next one reads.

    """
    take: Taker = step.take
    if os.environ.get(COMPILE) == "1":
        take = torch.compile(step.take, fullgraph=True, dynamic=False)
    captures = device.type == "cuda" and os.environ.get(GRAPHS) != "0"
    return CapturedSteps(take, changed) if captures else take


class CapturedSteps:
    """Takes steps by replaying graphs: one for full batches, one for the last, smaller one.

    Parameters
    ----------
    take : callable
    changed : sequence of tensor
        All that a step changes and the next one reads.

    """

    def __init__(self, take: Taker, changed: Sequence[Tensor]) -> None:
        self._take, self._changed = take, changed
        self._graphs: dict[tuple[int, bool], _Graph] = {}

    def __call__(self, inputs: StepInputs, sums: Tensor) -> None:
        """Take a step."""
        shape = inputs.count, inputs.kept is not None
        if shape not in self._graphs:
            self._graphs[shape] = _Graph(self._take, self._changed, inputs, sums)
        self._graphs[shape].replay(inputs, sums)


class _Graph:
    """The graph of a step, with the memory that it reads and writes."""

    def __init__(self, take: Taker, changed: Sequence[Tensor], inputs: StepInputs, sums: Tensor) -> None:
        kept = None if inputs.kept is None else inputs.kept.clone()
        self._inputs = StepInputs(inputs.index.clone(), inputs.numbers.clone(), kept)
        self._sums = torch.zeros_like(sums)
        before = [tensor.clone() for tensor in changed]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries choose their kernels and allocate before the capture
            for _ in range(WARM_UP_STEPS):
                take(self._inputs, self._sums)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            take(self._inputs, self._sums)
        for tensor, kept_tensor in zip(changed, before, strict=True):
            tensor.copy_(kept_tensor)

    def replay(self, inputs: StepInputs, sums: Tensor) -> None:
        self._inputs.index.copy_(inputs.index)
        self._inputs.numbers.copy_(inputs.numbers)
        if inputs.kept is not None and self._inputs.kept is not None:
            self._inputs.kept.copy_(inputs.kept)
        self._graph.replay()
        sums.copy_(self._sums)
