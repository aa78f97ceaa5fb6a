"""Several quantiles of several labels, predicted by one network: from training to predictions, files and pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

import creche as cr
from creche.model_selection.ensemble_selection import _number_loss
from tests.unit.cli.commands import main

LEVELS = [0.1, 0.5, 0.9]
LABELS = ["narrow", "wide"]
NAMES = [f"{label}_q{level:g}" for label in LABELS for level in LEVELS]
JOB: dict[str, Any] = {
    "label": LABELS, "quantiles": LEVELS, "hidden": [12], "epochs": 25, "learning_rate": 0.01, "threads": 1,
}  # fmt: skip


def scattered(rows: int, seed: int = 0) -> pl.DataFrame:
    """A label that scatters by 0.2 around x, and one in hundreds that scatters by 30 (1 + x) around 500 - 100 z."""
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(-1, 1, (2, rows))
    narrow = x + 0.2 * rng.standard_normal(rows)
    wide = 500 - 100 * z + 30 * (1 + x) * rng.standard_normal(rows)
    return pl.DataFrame({"x": x, "z": z, "narrow": narrow, "wide": wide})


TABLE = scattered(1500)


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return cr.train(TABLE, **JOB)


def test_each_label_has_its_own_quantiles(run: cr.Run) -> None:
    model, fresh = run.model, scattered(2000, seed=1)
    assert model.plan.network.outputs == 6
    predicted = model.predict(fresh, as_frame=True)
    assert predicted.columns == NAMES
    for label in LABELS:
        for level in LEVELS:
            share = float((fresh[label] <= predicted[f"{label}_q{level:g}"]).mean())
            assert share == pytest.approx(level, abs=0.08), (label, level)
    width = predicted["wide_q0.9"] - predicted["wide_q0.1"]
    assert width.filter(fresh["x"] > 0.5).mean() > 2 * width.filter(fresh["x"] < -0.5).mean()


def test_the_loss_is_the_mean_of_all_pinball_losses(run: cr.Run) -> None:
    part = run.prepared.validation
    assert part is not None
    ended = cr.train(TABLE, **JOB, keep="last", early_stopping=False)
    outputs = ended.model._outputs(ended.model.encode_rows(part.observations.x)).astype(np.float64)
    y = part.observations.y
    mean, scale = run.prepared.train.observations.y.mean(axis=0), run.prepared.train.observations.y.std(axis=0)
    standardized = (y - mean) / scale
    losses = [
        mean_pinball_loss(standardized[:, k], outputs[:, 3 * k + i], alpha=level)
        for k in range(2)
        for i, level in enumerate(LEVELS)
    ]
    assert ended.history.validation_loss[-1] == pytest.approx(np.mean(losses), rel=1e-5)


def test_predictions_never_cross() -> None:
    model = cr.train(TABLE, **{**JOB, "epochs": 0}).model
    outputs = model._outputs(model.encode_rows(TABLE))
    predicted = model.predict(TABLE)
    for k in range(2):
        own = slice(3 * k, 3 * k + 3)
        assert (np.diff(outputs[:, own], axis=1) < 0).any()  # those of the network do cross
        assert (np.diff(predicted[:, own], axis=1) >= 0).all()
        np.testing.assert_array_equal(predicted[:, own], np.sort(model.labels.unscale(outputs)[:, own], axis=1))


def test_the_baseline_is_the_quantiles_of_each_label(run: cr.Run) -> None:
    y = run.prepared.train.observations.y
    expected = np.quantile(y, LEVELS, axis=0, method="inverted_cdf").T.ravel()
    np.testing.assert_array_equal(run.prepared.labels.baseline, expected)


def test_the_evaluation_is_that_of_each_label(run: cr.Run) -> None:
    fresh = scattered(300, seed=2)
    evaluation = run.model.evaluate(fresh, n_resamples=0)
    assert isinstance(evaluation, cr.RegressionEvaluation)
    predicted = run.model.predict(fresh)
    assert evaluation.labels == tuple(NAMES)
    assert evaluation.label_names == tuple(LABELS)
    inside = []
    for k, label in enumerate(LABELS):
        y = fresh[label].to_numpy()
        alone = cr.RegressionEvaluation.of(predicted[:, 3 * k : 3 * k + 3], y, quantiles=LEVELS, n_resamples=0)
        inside.append(alone.values["interval_coverage"])
        for i, level in enumerate(LEVELS):
            metrics = evaluation.per_label[f"{label}_q{level:g}"]
            assert metrics["pinball"] == pytest.approx(mean_pinball_loss(y, predicted[:, 3 * k + i], alpha=level))
            assert metrics["coverage"] == np.mean(y <= predicted[:, 3 * k + i])
    assert evaluation.values["interval_coverage"] == pytest.approx(np.mean(inside))
    worst = evaluation.largest_errors(3)
    for error in worst:
        label, _, level = error.label.partition("_q")
        assert level in ("0.1", "0.9")
        outside = error.true < error.predicted if level == "0.1" else error.true > error.predicted
        assert outside, label
    assert {error.label for error in evaluation.largest_errors(300)} == {
        f"{n}_q{q}" for n in LABELS for q in (0.1, 0.9)
    }


@pytest.mark.usefixtures("without_pictures")
def test_files_pages_and_pictures(run: cr.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.predict(TABLE).tobytes() == run.model.predict(TABLE).tobytes()
    assert cr.verify(loaded, TABLE).same
    TABLE.head(200).write_csv(tmp_path / "t.csv")
    assert main(["predict", str(tmp_path / "m.creche"), str(tmp_path / "t.csv"), "-o", str(tmp_path / "o.csv")]) == 0
    assert set(pl.read_csv(tmp_path / "o.csv").columns) >= {f"predicted_{name}" for name in NAMES}
    typed = ["--label", "narrow,wide", "--quantiles", "0.1,0.5,0.9", "--epochs", "2", "--threads", "1"]
    capsys.readouterr()
    assert main(["train", str(tmp_path / "t.csv"), *typed]) == 0
    page = capsys.readouterr().out
    assert "the quantiles 0.1, 0.5, 0.9 of numbers" in page
    assert "wide_q0.9" in page
    assert "interval: from quantile 0.1 to 0.9; 0.8 of the rows should lie in it" in page
    report = cr.report(run.model, TABLE.head(200), tmp_path / "r.html").read_text()
    assert "Predicted intervals of wide" in report
    drawn = {path.stem for path in cr.plots.save_all(run.model, TABLE.head(200), tmp_path)}
    assert {"predicted_intervals_1", "predicted_intervals_2"} <= drawn
    assert cr.plots.predicted_intervals(run.model, TABLE, label="wide").get_ylabel() == "wide"
    with pytest.raises(cr.PlanError, match="label: got 'wdie'; did you mean 'wide'"):
        cr.plots.predicted_intervals(run.model, TABLE, label="wdie")


def test_many_networks() -> None:
    colony = cr.sweep(TABLE, **{**JOB, "epochs": 4, "learning_rate": [0.003, 0.01]}, seeds=2)
    alone = cr.train(TABLE, **{**JOB, "epochs": 4}, split_seed=0)
    member = next(m for m in colony if m.plan.seed == 0 and m.plan.optimizer.learning_rate == 0.01)
    assert member.model.predict(TABLE).tobytes() == alone.model.predict(TABLE).tobytes()
    assert colony.ensemble(3).disagreement(TABLE).shape == (len(TABLE),)
    crossed = cr.cross_validate(TABLE, folds=2, seeds=2, **{**JOB, "epochs": 2})
    table = crossed.predictions_table()
    assert table.columns[1:9] == ["true_narrow", "true_wide", *(f"predicted_{name}" for name in NAMES)]
    assert np.isfinite(crossed.disagreement).all()


def test_ensembles_are_selected_by_the_pinball_loss() -> None:
    rng = np.random.default_rng(0)
    true, predicted, weights = rng.normal(size=(50, 1)), rng.normal(size=(4, 50, 3)), rng.dirichlet(np.ones(50))
    losses = _number_loss(np.repeat(true, 3, axis=1), weights, (0.1, 0.5, 0.9))(predicted)
    for m in range(4):
        each = [
            mean_pinball_loss(true[:, 0], predicted[m, :, i], alpha=level, sample_weight=weights)
            for i, level in enumerate(LEVELS)
        ]
        assert losses[m] == pytest.approx(np.mean(each))


def test_a_fitted_model() -> None:
    rows = TABLE.head(250)
    model = cr.fit(rows, label=LABELS, quantiles=LEVELS, effort="fast", threads=1)
    predicted = model.predict(rows)
    assert predicted.shape == (250, 6)
    for k, label in enumerate(LABELS):
        assert (np.diff(predicted[:, 3 * k : 3 * k + 3], axis=1) >= 0).all()
        low, high = rows[label].min(), rows[label].max()
        assert isinstance(low, float)
        assert isinstance(high, float)
        assert low <= predicted[:, 3 * k].min()  # calibration keeps each label within its own range
        assert predicted[:, 3 * k + 2].max() <= high
    assert model.record.metric == "pinball"
    again, limits = model.predict(rows, interval=0.9)
    np.testing.assert_array_equal(again, predicted)
    true = rows.select(LABELS).to_numpy()
    covered = (limits[..., 0] <= true) & (true <= limits[..., 1])
    assert (covered.mean(axis=0) > 0.85).all()


def test_the_scikit_learn_estimator() -> None:
    x, y = TABLE.select("x", "z").to_numpy(), TABLE.select(LABELS).to_numpy()
    network = cr.DNNRegressor([8], quantiles=LEVELS, epochs=5, learning_rate=0.01, random_state=0, threads=1).fit(x, y)
    predicted = network.predict(x)
    expected = [
        d2_pinball_score(y[:, k], predicted[:, 3 * k + i], alpha=level)
        for k in range(2)
        for i, level in enumerate(LEVELS)
    ]
    assert network.score(x, y) == pytest.approx(np.mean(expected))


def test_explanations(run: cr.Run) -> None:
    few = TABLE.head(6)
    attributed = cr.explain.integrated_gradients(run.model, few, target="wide_q0.9")
    difference = attributed.outputs - attributed.baselines
    np.testing.assert_allclose(attributed.attributions.sum(axis=1), difference, rtol=0.02, atol=2)
    np.testing.assert_allclose(attributed.outputs, run.model.predict(few)[:, 5], rtol=1e-5)
    assert cr.explain.permutation_importance(run.model, TABLE.head(100), repeats=1, n_resamples=0).metric == "pinball"
    trace = cr.explain.trace(run, few)
    np.testing.assert_allclose(trace.errors.predicted, run.model.predict(few), rtol=1e-5)
    np.testing.assert_array_equal(trace.errors.true, few.select(LABELS).to_numpy().repeat(3, axis=1))


def test_a_label_too_large_is_named() -> None:
    large = TABLE.with_columns(wide=pl.when(pl.int_range(pl.len()) == 7).then(1e300).otherwise(pl.col("wide")))
    with pytest.raises(cr.TableError, match=r"label 'wide': row 8 is 1e\+300"):
        cr.train(large, **JOB, standardize=False)
