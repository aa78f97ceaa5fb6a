"""Notebooks in a real kernel: results show themselves with plots, and the notebook of the chapter runs through."""

from __future__ import annotations

import math
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tools.site.notebooks import run_notebook

# They are imported by the tests that need them: they take seconds, which every process of the test run would wait for.
needed = ("nbclient", "nbformat", "ipykernel")
pytestmark = pytest.mark.skipif(not all(map(find_spec, needed)), reason=f"needs {', '.join(needed)}")

ROOT = Path(__file__).parents[1]

CELLS = (
    "import creche as cr\nfrom creche.pages import progress\nprogress.SECONDS_BEFORE_SHOWN = 0",
    'run = cr.train("penguins", label="species", hidden=[5, 5], epochs=20, threads=1)\nrun',
    "run.evaluation",
    "print(run.history)",
    'cr.report(run.model, "penguins", "report.html")',
    "run.model.predict_proba([39.1])",
)


CHAPTER = ROOT / "examples" / "the-chapter.ipynb"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    run_notebook(notebook, tmp_path_factory.mktemp("notebook"), allow_errors=True)
    return [cell.outputs for cell in notebook.cells]


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import nbformat

    notebook = nbformat.read(CHAPTER, as_version=4)
    run_notebook(notebook, tmp_path_factory.mktemp("chapter"))
    return notebook


def html_of(outputs: list[Any]) -> list[str]:
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_training_leaves_a_bar_and_the_run_is_a_page(outputs: list[list[Any]]) -> None:
    bar, *_, page = html_of(outputs[1])  # between them is the bar of the evaluation
    assert "20 of 20 epochs, loss " in bar
    assert page.count("<svg") == 2
    assert "flipper_length_mm" in page
    assert "image/png" not in outputs[1][-1]["data"]
    assert outputs[1][-1]["data"]["text/plain"].startswith("Run(14-5-5-3, finished, epoch 20 of 20")


def test_an_evaluation_is_a_page_and_print_shows_text(outputs: list[list[Any]]) -> None:
    (page,) = html_of(outputs[2])
    assert "95 % CI (bootstrap)" in page
    (printed,) = outputs[3]
    assert printed["name"] == "stdout"
    assert "validation loss" in printed["text"]


def test_a_report_shows_itself(outputs: list[list[Any]]) -> None:
    frame = html_of(outputs[4])[-1]
    assert frame.startswith("<iframe srcdoc=")
    assert "&lt;!doctype html&gt;" in frame


def test_an_error_is_a_sentence(outputs: list[list[Any]]) -> None:
    (error,) = outputs[5]
    assert error["output_type"] == "error"
    assert error["ename"] == "TableError"


def printed_by(notebook: Any, words: str) -> str:
    """Return what the only code cell with these words printed."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and words in cell.source]
    return "".join(output["text"] for output in cell.outputs if output["output_type"] == "stream")


def test_the_chapter_is_kept_without_outputs_and_with_its_solutions_collapsed() -> None:
    import nbformat

    notebook = nbformat.read(CHAPTER, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    exercises = [i for i, cell in enumerate(notebook.cells) if cell.source.startswith("**Exercise")]
    solutions = [notebook.cells[i + 1] for i in exercises]
    assert len(exercises) == 9
    assert all(cell.metadata.jupyter.source_hidden and "solution" in cell.metadata.tags for cell in solutions)


def test_the_solutions_of_the_chapter_are_right(chapter: Any) -> None:
    assert printed_by(chapter, "by_hand") == "73 73\n"  # 4 x 5 + 5, 5 x 5 + 5, 5 x 3 + 3
    assert printed_by(chapter, "np.maximum") == "True\nTrue\n"
    assert "squared error 0.18" in printed_by(chapter, "predicted - label}")
    assert f"cross-entropy {-math.log(0.4):.4f}" in printed_by(chapter, "sure and wrong")
    assert printed_by(chapter, "weights_after").startswith("True\nloss ")
    before, after = map(float, re.findall(r"0\.\d{4}", printed_by(chapter, "weights_after")))
    assert after < before
    gradient, quotient = map(float, re.findall(r"-?\d\.\d{4}", printed_by(chapter, "difference quotient")))
    assert quotient == pytest.approx(gradient, abs=1e-3)


def test_the_network_of_the_chapter_learns(chapter: Any) -> None:
    printed = printed_by(chapter, "evaluation.baseline[")
    accuracy, baseline = map(float, re.findall(r"(\d+\.\d)%", printed))
    assert accuracy > 95 > 50 > baseline
    verdicts = printed_by(chapter, "run.verdict").splitlines()
    assert verdicts[0].startswith("learning rate 0.01: too low")
    assert verdicts[1].startswith("learning rate 1: good")
    assert "good" not in verdicts[2]


def test_the_results_of_the_chapter_are_pages(chapter: Any) -> None:
    shown = {cell.source.splitlines()[-1]: html_of(cell.outputs) for cell in chapter.cells if cell.cell_type == "code"}
    # a slow machine also shows bars, before the page
    pages = {name: shown[name][-1] for name in ("forward", "step", "trained.history", "curve", "rates", "optimizers")}
    assert all('class="creche-page"' in page for page in pages.values())
    assert "<svg" in pages["curve"]
    assert "37.3" in pages["forward"]
