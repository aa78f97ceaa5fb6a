"""How processes that were started together find each other."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from creche.engine.processes import link, meeting
from creche.engine.processes.chain import Chain
from creche.engine.processes.place import Place, place_of_this_process
from creche.errors import PlanError, ProcessError
from tests.unit.training.test_processes import free_port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.mark.parametrize("count", [2, 4])
def test_each_is_connected_to_its_neighbours(port: int, count: int) -> None:
    """Also when a stranger knocks first."""
    chains: list[Chain] = [None] * count  # type: ignore[list-item]

    def run(rank: int) -> None:
        chains[rank] = meeting._meet(Place(rank, count, "127.0.0.1", port, 1))

    first = threading.Thread(target=run, args=(0,))
    first.start()
    stranger = meeting._connect(Place(1, count, "127.0.0.1", port, 1), "127.0.0.1", port, 0, float("inf"))
    stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(count - 1, 0, -1)]
    for thread in threads:
        thread.start()
    for thread in (first, *threads):
        thread.join(60)
    stranger.close()
    state = {"a": np.arange(3.0)}
    threads = [threading.Thread(target=chains[rank].begin, args=({}, state)) for rank in range(1, count)]
    for thread in threads:
        thread.start()
    assert chains[0].begin({}, state)["a"].tolist() == [0, 1, 2]
    for thread in threads:
        thread.join(60)
    for chain in chains:
        chain.close()


def test_a_process_that_does_not_come(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(meeting, "SECONDS_TO_MEET", 0.05)
    with pytest.raises(ProcessError, match=r"^process 1 of 3 has not connected within 0 seconds; start all 3 proc"):
        meeting._meet(Place(0, 3, "127.0.0.1", port, 1))
    with pytest.raises(
        ProcessError, match=rf"^process 0 of 3 cannot be reached at 127\.0\.0\.1, port {port}: "
    ) as told:
        meeting._meet(Place(2, 3, "127.0.0.1", port, 1))
    assert told.value.rank == 0


def test_a_port_that_is_taken(port: int) -> None:
    with (
        socket.create_server(("", port)),
        pytest.raises(
            ProcessError, match=rf"^process 0 of 2 cannot listen on port {port}: .*; choose another MASTER_P"
        ),
    ):
        meeting._meet(Place(0, 2, "127.0.0.1", port, 1))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"RANK": "x"}, r"^RANK: got 'x' in the environment; needs a whole number of at least 0$"),
        ({"RANK": "4"}, r"^RANK: got 4 in the environment, and WORLD_SIZE is 4; ranks go from 0 to 3$"),
        ({"WORLD_SIZE": "0"}, r"^WORLD_SIZE: got '0' in the environment; needs a whole number of at least 1$"),
        ({"MASTER_PORT": ""}, r"^MASTER_PORT: is not set, and RANK and WORLD_SIZE are; set it to where the first"),
    ],
)
def test_an_environment_that_is_wrong(names: dict[str, str], message: str) -> None:
    right = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "node", "MASTER_PORT": "29500", "LOCAL_WORLD_SIZE": "2"}
    assert place_of_this_process(right) == Place(1, 4, "node", 29500, 2)
    assert place_of_this_process({**right, "RANK": "0", "WORLD_SIZE": "1"}) is None
    assert place_of_this_process({}) is None
    with pytest.raises(PlanError, match=message):
        place_of_this_process({**right, **names})


def test_a_machine_that_vanishes_is_noticed_within_seconds() -> None:
    """By the system, which probes it; a process that computes for long is none that is gone."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        link.prepare_connection(connection)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        options: dict[str, Any] = {
            name: connection.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            if hasattr(socket, name)
        }
    if options:
        probing = options["TCP_KEEPIDLE"] + options["TCP_KEEPINTVL"] * options["TCP_KEEPCNT"]
        assert max(probing, options["TCP_USER_TIMEOUT"] / 1000) <= 10, json.dumps(options)


def test_those_that_the_first_has_started_bring_its_key() -> None:
    """Somebody else with the right rank does not take part, and the others wait for as long as it takes."""
    place, server = meeting.invite("127.0.0.1", 3)
    asked: list[int] = []
    chains: dict[int, Chain] = {}

    def patience(missing: int) -> float:
        asked.append(missing)
        if len(asked) == 1:  # the stranger comes before the others are started
            stranger.sendall(stranger_says)
            for thread in threads:
                thread.start()
        return 60.0

    def join(rank: int) -> None:
        chains[rank] = meeting.join_first(replace(place, rank=rank))

    threads = [threading.Thread(target=join, args=(rank,)) for rank in (2, 1)]
    data = meeting.GREETING + json.dumps({"rank": 1, "count": 3, "port": 1, "key": "guessed"}).encode()
    stranger_says = meeting.SIZE.pack(len(data)) + data
    with server, socket.create_connection((place.address, place.port)) as stranger:
        chains[0] = meeting.gather(place, server, patience)
        assert stranger.recv(1) == b""
    for thread in threads:
        thread.join(60)
    assert [chains[rank].rank for rank in range(3)] == [0, 1, 2]
    assert "guessed" not in repr(place)
    assert place.key not in repr(place)
    for chain in chains.values():
        chain.close()


def test_a_first_process_that_gives_up_lets_the_others_end() -> None:
    """They have introduced themselves, and wait for those that never come."""
    place, server = meeting.invite("127.0.0.1", 3)
    errors: list[ProcessError] = []

    def join() -> None:
        with pytest.raises(ProcessError) as error:
            meeting.join_first(replace(place, rank=1))
        errors.append(error.value)

    def patience(missing: int) -> float:
        if missing == 2:
            raise PlanError("cluster: too small")
        return 60.0

    thread = threading.Thread(target=join)
    thread.start()
    with server, pytest.raises(PlanError, match="too small"):
        meeting.gather(place, server, patience)
    thread.join(60)
    assert str(errors[0]).startswith("process 0 of 3 at 127.0.0.1 does not answer: ")
