"""The page of one training step: the sections of its narrative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from creche.explain.trace.narrative import describe_trace

if TYPE_CHECKING:
    from creche.explain.trace.result import Trace
    from creche.render.document import Section

__all__ = ["trace_page"]

ROWS = 20


def trace_page(trace: Trace) -> Sequence[Section]:
    """Return the sections of the step, with the first rows of the batch."""
    return describe_trace(trace, ROWS, with_weights=False)
