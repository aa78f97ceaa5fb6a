"""`creche sweep`: what is typed, what is shown, what is kept, and how it ends."""

from __future__ import annotations

import csv
import json
import signal
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.cli.options import NETWORK, TRAINING, Option, option_of
from creche.cli.value_lists import accept_several
from creche.pages.tables import format_score
from tests.unit.cli.commands import big_csv, main, process
from tests.unit.small_runs import PENGUINS_CSV

command = import_module("creche.cli.sweep")  # not the function of that name

SWEEP = ["sweep", "penguins", "--label", "species", "--epochs", "8", "--threads", "1"]
SOME = [*SWEEP, "--hidden", "5-5,4", "--optimizer", "sgd,adam", "--learning-rate", "0.001..0.1/3", "--seeds", "4"]


def the_same_sweep() -> cr.Colony:
    return cr.sweep(
        "penguins", label="species", epochs=8, threads=1, hidden=[[5, 5], [4]], optimizer=["sgd", "adam"],
        learning_rate=cr.log_range(0.001, 0.1, 3), seeds=4,
    )  # fmt: skip


def row(page: str, *begin: str) -> list[str]:
    return next(text.split() for text in page.splitlines() if text.split()[: len(begin)] == list(begin))


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_page_has_the_facts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(SOME) == 0
    page, err = capsys.readouterr()
    assert err == ""
    assert "…" not in page
    colony = the_same_sweep()
    assert "networks  48: 2 shapes × 2 optimizers × 3 learning rates × 4 seeds" in page
    assert "241 for training, 103 for validation" in page
    assert "on 1 thread, " in page
    for place, found in enumerate(colony.table().head(10).to_dicts(), 1):
        expected = [
            str(place), found["hidden"], found["optimizer"], f"{found['learning_rate']:.4g}", str(found["seed"]),
            *(format_score(found[name]) for name in ("train_loss", "validation_loss", "validation_accuracy")),
        ]  # fmt: skip
        assert any(text.split() == expected for text in page.splitlines()), expected
    for effect in colony.effects():
        assert f"{effect.share:.0%}" in row(page, *effect.argument.split("_"))
    best = colony.plans().row(0, named=True)
    numbers = [format_score(best[f"{statistic}_validation_loss"]) for statistic in ("mean", "std", "min", "max")]
    assert any(text.split()[-4:] == numbers for text in page.splitlines())
    member = colony.best()
    assert f"The best plan, hidden {'-'.join(map(str, member.choice['hidden']))}, optimizer" in page
    evaluation = member.evaluation
    assert isinstance(evaluation, cr.ClassificationEvaluation)
    assert row(page.partition(" total  recall")[2], "Adelie")[1:4] == [str(count) for count in evaluation.confusion[0]]
    assert "The best of 12 plans was chosen by these validation rows, so" in " ".join(page.split())


def test_json_has_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SOME, "--json", "--ensemble", "5"]) == 0
    data = json.loads(capsys.readouterr().out)
    colony = the_same_sweep()
    assert (data["networks"], data["varied_arguments"]) == (48, ["hidden", "optimizer", "learning_rate"])
    assert (data["ranking_metric"], data["diverged"], data["interrupted"]) == ("validation_loss", 0, False)
    assert data["members"] == json.loads(json.dumps(colony.table().to_dicts()))
    assert data["plans"] == json.loads(json.dumps(colony.plans().to_dicts()))
    assert cr.Plan.from_dict(data["best"]["plan"]) == colony.best().plan
    assert [effect["argument"] for effect in data["effects"]] == [effect.argument for effect in colony.effects()]
    assert data["ensemble"]["networks"] == len(colony.ensemble(5))


def test_the_best_is_kept_and_can_be_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "best.creche"
    assert main([*SOME, "-o", str(file)]) == 0
    assert main(["verify", str(file), "penguins"]) == 0
    capsys.readouterr()
    kept, best = cr.load(file), the_same_sweep().best().model
    np.testing.assert_array_equal(kept.predict_proba("penguins"), best.predict_proba("penguins"))


def test_the_network_with_the_lowest_loss_is_kept_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lowest.creche"
    assert main([*SOME, "-o", str(file), "--best-by", "network"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    colony = the_same_sweep()
    lowest = colony[int(np.argmin(colony.results.validation_loss))]
    assert lowest.number != colony.best().number
    assert "The network with the lowest loss, hidden " in page
    assert "The best of 48 networks was chosen" in page
    np.testing.assert_array_equal(cr.load(file).predict_proba("penguins"), lowest.model.predict_proba("penguins"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--best-by", "luck"], "--best-by: got 'luck'"),
        (["--best-by", "plan", "--ensemble", "3"], "--best-by: cannot be combined with --ensemble"),
        (["--best-by", "network", "--folds", "3"], "--best-by: cannot be combined with --folds"),
        (["--ensemble", "3", "--folds", "3"], "--ensemble: cannot be combined with --folds, whose networks have no"),
        (["--refit", "-o", "model.creche"], "--refit: needs cross-validation; add --folds"),
        (["--refit", "--folds", "3"], "--refit: needs a file for the model; name it with -o"),
    ],
)
def test_what_cannot_be_the_best_is_refused(typed: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, *typed]) == 2
    assert message in capsys.readouterr().err


def test_an_ensemble_is_saved_shown_evaluated_and_predicts_as_a_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "ensemble.creche", tmp_path / "predicted.csv"
    assert main([*SOME, "--ensemble", "6", "-o", str(file)]) == 0
    assert "ensemble of " in capsys.readouterr().out
    ensemble = cr.load(file)
    assert isinstance(ensemble, cr.Ensemble)
    monkeypatch.setattr("creche.model.predict_file.ROWS_AT_A_TIME", 100)
    assert main(["predict", str(file), str(PENGUINS_CSV), "-o", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    probabilities = ensemble.predict_proba("penguins")
    for i, name in enumerate(ensemble.classes or ()):
        predicted = [float(found[f"probability_{name}"]) for found in rows]
        np.testing.assert_allclose(predicted, probabilities[:, i], rtol=1e-12)
    assert [found["predicted_species"] for found in rows] == ensemble.predict("penguins").tolist()
    assert main(["evaluate", str(file), "penguins", "--json"]) == 0
    evaluation = ensemble.evaluate("penguins")
    assert isinstance(evaluation, cr.ClassificationEvaluation)
    assert json.loads(capsys.readouterr().out)["accuracy"] == evaluation.accuracy
    assert main(["show", str(file)]) == 0
    page = capsys.readouterr().out
    several = "s, whose predictions are averaged" if len(ensemble) > 1 else ""
    assert f"  {len(ensemble)} network{several}\n" in page
    assert f"{ensemble.shares[0]:.1%}" in page
    assert main(["show", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shares"] == ensemble.shares.tolist()
    assert main(["show", str(file), "--save-plan", str(tmp_path / "plan.toml")]) == 2
    assert "which have no plan in common" in capsys.readouterr().err


def test_numbers_and_test_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "line.csv"
    rng = np.random.default_rng(0)
    table.write_text(
        "a,b,y\n" + "".join(f"{a:.4f},{b:.4f},{900 * a - b:.3f}\n" for a, b in rng.standard_normal((90, 2)))
    )
    arguments = ["--label", "y", "--loss", "huber,squared_error", "--seeds", "2", "--test-fraction", "0.2"]
    assert main(["sweep", str(table), *arguments, "--epochs", "5", "--threads", "1"]) == 0
    page = capsys.readouterr().out
    assert "median validation root mean squared error" in page
    assert "testing rows" in page
    assert "optimistic" not in page


def test_each_seed_on_rows_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, file = [*SWEEP, "--seeds", "3", "--bootstrap"], tmp_path / "best.creche"
    assert main([*arguments, "-o", str(file)]) == 0
    assert "each seed trains on its own sample of the training rows" in capsys.readouterr().out
    assert main(["show", str(file)]) == 0
    assert "trained on a bootstrap sample drawn with seed " in " ".join(capsys.readouterr().out.split())
    assert main(["show", str(file), "--save-plan", str(tmp_path / "plan.toml")]) == 2
    assert "the network was trained on a bootstrap sample" in capsys.readouterr().err
    assert main(["verify", str(file), "penguins"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["bootstrap"] is True
    expected = cr.sweep("penguins", label="species", epochs=8, threads=1, seeds=3, bootstrap=True)
    assert data["members"] == json.loads(json.dumps(expected.table().to_dicts()))


def test_samples_and_halving(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--learning-rate", "1e-4..0.1", "--dropout", "0..0.5", "--samples", "40", "--halving", "0.5"]
    assert main([*SWEEP, *arguments, "--epochs", "16"]) == 0
    page = capsys.readouterr().out
    assert "40, drawn from dropout, learning rate" in page
    assert "stopped by halving" in page


@pytest.mark.parametrize(
    ("option", "typed", "expected"),
    [
        (Option("hidden", str, NETWORK, ""), "10-10", [10, 10]),
        (Option("hidden", str, NETWORK, ""), "5-5,8,none", [[5, 5], [8], []]),
        (Option("batch_size", int, TRAINING, ""), "32", 32),
        (Option("batch_size", int, TRAINING, ""), "8..512/4", cr.log_range(8, 512, 4)),
        (Option("learning_rate", float, TRAINING, ""), "1e-4..1", cr.log_range(1e-4, 1.0, 25)),
        (Option("learning_rate", float, TRAINING, ""), "0.001,1e-2..1/3", [0.001, 0.01, 0.1, 1.0]),
        (Option("dropout", float, NETWORK, ""), "0..0.5", cr.linear_range(0.0, 0.5, 11)),
        (Option("optimizer", str, TRAINING, ""), "sgd, adam", ["sgd", "adam"]),
        (option_of("shuffle"), "no", False),
        (option_of("shuffle"), "yes,no,windows:100,4", [True, False, "windows:100,4"]),
    ],
)
def test_several_values_as_they_are_typed(option: Option, typed: str, expected: Any) -> None:
    parse = accept_several(option).parse
    assert parse is not None
    assert parse(typed) == expected


WRONG = [
    (
        ["--learning-rate", "fast"],
        "--learning-rate: got 'fast'; needs a number, several separated by commas, or a range",
    ),
    (["--learning-rate", "1..0.1"], "--learning-rate: goes from 1 down to 0.1; give the lower number first"),
    (["--learning-rate", "0.1..0.2/0"], "--learning-rate: got 0 values"),
    (["--learning-rate", "nan..1"], "--learning-rate: got nan; needs finite numbers"),
    (["--learning-rate", ".."], "--learning-rate: got '..'"),
    (["--batch-size", "1.5"], "--batch-size: got '1.5'; needs a whole number"),
    (["--hidden", "5,5"], "hidden: got [5] twice"),
    (["--hidden", "x"], "--hidden: got 'x'; needs widths of hidden layers such as 10-10"),
    (["--optimizer", "adam,sdg"], "'sdg'"),
    (["--label", "specie"], "did you mean 'species'?"),
    (["--samples", "3"], "samples: got 3, but no argument has several values"),
    (["--top", "0"], "--top: got 0; needs a whole number of at least 1"),
    (["--ensemble", "0"], "--ensemble: got 0"),
    (["--resume"], "--resume: needs the file to continue from; give it as --checkpoint"),
    (["-o", "/no/such/folder/best.creche"], "there is no folder /no/such/folder"),
    (["--checkpoint", "/no/such/folder/sweep"], "there is no folder /no/such/folder"),
    (["--seeds", "10000000000"], "networks needs about"),
    (["--halving", "3"], "halving: keep is 3.0"),
    (["--seeds", "0"], "seeds: got 0; needs a whole number of at least 1"),
    (["--learning-rate", "1e-4..1/1000000000"], "a sweep of 1,000,000,000 networks needs about"),
    (["--learning-rate", "1e-4..1", "--samples", "1000000000"], "or draw some combinations with --samples 1000"),
    (["--learning-rate", "0.5,1e-4..1/1000000000"], "other values, a range can have at most 10,000 values"),
    (["--learning-rate", "0.1..0.1"], "--learning-rate: got '0.1..0.1', a range of one number"),
    (["--learning-rate", "-1..1"], "--learning-rate: got -1; needs a number of at least 0"),
    (["--learning-rate", ""], "--learning-rate: got ''; needs a number"),
    (["--residual", "maybe"], "--residual: got 'maybe'; needs yes or no, or both: yes,no"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_a_wrong_call_ends_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("creche: ")
    assert message in err


def test_yes_and_no_are_values(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--hidden", "6-6", "--residual", "no,yes", "--scale-inputs", "yes", "--normalization", "none,layer"]
    assert main([*SWEEP, *call, "--seeds", "1"]) == 0
    assert "4: 2 normalizations × 2 values of residual" in " ".join(capsys.readouterr().out.split())


def test_without_a_label(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "penguins"]) == 2
    assert "--label: is missing" in capsys.readouterr().err


def test_where_all_diverge_it_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "--optimizer", "sgd", "--learning-rate", "1e7,1e8", "--activation", "relu"]) == 1
    err = capsys.readouterr().err
    assert "all 2 networks diverged" in err
    assert "Try lower ones, from 10000 to 1e+06; or --preprocessing standard" in err


def test_a_long_sweep_needs_yes(tmp_path: Path) -> None:
    """In a process of its own, whose standard input is not a terminal."""
    long = ["sweep", "penguins", "--label", "species", "--epochs", "300000", "--seeds", "64"]
    done = process(*long, given="")
    assert done.returncode == 2
    assert "creche: 64 networks, about " in done.stderr
    assert "--yes: is missing" in done.stderr
    assert done.stdout == ""


def test_a_sweep_goes_on_from_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep"
    assert main([*SOME, "--checkpoint", str(file), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*SOME, "--checkpoint", str(file), "--json"]) == 2
    assert "holds this sweep already; continue it with --resume" in capsys.readouterr().err
    assert main([*SOME, "--checkpoint", str(file), "--resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"] == first["members"]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["page", "json"])
def test_ctrl_c_shows_what_was_done_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: list[str]
) -> None:
    def press(colony: cr.Colony) -> None:
        if any(member.epoch > 0 for member in colony):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(command, "sweep_progress", lambda quiet: nullcontext(press))
    file = tmp_path / "sweep"
    arguments = ["--label", "y", "--epochs", "1000000", "--hidden", "4", "--seeds", "20", "--yes", "--threads", "1"]
    assert main(["sweep", str(big_csv(tmp_path)), *arguments, "--checkpoint", str(file), *form]) == 130
    out, err = capsys.readouterr()
    assert "constant in the training rows" in err
    assert "20 networks, about " in err  # it takes long, so the estimate is told
    assert "Traceback" not in err
    assert file.exists()
    if form:
        data = json.loads(out)
        assert data["interrupted"]
        assert {member["status"] for member in data["members"]} == {"running"}
    else:
        assert "interrupted with 0 of 20 done" in out
        assert "on 900 validation rows" in out


def test_plans_on_folds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = [*SWEEP, "--hidden", "5,10", "--learning-rate", "0.01,0.03", "--folds", "3", "--repeats", "2"]
    assert main(arguments) == 0
    page = capsys.readouterr().out
    assert "344 in 3 folds" in page
    assert "24: 2 shapes × 2 learning rates × 2 repeats × 3 folds" in page
    assert "so its mean is optimistic" in " ".join(page.split())
    colony = cr.sweep(
        "penguins", label="species", epochs=8, threads=1, hidden=[[5], [10]], learning_rate=[0.01, 0.03], folds=3,
        repeats=2,
    )  # fmt: skip
    for place, found in enumerate(colony.plans().to_dicts(), 1):
        values = [found[f"{of}_validation_loss"] for of in ("mean", "low", "high", "std")]
        numbers = [f"{value:.4f}" if value == 0 or value >= 0.001 else f"{value:.3g}" for value in values]
        numbers.insert(2, "to")
        behind = [] if place == 1 else [f"{found['low_gap']:.2g}", "to", f"{found['high_gap']:.2g}"]
        expected = [str(place), found["hidden"], f"{found['learning_rate']:.4g}", *numbers, *behind]
        assert any(text.split() == expected for text in page.splitlines()), expected
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plans"] == json.loads(json.dumps(colony.plans().to_dicts()))


def test_the_best_plan_on_folds_leaves_a_model_that_can_be_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folds = [*SWEEP, "--hidden", "5,10", "--folds", "3", "--repeats", "2"]
    ensemble, refitted = tmp_path / "ensemble.creche", tmp_path / "refitted.creche"
    assert main([*folds, "-o", str(ensemble)]) == 0
    assert "ensemble.creche: the ensemble of the 6 networks" in " ".join(capsys.readouterr().out.split())
    assert main([*folds, "--refit", "-o", str(refitted)]) == 0
    assert "refitted.creche: one network, trained on all 344 rows for" in " ".join(capsys.readouterr().out.split())
    for file in (ensemble, refitted):
        assert main(["verify", str(file), "penguins"]) == 0
    loaded = cr.load(ensemble)
    colony = cr.sweep("penguins", label="species", epochs=8, threads=1, hidden=[[5], [10]], folds=3, repeats=2)
    best = colony.plans()["hidden"][0]
    assert isinstance(loaded, cr.Ensemble)
    assert {str(model.plan.network).split("-")[1] for model in loaded.models} == {best}
