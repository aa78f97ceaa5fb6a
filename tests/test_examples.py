"""The notebooks of examples/: they are what their sources give, whose code runs and prints what they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.notebooks import NOTEBOOKS, SOURCES, make_notebook
from tools.site.code_blocks import find_blocks, run_python

NAMES = sorted(path.stem for path in SOURCES.glob("*.md"))
NEEDED = {"scikit-learn-pipelines": "sklearn", "database-to-served-model": "uvicorn"}

pytestmark = pytest.mark.skipif(not NAMES, reason="not a checkout of the project")


def test_there_are_six_notebooks() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted([*NAMES, "the-chapter"])
    assert len(NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_what_its_source_gives(name: str) -> None:
    nbformat = pytest.importorskip("nbformat")
    made = make_notebook((SOURCES / f"{name}.md").read_text(encoding="utf-8"))
    assert (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8") == made, "run python tools/notebooks.py"
    notebook = nbformat.reads(made, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    solutions = [cell for cell in code if "solution" in cell.metadata.get("tags", ())]
    assert len(solutions) == sum("**Exercise.**" in cell.source for cell in notebook.cells)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("name", NAMES)
def test_the_code_of_a_notebook_runs_and_prints_what_its_source_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip(NEEDED.get(name, "matplotlib"))
    monkeypatch.chdir(tmp_path)
    blocks = find_blocks((SOURCES / f"{name}.md").read_text(encoding="utf-8"))
    assert len(list(run_python(name, blocks))) == sum(block.language == "python" for block in blocks)


def test_only_prose_and_code_become_cells() -> None:
    source = "# T\n\nWords.\n\n```python\nprint(1)\n```\n\n```\n1\n```\n\n```python solution\n2\n```\n"
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.reads(make_notebook(source), as_version=4).cells
    assert [(cell.cell_type, cell.source) for cell in cells][1:] == [
        ("markdown", "Words."), ("code", "print(1)"), ("code", "2")
    ]  # fmt: skip
    assert cells[-1].metadata.jupyter.source_hidden
