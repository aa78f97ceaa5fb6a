"""What several of these tests share: quick sweeps, and what a member is compared by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import creche as cr

PENGUINS: dict[str, Any] = {"label": "species", "threads": 1}


def swept(**arguments: Any) -> cr.Colony:
    """A sweep over the penguins, of few epochs."""
    return cr.sweep("penguins", **{**PENGUINS, "hidden": [5], "epochs": 6, **arguments})


def weights_of(trained: cr.Member | cr.Run) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in trained.model.weights)


def digests(colony: cr.Colony) -> list[tuple[str, bytes, bytes]]:
    """All that is to be the same when a sweep is stopped and goes on."""
    return [(m.status, weights_of(m), m.history.validation_loss.tobytes()) for m in colony]


def interrupting(calls: int) -> Callable[[cr.Colony], None]:
    """An on_progress that is Ctrl-C at its so-and-so-manieth call."""
    seen = iter(range(calls - 1))

    def report(colony: cr.Colony) -> None:
        if next(seen, None) is None:
            raise KeyboardInterrupt

    return report
