"""Fitting the best model."""

from __future__ import annotations

from creche.studio.answers.registry import Turn, answers
from creche.studio.fitting import FitWork
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError

__all__: list[str] = []


@answers(requests.StartFit)
def start_fit(turn: Turn, request: requests.StartFit) -> views.Done:
    """Run `creche.fit` on the table; views are pushed."""
    state = turn.state
    state.need_live()
    if state.fit is not None and state.fit.is_running:
        raise RefusedError("busy", "A fit is already going on.", "Cancel it first.")
    if request.time_limit is not None and request.time_limit <= 0:
        raise RefusedError("bad_value", f"Time limit: got {request.time_limit:g}; needs a number of seconds above 0.")
    state.fit = FitWork(state, request)
    state.fit.start()
    return views.Done()
