"""A notebook in a real kernel: results show themselves with plots, a frame shows the report, and a bar the progress."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[1]

CELLS = (
    "import creche as cr\nfrom creche.pages import progress\nprogress.SECONDS_BEFORE_SHOWN = 0",
    'run = cr.train("penguins", label="species", hidden=[5, 5], epochs=20, threads=1)\nrun',
    "run.evaluation[1]",
    "print(run.history)",
    'cr.report(run.model, "penguins", "report.html")',
    "run.model.predict_proba([39.1])",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    own = dict.fromkeys(("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR"), str(folder))
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT / "src")}
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment)
    return [cell.outputs for cell in notebook.cells]


def html_of(outputs: list[Any]) -> list[str]:
    return [output["data"]["text/html"] for output in outputs if "text/html" in output.get("data", {})]


def test_training_leaves_a_bar_and_the_run_is_a_page(outputs: list[list[Any]]) -> None:
    bar, page = html_of(outputs[1])
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
