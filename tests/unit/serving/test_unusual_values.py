"""Values unlike those of the training rows, and contributions of columns, in answers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creche as cr
from creche.model.model import Model
from creche.serving.cells import CellChecker
from creche.serving.columns import describe_columns, example_row
from creche.serving.unusual_values import UnusualValues
from tests.unit.serving.serving import Client, running

Row = dict[str, Any]


def test_a_value_in_another_unit_is_told(client: Client, rows: list[Row], model: Model) -> None:
    wrong = rows[0] | {"flipper_length_mm": 18.1, "island": "biscoe"}
    answer = client.predict(wrong).data
    assert [(one["column"], one["kind"], one["count"]) for one in answer["warnings"]] == [
        ("island", "unseen_category", 1), ("flipper_length_mm", "outside_range", 1),
    ]  # fmt: skip
    assert [one["message"] for one in answer["warnings"]] == model.check_data([wrong]).messages()
    many = client.predict(*rows, wrong, wrong).data["warnings"]
    assert [one["count"] for one in many] == [2, 2]
    assert "warnings" not in client.predict(*rows).data
    name = 'creche_unusual_values_total{model="penguins",column="island",kind="unseen_category"}'
    assert client.count(name) == 3


NUMBERS = st.none() | st.floats(-100, 10_000) | st.integers(0, 300) | st.sampled_from([-1e20, 1e-5, 40, 200, 4000.0])
WORDS = st.none() | st.sampled_from(["Biscoe", "Dream", "biscoe", "NA", "male", "female", "x", 7, True, 1, 1.0])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 3))
def test_the_first_look_misses_nothing(model: Model, data: st.DataObject, count: int) -> None:
    columns = describe_columns(model)
    checker = CellChecker(model, columns)
    unusual = UnusualValues(model, checker)
    strategy = st.fixed_dictionaries({c.name: NUMBERS if c.role == "numeric" else WORDS for c in columns})
    rows = data.draw(st.lists(strategy | st.just(example_row(columns)), min_size=count, max_size=count))
    expected = [found for found in model.check_data(rows).findings if found.kind != "distribution"]
    for _ in range(2):  # what was found usual is remembered
        assert unusual.find(checker.check(rows)) == expected


def test_contributions_add_up_to_the_prediction(client: Client, rows: list[Row], model: Model) -> None:
    some = rows[:3]
    answer = client.predict(*some, explain=True).data["predictions"]
    expected = cr.explain.integrated_gradients(model, some)
    for place, row in enumerate(answer):
        explanation = row["explanation"]
        assert explanation["target"] == row["predicted"]["species"]
        assert list(explanation["contributions"].values()) == expected.attributions[place].tolist()
        total = explanation["baseline"] + sum(explanation["contributions"].values())
        assert math.isclose(total, max(row["probabilities"].values()), abs_tol=1e-3)
    assert "explanation" not in client.predict(*some).data["predictions"][0]
    refused = client.predict(*rows * 11, explain=True)
    assert (refused.status, "at most 100 are explained" in refused.data["detail"]) == (422, True)
    assert client.predict(rows[0], explain="yes").data["detail"] == "explain: needs true or false"


@pytest.mark.parametrize("count", [1, 2])
def test_numbers_are_explained_too(count: int, masses: Path) -> None:
    with running(masses) as (server, client):
        row = example_row(server.serving.models.by_name["masses"].columns)
        answer = client.predict(*[row] * count, explain=True).data["predictions"]
    explanation = answer[0]["explanation"]
    assert (explanation["target"], explanation["unit"]) == ("body_mass_hg", "number")
    total = explanation["baseline"] + sum(explanation["contributions"].values())
    assert np.isclose(total, answer[0]["predicted"]["body_mass_hg"], rtol=1e-3)
