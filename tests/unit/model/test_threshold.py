"""The threshold that a model keeps: predictions, evaluations and files use it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import FileError
from creche.model.file import load
from tests.unit.cli.commands import main

SEXED = cr.datasets.penguins().drop_nulls()
OPTIONS = ["--label", "sex", "--hidden", "4", "--epochs", "5", "--threads", "1"]


@pytest.fixture(scope="module")
def models() -> dict[str, cr.Model | cr.Ensemble]:
    colony = cr.sweep(SEXED, label="sex", hidden=[4], epochs=5, seeds=2, threads=1)
    fitted = cr.fit(SEXED, label="sex", effort="fast", threads=1)
    return {"Model": colony.best().model, "Ensemble": colony.ensemble(2), "FittedModel": fitted}


@pytest.mark.parametrize("kind", ["Model", "Ensemble", "FittedModel"])
@pytest.mark.parametrize("threshold", [0.2, 0.9, None])
def test_predictions_evaluations_and_files_go_by_it(
    kind: str, threshold: float | None, models: dict[str, cr.Model | cr.Ensemble], tmp_path: Path
) -> None:
    before = models[kind].threshold
    model = models[kind].with_threshold(threshold)
    assert models[kind].threshold == before
    model.save(tmp_path / "decided.creche")
    threaded = [model.with_threads(1)] if isinstance(model, cr.Ensemble) else []
    for changed in (model, load(tmp_path / "decided.creche"), *threaded):
        assert changed.threshold == threshold
        second = changed.predict_proba(SEXED)[:, 1] >= (0.5 if threshold is None else threshold)
        expected = np.where(second, "male", "female").tolist()
        assert changed.predict(SEXED).tolist() == expected
        evaluation = changed.evaluate(SEXED, n_resamples=0)
        assert isinstance(evaluation, cr.ClassificationEvaluation)
        assert evaluation.accuracy == np.mean(np.array(expected) == SEXED["sex"].to_numpy())
    cr.predict_file(model, SEXED, tmp_path / "out.csv")
    assert pl.read_csv(tmp_path / "out.csv")["predicted_sex"].to_list() == expected


def test_the_threshold_of_the_call_goes_before_that_of_the_model(models: dict[str, cr.Model | cr.Ensemble]) -> None:
    model = models["Model"].with_threshold(0.9)
    overridden = model.evaluate(SEXED, n_resamples=0, threshold=0.1)
    assert overridden.metrics() == models["Model"].evaluate(SEXED, n_resamples=0, threshold=0.1).metrics()
    chosen = model.choose_threshold(SEXED, metric="f1")
    assert model.with_threshold(chosen).threshold == chosen.threshold


@pytest.mark.parametrize(
    ("threshold", "message"),
    [(1.5, r"got 1\.5; needs a probability"), ("high", r"got 'high'; needs a"), (True, "got True")],
)
def test_no_probability_is_no_threshold(
    threshold: object, message: str, models: dict[str, cr.Model | cr.Ensemble]
) -> None:
    with pytest.raises(cr.TableError, match=f"threshold: {message}"):
        models["Model"].with_threshold(threshold)  # type: ignore[arg-type]


def test_three_classes_and_numbers_have_none() -> None:
    for label in ("species", "body_mass_g"):
        model = cr.train(SEXED, label=label, hidden=[2], epochs=0, threads=1).model
        with pytest.raises(cr.TableError, match=r"threshold: got 0\.3; it is for models of two classes only"):
            model.with_threshold(0.3)


def test_a_damaged_threshold_is_refused(models: dict[str, cr.Model | cr.Ensemble]) -> None:
    for kind in ("Model", "Ensemble"):
        header, arrays = models[kind].with_threshold(0.3).to_parts()
        assert json.loads(json.dumps(header))["threshold"] == 0.3
        with pytest.raises(FileError, match="its threshold is 7"):
            type(models[kind]).from_parts({**header, "threshold": 7}, arrays)


def test_the_command_line_chooses_keeps_and_uses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = str(tmp_path / "sexed.csv")
    SEXED.write_csv(table)
    first, second, out = tmp_path / "first.creche", tmp_path / "second.creche", tmp_path / "out.csv"
    assert main(["train", table, *OPTIONS, "--choose-threshold", "f1", "-o", str(first)]) == 0
    chosen = load(first).threshold
    assert chosen is not None
    assert f"Threshold {chosen:.4f} for male, chosen by f1" in capsys.readouterr().out
    run = cr.train(table, label="sex", hidden=[4], epochs=5, threads=1)
    assert run.prepared.validation is not None
    assert chosen == run.model.choose_threshold(run.prepared.validation.observations, metric="f1").threshold
    assert main(["show", str(first)]) == 0
    assert f"'male' from a probability of {chosen:.3g}" in capsys.readouterr().out
    page = cr.report(load(first), table, tmp_path / "report.html").read_text()
    assert f"from a probability of {chosen:.3g}" in page
    evaluate = ["evaluate", str(first), table]
    assert main([*evaluate, "--cost-false-positive", "1", "--cost-false-negative", "20", "-o", str(second)]) == 0
    decided = load(second).threshold
    assert decided is not None
    assert decided < 0.5
    assert main(["predict", str(second), table, "-o", str(out)]) == 0
    with out.open() as file:
        for row in csv.DictReader(file):
            assert row["predicted_sex"] == ("male" if float(row["probability_male"]) >= decided else "female")
    capsys.readouterr()
    assert main(["evaluate", str(second), table, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == decided
    assert main([*evaluate, "-o", str(second)]) == 2
    assert "--output: saves a model with a new threshold" in capsys.readouterr().err


def test_a_cross_validation_chooses_it_by_the_out_of_fold_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(tmp_path / "sexed.csv")
    SEXED.write_csv(table)
    crossed = cr.cross_validate(table, label="sex", folds=3, hidden=[4], epochs=5, threads=1)
    chosen = crossed.choose_threshold(metric="f1")
    predicted = crossed.predictions[:, 1] >= chosen.threshold
    male = (SEXED["sex"] == "male").to_numpy()
    hits = int((predicted & male).sum())
    assert chosen.value == pytest.approx(2 * hits / (predicted.sum() + male.sum()))
    for refit in ([], ["--refit"]):
        file = tmp_path / f"kept{len(refit)}.creche"
        typed = ["train", table, *OPTIONS, "--folds", "3", *refit, "--choose-threshold", "f1", "-o", str(file)]
        assert main(typed) == 0
        assert f"Threshold {chosen.threshold:.4f} for male, chosen by f1" in capsys.readouterr().out
        assert load(file).threshold == chosen.threshold
    with pytest.raises(cr.TableError, match="can only be chosen for models of two classes"):
        cr.cross_validate(table, label="species", folds=3, epochs=1, threads=1).choose_threshold(metric="f1")


def test_a_model_that_can_have_no_threshold_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "three.creche"
    train = ["train", "penguins", "--label", "species", "--hidden", "2", "--epochs", "2", "--threads", "1"]
    assert main([*train, "--choose-threshold", "f1", "-o", str(file)]) == 2
    assert "threshold: can only be chosen for models of two classes" in capsys.readouterr().err
    assert load(file).threshold is None
    assert main([*train, "--choose-threshold", "fun"]) == 2
    assert "--choose-threshold: got 'fun'" in capsys.readouterr().err
    file.unlink()
    assert main([*train, "--folds", "3", "--choose-threshold", "f1", "-o", str(file)]) == 2
    assert "threshold: can only be chosen for models of two classes" in capsys.readouterr().err
    assert isinstance(load(file), cr.Ensemble)


ANSWERS = SEXED.select(
    pl.int_range(pl.len()).cast(pl.Float64).sin().alias("noise"),  # no two rows are alike
    "bill_length_mm",
    "flipper_length_mm",
    heavy=pl.col("body_mass_g") > 4700,
    deep=pl.when(pl.col("bill_depth_mm") > 18).then(pl.lit("yes")).otherwise(pl.lit("no")),
)
TWO_LABELS = ["--label", "heavy,deep", "--hidden", "3", "--epochs", "4", "--threads", "1"]


def best_f1(probabilities: np.ndarray, true: np.ndarray) -> float:
    """The highest F1 that any threshold reaches, found by trying each probability."""
    tried = [(probabilities >= p) for p in [*probabilities, 0.5]]
    return max(2 * int((yes & true).sum()) / int(yes.sum() + true.sum()) for yes in tried)


def test_the_command_line_chooses_one_for_each_of_several_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, first, second = str(tmp_path / "t.csv"), tmp_path / "first.creche", tmp_path / "second.creche"
    ANSWERS.write_csv(table)
    assert main(["train", table, *TWO_LABELS, "--choose-threshold", "f1", "-o", str(first)]) == 0
    shown, kept = capsys.readouterr().out, load(first)
    assert isinstance(kept.threshold, tuple)
    run = cr.train(table, label=["heavy", "deep"], hidden=[3], epochs=4, threads=1)
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    chosen = run.model.choose_thresholds(rows, metric="f1")
    assert kept.threshold == tuple(each.threshold for each in chosen.values())
    for k, (label, each) in enumerate(chosen.items()):
        assert f"Threshold {each.threshold:.4f} for yes of {label}, chosen by f1: {each.value:.4f}" in shown
        assert each.value == pytest.approx(best_f1(run.model.predict_proba(rows.x)[:, k], rows.y[:, k]))

    costs = ["--cost-false-positive", "1", "--cost-false-negative", "20"]
    assert main(["evaluate", str(first), table, *costs, "--json", "-o", str(second)]) == 0
    facts, decided = json.loads(capsys.readouterr().out), load(second).threshold
    assert isinstance(decided, tuple)
    assert [each["threshold"] for each in facts["chosen_thresholds"].values()] == facts["thresholds"] == list(decided)
    assert list(facts["chosen_thresholds"]) == ["heavy", "deep"]
    assert max(decided) < 0.5
    assert main(["predict", str(second), table, "-o", str(tmp_path / "out.csv")]) == 0
    predicted = pl.read_csv(tmp_path / "out.csv")
    for label, threshold in zip(("heavy", "deep"), decided, strict=True):
        yes = predicted[f"predicted_{label}"].cast(pl.String).is_in(["yes", "true"])
        assert yes.to_list() == (predicted[f"probability_{label}"] >= threshold).to_list()


def test_folds_choose_one_for_each_of_several_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, file = str(tmp_path / "t.csv"), tmp_path / "kept.creche"
    ANSWERS.write_csv(table)
    crossed = cr.cross_validate(table, label=["heavy", "deep"], folds=2, hidden=[3], epochs=4, threads=1)
    chosen = crossed.choose_thresholds(metric="f1")
    assert chosen["heavy"].value == pytest.approx(best_f1(crossed.predictions[:, 0], ANSWERS["heavy"].to_numpy()))
    assert main(["train", table, *TWO_LABELS, "--folds", "2", "--choose-threshold", "f1", "-o", str(file)]) == 0
    assert f"Threshold {chosen['deep'].threshold:.4f} for yes of deep" in capsys.readouterr().out
    assert load(file).threshold == tuple(each.threshold for each in chosen.values())
    with pytest.raises(cr.TableError, match="two classes; use choose_thresholds for several labels"):
        crossed.choose_threshold(metric="f1")
    with pytest.raises(cr.TableError, match="thresholds: are for models of several labels of yes or no"):
        cr.cross_validate(SEXED, label="sex", folds=2, epochs=1, threads=1).choose_thresholds(metric="f1")


def test_a_label_with_one_answer_is_named() -> None:
    model = cr.train(ANSWERS, label=["heavy", "deep"], hidden=[3], epochs=1, threads=1).model
    light = ANSWERS.filter(~pl.col("heavy"))
    with pytest.raises(cr.TableError, match=f"threshold of 'heavy': every one of these {len(light)} rows is no"):
        model.choose_thresholds(light, metric="f1")
