"""Several quantiles of one label, from training to predictions, files and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import cross_val_score

import creche as cr
from creche.training.plan_file import plan_to_arguments
from tests.unit.cli.commands import main

LEVELS = [0.05, 0.5, 0.95]
JOB: dict[str, Any] = {"label": "body_mass_g", "quantiles": LEVELS, "epochs": 12, "learning_rate": 0.01, "threads": 1}
NAMES = [f"body_mass_g_q{level:g}" for level in LEVELS]


@pytest.fixture(scope="module")
def penguins() -> pl.DataFrame:
    return cr.datasets.penguins().drop_nulls()


@pytest.fixture(scope="module")
def run(penguins: pl.DataFrame) -> cr.Run:
    return cr.train(penguins, **JOB)


def scattered(rows: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Numbers around x₀ with a standard deviation of 0.5 + 0.3 x₁."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (rows, 2))
    return x, x[:, 0] + (0.5 + 0.3 * x[:, 1]) * rng.standard_normal(rows)


def test_quantiles_of_a_known_distribution_are_learnt() -> None:
    x, y = scattered(6000)
    model = cr.train(x, y, quantiles=[0.1, 0.5, 0.9], hidden=[16], epochs=30, preprocessing="standard", threads=1).model
    grid = np.column_stack([np.repeat([-0.5, 0.5], 2), np.tile([-0.8, 0.8], 2)])
    z = 1.2815515655446004  # of the standard normal distribution, for 0.9
    expected = grid[:, :1] + (0.5 + 0.3 * grid[:, 1:]) * np.array([-z, 0.0, z])
    np.testing.assert_allclose(model.predict(grid), expected, atol=0.15)
    fresh, labels = scattered(500)
    assert (labels <= model.predict(fresh).T).mean(axis=1) == pytest.approx([0.1, 0.5, 0.9], abs=0.05)


def test_the_short_form_is_the_loss(penguins: pl.DataFrame, run: cr.Run) -> None:
    for loss in (cr.Quantile(LEVELS), "quantile:0.05,0.5,0.95"):
        other = cr.train(penguins, **{**JOB, "quantiles": None, "loss": loss})
        assert other.plan == run.plan
        assert other.model.arrays()["layers.0.weights"].tobytes() == run.model.arrays()["layers.0.weights"].tobytes()
    again = cr.train(penguins, **plan_to_arguments(run.plan, run.prepared.preparation), threads=1)
    assert again.plan == run.plan


def test_predictions_never_cross_and_are_named(penguins: pl.DataFrame, run: cr.Run) -> None:
    untrained = cr.train(penguins, **{**JOB, "epochs": 0}).model
    outputs = untrained._outputs(untrained.encode_rows(penguins))
    assert (np.diff(outputs, axis=1) < 0).any()  # those of the network do cross
    assert (np.diff(untrained.predict(penguins), axis=1) >= 0).all()
    np.testing.assert_array_equal(untrained.predict(penguins), np.sort(untrained.labels.unscale(outputs), axis=1))
    frame = run.model.predict(penguins, as_frame=True)
    assert frame.columns == NAMES
    np.testing.assert_array_equal(frame.to_numpy(), run.model.predict(penguins))
    assert run.model.predict(penguins.row(0, named=True)).shape == (1, 3)


def test_the_baseline_is_the_quantiles_of_the_training_rows(run: cr.Run) -> None:
    y = run.prepared.train.observations.y
    np.testing.assert_array_equal(run.prepared.labels.baseline, np.quantile(y, LEVELS, method="inverted_cdf"))
    part, evaluation = run.evaluated_on, run.evaluation
    assert part == "validation"
    assert evaluation.baseline["pinball"] > evaluation.values["pinball"]


def test_rearrangement_never_raises_the_loss(penguins: pl.DataFrame) -> None:
    """Chernozhukov, Fernandez-Val & Galichon 2010, proposition 4."""
    model = cr.train(penguins, **{**JOB, "epochs": 1}).model
    y = penguins["body_mass_g"].to_numpy()[:, np.newaxis]
    crossing = model.labels.unscale(model._outputs(model.encode_rows(penguins)))
    levels = np.array(LEVELS)

    def loss(predicted: np.ndarray) -> float:
        return float(np.maximum(levels * (y - predicted), (levels - 1) * (y - predicted)).mean())

    assert loss(model.predict(penguins)) <= loss(crossing)


def test_files_and_verification(penguins: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    run.model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.quantiles == tuple(LEVELS)
    assert loaded.predict(penguins).tobytes() == run.model.predict(penguins).tobytes()
    assert cr.verify(loaded, penguins).same
    cr.predict_file(loaded, penguins, tmp_path / "out.csv", keep=["sex"])
    assert pl.read_csv(tmp_path / "out.csv").columns == ["sex", *(f"predicted_{name}" for name in NAMES)]


def test_stopped_and_resumed_it_has_the_same_bytes(penguins: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    def stop(record: cr.EpochRecord) -> bool:
        return record.epoch == 5

    cr.train(penguins, **JOB, checkpoint=tmp_path, checkpoint_every=1, on_epoch=stop)
    resumed = cr.train(penguins, **JOB, checkpoint=tmp_path, resume=True)
    assert resumed.model.predict(penguins).tobytes() == run.model.predict(penguins).tobytes()


def test_many_networks(penguins: pl.DataFrame, run: cr.Run) -> None:
    colony = cr.sweep(penguins, **{**JOB, "learning_rate": [0.001, 0.01]}, seeds=2)
    alone = cr.train(penguins, **JOB, split_seed=0)
    of_seed_0 = next(m for m in colony if m.plan.seed == 0 and m.plan.optimizer.learning_rate == 0.01)
    assert of_seed_0.model.predict(penguins).tobytes() == alone.model.predict(penguins).tobytes()
    ensemble = colony.ensemble(3)
    assert (np.diff(ensemble.predict(penguins), axis=1) >= 0).all()
    assert ensemble.disagreement(penguins).shape == (len(penguins),)
    crossed = cr.cross_validate(penguins, folds=3, **JOB)
    assert crossed.predictions.shape == (len(penguins), 3)
    assert crossed.evaluation.quantiles == tuple(LEVELS)
    expected = ["row", "true_body_mass_g", *(f"predicted_{name}" for name in NAMES), "disagreement", "networks"]
    assert crossed.predictions_table().columns == expected
    losses = cr.sweep(
        penguins, label="body_mass_g", loss=[cr.Quantile(LEVELS), cr.Quantile(0.5)], epochs=2, hidden=[3], threads=1
    )
    assert sorted(member.plan.network.outputs for member in losses) == [1, 3]


def test_explanations(penguins: pl.DataFrame, run: cr.Run) -> None:
    model, few = run.model, penguins.head(6)
    dependence = cr.explain.partial_dependence(model, few, "flipper_length_mm").table()
    assert dependence.columns[-3:] == NAMES
    attributed = cr.explain.integrated_gradients(model, few, target=NAMES[2])
    total = attributed.attributions.sum(axis=1)
    np.testing.assert_allclose(np.diff(total), np.diff(model.predict(few)[:, 2]), rtol=0.02, atol=5)
    with pytest.raises(cr.PlanError, match=r"target: is missing; name one of the labels body_mass_g_q0\.05"):
        cr.explain.integrated_gradients(model, few)
    assert cr.explain.permutation_importance(model, penguins, repeats=2).metric == "pinball"
    trace = cr.explain.trace(run, few)
    np.testing.assert_allclose(trace.errors.predicted, model.predict(few), rtol=1e-6)
    assert "body_mass_g_q0.95" in str(trace)


@pytest.mark.usefixtures("without_pictures")
def test_pages_and_report(penguins: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    page = str(run)
    assert "the quantiles 0.05, 0.5, 0.95 of a number" in page
    assert "interval: from quantile 0.05 to 0.95; 0.9 of the rows should lie in it" in page
    assert "baseline: quantiles of the training rows" in page
    assert "rmse" not in page
    cr.report(run.model, penguins, tmp_path / "r.html")
    report = (tmp_path / "r.html").read_text()
    assert "The model predicts the quantiles 0.05, 0.5, 0.95 of body_mass_g" in report
    assert "Predicted intervals" in report
    drawn = {path.stem for path in cr.plots.save_all(run.model, penguins, tmp_path)}
    assert "predicted_intervals" in drawn


def test_the_scikit_learn_estimator() -> None:
    x, y = scattered(400)
    network = cr.DNNRegressor([8], quantiles=[0.1, 0.9], epochs=10, learning_rate=0.01, random_state=0, threads=1)
    predicted = network.fit(x, y).predict(x)
    expected = np.mean([d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate((0.1, 0.9))])
    assert network.score(x, y) == pytest.approx(expected)
    assert cross_val_score(clone(network), x, y, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantiles": [0.5, 0.1]}, r"quantiles: got \[0.5, 0.1\]; needs quantiles in ascending order, each once"),
        ({"quantiles": [0.5, 5]}, "quantiles: got 5; needs a number above 0 and below 1"),
        ({"quantiles": [0.5], "loss": "huber"}, "quantiles: sets the loss, and loss='huber' sets it already"),
        ({"label": "species"}, "loss: 'quantile' is not for classification"),
        ({"plan": "a plan"}, "plan: got str"),
    ],
)
def test_mistakes(penguins: pl.DataFrame, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.CrecheError, match=message):
        cr.train(penguins, **{**JOB, **arguments})


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", "penguins-four", "--label", "body_mass_hg", "--epochs", "3"]
    assert main([*train, "--quantiles", "0.05,0.5,0.95", "-o", str(tmp_path / "m.creche")]) == 0
    assert "body_mass_hg_q0.95" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "m.creche"), "--row", "45,15,20,Adelie", "--json"]) == 0
    assert "body_mass_hg_q0.5" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "m.creche"), "penguins-four"]) == 0
    assert "coverage of the interval" in capsys.readouterr().out
    sweep = ["sweep", "penguins-four", "--label", "body_mass_hg", "--epochs", "1", "--hidden", "3"]
    assert main([*sweep, "--loss", "quantile:0.1,0.9,huber", "--json"]) == 0
    assert "quantile" in capsys.readouterr().out
    assert main([*train, "--quantiles", "low,high"]) == 2
    assert "--quantiles: got 'low,high'; needs numbers above 0 and below 1" in capsys.readouterr().err


def test_a_fitted_model_and_its_conformal_interval(penguins: pl.DataFrame, tmp_path: Path) -> None:
    model = cr.fit(penguins, label="body_mass_g", quantiles=LEVELS, effort="fast", threads=2)
    assert model.record.metric == "pinball"
    found = model.out_of_fold
    assert isinstance(found, cr.RegressionEvaluation)
    assert found.pinball == pytest.approx(model.record.score)
    assert found.baseline["pinball"] > 2 * found.values["pinball"]
    predicted, interval = model.predict(penguins, interval=0.8)
    assert (np.diff(predicted, axis=1) >= 0).all()
    further = predicted[:, 0] - interval[:, 0]
    np.testing.assert_allclose(further, model.conformal_scores(0.8)[0])
    np.testing.assert_allclose(interval[:, 1] - predicted[:, 2], further)
    assert further[0] < 0  # an interval for eight in ten is narrower than that for nine
    model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.predict(penguins).tobytes() == predicted.tobytes()
    assert cr.verify(loaded, penguins, threads=2).same
