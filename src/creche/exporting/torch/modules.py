"""The parts of networks that torch.nn does not have: each a module whose parameters have the shapes of the model's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "BatchNormalization",
    "CategoryEmbedding",
    "Embeddings",
    "LinearEmbedding",
    "ParametricActivation",
    "PeriodicEmbedding",
    "Residual",
    "Scale",
    "SharedLinear",
    "Submodels",
]


class Scale(nn.Module):
    """Multiplies each input by a learned factor: those of all submodels, or of each."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        """Return the inputs times their factors."""
        return x * _by_submodel(self.weight)


class ParametricActivation(nn.Module):
    """z + alpha (f(z) - z) with a learned alpha for each neuron."""

    def __init__(self, activation: nn.Module, width: int) -> None:
        super().__init__()
        self.activation = activation
        self.slopes = nn.Parameter(torch.ones(width))

    def forward(self, z: Tensor) -> Tensor:
        """Return the bent activation."""
        return z + self.slopes * (self.activation(z) - z)


class Residual(nn.Sequential):
    """Modules whose inputs are added to their outputs."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs plus the inputs."""
        return super().forward(x) + x


class Submodels(nn.Module):
    """Repeats rows (n, inputs) for each submodel: (submodels, n, inputs)."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows of each submodel."""
        return x.expand(self.count, *x.shape)


class SharedLinear(nn.Module):
    """The weighted sums of submodels (submodels, n, inputs): weights, bias and factors are shared, or of each."""

    def __init__(self, weight: Sequence[int], bias: Sequence[int], output_scale: Sequence[int] | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tuple(weight)))
        self.bias = nn.Parameter(torch.empty(tuple(bias)))
        self.output_scale = None if output_scale is None else nn.Parameter(torch.ones(tuple(output_scale)))

    def forward(self, x: Tensor) -> Tensor:
        """Return x W t + b."""
        z = torch.matmul(x, self.weight)
        if self.output_scale is not None:
            z = z * _by_submodel(self.output_scale)
        return z + _by_submodel(self.bias)


class BatchNormalization(nn.BatchNorm1d):
    """Batch normalization over the rows of all submodels together."""

    def forward(self, z: Tensor) -> Tensor:
        """Return the normalized sums."""
        return super().forward(z.flatten(0, -2)).reshape(z.shape)


class LinearEmbedding(nn.Linear):
    """The inputs of one feature, b + x W, of neighbouring columns."""

    def __init__(self, first: int, size: int, width: int) -> None:
        super().__init__(size, width)
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        """Return the inputs, (n, width)."""
        return super().forward(x[:, self.first : self.first + self.in_features])


class CategoryEmbedding(nn.Embedding):
    """The vector of the code in one column."""

    def __init__(self, column: int, codes: int, width: int) -> None:
        super().__init__(codes, width)
        self.column = column

    def forward(self, x: Tensor) -> Tensor:
        """Return the vectors, (n, width)."""
        codes = x[:, self.column]
        is_known = (codes >= 0) & (codes < self.num_embeddings)
        return super().forward(torch.where(is_known, codes, torch.zeros_like(codes)).to(torch.int64))


class PeriodicEmbedding(nn.Module):
    """b + sum over f of cos(2 pi w_f x + p_f) V_f of some columns, each followed by the column itself."""

    def __init__(self, columns: Sequence[int], frequencies: int, learned: int) -> None:
        super().__init__()
        count = len(columns)
        self.columns = list(columns)
        self.frequencies = nn.Parameter(torch.empty(frequencies, count))
        self.phases = nn.Parameter(torch.empty(frequencies, count))
        self.weight = nn.Parameter(torch.empty(frequencies * learned, count))
        self.bias = nn.Parameter(torch.empty(learned, count))

    def forward(self, x: Tensor) -> Tensor:
        """Return the inputs, (n, columns x (learned + 1))."""
        numbers = x[:, self.columns]
        turns = numbers.unsqueeze(1) * self.frequencies + self.phases / (2 * math.pi)
        cosines = torch.cos(2 * math.pi * (turns - torch.round(turns)))  # (n, frequencies, columns)
        weights = self.weight.unflatten(0, (len(self.frequencies), -1))  # (frequencies, learned, columns)
        learned = torch.einsum("nfc,flc->ncl", cosines, weights) + self.bias.t()
        return torch.cat((learned, numbers.unsqueeze(2)), 2).flatten(1)


class Embeddings(nn.ModuleList):
    """All embeddings of a network, then the columns without one."""

    def __init__(self, embeddings: Sequence[nn.Module], plain: Sequence[int]) -> None:
        super().__init__(embeddings)
        self.plain = list(plain)

    def forward(self, x: Tensor) -> Tensor:
        """Return the inputs of the first layer."""
        return torch.cat([*(embedding(x) for embedding in self), x[:, self.plain]], 1)


def _by_submodel(numbers: Tensor) -> Tensor:
    """Return numbers that all submodels share as they are, and those of each, (submodels, width), for all its rows."""
    return numbers.unsqueeze(1) if numbers.dim() > 1 else numbers
