"""What watchers look at besides ticks: evaluations and errors, as often as is affordable."""

from __future__ import annotations

import time
from typing import Any

from creche.errors import CrecheError
from creche.studio.evaluation import EvaluatedPart
from creche.studio.protocol.requests import Watch, WatchedView
from creche.studio.protocol.views import Partition
from creche.studio.state import SessionState

__all__ = ["WatchedViews"]

# Seconds between two views, long enough to read their numbers, and the most of the time that they take.
INTERVAL, SHARE = 0.5, 0.2


class WatchedViews:
    """Sends each watcher the views that it looks at, when the network has changed.

    Parameters
    ----------
    state : SessionState

    """

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._sent: dict[tuple[Any, WatchedView], Any] = {}
        self._next = 0.0

    def send(self, *, at_once: bool) -> None:
        """Send what is due: while training runs, only now and then."""
        started = time.monotonic()
        if not at_once and started < self._next:
            return
        computed: dict[Any, object] = {}
        for watcher, watch in list(self._state.watched.items()):
            for name in watch.views:
                self._send_one(watcher, watch, name, computed)
        watched = {(watcher, name) for watcher, watch in self._state.watched.items() for name in watch.views}
        self._sent = {key: value for key, value in self._sent.items() if key in watched}
        took = time.monotonic() - started
        self._next = started + max(INTERVAL, took / SHARE)

    def _send_one(self, watcher: Any, watch: Watch, name: WatchedView, computed: dict[Any, object]) -> None:
        live = self._state.live
        if live is None:
            return
        run = live.run
        part = watch.partition
        key = id(run), run.step, run.epoch, len(run.plan.changes), part
        if self._sent.get((watcher, name)) == key:
            return
        if (name, part) not in computed:
            try:
                computed[name, part] = self._compute(name, part)
            except CrecheError:  # of a network whose predictions are no longer finite, which ticks tell
                computed[name, part] = None
        view = computed[name, part]
        if view is not None:
            watcher.send(view, None)
        self._sent[watcher, name] = key

    def _compute(self, name: WatchedView, partition: Partition) -> object:
        run = self._state.need_live().run
        part = self._find_part(partition)
        if part is None:
            return None
        return part.describe(run) if name == "evaluation" else part.describe_errors(run)

    def _find_part(self, name: Partition) -> EvaluatedPart | None:
        run, parts = self._state.need_live().run, self._state.evaluated
        if name not in parts or parts[name].prepared is not run.prepared:
            part = EvaluatedPart.of(run, name)
            if part is None:
                return None
            parts[name] = part
        return parts[name]
