"""Training many networks, and going on with one of them."""

from __future__ import annotations

from creche.studio.answers.registry import Turn, answers
from creche.studio.colony import ColonyWork, count_epochs, list_settings
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError

__all__: list[str] = []


@answers(requests.StartColony)
def start_colony(turn: Turn, request: requests.StartColony) -> views.Done:
    """Train a network for each combination; views are pushed."""
    state = turn.state
    settings = state.need_settings()
    if state.colony is not None and state.colony.is_running:
        raise RefusedError("busy", "A colony is already in training.", "Cancel it first.")
    state.colony = ColonyWork(state, list_settings(settings, request), count_epochs(settings, request))
    state.colony.start()
    return views.Done()


@answers(requests.PickMember)
def pick_member(turn: Turn, request: requests.PickMember) -> views.Done:
    """Make a network of the colony that of the session, with its settings and all that its training goes on from."""
    state = turn.state
    colony = state.colony
    if colony is None or not colony.has_member(request.number):
        raise RefusedError("bad_value", f"The colony has no network {request.number}.")
    if not colony.belongs_to(state):
        raise RefusedError(
            "bad_value", "The networks of the colony learnt another table, label or roles.", "Train a new colony."
        )
    member = colony.state_of(request.number)
    state.need_live().pause()
    state.begin(colony.members[request.number])
    state.need_live().take_over(member)
    state.redraw()
    return views.Done()


@answers(requests.Cancel)
def cancel(turn: Turn, request: requests.Cancel) -> views.Done:
    """Let the colony or the fit end, whose results so far are kept; or give up what is done to the table."""
    if request.work == "table":
        if not turn.state.need_desk().cancel("was not made ready, because that was cancelled"):
            raise RefusedError("bad_value", "No table is being read.")
        return views.Done()
    work = turn.state.colony if request.work == "colony" else turn.state.fit
    if work is None or not work.is_running:
        raise RefusedError("bad_value", f"No {request.work} is in training.")
    work.cancel()
    return views.Done()
