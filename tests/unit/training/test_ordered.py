"""Ordered classes, from training to predictions, metrics, files and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import cohen_kappa_score

import creche as cr
from creche.training.plan_file import plan_to_arguments
from tests.unit.cli.commands import main

SIZES = ["small", "medium", "large", "huge"]
JOB: dict[str, Any] = {"hidden": [8], "epochs": 20, "learning_rate": 0.02, "threads": 1, "ordered": True}
WORDS: dict[str, Any] = {**JOB, "label": "size", "classes": SIZES}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    number = np.digitize(x[:, 0] + 0.5 * x[:, 1] + 0.3 * rng.standard_normal(400), [-1.0, 0.0, 0.8])
    return pl.DataFrame({"u": x[:, 0], "v": x[:, 1], "size": np.array(SIZES)[number]})


@pytest.fixture(scope="module")
def run(table: pl.DataFrame) -> cr.Run:
    return cr.train(table, **WORDS)


def numbers(table: pl.DataFrame) -> np.ndarray:
    return np.array([SIZES.index(size) for size in table["size"]])


def test_outputs_are_probabilities_of_a_higher_class(table: pl.DataFrame, run: cr.Run) -> None:
    assert (run.plan.loss, run.plan.network.outputs) == (cr.BinaryCrossEntropy(ordered=True), 3)
    weights = run.model.weights
    z = np.tanh(run.model.encode_rows(table) @ weights[0][0] + weights[0][1]) @ weights[1][0] + weights[1][1]
    above = -np.sort(-1 / (1 + np.exp(-z)), axis=1)
    p = run.model.predict_proba(table)
    np.testing.assert_allclose(p[:, 0], 1 - above[:, 0], atol=1e-5)
    np.testing.assert_allclose(p[:, 2], above[:, 1] - above[:, 2], atol=1e-5)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert run.model.classes == tuple(SIZES)
    assert run.model.predict(table).tolist() == [SIZES[i] for i in p.argmax(axis=1)]
    assert np.abs(p.argmax(axis=1) - numbers(table)).max() <= 1


def test_the_short_form_is_the_loss(table: pl.DataFrame, run: cr.Run) -> None:
    other = cr.train(table, **{**WORDS, "ordered": False, "loss": cr.BinaryCrossEntropy(ordered=True)})
    assert other.model.predict_proba(table).tobytes() == run.model.predict_proba(table).tobytes()
    again = cr.train(table, **plan_to_arguments(run.plan, run.prepared.preparation), threads=1)
    assert again.plan == run.plan


def test_whole_numbers_are_ordered_by_value(table: pl.DataFrame, run: cr.Run) -> None:
    rated = table.with_columns(size=pl.Series(numbers(table) * 3 + 3))
    model = cr.train(rated, label="size", **JOB).model
    assert model.classes == (3, 6, 9, 12)
    assert model.predict_proba(rated).tobytes() == run.model.predict_proba(table).tobytes()


def test_metrics_of_the_order_are_those_of_scikit_learn(table: pl.DataFrame, run: cr.Run) -> None:
    weights = np.random.default_rng(1).integers(0, 4, len(table)).astype(float)
    found = run.model.evaluate(table, sample_weight=weights)
    true, predicted = numbers(table), run.model.predict_proba(table).argmax(axis=1)
    kappa = cohen_kappa_score(true, predicted, weights="quadratic", sample_weight=weights)
    assert found.weighted_kappa == pytest.approx(kappa)
    assert found.class_distance == pytest.approx(np.average(np.abs(true - predicted), weights=weights))
    low, high = found.intervals["weighted_kappa"]
    assert low < kappa < high
    assert found.baseline["weighted_kappa"] == 0
    plain = cr.train(table, **{**WORDS, "ordered": False}).model.evaluate(table, n_resamples=0)
    assert "weighted_kappa" not in plain.values


def test_files_and_verification(table: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    run.model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.predict_proba(table).tobytes() == run.model.predict_proba(table).tobytes()
    assert "class_distance" in loaded.evaluate(table, n_resamples=0).values
    assert cr.verify(loaded, table).same


def test_many_networks(table: pl.DataFrame) -> None:
    colony = cr.sweep(table, **{**WORDS, "learning_rate": [0.005, 0.02]}, seeds=2)
    alone = cr.train(table, **WORDS, split_seed=0)
    member = next(m for m in colony if m.plan.seed == 0 and m.plan.optimizer.learning_rate == 0.02)
    assert member.model.predict_proba(table).tobytes() == alone.model.predict_proba(table).tobytes()
    np.testing.assert_allclose(colony.ensemble(3).predict_proba(table).sum(axis=1), 1)
    crossed = cr.cross_validate(table, folds=3, **WORDS)
    assert crossed.evaluation.weighted_kappa > 0.7
    fitted = cr.fit(table, label="size", classes=SIZES, ordered=True, effort="fast", threads=2)
    assert fitted.out_of_fold is not None
    assert fitted.out_of_fold.values["weighted_kappa"] > 0.7


def test_explanations_and_pages(table: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    few = table.head(4)
    attributed = cr.explain.integrated_gradients(run, few, target="large")
    np.testing.assert_allclose(
        np.diff(attributed.attributions.sum(axis=1)), np.diff(run.model.predict_proba(few)[:, 2]), atol=0.01
    )
    importance = cr.explain.permutation_importance(run, table, metric="weighted_kappa", repeats=2)
    assert importance.score == pytest.approx(run.model.evaluate(table, n_resamples=0).weighted_kappa)
    assert cr.explain.trace(run, few).output_names == ("≥ medium", "≥ large", "≥ huge")
    page = str(run)
    assert "small < medium < large < huge" in page
    assert "quadratic weighted kappa" in page
    cr.report(run.model, table, tmp_path / "r.html")
    assert "quadratic weighted kappa" in (tmp_path / "r.html").read_text()


def test_a_watched_metric(table: pl.DataFrame) -> None:
    stopping = cr.EarlyStopping(4, watch="weighted_kappa")
    run = cr.train(table, **WORDS, early_stopping=stopping)
    assert run.evaluation.values["weighted_kappa"] > 0.7


def test_the_scikit_learn_estimator(table: pl.DataFrame) -> None:
    x, y = table.select("u", "v").to_numpy(), numbers(table)
    network = cr.DNNClassifier([8], ordered=True, epochs=5, learning_rate=0.02, random_state=0, threads=1).fit(x, y)
    assert network.model_.plan.network.outputs == 3
    assert network.predict_proba(x).shape == (400, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": None}, "ordered: label 'size' holds words, whose order is not known; give 'huge', 'large'"),
        ({"loss": "huber"}, "ordered: sets the loss, and loss='huber' sets it already"),
        ({"quantiles": [0.5]}, "quantiles: sets the loss, and ordered=True sets it already"),
        ({"ordered": "yes"}, "ordered: got 'yes'; needs True or False"),
        ({"label": ["a", "b"], "classes": None}, "ordered: label 'a, b' holds several labels of yes or no"),
    ],
)
def test_mistakes(table: pl.DataFrame, arguments: dict[str, Any], message: str) -> None:
    several = table.with_columns(a=pl.col("u") > 0, b=pl.col("v") > 0)
    with pytest.raises(cr.CrecheError, match=message):
        cr.train(several, **{**WORDS, **arguments})


def test_the_command_line(table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.write_csv(tmp_path / "t.csv")
    model = str(tmp_path / "m.creche")
    train = ["train", str(tmp_path / "t.csv"), "--label", "size", "--ordered", "--epochs", "3"]
    assert main([*train, "--classes", ",".join(SIZES), "-o", model]) == 0
    assert "mean absolute error in classes" in capsys.readouterr().out
    assert main(["evaluate", model, str(tmp_path / "t.csv")]) == 0
    assert "quadratic weighted kappa" in capsys.readouterr().out
    assert main(train) == 2
    assert "whose order is not known" in capsys.readouterr().err
