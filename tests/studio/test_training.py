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
    screen.expect_number("step", step + 1)
    assert screen.tick.train_loss < first


def test_a_batch_is_one_step_and_an_epoch_goes_to_its_end(screen: Screen) -> None:
    batches = screen.tick.batches
    for expected in (1, 2, 3):
        screen.step("Batch")
        assert screen.number("step") == expected
    for epoch in (1, 2):
        screen.step("Epoch")
        assert (screen.number("epoch"), screen.number("step")) == (epoch, epoch * batches)


def test_going_back_in_time_gives_the_weights_of_that_epoch(screen: Screen) -> None:
    screen.step("Epoch", times=3)
    recorded = screen.tick.edge_weights.copy()
    screen.step("Epoch", times=3)
    slider = screen.page.get_by_label("Time", exact=True)
    slider.focus()
    for _ in range(3):
        slider.press("ArrowLeft")
    screen.expect_number("epoch", 3)
    assert (screen.tick.edge_weights == recorded).all()
    expect(slider).to_have_attribute("aria-valuetext", "epoch 3 of 6")
    screen.step("Epoch")
    screen.expect_number("epoch", 4)


def test_a_new_learning_rate_changes_what_comes_and_not_what_was(screen: Screen) -> None:
    screen.set_number("Epochs", ENDLESS)
    screen.page.get_by_label("Speed", exact=True).select_option("10 epochs/s")  # so that no epoch is left out
    screen.play()
    screen.wait_for_number("epoch", "n >= 3")
    before = int(screen.set_rate(0.02).changed_at[-1])
    screen.wait_for_number("epoch", f"n >= {before + 3}")
    screen.pause()
    unchanged = train_twin(screen, "penguins", "species", before + 3, learning_rate=0.001).history.train_loss
    known = dict(enumerate(np.asarray(unchanged, np.float32).tolist(), start=1))
    screen.wait_until(lambda: before + 3 in losses_of(screen))
    shown = losses_of(screen)
    assert {epoch: shown[epoch] for epoch in range(1, before + 1)} == {n: known[n] for n in range(1, before + 1)}
    assert all(shown[epoch] != known[epoch] for epoch in (before + 2, before + 3))


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
    screen.expect_number("epoch", 0)
    assert screen.settings.settings.learning_rate == 0.001  # as it was then
    screen.step("Epoch")
    assert np.isfinite(screen.tick.train_loss)


def test_resetting_gives_the_first_weights(screen: Screen) -> None:
    weights = screen.tick.edge_weights.copy()
    screen.step("Epoch")
    assert (screen.tick.edge_weights != weights).any()
    screen.button("Reset").click()
    screen.expect_number("step", 0)
    assert (screen.tick.edge_weights == weights).all()


def losses_of(screen: Screen) -> dict[int, float]:
    """Put the training losses of the epochs together from the pieces in which the page got them."""
    losses: dict[int, float] = {}
    for piece in screen.heard.all("History"):
        if len(piece.epochs):
            column = piece.values[:, piece.columns.index("train_loss")]
            losses.update(zip(piece.epochs.tolist(), column.tolist(), strict=True))
    return losses
