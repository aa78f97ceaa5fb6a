"""The command ``creche predict`` on rows that differ from the training rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from tests.unit.cli.commands import QUICK, main, process

Out = pytest.CaptureFixture[str]

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
    assert flipper.startswith("creche: flipper_length_mm: the value is far outside the training range: 19.2 is 12.7 ")
    assert flipper.endswith("training has 172 to 231: centimetres? (× 10 = 192)")
    assert mass.startswith("creche: body_mass_g: the value is far")
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


TYPED = ["--row", "37.3,16.8,19.2,30.0"]


@pytest.fixture(scope="module")
def chapter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the four measurements, in the chapter's units."""
    path = tmp_path_factory.mktemp("models") / "chapter.creche"
    cr.train("penguins-four", label="species", hidden=[5, 5], learning_rate=0.01, epochs=40, threads=1).model.save(path)
    return path


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_typed_observation(
    chapter_file: Path, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["predict", str(chapter_file), *TYPED]) == 0
    out, err = capsys.readouterr()
    expected = cr.load(chapter_file).predict_proba([[37.3, 16.8, 19.2, 30.0]])[0]
    shown = [line.split()[1] for line in out.splitlines() if line.split()[0] in ("Adelie", "Chinstrap", "Gentoo")]
    assert (shown, err) == ([f"{p:.4f}" for p in expected], "")
    assert "predicted species: Adelie\n" in out
    assert max(map(len, out.splitlines())) <= int(columns)


def test_typed_observations_as_json(chapter_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(chapter_file), *TYPED, "--row", "50,15,,50", "--json"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert data["label"] == ["species"]
    assert [row["predicted"] for row in data["rows"]] == [{"species": "Adelie"}, {"species": "Gentoo"}]
    assert data["rows"][1]["values"]["flipper_length_cm"] is None
    assert [sum(row["probabilities"].values()) for row in data["rows"]] == pytest.approx([1, 1])
    assert err == "creche: flipper_length_cm: 1 of 2 values is missing, 50%; in training, none was missing\n"


def test_typed_observations_to_a_file(chapter_file: Path, tmp_path: Path) -> None:
    assert main(["predict", str(chapter_file), *TYPED, *TYPED, "-o", str(tmp_path / "out.csv"), "--keep", "none"]) == 0
    assert pl.read_csv(tmp_path / "out.csv").shape == (2, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "predict: got neither TABLE nor --row; give a table"),
        (["penguins-four", *TYPED], "predict: got both TABLE and --row"),
        (["penguins-four", "--json"], "--json: is for --row; for a table, use --output-format jsonl"),
        (["--row", "37.3,16.8"], "--row: row 1 has 2 values, and the model reads 4 columns"),
        (["--row", "37.3,deep,19.2,30"], "--row: row 1, column 'bill_depth_mm' is 'deep'; needs a number"),
        (["--row", "37.3,16.8,192,3000", "--strict"], "--strict: the rows differ"),
    ],
)
def test_mistakes_with_typed_observations(
    chapter_file: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(chapter_file), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"creche: {message}")


def test_a_misspelt_category_has_a_suggestion(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model_file), "--row", "Bisco,37.3,16.8,192,3000,male"]) == 0
    assert "'Bisco' in 1 row (did you mean 'Biscoe'?)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["evaluate"], ["explain", "--row", "1"], ["trace", "--rows", "1"], ["loss-against-weight"]]
)
def test_other_commands_warn_of_a_unit_too(command: list[str], four_file: Path, tmp_path: Path, capsys: Out) -> None:
    measured = cr.datasets.penguins().drop_nulls().with_columns(pl.col("flipper_length_mm") / 10)
    measured.write_csv(tmp_path / "cm.csv")
    capsys.readouterr()  # what the fixture has printed
    assert main([command[0], str(four_file), str(tmp_path / "cm.csv"), *command[1:]]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith("creche: flipper_length_mm: 333 of 333 values are far outside the training range: ")
    assert "centimetres? (× 10" in warned
    assert warned.count("\n") == 1
    assert main([command[0], str(four_file), "penguins", *command[1:]]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [["predict"], ["explain", "--row", "1"], ["trace"]])
def test_a_missing_column_of_the_model_is_named(
    command: list[str], four_file: Path, tmp_path: Path, capsys: Out
) -> None:
    file = tmp_path / "renamed.csv"
    file.write_text(OBSERVATION.replace("flipper_length_mm", "flipper_length_cm"))
    capsys.readouterr()
    assert main([command[0], str(four_file), str(file), *command[1:]]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"creche: {file} has no column 'flipper_length_mm'")
    assert "did you mean 'flipper_length_cm'?" in told
