"""``--device``: on each command that trains or predicts, and a sentence where this machine does not have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.commands import main

LABEL = ["penguins", "--label", "species"]


@pytest.mark.parametrize(
    "command",
    [
        ["train", *LABEL], ["train", *LABEL, "--folds", "3"], ["fit", *LABEL],
        ["sweep", *LABEL, "--learning-rate", "0.01,0.1"], ["find-learning-rate", *LABEL],
        ["predict", "{model}", "penguins"], ["evaluate", "{model}", "penguins"], ["verify", "{model}", "penguins"],
    ],
    ids=lambda command: " ".join(command[:1] + command[3:5]),
)  # fmt: skip
def test_an_unknown_device_is_refused_in_the_words_of_the_command_line(
    command: list[str], model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main([*(part.format(model=model_file) for part in command), "--device", "gpu"]) == 2
    assert capsys.readouterr().err == (
        "creche: --device: got 'gpu'; did you mean 'cuda'? Choose one of cpu, cuda, cuda:1, mps, auto\n"
    )


def test_the_processor_is_a_device(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    printed = []
    for device in ([], ["--device", "cpu"]):
        assert main(["predict", str(model_file), "penguins", *device]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""
    assert main(["verify", str(model_file), "penguins", "--device", "cpu", "--json"]) == 0


def test_the_environment_sets_the_device(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CRECHE_DEVICE", "tpu")
    assert main(["train", *LABEL]) == 2
    assert capsys.readouterr().err.startswith("creche: CRECHE_DEVICE: got 'tpu'; ")
    assert main(["train", *LABEL, "--epochs", "1", "--device", "cpu", "--json"]) == 0
