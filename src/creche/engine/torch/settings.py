"""The settings of PyTorch under which this engine computes; they are the user's again afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

__all__ = ["engine_settings"]


@contextmanager
def engine_settings(device: torch.device) -> Iterator[None]:
    """Compute on a device without autograd, by deterministic algorithms, and in full float32."""
    if device.type == "cuda":  # which cuBLAS reads once, and without which it is not deterministic
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory
    products = torch.backends.cuda.matmul.fp32_precision
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # each of these fills would be a kernel
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    chosen = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    try:
        with torch.no_grad(), chosen:
            yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fills
        torch.backends.cuda.matmul.fp32_precision = products
