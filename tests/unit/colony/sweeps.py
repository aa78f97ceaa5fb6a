"""What several of these tests share: quick sweeps, and what a member is compared by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rookery as rk

PENGUINS: dict[str, Any] = {"label": "species", "threads": 1}


def swept(**arguments: Any) -> rk.Colony:
    """A sweep over the penguins, of few epochs."""
    return rk.sweep("penguins", **{**PENGUINS, "hidden": [5], "epochs": 6, **arguments})


def weights_of(trained: rk.Member | rk.Run) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in trained.model.weights)


def digests(colony: rk.Colony) -> list[tuple[str, bytes, bytes]]:
    """All that is to be the same when a sweep is stopped and goes on."""
    return [(m.status, weights_of(m), m.history.validation_loss.tobytes()) for m in colony]


def interrupting(calls: int) -> Callable[[rk.Colony], None]:
    """An on_progress that is Ctrl-C at its so-and-so-manieth call."""
    seen = iter(range(calls - 1))

    def report(colony: rk.Colony) -> None:
        if next(seen, None) is None:
            raise KeyboardInterrupt

    return report
