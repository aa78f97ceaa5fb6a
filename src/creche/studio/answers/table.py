"""Opening a table, choosing its label, and the roles of its columns."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

from creche.studio.answers.registry import LATER, Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.ready_table import ReadyTable, WantedTable
from creche.studio.state import RefusedError
from creche.studio.table_source import open_bundled, open_file
from creche.studio.table_view import describe_table

__all__: list[str] = []


@answers(requests.OpenTable)
def open_table(turn: Turn, request: requests.OpenTable) -> object:
    """Open a bundled table or an uploaded one, in place of any that is being opened."""
    if (request.dataset is None) == (request.upload is None):
        raise RefusedError("bad_request", "Either a bundled table or an upload can be opened.")
    if request.upload is not None:
        path = turn.state.uploads.path(request.upload)
        wanted = WantedTable(path.name, lambda: open_file(path, path.name), request.label or None)
    else:
        dataset = request.dataset or ""
        wanted = WantedTable(dataset, lambda: open_bundled(dataset), request.label or None)
    turn.state.need_desk().cancel("was not made ready, because another table was opened")
    return _order(turn, lambda: wanted)


def _order(turn: Turn, want: Callable[[], WantedTable]) -> object:
    """Have the session take a table as soon as it is ready, and answer with it."""

    def take(ready: ReadyTable) -> views.TableView:
        turn.state.take(ready)
        return describe_table(turn.state)

    turn.state.need_desk().order(want, take, turn.reply)
    return LATER


@answers(requests.UploadPart)
def take_part(turn: Turn, request: requests.UploadPart) -> views.Done:
    """Add a part to a file that is uploaded."""
    try:
        content = b64decode(request.content, validate=True)
    except ValueError:
        raise RefusedError("bad_request", f"The part of {request.name} is not base64.") from None
    if request.offset == 0:
        turn.state.uploads.begin(request.upload, request.name)
    turn.state.uploads.add(request.upload, request.offset, content)
    return views.Done()


@answers(requests.ConfigureTable)
def configure_table(turn: Turn, request: requests.ConfigureTable) -> object:
    """Choose the label, the task and the roles of columns."""
    state = turn.state

    def want() -> WantedTable:
        source = state.need_source()
        label = state.label if request.label is None else request.label
        task = request.task or (state.chosen_task if label == state.label else None)
        return WantedTable(source.name, lambda: source, label, task, {**state.roles, **request.roles})

    return _order(turn, want)
