"""The server with real sessions: floods and slow pages while a network trains, and a server that is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creche.errors import FileError
from creche.studio.open import SessionMaker
from creche.studio.page_files import page_folder
from tests.unit.studio.server.program import Program
from tests.unit.studio.server.serving import Client, Talk, running
from tests.unit.studio.watching import ENDLESS


def welcome(talk: Talk) -> int:
    """Connect, and return the epoch of the next tick."""
    assert talk.ask("Connect", version=1)["type"] == "Welcome"
    return next_epoch(talk)


def next_epoch(talk: Talk) -> int:
    tick = talk.until("Tick")["body"]
    talk.send("Acknowledge", sequence=tick["sequence"])
    return int(tick["epoch"])


def test_training_goes_on_while_a_page_floods(page: Path) -> None:
    make = SessionMaker("penguins", threads=1)
    with running(make, page) as (_, client):
        address = client.enter()
        with client.connect(address) as calm, client.connect(address) as wild:
            welcome(calm)
            welcome(wild)
            calm.ask("ChangeSettings", epochs=ENDLESS)
            calm.ask("Play")
            before = next_epoch(calm)
            for number in range(1000):
                wild.socket.send(json.dumps({"type": "ShowRows", "id": number, "count": 5}))
                wild.socket.send(b"\x00" * 100)
                wild.socket.send("}{")
            after = before
            while after <= before + 5:
                after = next_epoch(calm)
            calm.ask("Pause")


def test_twenty_pages_watch_a_run_to_its_end(page: Path) -> None:
    make = SessionMaker("penguins-four", threads=1)
    with running(make, page) as (_, client):
        address = client.enter()
        talks: list[Talk] = []

        def watch(left: int) -> None:
            if left:
                with client.connect(address) as talk:
                    welcome(talk)
                    talks.append(talk)
                    watch(left - 1)
                return
            talks[0].ask("ChangeSettings", epochs=30)
            talks[0].ask("Play")
            for talk in talks:
                while next_epoch(talk) < 30:
                    pass

        watch(20)


def test_a_page_that_never_reads_delays_no_other(page: Path) -> None:
    make = SessionMaker("penguins", threads=1)
    with running(make, page) as (_, client):
        address = client.enter()
        with client.connect(address) as calm, client.connect(address, max_queue=1) as asleep:
            welcome(calm)
            asleep.send("Connect", version=1)
            calm.ask("ChangeSettings", epochs=ENDLESS)
            calm.ask("Play")
            before = next_epoch(calm)
            while next_epoch(calm) <= before + 20:
                pass


def test_two_sessions_train_apart(page: Path) -> None:
    make = SessionMaker("penguins", threads=1)
    with (
        running(make, page) as (_, client),
        client.connect(client.enter()) as one,
        client.connect(client.enter()) as two,
    ):
        welcome(one)
        welcome(two)
        one.ask("OpenTable", dataset="penguins-four")
        one.ask("Step", unit="epoch")
        assert welcome(one) == 1
        assert welcome(two) == 0
        assert two.ask("Connect", version=1)["body"]["table"]["name"] == "penguins"


def test_an_uploaded_table_is_opened_and_removed_at_the_end(page: Path, tmp_path: Path) -> None:
    make = SessionMaker("penguins", threads=1)
    with running(make, page) as (_, client):
        address = client.enter()
        with client.connect(address) as talk:
            welcome(talk)
            _, answer = client.upload(address, "flowers.csv", b"x,kind\n" + b"1,a\n2.5,b\n" * 20)
            table = talk.ask("OpenTable", upload=answer["upload"], label=["kind"])["body"]
            assert (table["name"], table["rows"], table["label"]) == ("flowers.csv", 40, ["kind"])


def test_a_page_finds_a_server_that_was_killed_and_started_again() -> None:
    try:
        page_folder()
    except FileError:
        pytest.skip("the page was not built")
    program = Program()
    try:
        client = Client(program.start())
        address = client.enter()
        with client.connect(address) as talk:
            before = talk.ask("Connect", version=1)["body"]["session"]
        program.kill()
        program.start()
        with client.connect(address) as talk:
            assert talk.ask("Connect", version=1)["body"]["session"] != before
    finally:
        program.kill()
