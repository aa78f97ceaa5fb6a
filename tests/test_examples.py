"""The notebooks of examples/: they are what their sources give, whose code runs and prints what they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.notebooks import KEPT, NOTEBOOKS, SOURCES, install_code, make_notebook, renew_install_cell
from tools.site.code_blocks import find_blocks, run_python

NAMES = sorted(path.stem for path in SOURCES.glob("*.md"))
NEEDED = {"scikit-learn-pipelines": "sklearn", "database-to-served-model": "uvicorn"}

pytestmark = pytest.mark.skipif(not NAMES, reason="not a checkout of the project")


def test_there_are_six_notebooks() -> None:
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted([*NAMES, KEPT])
    assert len(NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_what_its_source_gives(name: str) -> None:
    nbformat = pytest.importorskip("nbformat")
    made = make_notebook((SOURCES / f"{name}.md").read_text(encoding="utf-8"), name)
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


def test_the_chapter_begins_like_the_others() -> None:
    kept = (NOTEBOOKS / f"{KEPT}.ipynb").read_text(encoding="utf-8")
    assert renew_install_cell(kept, KEPT) == kept, "run python tools/notebooks.py"
    assert kept.count('"install"') == 1


class Shell:
    """What IPython gives a cell."""

    def __init__(self) -> None:
        self.magics: list[tuple[str, str]] = []

    def run_line_magic(self, name: str, line: str) -> None:
        self.magics.append((name, line))


def run_install_cell(name: str) -> list[tuple[str, str]]:
    shell = Shell()
    exec(install_code(name), {"get_ipython": lambda: shell})
    return shell.magics


def test_the_first_cell_installs_where_creche_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wheel = tmp_path / "creche-0.1.0-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    assert run_install_cell("first-model") == []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run_install_cell("first-model") == [("pip", f"install --quiet '{wheel}[plots]'")]
    assert run_install_cell("database-to-served-model") == [("pip", f"install --quiet '{wheel}[plots,serve]'")]
    wheel.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no creche-\*\.whl; upload one, and run this cell again"):
        run_install_cell("first-model")


def test_a_notebook_whose_cell_fails_is_an_error_with_its_name(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from tools.site.code_blocks import PageError
    from tools.site.notebooks import execute_notebook

    cells = [nbformat.v4.new_code_cell("import creche\nprint(6 * 7)"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells[:1]), tmp_path / "good.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "bad.ipynb")
    (cell,) = nbformat.reads(execute_notebook(tmp_path / "good.ipynb"), as_version=4).cells
    assert cell.outputs[0].text == "42\n"
    with pytest.raises(PageError, match=r"(?s)bad\.ipynb: .*ZeroDivisionError"):
        execute_notebook(tmp_path / "bad.ipynb")


def test_only_prose_and_code_become_cells() -> None:
    source = "# T\n\nWords.\n\n```python\nprint(1)\n```\n\n```\n1\n```\n\n```python solution\n2\n```\n"
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.reads(make_notebook(source), as_version=4).cells
    assert [(cell.cell_type, cell.source) for cell in cells][2:] == [
        ("markdown", "Words."), ("code", "print(1)"), ("code", "2")
    ]  # fmt: skip
    assert cells[-1].metadata.jupyter.source_hidden
