"""The form of a report in Chromium: what is typed is predicted within the page, as by the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import creche as cr

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], learning_rate=0.01, epochs=20, threads=1).model


@pytest.fixture(scope="module")
def report(model: cr.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(cr.report(model, "penguins", tmp_path_factory.mktemp("report") / "report.html"))


def open_page(browser: Browser, report: Path, **options: Any) -> tuple[Page, list[str]]:
    """Open the page; return also what it asks for and complains of."""
    page = browser.new_page(**options)
    noted: list[str] = []
    page.on("request", lambda request: noted.append(request.url))
    page.on("pageerror", lambda error: noted.append(str(error)))
    page.on("console", lambda message: noted.append(message.text))
    page.goto(report.as_uri())
    return page, noted


def test_a_typed_row_is_predicted_as_by_the_model(browser: Browser, report: Path, model: cr.Model) -> None:
    page, noted = open_page(browser, report)
    found = page.locator("#predicted")
    row = {"island": "Biscoe", "bill_length_mm": "47.5", "bill_depth_mm": "14", "flipper_length_mm": "218",
           "body_mass_g": "", "sex": "male"}  # fmt: skip
    for name, value in row.items():
        page.get_by_role("combobox" if name in ("island", "sex") else "textbox", name=name, exact=True).fill(value)
    numbers = {name: None if value == "" else value for name, value in row.items()}
    frame = pl.DataFrame([numbers]).with_columns(pl.col(list(row)[1:5]).cast(pl.Float64))
    probabilities = model.predict_proba(frame)[0]
    expect(found).to_contain_text(f"species: {model.predict(frame)[0]}")
    for name, p in zip(model.classes or (), probabilities, strict=True):
        expect(found.locator("div").filter(has_text=name)).to_contain_text(f"{100 * p:.1f} %")
    page.get_by_role("textbox", name="bill_depth_mm", exact=True).fill("deep")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text(
        "column 'bill_depth_mm' is 'deep'; needs a number, or an empty field where it is missing"
    )
    expect(found).to_be_empty()
    page.get_by_role("textbox", name="bill_depth_mm", exact=True).fill("14")
    expect(alert).to_be_empty()
    expect(found).to_contain_text("species:")
    assert noted == [report.as_uri()]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_for_small_screens_and_screen_readers(browser: Browser, report: Path, scheme: Any) -> None:
    page, _ = open_page(browser, report, viewport={"width": 390, "height": 800}, color_scheme=scheme)
    expect(page.locator("#predicted")).to_contain_text("species:")
    assert page.evaluate("document.querySelector('#predict').scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("textbox", name="body_mass_g", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="sex", exact=True)).to_be_focused()
    found = Axe().run(page, context="#predict").response["violations"]
    assert found == [], [(each["id"], each["nodes"][0]["html"]) for each in found]
    page.close()
