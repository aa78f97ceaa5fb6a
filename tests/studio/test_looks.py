"""What the page looks like: on narrow and wide screens, in both schemes, with little motion, for everyone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.studio.conftest import Windows
from tests.studio.driving import Screen

VIEWS = ("Table", "Network", "One step", "Colony", "Best model", "Predict", "Keep")


def fill(screen: Screen, view: str) -> None:
    """Have a view show all that it can, so that all of it is examined."""
    page = screen.page
    screen.show(view)
    if view == "Network":
        screen.button("Steepest weight").click()
        expect(page.get_by_role("slider", name="Value of the weight")).to_be_visible()
        page.locator(".mark-hidden").first.click()
        expect(page.get_by_role("region", name="Selected:")).to_be_visible()
        expect(page.get_by_role("table").first).to_be_attached()
    elif view == "One step":
        expect(page.get_by_role("heading", name="One step, taken apart")).to_be_visible()
        expect(page.locator(".stage-title")).to_be_visible()
    elif view == "Predict":
        expect(page.get_by_test_id("predicted")).not_to_be_empty()
    elif view == "Keep":
        screen.button("Python").click()
        expect(screen.region("Code")).to_be_visible()


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_no_view_is_wider_than_the_screen(windows: Windows, width: int) -> None:
    screen = windows.open(viewport={"width": width, "height": 800})
    screen.step("Epoch")
    for view in VIEWS:
        fill(screen, view)
        assert screen.page.evaluate("document.documentElement.scrollWidth") <= width, view


def test_no_setting_stands_out_of_its_panel(screen: Screen) -> None:
    panel = screen.page.locator("section.settings")
    panel.locator("details").evaluate_all("(groups) => groups.forEach((group) => { group.open = true; })")
    outside = panel.evaluate(
        "(panel) => { const right = panel.getBoundingClientRect().right; "
        "return [...panel.querySelectorAll('input, select')].filter((e) => e.getBoundingClientRect().right > right)"
        ".map((e) => e.id); }"
    )
    assert outside == []


@pytest.mark.parametrize("width", [900, 1400])
def test_no_panel_of_the_network_view_covers_another(windows: Windows, width: int) -> None:
    screen = windows.open(viewport={"width": width, "height": 700})
    screen.step("Epoch")
    fill(screen, "Network")
    groups = screen.page.locator("section.settings details")
    groups.evaluate_all("(groups) => groups.forEach((group) => { group.open = true; })")
    for share in (0, 0.4, 0.8):
        screen.page.evaluate("(share) => window.scrollTo(0, share * document.body.scrollHeight)", share)
        covered = screen.page.evaluate(
            "() => { "
            "const boxes = [...document.querySelectorAll('main .panel')].map((e) => e.getBoundingClientRect()); "
            "const isOver = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 "
            "&& b.top < a.bottom - 1; "
            "return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => isOver(a, b))).length; }"
        )
        assert covered == 0


def test_axe_finds_nothing_in_any_view(windows: Windows) -> None:
    screen = windows.open(color_scheme="light", reduced_motion="reduce")  # no colour is on its way to another
    screen.step("Epoch", times=2)
    for view in VIEWS:
        fill(screen, view)
        assert_accessible(screen, view)


def test_axe_finds_nothing_in_what_comes_and_goes(windows: Windows, tmp_path: Path) -> None:
    screen = windows.open(color_scheme="light", reduced_motion="reduce")  # no colour is on its way to another
    page = screen.page
    screen.button("Help").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(screen, "the help")
    page.keyboard.press("Escape")
    page.locator(".mark-hidden").first.click()
    page.get_by_label("Responds along").select_option("bill_length_mm")
    page.get_by_label("Second column of the response").select_option("bill_depth_mm")
    expect(page.locator(".response-map")).to_be_visible()
    assert_accessible(screen, "a response over two columns")
    screen.button("Tour").click()
    expect(screen.button("Set them up")).to_be_visible()
    assert_accessible(screen, "the tour")
    screen.button("Leave the tour").click()
    screen.show("Colony")
    page.get_by_label("how many").fill("4")
    screen.button(re.compile("^Train .* networks$")).click()
    expect(page.locator(".colony-progress")).to_contain_text("networks were trained")
    page.locator(".multiple").first.click()
    assert_accessible(screen, "a colony")
    screen.show("Network")
    screen.choose("Optimizer", "sgd")
    screen.set_rate(3e38)
    screen.play()
    expect(page.get_by_role("alert")).to_contain_text("Training diverged")
    assert_accessible(screen, "a run that diverged")
    screen.setting("Activation").first.select_option("relu")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(screen, "a question")
    screen.agree()
    screen.expect_number("step", 0)
    screen.show("Table")
    path = tmp_path / "strange.csv"
    rows = (f"r{i},7,{i / 7},{'yes' if i % 3 else 'no'}" for i in range(100))
    path.write_text("\n".join(["id,same,x,y", *rows]) + "\n")
    screen.choose_file(path)
    expect(screen.button(re.compile("^Leave it out"))).to_be_visible()
    assert_accessible(screen, "a table with findings")


def assert_accessible(screen: Screen, what: str) -> None:
    """Assert that axe finds nothing in light, and in dark, where the colours alone differ, no contrast too low."""
    studio = screen.page.locator(".creche-studio")
    for scheme, only in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        screen.page.emulate_media(color_scheme=scheme)
        expect(studio).to_have_attribute("data-scheme", scheme)
        found = Axe().run(screen.page, options={"resultTypes": ["violations"], **only}).response["violations"]
        told = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]
        assert told == [], f"{what}, {scheme}:\n{json.dumps(told, indent=1)}"
    screen.page.emulate_media(color_scheme="light")
    expect(studio).to_have_attribute("data-scheme", "light")


def test_the_scheme_is_that_of_the_system_unless_chosen(windows: Windows) -> None:
    screen = windows.open(color_scheme="dark")
    studio = screen.page.locator(".creche-studio")
    expect(studio).to_have_attribute("data-scheme", "dark")
    dark = studio.evaluate("(element) => getComputedStyle(element).backgroundColor")
    screen.page.get_by_role("button", name="Colours").click()
    expect(studio).to_have_attribute("data-scheme", "light")
    expect(studio).not_to_have_css("background-color", dark)


def test_with_little_motion_two_states_a_second_are_asked_for(windows: Windows) -> None:
    screen = windows.open(reduced_motion="reduce")
    screen.wait_until(lambda: bool(screen.heard.sent("Watch")))
    assert {request["rate"] for request in screen.heard.sent("Watch")} == {2}
    moving = screen.page.evaluate(
        "[...document.querySelectorAll('.creche-studio *')].filter((e) => { const style = getComputedStyle(e); "
        "return parseFloat(style.transitionDuration) > 0.01 || style.animationName !== 'none'; }).length"
    )
    assert moving == 0


def test_the_switch_of_the_page_asks_for_little_motion_too(screen: Screen) -> None:
    screen.wait_until(lambda: screen.heard.sent("Watch")[-1]["rate"] == 30)
    switch = screen.button("Little motion")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    screen.wait_until(lambda: screen.heard.sent("Watch")[-1]["rate"] == 2)
