"""Many networks: the colony, and the best model that `creche.fit` finds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

import creche as cr
from tests.patience import PATIENCE
from tests.studio.driving import Screen, View
from tests.studio.twin import assert_same_weights, train_twin

RATES = 5
EPOCHS = 6
MOST_CANDIDATES = 15  # that the page shows at first


def start_colony(screen: Screen) -> None:
    """Train SGD and Adam over five learning rates, one of them far too high."""
    screen.show("Colony")
    form = screen.page.locator(".colony-form")
    expect(form.get_by_role("checkbox").first).to_be_visible()
    for box in form.get_by_role("checkbox").all():
        name = (box.locator("..").inner_text()).strip()
        box.set_checked(name in ("sgd", "adam"))
    for label, value in (("learning rates from", "0.001"), ("to", "10"), ("how many", RATES), ("epochs", EPOCHS)):
        form.get_by_label(label, exact=True).fill(str(value))
        form.get_by_label(label, exact=True).press("Tab")
    with screen.carrying_out("StartColony"):
        screen.button("Train 10 networks").click()


def wait_for_colony(screen: Screen) -> View:
    """Wait until the colony has ended and the page shows it so, and return it."""
    screen.wait_until(lambda: screen.heard.newest("ColonyView").status == "finished")
    colony = screen.heard.newest("ColonyView")
    expect(screen.page.locator(".colony-progress")).to_contain_text(colony.text)
    return colony


def test_a_colony_fills_in_and_one_of_it_is_continued(screen: Screen) -> None:
    screen.set_text("Hidden layers", "5")
    start_colony(screen)
    expect(screen.page.locator(".multiple")).to_have_count(10)
    colony = wait_for_colony(screen)
    assert colony.curves.shape[0] == 10
    assert np.isfinite(colony.curves[[m.status == "finished" for m in colony.members]]).all()
    best = next(member for member in colony.members if member.rank == 1)
    assert best.validation_loss == min(m.validation_loss for m in colony.members if m.validation_loss is not None)

    screen.page.locator(".multiple.is-best").click()
    screen.button("Continue with this network").click()
    expect(screen.page.get_by_role("heading", name=re.compile("^Network"))).to_be_visible()
    screen.expect_number("epoch", EPOCHS)
    settings = screen.settings.settings
    assert (settings.learning_rate, settings.optimizer) == (best.learning_rate, best.optimizer)
    twin = train_twin(screen, "penguins", "species", EPOCHS, learning_rate=best.learning_rate, optimizer=best.optimizer)
    assert_same_weights(screen, twin)
    losses = np.asarray(twin.history.validation_loss, np.float32)
    assert colony.curves[best.number, :EPOCHS].tobytes() == losses.tobytes()


def test_an_ensemble_of_the_colony_predicts_on_the_command_line(screen: Screen, tmp_path: Path) -> None:
    screen.set_text("Hidden layers", "5")
    start_colony(screen)
    wait_for_colony(screen)
    screen.page.get_by_label("Ensemble of the best").fill("3")
    kept = screen.download("Keep", tmp_path)
    told = subprocess.run(
        [sys.executable, "-m", "creche", "predict", str(kept), "penguins"],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    ).stdout  # fmt: skip
    assert "Adelie" in told


def test_the_best_model_is_found_and_kept(screen: Screen, tmp_path: Path) -> None:
    screen.show("Best model")
    screen.page.get_by_label("Effort").select_option("fast")
    screen.page.get_by_label("At most (seconds)").fill("3")
    screen.button("Search").click()
    screen.wait_until(lambda: screen.heard.all("FitView") and screen.heard.newest("FitView").status == "finished")
    view = screen.heard.newest("FitView")
    assert view.candidates
    expect(screen.page.locator(".leaderboard tbody tr")).to_have_count(min(MOST_CANDIDATES, len(view.candidates)))
    assert sum(candidate.weight for candidate in view.candidates) > 0
    kept = screen.download(re.compile("Download"), tmp_path)
    model = cr.load(kept)
    assert (model.predict("penguins") == cr.datasets.penguins()["species"].to_numpy()).mean() > 0.95
