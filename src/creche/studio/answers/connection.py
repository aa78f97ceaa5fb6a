"""Beginning a connection, and what a watcher looks at."""

from __future__ import annotations

from creche._version import __version__
from creche.studio.answers.registry import Turn, answers
from creche.studio.answers.settings import describe_settings
from creche.studio.network import describe_network
from creche.studio.prediction import list_fields
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError, SessionState
from creche.studio.table_view import describe_table
from creche.table.datasets import BUNDLED

__all__ = ["welcome"]


@answers(requests.Connect)
def connect(turn: Turn, request: requests.Connect) -> views.Welcome:
    """Welcome a page, and send it the history so far."""
    if request.version != views.VERSION:
        raise RefusedError(
            "unsupported",
            f"The page speaks version {request.version} of the protocol, this session version {views.VERSION}.",
            "Reload the page.",
        )
    turn.state.changed.add("history")  # pushed to all as a whole, so that no page has a piece twice
    return welcome(turn.state)


def welcome(state: SessionState) -> views.Welcome:
    """Return everything a page needs to draw itself."""
    live, drawn = state.live, state.drawn
    has_network = live is not None and drawn is not None
    return views.Welcome(
        version=views.VERSION,
        creche_version=__version__,
        session=state.session,
        datasets=BUNDLED,
        table=None if state.source is None else describe_table(state),
        settings=describe_settings(state) if has_network else None,
        network=describe_network(live.run, drawn) if live is not None and drawn is not None else None,
        fields=list_fields(state),
        colony=None if state.colony is None else state.colony.view(),
        fit=None if state.fit is None else state.fit.view(),
        upload_limit=state.uploads.limit,
        progress=None if state.desk is None else state.desk.progress,
        failure=state.failure,
    )


@answers(requests.Watch)
def watch(turn: Turn, request: requests.Watch) -> views.Done:
    """Note what a watcher looks at."""
    live = turn.state.live
    if live is not None and request.views and getattr(live.run.prepared, request.partition) is None:
        raise RefusedError(
            "bad_value", f"There are no {request.partition} rows.", "Set a share of rows for them, or look at others."
        )
    if not request.rate > 0:
        raise RefusedError("bad_value", f"Rate: got {request.rate:g}; needs a number above 0.")
    turn.state.watched[turn.watcher] = request
    return views.Done()
