"""Fixtures of the parity tests. A fixture imports torch, so that a run without these tests does not wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

collect_ignore = ["torch_twin.py"]  # the search for doctests would import it


@pytest.fixture
def twin() -> Iterator[ModuleType]:
    """The module that builds the same networks in PyTorch."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    from tests.peers import torch_twin

    # Some rules keep scalars in the default type, which must not be less precise than the float64 under test.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch_twin
    torch.set_default_dtype(before)
