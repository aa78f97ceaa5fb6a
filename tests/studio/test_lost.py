"""A server that ends and is started again, and a browser that cannot connect."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.studio.driving import Screen
from tests.unit.studio.server.program import Program


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
    screen.expect_number("epoch", 0)
    screen.step("Epoch")
    screen.expect_number("epoch", 1)
    assert screen.faults == []
    context.close()


def test_a_server_that_is_ended_says_so(program: Program, browser: Browser) -> None:
    context = browser.new_context()
    screen = Screen.open(context, program.start())
    screen.may_lose_connection = True
    program.interrupt()
    expect(screen.page.get_by_text(re.compile("The studio was ended")).first).to_be_visible()
    program.wait()
    context.close()
