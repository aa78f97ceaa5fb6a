"""Opening a table, choosing its label, and the roles of its columns."""

from __future__ import annotations

from base64 import b64decode

from creche.studio.answers.registry import Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError
from creche.studio.table_source import open_bundled, open_file
from creche.studio.table_view import describe_table, inspect_session

__all__: list[str] = []


@answers(requests.OpenTable)
def open_table(turn: Turn, request: requests.OpenTable) -> views.TableView:
    """Open a bundled table or an uploaded one."""
    if (request.dataset is None) == (request.upload is None):
        raise RefusedError("bad_request", "Either a bundled table or an upload can be opened.")
    if request.upload is not None:
        path = turn.state.uploads.path(request.upload)
        source = open_file(path, path.name)
    else:
        source = open_bundled(request.dataset or "")
    turn.state.open(source, request.label)
    return describe_table(turn.state)


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
def configure_table(turn: Turn, request: requests.ConfigureTable) -> views.TableView:
    """Choose the label, the task and the roles of columns."""
    state = turn.state
    label = state.label if request.label is None else request.label
    task = request.task or (state.chosen_task if label == state.label else None)
    roles = {**state.roles, **request.roles}
    if not label:  # with one, the preparation for training refuses what does not fit
        inspect_session(state, label, task, roles)
    state.configure(state.need_source(), label, task, roles)
    return describe_table(state)
