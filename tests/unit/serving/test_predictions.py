"""What is predicted over HTTP is what the model predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creche as cr
from creche.errors import TableError
from creche.model.model import Model
from creche.serving.cells import CellChecker
from creche.serving.columns import describe_columns
from creche.serving.predictions import predict_rows
from creche.serving.problems import ProblemError
from tests.unit.serving.serving import Client, running


def probabilities(answer: Any) -> list[list[float]]:
    return [list(row["probabilities"].values()) for row in answer["predictions"]]


@pytest.mark.parametrize("count", [1, 10])
def test_classes_are_predicted_with_their_probabilities(
    count: int, client: Client, model: Model, rows: list[dict[str, Any]]
) -> None:
    answer = client.predict(*rows[:count])
    assert (answer.status, answer.data["model"]) == (200, "penguins")
    assert probabilities(answer.data) == model.predict_proba(rows[:count]).astype(float).tolist()
    assert [row["predicted"] for row in answer.data["predictions"]] == [
        {"species": name} for name in model.predict(rows[:count])
    ]
    assert list(answer.data["predictions"][0]["probabilities"]) == ["Adelie", "Chinstrap", "Gentoo"]
    assert "ignored" not in answer.data


def test_many_rows_are_predicted_on_another_thread(client: Client, model: Model, rows: list[dict[str, Any]]) -> None:
    many = rows * 300
    assert probabilities(client.predict(*many).data) == model.predict_proba(many).astype(float).tolist()


def test_a_number_is_predicted_with_the_disagreement_of_an_ensemble(masses: Path) -> None:
    ensemble = cr.load(masses, threads=1)
    assert isinstance(ensemble, cr.Ensemble)
    measured = cr.datasets.penguins_four().head(4)
    rows = measured.select(ensemble.features.names).to_dicts()
    with running(masses) as (_, client):
        answer = client.predict(*rows, disagreement=True).data["predictions"]
        assert [row["predicted"]["body_mass_hg"] for row in answer] == ensemble.predict(rows).tolist()
        assert [row["disagreement"] for row in answer] == ensemble.disagreement(rows).tolist()
        assert "disagreement" not in client.predict(*rows).data["predictions"][0]


def test_columns_may_be_in_any_order_and_others_are_named(client: Client, rows: list[dict[str, Any]]) -> None:
    turned = dict(reversed(rows[0].items())) | {"species": "Adelie", "note": {"any": ["thing"]}}
    for count in (1, 2):
        answer = client.predict(*[turned] * count).data
        assert answer["ignored"] == ["species", "note"]
        assert answer["predictions"] == client.predict(*[rows[0]] * count).data["predictions"]


def test_several_models_are_served(model_file: Path, masses: Path, rows: list[dict[str, Any]]) -> None:
    with running(model_file, masses) as (_, client):
        assert [served["name"] for served in client.get("/models").data["models"]] == ["penguins", "masses"]
        assert client.post("/models/penguins/predict", {"rows": rows}).status == 200
        assert client.get("/models/masses").data["task"] == "regression"
        refused = client.predict(rows[0])
        assert (refused.status, refused.data["detail"]) == (
            404, "there are several models: use /models/NAME/predict with penguins, masses",
        )  # fmt: skip
        missing = client.get("/models/penguin")
        assert (missing.status, "did you mean 'penguins'?" in missing.data["detail"]) == (404, True)


NUMBERS = st.none() | st.integers(-(10**20), 10**20) | st.floats(-1e30, 1e30) | st.floats(30, 60)
WORDS = st.none() | st.text(max_size=3) | st.sampled_from(["Biscoe", "NA", "", " Dream", "male", "1.0"]) | st.integers()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 3))
def test_rows_of_json_mean_what_they_mean_to_the_library(model: Model, data: st.DataObject, count: int) -> None:
    columns = describe_columns(model)
    strategy = st.fixed_dictionaries({c.name: NUMBERS if c.role == "numeric" else WORDS for c in columns})
    rows = data.draw(st.lists(strategy, min_size=count, max_size=count))
    try:
        expected = model.predict_proba(rows)
    except TableError:
        expected = None
    checker = CellChecker(model, columns)
    try:
        checked = checker.check(rows)
        found = predict_rows(model, checked.data).probabilities
    except (TableError, ProblemError):
        found = None
    assert (found is None) == (expected is None)
    if expected is not None:
        assert found is not None
        assert np.array_equal(found, expected)
