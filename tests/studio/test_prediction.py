"""The form: an observation typed in, a row loaded, and the network's answer."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from creche.studio.table_source import open_bundled
from tests.studio.conftest import Studio, Windows
from tests.studio.driving import Screen
from tests.studio.twin import train_twin

OBSERVATION = {"bill_length_mm": 37.3, "bill_depth_mm": 16.8, "flipper_length_cm": 19.2, "body_mass_hg": 30.0}
EPOCHS = 20


@pytest.fixture
def four(studio: Studio, windows: Windows) -> Screen:
    """A window on the four measurements of the penguins, in the units of the observation."""
    studio.source = open_bundled("penguins-four")
    screen = windows.open()
    screen.train(EPOCHS)
    screen.show("Predict")
    return screen


def test_an_observation_is_predicted_as_by_the_model(four: Screen) -> None:
    form = four.page.locator("form")
    columns = [field.column for field in four.heard.newest("Welcome").fields] or list(OBSERVATION)
    assert sorted(columns) == sorted(OBSERVATION)
    for column, value in OBSERVATION.items():
        field = form.get_by_label(column, exact=True).first
        field.fill(str(value))
        field.press("Tab")
    run = train_twin(four, "penguins-four", "species", EPOCHS)
    known = np.asarray(run.model.predict_proba({name: [value] for name, value in OBSERVATION.items()})[0], np.float32)
    four.wait_until(lambda: four.heard.newest("PredictionView").numbers.tobytes() == known.tobytes())
    names = four.heard.newest("PredictionView").names
    expect(four.page.get_by_test_id("predicted")).to_have_text(names[int(np.argmax(known))])
    bars = four.page.get_by_role("list", name="Probabilities").get_by_role("listitem")
    expect(bars).to_have_count(3)


def test_moving_a_value_moves_the_probabilities(four: Screen) -> None:
    expect(four.page.get_by_test_id("predicted")).not_to_be_empty()
    before = four.heard.newest("PredictionView").numbers.copy()
    slider = four.page.locator("form input[type=range]").first
    slider.focus()
    slider.press("End")
    four.wait_until(lambda: (four.heard.newest("PredictionView").numbers != before).any())
    assert four.heard.newest("PredictionView").numbers.sum() == pytest.approx(1, abs=1e-6)


def test_a_row_of_the_table_is_loaded_into_the_form(four: Screen) -> None:
    four.page.get_by_label("Row", exact=True).fill("5")
    four.button("Load").click()
    run = train_twin(four, "penguins-four", "species", EPOCHS)
    known = np.asarray(run.model.predict_proba("penguins-four")[4], np.float32)
    four.wait_until(lambda: four.heard.newest("PredictionView").numbers.tobytes() == known.tobytes())


def test_a_text_where_a_number_belongs_is_told(four: Screen) -> None:
    field = four.page.locator("form").get_by_label("bill_length_mm", exact=True).first
    field.fill("long")
    assert "bill_length_mm" in four.expect_failure("long")
