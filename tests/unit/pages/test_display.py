"""How results show themselves: each as a page of text, and as HTML that keeps to itself."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche import explain
from creche._advice import use_words
from creche._displayed import Displayed
from creche.cli.advice import write_as_option
from creche.pages.display import PAGES

VOID = {"br", "meta"}
UNSAFE = ("<script", "http:", "https:", "@import", "javascript:", "onclick", "onload")


class Html(HTMLParser):
    """Checks that elements close in order, and keeps the text outside style sheets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "svg" not in self.open:
            self.words += data.split()


def penguins(**arguments: Any) -> dict[str, Any]:
    return {"data": "penguins", "label": "species", "hidden": [3], "epochs": 4, "threads": 1, **arguments}


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return cr.train(**penguins(hidden=[5, 5], record="weights"))


@pytest.fixture(scope="module")
def colony() -> cr.Colony:
    return cr.sweep(**penguins(learning_rate=[0.001, 0.01], seeds=2))


def diverged() -> cr.Run:
    with pytest.raises(cr.DivergedError) as caught:
        cr.train(**penguins(activation="relu", optimizer="sgd", learning_rate=1e30))
    assert isinstance(caught.value.run, cr.Run)
    return caught.value.run


def multilabel() -> cr.MultilabelEvaluation:
    probabilities = np.random.default_rng(0).uniform(0, 1, (30, 2))
    return cr.MultilabelEvaluation.of(probabilities, probabilities > 0.4, labels=("ill", "tired"))


def regression() -> cr.RegressionEvaluation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        run = cr.train(**penguins(label="body_mass_g", missing_label="drop"))
    evaluation = run.evaluation
    assert isinstance(evaluation, cr.RegressionEvaluation)
    return evaluation


MADE_OF_RUN: dict[str, Callable[[cr.Run], Any]] = {
    "Run": lambda run: run,
    "Plan": lambda run: run.plan,
    "History": lambda run: run.history,
    "Recording": lambda run: run.recording,
    "Schema": lambda run: run.prepared.schema,
    "Model": lambda run: run.model,
    "Provenance": lambda run: run.model.provenance,
    "DataCheck": lambda run: run.model.check_data("penguins"),
    "ClassificationEvaluation": lambda run: run.evaluation,
    "RegressionEvaluation": lambda _: regression(),
    "MultilabelEvaluation": lambda _: multilabel(),
    "Verification": lambda run: cr.verify(run.model, "penguins"),
    "ColumnInspection": lambda _: cr.inspect_columns("penguins", "species"),
    "CrossValidation": lambda _: cr.cross_validate(**penguins(folds=2)),
    "LearningRates": lambda _: cr.find_learning_rate(**penguins()),
    "FittedModel": lambda _: cr.fit("penguins", label="species", effort="fast", threads=1),
    "FitRecord": lambda _: cr.fit("penguins", label="species", effort="fast", threads=1).record,
    "PermutationImportance": lambda run: explain.permutation_importance(
        run.model, "penguins", repeats=2, n_resamples=0
    ),
    "IntegratedGradients": lambda run: explain.integrated_gradients(run.model, "penguins", rows=[1, 7], steps=8),
    "PartialDependence": lambda run: explain.partial_dependence(run.model, "penguins", "island"),
    "LossAgainstWeight": lambda run: explain.loss_against_weight(run.model, "penguins"),
    "LossSurface": lambda run: explain.loss_surface(run.model, "penguins", points=5),
    "DecisionRegions": lambda run: explain.decision_regions(
        run.model, "penguins", "bill_length_mm", "bill_depth_mm", points=5
    ),
    "NearestRows": lambda run: explain.nearest_rows(run.model, "penguins", [1]),
    "Trace": lambda run: explain.trace(run.model, "penguins", rows=[1, 2, 3]),
    "ForwardPass": lambda run: explain.forward_pass(run.model, "penguins", rows=[1, 2]),
    "Diagnosis": lambda run: explain.diagnose(run, try_remedies=False),
    "Divergence": lambda _: explain.divergence(diverged()),
    "Comparison": lambda _: explain.compare(**penguins(learning_rate=[0.001, 0.01])),
}  # fmt: skip
MADE_OF_COLONY: dict[str, Callable[[cr.Colony], Any]] = {
    "Colony": lambda colony: colony,
    "Member": lambda colony: colony.best(),
    "Ensemble": lambda colony: colony.ensemble(2),
}


def check(result: Any) -> tuple[str, Html]:
    text, html = str(result), result._repr_html_()
    page = Html(html)
    assert page.tags[:2] == ["div", "style"]
    assert [word for word in UNSAFE if word in html.replace("http://www.w3.org", "")] == []
    assert "\n" not in repr(result)
    assert len(text) > len("Nothing found")
    return text, page


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No matplotlib, and a terminal of 80 columns."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # importing it raises an ImportError
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", MADE_OF_RUN)
def test_a_result_is_a_page(name: str, run: cr.Run) -> None:
    result = MADE_OF_RUN[name](run)
    assert type(result).__name__ == name
    text, page = check(result)
    precise = re.compile(r"\d+\.\d{3,}")
    assert set(precise.findall(text)) <= set(precise.findall(" ".join(page.words)))
    assert max(map(len, text.splitlines())) <= 80 or name == "Divergence"


WITHOUT_PLOTS = """
import sys
sys.modules["matplotlib"] = None
import creche as cr
run = cr.train("penguins", label="species", hidden=[3], epochs=2, threads=1, on_progress=False)
for result in (run, run.evaluation, run.history, cr.explain.trace(run)):
    html = result._repr_html_()
    print(html.startswith("<div"), html.count("<figure"))
try:
    run.history.plot()
except cr.CrecheError as error:
    print(error)
"""


def test_html_needs_no_matplotlib() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_PLOTS], capture_output=True, text=True, check=True)
    *shown, refused = done.stdout.splitlines()
    assert shown == ["True 0"] * 4
    assert refused == "plots need matplotlib: pip install matplotlib"


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", MADE_OF_COLONY)
def test_a_result_of_a_sweep_is_a_page(name: str, colony: cr.Colony) -> None:
    check(MADE_OF_COLONY[name](colony))


def test_every_public_result_shows_itself() -> None:
    def results(package: Any) -> set[str]:
        # Estimators show themselves as scikit-learn does; the table of a database is where rows come from.
        names = set(package.__all__) - set(cr._ESTIMATORS) - {"Database"}
        found = {name: getattr(package, name) for name in names}
        return {name for name, value in found.items() if inspect.isclass(value) and hasattr(value, "table")}

    public = results(cr) | results(explain)
    shown = {kind.__name__ for kind in all_subclasses(Displayed)}
    assert public - shown == set()
    assert PAGES.keys() <= shown
    assert (shown & set(cr.__all__ + explain.__all__)) - {*MADE_OF_RUN, *MADE_OF_COLONY} == {"OptunaSweep", "Finding"}


def all_subclasses(kind: type) -> set[type]:
    return {kind}.union(*(all_subclasses(below) for below in kind.__subclasses__()))


def test_plots_take_the_place_of_drawings(run: cr.Run) -> None:
    html = run._repr_html_()
    page = Html(html)
    assert page.tags.count("svg") == page.tags.count("figcaption") == 2
    assert "pre" not in page.tags
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(set(ids)) == len(ids)
    colors = set(re.findall(r"(?:stroke|fill): (#\w{6})", html))
    assert colors <= {"#ffffff", "#000000", "#b0b0b0"} | {c for c in colors if c not in html.partition("</style>")[0]}
    assert "currentColor" in html


def test_plots_take_the_place_of_charts() -> None:
    html = explain.compare(**penguins(learning_rate=[0.001, 0.01]))._repr_html_()
    page = Html(html)
    assert page.tags.count("svg") == 2
    assert "pre" not in page.tags


def test_displaying_leaves_no_figure_open(colony: cr.Colony) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    assert "<svg" in colony._repr_html_()
    assert plt.get_fignums() == before


@pytest.mark.usefixtures("plain")
def test_names_are_text_and_never_markup() -> None:
    rng = np.random.default_rng(0)
    data = {"<b>a</b>[red]\x1b[31m": rng.normal(size=40), "label": np.repeat(["<script>1</script>", "&amp;"], 20)}
    run = cr.train(data, label="label", hidden=[2], epochs=2, threads=1)
    text, page = check(run)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "<script>1</script>" in " ".join(page.words)
    assert "\x1b" not in text
    assert "[red]" in text


@pytest.mark.usefixtures("plain")
def test_advice_is_in_the_words_of_the_reader(colony: cr.Colony) -> None:
    assert "test_fraction=0.2 holds out rows" in " ".join(str(colony).split())
    with use_words(write_as_option):
        assert "--test-fraction 0.2 holds out rows" in " ".join(str(colony).split())


@pytest.mark.usefixtures("plain")
def test_a_run_that_still_trains_is_not_evaluated() -> None:
    run = cr.train(**penguins())
    assert "largest errors" in str(run)
    run.status = "running"
    assert "largest errors" not in str(run)


def test_rules_of_the_style_sheet_apply_to_the_page_alone(run: cr.Run) -> None:
    style = run.plan._repr_html_().partition("<style>")[2].partition("</style>")[0]
    selectors = re.findall(r"(?:^|[}{])\s*([^@{}]+?)\s*\{", re.sub(r"@media[^{]*\{", "", style))
    assert len(selectors) > 20
    assert all(".creche-page" in part for whole in selectors for part in re.split(r",(?![^(]*\))", whole))
