"""`creche train --folds`: what is shown, what is kept, and how it ends."""

from __future__ import annotations

import csv
import json
import signal
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest

import creche as cr
from creche.model_selection.fold_training import FoldNetworks
from tests.unit.cli.commands import PENGUINS, big_csv, main

command = import_module("creche.cli.cross_validate")

FOLDS = [*PENGUINS, "--hidden", "5", "--epochs", "20", "--threads", "1", "--folds", "3"]
MANY = [*FOLDS, "--repeats", "2", "--seeds", "4"]


def the_same(**arguments: int) -> cr.CrossValidation:
    return cr.cross_validate("penguins", label="species", hidden=[5], epochs=20, threads=1, folds=3, **arguments)


def row(page: str, *begin: str) -> list[str]:
    return next(text.split() for text in page.splitlines() if text.split()[: len(begin)] == list(begin))


def test_the_page_of_one_network_for_each_fold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(FOLDS) == 0
    page, err = capsys.readouterr()
    assert err == ""
    assert "3 networks, each evaluated on its held-out fold" in page
    assert "on 344 held-out rows" in page
    accuracy = the_same().summary()["accuracy"]
    numbers = [f"{value:.4f}" for value in (accuracy.mean, accuracy.low, accuracy.high, accuracy.std)]
    assert row(page, "accuracy") == ["accuracy", numbers[0], numbers[1], "to", numbers[2], numbers[3]]
    assert "share of variance" not in page
    assert "most uncertain" not in page


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_page_with_repeats_and_seeds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(MANY) == 0
    page = capsys.readouterr().out
    assert max(map(len, page.splitlines())) <= int(columns)
    crossed = the_same(repeats=2, seeds=4)
    assert "24 networks, each evaluated on its held-out fold" in page
    assert "3 folds × 2 repeats × 4 seeds, trained in " in page
    share = crossed.summary()["log_loss"].share_of_seed
    assert row(page, "log", "loss")[-2:] == [f"{1 - share:.0%}", f"{share:.0%}"]
    third = [e.metrics()["accuracy"] for e in crossed.evaluations[20:]]
    assert row(page, "2", "3")[:4] == ["2", "3", "114", f"{sum(third) / 4:.4f}"]
    assert "the mean of the 8 networks that were not trained on the row" in " ".join(page.split())
    first = crossed.most_uncertain_rows()[0]
    expected = ["row", str(first.row), first.true, first.predicted, f"{first.disagreement:.4f}"]
    assert any(text.split() == expected for text in page.splitlines())


def test_a_model_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ensemble, refitted = tmp_path / "ensemble.creche", tmp_path / "refitted.creche"
    assert main([*FOLDS, "-o", str(ensemble)]) == 0
    assert "ensemble.creche: the ensemble of the 3 networks" in " ".join(capsys.readouterr().out.split())
    loaded = cr.load(ensemble)
    assert isinstance(loaded, cr.Ensemble)
    assert len(loaded) == 3
    assert main(["show", str(ensemble)]) == 0
    assert "on 344 out-of-fold rows" in capsys.readouterr().out
    assert main([*FOLDS, "--refit", "-o", str(refitted)]) == 0
    assert "refitted.creche: one network, trained on all 344 rows for" in " ".join(capsys.readouterr().out.split())
    assert main(["verify", str(refitted), "penguins"]) == 0


def test_refitting_needs_folds_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FOLDS, "--refit"]) == 2
    assert "--refit: needs a file for the model; name it with -o" in capsys.readouterr().err
    assert main([*PENGUINS, "--refit", "-o", "model.creche"]) == 2
    assert "--refit: needs cross-validation; add --folds" in capsys.readouterr().err


def test_json_and_a_file_of_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "held_out.csv"
    assert main([*MANY, "--json", "--predictions", str(file)]) == 0
    data = json.loads(capsys.readouterr().out)
    crossed = the_same(repeats=2, seeds=4)
    assert (data["folds"], data["repeats"], data["seeds"], data["interrupted"]) == (3, 2, 4, False)
    assert [(n["repeat"], n["fold"], n["seed"]) for n in data["networks"]][4:9] == [
        (1, 2, 0), (1, 2, 1), (1, 2, 2), (1, 2, 3), (1, 3, 0),
    ]  # fmt: skip
    assert data["summary"]["auc"] == json.loads(json.dumps(crossed.summary()["auc"].to_dict()))
    assert data["evaluation"]["log_loss"] == crossed.evaluation.metrics()["log_loss"]
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [int(found["row"]) for found in rows] == list(range(1, 345))
    assert [found["predicted_species"] for found in rows] == crossed.predictions_table()["predicted_species"].to_list()
    assert [float(found["disagreement"]) for found in rows] == pytest.approx(crossed.disagreement.tolist(), rel=1e-12)


def test_several_labels_of_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "held_out.jsonl"
    arguments = ["--label", "body_mass_g,bill_length_mm", "--drop-unlabelled", "--epochs", "5", "--hidden", "5"]
    assert main(["train", "penguins", *arguments, "--folds", "2", "--seeds", "2", "--predictions", str(file)]) == 0
    assert row(capsys.readouterr().out, "root", "mean", "squared", "error")
    first = json.loads(file.read_text().splitlines()[0])
    assert list(first) == [
        "row", "true_body_mass_g", "true_bill_length_mm", "predicted_body_mass_g", "predicted_bill_length_mm",
        "disagreement", "networks",
    ]  # fmt: skip
    assert (first["row"], first["true_body_mass_g"], first["true_bill_length_mm"]) == (1, 3750, 39.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*FOLDS, "--seeds", "0"], "seeds: got 0; needs a whole number of at least 1"),
        ([*FOLDS, "--predictions", "held_out.xyz"], "held_out.xyz: its name has no known suffix"),
        ([*FOLDS, "--predictions", "-"], "--predictions: got '-', but the page goes to standard output"),
        ([*FOLDS, "--predictions", "/no/such/folder/x.csv"], "there is no folder /no/such/folder"),
        ([*PENGUINS, "--seeds", "3"], "--seeds: needs cross-validation; add --folds, such as --folds 5; for"),
        ([*PENGUINS, "--predictions", "x.csv"], "--predictions: needs cross-validation; add --folds"),
    ],
    ids=lambda value: " ".join(value[3:]) if isinstance(value, list) else "",
)
def test_a_wrong_call_ends_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.usefixtures("interruptible", "reports_often")
@pytest.mark.parametrize(
    ("epochs", "seeds"), [("1000", "1000"), ("1000000", "20")], ids=["some are done", "none is done"]
)
def test_ctrl_c_shows_what_was_done_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, epochs: str, seeds: str
) -> None:
    def press(networks: FoldNetworks) -> None:
        if networks.done >= 3 if seeds == "1000" else networks.epochs[0] > 0:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(command, "folds_progress", lambda quiet: nullcontext(press))
    arguments = ["--label", "y", "--hidden", "2", "--batch-size", "3000", "--threads", "1", "--folds", "3"]
    assert main(["train", str(big_csv(tmp_path)), *arguments, "--epochs", epochs, "--seeds", seeds]) == 130
    out, err = capsys.readouterr()
    assert err.count("constant in the training rows") == 1  # once for all folds
    assert "Traceback" not in err
    if seeds == "20":
        assert out == ""
        assert "stopped before any network had finished" in err
    else:
        assert "interrupted: unfinished networks were dropped" in out
