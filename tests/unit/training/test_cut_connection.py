"""The connection between two processes of one network is cut: each names the other, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from tests.patience import PATIENCE
from tests.unit.training import silent_network
from tests.unit.training.test_processes import JOB, at_epoch, free_port, weights

ROOT = Path(__file__).parents[3]
OTHER = """
import creche as cr
from tests.unit.training.test_processes import JOB

try:
    cr.train("penguins", **JOB)
except cr.ProcessError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def alone() -> Any:
    return cr.train("penguins", **JOB)


class Proxy:
    """What lies between two processes: it hands on what either sends, until it is cut."""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._target = port
        self._ends: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                near, _ = self._server.accept()
                far = self._reach_target()
                self._ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _reach_target(self) -> socket.socket:
        """Connect to the process behind it, which may not be there yet."""
        while True:
            with suppress(ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", self._target))
            time.sleep(0.01)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(1 << 16):
                target.sendall(received)
            if not self._is_cut:
                target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Reset all connections, as a gateway does that has lost them."""
        self._is_cut = True
        for end in self._ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # so that no thread holds it
            end.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy in front of this process, which is that of rank 0."""
    port = free_port()
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}.items():
        monkeypatch.setenv(name, value)
    made = Proxy(port)
    yield made
    made.close()


def test_a_connection_that_is_reset(alone: Any, proxy: Proxy, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    place = {"RANK": "1", "MASTER_PORT": str(proxy.port)}
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER], env={**os.environ, **place}, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    gone = "is gone: the connection to it failed: (Connection reset by peer|Broken pipe)$"
    with pytest.raises(cr.ProcessError, match=f"^process 1 of 2 {gone}") as cut:
        cr.train("penguins", **JOB, checkpoint=folder, on_epoch=at_epoch(3, proxy.cut))
    said, _ = other.communicate(timeout=PATIENCE)
    assert re.match(f"process 0 of 2 {gone}", said, re.MULTILINE)
    assert (cut.value.rank, cut.value.is_lost, cut.value.run.epoch) == (1, True, 3)
    run = cr.resume(folder, processes=1, threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def has_namespaces() -> bool:
    """Whether this user may have a network of their own."""
    found = sys.platform == "linux" and shutil.which("unshare")
    return bool(found) and subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


def test_a_network_that_falls_silent(alone: Any, tmp_path: Path) -> None:
    if not has_namespaces():
        pytest.skip("needs network namespaces for users")
    folder = tmp_path / "checkpoints"
    command = ["unshare", "-rn", sys.executable, "-m", silent_network.__name__, "0", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    here, there = (json.loads(line) for line in ended.stdout.splitlines())
    for rank, said in ((1, here), (0, there)):
        assert re.match(rf"process {rank} of 2 is gone: the connection to it failed: ", said["message"])
        assert (said["rank"], said["epochs"]) == (rank, 3)
    run = cr.resume(folder, threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))
