"""One page at one session: its requests are checked, counted and passed on, whatever carries them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from creche.studio.failures import write_failure
from creche.studio.outbox import Clock, Outbox
from creche.studio.protocol.frames import BadRequestError, ReceivedRequest, read_request
from creche.studio.protocol.requests import Acknowledge
from creche.studio.protocol.views import Done, Failure

__all__ = ["MAX_REQUEST_BYTES", "REQUESTS_PER_SECOND", "Connection", "Receiver"]

MAX_REQUEST_BYTES = 65_536
REQUESTS_PER_SECOND = 200


class Receiver(Protocol):
    """What a connection needs of a session."""

    def attach(self, watcher: Outbox) -> None:
        """Push views to the watcher from now on."""

    def detach(self, watcher: Outbox) -> None:
        """Send the watcher nothing more."""

    def submit(self, watcher: Outbox, received: ReceivedRequest) -> None:
        """Carry a request out, and send the answer to the watcher. Never blocks."""


class Connection:
    """Connects a page with a session until it is closed.

    Parameters
    ----------
    session : Receiver
    wake : callable
        Is called, on any thread, when `outbox` may have something to send. It must not block.
    clock : callable, optional

    Attributes
    ----------
    outbox : Outbox
        What is to be sent to the page.

    """

    def __init__(self, session: Receiver, wake: Callable[[], None], clock: Clock = time.monotonic) -> None:
        self.outbox = Outbox(wake, clock)
        self._session = session
        self._clock = clock
        self._allowance = float(REQUESTS_PER_SECOND)
        self._counted_at = clock()
        session.attach(self.outbox)

    def receive(self, message: str | bytes) -> bool:
        """Carry out what the page sent, or answer with a `Failure`.

        Returns
        -------
        bool
            Whether the page may send more at once; otherwise it sends too fast, and should not be read for a while.

        """
        if not isinstance(message, str):
            self.outbox.send(Failure("bad_request", "A request is a JSON text; the page sent bytes."))
            return True
        size = len(message.encode(errors="replace"))
        if size > MAX_REQUEST_BYTES:
            text = f"A request of {size:,} bytes is too long; the most is {MAX_REQUEST_BYTES:,}."
            self.outbox.send(Failure("too_large", text, "Upload files in parts."))
            return True
        try:
            received = read_request(message)
        except BadRequestError as error:
            if error.request_id is not None:
                self.outbox.expect_answer()
            self.outbox.send(Failure("bad_request", write_failure(str(error))), error.request_id)
            return self._is_slow_enough()
        self.outbox.expect_answer()
        if not self._is_slow_enough():
            text = f"The page sends more than {REQUESTS_PER_SECOND} requests a second; this one was not carried out."
            self.outbox.send(Failure("busy", text, "Try again in a second."), received.id)
            return False
        if isinstance(received.request, Acknowledge):
            self.outbox.acknowledge(received.request.sequence)
            self.outbox.send(Done(), received.id)
        else:
            self._session.submit(self.outbox, received)
        return True

    def close(self) -> None:
        """Leave the session, which goes on."""
        self._session.detach(self.outbox)
        self.outbox.close()

    def _is_slow_enough(self) -> bool:
        now = self._clock()
        self._allowance = min(REQUESTS_PER_SECOND, self._allowance + (now - self._counted_at) * REQUESTS_PER_SECOND)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
