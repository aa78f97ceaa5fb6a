"""How processes that were started by ``torchrun``, ``mpirun`` or by hand find each other: through their environment.

``RANK``, ``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT`` say who they are, and where the first of them is met. Each
process listens for the one after it, and tells the first where. A program that can reach these ports can take part:
they belong into a network that is trusted.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creche.engine.processes.chain import Chain
from creche.engine.processes.link import Link, prepare_connection
from creche.errors import PlanError, ProcessError

__all__ = ["Place", "meet", "place_of_this_process"]

SECONDS_TO_MEET = 60.0
SECONDS_BETWEEN_TRIES = 0.05
SECONDS_TO_INTRODUCE = 5.0
GREETING = b"creche 1"
SIZE = struct.Struct("!I")
MOST_BYTES = 1 << 16  # of a message before the run

# Set by torchrun, whose agent listens on the port of the first process and keeps a store there.
AGENT_STORE = "TORCHELASTIC_USE_AGENT_STORE"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of this process among those that were started together.

    Attributes
    ----------
    rank, count : int
    address : str
        Where the first process is met.
    port : int
    on_this_machine : int
        How many of them share this machine's cores.
    local_rank : int
        Which of these this is.

    """

    rank: int
    count: int
    address: str
    port: int
    on_this_machine: int
    local_rank: int = 0


_CHAINS: dict[tuple[int, Place], Chain] = {}  # by process and place: a fork has none


def place_of_this_process(environment: Mapping[str, str] | None = None) -> Place | None:
    """Return the place that the environment names; None if it names none, or there is no other process.

    Raises
    ------
    PlanError
        If only a part of it is there, or a number is none.

    Examples
    --------
    >>> names = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
    >>> place_of_this_process(names)
    Place(rank=1, count=4, address='10.0.0.1', port=29500, on_this_machine=1, local_rank=0)

    """
    environment = os.environ if environment is None else environment
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    rank, count = _number(environment, "RANK", 0), _number(environment, "WORLD_SIZE", 1)
    if count == 1:
        return None
    if rank >= count:
        raise PlanError(
            f"RANK: got {rank} in the environment, and WORLD_SIZE is {count}; ranks go from 0 to {count - 1}"
        )
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not environment.get(name)]
    if missing:
        raise PlanError(
            f"{missing[0]}: is not set, and RANK and WORLD_SIZE are; set it to where the first process is, as torchrun "
            "does"
        )
    local = _number(environment, "LOCAL_WORLD_SIZE", 1) if "LOCAL_WORLD_SIZE" in environment else 1
    port = _number(environment, "MASTER_PORT", 1)
    local_rank = _number(environment, "LOCAL_RANK", 0) if "LOCAL_RANK" in environment else 0
    return Place(rank, count, environment["MASTER_ADDR"], port, local, local_rank)


def _number(environment: Mapping[str, str], name: str, least: int) -> int:
    text = environment[name].strip()
    if not text.isdecimal() or int(text) < least:
        raise PlanError(f"{name}: got {text!r} in the environment; needs a whole number of at least {least}")
    return int(text)


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
        if place.rank == 0:
            before = None
            port = server.getsockname()[1]
            if AGENT_STORE in os.environ:
                _store(place).set("creche/port", str(port))
            after = _receive_others(place, server, until)
        else:
            before = _reach_before(place, server.getsockname()[1], until)
            after = None
            if place.rank + 1 < place.count:
                after = _accept(place, server, until, {place.rank + 1})[1]
    links = [
        None if connection is None else _link(connection, rank)
        for connection, rank in ((before, place.rank - 1), (after, place.rank + 1))
    ]
    return Chain(place.rank, place.count, *links)


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


def _receive_others(place: Place, server: socket.socket, until: float) -> socket.socket:
    """Let all others introduce themselves to the first process, and tell each where the one before it listens."""
    waiting = set(range(1, place.count))
    met: dict[int, tuple[socket.socket, str, int]] = {}
    while waiting:
        rank, connection, said = _accept_introduced(place, server, until, waiting)
        met[rank] = connection, connection.getpeername()[0], said["port"]
        waiting.discard(rank)
    for rank in range(2, place.count):
        connection, *_ = met[rank]
        _send(connection, {"address": met[rank - 1][1], "port": met[rank - 1][2]})
        connection.close()
    _send(met[1][0], {"stay": True})
    return met[1][0]


def _reach_before(place: Place, port: int, until: float) -> socket.socket:
    """Introduce this process to the first one, and connect to the one before it."""
    to_first = _connect(place, place.address, _port_of_first(place), 0, until)
    _send(to_first, {"rank": place.rank, "count": place.count, "port": port})
    to_first.settimeout(max(0.1, until - time.monotonic()))
    try:
        told = _receive(to_first)
    except OSError as error:
        raise ProcessError(
            f"process 0 of {place.count} at {place.address} does not answer: {error.strerror or error}; all "
            f"{place.count} processes must be started within {SECONDS_TO_MEET:.0f} seconds",
            rank=0,
        ) from error
    if "stay" in told:
        return to_first
    to_first.close()
    connection = _connect(place, told["address"], told["port"], place.rank - 1, until)
    _send(connection, {"rank": place.rank, "count": place.count, "port": port})
    return connection


def _accept(place: Place, server: socket.socket, until: float, ranks: set[int]) -> tuple[int, socket.socket]:
    rank, connection, _ = _accept_introduced(place, server, until, ranks)
    return rank, connection


def _accept_introduced(
    place: Place, server: socket.socket, until: float, ranks: set[int]
) -> tuple[int, socket.socket, dict[str, Any]]:
    """Wait for one of these processes; other connections are closed."""
    while True:
        server.settimeout(max(0.01, until - time.monotonic()))
        try:
            connection, _ = server.accept()
        except TimeoutError:
            missing = min(ranks)
            raise ProcessError(
                f"process {missing} of {place.count} has not connected within {SECONDS_TO_MEET:.0f} seconds; start all "
                f"{place.count} processes, with the same MASTER_ADDR and MASTER_PORT",
                rank=missing,
            ) from None
        connection.settimeout(SECONDS_TO_INTRODUCE)
        try:
            said = _receive(connection)
        except (OSError, ValueError):
            connection.close()
            continue
        if said.get("count") == place.count and said.get("rank") in ranks and isinstance(said.get("port"), int):
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
