"""One training step: rows forward and back, then the update. Nothing in it waits for the device or asks it anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from creche.engine.torch.arrays import RunArrays
from creche.engine.torch.evaluation import sum_type
from creche.engine.torch.losses import LOSSES, LossNumbers, metric_of_rows
from creche.engine.torch.network import NamedTensors, Network
from creche.engine.torch.rules import (
    NUMBERS_OF_GROUP,
    RULES,
    Coefficients,
    Regularization,
    Regularizers,
    Rule,
)
from creche.engine.torch.tables import Labelled, TrainingRows

__all__ = ["Step", "StepInputs", "flush_gradient"]

FLUSHED_GRADIENT = 2.0**-80
NORM_EPSILON = 1e-6  # of torch.nn.utils.clip_grad_norm_


def flush_gradient(gradient: Tensor) -> Tensor:
    """Set gradients of the loss below 2^-80 to 0, as the compiled engine does."""
    return functional.hardshrink(gradient, FLUSHED_GRADIENT)


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What differs from step to step, all of it on the device.

    Attributes
    ----------
    index : (1 or submodels, n) int32 tensor
        The numbers of the batch's rows, for all submodels or for each its own.
    numbers : (count,) tensor
        The coefficients and the regularization of each group; 1 / the weight of the batch; the label smoothing; for
        each layer, 1 / the share of activations that are kept.
    kept : (submodels, n, neurons) tensor of bool, or None
        Whether each activation of the layers with dropout is kept, layer beside layer.

    """

    index: Tensor
    numbers: Tensor
    kept: Tensor | None

    @property
    def count(self) -> int:
        """The number of rows that each submodel takes."""
        return int(self.index.shape[1])

    def of_rows(self, rows: slice) -> StepInputs:
        """Return those of some rows of the batch."""
        return StepInputs(self.index[:, rows], self.numbers, None if self.kept is None else self.kept[:, rows])


class Step:
    """The steps of a run.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    network : Network
    arrays : RunArrays
    groups : int
        The number of groups of parameters.
    rows : TrainingRows
        The training rows.
    numbers : LossNumbers

    """

    def __init__(
        self,
        plan: Any,
        network: Network,
        arrays: RunArrays,
        groups: int,
        rows: TrainingRows,
        numbers: LossNumbers,
    ) -> None:
        self._weights, self._gradients, self._planes = arrays.weights, arrays.gradients, arrays.planes
        self._network, self._layout, self._rows = network, arrays.layout, rows
        self._groups, self._loss_numbers = groups, numbers
        self._shards: int = plan.shards
        self._shard = arrays.named(torch.zeros_like(arrays.gradients.flat)) if plan.shards > 1 else None
        self._loss_kind: str = plan.loss.kind
        self._norm_limit: float = plan.optimizer.clip_norm
        self._regularizers = Regularizers.of(plan.optimizer)
        self._rule = RULES[plan.optimizer.kind](plan.optimizer)

    def take(self, inputs: StepInputs, sums: Tensor) -> None:
        """Take a step; `sums` (2,) receives the sums of the losses, by weight, and of the metrics."""
        if self._shards == 1:
            self._add_up(inputs, self._gradients, sums)
        else:
            self._add_up_shards(inputs, sums)
        self.update(inputs)

    def _add_up_shards(self, inputs: StepInputs, sums: Tensor) -> None:
        """Add up each shard for itself, and then these in their order."""
        assert self._shard is not None
        of_shard = torch.zeros_like(sums)
        for number, part in enumerate(self.shards(inputs)):
            if number == 0:
                self._add_up(part, self._gradients, sums)
                continue
            self._add_up(part, self._shard, of_shard)
            self._gradients.flat.add_(self._shard.flat)
            sums.add_(of_shard)

    def shards(self, inputs: StepInputs) -> list[StepInputs]:
        """Return the parts of a batch that have rows: each has the same number of them, but the last."""
        rows = -(-inputs.count // self._shards)
        return [inputs.of_rows(slice(at, at + rows)) for at in range(0, inputs.count, rows)]

    def add_up_shard(self, inputs: StepInputs, gradients: NamedTensors) -> Tensor:
        """Write the gradients of one shard; return the sums of its losses and of its metrics."""
        sums = torch.zeros(2, dtype=sum_type(inputs.index.device), device=inputs.index.device)
        self._add_up(inputs, gradients, sums)
        return sums

    def _add_up(self, inputs: StepInputs, gradients: NamedTensors, sums: Tensor) -> None:
        """Write the gradients and the sums of rows: all of a batch, or those of a shard."""
        rows, z = self.forward(inputs)
        scale = self.scale(inputs, rows)
        label_smoothing = inputs.numbers[self._groups * NUMBERS_OF_GROUP + 1]
        numbers = self._loss_numbers
        if numbers.label_smoothing is not None:
            numbers = replace(numbers, label_smoothing=label_smoothing)
        losses, gradient = LOSSES[self._loss_kind](z, rows.labels, numbers)
        self._go_back(rows, losses, flush_gradient(gradient.mul_(scale)), gradients, sums)

    def forward(self, inputs: StepInputs) -> tuple[Labelled, Tensor]:
        """Return the rows of a batch, those of one submodel below those of the one before, and the outputs' sums."""
        rows = self._rows.take(inputs.index.flatten())
        by_batch = self._network.has_batch_normalization and inputs.count > 1
        own_rows = len(inputs.index) > 1
        self._passed = self._network.forward(
            self._weights, rows.x, self._factors(inputs), by_batch=by_batch, own_rows=own_rows
        )
        return rows if own_rows else self._repeat(rows), self._passed.sums

    def finish(self, inputs: StepInputs, rows: Labelled, losses: Tensor, gradient: Tensor, sums: Tensor) -> None:
        """Go back from the gradient of the sums of the output layer, and update."""
        self._go_back(rows, losses, gradient, self._gradients, sums)
        self.update(inputs)

    def _go_back(self, rows: Labelled, losses: Tensor, gradient: Tensor, gradients: NamedTensors, sums: Tensor) -> None:
        metrics = metric_of_rows(self._loss_kind, self._passed.sums, rows.labels)
        weighted = losses if rows.weights is None else losses * rows.weights
        torch.sum(weighted, 0, dtype=sums.dtype, out=sums[0])
        torch.sum(metrics, 0, dtype=sums.dtype, out=sums[1])
        self._network.backward(self._weights, gradients, self._passed, gradient)

    def update(self, inputs: StepInputs) -> None:
        """Update the parameters by the gradients."""
        if self._rule is not None:
            self._update(self._rule, inputs.numbers)

    def scale(self, inputs: StepInputs, rows: Labelled) -> Tensor:
        """Return the factor of each row's gradient: its weight by that of the batch."""
        per_weight = inputs.numbers[self._groups * NUMBERS_OF_GROUP]
        return per_weight if rows.weights is None else (rows.weights * per_weight).unsqueeze(1)

    def _factors(self, inputs: StepInputs) -> list[Tensor | None] | None:
        if inputs.kept is None:
            return None
        factors: list[Tensor | None] = []
        at = 0
        first = self._groups * NUMBERS_OF_GROUP + 2
        for i, layer in enumerate(self._network.layers):
            if layer.dropout == 0:
                factors.append(None)
                continue
            kept = inputs.kept[:, :, at : at + layer.width]
            factors.append((kept * inputs.numbers[first + i]).flatten(0, 1))
            at += layer.width
        return factors

    def _repeat(self, rows: Labelled) -> Labelled:
        submodels = self._network.submodels
        if submodels == 1:
            return rows
        labels = rows.labels.expand(submodels, *rows.labels.shape).flatten(0, 1)
        weights = None if rows.weights is None else rows.weights.expand(submodels, -1).flatten(0, 1)
        return Labelled(rows.x, labels, weights)

    def _clip_norm(self) -> None:
        g = self._layout.learned.of(self._gradients.flat)
        norm = torch.linalg.vector_norm(g)
        g.mul_(((norm + NORM_EPSILON).reciprocal_() * self._norm_limit).clamp_(max=1))

    def _update(self, rule: Rule, numbers: Tensor) -> None:
        if self._norm_limit > 0:
            self._clip_norm()
        of_groups = numbers[: self._groups * NUMBERS_OF_GROUP].unflatten(0, (self._groups, NUMBERS_OF_GROUP))
        w, g = self._weights.flat, self._gradients.flat
        for found in self._layout.regularized:
            by = Regularization(*of_groups[found.group, len(Coefficients._fields) :])
            self._regularizers.apply(found.of(w), found.of(g), by)
        for found in self._layout.rules:
            c = Coefficients(*of_groups[found.group, : len(Coefficients._fields)])
            rule(found.of(w), found.of(g), [found.of(plane) for plane in self._planes], c)
