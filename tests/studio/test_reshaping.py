"""Neurons and layers are added and removed in the drawing itself, by hand and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.studio.driving import Screen


def grip_of(screen: Screen, layer: int) -> Locator:
    return screen.page.get_by_role("slider", name=f"Neurons of layer {layer}", exact=True)


def drag(screen: Screen, grip: Locator, neurons: float) -> None:
    """Press on a grip, and drag it down by the distance of `neurons` neurons."""
    marks = screen.page.locator(".mark-hidden")
    first, second = (marks.nth(place).bounding_box() for place in (0, 1))
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    assert box is not None
    assert first is not None
    assert second is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x, y + neurons * (second["y"] - first["y"]), steps=5)


def wait_for_hidden(screen: Screen, hidden: list[int]) -> None:
    screen.wait_until(lambda: screen.settings.settings.hidden == hidden)


@pytest.mark.parametrize(
    ("neurons", "told", "hidden"), [(2, "10", [10, 8]), (-3, "5", [5, 8]), (-9, "remove the layer", [8])]
)
def test_a_layer_is_dragged_to_another_width(screen: Screen, neurons: int, told: str, hidden: list[int]) -> None:
    drag(screen, grip_of(screen, 1), neurons)
    expect(screen.page.locator(".grip-width")).to_have_text(told)
    expect(screen.page.locator(".ghost")).to_have_count(min(abs(neurons), 8))
    assert screen.settings.settings.hidden == [8, 8]
    screen.page.mouse.up()
    wait_for_hidden(screen, hidden)
    expect(screen.page.locator(".mark-hidden")).to_have_count(sum(hidden))
    expect(screen.page.locator(".ghost")).to_have_count(0)


def test_a_drag_that_is_taken_back_changes_nothing(screen: Screen) -> None:
    screen.step("Batch")
    drag(screen, grip_of(screen, 2), 3)
    screen.page.keyboard.press("Escape")
    screen.page.mouse.up()
    expect(screen.page.locator(".ghost")).to_have_count(0)
    screen.step("Batch")
    assert screen.number("step") == 2
    assert screen.settings.settings.hidden == [8, 8]


def test_weights_that_would_be_lost_are_asked_for_first(screen: Screen) -> None:
    screen.step("Epoch")
    drag(screen, grip_of(screen, 1), 1)
    screen.page.mouse.up()
    expect(screen.page.get_by_role("dialog")).to_contain_text("Start training anew?")
    screen.button("Cancel").click()
    assert screen.number("epoch") == 1
    assert screen.settings.settings.hidden == [8, 8]


def test_keys_add_and_remove_neurons(screen: Screen) -> None:
    grip = grip_of(screen, 2)
    grip.focus()
    grip.press("ArrowUp")
    wait_for_hidden(screen, [8, 9])
    expect(grip).to_be_focused()
    expect(grip).to_have_attribute("aria-valuetext", "9 neurons")
    grip.press("-")
    wait_for_hidden(screen, [8, 8])
    neuron = screen.page.locator(".mark-hidden").first
    neuron.focus()
    neuron.press("+")
    wait_for_hidden(screen, [9, 8])
    expect(neuron).to_be_focused()
    neuron.press("Delete")
    wait_for_hidden(screen, [8, 8])
    grip.focus()
    grip.press("Delete")
    wait_for_hidden(screen, [8])
    expect(screen.page.locator(".mark:focus")).to_have_count(1)


def test_neurons_of_wide_layers_have_pictures_too(screen: Screen) -> None:
    screen.set_text("Hidden layers", "40, 64, 30")
    expect(screen.page.locator(".mark-hidden.mark-fold-no")).to_have_count(45)
    expect(screen.page.locator(".mark-hidden.has-picture")).to_have_count(45)
