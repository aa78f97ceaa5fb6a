"""A server that ends and is started again, and a browser that cannot connect."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.studio.driving import Screen

TOKEN = "a" * 32


class Program:
    """`creche studio` in a process of its own; the second start takes the port of the first."""

    def __init__(self) -> None:
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it, and return the link that it prints."""
        command = [sys.executable, "-m", "creche", "studio", "--no-browser", "--port", str(self.port), "--threads", "1"]
        environment = os.environ | {"CRECHE_STUDIO_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        told = ""
        for line in self.process.stdout:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\w+", told):
                self.port = int(found[1])
                return found[0]
        raise AssertionError(told)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.wait()

    def wait(self) -> None:
        """Wait until it has ended."""
        if self.process is not None:
            self.process.communicate()
            self.process = None


@pytest.fixture
def program(built_page: object) -> Iterator[Program]:
    program = Program()
    yield program
    program.kill()


def test_the_page_says_that_the_server_is_gone_and_finds_it_again(program: Program, browser: Browser) -> None:
    context = browser.new_context()
    screen = Screen.open(context, program.start())
    screen.may_lose_connection = True
    screen.step("Epoch")
    program.kill()
    lost = screen.page.get_by_text(re.compile("connection to the session is lost", re.IGNORECASE)).first
    expect(lost).to_be_visible()
    program.start()
    expect(lost).to_be_hidden()
    screen.wait_for_number("epoch", "n === 0")
    screen.step("Epoch")
    assert screen.number("epoch") == 1
    assert screen.faults == []
    context.close()


def test_a_server_that_is_ended_says_so(program: Program, browser: Browser) -> None:
    context = browser.new_context()
    screen = Screen.open(context, program.start())
    screen.may_lose_connection = True
    assert program.process is not None
    program.process.send_signal(signal.SIGINT)
    expect(screen.page.get_by_text(re.compile("The studio was ended")).first).to_be_visible()
    program.wait()
    context.close()
