"""What a session does to its table, beside its training: one request after the other, watched and cancelled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from creche.studio.failures import describe_failure
from creche.studio.protocol.views import Failure, TableProgress
from creche.studio.ready_table import ReadyTable, WantedTable, make_ready
from creche.studio.work import Work

__all__ = ["TableDesk"]


class _TableWork(Work):
    """Makes one table ready; `ended` is called, on the thread of the work, with what came of it."""

    name = "table"

    def __init__(
        self, push: Callable[[object], None], wanted: WantedTable, threads: int,
        ended: Callable[[ReadyTable | Failure], None],
    ) -> None:  # fmt: skip
        super().__init__(push)
        self.title = wanted.name
        self._wanted, self._threads, self._ended = wanted, threads, ended
        self._doing = ""
        self._ready: ReadyTable | None = None

    def work(self) -> None:
        """Make the table ready."""
        self._ready = make_ready(self._wanted, self._threads, self._tell)

    def view(self) -> TableProgress:
        """Return what is done at the moment."""
        return TableProgress("running", self.title, self._doing)

    def end(self, failure: Failure | None) -> None:
        """Hand over the table, or what is wrong with it, unless it was cancelled."""
        came = failure or self._ready
        if came is not None:
            self._ended(came)

    def _tell(self, doing: str) -> None:
        self._doing = doing
        self.report(at_once=True)


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for: a table, what the session does with it, and where the answer goes."""

    want: Callable[[], WantedTable]
    take: Callable[[ReadyTable], object]
    reply: Callable[[object], None]


class TableDesk:
    """Makes the tables ready that a session wants, one after the other, on threads of their own.

    All methods belong to the session's thread.

    Parameters
    ----------
    push : callable
        Sends a view to all who watch.
    call_soon : callable
        Calls a function on the session's thread.
    threads : int
        The number of threads of the engine.

    """

    def __init__(
        self, push: Callable[[object], None], call_soon: Callable[[Callable[[], None]], None], threads: int
    ) -> None:
        self._push, self._call_soon, self._threads = push, call_soon, threads
        self._orders: deque[_Order] = deque()
        self._work: _TableWork | None = None

    @property
    def progress(self) -> TableProgress | None:
        """What is done at the moment; None if nothing is."""
        return None if self._work is None else self._work.view()

    def order(
        self,
        want: Callable[[], WantedTable],
        take: Callable[[ReadyTable], object],
        reply: Callable[[object], None],
    ) -> None:
        """Make a table ready after those that were asked for before.

        Parameters
        ----------
        want : callable
            Returns what is wanted, of the session as those before have left it.
        take : callable
            Has the session take it, and returns the answer; called on the session's thread.
        reply : callable
            Gets the answer, or a `Failure`.

        """
        self._orders.append(_Order(want, take, reply))
        if self._work is None:
            self._begin_next()

    def cancel(self, why: str) -> bool:
        """Give up all that was asked for, and answer that; return whether there was anything.

        What a thread is doing ends with its present stage, and is dropped.
        """
        if self._work is None:
            return False
        work, orders = self._work, list(self._orders)
        self._work = None
        self._orders.clear()
        work.cancel()
        for order in orders:
            order.reply(Failure("cancelled", f"{work.title} {why}."))
        self._push(TableProgress("cancelled", work.title, ""))
        return True

    def _begin_next(self) -> None:
        while self._orders and self._work is None:
            order = self._orders[0]
            try:
                wanted = order.want()
            except Exception as error:
                self._orders.popleft()
                order.reply(describe_failure(error))
                continue
            self._start(wanted)

    def _start(self, wanted: WantedTable) -> None:
        def note(came: ReadyTable | Failure) -> None:
            self._call_soon(lambda: self._end(work, came))

        work = self._work = _TableWork(self._push, wanted, self._threads, note)
        work.start()

    def _end(self, work: _TableWork, came: ReadyTable | Failure) -> None:
        if self._work is not work:  # it was cancelled
            return
        self._work = None
        self._push(TableProgress("finished", work.title, ""))
        order = self._orders.popleft()
        try:
            answer = came if isinstance(came, Failure) else order.take(came)
        except Exception as error:
            answer = describe_failure(error)
        order.reply(answer)
        self._begin_next()
