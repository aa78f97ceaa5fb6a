"""Dropout on PyTorch drops what the compiled engine drops: the generator gives the words of its authors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.peers

# Of Random123, the library of Philox's authors: key, counter, words.
KNOWN = [
    (0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (2**64 - 1, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        0x299F31D0A4093822,
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
def test_philox_gives_the_words_of_its_authors(
    torch_run: Any, key: int, counter: tuple[int, ...], words: tuple[int, ...]
) -> None:
    import torch

    from creche.engine.torch.random import philox

    found = philox(key, tuple(torch.tensor([part]) for part in counter))  # type: ignore[arg-type]
    assert found[0].tolist() == list(words)


@pytest.mark.parametrize("width", [1, 4, 37])
def test_the_kept_activations_are_those_of_the_compiled_engine(torch_run: Any, native: Any, width: int) -> None:
    import torch

    from creche.engine.torch.random import draw_kept

    seed, epoch, layer, submodel, bound = 2**40 + 5, 3, 1, 2, 2**31 + 12345
    positions = [0, 6, 2**20]
    kept = draw_kept(
        seed, epoch, torch.tensor(positions), layer, submodel, width, torch.full((3,), bound, dtype=torch.int64)
    )
    for row, position in enumerate(positions):
        words = np.concatenate(
            [
                native.philox(seed, np.array([quad, position, epoch, (3 << 24) + layer + 4096 * submodel], np.uint32))
                for quad in range((width + 3) // 4)
            ]
        )
        assert kept[row].tolist() == (words[:width] >= bound).tolist()
    assert 0 < kept.sum() < kept.numel() or width == 1
