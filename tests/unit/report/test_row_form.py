"""The fields of a report's form hold the first row, written so that the page reads it as the model does."""

from __future__ import annotations

import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.report.row_form import create_form, create_form_script
from creche.report.subject import create_subject
from tests.models_to_export import FEATURES, ROLES, table
from tests.unit.exporting.node import run_modules
from tests.unit.exporting.test_javascript import written_table


class Fields(HTMLParser):
    """The names and values of the inputs of a form."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.row: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            self.row[given["name"] or ""] = given["value"] or ""


def check(model: Any, data: Any, folder: Path, y: Any = None) -> dict[str, str]:
    """Compare what the page makes of its fields with the model's prediction of the first row."""
    subject = create_subject(model, data, y)
    form = create_form(subject)
    assert form is not None
    row = Fields(form).row
    model.to_javascript(folder / "m.mjs")
    cells = {name: value or None for name, value in row.items()}
    (found,) = run_modules(folder, {folder / "m.mjs": [cells]})[folder / "m.mjs"]
    x = subject.rows.x
    expected = model.predict_proba(x)[0]
    assert np.abs(np.array(list(found["probabilities"].values())) - expected).max() < 1e-6
    return row


def test_cells_with_marks_and_units(tmp_path: Path) -> None:
    path = written_table(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = cr.train(path, label="label", epochs=1, threads=1, hidden=[4]).model
        row = check(model, path, tmp_path)
    assert row["price"].endswith("€")
    assert "," in row["price"]


def test_every_kind_of_column(tmp_path: Path) -> None:
    data = table().select(*FEATURES, "class")
    schema: Any = ROLES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.train(data, label="class", epochs=1, threads=1, hidden=[4], schema=schema).model
        row = check(model, data, tmp_path)
    assert list(row) == list(FEATURES)


def test_a_model_of_an_array(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = np.where(x[:, 0] > 0, "a", "b")
    row = check(cr.train(x, y, epochs=1, threads=1).model, x, tmp_path, y)
    assert list(row) == ["x0", "x1", "x2"]


def test_a_model_that_javascript_cannot_express_has_no_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.exporting.javascript.description.LARGEST_EXACT", 1)
    x = np.random.default_rng(0).normal(size=(60, 3))
    y = np.where(x[:, 0] > 0, 2, 3)
    subject = create_subject(cr.train(x, y, task="classification", epochs=1, threads=1).model, x, y)
    assert create_form_script(subject) is None
    assert create_form(subject) is None
