"""The pages in docs/: their Python code and their commands run, in one process and without a network."""

from __future__ import annotations

import math
import re
import shlex
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

import creche as cr
from creche.cli.main import create_app
from creche.errors import CrecheWarning
from creche.explain.diagnosis.rules import RULES
from creche.pages.glossary import glossary_markdown
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES
from creche.table.cell_format import DEFAULT_MISSING
from creche.table.roles import ROLES
from tests.unit.cli.commands import main

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
ROOT = DOCS.parent
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(DOCS / page for page in PAGES)]

# The files that the Python code of each page writes.
FILES = {
    "clusters.md": set(),
    "devices.md": set(),
    "export.md": {"penguins.creche", "penguins.onnx", "penguins.csv"},
    "fitting.md": {"penguins.creche"},
    "labels.md": set(),
    "large_tables.md": set(),
    "losses.md": set(),
    "modules.md": {"penguins.creche", "penguins.js"},
    "networks.md": set(),
    "notebooks.md": {"report.html"},
    "shards.md": set(),
    "seeing.md": {"step.html", "report.html"},
    "sweeps.md": {"ensemble.creche"},
    "tables.md": {"messwerte.csv", "out_of_fold.csv"},
    "trackers.md": set(),
    "tracking.md": {"runs"},
}

# What the code of a page needs that the packages for tests do not have; tests/peers/test_onnx.py runs it.
NEEDED = {"trackers.md": "mlflow", "export.md": "onnxruntime"}


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
    # On a busy machine, a sweep takes long enough to ask for confirmation.
    monkeypatch.setattr("creche.cli.sweep.SECONDS_WITHOUT_ASKING", math.inf)
    return tmp_path


def test_the_glossary_is_that_of_the_command() -> None:
    assert (DOCS / "glossary.md").read_text(encoding="utf-8") == glossary_markdown()


def test_each_page_with_code_is_tested() -> None:
    assert [page for page in PAGES if blocks(page, "python")] == sorted(FILES)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("page", FILES)
def test_the_python_code_runs_and_prints_what_is_shown(
    page: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(NEEDED.get(page, "matplotlib"))
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
    pytest.importorskip(NEEDED.get(page, "matplotlib"))
    for command, output in commands(page):
        assert main(shlex.split(command, comments=True)[1:]) == 0, (command, capsys.readouterr().err)
        printed = iter(capsys.readouterr().out.splitlines())
        for line in output:
            assert line in printed, (command, line)  # the lines of an iterator are found in their order


def test_each_role_has_its_line() -> None:
    table = (DOCS / "tables.md").read_text(encoding="utf-8").split("## The roles of columns")[1].split("\n\n")[1]
    assert tuple(re.findall(r"(?m)^\| (\w+) \|", table)[1:]) == ROLES


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_each_name_and_option_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:cr|creche)\.([A-Za-z_][\w.]*\w)", text):
        value: Any = cr
        for n, part in enumerate(name.split(".")):
            if isinstance(value, ModuleType) and not hasattr(value, part):
                value = import_module(".".join(["creche", *name.split(".")[: n + 1]]))
            else:
                value = getattr(value, part)
    commands = get_command(create_app([])).commands.values()  # type: ignore[attr-defined]
    options = {option for command in commands for p in command.params for option in (*p.opts, *p.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    of_trackers = {"--logdir", "--env-manager"}
    of_torchrun = {"--nnodes", "--nproc-per-node", "--rdzv-backend", "--rdzv-endpoint", "--no-python"}
    assert named - options - of_trackers - of_torchrun - {"--help", "--install-completion"} == set()


def test_each_rule_of_the_diagnosis_has_its_line() -> None:
    table = (DOCS / "seeing.md").read_text(encoding="utf-8").split("### Diagnosis")[1].split("### ")[0]
    assert tuple(re.findall(r"(?m)^\| `(\w+)` \|", table)) == tuple(RULES)


def test_the_changelog_counts_what_there_is() -> None:
    text = " ".join((ROOT / "CHANGELOG.md").read_text(encoding="utf-8").lower().split())
    words = ("seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen")
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS):
        name = f"{registry.name}es" if registry.name.endswith("s") else f"{registry.name}s"
        assert f"{words[len(registry.members) - 7]} {name}" in text


def test_each_missing_value_is_listed() -> None:
    line = next(line for line in (DOCS / "tables.md").read_text(encoding="utf-8").splitlines() if "`N/A`" in line)
    assert {"", *re.findall("`([^`]+)`", line)} == set(DEFAULT_MISSING)
