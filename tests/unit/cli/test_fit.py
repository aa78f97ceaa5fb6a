"""``creche fit``, and every command on the model it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creche as cr
from creche.report.subject import create_subject
from tests.unit.cli.commands import main
from tests.unit.fitting.small_fits import weights_of
from tests.unit.small_runs import PENGUINS_CSV

pytestmark = pytest.mark.usefixtures("tiny_fits")

FIT = ["fit", "penguins", "--label", "species", "--effort", "fast", "--threads", "1"]


@pytest.fixture(scope="module")
def fitted_file(tmp_path_factory: pytest.TempPathFactory, tiny_fits: None) -> Path:
    path = tmp_path_factory.mktemp("fitted") / "m.creche"
    assert main([*FIT, "-o", str(path), "--json"]) == 0
    return path


@pytest.fixture(scope="module")
def regression_file(tmp_path_factory: pytest.TempPathFactory, tiny_fits: None) -> Path:
    path = tmp_path_factory.mktemp("fitted") / "mass.creche"
    assert main([*FIT[:2], "--label", "body_mass_g", "--drop-unlabelled", *FIT[4:], "-o", str(path), "--json"]) == 0
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command prints, if it works."""
    code = main([str(argument) for argument in arguments])
    printed, told = capsys.readouterr()
    assert code == 0, told
    return printed


def test_the_page_tells_what_was_tried_and_how_good_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = run(capsys, *FIT, "-o", tmp_path / "m.creche")
    model = cr.load(tmp_path / "m.creche")
    assert isinstance(model, cr.FittedModel)
    for text in (
        "label        species: Adelie, Chinstrap, Gentoo",
        "rows         344 in 3 folds",
        "networks from ",
        f"{model.record.score:.4f} on held-out rows, baseline",
        "temperature",
        "effort       fast",
        "small",
        "linear",
        "When one column is shuffled among the held-out rows:",
        "on 344 held-out rows",
        "largest errors",
    ):
        assert text in page
    assert weights_of(model) == weights_of(cr.fit("penguins", label="species", effort="fast", threads=2))


def test_the_facts_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(run(capsys, *FIT, "--metric", "accuracy", "--json"))
    assert facts["task"] == "classification"
    assert facts["record"]["metric"] == "accuracy"
    assert facts["record"]["score"] == facts["evaluation"]["accuracy"]
    assert len(facts["members"]) == facts["networks"] == len(facts["shares"])
    assert sum(each["weight"] for each in facts["record"]["tried"]) == pytest.approx(1)


def test_a_model_of_numbers_has_an_interval(capsys: pytest.CaptureFixture[str], regression_file: Path) -> None:
    page = run(capsys, "show", regression_file)
    assert "around the prediction contains 90% of labels" in page
    assert "root mean squared error" in page


def test_show(capsys: pytest.CaptureFixture[str], fitted_file: Path) -> None:
    page = run(capsys, "show", fitted_file)
    assert "344 in 3 folds" in page
    assert "on 344 out-of-fold rows" in page
    assert "bill_length_mm" in page
    assert "fit" in json.loads(run(capsys, "show", fitted_file, "--json"))


def test_a_plan_of_the_model_is_shown_saved_and_trained(
    capsys: pytest.CaptureFixture[str], fitted_file: Path, tmp_path: Path
) -> None:
    """The configurations of `make_tiny`, as they are written there."""
    page = " ".join(run(capsys, "show", fitted_file).split())
    assert "small hidden=[8], activation='silu', dropout=0.1, optimizer=AdamW(learning_rate=0.01" in page
    assert "schedule=Cosine(length=9.0)" in page
    plans = json.loads(run(capsys, "show", fitted_file, "--json"))["plans"]
    assert {each["configuration"] for each in plans} == {"small", "linear"}
    assert sum(each["weight"] for each in plans) == pytest.approx(1.0)

    model, plan, network = cr.load(fitted_file), tmp_path / "plan.toml", tmp_path / "network.creche"
    assert isinstance(model, cr.FittedModel)
    best = max(model.record.tried, key=lambda each: each.weight)
    other = min(model.record.tried, key=lambda each: each.weight)
    for chosen, options in ((best, []), (other, ["--configuration", other.name])):
        run(capsys, "show", fitted_file, "--save-plan", plan, *options)
        run(capsys, "train", "penguins", "--plan", plan, "-o", network)
        trained = cr.load(network)
        assert isinstance(trained, cr.Model)
        assert trained.plan.epochs == chosen.epoch
        assert trained.plan.optimizer.learning_rate == chosen.arguments["learning_rate"]
        assert [layer.width for layer in trained.plan.network.layers[:-1]] == chosen.arguments["hidden"]


def test_a_plan_that_cannot_be_written(capsys: pytest.CaptureFixture[str], fitted_file: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    for arguments, text in (
        (["--save-plan", str(plan), "--configuration", "smal"], "did you mean 'small'? Choose one of"),
        (["--configuration", "small"], "--configuration: names the plan to write; say where to with --save-plan FILE"),
    ):
        assert main(["show", str(fitted_file), *arguments]) == 2
        assert text in capsys.readouterr().err
    assert not plan.exists()


def test_verify(capsys: pytest.CaptureFixture[str], fitted_file: Path, tmp_path: Path) -> None:
    assert run(capsys, "verify", fitted_file, "penguins").startswith("verified:")
    changed = tmp_path / "changed.csv"
    changed.write_text(PENGUINS_CSV.read_text().replace("39.1,", "35.2,", 1))
    assert main(["verify", str(fitted_file), str(changed)]) == 1
    assert "column 'bill_length_mm' has different values" in capsys.readouterr().out


def test_predict_evaluate_and_explain(capsys: pytest.CaptureFixture[str], fitted_file: Path, tmp_path: Path) -> None:
    run(capsys, "predict", fitted_file, "penguins", "-o", tmp_path / "p.csv")
    predicted = pl.read_csv(tmp_path / "p.csv")
    assert predicted["predicted_species"].to_list() == cr.load(fitted_file).predict("penguins").tolist()
    assert {"probability_Adelie", "disagreement"} <= set(predicted.columns)
    assert "all 344 of these rows were training rows" in run(capsys, "evaluate", fitted_file, "penguins")
    explained = run(capsys, "explain", fitted_file, "penguins")
    assert "its increase when one column is shuffled" in explained
    assert "were training rows" in explained
    one = run(capsys, "explain", fitted_file, "penguins", "--row", "3")
    assert "flipper_length_mm" in one
    assert "rows    344" in run(capsys, "partial-dependence", fitted_file, "penguins", "--column", "body_mass_g")


@pytest.mark.parametrize("command", ["trace", "loss-against-weight"])
def test_what_needs_one_network_says_so(
    capsys: pytest.CaptureFixture[str], fitted_file: Path, command: str, tmp_path: Path
) -> None:
    assert main([command, str(fitted_file), "penguins"]) == 2
    assert "networks; give the model of one" in capsys.readouterr().err


@pytest.mark.usefixtures("without_pictures")
def test_report(capsys: pytest.CaptureFixture[str], fitted_file: Path, regression_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for file in (fitted_file, regression_file):
        model: Any = cr.load(file)
        page, card = tmp_path / "r.html", tmp_path / "card.md"
        drop = [] if model.classes else ["--drop-unlabelled"]
        run(capsys, "report", file, "penguins", "-o", page, "--card", card, *drop)
        for text in (page.read_text(), card.read_text()):
            rows = f"On {model.record.judged_rows} rows that its networks were not trained on (out of fold), its"
            assert rows in text
            assert f"the {model.record.rows} rows it was trained on" in text
            assert "so the metrics are too optimistic; the out-of-fold metrics are those to expect on new rows" in text
        assert "2 configurations were trained on 3 folds" in page.read_text()
        assert "The table of this report is the table that the model was trained on" in page.read_text()


def test_report_on_other_rows(fitted_file: Path, tmp_path: Path) -> None:
    rows = pl.read_csv(PENGUINS_CSV, null_values="NA").with_columns(pl.col("body_mass_g") + 1).head(40)
    rows.write_csv(tmp_path / "other.csv")
    assert create_subject(fitted_file, tmp_path / "other.csv").part == "other"


@pytest.mark.usefixtures("without_pictures")
def test_plot(
    capsys: pytest.CaptureFixture[str], fitted_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("creche.plots.save.render_picture", lambda *_: b"picture")
    printed = run(capsys, "plot", fitted_file, "penguins", "-o", tmp_path / "plots")
    names = [Path(line).stem for line in printed.splitlines()]
    assert names == ["loss_curves", "confusion_matrix", "reliability_diagram", "roc_curves", "precision_recall"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "penguins"], "--label: is missing; name the column to predict"),
        ([*FIT[:4], "--effort", "bset"], "--effort: got 'bset'; did you mean 'best'?"),
        (
            [*FIT, "--metric", "rmse"],
            "--metric: got 'rmse', which is for regression, and the task is classification; choose one of accuracy",
        ),
        ([*FIT, "--time-limit", "0"], "--time-limit: got 0"),
        ([*FIT, "--group", "nest"], "has no column 'nest'"),
        (["fit", "none.csv", "--label", "y"], "none.csv: there is no such file"),
        ([*FIT, "-o", "no/m.creche"], "there is no folder"),
    ],
)
def test_what_cannot_be_fitted_is_an_error(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed, told = capsys.readouterr()
    assert message in told
    assert printed == ""
    assert not list(tmp_path.iterdir())


def test_ctrl_c_keeps_the_best_so_far(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creche.fitting import search

    reports = iter(range(100))

    def report(*_: Any) -> None:
        if next(reports) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "_report", report)
    path = tmp_path / "m.creche"
    assert main([*FIT, "-o", str(path)]) == 130
    assert "fast, " in capsys.readouterr().out
    model = cr.load(path)
    assert isinstance(model, cr.FittedModel)
    assert model.record.status == "interrupted"
    monkeypatch.undo()
    assert cr.verify(path, "penguins").same


def test_ctrl_c_before_the_first_epoch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creche.fitting import search

    def report(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "_report", report)
    assert main([*FIT, "-o", str(tmp_path / "m.creche")]) == 130
    assert "stopped before any network had finished an epoch" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_other_ways_to_write_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "t.txt"
    table.write_text(PENGUINS_CSV.read_text().replace(",", ";"))
    arguments = ["--format", "csv", "--separator", ";", "--json"]
    facts = json.loads(run(capsys, "fit", table, *FIT[2:], *arguments))
    assert facts["record"]["rows"] == 344


def test_a_checkpoint_is_continued(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creche.fitting import search

    monkeypatch.chdir(tmp_path)
    reports = iter(range(1000))

    def report(*_: Any) -> None:
        if next(reports) == 14:
            raise KeyboardInterrupt

    job = [*FIT[:4], "--effort", "best", "--threads", "1", "--checkpoint", "work.creche-fit"]
    with monkeypatch.context() as patch:
        patch.setattr(search.Search, "_report", report)
        assert main([*job, "--json"]) == 130
    assert main([*job, "--json"]) == 2
    assert "holds this fit already; continue it with --resume" in capsys.readouterr().err
    run(capsys, *job, "--resume", "-o", "m.creche")
    whole = cr.fit("penguins", label="species", effort="best", threads=1)
    assert weights_of(cr.load("m.creche")) == weights_of(whole)  # type: ignore[arg-type]
    assert main([*FIT, "--resume"]) == 2
    assert "--resume: needs the file to continue from" in capsys.readouterr().err
