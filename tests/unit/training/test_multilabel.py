"""Several labels of yes or no, from training to predictions, files and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, hamming_loss
from sklearn.model_selection import cross_val_score

import creche as cr
from tests.unit.cli.commands import main

LABELS = ["a", "b", "c"]
JOB: dict[str, Any] = {"label": LABELS, "hidden": [8], "epochs": 20, "learning_rate": 0.02, "threads": 1}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Labels written in three ways; the second needs both columns."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2))
    return pl.DataFrame(
        {
            "u": x[:, 0], "v": x[:, 1], "a": np.where(x[:, 0] + 0.3 * rng.standard_normal(400) > 0, "yes", "no"),
            "b": (x[:, 0] * x[:, 1] > 0).astype(int), "c": x[:, 1] > 1,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(table: pl.DataFrame) -> cr.Run:
    return cr.train(table, **JOB)


def truth(table: pl.DataFrame) -> np.ndarray:
    return np.column_stack([table["a"].to_numpy() == "yes", table["b"].to_numpy() == 1, table["c"].to_numpy()])


def test_one_sigmoid_output_each(table: pl.DataFrame, run: cr.Run) -> None:
    assert (run.plan.task, run.plan.loss, run.plan.network.outputs) == ("multilabel", cr.BinaryCrossEntropy(), 3)
    p, predicted = run.model.predict_proba(table), run.model.predict(table)
    weights = run.model.weights
    z = np.tanh(run.model.encode_rows(table) @ weights[0][0] + weights[0][1]) @ weights[1][0] + weights[1][1]
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=1e-4)
    assert predicted.dtype == np.bool_
    np.testing.assert_array_equal(predicted, p >= 0.5)
    assert hamming_loss(truth(table), predicted) < 0.15
    assert run.model.predict_proba(table, as_frame=True).columns == LABELS
    assert run.model.predict(table, as_frame=True).dtypes == [pl.Boolean] * 3
    assert run.model.predict(table.row(0, named=True)).shape == (1, 3)


def test_each_spelling_gives_the_same_network(table: pl.DataFrame, run: cr.Run) -> None:
    y = truth(table)
    spellings = [y, y.astype(int), y.astype(float), np.where(y, "True", "false")]
    others = [
        cr.train(table.drop(LABELS), labels, **{**JOB, "label": None, "task": "multilabel"}) for labels in spellings
    ]
    for other in others:
        assert other.model.predict_proba(table).tobytes() == run.model.predict_proba(table).tobytes()


def test_the_history_tells_the_share_of_right_answers(table: pl.DataFrame) -> None:
    run = cr.train(table, **JOB, keep="last", early_stopping=False)
    rows = run.prepared.validation
    assert rows is not None
    predicted = run.model.predict(rows.observations.x)
    assert run.history.validation_metric[-1] == pytest.approx(1 - hamming_loss(rows.observations.y, predicted))


def test_thresholds_are_kept(table: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    chosen = run.model.choose_thresholds(table, metric="f1")
    model = run.model.with_threshold(chosen)
    assert model.threshold == tuple(chosen[label].threshold for label in LABELS)
    assert model.evaluate(table).f1 >= run.model.evaluate(table).f1
    partly = run.model.with_threshold({"b": 0.9})
    assert partly.threshold == (0.5, 0.9, 0.5)
    partly.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert loaded.threshold == partly.threshold
    np.testing.assert_array_equal(loaded.predict(table), run.model.predict_proba(table) >= [0.5, 0.9, 0.5])
    assert cr.verify(loaded, table).same
    cr.predict_file(loaded, table, tmp_path / "out.csv", keep=[])
    names = [f"{kind}_{label}" for kind in ("predicted", "probability") for label in LABELS]
    assert pl.read_csv(tmp_path / "out.csv").columns == names
    for wrong, message in (
        ([0.5, 0.5], "needs one for each of the 3 labels"),
        ({"d": 0.5}, "got one for 'd'"),
        (2, "a probab"),
    ):
        with pytest.raises(cr.TableError, match=message):
            run.model.with_threshold(wrong)
    with pytest.raises(cr.TableError, match="use choose_thresholds for several labels"):
        run.model.choose_threshold(table, metric="f1")


def test_stopped_and_resumed_it_has_the_same_bytes(table: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    cr.train(table, **JOB, checkpoint=tmp_path, checkpoint_every=1, on_epoch=lambda record: record.epoch == 5)
    resumed = cr.train(table, **JOB, checkpoint=tmp_path, resume=True)
    assert resumed.model.predict_proba(table).tobytes() == run.model.predict_proba(table).tobytes()


def test_many_networks(table: pl.DataFrame) -> None:
    colony = cr.sweep(table, **{**JOB, "learning_rate": [0.001, 0.02]}, seeds=2)
    alone = cr.train(table, **JOB, split_seed=0)
    member = next(m for m in colony if m.plan.seed == 0 and m.plan.optimizer.learning_rate == 0.02)
    assert member.model.predict_proba(table).tobytes() == alone.model.predict_proba(table).tobytes()
    ensemble = colony.ensemble(3)
    assert ensemble.evaluate(table).hamming_loss < 0.2
    crossed = cr.cross_validate(table, folds=3, **JOB)
    assert isinstance(crossed.evaluation, cr.MultilabelEvaluation)
    assert crossed.evaluation.hamming_loss == pytest.approx(hamming_loss(truth(table), crossed.predictions >= 0.5))
    assert [f"predicted_{label}" in crossed.predictions_table().columns for label in LABELS] == [True] * 3
    fitted = cr.fit(table, label=LABELS, effort="fast", threads=2)
    assert isinstance(fitted.out_of_fold, cr.MultilabelEvaluation)
    assert fitted.out_of_fold.hamming_loss < 0.15
    assert fitted.predict(table).dtype == np.bool_
    with pytest.raises(
        cr.PlanError,
        match="interval: the labels a, b, c are yes or no; an interval is for",
    ):
        fitted.predict(table, interval=0.9)


def test_explanations(table: pl.DataFrame, run: cr.Run) -> None:
    few = table.head(5)
    attributed = cr.explain.integrated_gradients(run, few, target="b")
    assert attributed.unit == "probability"
    np.testing.assert_allclose(
        np.diff(attributed.attributions.sum(axis=1)), np.diff(run.model.predict_proba(few)[:, 1]), atol=0.01
    )
    with pytest.raises(cr.PlanError, match=r"logit: needs a classification; .* several labels of yes or no"):
        cr.explain.integrated_gradients(run, few, target="b", logit=True)
    assert cr.explain.partial_dependence(run, few, "u").table().columns[-3:] == LABELS
    importance = cr.explain.permutation_importance(run, table, metric="f1", repeats=2)
    assert importance.score == pytest.approx(run.model.evaluate(table, n_resamples=0).f1)
    assert cr.explain.nearest_rows(run, few, 1, table, k=2).table().height == 2
    np.testing.assert_allclose(cr.explain.trace(run, few).errors.predicted, run.model.predict_proba(few), atol=1e-6)
    assert cr.explain.decision_regions(run, table, "u", "v").plot() is not None


@pytest.mark.usefixtures("without_pictures")
def test_pages_and_report(table: pl.DataFrame, run: cr.Run, tmp_path: Path) -> None:
    page = str(run)
    assert "a, b, c: 3 labels of yes or no" in page
    assert "baseline: more frequent answers of the training rows" in page
    assert "subset accuracy" in page
    assert "p(yes)" in page
    cr.report(run.model, table, tmp_path / "r.html")
    report = (tmp_path / "r.html").read_text()
    assert "The model predicts the probability of yes of a, b, c" in report
    assert "Confusion matrix of b" in report
    drawn = {path.stem for path in cr.plots.save_all(run.model, table, tmp_path)}
    assert {"roc_curves_1", "confusion_matrix_3"} <= drawn
    with pytest.raises(
        cr.PlanError, match=r"has the labels a, b, c, and this plot shows one; give evaluation\.of_label"
    ):
        cr.plots.roc_curves(run.model, table)


def test_a_watched_metric(table: pl.DataFrame) -> None:
    run = cr.train(table, **JOB, early_stopping=cr.EarlyStopping(5, watch="hamming_loss"))
    assert run.kept_epoch == int(np.argmax(run.history.validation_metric)) + 1


def test_scikit_learn_estimators(table: pl.DataFrame) -> None:
    x, y = table.select("u", "v").to_numpy(), truth(table).astype(int)
    network = cr.DNNClassifier([8], epochs=10, learning_rate=0.02, random_state=0, threads=1).fit(x, y)
    assert network.predict(x).dtype == y.dtype
    assert network.predict_proba(x).shape == y.shape
    assert network.score(x, y) == accuracy_score(y, network.predict(x))
    assert cross_val_score(network, x, y == 1, cv=2, scoring="f1_macro").min() > 0.5
    with pytest.raises(cr.TableError, match="whose columns are not all 0 and 1"):
        network.fit(x, y + 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": ["a", "u"]}, r"label 'u': holds numbers \(row 1 is .*\), and label 'a' yes or no"),
        ({"loss": "cross_entropy"}, "loss: 'cross_entropy' is not for multilabel; choose one of binary_cross_entropy"),
        ({"label": "b", "task": "multilabel"}, "label 'b': task='multilabel' needs several columns of yes or no"),
        ({"class_weight": "balanced"}, "class_weight: label 'a, b, c' holds several labels of yes or no, not classes"),
        ({"classes": ["no", "yes"]}, r"classes: got .* is treated as several labels of yes or no; leave classes out"),
    ],
)
def test_mistakes(table: pl.DataFrame, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.CrecheError, match=message):
        cr.train(table, **{**JOB, **arguments})


def test_missing_and_constant_labels(table: pl.DataFrame, run: cr.Run) -> None:
    gaps = table.with_columns(a=pl.when(pl.col("u") > 1).then(None).otherwise(pl.col("a")))
    with pytest.raises(cr.TableError, match="label 'a': row 4 is empty"):
        cr.train(gaps, **JOB)
    with pytest.warns(cr.CrecheWarning, match=r"dropped \d+ of 400 rows without a label"):
        cr.train(gaps, **JOB, missing_label="drop")
    with pytest.raises(cr.TableError, match="label 'c': is 0 in each of the 400 rows"):
        cr.train(table.with_columns(c=pl.lit(False)), **JOB)
    with pytest.raises(cr.TableError, match=r"label 'b': holds numbers \(row 1 is 3\)"):
        run.model.evaluate(table.with_columns(b=pl.lit(3)))


def test_a_custom_loss(table: pl.DataFrame, run: cr.Run) -> None:
    def loss(outputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = 1 / (1 + np.exp(-outputs))
        return (np.logaddexp(0, outputs) - outputs * labels).mean(axis=1), (p - labels) / outputs.shape[1]

    own = cr.train(table, **JOB, loss=loss)
    np.testing.assert_allclose(own.history.validation_loss, run.history.validation_loss, rtol=0.02)
    np.testing.assert_allclose(own.model.predict_proba(table), run.model.predict_proba(table), atol=0.02)


def test_the_command_line(table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.write_csv(tmp_path / "t.csv")
    model = str(tmp_path / "m.creche")
    train = ["train", str(tmp_path / "t.csv"), "--label", "a,b,c", "--epochs", "3"]
    assert main([*train, "-o", model]) == 0
    assert "Hamming loss" in capsys.readouterr().out
    assert main(["evaluate", model, str(tmp_path / "t.csv"), "--threshold", "0.3"]) == 0
    assert "subset accuracy" in capsys.readouterr().out
    assert main(["predict", model, "--row", "0.5,1.5", "--json"]) == 0
    assert '"probabilities"' in capsys.readouterr().out
    assert main(["predict", model, "--row", "0.5,1.5"]) == 0
    assert "predicted b:" in capsys.readouterr().out
    assert main(["columns", str(tmp_path / "t.csv"), "--label", "a,b,c"]) == 0
    assert "3 labels of yes or no" in capsys.readouterr().out
    assert main([*train, "--folds", "2", "--json"]) == 0
    assert '"hamming_loss"' in capsys.readouterr().out
