"""A watcher that collects what a session sends, and waits for it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from creche.studio.protocol import views
from creche.studio.protocol.frames import ReceivedRequest
from creche.studio.protocol.requests import Connect, Request
from creche.studio.session import Session
from creche.studio.table_source import TableSource, open_bundled

V = TypeVar("V")

PATIENCE = 120.0  # seconds, after which a test fails that waits for what never comes


class Page:
    """What a page does: it asks, and keeps all that it is sent."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sent: list[tuple[object, int | None]] = []
        self._arrived = threading.Condition()
        self._ids = itertools.count(1)

    def send(self, view: object, reply_to: int | None) -> None:
        with self._arrived:
            self.sent.append((view, reply_to))
            self._arrived.notify_all()

    def ask_later(self, request: Request) -> int:
        number = next(self._ids)
        self.session.submit(self, ReceivedRequest(number, request))
        return number

    def answer_to(self, number: int) -> Any:
        return self._wait(lambda: [view for view, reply_to in self.sent if reply_to == number])[0]

    def ask(self, request: Request) -> Any:
        """Ask, and return the answer, which may be a `Failure`."""
        return self.answer_to(self.ask_later(request))

    def get(self, request: Request) -> Any:
        """Ask, and return the answer, which must be the view that the request promises."""
        view = self.ask(request)
        assert isinstance(view, type(request).reply), view
        return view

    def fail(self, request: Request) -> views.Failure:
        view = self.ask(request)
        assert isinstance(view, views.Failure), view
        return view

    def pushed(self, kind: type[V], condition: Callable[[V], bool] = lambda view: True, after: int = 0) -> V:
        """Wait for a view that is pushed and meets a condition; `after` is the number of messages to skip."""
        found = self._wait(
            lambda: [v for v, to in self.sent[after:] if to is None and isinstance(v, kind) and condition(v)]
        )
        return found[0]

    def tick(self) -> views.Tick:
        """The newest tick."""
        return next(view for view, _ in reversed(self.sent) if isinstance(view, views.Tick))

    def _wait(self, find: Callable[[], list[Any]]) -> list[Any]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: bool(find()), PATIENCE), "it never came"
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
