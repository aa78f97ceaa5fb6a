"""Several windows: of several sessions, and of one."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.studio.conftest import Windows
from tests.studio.driving import Screen


def test_sessions_do_not_know_of_each_other(windows: Windows) -> None:
    one, other = windows.open(), windows.open()
    assert one.page.url != other.page.url
    one.set_rate(0.005)
    one.step("Epoch", times=2)
    other.step("Batch")
    assert (one.number("epoch"), other.number("step")) == (2, 1)
    expect(other.page.get_by_label("Learning rate as a number")).to_have_value("0.001")


def test_windows_of_a_session_steer_it_together_and_the_last_one_wins(windows: Windows) -> None:
    one = windows.open()
    other = windows.open(one.page.url, beside=one)
    for screen in (one, other):
        expect(screen.page.get_by_text("2 windows watch this session")).to_be_visible()
    one.set_rate(0.01)
    expect(other.page.get_by_label("Learning rate as a number")).to_have_value("0.01")
    other.set_rate(0.03)
    one.set_rate(0.02)
    for screen in (one, other):
        expect(screen.page.get_by_label("Learning rate as a number")).to_have_value("0.02")
    other.step("Epoch")
    one.expect_number("epoch", 1)
    assert (one.heard.newest("Tick").edge_weights == other.heard.newest("Tick").edge_weights).all()
    other.page.close()
    expect(one.page.get_by_text("windows watch this session")).to_be_hidden()


def test_a_window_that_comes_later_sees_the_whole_past(windows: Windows) -> None:
    one = windows.open()
    one.step("Epoch", times=3)
    other = windows.open(one.page.url, beside=one)
    other.expect_number("epoch", 3)
    assert losses(other, 3) == losses(one, 3)
    one.page.close()
    other.step("Epoch")
    other.expect_number("epoch", 4)


def losses(screen: Screen, epochs: int) -> list[str]:
    """The losses of all epochs, as the table beside the curve shows them."""
    panel = screen.page.locator("section").filter(has=screen.page.get_by_role("heading", name="Loss", exact=True))
    panel.get_by_role("button", name="table").first.click()
    rows = screen.region("Loss as a table").locator("tbody tr")
    expect(rows).to_have_count(epochs)
    return rows.all_inner_texts()
