"""A watcher that collects what a session sends, and waits for it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from creche.studio.protocol import views
from creche.studio.protocol.frames import ReceivedRequest
from creche.studio.protocol.requests import ChangeSettings, Connect, Play, Request
from creche.studio.session import Session
from creche.studio.table_source import TableSource, open_bundled
from tests.patience import PATIENCE

V = TypeVar("V")
T = TypeVar("T")

ENDLESS = 1_000_000  # epochs, which no test waits for

OF_WORK = (views.ColonyView, views.FitView)


def empty_welcome(session: str, upload_limit: int) -> views.Welcome:
    """Return how a session without a table welcomes a page."""
    return views.Welcome(
        version=views.VERSION, creche_version="0", session=session, datasets=(), table=None, settings=None,
        network=None, fields=(), colony=None, fit=None, upload_limit=upload_limit, progress=None, failure=None,
    )  # fmt: skip


class Gate:
    """Holds what passes until it is opened, and tells who has come."""

    def __init__(self) -> None:
        self._is_open, self._has_come = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self._has_come.set()
        assert self._is_open.wait(PATIENCE)

    def wait_for_one(self) -> None:
        assert self._has_come.wait(PATIENCE)

    def open(self) -> None:
        self._is_open.set()


class Page:
    """What a page does: it asks, and keeps all that it is sent.

    A session answers a request, and then pushes what has changed. Views that come before the answer may be of the time
    before the request; so `pushed` looks only at those after the last answer.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._sent: list[tuple[object, int | None]] = []
        self._asked = self._answered = 0  # the number of views that had come before the last request, and its answer
        self._arrived = threading.Condition()
        self._ids = itertools.count(1)

    def send(self, view: object, reply_to: int | None) -> None:
        with self._arrived:
            self._sent.append((view, reply_to))
            self._arrived.notify_all()

    def ask(self, request: Request) -> Any:
        """Ask, and return the answer, which may be a `Failure`."""
        number = next(self._ids)
        with self._arrived:
            self._asked = len(self._sent)
        self.session.submit(self, ReceivedRequest(number, request))

        def find_answer() -> list[int]:
            return [place for place, (_, reply_to) in enumerate(self._sent) if reply_to == number]

        (place,) = self._wait(find_answer)
        self._answered = place + 1
        return self._sent[place][0]

    def answer(self, number: int) -> Any:
        """Wait for the answer to the request of this number, which may be a `Failure`."""
        return self._wait(lambda: [view for view, reply_to in self._sent if reply_to == number])[0]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until what has come meets a condition."""
        self._wait(condition)

    def get(self, request: Request) -> Any:
        """Ask, and return the answer, which must be the view that the request promises."""
        view = self.ask(request)
        assert isinstance(view, type(request).reply), view
        return view

    def fail(self, request: Request) -> views.Failure:
        view = self.ask(request)
        assert isinstance(view, views.Failure), view
        return view

    def pushed(self, kind: type[V], condition: Callable[[V], bool] = lambda view: True) -> V:
        """Wait for a view that is pushed after the last answer and meets a condition.

        Of a colony or a fit, which push from threads of their own, one since the last request will do.
        """
        since = self._asked if kind in OF_WORK else self._answered
        found = self._wait(
            lambda: [v for v, to in self._sent[since:] if to is None and isinstance(v, kind) and condition(v)]
        )
        return found[0]

    def all(self, kind: type[V]) -> list[V]:
        """Return the views of a kind that have come so far."""
        with self._arrived:
            return [view for view, _ in self._sent if isinstance(view, kind)]

    def tick(self) -> views.Tick:
        """The newest tick."""
        return self.all(views.Tick)[-1]

    def wait_for_epochs(self, epochs: list[int]) -> None:
        """Wait until the pieces of the history that have come make up these epochs."""

        def join() -> bool:
            known: list[int] = []
            for piece, _ in self._sent:
                if isinstance(piece, views.History):
                    known = [epoch for epoch in known if epoch < piece.first] + piece.epochs.tolist()
            return known == epochs

        self._wait(join)

    def play_endlessly(self) -> None:
        """Let it train on until a request ends it."""
        self.get(ChangeSettings(epochs=ENDLESS))
        self.get(Play())

    def forget(self) -> None:
        """Forget all that has come."""
        with self._arrived:
            self._sent.clear()
            self._asked = self._answered = 0

    def _wait(self, find: Callable[[], T]) -> T:
        with self._arrived:
            assert self._arrived.wait_for(find, PATIENCE), "it never came"
            return find()


@contextmanager
def watched(source: TableSource | str | None = "penguins", label: tuple[str, ...] = ()) -> Iterator[Page]:
    """Open a session with one page that has connected."""
    opened = open_bundled(source) if isinstance(source, str) else source
    session = Session(opened, label, threads=1)
    page = Page(session)
    session.attach(page)
    page.get(Connect(views.VERSION))
    page.pushed(views.Tick)
    try:
        yield page
    finally:
        session.close("the test is over")
