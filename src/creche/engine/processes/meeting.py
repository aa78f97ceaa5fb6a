"""How processes that train a network together find each other.

``torchrun``, ``mpirun`` or a person who starts them says it through their environment: ``RANK``, ``WORLD_SIZE``,
``MASTER_ADDR`` and ``MASTER_PORT`` tell who they are, and where the first of them is met. Those that the first one has
started on a cluster are told by it, with a key. Each process listens for the one after it, and tells the first where. A
program that can reach these ports, and knows the key if there is one, can take part: they belong into a network that is
trusted.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from creche.engine.processes.chain import Chain
from creche.engine.processes.link import Link, prepare_connection
from creche.engine.processes.place import Place
from creche.errors import ProcessError

__all__ = ["Patience", "address_towards", "gather", "invite", "join_first", "meet"]

# Returns for how many seconds a process is to be waited for before it is asked again, or raises an error.
Patience: TypeAlias = Callable[[int], float]

SECONDS_TO_MEET = 60.0
SECONDS_BETWEEN_TRIES = 0.05
SECONDS_TO_INTRODUCE = 5.0
GREETING = b"creche 1"
SIZE = struct.Struct("!I")
MOST_BYTES = 1 << 16  # of a message before the run

# Set by torchrun, whose agent listens on the port of the first process and keeps a store there.
AGENT_STORE = "TORCHELASTIC_USE_AGENT_STORE"


_CHAINS: dict[tuple[int, Place], Chain] = {}  # by process and place: a fork has none


def meet(place: Place) -> Chain:
    """Connect to the other processes, or return the connection to them from an earlier run.

    Raises
    ------
    ProcessError
        If one of them does not appear within a minute.

    """
    key = os.getpid(), place
    if key not in _CHAINS or _CHAINS[key].is_broken:
        _CHAINS[key] = _meet(place)
    return _CHAINS[key]


def _meet(place: Place) -> Chain:
    until = time.monotonic() + SECONDS_TO_MEET
    with _listen(place) as server:
        if place.rank:
            return _join(place, server, _port_of_first(place), until)
        if AGENT_STORE in os.environ:
            _store(place).set("creche/port", str(server.getsockname()[1]))
        return gather(place, server, _patience_until(place, until))


def invite(address: str, count: int) -> tuple[Place, socket.socket]:
    """Return the place of a first process that starts the others itself, and the socket at which it meets them.

    Parameters
    ----------
    address : str
        The address at which the others reach this machine.
    count : int

    """
    server = _listen(Place(0, count, address, 0, 1))
    return Place(0, count, address, server.getsockname()[1], 1, key=os.urandom(16).hex()), server


def gather(place: Place, server: socket.socket, patience: Patience) -> Chain:
    """Connect the first process to the others, which come to its socket.

    Raises
    ------
    ProcessError
        If `patience` raises it.

    """
    return Chain(0, place.count, None, _link(_receive_others(place, server, patience), 1))


def join_first(place: Place) -> Chain:
    """Connect a process that the first one has started to its neighbours; it waits until all have come.

    Raises
    ------
    ProcessError
        If the first process cannot be reached, or a neighbour does not appear.

    """
    with _listen(place) as server:
        return _join(place, server, place.port, math.inf)


def address_towards(host: str) -> str:
    """Return the address of this machine in the network in which another is reached.

    Examples
    --------
    >>> address_towards("127.0.0.1")
    '127.0.0.1'

    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # nothing is sent: the system only chooses the way
        return str(probe.getsockname()[0])


def _join(place: Place, server: socket.socket, port: int, until: float) -> Chain:
    before = _reach_before(place, server.getsockname()[1], port, until)
    after = None
    if place.rank + 1 < place.count:
        until = min(until, time.monotonic() + SECONDS_TO_MEET)
        try:
            after = _accept(place, server, _patience_until(place, until), {place.rank + 1})[1]
        except BaseException:
            before.close()
            raise
    return Chain(
        place.rank, place.count, _link(before, place.rank - 1), None if after is None else _link(after, place.rank + 1)
    )


def _patience_until(place: Place, until: float) -> Patience:
    """Wait for a process until a time of `time.monotonic`."""

    def wait(missing: int) -> float:
        left = until - time.monotonic()
        if left <= 0:
            raise ProcessError(
                f"process {missing} of {place.count} has not connected within {SECONDS_TO_MEET:.0f} seconds; start all "
                f"{place.count} processes, with the same MASTER_ADDR and MASTER_PORT",
                rank=missing,
            )
        return left

    return wait


def _listen(place: Place) -> socket.socket:
    port = 0 if place.rank or AGENT_STORE in os.environ else place.port
    try:
        return socket.create_server(("", port))
    except OSError as error:
        raise ProcessError(
            f"process {place.rank} of {place.count} cannot listen on port {port}: {error.strerror or error}; choose "
            "another MASTER_PORT",
            rank=place.rank,
        ) from error


def _link(connection: socket.socket, rank: int) -> Link:
    prepare_connection(connection)
    connection.settimeout(None)
    return Link(connection, rank)


def _receive_others(place: Place, server: socket.socket, patience: Patience) -> socket.socket:
    """Let all others introduce themselves to the first process, and tell each where the one before it listens."""
    waiting = set(range(1, place.count))
    met: dict[int, tuple[socket.socket, str, int]] = {}
    try:
        while waiting:
            rank, connection, said = _accept(place, server, patience, waiting)
            met[rank] = connection, connection.getpeername()[0], said["port"]
            waiting.discard(rank)
        for rank in range(2, place.count):
            connection, *_ = met[rank]
            _tell(place, rank, connection, {"address": met[rank - 1][1], "port": met[rank - 1][2]})
            connection.close()
        _tell(place, 1, met[1][0], {"stay": True})
    except BaseException:
        for connection, *_ in met.values():
            connection.close()
        raise
    return met[1][0]


def _tell(place: Place, rank: int, connection: socket.socket, content: dict[str, Any]) -> None:
    """Tell a process something, which it has waited for, perhaps for long."""
    try:
        _send(connection, content)
    except OSError as error:
        raise ProcessError(
            f"process {rank} of {place.count} is gone: the connection to it failed: {error.strerror or error}",
            rank=rank,
            is_lost=True,
        ) from error


def _reach_before(place: Place, port: int, port_of_first: int, until: float) -> socket.socket:
    """Introduce this process to the first one, and connect to the one before it."""
    said = {"rank": place.rank, "count": place.count, "port": port, "key": place.key}
    soon = min(until, time.monotonic() + SECONDS_TO_MEET)
    to_first = _connect(place, place.address, port_of_first, 0, soon)
    try:
        prepare_connection(to_first)
        _send(to_first, said)
        to_first.settimeout(max(0.1, until - time.monotonic()) if math.isfinite(until) else None)
        told = _receive(to_first)
    except (OSError, ValueError) as error:
        to_first.close()
        raise ProcessError(
            f"process 0 of {place.count} at {place.address} does not answer: "
            f"{getattr(error, 'strerror', None) or error}; all {place.count} processes must be started within "
            f"{SECONDS_TO_MEET:.0f} seconds",
            rank=0,
        ) from error
    if "stay" in told:
        return to_first
    to_first.close()
    soon = min(until, time.monotonic() + SECONDS_TO_MEET)
    connection = _connect(place, told["address"], told["port"], place.rank - 1, soon)
    _send(connection, said)
    return connection


def _accept(
    place: Place, server: socket.socket, patience: Patience, ranks: set[int]
) -> tuple[int, socket.socket, dict[str, Any]]:
    """Wait for one of these processes; return its rank, and what it says. Other connections are closed."""
    while True:
        server.settimeout(max(0.01, patience(min(ranks))))
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        connection.settimeout(SECONDS_TO_INTRODUCE)
        try:
            said = _receive(connection)
        except (OSError, ValueError):
            connection.close()
            continue
        fits = said.get("count") == place.count and said.get("rank") in ranks and isinstance(said.get("port"), int)
        if fits and hmac.compare_digest(str(said.get("key")).encode(), place.key.encode()):
            return said["rank"], connection, said
        connection.close()


def _connect(place: Place, address: str, port: int, rank: int, until: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection((address, port), timeout=SECONDS_TO_INTRODUCE)
        except OSError as error:
            if time.monotonic() >= until:
                raise ProcessError(
                    f"process {rank} of {place.count} cannot be reached at {address}, port {port}: "
                    f"{error.strerror or error}; start it, and let its machine accept connections on that port",
                    rank=rank,
                ) from error
            time.sleep(SECONDS_BETWEEN_TRIES)


def _port_of_first(place: Place) -> int:
    return int(_store(place).get("creche/port")) if AGENT_STORE in os.environ else place.port


def _store(place: Place) -> Any:
    """The store of torchrun's agent, of this attempt to start the processes."""
    from torch.distributed import PrefixStore, TCPStore

    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return PrefixStore(f"creche/{attempt}", TCPStore(place.address, place.port, is_master=False))


def _send(connection: socket.socket, content: dict[str, Any]) -> None:
    data = GREETING + json.dumps(content).encode()
    connection.sendall(SIZE.pack(len(data)) + data)


def _receive(connection: socket.socket) -> dict[str, Any]:
    size = SIZE.unpack(_read(connection, SIZE.size))[0]
    data = _read(connection, size) if size <= MOST_BYTES else b""
    if not data.startswith(GREETING):
        raise ValueError("no process of Creche")
    content = json.loads(data[len(GREETING) :])
    if not isinstance(content, dict):
        raise ValueError("no process of Creche")
    return content


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        received = connection.recv(size - len(data))
        if not received:
            raise ValueError("the connection was closed")
        data += received
    return data
