"""Opening a table, choosing its label, and the roles of its columns."""

from __future__ import annotations

from creche.studio.answers.registry import Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError
from creche.studio.table_source import open_bundled
from creche.studio.table_view import describe_table

__all__: list[str] = []


@answers(requests.OpenTable)
def open_table(turn: Turn, request: requests.OpenTable) -> views.TableView:
    """Open a bundled table."""
    if request.dataset is None:
        raise RefusedError("unsupported", "This session takes no uploads.", "Open a bundled table.")
    turn.state.open(open_bundled(request.dataset), request.label)
    return describe_table(turn.state)


@answers(requests.ConfigureTable)
def configure_table(turn: Turn, request: requests.ConfigureTable) -> views.TableView:
    """Choose the label, the task and the roles of columns."""
    state = turn.state
    label = state.label if request.label is None else request.label
    task = state.chosen_task if label == state.label else None
    state.configure(state.need_source(), label, request.task or task, {**state.roles, **request.roles})
    return describe_table(state)
