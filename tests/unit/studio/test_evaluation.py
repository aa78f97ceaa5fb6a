"""What a page sees of how good the network is: evaluations, errors, rows and the diagnosis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.studio.protocol import views
from creche.studio.protocol.requests import (
    ChangeSettings,
    ConfigureTable,
    Connect,
    Diagnose,
    Play,
    Rewind,
    ShowRows,
    Step,
    Watch,
)
from creche.studio.table_source import open_file
from tests.unit.studio.watching import Page, watched


def train(**arguments: object) -> cr.Run:
    job = {
        "hidden": [8, 8],
        "label": "species",
        "epochs": 1000,
        "early_stopping": False,
        "keep": "last",
        "threads": 1,
        **arguments,
    }
    return cr.train("penguins", **job)  # type: ignore[arg-type]


def after_epochs(page: Page, epochs: int, *names: str, partition: views.Partition = "validation") -> None:
    page.get(Watch(views=names, partition=partition))  # type: ignore[arg-type]
    page.get(Step("epoch", count=epochs))


def test_the_evaluation_is_that_of_the_model() -> None:
    with watched() as page:
        after_epochs(page, 5, "evaluation")
        view = page.pushed(views.EvaluationView, lambda view: view.epoch == 5)
        run = train(steps=40)
        evaluation = run.evaluation
        assert run.evaluated_on == view.partition == "validation"
        assert view.rows == evaluation.rows == view.confusion.sum()
        np.testing.assert_array_equal(view.confusion, evaluation.confusion)  # type: ignore[union-attr]
        for metric in view.metrics:
            assert metric.value == pytest.approx(evaluation.values[metric.key])
            assert metric.baseline == pytest.approx(evaluation.baseline[metric.key])
        assert view.classes == ("Adelie", "Chinstrap", "Gentoo")
        assert view.reliability[:, 2].sum() == view.rows


def test_numbers_are_drawn_against_their_predictions() -> None:
    with watched() as page:
        page.get(ConfigureTable(label=("body_mass_g",)))
        after_epochs(page, 3, "evaluation", "errors")
        view = page.pushed(views.EvaluationView, lambda view: view.epoch == 3)
        with pytest.warns(cr.CrecheWarning, match="dropped 2 of 344 rows without a label"):
            run = train(label="body_mass_g", steps=24, missing_label="drop")
        assert run.prepared.validation is not None
        observed = run.prepared.validation.observations
        np.testing.assert_array_equal(view.actual, observed.y.astype(np.float32))
        np.testing.assert_allclose(view.predicted, run.model.predict(observed.x), rtol=1e-6)
        assert view.classes == ()
        worst = page.pushed(views.ErrorsView, lambda view: view.epoch == 3).rows[0]
        errors = np.abs(run.model.predict(observed.x) - observed.y)
        assert worst.number == observed.row_numbers[int(np.argmax(errors))]
        assert worst.probability is None


def test_errors_are_the_rows_with_the_largest_losses() -> None:
    with watched() as page:
        after_epochs(page, 5, "errors", partition="train")
        view = page.pushed(views.ErrorsView, lambda view: view.epoch == 5)
        run = train(steps=40)
        observed = run.prepared.train.observations
        probabilities = run.model.predict_proba(observed.x)
        classes = list(run.prepared.labels.classes or ())
        losses = -np.log(probabilities[np.arange(len(observed)), [classes.index(label) for label in observed.y]])
        order = np.argsort(-losses, kind="stable")[: len(view.rows)]
        assert [row.number for row in view.rows] == observed.row_numbers[order].tolist()
        assert [row.loss for row in view.rows] == pytest.approx(losses[order].tolist(), rel=1e-4)
        for row, place in zip(view.rows, order, strict=True):
            assert row.actual == observed.y[place]
            assert row.partition == "train"
            assert row.probability == pytest.approx(np.exp(-row.loss), rel=1e-4)


def test_rows_are_shown_with_what_is_predicted() -> None:
    with watched() as page:
        page.get(Step("epoch", count=5))
        view = page.get(ShowRows(first=340, count=20))
        assert (view.total, len(view.rows)) == (344, 5)
        assert view.columns[0] == "island"
        table = cr.datasets.penguins()
        run = train(steps=40)
        for row in view.rows:
            cells = table.row(row.number - 1, named=True)
            assert row.values[0] == cells["island"]
            assert row.actual == cells["species"]
            assert row.predicted == run.model.predict(table[row.number - 1])[0]
        shown = page.get(ShowRows(first=1, count=200))
        validation = run.prepared.validation
        assert validation is not None
        expected = np.isin([row.number for row in shown.rows], validation.observations.row_numbers)
        assert [row.partition == "validation" for row in shown.rows] == expected.tolist()
        assert page.fail(ShowRows(first=0)).code == "bad_value"
        assert page.fail(ShowRows(count=10_000)).code == "bad_value"


def test_what_is_watched_is_pushed_while_it_trains_and_after_going_back() -> None:
    with watched() as page:
        page.get(Watch(views=("evaluation", "errors")))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished")
        last = page.pushed(views.EvaluationView, lambda view: view.epoch == 1000)
        first = page.all(views.EvaluationView)[0]
        assert first.epoch == 0
        page.get(Rewind(0))
        again = page.pushed(views.EvaluationView, lambda view: view.epoch == 0)
        np.testing.assert_array_equal(again.confusion, first.confusion)
        assert last.metrics[0].value != again.metrics[0].value


def test_nothing_is_computed_that_is_not_watched() -> None:
    with watched() as page:
        page.get(Step("epoch", count=3))
        page.get(Connect(views.VERSION))  # what the steps push has come before its answer
        assert page.all(views.EvaluationView) == page.all(views.ErrorsView) == []


def test_a_network_whose_predictions_are_not_finite_is_watched_without_a_failure() -> None:
    with watched() as page:
        page.get(ChangeSettings(activation="relu", optimizer="sgd", learning_rate=1e30))
        page.get(Watch(("evaluation", "errors")))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "diverged")
        page.get(Connect(views.VERSION))
        assert page.all(views.Failure) == []


def test_a_part_that_is_not_there_is_refused() -> None:
    with watched() as page:
        assert page.fail(Watch(views=("evaluation",), partition="test")).text == "There are no test rows."
        page.get(ChangeSettings(test_fraction=0.2))
        page.get(Watch(views=("evaluation",), partition="test"))
        assert page.pushed(views.EvaluationView).partition == "test"


def test_a_large_part_is_sampled_evenly(tmp_path: Path) -> None:
    rows = 50_000
    rng = np.random.default_rng(0)
    lines = [f"{a:.4f},{b:.4f},{'yes' if a > b else 'no'}" for a, b in rng.standard_normal((rows, 2))]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(["a,b,label", *lines]))
    with watched(open_file(path), ("label",)) as page:
        page.get(Watch(views=("evaluation",), partition="train"))
        view = page.pushed(views.EvaluationView)
        assert 5000 < view.rows <= 10_000


def test_the_diagnosis_says_what_the_run_suffers_from() -> None:
    with watched() as page:
        page.get(ChangeSettings(optimizer="sgd", learning_rate=0.0))
        page.get(Step("epoch", count=5))
        view = page.get(Diagnose())
        assert view.epoch == 5
        assert view.verdict
