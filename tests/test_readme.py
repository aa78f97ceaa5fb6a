"""The README: its Python code and its commands run, in one process and without a network, and its pages are true."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.unit.cli.commands import main
from tests.unit.fitting.small_fits import make_tiny

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
DEMO = ["train", "penguins", "--label", "species", "--hidden", "5,5", "--learning-rate", "0.01", "--epochs", "100"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    # On a busy machine, a sweep takes long enough to ask for confirmation.
    monkeypatch.setattr("creche.cli.sweep.SECONDS_WITHOUT_ASKING", math.inf)
    return tmp_path


def commands() -> list[list[str]]:
    """The words of each line that is a command of ours, without those that the README shows to fail."""
    lines = [line for language, text in BLOCKS if not language for line in text.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("creche ")]


def write_houses(path: Path, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    area, rooms = rng.normal(120, 30, rows), rng.integers(1, 7, rows)
    prices = 2000 * area + 10_000 * rooms + rng.normal(0, 5000, rows)
    lines = [
        f"{a:.1f},{r},{'north' if r % 2 else 'south'},{p:.0f}" for a, r, p in zip(area, rooms, prices, strict=True)
    ]
    path.write_text("\n".join(["area,rooms,side,price", *lines]) + "\n")


@pytest.mark.usefixtures("without_pictures")
def test_the_python_code_runs(folder: Path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    names: dict[str, object] = {}
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "README.md", "exec"), names)
    assert {path.name for path in folder.iterdir()} == {"penguins.creche", "ensemble.creche", "report.html"}


@pytest.mark.usefixtures("without_pictures")
def test_the_commands_run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    make_tiny(monkeypatch)  # the Python code of the same text fits as much as a reader's
    for seed, name in enumerate(("houses.csv", "later.csv", "new.csv")):
        write_houses(folder / name, 80, seed)
    assert len(commands()) >= 10
    for words in commands():
        assert main(words) == 0, (words, capsys.readouterr().err)
    assert (folder / "predictions.parquet").stat().st_size > 0
    assert "<html" in (folder / "report.html").read_text()


def test_the_page_of_the_demo_is_true(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(DEMO) == 0
    page = iter(capsys.readouterr().out.splitlines())
    expected = next(text for _, text in BLOCKS if text.startswith("rows ")).splitlines()
    for line in expected:
        if line.strip() != "..." and not line.startswith("trained"):  # epochs that are left out; a time
            assert line in page, line  # the lines of an iterator are found in their order


def test_the_error_is_true(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed, error = next(text for _, text in BLOCKS if text.startswith("$ creche ")).splitlines()
    assert main(shlex.split(typed)[2:]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(error.removesuffix("..."))


def test_hints_for_the_shell_can_be_pasted() -> None:
    for hint in re.findall(r"pip install [^`]*", README.read_text()):
        assert shlex.split(hint)[2] in (".[plots]",), hint
    assert "pip install creche" not in README.read_text()
