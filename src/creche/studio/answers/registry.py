"""The registry of answers: one function for each kind of request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from creche.studio.failures import describe_failure
from creche.studio.protocol.requests import Request
from creche.studio.state import SessionState

__all__ = ["ANSWERS", "LATER", "Turn", "answers"]

R = TypeVar("R", bound=Request)


class _Later:
    """Stands for an answer that is given later."""


LATER = _Later()
"""What a function returns if it has taken `Turn.reply` to answer later."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The request at hand: whose it is, and the session's state.

    Attributes
    ----------
    state : SessionState
    watcher : Watcher
        Who asks.
    reply : callable
        Sends the answer, for a function that returns `LATER`; from any thread.
    call_soon : callable
        Calls a function without arguments on the session's thread, between two batches; from any thread.

    """

    state: SessionState
    watcher: Any
    reply: Callable[[object], None]
    call_soon: Callable[[Callable[[], None]], None]

    def answer_beside(self, make: Callable[[], object]) -> object:
        """Have a thread of its own make the answer, beside training; return `LATER`."""

        def work() -> None:
            try:
                self.reply(make())
            except Exception as error:
                self.reply(describe_failure(error))

        threading.Thread(target=work, name="creche-studio-answer", daemon=True).start()
        return LATER


ANSWERS: dict[type[Request], Callable[[Turn, Any], object]] = {}


def answers(kind: type[R]) -> Callable[[Callable[[Turn, R], object]], Callable[[Turn, R], object]]:
    """Register a function as the answer to a kind of request: it returns the view, or raises a `CrecheError`."""

    def register(function: Callable[[Turn, R], object]) -> Callable[[Turn, R], object]:
        assert kind not in ANSWERS
        ANSWERS[kind] = function
        return function

    return register
