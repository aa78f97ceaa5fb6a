"""The products of layers: of numbers as they are, or of numbers that are rounded first."""

from __future__ import annotations

import torch
from torch import Tensor

from creche.plan.words import Precision

__all__ = ["Products"]

TF32_BITS = 13  # the low bits of float32 that tf32 does not have


class Products:
    """Products whose sums are in the type of the parameters.

    With "bfloat16" and "tf32" both operands are rounded to the nearest number of that type, ties to even. A GPU has
    instructions for it; elsewhere the rounded numbers are multiplied in float32, which gives each product exactly.

    Parameters
    ----------
    precision : {"float32", "float64", "tf32", "bfloat16"}
    device : torch.device

    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        on_gpu = device.type == "cuda"
        self.multiplies_bfloat16 = precision == "bfloat16" and on_gpu
        # For tf32 a GPU rounds by itself: `creche.engine.torch.settings` says so to PyTorch.
        self._rounds = precision in ("tf32", "bfloat16") and not on_gpu
        self._precision = precision

    def add(self, bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Return bias + a b, of matrices or of stacks of them."""
        if self.multiplies_bfloat16:
            return self.multiply(a, b).add_(bias)
        a, b = self._round(a), self._round(b)
        return torch.addmm(bias, a, b) if a.ndim == 2 else torch.baddbmm(bias, a, b)

    def multiply(self, a: Tensor, b: Tensor) -> Tensor:
        """Return a b, of matrices or of stacks of them."""
        if self.multiplies_bfloat16:
            multiply = torch.mm if a.ndim == 2 else torch.bmm
            return multiply(a.bfloat16(), b.bfloat16(), out_dtype=torch.float32)
        a, b = self._round(a), self._round(b)
        return torch.mm(a, b) if a.ndim == 2 else torch.bmm(a, b)

    def multiply_into(self, a: Tensor, b: Tensor, out: Tensor) -> None:
        """Write a b."""
        if self.multiplies_bfloat16:
            out.copy_(self.multiply(a, b))
            return
        a, b = self._round(a), self._round(b)
        torch.mm(a, b, out=out) if a.ndim == 2 else torch.bmm(a, b, out=out)

    def _round(self, x: Tensor) -> Tensor:
        if not self._rounds:
            return x
        return x.bfloat16().float() if self._precision == "bfloat16" else _round_to_tf32(x)


def _round_to_tf32(x: Tensor) -> Tensor:
    bits = x.contiguous().view(torch.int32)
    odd = (bits >> TF32_BITS) & 1
    rounded = (bits + ((1 << (TF32_BITS - 1)) - 1) + odd) & -(1 << TF32_BITS)
    return torch.where(torch.isfinite(x), rounded.view(torch.float32), x)
