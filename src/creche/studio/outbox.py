"""What a session has for one watcher: of a state that changes only the newest, and answers in their order.

A page that reads slowly, or not at all, neither delays training nor lets memory grow.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np

from creche.studio.protocol.views import Closing, Failure, History, NetworkView, SettingsView, TableView, Tick, Welcome

__all__ = ["Clock", "Outbox", "Outgoing"]

Clock: TypeAlias = Callable[[], float]
"""Returns seconds."""

MAX_UNACKNOWLEDGED = 2
ACKNOWLEDGEMENT_TIMEOUT = 1.0
"""Seconds after which a `Tick` counts as drawn: a busy notebook kernel passes no acknowledgements on."""
MAX_ANSWERS = 100
MAX_FAILURES = 20

STRUCTURE: tuple[type, ...] = (TableView, SettingsView, NetworkView)
"""Views that others refer to, sent before those."""


class Outgoing(NamedTuple):
    """A view to send; `reply_to` is the request that it answers, None if it is pushed."""

    view: object
    reply_to: int | None


class Outbox:
    """Holds what is still to be sent to one watcher.

    Answers leave in their order, and so do pushed failures. Of every other view that is pushed only the newest is
    kept; pieces of the history are joined, and thinned as the newest is. At most two ticks are sent that the page
    has not acknowledged. Nothing but failures is pushed before the answer to `Connect`. All methods may be called from
    any thread.

    Parameters
    ----------
    wake : callable
        Is called, on any thread, when there may be something to take. It must not block.
    clock : callable, optional

    Examples
    --------
    >>> from creche.studio.protocol.views import Done
    >>> outbox = Outbox(wake=lambda: None)
    >>> outbox.expect_answer()
    >>> outbox.send(Done("saved"), reply_to=3)
    >>> outbox.take()
    Outgoing(view=Done(text='saved'), reply_to=3)
    >>> outbox.take() is None
    True

    """

    def __init__(self, wake: Callable[[], None], clock: Clock = time.monotonic) -> None:
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._ordered: deque[Outgoing] = deque()
        self._newest: dict[type, object] = {}
        self._unacknowledged: deque[tuple[int, float]] = deque()
        self._unanswered = 0
        self._is_greeted = False
        self._is_closed = False

    def expect_answer(self) -> None:
        """Note that a request was read, which will be answered by `send`."""
        with self._lock:
            self._unanswered += 1

    def send(self, view: object, reply_to: int | None = None) -> None:
        """Add a view; never blocks and never raises."""
        with self._lock:
            if self._is_closed:
                return
            if reply_to is not None:
                self._ordered.append(Outgoing(view, reply_to))
            elif isinstance(view, Failure | Closing | Welcome):
                self._add_ordered(view)
            elif isinstance(view, History):
                self._newest[History] = _join(self._newest.get(History), view)
            else:
                self._newest[type(view)] = view
        self._wake()

    def take(self) -> Outgoing | None:
        """Return the next view to send, and forget it; None if there is nothing to send now."""
        with self._lock:
            if self._ordered:
                outgoing = self._ordered.popleft()
                self._unanswered -= outgoing.reply_to is not None
                self._is_greeted |= isinstance(outgoing.view, Welcome)
                return outgoing
            if not self._is_greeted:
                return None
            kind = next((kind for kind in STRUCTURE if kind in self._newest), None)
            if kind is None:
                may_tick = self._may_tick()
                kind = next((kind for kind in self._newest if kind is not Tick or may_tick), None)
            if kind is None:
                return None
            view = self._newest.pop(kind)
            if isinstance(view, Tick):
                self._unacknowledged.append((view.sequence, self._clock()))
            return Outgoing(view, None)

    def acknowledge(self, sequence: int) -> None:
        """Note that the page has drawn all ticks up to this one."""
        with self._lock:
            while self._unacknowledged and self._unacknowledged[0][0] <= sequence:
                self._unacknowledged.popleft()
        self._wake()

    def seconds_to_wait(self) -> float | None:
        """Return after how long a withheld tick may be sent without an acknowledgement; None if none is withheld."""
        with self._lock:
            if Tick not in self._newest or not self._unacknowledged or not self._is_greeted:
                return None
            return max(0.0, self._unacknowledged[0][1] + ACKNOWLEDGEMENT_TIMEOUT - self._clock())

    @property
    def is_full(self) -> bool:
        """Whether 100 answers are still to be sent: no more requests should be read for now."""
        with self._lock:
            return self._unanswered >= MAX_ANSWERS

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, not even what is withheld."""
        with self._lock:
            return not self._ordered and not self._newest

    def close(self) -> None:
        """Drop everything, also what is sent from now on."""
        with self._lock:
            self._is_closed = True
            self._ordered.clear()
            self._newest.clear()

    def _add_ordered(self, view: object) -> None:
        pushed = [outgoing for outgoing in self._ordered if outgoing.reply_to is None]
        if len(pushed) >= MAX_FAILURES:
            self._ordered.remove(pushed[0])
        self._ordered.append(Outgoing(view, None))

    def _may_tick(self) -> bool:
        now = self._clock()
        while self._unacknowledged and now - self._unacknowledged[0][1] >= ACKNOWLEDGEMENT_TIMEOUT:
            self._unacknowledged.popleft()
        return len(self._unacknowledged) < MAX_UNACKNOWLEDGED


def _join(waiting: object, piece: History) -> History:
    """Return two pieces of the history as one, without the epochs that the later one drops."""
    if not isinstance(waiting, History) or piece.first == 1 or waiting.columns != piece.columns:
        return piece
    earlier = (waiting.epochs < piece.first) & ((waiting.epochs - 1) % piece.stride == 0)
    return replace(
        piece,
        first=waiting.first,
        epochs=np.concatenate([waiting.epochs[earlier], piece.epochs]),
        values=np.concatenate([waiting.values[earlier], piece.values]),
    )
