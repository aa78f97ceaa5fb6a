"""Helpers of these tests: quick sweeps, and the bytes by which members are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import creche as cr

# With relu, so that losses can overflow.
PENGUINS: dict[str, Any] = {"label": "species", "activation": "relu", "threads": 1}


def run_sweep(**arguments: Any) -> cr.Colony:
    """Run a sweep on the penguins with few epochs."""
    return cr.sweep("penguins", **{**PENGUINS, "hidden": [5], "epochs": 6, **arguments})


def weight_bytes(trained: cr.Member | cr.Run) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in trained.model.weights)


def digests(colony: cr.Colony) -> list[tuple[str, bytes, bytes]]:
    """Return everything that must be the same after an interrupted sweep is resumed."""
    return [(m.status, weight_bytes(m), m.history.validation_loss.tobytes()) for m in colony]


def interrupt_after(calls: int) -> Callable[[cr.Colony], None]:
    """Return an on_progress callback that raises KeyboardInterrupt at its n-th call."""
    seen = iter(range(calls - 1))

    def report(colony: cr.Colony) -> None:
        if next(seen, None) is None:
            raise KeyboardInterrupt

    return report
