"""Connections that may not wait for ever: uvicorn's protocol, with limits on the time and the size of headers."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from creche.serving.bodies import Limits

__all__ = ["create_protocol"]

MOST_HEADER_BYTES = 64 * 1024
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 52\r\nconnection: close\r\n\r\nThe headers have more than 64 KiB; send shorter ones"
)
SPARE_SECONDS = 5.0
"""Time in which the application itself answers that something takes too long."""


def create_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the class of a server's connections.

    A connection is closed when the headers of a request do not arrive in time, and cut when a request is not answered,
    or its answer not read, in time. Headers of more than 64 KiB are refused: uvicorn would keep all that come.

    Parameters
    ----------
    limits : Limits

    """

    class PatientProtocol(HttpToolsProtocol):
        _timer: asyncio.TimerHandle | None = None
        _header_bytes = 0
        _is_in_request = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait_for_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self._is_in_request:
                self._header_bytes += len(data)
            super().data_received(data)
            if self._header_bytes > MOST_HEADER_BYTES and not self._is_in_request:
                self.transport.write(TOO_LARGE)
                self.transport.close()

        def on_headers_complete(self) -> None:
            self._is_in_request, self._header_bytes = True, 0
            self._set_timer(limits.receive_seconds + limits.answer_seconds + SPARE_SECONDS)
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.pipeline:
                self._is_in_request = False
                self._wait_for_headers()

        def _wait_for_headers(self) -> None:
            self._set_timer(limits.receive_seconds)

        def _set_timer(self, seconds: float) -> None:
            self._stop_timer()
            self._timer = self.loop.call_later(seconds, self._give_up)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            # Not `close`, which would wait for a client to read what it was sent.
            self.transport.abort()

    return PatientProtocol
