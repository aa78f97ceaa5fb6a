"""Changing settings."""

from __future__ import annotations

from creche._phrases import format_count, list_first
from creche.studio.answers.registry import Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.settings import list_choices, merge_settings
from creche.studio.state import RefusedError, SessionState

__all__ = ["describe_settings"]


def describe_settings(state: SessionState, *, restarted: bool = False) -> views.SettingsView:
    """Return the settings in force, and what may be chosen."""
    return views.SettingsView(
        settings=state.need_settings(),
        choices=list_choices(state.prepared.task),
        restarted=restarted,
        changed_at=tuple(state.changed_at),
        changes=tuple(state.changes),
    )


@answers(requests.ChangeSettings)
def change_settings(turn: Turn, request: requests.ChangeSettings) -> views.SettingsView:
    """Change settings; before the first step, all of them, and later those that need no restart unless it is asked."""
    state = turn.state
    settings, changed = merge_settings(state.need_settings(), request)
    if not changed:
        return describe_settings(state)
    live = state.need_live()
    if live.run.step > 0 and not request.restart:
        epochs = format_count(live.run.epoch, "epoch")
        raise RefusedError(
            "needs_restart",
            f"Changing {list_first(list(changed), 3)} starts training anew: the weights after {epochs} would be lost.",
            "Confirm to start anew.",
        )
    state.begin(settings)
    return describe_settings(state, restarted=True)
