"""The command ``creche loss-against-weight`` and its picture in text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.pages.charts import HEIGHT, WIDTH, draw_curve
from tests.unit.cli.commands import main

COMMAND = "loss-against-weight"


def test_the_page(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main([COMMAND, str(model_file), "penguins", "--source", "bill_length_mm", "--target", "3", "--threads", "1"])
        == 0
    )
    page = capsys.readouterr().out
    model = cr.load(model_file)
    curve = cr.explain.loss_against_weight(model, "penguins", source="bill_length_mm", target=3, threads=1)
    assert "weight    from bill_length_mm to neuron 3 of layer 1" in page
    assert f"value     {curve.weight:.6g}, loss {curve.loss:.6g}" in page
    assert f"gradient  {curve.gradient:.4g}, the slope of the tangent" in page
    for n, step in enumerate(curve.steps, start=1):
        line = next(line for line in page.splitlines() if line.startswith(f"  {n}     {step.verdict}"))
        numbers = [f"{step.learning_rate:.4g}", f"{step.weight:.6g}", f"{step.loss:.6g}"]
        assert line.split()[-3:] == numbers
    assert "●" in page


@pytest.mark.parametrize("columns", [40, 80])
def test_the_steepest_weight_on_a_narrow_terminal(
    model_file: Path, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([COMMAND, str(model_file), "penguins"]) == 0
    page = capsys.readouterr().out
    curve = cr.explain.loss_against_weight(cr.load(model_file), "penguins")
    assert f"{curve.gradient:.4g}, the slope of the" in page
    assert curve.slope in " ".join(page.split())
    assert max(map(len, page.splitlines())) <= columns
    assert "…" not in page


def test_json_is_what_python_gives(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["--layer", "2", "--bias", "--target", "Gentoo", "--learning-rate", "0.1,20", "--between", "-1..3"]
    assert main([COMMAND, str(model_file), "penguins", *typed, "--points", "11", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    expected = cr.explain.loss_against_weight(
        cr.load(model_file), "penguins", layer=2, source="bias", target=2, learning_rate=[0.1, 20], between=(-1, 3),
        points=11,
    )  # fmt: skip
    assert data == expected.to_dict()
    assert data["name"] == "bias of Gentoo"
    assert (data["weights"][0], data["weights"][-1]) == (-1, 3)


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_picture(model_file: Path, tmp_path: Path, ending: str, begins: bytes) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curve.{ending}"
    assert main([COMMAND, str(model_file), "penguins", "--source", "3", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            ["--source", "bill_lenght_mm"],
            "got 'bill_lenght_mm'; did you mean 'bill_length_mm'?",
        ),
        (["--source", "99"], "got 99; the weights of layer 0 come from inputs 0 to 13, or 'bias'"),
        (["--layer", "7"], "layer: got 7; the network 14-5-5-3 has weights of layers 0 to 2"),
        (["--layer", "2", "--target", "Gento"], "got 'Gento'; did you mean 'Gentoo'?"),
        (["--learning-rate", "fast"], "--learning-rate: got 'fast'; needs a number"),
        (["--learning-rate", "-1"], "--learning-rate: got -1; needs a number above 0"),
        (["--between", "1"], "--between: got '1'; needs two numbers, such as -2..2"),
        (["--between", "2..1"], "--between: got (2.0, 1.0); needs two numbers, the lower first"),
        (["--plot", "nowhere/curve.png"], "nowhere/curve.png: cannot be written: there is no folder"),
        (["--plot", "curve.words"], "--plot: curve.words: matplotlib writes no files of the format 'words'"),
    ],
)
def test_wrong_calls(
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([COMMAND, str(model_file), "penguins", *typed]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (out, "Traceback" in err, list(tmp_path.iterdir())) == ("", False, [])


def test_an_ensemble_has_no_weight_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colony = cr.sweep("penguins", label="species", hidden=[3], seeds=3, epochs=2, threads=1)
    colony.ensemble(2).save(tmp_path / "several.creche")
    assert main([COMMAND, str(tmp_path / "several.creche"), "penguins"]) == 2
    assert "holds an ensemble of" in capsys.readouterr().err


def test_rows_without_a_label_and_weights_of_rows(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import polars as pl

    table = cr.datasets.penguins().with_columns(pl.Series("count", np.arange(344.0) + 1))
    table = table.with_columns(pl.when(pl.arange(344) < 5).then(None).otherwise(pl.col("species")).alias("species"))
    table.write_csv(tmp_path / "new.csv")
    typed = [COMMAND, str(model_file), str(tmp_path / "new.csv"), "--sample-weight", "count", "--json"]
    assert main(typed) == 2
    assert "--drop-unlabelled" in capsys.readouterr().err
    assert main([*typed, "--drop-unlabelled"]) == 0
    data = json.loads(capsys.readouterr().out)
    whole = cr.datasets.penguins()[5:]
    expected = cr.explain.loss_against_weight(cr.load(model_file), whole, sample_weight=np.arange(344.0)[5:] + 1)
    assert data["loss"] == expected.loss


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([COMMAND, "--help"]) == 0
    assert "creche loss-against-weight penguins.creche penguins.csv" in capsys.readouterr().out


def test_a_curve_in_text() -> None:
    x = np.linspace(-1, 1, 201)
    text = draw_curve(x, x**2, [(0.5, 0.25, ("●", "")), (9.0, 0.0, ("!", ""))]).plain.splitlines()
    assert len(text) == HEIGHT + 1
    canvas = [line[11:].ljust(WIDTH) for line in text[:-1]]
    assert canvas[0][0] == canvas[0][-1] == canvas[-1][WIDTH // 2] == "·"
    row = HEIGHT - 1 - round(0.25 * (HEIGHT - 1))
    assert canvas[row][round(0.75 * (WIDTH - 1))] == "●"
    assert "!" not in "".join(text)
    assert [line.split()[0] for line in (text[0], text[HEIGHT - 1])] == ["1", "0"]
    assert text[-1].split() == ["-1", "1"]
    level = draw_curve(x, np.ones_like(x)).plain.splitlines()
    assert level[HEIGHT // 2][11:] == "·" * WIDTH
