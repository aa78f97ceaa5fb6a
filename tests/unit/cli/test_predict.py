"""The command ``creche predict`` on rows that differ from the training rows."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from tests.unit.cli.commands import QUICK, main, process

OBSERVATION = "bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n37.3,16.8,19.2,30.0\n"
IGNORED = ["--column", "island=ignore", "--column", "sex=ignore"]


@pytest.fixture(scope="module")
def four_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the four measurements, in mm and g."""
    path = tmp_path_factory.mktemp("models") / "four.creche"
    assert main([*QUICK, *IGNORED, "-o", str(path), "--json"]) == 0
    return path


def test_the_chapter_s_observation_from_a_pipe(four_file: Path) -> None:
    done = process("predict", str(four_file), "-", given=OBSERVATION)
    assert done.returncode == 0
    assert pl.read_csv(io.StringIO(done.stdout)).shape == (1, 8)
    flipper, mass = done.stderr.splitlines()
    assert flipper.startswith(
        "creche: flipper_length_mm: 1 of 1 value is far outside the training range: 19.2 is 12.7 "
    )
    assert flipper.endswith("training has 172 to 231: centimetres? (× 10 = 192)")
    assert mass.startswith("creche: body_mass_g: 1 of 1 value is far")
    assert mass.endswith("hectograms? (× 100 = 3000)")


@pytest.mark.parametrize("output", [[], ["-o", "/dev/stdout", "--output-format", "csv"], ["--output-format", "jsonl"]])
def test_strict_writes_nothing_to_a_pipe(four_file: Path, output: list[str]) -> None:
    rows = cr.datasets.penguins().select(OBSERVATION.splitlines()[0].split(",")).write_csv()
    done = process("predict", str(four_file), "-", "--strict", *output, given=rows + OBSERVATION.splitlines()[1] + "\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--strict: the rows differ from the training rows, so nothing was written: flipper_length_mm" in done.stderr
    assert "body_mass_g" in done.stderr
    good = process("predict", str(four_file), "-", "--strict", *output, given=rows)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.count("\n") >= 344


def test_strict_leaves_a_file_as_it_was(four_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "new.csv", tmp_path / "out.csv"
    table.write_text(OBSERVATION)
    out.write_text("precious")
    assert main(["predict", str(four_file), str(table), "-o", str(out), "--strict"]) == 2
    assert capsys.readouterr().err.startswith("creche: --strict: ")
    assert out.read_text() == "precious"
    assert main(["predict", str(four_file), str(table), "-o", str(out)]) == 0
    assert out.read_text().startswith("bill_length_mm")


def test_unseen_categories_are_told(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cr.datasets.penguins().head(5).with_columns(island=pl.lit("Emperor")).write_csv(tmp_path / "new.csv")
    assert main(["predict", str(model_file), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv")]) == 0
    assert capsys.readouterr().err == (
        "creche: island: 5 of 5 values are of a category that training did not have: 'Emperor' in 5 rows\n"
    )
