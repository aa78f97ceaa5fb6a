"""Playing, pausing, stepping, going back in time, and changing settings while it runs."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

from tests.studio.driving import Screen
from tests.studio.twin import train_twin

ENDLESS = 1_000_000  # epochs


def test_plays_and_pauses(screen: Screen) -> None:
    screen.set_number("Epochs", ENDLESS)
    screen.step("Epoch")
    first = screen.tick.train_loss
    screen.play()
    screen.wait_for_number("epoch", "n >= 5")
    screen.pause()
    step, sequence = screen.number("step"), screen.tick.sequence
    screen.button("Batch").click()  # its tick is the proof that none was on the way
    screen.wait_until(lambda: screen.tick.sequence > sequence)
    screen.wait_for_number("step", f"n === {step + 1}")
    assert screen.tick.train_loss < first


def test_a_batch_is_one_step_and_an_epoch_goes_to_its_end(screen: Screen) -> None:
    batches = screen.tick.batches
    for expected in (1, 2, 3):
        screen.step("Batch")
        assert screen.number("step") == expected
    screen.step("Epoch")
    assert (screen.number("epoch"), screen.number("step")) == (1, batches)
    screen.step("Epoch")
    assert (screen.number("epoch"), screen.number("step")) == (2, 2 * batches)


def test_going_back_in_time_gives_the_weights_of_that_epoch(screen: Screen) -> None:
    screen.step("Epoch", times=3)
    recorded = screen.tick.edge_weights.copy()
    screen.step("Epoch", times=3)
    slider = screen.page.get_by_label("Time", exact=True)
    slider.focus()
    for _ in range(3):
        slider.press("ArrowLeft")
    screen.wait_for_number("epoch", "n === 3")
    assert (screen.tick.edge_weights == recorded).all()
    expect(slider).to_have_attribute("aria-valuetext", "epoch 3 of 6")
    screen.step("Epoch")
    assert screen.number("epoch") == 4


def test_a_new_learning_rate_changes_what_comes_and_not_what_was(screen: Screen) -> None:
    screen.set_number("Epochs", ENDLESS)
    screen.play()
    screen.wait_for_number("epoch", "n >= 3")
    screen.set_rate(0.02)
    changed = screen.settings.changed_at[-1]
    screen.wait_for_number("epoch", f"n >= {changed + 3}")
    screen.pause()
    shown = losses_of(screen)
    before = int(changed)
    unchanged = train_twin(screen, "penguins", "species", before + 3, learning_rate=0.001).history.train_loss
    np.testing.assert_array_equal(shown[:before], np.asarray(unchanged[:before], np.float32))
    assert (shown[before + 1 : before + 3] != np.asarray(unchanged[before + 1 : before + 3], np.float32)).all()


def test_a_loss_that_is_not_finite_is_told_with_its_step_and_left_by_one_button(screen: Screen) -> None:
    screen.step("Epoch", times=2)
    screen.choose("Optimizer", "sgd")
    screen.set_rate(3e38)
    screen.play()
    alert = screen.page.get_by_role("alert").filter(has_text="Training diverged")
    expect(alert).to_contain_text(re.compile(r"epoch 3, batch \d+"))
    expect(screen.page.get_by_text("Training diverged").and_(screen.page.locator(":not(.unseen)"))).to_have_count(1)
    expect(screen.page.locator("canvas").first).to_be_visible()
    screen.button(re.compile("Back to the last finite weights")).click()
    expect(alert).to_be_hidden()
    assert np.isfinite(screen.tick.edge_weights).all()
    screen.wait_until(lambda: screen.settings.settings.learning_rate < 3e38)
    screen.page.get_by_label("Time", exact=True).press("Home")
    screen.wait_for_number("epoch", "n === 0")
    screen.set_rate(0.001)
    screen.step("Epoch")
    assert np.isfinite(screen.tick.train_loss)


def test_resetting_gives_the_first_weights(screen: Screen) -> None:
    weights = screen.tick.edge_weights.copy()
    screen.step("Epoch")
    assert (screen.tick.edge_weights != weights).any()
    screen.button("Reset").click()
    screen.wait_for_number("step", "n === 0")
    assert (screen.tick.edge_weights == weights).all()


def losses_of(screen: Screen) -> np.ndarray:
    """Put the training losses together from the pieces in which the page got them."""
    losses: list[float] = []
    for piece in screen.heard.all("History"):
        column = piece.values[:, piece.columns.index("train_loss")] if len(piece.epochs) else piece.values[:, 0]
        losses[piece.first - 1 :] = column.tolist()
    return np.asarray(losses, np.float32)
