"""Changing settings."""

from __future__ import annotations

from creche._phrases import format_count, list_first
from creche.studio.answers.registry import LATER, Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.ready_table import ReadyTable
from creche.studio.settings import NEEDS_RESTART, list_changes, list_choices, merge_settings
from creche.studio.state import RefusedError, SessionState

__all__ = ["describe_settings"]


def describe_settings(state: SessionState, *, restarted: bool = False) -> views.SettingsView:
    """Return the settings in force, and what may be chosen."""
    live = state.need_live()
    changes: dict[float, str] = {}
    for epochs, change in zip(live.changed_at, live.run.plan.changes, strict=True):
        changes[epochs] = f"{changes[epochs]}, {change.describe()}" if epochs in changes else change.describe()
    return views.SettingsView(
        settings=state.need_settings(),
        choices=list_choices(state.prepared.task),
        restarted=restarted,
        changed_at=tuple(changes),
        changes=tuple(changes.values()),
    )


@answers(requests.ChangeSettings)
def change_settings(turn: Turn, request: requests.ChangeSettings) -> object:
    """Change settings: while a network trains, those that need no new network, unless the page accepts its loss."""
    state = turn.state
    settings, changed = merge_settings(state.need_settings(), request)
    if not changed:
        return describe_settings(state)
    live = state.need_live()
    lost = [name.replace("_", " ") for name in changed if name in NEEDS_RESTART]
    is_fresh = live.run.step == 0 and not live.run.plan.changes
    if lost and not is_fresh and not request.restart:
        epochs = format_count(live.run.epoch, "epoch")
        raise RefusedError(
            "needs_restart",
            f"Changing {list_first(lost, 3)} starts training anew: the weights after {epochs} would be lost.",
            "Confirm to start anew.",
        )
    if lost or is_fresh or request.restart:
        if state.needs_preparation(settings):
            return _prepare_anew(turn, request, settings)
        state.begin(settings)
        return describe_settings(state, restarted=True)
    live.change(**list_changes(settings, changed))
    state.changed |= {"settings", "history"}
    return describe_settings(state)


def _prepare_anew(turn: Turn, request: requests.ChangeSettings, settings: views.Settings) -> object:
    """Begin anew once the table is prepared for the settings; the network at hand stays until then."""
    state = turn.state

    def take(ready: ReadyTable) -> views.SettingsView:
        now = merge_settings(state.need_settings(), request)[0]
        if ready.network is not None and now == ready.network.settings:
            state.take_network(ready.network)
        else:  # others have been changed meanwhile
            state.begin(now)
        return describe_settings(state, restarted=True)

    state.need_desk().order(lambda: state.want(settings), take, turn.reply)
    return LATER
