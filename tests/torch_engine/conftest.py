"""Fixtures of the torch engine's tests. They import torch, so that a run without these tests does not wait for it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def torch_run() -> Any:
    """The class of runs on PyTorch."""
    pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    from creche.engine.torch.run import TorchRun

    return TorchRun
