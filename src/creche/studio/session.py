"""A session: one thread that trains, and between two batches answers the requests of all who watch."""

from __future__ import annotations

import math
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from creche.studio import answers
from creche.studio.answers.connection import welcome
from creche.studio.answers.registry import ANSWERS, LATER, Turn
from creche.studio.answers.settings import describe_settings
from creche.studio.failures import describe_failure
from creche.studio.live_run import LiveRun
from creche.studio.network import describe_network
from creche.studio.progress import describe_history, take_tick
from creche.studio.protocol import requests, views
from creche.studio.protocol.frames import ReceivedRequest
from creche.studio.ready_table import WantedTable, make_ready
from creche.studio.state import RefusedError, SessionState
from creche.studio.table_desk import TableDesk
from creche.studio.table_source import TableSource
from creche.studio.table_view import describe_table
from creche.studio.uploads import Uploads
from creche.studio.watched import WatchedViews

__all__ = ["Session", "Watcher"]

# How long the engine trains before the thread looks for requests again.
SLICE = 0.02

# Ticks take at most this share of the time, however large the network.
TICK_SHARE = 0.25

MOST_TICKS, FEWEST_TICKS = 30.0, 0.1  # a second

HISTORY_INTERVAL = 0.2  # seconds between two pieces of the history; each draws the charts anew

CHOICE_INTERVAL = 2.0  # seconds, after which the strongest connections of a wide network are chosen anew


class Watcher(Protocol):
    """Who watches a session: a connection of a page, or a widget.

    `send` is called on any thread; it must neither block nor raise. Views must arrive in order. Of each `Tick` only the
    newest matters; a `History` whose `first` is 1 replaces those before, any other continues the one before.
    """

    def send(self, view: object, reply_to: int | None) -> None:
        """Send a view: the answer to the request of this number, or one that is pushed."""
        ...


class Session:
    """A table and a network that trains, watched and steered by any number of watchers.

    Parameters
    ----------
    source : TableSource or WantedTable, optional
        The table to begin with. One that is wanted is made ready beside the session, which has none until then, and is
        told by it if that fails.
    label : tuple of str, optional
        The columns to predict; by default those of a bundled table.
    threads : int, optional
        The number of threads of the engine; by default as for `creche.train`.
    uploads : Uploads, optional
        Where uploaded files are written; they are removed when the session is closed.

    Raises
    ------
    CrecheError
        If the table cannot be trained on.

    """

    def __init__(
        self,
        source: TableSource | WantedTable | None = None,
        label: tuple[str, ...] = (),
        *,
        threads: int | None = None,
        uploads: Uploads | None = None,
    ) -> None:
        self._watchers: list[Watcher] = []
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._state = SessionState.create(secrets.token_hex(8), threads, uploads or Uploads())
        self._state.push = self._push
        self._watched = WatchedViews(self._state)
        self._sequence = 0
        self._is_stale = False  # whether a request may have changed what the last tick told
        self._last_tick, self._tick_took = -math.inf, 0.0  # as `time_of_tick` says, and how long it took
        self._next_history = self._next_choice = 0.0
        self._sent_history = (-1, 0)  # its version, and how many epochs of it
        self._state.desk = TableDesk(self._push, self.call_soon, self._state.threads)
        if isinstance(source, TableSource):
            wanted = WantedTable(source.name, lambda: source, label or None)
            self._state.take(make_ready(wanted, self._state.threads))
            self._state.changed.clear()  # a page that connects is told all of it
        elif source is not None:
            self._begin_with(replace(source, label=label or source.label))
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="creche-studio-session", daemon=True)
        self._thread.start()

    @property
    def uploads(self) -> Uploads:
        """Where uploaded files are written."""
        return self._state.uploads

    # -- any thread ----------------------------------------------------------------------------------------------------

    def attach(self, watcher: Watcher) -> None:
        """Let a watcher see all that is pushed from now on."""

        def note() -> None:
            self._state.watched.setdefault(watcher, requests.Watch())

        with self._lock:
            self._watchers.append(watcher)
        self.call_soon(note)

    def detach(self, watcher: Watcher) -> None:
        """Forget a watcher."""

        def forget() -> None:
            self._state.watched.pop(watcher, None)

        with self._lock:
            self._watchers = [each for each in self._watchers if each is not watcher]
        self.call_soon(forget)

    def submit(self, watcher: Watcher, received: ReceivedRequest) -> None:
        """Carry out a request between two batches; the answer is sent to the watcher."""
        if isinstance(received.request, requests.Acknowledge):
            return  # the transport's business
        if self._is_closed:
            watcher.send(views.Failure("internal", "The session is closed."), received.id)
            return
        self.call_soon(lambda: self._answer(watcher, received))

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function on the session's thread, between two batches."""
        self._jobs.put(function)

    def close(self, text: str) -> None:
        """End the session: tell the watchers why, and wait for its thread."""
        if not self._is_closed:
            self._is_closed = True
            self._jobs.put(None)
        self._thread.join()
        works = [work for work in (self._state.colony, self._state.fit) if work is not None]
        self._state.end_work()
        self._state.need_desk().cancel("was not made ready, because the session ended")
        for work in works:
            work.join()
        self.uploads.close()
        self._push(views.Closing(text))

    def _push(self, view: object) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher.send(view, None)

    # -- the session's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            live = self._state.live
            plays = live is not None and live.status == "running"
            try:
                job = self._jobs.get(timeout=(self._seconds_to_wait(live) if plays and live is not None else None))
            except queue.Empty:
                pass
            else:
                if job is None:
                    return
                self._call(job)
                continue
            try:
                self._train()
            except Exception as error:
                self._report(error)

    @property
    def _next_tick(self) -> float:
        """When the next tick is due, as those who watch now want it."""
        rates = [watch.rate for watch in self._state.watched.values()]
        return self._last_tick + seconds_between_ticks(rates, self._tick_took)

    def _seconds_to_wait(self, live: LiveRun) -> float:
        """Return how long there is nothing to do while training runs: no step to take, and nothing to tell."""
        seconds = live.seconds_to_wait()
        return min(seconds, max(0.0, self._next_tick - time.monotonic())) if self._is_stale else seconds

    def _call(self, job: Callable[[], None]) -> None:
        try:
            job()
            self._push_changed()
            live = self._state.live
            if live is not None and live.status == "running":
                self._is_stale = True  # the next tick tells
                return
            self._push_history()  # a pause leaves epochs that were not sent yet
            self._push_tick()
            self._watched.send(at_once=True)
        except Exception as error:
            self._report(error)

    def _train(self) -> None:
        live = self._state.live
        assert live is not None
        live.advance(min(SLICE, max(0.001, self._next_tick - time.monotonic())) if self._watchers else SLICE)
        now = time.monotonic()
        ended = live.status != "running"
        if ended or now >= self._next_history:
            self._push_history()
            self._next_history = time.monotonic() + HISTORY_INTERVAL
        drawn = self._state.drawn
        if drawn is not None and drawn.is_choice and (ended or now >= self._next_choice):
            self._state.redraw()
            self._push_changed()
            self._next_choice = time.monotonic() + CHOICE_INTERVAL
        if ended or now >= self._next_tick:
            self._push_tick()
        self._watched.send(at_once=ended)

    def _begin_with(self, wanted: WantedTable) -> None:
        """Make a table ready, and take it; why that fails is told to all who watch, and to those who come later."""
        state = self._state

        def reply(view: object) -> None:
            if isinstance(view, views.Failure) and view.code != "cancelled":
                state.failure = view
                self._push(view)

        self.call_soon(lambda: state.need_desk().order(lambda: wanted, state.take, reply))

    def _answer(self, watcher: Watcher, received: ReceivedRequest) -> None:
        def reply(view: object) -> None:
            watcher.send(view, received.id)

        turn = Turn(self._state, watcher, reply, self.call_soon)
        try:
            function = ANSWERS.get(type(received.request))
            if function is None:
                raise RefusedError("unsupported", f"{type(received.request).__name__} is not supported yet.")
            view = function(turn, received.request)
        except Exception as error:
            view = describe_failure(error)
        if view is not LATER:
            reply(view)

    def _report(self, error: Exception) -> None:
        """Stop training because of an error that no request caused, and tell all."""
        if self._state.live is not None:
            self._state.live.pause()
        self._push(describe_failure(error))

    # -- what is pushed ------------------------------------------------------------------------------------------------

    def _push_changed(self) -> None:
        state, changed = self._state, self._state.changed
        state.changed = set()
        if not changed:
            return
        if "table" in changed and state.source is not None:
            self._push(describe_table(state))
        if "network" in changed and state.live is None:
            self._push(welcome(state))
        if "settings" in changed and state.live is not None:
            self._push(describe_settings(state, restarted="network" in changed))
        if "network" in changed and state.live is not None and state.drawn is not None:
            self._push(describe_network(state.live.run, state.drawn))
        if "history" in changed:
            self._sent_history = (-1, 0)
            self._push_history()

    def _push_history(self) -> None:
        state = self._state
        live = state.live
        version, epochs = (0, 0) if live is None else (live.history_version, len(live.history))
        if (version, epochs) == self._sent_history or not self._watchers:
            return
        sent_version, sent_epochs = self._sent_history
        self._push(describe_history(state, sent_epochs if version == sent_version else 0))
        self._sent_history = version, epochs

    def _push_tick(self) -> None:
        """Push the state of training, if someone watches."""
        self._is_stale = False
        if not self._watchers:
            return
        due, started = self._next_tick, time.monotonic()
        self._sequence += 1
        self._push(take_tick(self._state, self._sequence))
        self._last_tick = time_of_tick(due, started)
        self._tick_took = time.monotonic() - started


def seconds_between_ticks(rates: Sequence[float], took: float) -> float:
    """Return the seconds from tick to tick for watchers of these rates, if one takes `took` seconds.

    A watcher that has just come has not told its rate, and need not wait for its first tick.
    """
    rate = max([FEWEST_TICKS, *rates]) if rates else MOST_TICKS
    return max(1 / min(MOST_TICKS, rate), took / TICK_SHARE)


def time_of_tick(due: float, started: float) -> float:
    """Return from when on the next tick is due: a tick that comes a little late, after a batch, delays no other."""
    return due if due <= started < due + 1 / MOST_TICKS else started


assert answers  # its modules register their functions
