"""From the columns of a table to the inputs of the first layer, and the gradients of the embeddings' parameters.

core/layers/embedding.hpp has the formulas, and core/shape.hpp the order of the inputs: the features of the embeddings
one after the other, then the columns without an embedding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Embeddings"]

TWO_PI = 2 * math.pi

Tensors = Mapping[str, Tensor]  # the parameters of an embedding, or the places of their gradients, by their names


class Embedding(Protocol):
    """Some columns of the table that become inputs of the first layer by one set of parameters."""

    @property
    def columns(self) -> list[int]:
        """The columns."""
        ...

    @property
    def width(self) -> int:
        """The number of all its inputs of the first layer."""
        ...

    def forward(self, of: Tensors, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the inputs of the first layer, (n, width), and what the way back needs."""
        ...

    def backward(self, of: Tensors, to: Tensors, kept: tuple[Tensor, ...], gradient: Tensor) -> None:
        """Write the gradients of the parameters, from that of the inputs of the first layer."""
        ...


@dataclass(frozen=True, slots=True)
class LinearEmbedding:
    """e = b + x W, where x are neighbouring columns."""

    columns: list[int]
    width: int

    def forward(self, of: Tensors, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return b + x W."""
        of_feature = x[:, self.columns[0] : self.columns[0] + len(self.columns)]
        return torch.addmm(of["bias"], of_feature, of["weights"]), (of_feature,)

    def backward(self, of: Tensors, to: Tensors, kept: tuple[Tensor, ...], gradient: Tensor) -> None:
        """Write the gradients of weights and bias."""
        torch.mm(kept[0].t(), gradient, out=to["weights"])
        torch.sum(gradient, 0, out=to["bias"])


@dataclass(frozen=True, slots=True)
class CategoryEmbedding:
    """A row of a matrix of vectors for each code; a number beyond the codes counts as code 0."""

    columns: list[int]
    width: int
    numbers: Tensor  # of the codes, (codes, 1)

    def forward(self, of: Tensors, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the vectors of the codes."""
        found = x[:, self.columns[0]]
        known = (found >= 0) & (found < len(self.numbers))
        codes = torch.where(known, found, torch.zeros_like(found)).to(torch.int64)
        return of["vectors"].index_select(0, codes), (codes,)

    def backward(self, of: Tensors, to: Tensors, kept: tuple[Tensor, ...], gradient: Tensor) -> None:
        """Write the gradient of the vectors: a product, since sums by index have no fixed order on a GPU."""
        torch.mm((kept[0] == self.numbers).to(gradient.dtype), gradient, out=to["vectors"])


@dataclass(frozen=True, slots=True)
class PeriodicEmbedding:
    """b + cos(2 pi x w + p) V for each feature, then the feature itself."""

    columns: list[int]
    width: int
    frequencies: int
    index: Tensor  # the columns

    def forward(self, of: Tensors, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the learned inputs of each feature with the feature behind them."""
        features = x.index_select(1, self.index)
        angles = torch.addcmul(of["phases"], features.unsqueeze(1), of["frequencies"] * TWO_PI)
        cosines, sines = (f(angles).permute(2, 0, 1) for f in (torch.cos, torch.sin))  # (features, n, frequencies)
        weights = self._by_feature(of["weights"])
        learned = torch.baddbmm(of["bias"].t().unsqueeze(1), cosines, weights)
        out = torch.cat((learned.transpose(0, 1), features.unsqueeze(2)), 2)
        return out.flatten(1), (features, cosines, sines)

    def backward(self, of: Tensors, to: Tensors, kept: tuple[Tensor, ...], gradient: Tensor) -> None:
        """Write the gradients of frequencies, phases, weights and bias."""
        features, cosines, sines = kept
        g = gradient.unflatten(1, (len(self.columns), -1))[:, :, :-1].transpose(0, 1)  # (features, n, learned)
        of_angles = torch.bmm(g, self._by_feature(of["weights"]).transpose(1, 2)).mul_(sines).neg_()
        by_features = (features * TWO_PI).t().unsqueeze(2)
        to["frequencies"].copy_((of_angles * by_features).sum(1).t())
        to["phases"].copy_(of_angles.sum(1).t())
        self._by_feature(to["weights"]).copy_(torch.bmm(cosines.transpose(1, 2), g))
        to["bias"].copy_(g.sum(1).t())

    def _by_feature(self, weights: Tensor) -> Tensor:
        """Return weights (frequencies x learned, features) as (features, frequencies, learned)."""
        return weights.unflatten(0, (self.frequencies, -1)).permute(2, 0, 1)


class Embeddings:
    """All embeddings of a network, and the columns without one.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    device : torch.device

    """

    def __init__(self, plan: Any, device: torch.device) -> None:
        self._embeddings: list[Embedding] = []
        for embedding in plan.embeddings:
            self._embeddings += _split(embedding, device)
        taken = {column for embedding in self._embeddings for column in embedding.columns}
        plain = [column for column in range(plan.inputs) if column not in taken]
        self._plain = torch.tensor(plain, dtype=torch.int64, device=device)

    def __bool__(self) -> bool:
        return bool(self._embeddings)

    def forward(self, tensors: Tensors, x: Tensor) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """Return the inputs of the first layer, and what the way back needs of each embedding."""
        if not self._embeddings:
            return x, []
        out, kept = zip(*(e.forward(_named(tensors, i), x) for i, e in enumerate(self._embeddings)), strict=True)
        return torch.cat([*out, x.index_select(1, self._plain)], 1), list(kept)

    def backward(self, of: Tensors, to: Tensors, kept: list[tuple[Tensor, ...]], gradient: Tensor) -> None:
        """Write the gradients of all parameters, from that of the inputs of the first layer."""
        at = 0
        for i, embedding in enumerate(self._embeddings):
            own = gradient[:, at : at + embedding.width]
            embedding.backward(_named(of, i), _named(to, i), kept[i], own)
            at += embedding.width


def _split(plan: Any, device: torch.device) -> list[Embedding]:
    """Return the embeddings of a plan: one for all periodic features together, otherwise one for each feature."""
    if plan.kind == "periodic":
        columns = list(plan.columns)
        index = torch.tensor(columns, device=device)
        return [PeriodicEmbedding(columns, len(columns) * plan.width, plan.frequencies, index)]
    features = zip(plan.columns, plan.sizes, strict=True)
    if plan.kind == "linear":
        return [LinearEmbedding(list(range(first, first + size)), plan.width) for first, size in features]
    return [
        CategoryEmbedding([column], plan.width, torch.arange(codes, device=device).unsqueeze(1))
        for column, codes in features
    ]


def _named(tensors: Tensors, embedding: int) -> dict[str, Tensor]:
    prefix = f"embeddings.{embedding}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
