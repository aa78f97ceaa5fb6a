"""All of it without a mouse: from the start to a saved model."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

import creche as cr
from tests.studio.driving import Screen

MOST_STOPS = 150


def walk_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus, and check that it shows it."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            outline = target.evaluate(
                "(element) => { const style = getComputedStyle(element); "
                "return (parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none') "
                "|| style.boxShadow !== 'none'; }"
            )
            assert outline, "the focus cannot be seen"
            return
    raise AssertionError(f"{target} cannot be reached with Tab")


def open_view(screen: Screen, name: str) -> None:
    tab = screen.page.get_by_role("navigation", name="Views").get_by_role("button", name=name, exact=True)
    walk_to(screen.page, tab)
    screen.page.keyboard.press("Enter")
    expect(tab).to_have_attribute("aria-current", "page")


def type_into(page: Page, field: Locator, text: str) -> None:
    """Write a text into a field, which takes it when the focus goes on."""
    walk_to(page, field)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def test_each_view_is_used_by_its_keys(screen: Screen) -> None:
    page = screen.page
    open_view(screen, "Colony")
    for name in ("how many", "epochs"):
        type_into(page, page.locator(".colony-form").get_by_label(name, exact=True), "2")
    walk_to(page, screen.button(re.compile(r"^Train \d+ networks")))
    with screen.carrying_out("StartColony"):
        page.keyboard.press("Enter")
    (asked,) = screen.heard.sent("StartColony")
    assert (len(asked["learning_rates"]), asked["epochs"]) == (2, 2)
    expect(page.locator(".colony-progress")).to_contain_text("networks were trained")
    walk_to(page, page.locator(".multiple.is-best"))
    page.keyboard.press("Enter")
    walk_to(page, screen.button("Continue with this network"))
    page.keyboard.press("Enter")
    screen.expect_number("epoch", 2)

    open_view(screen, "One step")
    stage = page.locator(".walk select").first
    expect(stage).to_have_value("0")
    walk_to(page, screen.button("Next ›"))
    page.keyboard.press("Enter")
    expect(stage).to_have_value("1")

    open_view(screen, "Best model")
    type_into(page, page.get_by_label("At most (seconds)"), "1")
    walk_to(page, screen.button("Search"))
    page.keyboard.press("Enter")
    screen.wait_until(lambda: screen.heard.newest("FitView").status == "finished")

    open_view(screen, "Predict")
    walk_to(page, page.get_by_label("bill_length_mm, slider"))
    with screen.carrying_out("Predict"):
        page.keyboard.press("End")

    open_view(screen, "Table")
    label = page.get_by_label("Label", exact=True)
    walk_to(page, label)
    page.keyboard.type("isl")
    walk_to(page, page.get_by_role("dialog").locator("button.primary"))
    with screen.carrying_out("ConfigureTable"):
        page.keyboard.press("Enter")
    expect(label).to_have_value("island")
    screen.expect_number("epoch", 0)


def test_from_the_start_to_a_saved_model(screen: Screen, tmp_path: Path) -> None:
    page = screen.page
    walk_to(page, page.get_by_label("Hidden layers"))
    page.keyboard.press("Control+a")
    page.keyboard.type("6 5")
    page.keyboard.press("Enter")
    screen.wait_until(lambda: screen.settings.settings.hidden == [6, 5])

    page.locator("main").focus()
    page.keyboard.press(",")
    screen.expect_number("epoch", 1)
    step = screen.number("step")
    page.keyboard.press(".")
    screen.expect_number("step", step + 1)
    page.keyboard.press("Space")
    screen.wait_for_number("epoch", "n >= 4")
    page.keyboard.press("Space")
    expect(screen.button("Play")).to_be_visible()

    walk_to(page, page.locator(".mark[tabindex='0']"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    walk_to(page, page.get_by_role("listbox"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    screen.wait_until(lambda: bool(screen.heard.all("WeightCurve")))
    page.keyboard.press("Escape")
    expect(page.get_by_role("slider", name="Value of the weight")).to_be_hidden()

    page.locator("main").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    open_view(screen, "Keep")
    walk_to(page, screen.button("Download the model"))
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert [W.shape[1] for W, _ in cr.load(path).weights] == [6, 5, 3]
