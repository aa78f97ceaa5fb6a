"""Tables are read, prepared and encoded beside training: watched, one after the other, and given up where asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest

import creche as cr
from creche.errors import FileError
from creche.studio import open as open_studio
from creche.studio import ready_table
from creche.studio.answers import rows
from creche.studio.answers import table as table_answers
from creche.studio.open import SessionMaker
from creche.studio.protocol import views
from creche.studio.protocol.frames import ReceivedRequest
from creche.studio.protocol.requests import (
    Cancel,
    ChangeSettings,
    ConfigureTable,
    Connect,
    Diagnose,
    OpenTable,
    Request,
    Step,
)
from creche.studio.ready_table import WantedTable
from creche.studio.session import Session
from creche.studio.table_source import LARGE_ROWS, TableSource, open_bundled, open_data
from tests.unit.studio.watching import Gate, Page, watched

WAITING = 1_000_000
"""The number of a request whose answer a test looks for later."""


@contextmanager
def slow_reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Have the bundled table penguins-four be read only once the gate is open."""
    gate = Gate()

    def read(name: str) -> TableSource:
        if name == "penguins-four":
            gate.pass_through()
        return open_bundled(name)

    monkeypatch.setattr(table_answers, "open_bundled", read)
    yield gate
    gate.open()


def ask_without_waiting(page: Page, request: Request, number: int = WAITING) -> None:
    page.session.submit(page, ReceivedRequest(number, request))


def test_the_network_trains_on_while_a_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched("penguins") as page, slow_reading(monkeypatch) as gate:
        ask_without_waiting(page, OpenTable(dataset="penguins-four"))
        gate.wait_for_one()
        page.get(Step("epoch"))
        assert page.pushed(views.Tick, lambda tick: tick.epoch == 1).status == "paused"
        welcome = page.get(Connect(views.VERSION))
        assert welcome.table.name == "penguins"
        assert (welcome.progress.name, welcome.progress.doing) == ("penguins-four", "reading the table")
        gate.open()
        assert page.answer(WAITING).name == "penguins-four"
        assert page.get(Connect(views.VERSION)).progress is None
        assert page.all(views.TableProgress)[-1].status == "finished"
        page.pushed(views.Tick, lambda tick: tick.epoch == 0)


def test_a_table_that_is_given_up_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched("penguins") as page, slow_reading(monkeypatch) as gate:
        ask_without_waiting(page, OpenTable(dataset="penguins-four"))
        gate.wait_for_one()
        page.get(Cancel("table"))
        told = page.answer(WAITING)
        assert (told.code, told.text) == ("cancelled", "penguins-four was not made ready, because that was cancelled.")
        gate.open()
        assert page.get(ConfigureTable(label=("island",))).name == "penguins"
        assert page.get(Connect(views.VERSION)).table.label == ("island",)
        assert page.fail(Cancel("table")).code == "bad_value"


def test_another_table_takes_the_place_of_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(None) as page, slow_reading(monkeypatch) as gate:
        ask_without_waiting(page, OpenTable(dataset="penguins-four"))
        gate.wait_for_one()
        assert page.get(OpenTable(dataset="penguins")).name == "penguins"
        assert "another table was opened" in page.answer(WAITING).text
        gate.open()
        page.get(Step("batch"))
        assert page.get(Connect(views.VERSION)).table.name == "penguins"


def test_changes_of_a_table_are_made_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with watched("penguins") as page, slow_reading(monkeypatch) as gate:
        ask_without_waiting(page, OpenTable(dataset="penguins-four"), WAITING)
        gate.wait_for_one()
        ask_without_waiting(page, ConfigureTable(roles={"bill_length_mm": "ignore"}), WAITING + 1)
        ask_without_waiting(page, ConfigureTable(label=("nothing",)), WAITING + 2)
        ask_without_waiting(page, ConfigureTable(label=("body_mass_hg",)), WAITING + 3)
        gate.open()
        assert "nothing" in page.answer(WAITING + 2).text
        table = page.answer(WAITING + 3)
        roles = {column.name: column.role for column in table.columns}
        assert (table.label, roles["bill_length_mm"]) == (("body_mass_hg",), "ignore")


def test_another_split_is_prepared_beside_training_with_the_settings_of_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, prepare = Gate(), ready_table.prepare

    def wait_and_prepare(*arguments: object, **options: object) -> object:
        gate.pass_through()
        return prepare(*arguments, **options)  # type: ignore[arg-type]

    with watched("penguins") as page:
        page.get(Step("epoch"))
        monkeypatch.setattr(ready_table, "prepare", wait_and_prepare)
        ask_without_waiting(page, ChangeSettings(validation_fraction=0.2, restart=True))
        gate.wait_for_one()
        page.get(ChangeSettings(learning_rate=0.01))
        page.get(Step("epoch"))
        gate.open()
        settings = page.answer(WAITING).settings
        assert (settings.validation_fraction, settings.learning_rate) == (0.2, 0.01)
        page.get(Step("epoch", count=2))
        run = cr.train(
            "penguins", label="species", hidden=[8, 8], epochs=2, early_stopping=False, keep="last", threads=1,
            validation_fraction=0.2, learning_rate=0.01,
        )  # fmt: skip
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 2)
        assert tick.train_loss == run.history.train_loss[-1]


def test_a_session_begins_while_its_table_is_read() -> None:
    gate = Gate()

    def read() -> TableSource:
        gate.pass_through()
        return open_bundled("penguins")

    session = Session(WantedTable("birds.csv", read), threads=1)
    page = Page(session)
    session.attach(page)
    try:
        welcome = page.get(Connect(views.VERSION))
        assert welcome.table is None
        assert welcome.progress.name == "birds.csv"
        assert page.pushed(views.Tick).why == "a table is being read"
        gate.open()
        assert page.pushed(views.TableView).label == ("species",)
        page.get(Step("epoch"))
    finally:
        session.close("the test is over")


def test_a_table_that_a_session_cannot_begin_with_is_told_to_all_pages() -> None:
    def read() -> TableSource:
        raise FileError("birds.csv: holds no table")

    session = Session(WantedTable("birds.csv", read), threads=1)
    page = Page(session)
    session.attach(page)
    try:
        page.get(Connect(views.VERSION))
        page.wait_for(lambda: bool(page.all(views.Failure)) or page.all(views.Welcome)[-1].failure is not None)
        assert page.get(Connect(views.VERSION)).failure.text == "birds.csv: holds no table."
        page.get(OpenTable(dataset="penguins"))
        assert page.get(Connect(views.VERSION)).failure is None
    finally:
        session.close("the test is over")


def test_the_network_trains_on_while_it_is_diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, diagnose = Gate(), rows.diagnose

    def wait_and_diagnose(*arguments: object, **options: object) -> object:
        gate.pass_through()
        return diagnose(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(rows, "diagnose", wait_and_diagnose)
    frame = pl.DataFrame({"x": [i / 7 for i in range(100)], "y": ["a", "b"] * 50})
    with watched(open_data(frame), ("y",)) as page:
        page.get(Step("epoch", count=3))
        ask_without_waiting(page, Diagnose())
        gate.wait_for_one()
        page.get(Step("epoch"))
        page.pushed(views.Tick, lambda tick: tick.epoch == 4)
        gate.open()
        assert page.answer(WAITING).epoch == 3


def test_a_large_table_is_read_once_and_only_in_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, reads = Gate(), list[object]()

    def read(data: object, options: object) -> TableSource:
        gate.pass_through()
        reads.append(data)
        return open_data(data)

    monkeypatch.setattr(open_studio, "open_data", read)
    numbers = pl.int_range(LARGE_ROWS, eager=True)
    make = SessionMaker(pl.DataFrame({"x": numbers % 997 / 7, "y": numbers % 2 == 0}), "y", threads=1)
    sessions = [make(), make()]
    try:
        pages = [Page(session) for session in sessions]
        for session, page in zip(sessions, pages, strict=True):
            session.attach(page)
            assert page.get(Connect(views.VERSION)).table is None
        gate.open()
        for page in pages:
            assert page.pushed(views.TableView).rows == LARGE_ROWS
            page.get(Step("batch"))
        assert len(reads) == 1
    finally:
        for session in sessions:
            session.close("the test is over")
