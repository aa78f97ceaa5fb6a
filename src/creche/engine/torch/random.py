"""Which activations are dropped: those that the compiled engine drops, by the same random numbers.

core/random has the generator, Philox 4x32-10, and the counter of each neuron. Numbers of 32 bits are in int64 tensors:
a product wraps, and its high half, masked, is right all the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["draw_kept", "philox"]

MASK = 0xFFFFFFFF
DROPOUT_STREAM = 3 << 24
LAYERS_OF_SUBMODEL = 4096  # between the numbers of a layer in one submodel and in the next


def philox(key: int, counter: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Return the four words of each counter, along a new last axis; the parts of counters broadcast."""
    c0, c1, c2, c3 = counter
    k0, k1 = key & MASK, key >> 32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c2 = ((p1 >> 32) & MASK) ^ c1 ^ k0, ((p0 >> 32) & MASK) ^ c3 ^ k1
        c1, c3 = p1 & MASK, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return torch.stack(torch.broadcast_tensors(c0, c1, c2, c3), -1)


def draw_kept(seed: int, epoch: int, positions: Tensor, layer: int, submodel: int, width: int, bound: Tensor) -> Tensor:
    """Return whether each activation of a layer is kept, (n, width).

    Parameters
    ----------
    seed, epoch : int
    positions : (n,) int64 tensor
        Those of the rows in the order of the epoch.
    layer, submodel : int
        Counted from 0.
    width : int
        The neurons of the layer.
    bound : (n,) int64 tensor
        The probability with which the activations of a row are dropped, times 2^32.

    """

    def number(value: int) -> Tensor:
        return torch.full((1, 1), value, dtype=torch.int64, device=positions.device)

    quads = torch.arange((width + 3) // 4, device=positions.device).unsqueeze(0)
    stream = number(DROPOUT_STREAM + layer + LAYERS_OF_SUBMODEL * submodel)
    words = philox(seed, (quads, positions.unsqueeze(1), number(epoch), stream))
    return words.flatten(1)[:, :width] >= bound.unsqueeze(1)
