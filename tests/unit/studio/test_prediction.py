"""The form for one observation: its fields, what is typed, and the numbers of `Model.predict_proba`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.studio.protocol import views
from creche.studio.protocol.requests import Connect, LoadRow, Predict, Step
from creche.studio.table_source import open_data
from tests.unit.studio.watching import Page, watched


@pytest.fixture
def page() -> Iterator[Page]:
    """A session on penguins-four whose network has been trained for two epochs."""
    with watched("penguins-four") as page:
        page.get(Step("epoch", count=2))
        yield page


def train_like(data: object, **changes: object) -> cr.Model:
    arguments = {
        "hidden": [8, 8],
        "label": "species",
        "epochs": 2,
        "early_stopping": False,
        "keep": "last",
        "threads": 1,
        **changes,
    }
    return cr.train(data, **arguments).model  # type: ignore[arg-type]


SAMPLE = {"bill_length_mm": "37.3", "bill_depth_mm": "16.8", "flipper_length_cm": "19.2", "body_mass_hg": "30.0"}


def test_what_is_typed_is_predicted_as_the_model_does(page: Page) -> None:
    view = page.get(Predict(SAMPLE))
    model = train_like("penguins-four")
    row = {name: [float(text)] for name, text in SAMPLE.items()}
    assert view.names == ("Adelie", "Chinstrap", "Gentoo")
    assert np.array_equal(view.numbers, model.predict_proba(row)[0].astype(np.float32))
    assert view.predicted == model.predict(row)[0]
    assert view.warnings == ()
    assert [(field.column, field.value) for field in view.fields] == list(SAMPLE.items())


def test_the_activations_are_those_of_the_network(page: Page) -> None:
    view = page.get(Predict(SAMPLE))
    row = {name: [float(text)] for name, text in SAMPLE.items()}
    passed = cr.explain.forward_pass(train_like("penguins-four"), row)
    layers = [passed.encoded[0], *(activations[0] for activations in passed.activations)]
    assert np.array_equal(view.activations, np.concatenate(layers).astype(np.float32))


def test_fields_have_ranges_and_typical_values(page: Page) -> None:
    fields = {field.column: field for field in page.get(Connect(views.VERSION)).fields}
    table = cr.datasets.penguins_four()
    assert list(fields) == list(SAMPLE)
    for name, field in fields.items():
        assert (field.role, field.choices) == ("numeric", ())
        assert field.low is not None
        assert field.high is not None
        assert table[name].min() <= field.low <= float(field.value) <= field.high <= table[name].max()  # type: ignore[operator]
        assert 0 < field.step <= (field.high - field.low) / 100  # type: ignore[operator]


def test_without_values_a_typical_observation_is_predicted(page: Page) -> None:
    view = page.get(Predict({}))
    assert [field.value for field in view.fields] == [field.value for field in page.get(Connect(views.VERSION)).fields]
    assert view.warnings == ()


def test_a_row_of_the_table_is_loaded(page: Page) -> None:
    view = page.get(LoadRow(1))
    assert [field.value for field in view.fields] == ["39.1", "18.7", "18.1", "37.5"]
    loaded = page.get(Predict({field.column: field.value for field in view.fields}))
    assert np.array_equal(loaded.numbers, view.numbers)
    assert page.fail(LoadRow(1000)).text == "There is no row 1000: the table has 342 rows."


def test_values_far_from_training_are_told_with_their_unit(page: Page) -> None:
    view = page.get(Predict({**SAMPLE, "flipper_length_cm": "192"}))
    (warning,) = view.warnings
    assert "flipper_length_cm" in warning
    assert "millimetres" in warning


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"bill_length_mm": "long"}, "bill_length_mm: got 'long'; needs a number"),
        ({"bill_length_mm": "nan"}, "needs a number"),
        ({"bill_length_mm": "1e999"}, "needs a number"),
        ({"bill": "3"}, "no column 'bill'"),
    ],
)
def test_what_cannot_be_read_is_told(page: Page, values: dict[str, str], told: str) -> None:
    failure = page.fail(Predict(values))
    assert failure.code == "bad_value"
    assert told in failure.text
    assert page.get(Predict(SAMPLE))


def test_a_model_that_is_not_there_is_told(page: Page) -> None:
    assert page.fail(Predict(SAMPLE, "fit")).code == "no_network"
    assert page.fail(Predict(SAMPLE, "ensemble")).code == "no_network"


def test_a_decimal_comma_of_the_file_is_none_of_the_form(tmp_path: Path) -> None:
    path = tmp_path / "comma.csv"
    path.write_text("x;kind;y\n" + "".join(f"{i // 10},{i % 10};{'ab'[i % 2]};{'uv'[i % 2]}\n" for i in range(100)))
    with watched(open_data(path), ("y",)) as page:
        view = page.get(Predict({"x": "3.5", "kind": "a"}))
        assert view.warnings == ()
        fields = {field.column: field for field in view.fields}
        assert 0 <= fields["x"].low < fields["x"].high <= 9.9
        assert set(fields["kind"].choices) == {"a", "b"}
        model = train_like(path, label="y", epochs=1)
        page.get(Step("epoch"))
        view = page.get(Predict({"x": "3.5", "kind": "a"}))
        expected = model.predict_proba({"x": [3.5], "kind": ["a"]})[0]
        assert np.array_equal(view.numbers, expected.astype(np.float32))
        assert page.get(LoadRow(36)).fields[0].value == "3.5"


def test_a_regression_predicts_a_number() -> None:
    with watched("penguins-four", ("body_mass_hg",)) as page:
        page.get(Step("epoch", count=2))
        view = page.get(Predict({"species": "Adelie", "bill_length_mm": "37"}))
        assert view.names == ("body_mass_hg",)
        model = train_like("penguins-four", label="body_mass_hg")
        row = {"bill_length_mm": 37.0, "bill_depth_mm": None, "flipper_length_cm": None, "species": "Adelie"}
        assert view.numbers[0] == np.float32(model.predict(row)[0])
        assert view.predicted == f"{view.numbers[0]:.6g}"


def test_several_labels_of_yes_or_no_have_a_probability_each() -> None:
    rows = range(200)
    table = {"x": [i / 200 for i in rows], "low": [i < 100 for i in rows], "odd": [i % 40 < 20 for i in rows]}
    with watched(open_data(table), ("low", "odd")) as page:
        page.get(Step("epoch", count=2))
        view = page.get(Predict({"x": "0.3"}))
        model = train_like(table, label=["low", "odd"])
        assert view.names == ("low", "odd")
        assert np.array_equal(view.numbers, model.predict_proba({"x": [0.3]})[0].astype(np.float32))
        said = [name for name, answer in zip(view.names, model.predict({"x": [0.3]})[0], strict=True) if answer]
        assert view.predicted == (", ".join(said) or "none")
