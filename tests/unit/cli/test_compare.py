"""The command ``creche compare``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.commands import main

Out = pytest.CaptureFixture[str]
COMPARE = ["compare", "penguins-four", "--label", "species", "--hidden", "5,5", "--threads", "1"]
RATES = ["--activation", "relu", "--optimizer", "sgd", "--learning-rate", "0.001,0.3,1e12", "--epochs", "40"]


@pytest.mark.parametrize("columns", [40, 80])
def test_the_page_has_curves_and_verdicts(columns: int, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*COMPARE, *RATES]) == 0
    out = capsys.readouterr().out
    flat = " ".join(out.split())
    assert "3 runs from one start" in out
    assert "1 learning rate 0.001: too low; the loss hardly changed, from" in flat
    assert "2 learning rate 0.3: good; its final loss" in flat
    assert "3 learning rate 1e+12: diverged; the loss stopped being finite in epoch 1." in flat
    assert max(map(len, out.splitlines())) <= columns


def test_three_optimizers_by_default_as_json(capsys: Out) -> None:
    assert main([*COMPARE, "--epochs", "10", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [run["choice"] for run in data["runs"]] == [{"optimizer": name} for name in ("sgd", "adadelta", "adam")]
    assert len({run["losses"][0] for run in data["runs"]}) == 1
    assert data["best"] == min(data["runs"], key=lambda run: run["losses"][-1])["name"]
    assert {"verdict", "reason", "status", "steps", "validation_losses"} <= data["runs"][0].keys()


@pytest.mark.usefixtures("without_pictures")
def test_the_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert main([*COMPARE, "--epochs", "3", "--plot", str(tmp_path / "runs.svg")]) == 0
    assert (tmp_path / "runs.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizer", "adam"], "nothing varies; give several values, such as --learning-rate 0.001,0.01,0.1"),
        ([*RATES, "--learning-rate", "1e12,1e13"], "every run ends with a loss that is not finite"),
        (["--optimizer", "adm,sgd"], "--optimizer: got 'adm'; did you mean 'adam'?"),
        (["--label", "specie"], "--label: penguins-four has no column 'specie'; did you mean 'species'?"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: Out) -> None:
    assert main([*COMPARE, *arguments]) in (1, 2)
    assert capsys.readouterr().err.startswith(f"creche: {message}")


def test_a_missing_label(capsys: Out) -> None:
    assert main(["compare", "penguins-four"]) == 2
    assert capsys.readouterr().err.startswith("creche: --label: is missing")
