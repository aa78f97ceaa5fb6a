"""The settings of PyTorch under which this engine computes; they are the user's again afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch

from creche.errors import PlanError
from creche.plan.words import Precision

__all__ = ["engine_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings that all threads share."""

    deterministic: bool
    warn_only: bool
    fills_memory: bool
    products: str  # how a GPU multiplies numbers of float32

    @classmethod
    def read(cls) -> Settings:
        """Return the settings as they are."""
        return cls(
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.backends.cuda.matmul.fp32_precision,
        )

    def apply(self) -> None:
        """Set them."""
        torch.use_deterministic_algorithms(self.deterministic, warn_only=self.warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = self.fills_memory
        torch.backends.cuda.matmul.fp32_precision = self.products


# Deterministic, in full float32, and without filling memory before it is written, which would be a kernel each time.
OURS = Settings(deterministic=True, warn_only=False, fills_memory=False, products="ieee")
TF32 = replace(OURS, products="tf32")

_lock = threading.Lock()
_before: list[Settings] = []  # of the user, once for each run under way
_applied: list[Settings] = []  # of those runs, all the same


@contextmanager
def engine_settings(device: torch.device, precision: Precision = "float32") -> Iterator[None]:
    """Compute on a device without autograd, by deterministic algorithms, and in full float32 or in tf32.

    Several threads may train: the last that ends gives the user's settings back.

    Raises
    ------
    PlanError
        If another thread trains with tf32 at the time and this one must not, or the other way round: PyTorch has one
        setting for all threads.

    """
    ours = TF32 if precision == "tf32" and device.type == "cuda" else OURS
    if device.type == "cuda":  # which cuBLAS reads once, and without which it is not deterministic
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with _lock:
        _before.append(_before[0] if _before else Settings.read())
        if len(_before) > 1 and _applied[-1] is not ours:
            _before.pop()
            raise PlanError(
                "precision: PyTorch multiplies with or without tf32 on all threads; wait for the training on the other "
                "thread, or give the same precision there",
                argument="precision",
            )
        _applied.append(ours)
        ours.apply()
    try:
        with torch.no_grad(), torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        with _lock:
            user = _before.pop()
            _applied.pop()
            if not _before:
                user.apply()
