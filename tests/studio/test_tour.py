"""The guided tour: twelve stops, each with a task, in the address."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.studio.conftest import Windows
from tests.studio.driving import Screen
from tests.studio.test_prediction import OBSERVATION

STOPS = 12


def open_tour(windows: Windows, stop: int) -> Screen:
    """Open a session at a stop, as the link that a teacher sends does, with its table set up."""
    screen = windows.open()
    screen.page.goto(f"{screen.page.url.partition('#')[0]}#tour={stop}")
    expect(screen.page.locator(".tour")).to_be_visible()
    setting_up = screen.button("Set them up")
    setting_up.click()
    expect(setting_up).to_be_hidden()
    return screen


def test_a_link_leads_to_its_stop(windows: Windows) -> None:
    screen = open_tour(windows, 7)
    select = screen.page.get_by_label("Stop of the tour")
    expect(select.locator("option:checked")).to_have_text(re.compile("^7 of 12"))
    screen.button("Next stop ›").click()
    expect(screen.page).to_have_url(re.compile("tour=8"))
    screen.page.go_back()
    expect(select.locator("option:checked")).to_have_text(re.compile("^7 of 12"))
    screen.button("Leave the tour").click()
    expect(screen.page.locator(".tour")).to_be_hidden()
    expect(screen.page).not_to_have_url(re.compile("tour"))


def do_task(screen: Screen, stop: int) -> None:
    """Do what a stop asks, by hand where the page leaves it to the person."""
    page = screen.page
    if stop == 1:
        screen.button("Gentoo").click()
        expect(page.locator(".tour")).to_contain_text("Not Gentoo. Look again.")
        screen.button("Chinstrap").click()
    elif stop in (5, 6):
        stages = page.locator(".walk select").first
        text = {5: "The loss", 6: "Gradients at the sums of layer 1"}[stop]
        stages.select_option(stages.locator("option").filter(has_text=text).first.get_attribute("value"))
    elif stop == 8:
        page.locator(".mark-output").first.click()
        page.get_by_role("listbox").get_by_role("option").first.click()
        screen.wait_until(lambda: bool(screen.heard.all("WeightCurve")))
        screen.button("Steepest weight").click()
    elif stop == 12:
        for column, value in OBSERVATION.items():
            page.locator("form").get_by_label(column, exact=True).first.fill(str(value))
    else:
        screen.button("Do it for me").click()
    if stop == 10:
        expect(page.locator(".run-end")).to_be_visible()
        assert screen.settings.settings.learning_rate == 30
        expect(page.locator(".task.is-done")).to_be_hidden()
        screen.button("Do it for me").click()
    elif stop == 11:
        expect(page.locator(".colony-progress")).to_contain_text("networks were trained")
        expect(page.locator(".task.is-done")).to_be_hidden()
        screen.button("Do it for me").click()


@pytest.mark.parametrize("stop", range(1, STOPS + 1))
def test_each_stop_knows_when_it_is_done(windows: Windows, stop: int) -> None:
    screen = open_tour(windows, stop)
    expect(screen.page.locator(".task.is-done")).to_be_hidden()
    do_task(screen, stop)
    expect(screen.page.locator(".task.is-done")).to_contain_text("Done")
