"""What goes wrong is told in a sentence on the page, and what was there is kept."""

from __future__ import annotations

import errno
import re
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from creche.errors import FileError
from creche.model.model import Model
from creche.studio.answers import table as table_answers
from creche.studio.table_source import TableSource, open_bundled
from tests.studio.conftest import Studio
from tests.studio.driving import Screen
from tests.unit.studio.watching import Gate


def write_table(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_file_that_is_no_table(screen: Screen, tmp_path: Path) -> None:
    path = tmp_path / "photo.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    screen.step("Epoch")
    screen.show("Table")
    screen.choose_file(path)
    screen.agree()
    assert "photo.csv" in screen.expect_failure(r"photo\.csv")
    screen.expect_number("epoch", 1)
    expect(screen.page.locator(".table-name")).to_contain_text("penguins")


def test_a_file_of_2_gb_is_refused_before_it_is_sent(screen: Screen, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2**31)
    sent: list[str] = []
    screen.page.on("request", lambda request: sent.append(request.url))
    screen.step("Epoch")
    screen.show("Table")
    screen.choose_file(path)
    told = screen.expect_failure(r"huge\.csv")
    assert "2 GiB" in told
    assert "64 MiB" in told
    assert "--max-upload" in told
    assert not [address for address in sent if "upload" in address]
    screen.expect_number("epoch", 1)


def test_a_column_with_a_category_for_each_row(screen: Screen, tmp_path: Path) -> None:
    rows = [f"person {i},{'yes' if i % 3 else 'no'},{i % 17}" for i in range(50_000)]
    path = write_table(tmp_path / "people.csv", "name,buys,age", rows)
    screen.show("Table")
    screen.choose_file(path)
    expect(screen.page.locator(".table-name")).to_contain_text("50,000 rows")
    label = screen.page.get_by_label("Label", exact=True)
    label.select_option("name")
    assert "name" in screen.expect_failure("name")
    label.select_option("buys")
    screen.button("To the network →").click()
    screen.step("Batch")
    screen.expect_number("step", 1)


def test_a_table_that_takes_long_is_told_and_can_be_given_up(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()

    def read(name: str) -> TableSource:
        gate.pass_through()
        return open_bundled(name)

    monkeypatch.setattr(table_answers, "open_bundled", read)
    screen.show("Table")
    screen.button("penguins-four").click()
    notice = screen.page.locator(".table-notice")
    expect(notice).to_contain_text("penguins-four: reading the table")
    screen.step("Epoch")
    screen.button("Cancel", notice).click()
    expect(notice).to_be_hidden()
    expect(screen.page.locator(".notice")).to_contain_text("penguins-four was not made ready")
    gate.open()
    screen.step("Epoch")
    expect(screen.page.locator(".table-name")).to_contain_text("344 rows")


def test_a_label_that_is_constant(screen: Screen, tmp_path: Path) -> None:
    path = write_table(tmp_path / "same.csv", "x,y", [f"{i * i % 23},7" for i in range(40)])
    screen.show("Table")
    screen.choose_file(path)
    screen.page.get_by_label("Label", exact=True).select_option("y")
    screen.expect_failure("y")


def test_a_network_that_is_too_wide_for_memory(screen: Screen) -> None:
    screen.step("Epoch")
    field = screen.page.get_by_label("Hidden layers")
    before = field.input_value()
    field.fill("3000000, 3000000")
    field.press("Enter")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog.or_(screen.failures()).first).to_be_visible()
    if dialog.is_visible():
        screen.agree()
    screen.expect_failure("memory|GB|GiB")
    screen.expect_number("epoch", 1)
    expect(field).to_have_value(before)


@pytest.mark.parametrize(("text", "words"), [("many", "many"), ("-3", "-3"), ("0", "0")])
def test_hidden_layers_that_are_no_numbers(screen: Screen, text: str, words: str) -> None:
    field = screen.page.get_by_label("Hidden layers")
    before = field.input_value()
    field.fill(text)
    field.press("Enter")
    screen.expect_failure(words)
    expect(field).to_have_value(before)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Epochs", "0", "Epochs: got 0; needs a whole number of at least 1"),
        ("Batch size", "2.5", "Batch size: got 2.5; needs a whole number"), ("Dropout", "2", "Dropout: got 2; needs"),
        ("Weight decay", "-1", "Weight decay: got -1; needs a number of at least 0"),
    ],
)  # fmt: skip
def test_a_number_out_of_its_range(screen: Screen, name: str, text: str, words: str) -> None:
    field = screen.setting(name).first
    before = field.input_value()
    field.fill(text)
    field.press("Enter")
    screen.expect_failure(re.escape(words))
    expect(field).to_have_value(before)


def test_a_learning_rate_below_0(screen: Screen) -> None:
    field = screen.page.get_by_label("Learning rate as a number")
    field.fill("-1")
    field.press("Enter")
    screen.expect_failure("The learning rate needs to be a number above 0")
    expect(field).to_have_value("0.001")


def test_a_disk_that_is_full(screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "fine.csv", "x,y", [f"{i},{i % 2}" for i in range(40)])

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", fail)
    screen.may_be_refused = True
    screen.show("Table")
    screen.choose_file(path)
    screen.expect_failure("No space left|disk")


def test_a_disk_that_is_full_when_the_model_is_kept(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Model, path: Path) -> None:
        raise FileError(f"{path}: cannot be written: no space left on device")

    monkeypatch.setattr(Model, "save", fail)
    screen.step("Epoch")
    screen.show("Keep")
    screen.button("Download the model").click()
    assert "penguins.creche could not be written: no space left on device." in screen.expect_failure("could not be")
    screen.show("Network")
    screen.expect_number("epoch", 1)
    screen.step("Epoch")
    screen.expect_number("epoch", 2)


def test_a_browser_without_web_sockets(browser: Browser, studio: Studio) -> None:
    context = browser.new_context()
    context.add_init_script("delete window.WebSocket;")
    page = context.new_page()
    page.goto(studio.link)
    expect(page.get_by_text("WebSocket").first).to_be_visible()
    context.close()


def test_a_page_without_the_token_is_refused(browser: Browser, studio: Studio) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(studio.link.partition("?")[0])
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_text("The studio needs the link that it printed")).to_be_visible()
    context.close()
