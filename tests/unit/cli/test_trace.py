"""``creche trace``, and why ``creche train`` diverged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import creche as cr
from tests.unit.cli.commands import main

Out = pytest.CaptureFixture[str]


def test_it_prints_the_step(model_file: Path, capsys: Out) -> None:
    assert main(["trace", str(model_file), "penguins", "--rows", "1-20"]) == 0
    printed = capsys.readouterr().out
    for what in ("20 rows of penguins: 1 to 20", "island=Torgersen", "value × weight", "Chinstrap", "second moment"):
        assert what in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_rows_by_the_numbers_that_pages_print(model_file: Path, capsys: Out) -> None:
    assert main(["trace", str(model_file), "penguins", "--rows", "3,38", "--neuron", "2:1"]) == 0
    printed = capsys.readouterr().out
    assert "2 rows of penguins: 3, 38" in printed
    assert "Neuron 1 of layer 2: forward pass" in printed


def test_json_is_what_python_gives(model_file: Path, capsys: Out) -> None:
    assert main(["trace", str(model_file), "penguins", "--rows", "1-5", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(
        json.dumps(cr.explain.trace(cr.load(model_file), "penguins", rows=slice(1, 6)).to_dict())
    )
    assert printed["rows"] == [1, 2, 3, 4, 5]


def test_the_page(model_file: Path, tmp_path: Path, capsys: Out) -> None:
    page = tmp_path / "step.html"
    assert main(["trace", str(model_file), "penguins", "--rows", "1-5", "--html", str(page)]) == 0
    assert "Trace(step 1 on 5 rows of penguins" in capsys.readouterr().out
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "1-500"], "rows: there is no row 500; the rows are numbered 1 to 344"),
        (["--rows", "0"], "rows: there is no row 0; the rows are numbered 1 to 344"),
        (["--rows", "0:20"], "--rows: got '0:20'; needs row numbers: 1-20, or 3,38"),
        (["--rows", "1-2-3"], "needs row numbers"),
        (["--neuron", "9:0"], "there is no layer 9"),
        (["--neuron", "three"], "needs a layer and a neuron, such as 1:3"),
        (["--html", "nowhere/step.html"], "there is no folder"),
    ],
)
def test_wrong_calls(model_file: Path, capsys: Out, arguments: list[str], message: str) -> None:
    assert main(["trace", str(model_file), "penguins", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_rows_without_a_label(model_file: Path, tmp_path: Path, capsys: Out) -> None:
    table = cr.datasets.penguins().head(6)
    table = table.with_columns(species=table["species"].scatter(1, None))
    path = tmp_path / "some.csv"
    table.write_csv(path)
    assert main(["trace", str(model_file), str(path)]) == 2
    assert "row 2 is empty" in capsys.readouterr().err
    assert main(["trace", str(model_file), str(path), "--drop-unlabelled", "--rows", "3"]) == 0
    assert "1 row of " in capsys.readouterr().out
    assert main(["trace", str(model_file), str(path), "--drop-unlabelled", "--rows", "2"]) == 2
    assert "there is no row 2" in capsys.readouterr().err


def test_training_that_diverged_is_explained(capsys: Out) -> None:
    arguments = ["--label", "body_mass_g", "--drop-unlabelled", "--optimizer", "sgd", "--learning-rate", "5"]
    assert main(["train", "penguins", *arguments, "--hidden", "5", "--threads", "1"]) == 1
    printed = capsys.readouterr().err
    assert "training diverged in epoch" in printed
    assert "The learning rate is above the limit" in printed


def test_one_remedy_for_training_far_above_the_edge(capsys: Out) -> None:
    job = ["train", "penguins", "--label", "species", "--activation", "relu", "--optimizer", "sgd"]
    assert main([*job, "--learning-rate", "1e6"]) == 1
    printed = capsys.readouterr().err
    assert printed.count("Try a learning rate of") == 1
    tried = float(printed.rpartition("Try a learning rate of ")[2].split()[0])
    assert tried < 1
    assert main([*job, "--learning-rate", str(tried)]) == 0


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal(
    model_file: Path, columns: int, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["trace", str(model_file), "penguins", "--rows", "1-20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert "weight from" in "\n".join(lines)


def test_the_row_that_is_followed_is_worked_out(model_file: Path, capsys: Out) -> None:
    assert main(["trace", str(model_file), "penguins", "--rows", "1-20"]) == 0
    out = capsys.readouterr().out
    step = cr.explain.trace(cr.load(model_file), "penguins", rows=slice(1, 21))
    row = step.follow().row
    assert f"Row {row}: values and encoded inputs" in out
    assert f"In row {row} the squared error is (" in out
    assert f"forward pass of row {row}" in out


OBSERVATION = "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\nDream,37.3,16.8,192,3000,male\n"


@pytest.mark.parametrize("columns", [40, 80])
def test_a_row_without_a_label_goes_forward_only(
    model_file: Path, tmp_path: Path, columns: int, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    (tmp_path / "new.csv").write_text(OBSERVATION)
    assert main(["trace", str(model_file), str(tmp_path / "new.csv")]) == 0
    out = capsys.readouterr().out
    assert "Outputs of row 1" in out
    assert "backward" not in out
    probabilities = cr.load(model_file).predict_proba(tmp_path / "new.csv")[0]
    assert all(f"{p:.4f}" in out for p in probabilities)
    assert max(map(len, out.splitlines())) <= columns
    assert main(["trace", str(model_file), str(tmp_path / "new.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"] == [probabilities.tolist()]


def test_what_needs_a_label_is_told(model_file: Path, tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "new.csv").write_text(OBSERVATION)
    for option in (["--neuron", "1:2"], ["--html", str(tmp_path / "page.html")]):
        assert main(["trace", str(model_file), str(tmp_path / "new.csv"), *option]) == 2
        assert capsys.readouterr().err.startswith(f"creche: {option[0]}: needs the label 'species', which ")
