"""The command ``creche partial-dependence`` and its picture in text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.pages.charts import HEIGHT, WIDTH
from creche.pages.partial_dependence import draw_curves
from tests.unit.cli.commands import main

COMMAND = "partial-dependence"


def typed(model_file: Path, *more: str) -> list[str]:
    return [COMMAND, str(model_file), "penguins", "--threads", "1", *more]


def test_the_page(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(model_file, "--column", "bill_length_mm")) == 0
    page = capsys.readouterr().out
    found = cr.explain.partial_dependence(cr.load(model_file), "penguins", "bill_length_mm")
    assert "column  bill_length_mm: 50 values from 32.1 to 59.6" in page
    assert "● Adelie   x Chinstrap   ▲ Gentoo" in page
    for number, name in enumerate(found.outcomes):
        line = next(line for line in page.splitlines() if line.split()[:1] == [name])
        average = found.average[:, number]
        at = found.grids[0].labels
        assert line.split()[1:] == [
            f"{average.min():.4f}", at[int(average.argmin())], f"{average.max():.4f}", at[int(average.argmax())],
            f"{np.ptp(average):.4f}",
        ]  # fmt: skip
    assert "In 2 of 344 rows bill_length_mm is missing" in page


def test_a_category_as_bars(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(model_file, "--column", "island", "--target", "Gentoo")) == 0
    page = capsys.readouterr().out
    found = cr.explain.partial_dependence(cr.load(model_file), "penguins", "island")
    line = next(line for line in page.splitlines() if line.split()[:1] == ["Dream"])
    assert line.split()[1:4] == ["124", "Gentoo", f"{found.average[1, 2]:.4f}"]
    assert line.count("█") == round(found.average[1, 2] * 24)
    assert "Adelie" not in page


def test_a_grid(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(model_file, "--column", "island", "--second", "sex", "--target", "Chinstrap")) == 0
    page = capsys.readouterr().out
    found = cr.explain.partial_dependence(cr.load(model_file), "penguins", "island", second="sex")
    assert "cells   mean probability of Chinstrap" in page
    line = next(line for line in page.splitlines() if line.split()[:1] == ["male"])
    assert line.split()[1:] == [f"{value:.4f}" for value in found.average[:, 1, 1]]


def test_json_is_what_python_gives(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(model_file, "--column", "body_mass_g", "--points", "5", "--individual", "--json")) == 0
    data = json.loads(capsys.readouterr().out)
    expected = cr.explain.partial_dependence(
        cr.load(model_file), "penguins", "body_mass_g", points=5, kind="individual"
    )
    assert data == expected.to_dict()
    assert np.shape(data["individual"]) == (344, 5, 3)


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_picture(model_file: Path, tmp_path: Path, ending: str, begins: bytes) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"dependence.{ending}"
    assert main(typed(model_file, "--column", "island", "--plot", str(path))) == 0
    assert path.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "--column: is missing; the model was trained on island, bill_length_mm"),
        (["--column", "bill_lenght_mm"], "--column: got 'bill_lenght_mm'; did you mean 'bill_length_mm'?"),
        (
            ["--column", "sex", "--target", "Emperor"],
            "--target: got 'Emperor'; choose one of Adelie, Chinstrap, Gentoo",
        ),
        (["--column", "sex", "--points", "1"], "--points: got 1; needs a whole number of at least 2"),
        (["--column", "sex", "--plot", "/nowhere/at/all.png"], "there is no folder /nowhere/at"),
        (
            ["--column", "sex", "--plot", "picture.psd"],
            "picture.psd: matplotlib writes no files of the",
        ),
    ],
)
def test_calls_that_cannot_be(
    model_file: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert main(typed(model_file, *more)) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_curves_in_text() -> None:
    x = np.linspace(0, 1, 5)
    curves = [(0, x), (1, 1 - x)]
    lines = draw_curves(x, curves, ("low", "high"), (0.0, 1.0), np.array([0.0, 1.0, 1.0, np.nan])).plain.split("\n")
    assert len(lines) == HEIGHT + 2
    cells = [line[11:].ljust(WIDTH) for line in lines[:HEIGHT]]
    assert (cells[-1][0], cells[0][-1]) == ("●", "●")
    assert (cells[0][0], cells[-1][-1]) == ("x", "x")
    assert all(sum(row[column] != " " for row in cells) in (1, 2) for column in range(WIDTH))
    assert lines[HEIGHT][11:] == "▄" + " " * (WIDTH - 2) + "█"
    assert lines[-1].split() == ["low", "high"]
