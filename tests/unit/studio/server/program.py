"""`creche studio` as a process of its own, which is killed and started again on the same port."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess

from tests.patience import PATIENCE
from tests.unit.cli.commands import COMMAND, environment

__all__ = ["Program"]

TOKEN = "0123456789abcdef" * 2
EPHEMERAL = 32768
"""Linux gives ports from this one on to those who ask for any: another test could get that of a killed server."""


class Program:
    """Starts the program, and starts it again where it was."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it, and return the link that it prints."""
        if self.port:
            link = self._start_at(self.port)
            assert link, f"port {self.port} is taken"
            return link
        first = 10_000 + 7 * os.getpid() % (EPHEMERAL - 10_000)
        for port in itertools.chain(range(first, EPHEMERAL), range(10_000, first)):
            if link := self._start_at(port):
                self.port = port
                return link
        raise AssertionError("all ports are taken")

    def _start_at(self, port: int) -> str | None:
        """Start it at a port, and return the link; None if the port is taken."""
        command = [*COMMAND, "studio", "penguins", "--no-browser", "--port", str(port), "--threads", "1"]
        variables = {**environment(), "CRECHE_STUDIO_TOKEN": TOKEN}
        self._process = subprocess.Popen(
            command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout is not None
        told = ""
        for line in self._process.stdout:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", told):
                return found[0]
        self.wait()
        assert "is taken by another program" in told, told
        return None

    def interrupt(self) -> None:
        """End it as Ctrl-C does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def wait(self) -> None:
        """Wait until it has ended."""
        if self._process is not None:
            self._process.communicate(timeout=PATIENCE)
            self._process = None
