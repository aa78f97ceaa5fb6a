"""`creche train --diagnose`: the same findings as in Python, in options, after the page."""

from __future__ import annotations

import json

import pytest

import creche as cr
from creche.explain.diagnosis.rules import RULES
from tests.unit.cli.commands import main
from tests.unit.small_runs import quick

SLOW = ["train", "penguins", "--label", "species", "--hidden", "5", "--optimizer", "sgd", "--learning-rate", "1e-4"]


def test_the_page_ends_with_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SLOW, "--epochs", "30", "--threads", "1", "--diagnose"]) == 0
    page = capsys.readouterr().out
    slow = {"label": "species", "hidden": [5], "activation": "tanh", "optimizer": "sgd", "learning_rate": 1e-4}
    run = quick("penguins", None, **slow, epochs=30)
    finding = cr.explain.diagnose(run)[0]
    assert finding.remedy is not None
    told = page[page.index("\nThe learning rate is too low\n") :]
    assert "true class" in page[: -len(told)]
    assert f"(--learning-rate {finding.remedy.arguments['learning_rate']:g}) gives a validation" in " ".join(
        told.split()
    )
    assert finding.meaning in " ".join(told.split())


def test_json_has_the_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SLOW, "--epochs", "30", "--threads", "1", "--diagnose", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["diagnosis"]["findings"]
    assert [finding["rule"] for finding in found] == ["learning_rate_too_low"]
    assert found[0]["trials"][0]["helped"] is True


def test_nothing_found_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    healthy = ["train", "penguins", "--label", "species", "--threads", "1", "--diagnose"]
    assert main(healthy) == 0
    epochs = cr.train("penguins", label="species", threads=1).epoch
    expected = f"Nothing found: {len(RULES)} rules were checked over {epochs} epochs."
    assert expected in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_diverged_run_is_diagnosed_before_the_error(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    job = [
        "train",
        "penguins",
        "--label",
        "bill_length_mm",
        "--task",
        "regression",
        "--drop-unlabelled",
        "--activation",
        "relu",
        "--threads",
        "1",
    ]
    assert (
        main([*job, "--preprocessing", "none", "--optimizer", "sgd", "--diagnose", *(["--json"] if as_json else [])])
        == 1
    )
    out, err = capsys.readouterr()
    assert "training diverged in epoch" in err
    if as_json:
        assert json.loads(out)["diagnosis"]["findings"][0]["rule"] == "divergence"
    else:
        assert out.startswith("Training diverged\n")
        assert "--preprocessing standard" in out


def test_ctrl_c_while_trying_cures_leaves_what_was_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("creche.explain.diagnosis.diagnose.run_trials", interrupted)
    assert main([*SLOW, "--epochs", "30", "--threads", "1", "--diagnose"]) == 130
    told = capsys.readouterr().out
    assert "\nThe learning rate is too low\n" in told
    assert "remedy   " not in told


def test_folds_are_not_diagnosed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "penguins", "--label", "species", "--folds", "3", "--diagnose"]) == 2
    assert "--diagnose: cannot be combined with --folds" in capsys.readouterr().err
