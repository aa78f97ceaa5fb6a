"""The form that predicts as one types, in Chromium as a person uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from creche.model.model import Model
from creche.serving.columns import describe_columns, example_row
from tests.patience import PATIENCE
from tests.unit.serving.serving import Client, running


def open_form(browser: Browser, client: Client, **options: Any) -> Page:
    page = browser.new_page(**options)
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"http://{client.host}/")
    return page


def predicted(model: Model, **changed: Any) -> str:
    name: str = model.predict(example_row(describe_columns(model)) | changed)[0]
    return name


def test_predictions_follow_what_is_typed(browser: Browser, client: Client, model: Model) -> None:
    page = open_form(browser, client)
    hosts = set[str]()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    value = page.locator("#outcome .value")
    for changed in ({"bill_length_mm": 36.0}, {"bill_length_mm": 50.0, "flipper_length_mm": 220.0}):
        for name, number in changed.items():
            page.get_by_label(name, exact=True).fill(str(number))
        expect(value).to_have_text(predicted(model, **changed))
    probability = model.predict_proba(example_row(describe_columns(model)) | changed)[0].max()
    expect(page.locator("#outcome .number").first).to_have_text(f"{probability:.4f}")
    expect(page.locator("#contributions .bar")).to_have_count(len(model.features.names))
    page.get_by_label("island", exact=True).select_option("")
    expect(page.locator("#warnings")).to_contain_text("island")
    assert hosts == {client.host}


def test_a_wrong_value_is_marked_and_told(browser: Browser, client: Client) -> None:
    page = open_form(browser, client)
    field = page.get_by_label("body_mass_g", exact=True)
    field.fill("heavy")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("in training 2,700 to 6,300 got 'heavy'; needs a number, or nothing")
    expect(page.locator("#outcome")).to_have_text("Correct the marked values.")
    field.fill("4000")
    expect(field).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#outcome .value")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(scheme: Any, browser: Browser, client: Client) -> None:
    page = open_form(browser, client, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    expect(page.locator("#contributions .bar").first).to_be_visible()
    page.get_by_label("bill_length_mm", exact=True).fill("4.5")
    expect(page.locator("#warnings")).to_contain_text("centimetres?")
    expect(page.locator("#contributions .bar").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_form_asks_for_the_token_and_a_model(browser: Browser, model_file: Path, masses: Path) -> None:
    with running(model_file, masses, token="correct-horse-battery") as (_, client):
        page = open_form(browser, client)
        token = page.get_by_label("Token of this server")
        token.fill("wrong-horse-battery")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert").first).to_contain_text("is not that of this server")
        token.fill("correct-horse-battery")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#outcome .value")).to_be_visible()
        page.get_by_label("Model").select_option("masses")
        expect(page.get_by_role("heading", level=1)).to_have_text("Predict body_mass_hg")
        expect(page.get_by_label("species", exact=True)).to_be_visible()
        expect(page.locator("#outcome .value")).to_have_count(1)


def test_a_server_that_has_ended_is_told(browser: Browser, model_file: Path) -> None:
    with running(model_file) as (_, client):
        page = open_form(browser, client)
        expect(page.locator("#outcome .value")).to_be_visible()
    page.get_by_label("body_mass_g", exact=True).fill("4000")
    expect(page.locator("#failure")).to_contain_text("The server did not answer")
