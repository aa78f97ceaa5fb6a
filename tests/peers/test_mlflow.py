"""MLflow's own client finds what was logged, and its loader predicts the same.

`make trackers` installs the part of MLflow that these tests need, and runs them; elsewhere they are skipped.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import PlanError
from creche.tracking.entries import Entry

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

SMALL: dict[str, Any] = {"label": "species", "hidden": [3], "threads": 1}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The package, which writes to a database in a folder of its own."""
    module = pytest.importorskip("mlflow", reason="needs MLflow: make trackers")
    pytest.importorskip("sqlalchemy", reason="needs MLflow: make trackers")
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        module.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        yield module
        module.set_tracking_uri(None)


def children(mlflow: Any, run_id: str) -> list[Any]:
    found = mlflow.search_runs(filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'", output_format="list")
    return list(found)


def load(mlflow: Any, run_id: str) -> Any:
    (model,) = mlflow.get_run(run_id).outputs.model_outputs
    return mlflow.pyfunc.load_model(f"models:/{model.model_id}")


def test_a_run_has_its_history_parameters_digests_and_model(mlflow: Any) -> None:
    penguins = cr.datasets.penguins()
    run = cr.train(penguins, **SMALL, epochs=8, early_stopping=False)
    run_id = cr.tracking.mlflow.log(run, run_name="first")
    logged = mlflow.get_run(run_id)
    assert logged.info.run_name == "first"
    assert logged.info.status == "FINISHED"
    client = mlflow.MlflowClient()
    history = client.get_metric_history(run_id, "validation_loss")
    assert [entry.step for entry in history] == list(range(1, 9))
    assert [entry.value for entry in history] == run.history.validation_loss.tolist()
    assert all(a.timestamp <= b.timestamp for a, b in itertools.pairwise(history))
    assert logged.data.metrics["validation/accuracy"] == run.evaluation.accuracy
    assert logged.data.params["hidden"] == "[3]"
    provenance = run.model.provenance
    assert provenance is not None
    assert logged.data.tags["creche.weights"] == provenance.weights
    assert logged.data.tags["creche.data"] == provenance.data["total"]
    loaded = load(mlflow, run_id)
    answers = loaded.predict(penguins.drop("species").to_pandas())
    assert list(answers["predicted_species"]) == list(run.model.predict(penguins))
    probabilities = answers[[f"probability_{name}" for name in run.model.classes or ()]]
    np.testing.assert_array_equal(probabilities.to_numpy(), run.model.predict_proba(penguins).astype(float))
    assert loaded.metadata.metadata["creche"]["columns"]["sex"] == "words"


def test_columns_of_every_kind_are_predicted(mlflow: Any) -> None:
    rows = 60
    frame = pl.DataFrame(
        {
            "größe: ж": pl.Series([float(i) for i in range(rows)]).set(pl.Series([i == 3 for i in range(rows)]), None),
            "whole": [i % 7 for i in range(rows)],
            "flag": [i % 3 == 0 for i in range(rows)],
            "maybe": [None if i == 5 else i % 2 == 0 for i in range(rows)],
            "word": [("a", "b", None)[i % 3] for i in range(rows)],
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 29), eager=True),
            "y": [float(i % 5) + 0.5 for i in range(rows)],
        }
    )
    model = cr.train(frame, label="y", task="regression", hidden=[2], epochs=2, threads=1)
    loaded = load(mlflow, cr.tracking.mlflow.log(model))
    given = frame.drop("y").to_pandas()
    given["day"] = given["day"].astype("datetime64[ns]")
    expected = model.model.predict(frame)
    np.testing.assert_array_equal(loaded.predict(given)["predicted_y"], expected)
    empty = frame.drop("y").with_columns(word=pl.lit(None, dtype=pl.String))
    np.testing.assert_array_equal(  # a column that had missing values may be left out
        loaded.predict(given.drop(columns="word"))["predicted_y"], model.model.predict(empty)
    )
    with pytest.raises(mlflow.MlflowException, match="missing inputs"):
        loaded.predict(given.drop(columns="whole"))


def test_a_model_of_arrays_is_predicted(mlflow: Any) -> None:
    x = np.random.default_rng(0).standard_normal((40, 3))
    run = cr.train(x, x[:, 0] > 0, hidden=[2], epochs=2, threads=1)
    answers = load(mlflow, cr.tracking.mlflow.log(run)).predict(x)
    np.testing.assert_array_equal(answers["probability_True"], run.model.predict_proba(x)[:, 1].astype(float))


def test_the_networks_of_a_sweep_are_nested_runs(mlflow: Any) -> None:
    colony = cr.sweep("penguins", **SMALL, epochs=3, learning_rate=[0.01, 0.1], seeds=2)
    with mlflow.start_run() as active:
        run_id = cr.tracking.mlflow.log(colony, networks=3, keep_model=False)
    assert run_id == active.info.run_id
    found = children(mlflow, run_id)
    best = colony.ranking()[:3].tolist()
    assert {run.info.run_name for run in found} == {f"network {number}" for number in best}
    by_name = {run.info.run_name: run.data for run in found}
    for number in best:
        data, member = by_name[f"network {number}"], colony[number]
        assert {name: float(value) for name, value in data.params.items()} == member.choice
        assert data.metrics["validation_loss"] == member.history.validation_loss[-1]


def test_folds_and_configurations_are_nested_runs(mlflow: Any) -> None:
    validation = cr.cross_validate("penguins", **SMALL, epochs=2, folds=2)
    run_id = cr.tracking.mlflow.log(validation, keep_model=False)
    assert len(children(mlflow, run_id)) == 2
    assert mlflow.get_run(run_id).data.metrics["out-of-fold/accuracy"] == validation.evaluation.accuracy
    model = cr.fit("penguins", label="species", effort="fast", threads=1)
    run_id = cr.tracking.mlflow.log(model)
    scores = {run.info.run_name: run.data.metrics["log_loss"] for run in children(mlflow, run_id)}
    assert scores == {tried.name: tried.score for tried in model.record.tried}
    penguins = cr.datasets.penguins()
    answers = load(mlflow, run_id).predict(penguins.drop("species").to_pandas())
    np.testing.assert_array_equal(answers["disagreement"], model.disagreement(penguins))


def test_names_and_numbers_of_all_kinds_arrive(mlflow: Any) -> None:
    from creche.tracking.mlflow import _log_entry

    names = ["of Adelie (F1)", "of Adelie [F1]", "95 %", "../up", "//", "größe", "x" * 400, "a/./b"]
    entry = Entry(
        {f"p{i}": "y" * 9000 for i in range(250)},
        {name: float(i) for i, name in enumerate(names)},
        {"loss": [math.nan, math.inf, *map(float, range(1500))]},
        [0.001] * 1502,
    )
    with mlflow.start_run() as run:
        _log_entry(mlflow.MlflowClient(), run.info.run_id, entry)
    data = mlflow.get_run(run.info.run_id).data
    assert len(data.params) == 250
    assert sorted(data.metrics.values()) == sorted([*map(float, range(len(names))), 1499.0])
    assert {"of Adelie _F1_", "of Adelie _F1__2", "95 _", "up", "größe", "a/b"} <= set(data.metrics)


def test_a_report_is_an_artifact(mlflow: Any) -> None:
    run = cr.train("penguins", **SMALL, epochs=2)
    run_id = cr.tracking.mlflow.log(run, cr.datasets.penguins().head(60), keep_model=False)
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="report.html")
    assert "species" in Path(path).read_text()


def test_another_result_is_an_error(mlflow: Any) -> None:
    with pytest.raises(PlanError, match="result: got dict; needs what train, cross_validate, sweep or fit returned"):
        cr.tracking.mlflow.log({})  # type: ignore[arg-type]
    assert mlflow.active_run() is None
