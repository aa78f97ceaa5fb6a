"""A connection to a neighbouring process: frames with a kind and a size, in both directions."""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from creche.errors import ProcessError

__all__ = ["Frame", "Link", "LinkLostError", "prepare_connection"]

# hello and ready begin a run, arrays carry its state; step is what a process says of a step before its gradients, go
# asks for these, sums are some of them, done is what all have agreed on; end ends a run, failure tells of one.
Frame: TypeAlias = Literal["hello", "ready", "array", "step", "go", "sums", "done", "end", "failure"]
CODES: Mapping[Frame, bytes] = {
    "hello": b"H", "ready": b"R", "array": b"A", "step": b"S", "go": b"O", "sums": b"G", "done": b"D", "end": b"E",
    "failure": b"F",
}  # fmt: skip
FRAMES: Mapping[bytes, Frame] = {code: frame for frame, code in CODES.items()}
HEADER = struct.Struct("!cQ")

# A connection is given up when the other machine has not answered for this long. Its process may be busy meanwhile, but
# must not have much to read: the system takes a full connection that is not read for one without an answer.
SECONDS_BEFORE_PROBE, SECONDS_BETWEEN_PROBES, PROBES = 4, 2, 3
MILLISECONDS_UNANSWERED = 10_000

SECONDS_FOR_FAILURE = 1.0  # to tell a neighbour of it

CLOSED_BY_IT = "it has closed the connection"
CLOSED = getattr(select, "POLLRDHUP", 0)  # elsewhere than on Linux, an error or the end of both directions


class LinkLostError(Exception):
    """The connection to a process is closed or broken."""

    def __init__(self, rank: int, reason: str) -> None:
        super().__init__(reason)
        self.rank = rank
        self.reason = reason


class Link:
    """A connection to a neighbouring process. One thread receives at a time; any may send.

    Parameters
    ----------
    connection : socket
    rank : int
        The rank of the process at its other end.

    Attributes
    ----------
    sent : int
        The bytes that were sent.
    beside : Link or None
        The connection to the other neighbour: if that is closed, it is of no use to wait for this one.

    """

    def __init__(self, connection: socket.socket, rank: int) -> None:
        self._connection = connection
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._told: ProcessError | None = None
        self.rank = rank
        self.sent = 0
        self.beside: Link | None = None

    def send(self, frame: Frame, content: bytes | memoryview = b"") -> None:
        """Send a frame.

        Raises
        ------
        LinkLostError

        """
        with self._sending:
            self._send(frame, content)

    def _send(self, frame: Frame, content: bytes | memoryview) -> None:
        header = HEADER.pack(CODES[frame], len(content))
        try:
            if len(content) < 4096:
                self._connection.sendall(header + content)
            else:
                self._connection.sendall(header)
                self._connection.sendall(content)
        except OSError as error:
            raise self._lost(error) from error
        self.sent += len(header) + len(content)

    def send_json(self, frame: Frame, content: Any) -> None:
        """Send a frame with plain data."""
        self.send(frame, json.dumps(content).encode())

    def send_array(self, frame: Frame, array: NDArray[Any]) -> None:
        """Send a frame with the bytes of a contiguous array."""
        self.send(frame, as_bytes(array))

    def tell_failure(self, failure: ProcessError) -> None:
        """Tell the other process of a failure, if a frame is not just being sent; then close the connection."""
        content = {"message": str(failure), "rank": failure.rank, "is_lost": failure.is_lost}
        if self._sending.acquire(timeout=SECONDS_FOR_FAILURE):
            try:
                with suppress(LinkLostError):
                    self._send("failure", json.dumps(content).encode())
            finally:
                self._sending.release()
        self.shut()

    def shut(self) -> None:
        """End both directions, so that no thread waits any more."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def receive(self, *expected: Frame) -> tuple[Frame, bytes]:
        """Return the next frame and its content.

        Raises
        ------
        LinkLostError
        ProcessError
            If the other process tells of a failure, or of something else than what is expected.

        """
        with self._receiving:
            return self._receive(expected)

    def _receive(self, expected: tuple[Frame, ...]) -> tuple[Frame, bytes]:
        frame, size = self._receive_header(expected)
        content = bytearray(size)
        self._fill(memoryview(content))
        return frame, bytes(content)

    def receive_into(self, frame: Frame, array: NDArray[Any]) -> None:
        """Receive the bytes of a contiguous array."""
        with self._receiving:
            _, size = self._receive_header((frame,))
            if size != array.nbytes:
                raise ProcessError(
                    f"process {self.rank} sent {size:,} bytes where {array.nbytes:,} belong; it trains another network",
                    rank=self.rank,
                )
            self._fill(as_bytes(array))

    def last_words(self) -> ProcessError | None:
        """Return the failure that the other process told before the connection was lost."""
        if not self._receiving.acquire(timeout=SECONDS_FOR_FAILURE):
            return self._told
        try:
            self._connection.settimeout(SECONDS_FOR_FAILURE)
            while self._told is None:
                self._receive(tuple(CODES))
        except (LinkLostError, ProcessError, OSError):
            pass
        finally:
            self._receiving.release()
        return self._told

    def _receive_header(self, expected: tuple[Frame, ...]) -> tuple[Frame, int]:
        header = bytearray(HEADER.size)
        self._fill(memoryview(header))
        code, size = HEADER.unpack(header)
        frame = FRAMES.get(code)
        if frame == "failure":
            content = bytearray(size)
            self._fill(memoryview(content))
            told = json.loads(content)
            self._told = ProcessError(told["message"], rank=told["rank"], is_lost=told["is_lost"])
            raise self._told
        if frame is None or frame not in expected:
            raise ProcessError(
                f"process {self.rank} sent {frame or code!s} where {' or '.join(expected)} belongs; all processes need "
                "the same version of Creche",
                rank=self.rank,
            )
        return frame, size

    def _fill(self, view: memoryview) -> None:
        at = 0
        try:
            while at < len(view):
                try:
                    received = self._connection.recv_into(view[at:], 0, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    self._wait()
                    continue
                if received == 0:
                    raise LinkLostError(self.rank, CLOSED_BY_IT)
                at += received
        except OSError as error:
            raise self._lost(error) from error

    def _wait(self) -> None:
        """Wait until there is something to receive."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        if self.beside is not None:
            poll.register(self.beside._connection, CLOSED)
        ready = [descriptor for descriptor, _ in poll.poll()]
        if self.beside is not None and self._connection.fileno() not in ready:
            raise LinkLostError(self.beside.rank, CLOSED_BY_IT)

    def _lost(self, error: OSError) -> LinkLostError:
        return LinkLostError(self.rank, f"the connection to it failed: {error.strerror or error}")


def as_bytes(array: NDArray[Any]) -> memoryview:
    """Return the memory of a contiguous array as bytes."""
    return array.reshape(-1).view("u1").data


def prepare_connection(connection: socket.socket) -> None:
    """Make a connection over a network send at once, and notice when the other machine is gone."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        for option, value in (
            (socket.TCP_KEEPIDLE, SECONDS_BEFORE_PROBE),
            (socket.TCP_KEEPINTVL, SECONDS_BETWEEN_PROBES),
            (socket.TCP_KEEPCNT, PROBES),
            (socket.TCP_USER_TIMEOUT, MILLISECONDS_UNANSWERED),
        ):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
