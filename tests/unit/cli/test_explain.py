"""The command ``creche explain``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from tests.unit.cli.commands import main


def test_the_importance_of_columns(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(model_file), "penguins", "--repeats", "5", "--threads", "1"]) == 0
    page = capsys.readouterr().out
    found = cr.explain.permutation_importance(cr.load(model_file), "penguins", repeats=5)
    lines = page.splitlines()
    assert lines[0] == f"log loss {found.score:.4f} on 344 rows;"
    begin = next(i for i, line in enumerate(lines) if line.split()[:1] == ["column"])
    for line, name, value, low, high in zip(
        lines[begin + 1 :], found.columns, found.importance, found.low, found.high, strict=False
    ):
        assert line.split()[:5] == [name, f"{value:.4f}", f"{low:.4f}", "to", f"{high:.4f}"]
    assert lines[begin + 1].endswith("█" * 24)
    assert "  241 of these 344 rows were training rows, so these numbers are too optimistic." in lines


def test_a_row_that_was_trained_on_is_told(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = cr.train("penguins", label="species", epochs=1, threads=1)
    assert run.prepared.validation is not None
    known, other = run.prepared.train.observations, run.prepared.validation.observations
    for number, is_known in ((known.row_numbers[0], True), (other.row_numbers[0], False)):
        assert main(["explain", str(model_file), "penguins", "--row", str(number)]) == 0
        assert ("The model was trained on this row." in capsys.readouterr().out) == is_known
        assert main(["explain", str(model_file), "penguins", "--row", str(number), "--json"]) == 0
        assert ("training_rows" in json.loads(capsys.readouterr().out)) == is_known


def test_one_row(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(model_file), "penguins", "--row", "12"]) == 0
    page = capsys.readouterr().out
    found = cr.explain.integrated_gradients(cr.load(model_file), "penguins", rows=12)
    assert page.startswith(f"probability of Adelie: {found.outputs[0]:.4f}\n")
    lines = [line.split() for line in page.splitlines()]
    assert ["baseline", "(a", "neutral", "row)", f"{found.baselines[0]:.4f}"] in lines
    for name, _, value in found.largest():
        line = next(line for line in lines if line[:1] == [name])
        assert float(line[2]) == pytest.approx(value, abs=5e-5)
    length = next(line for line in lines if line[:1] == ["bill_length_mm"])
    assert length[1] == "37.8"


def test_json_is_what_python_gives(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = cr.load(model_file)
    typed = ["--metric", "accuracy", "--repeats", "3", "--seed", "9", "--n-resamples", "20", "--json"]
    assert main(["explain", str(model_file), "penguins", *typed]) == 0
    of_columns = json.loads(capsys.readouterr().out)
    expected = cr.explain.permutation_importance(
        model, "penguins", metric="accuracy", repeats=3, seed=9, n_resamples=20
    )
    assert of_columns == expected.to_dict()
    typed = ["--row", "200", "--target", "Gentoo", "--logit", "--baseline", "mean", "--steps", "50", "--json"]
    assert main(["explain", str(model_file), "penguins", *typed]) == 0
    of_row = json.loads(capsys.readouterr().out)
    expected_row = cr.explain.integrated_gradients(
        model, "penguins", rows=200, target="Gentoo", logit=True, baseline="mean", steps=50
    )
    assert of_row == expected_row.to_dict()


@pytest.mark.parametrize("more", [[], ["--row", "12"]])
@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_picture(model_file: Path, tmp_path: Path, ending: str, begins: bytes, more: list[str]) -> None:
    path = tmp_path / f"picture.{ending}"
    assert main(["explain", str(model_file), "penguins", "--plot", str(path), *more]) == 0
    assert path.read_bytes().startswith(begins)


def test_a_row_needs_no_label(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cr.datasets.penguins().drop("species").write_csv(tmp_path / "new.csv")
    assert main(["explain", str(model_file), str(tmp_path / "new.csv"), "--row", "1"]) == 0
    assert "row 1" in capsys.readouterr().out
    assert main(["explain", str(model_file), str(tmp_path / "new.csv")]) == 2
    assert "has no column 'species'" in capsys.readouterr().err


def test_an_ensemble_and_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = cr.datasets.penguins().drop_nulls("body_mass_g")
    colony = cr.sweep(known, label="body_mass_g", hidden=[3], seeds=3, epochs=5, threads=1)
    path = tmp_path / "several.creche"
    colony.ensemble(2).save(path)
    assert main(["explain", str(path), "penguins", "--drop-unlabelled", "--repeats", "2"]) == 0
    assert capsys.readouterr().out.startswith("root mean squared error ")
    assert main(["explain", str(path), "penguins", "--row", "3"]) == 0
    predicted = float(cr.load(path).predict("penguins")[2])
    assert capsys.readouterr().out.startswith(f"body_mass_g: {predicted:,.5g}\n")


def test_very_many_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    lines = [",".join(f"{x:.3f}" for x in rng.standard_normal(30)) + f",{'ab'[i % 2]}" for i in range(40)]
    table = tmp_path / "wide.csv"
    table.write_text("\n".join([",".join(f"c{j}" for j in range(30)) + ",y", *lines]) + "\n")
    cr.train(str(table), label="y", hidden=[3], epochs=2, threads=1).model.save(tmp_path / "wide.creche")
    assert main(["explain", str(tmp_path / "wide.creche"), str(table), "--repeats", "1"]) == 0
    assert "and 10 less important columns" in capsys.readouterr().out
    assert main(["explain", str(tmp_path / "wide.creche"), str(table), "--row", "1"]) == 0
    assert "10 others" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--row", "345"], "--row: there is no row 345; the rows are numbered 1 to 344"),
        (["--row", "1", "--target", "Gento"], "target: got 'Gento'; did you mean 'Gentoo'?"),
        (["--row", "1", "--baseline", "zero"], "baseline: got 'zero'; needs 'mean'"),
        (["--row", "1", "--repeats", "3"], "--repeats: cannot be combined with --row"),
        (["--logit"], "--logit: explains one row; name it with --row"),
        (["--metric", "acuracy"], "metric: got 'acuracy'; did you mean 'accuracy'?"),
        (["--repeats", "0"], "repeats: got 0; needs a whole number of at least 1"),
        (["--plot", "nowhere/picture.png"], "nowhere/picture.png: cannot be written: there is no folder"),
        (
            ["--repeats", "1", "--plot", "picture.words"],
            "picture.words: matplotlib writes no files of the format",
        ),
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
    assert main(["explain", str(model_file), "penguins", *typed]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (out, "Traceback" in err, list(tmp_path.iterdir())) == ("", False, [])


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--help"]) == 0
    assert "creche explain penguins.creche penguins.csv --row 12" in capsys.readouterr().out
