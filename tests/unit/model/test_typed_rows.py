from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.model.typed_rows import read_typed_rows

NAMES = ("bill_length_mm", "bill_depth_mm", "flipper_length_cm", "body_mass_hg")


@pytest.fixture(scope="module")
def four() -> cr.Model:
    return cr.train("penguins-four", label="species", hidden=[5, 5], epochs=3, threads=1).model


@pytest.fixture(scope="module")
def mixed() -> cr.Model:
    rows = {
        "city": ["Bern, BE", "Chur"] * 20,
        "price": [f"1.{250 + i},5" for i in range(40)],
        "sold": [f"2024-05-{1 + i % 28:02}" for i in range(40)],
        "y": ["a", "b", "b", "a"] * 10,
    }
    return cr.train(rows, label="y", hidden=[3], epochs=1, threads=1).model


@pytest.mark.parametrize(
    "text",
    [
        "37.3,16.8,19.2,30.0",
        " 37.3 , 16.8, 19.2,  30 ",
        "body_mass_hg=30, bill_length_mm=37.3,flipper_length_cm=19.2, bill_depth_mm = 16.8",
    ],
)
def test_an_observation_is_predicted_as_in_an_array(four: cr.Model, text: str) -> None:
    typed = four.predict_proba(read_typed_rows(four, [text]))
    np.testing.assert_array_equal(typed, four.predict_proba([[37.3, 16.8, 19.2, 30.0]]))


@pytest.mark.parametrize("missing", ["", "NA", "?", " "])
def test_an_empty_value_is_missing(four: cr.Model, missing: str) -> None:
    table = read_typed_rows(four, [f"37.3,{missing},19.2,30.0"])
    assert [np.isnan(column.values[0]) for column in table.columns.values()] == [False, True, False, False]


def test_values_are_read_as_the_columns_of_the_training_table(mixed: cr.Model) -> None:
    row = read_typed_rows(mixed, ['"Bern, BE","1.250,5",2024-05-01'])
    cells = {name: column.to_objects()[0] for name, column in row.columns.items()}
    assert cells["city"] == "Bern, BE"
    assert cells["price"] == 1250.5
    assert str(cells["sold"]) == "2024-05-01 00:00:00"


def test_a_model_of_an_array_takes_typed_rows() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    model = cr.train(x, (x[:, 0] > 0).astype(int), epochs=1, threads=1).model
    np.testing.assert_array_equal(
        model.predict_proba(read_typed_rows(model, ["0.5,-1", "x1=2,x0=3"])), model.predict_proba([[0.5, -1], [3, 2]])
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("37.3,16.8", "row 1 has 2 values, and the model reads 4 columns: bill_length_mm, bill_depth_mm"),
        ("37,3,16.8,19.2,30.0", "row 1 has 5 values"),
        ("", "row 1 has 0 values"),
        ("bil_length_mm=37.3", "row 1 names 'bil_length_mm'; did you mean 'bill_length_mm'"),
        ("bill_length_mm=37.3", r"row 1 lacks bill_depth_mm, .*; add bill_depth_mm=…, or bill_depth_mm= with nothing"),
        ("bill_length_mm=1,bill_length_mm=2", "row 1 names 'bill_length_mm' twice"),
        ("bill_length_mm=1,2,3,4", "row 1 has '2' without a name"),
        ("37.3,deep,19.2,30.0", "row 1, column 'bill_depth_mm' is 'deep'; needs a number"),
        ("37.3,16.8,inf,30.0", "inf"),
    ],
)
def test_mistakes_are_told(four: cr.Model, text: str, message: str) -> None:
    with pytest.raises(cr.TableError, match=message):
        four.predict(read_typed_rows(four, [text]))


def test_rows_are_counted(four: cr.Model) -> None:
    with pytest.raises(cr.TableError, match="row 2 has 1 value"):
        read_typed_rows(four, ["1,2,3,4", "1"])
    with pytest.raises(cr.TableError, match="got none"):
        read_typed_rows(four, [])
