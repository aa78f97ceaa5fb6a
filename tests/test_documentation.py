"""The pages in docs/: their Python code and their commands run, in one process and without a network."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tools.site.code_blocks import find_blocks, find_commands, run_command, run_python
from tools.site.structure import NEEDED
from typer.main import get_command

import creche as cr
from creche.cli.main import create_app
from creche.explain.diagnosis.rules import RULES
from creche.pages.glossary import glossary_markdown
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES
from creche.table.cell_format import DEFAULT_MISSING
from creche.table.roles import ROLES
from tests.unit.fitting.small_fits import make_tiny

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
ROOT = DOCS.parent
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(DOCS / page for page in PAGES)]

# The files that the Python code of each page writes.
FILES = {
    "calibration.md": set(),
    "clusters.md": set(),
    "company.md": set(),
    "model_file.md": {"penguins.creche"},
    "strong_models.md": set(),
    "reproducibility.md": set(),
    "lanes.md": set(),
    "gallery.md": set(),
    "coming_from.md": set(),
    "databases.md": {"penguins.db", "penguins.creche"},
    "devices.md": set(),
    "export.md": {"penguins.creche", "penguins.onnx", "penguins.csv"},
    "fitting.md": {"penguins.creche"},
    "index.md": set(),
    "labels.md": set(),
    "large_tables.md": set(),
    "losses.md": set(),
    "modules.md": {"penguins.creche", "penguins.js", "penguins.sql"},
    "networks.md": set(),
    "notebooks.md": {"report.html"},
    "serving.md": set(),
    "shards.md": set(),
    "seeing.md": {"step.html", "report.html"},
    "sweeps.md": {"ensemble.creche"},
    "torch.md": set(),
    "tables.md": {"messwerte.csv", "out_of_fold.csv"},
    "trackers.md": set(),
    "tutorial.md": set(),
    "tracking.md": {"runs"},
}


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def has_python(page: str) -> bool:
    return any(block.language == "python" for block in find_blocks(text_of(page)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def test_the_glossary_is_that_of_the_command() -> None:
    assert (DOCS / "glossary.md").read_text(encoding="utf-8") == glossary_markdown()


def test_each_page_with_code_is_tested() -> None:
    assert [page for page in PAGES if has_python(page)] == sorted(FILES)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("page", FILES)
def test_the_python_code_runs_and_prints_what_is_shown(page: str, folder: Path) -> None:
    pytest.importorskip(NEEDED.get(page, "matplotlib"))
    assert list(run_python(page, find_blocks(text_of(page))))
    assert {path.name for path in folder.iterdir()} == FILES[page]
    if page == "tables.md":
        header = (folder / "out_of_fold.csv").read_text().partition("\n")[0]
        assert header.startswith("row,true_species,predicted_species,probability_")


@pytest.mark.usefixtures("without_pictures", "folder")
@pytest.mark.parametrize("page", [page for page in PAGES if find_commands(text_of(page))])
def test_the_commands_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(NEEDED.get(page, "matplotlib"))
    make_tiny(monkeypatch)  # the Python code of the same text fits as much as a reader's
    for command in find_commands(text_of(page)):
        run_command(page, command)


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
    of_others = {"--logdir", "--env-manager", "--data-binary"}  # of TensorBoard, MLflow and curl
    of_torchrun = {"--nnodes", "--nproc-per-node", "--rdzv-backend", "--rdzv-endpoint", "--no-python"}
    of_slurm = {"--nodes", "--ntasks-per-node"}
    assert named - options - of_others - of_torchrun - of_slurm - {"--help", "--install-completion"} == set()


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
