"""Long work of a session beside its training: on a thread of its own, watched while it goes on, and cancelled."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from creche.studio.failures import describe_failure
from creche.studio.protocol.views import Failure

__all__ = ["CancelledError", "Work"]

SECONDS_BETWEEN_VIEWS = 0.2


class CancelledError(BaseException):
    """Ends work that was cancelled; no handler of errors takes it for one."""


class Work(ABC):
    """Work that goes on on a thread of its own; its methods may be called from any thread.

    A class for one kind of work says what is done, and how it is shown.

    Parameters
    ----------
    push : callable
        Sends a view to all who watch.

    """

    name: str

    def __init__(self, push: Callable[[object], None]) -> None:
        self._push = push
        self._is_cancelled = threading.Event()
        self._has_ended = threading.Event()
        self._next_view = 0.0
        self._thread = threading.Thread(target=self._run, name=f"creche-studio-{self.name}", daemon=True)

    @abstractmethod
    def work(self) -> None:
        """Do the work, and call `report` often."""

    @abstractmethod
    def view(self) -> object:
        """Return what is shown of the work now."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self._has_ended.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether it was to end before its end."""
        return self._is_cancelled.is_set()

    def cancel(self) -> None:
        """Let it end soon; what is done is kept."""
        self._is_cancelled.set()

    def join(self) -> None:
        """Wait until it has ended."""
        if self._thread.is_alive():
            self._thread.join()

    def report(self, *, at_once: bool = False) -> None:
        """Show how far the work is, a few times a second, or at once.

        Raises
        ------
        CancelledError
            If it was cancelled.

        """
        if self.is_cancelled:
            raise CancelledError
        if at_once or time.monotonic() >= self._next_view:
            self._push(self.view())
            self._next_view = time.monotonic() + SECONDS_BETWEEN_VIEWS

    def _run(self) -> None:
        failure = None
        try:
            self.work()
        except CancelledError:
            pass
        except Exception as error:
            failure = describe_failure(error)
        if failure is not None:
            self._is_cancelled.set()
        self._has_ended.set()
        self.end(failure)

    def end(self, failure: Failure | None) -> None:
        """Tell that it has ended, by a failure or not."""
        self._push(self.view())
        if failure is not None:
            self._push(failure)
