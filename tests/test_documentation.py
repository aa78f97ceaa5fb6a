"""The pages in docs/: their Python code and their commands run, in one process and without a network."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import Path

import pytest

import creche as cr
from creche.errors import CrecheWarning
from creche.table.roles import ROLES
from tests.unit.cli.commands import main

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
# The model that the commands of the pages use.
MODEL = "creche train penguins --label species --hidden 5,5 --learning-rate 0.01 --epochs 100 -o penguins.creche"

# The files that the Python code of each page writes.
FILES = {
    "losses.md": set(),
    "seeing.md": {"step.html", "report.html"},
    "sweeps.md": {"ensemble.creche"},
    "tables.md": {"messwerte.csv", "out_of_fold.csv"},
}


def blocks(page: str, language: str = "") -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [code for name, code in found if name == language]


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Each command of a page, and the lines that it prints, if the page shows them."""
    found = []
    for block in blocks(page):
        first, *output = block.splitlines()
        if first.startswith("$ creche "):
            found.append((first.removeprefix("$ "), output))
        else:
            found += [(line, []) for line in block.splitlines() if line.startswith("creche ")]
    return found


def outputs(page: str) -> list[str]:
    """The blocks that follow Python code with a call of `print`, and show what it prints."""
    text = (DOCS / page).read_text(encoding="utf-8")
    pairs = re.findall(r"^```python\n((?:(?!```).*\n)*)```\n\n```\n((?:(?!```).*\n)*)```$", text, re.MULTILINE)
    return [output for code, output in pairs if "print(" in code]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_each_page_with_code_is_tested() -> None:
    assert [page for page in PAGES if blocks(page, "python")] == sorted(FILES)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("page", FILES)
def test_the_python_code_runs_and_prints_what_is_shown(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)
        for code in blocks(page, "python"):
            exec(compile(code, page, "exec"), names)
            pyplot.close("all")
    printed = " ".join(capsys.readouterr().out.split())
    for output in outputs(page):
        assert " ".join(output.split()) in printed  # lines may break elsewhere
    assert {path.name for path in folder.iterdir()} == FILES[page]
    if page == "tables.md":
        header = (folder / "out_of_fold.csv").read_text().partition("\n")[0]
        assert header.startswith("row,true_species,predicted_species,probability_")


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_run(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    cr.datasets.penguins().write_csv("penguins.csv")
    for command, output in [(MODEL, []), *commands(page)]:
        assert main(shlex.split(command, comments=True)[1:]) == 0, (command, capsys.readouterr().err)
        printed = iter(capsys.readouterr().out.splitlines())
        for line in output:
            assert line in printed, (command, line)  # the lines of an iterator are found in their order


def test_each_role_has_its_line() -> None:
    table = (DOCS / "tables.md").read_text(encoding="utf-8").split("## The roles of columns")[1].split("\n\n")[1]
    assert tuple(re.findall(r"(?m)^\| (\w+) \|", table)[1:]) == ROLES
