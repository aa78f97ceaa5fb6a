from __future__ import annotations

import base64
import hashlib
import html
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche import explain
from creche.engine.parameters import Parameters
from creche.report.explanations import find_critical_weight
from creche.report.limits import find_limitations
from creche.report.subject import create_subject
from tests.unit import small_runs as jobs
from tests.unit.report.pages import Page

EVIL = "<script>alert(1)</script>"
ALWAYS = ["summary", "predict", "use", "data", "network", "training", "errors"]
EXPLAINED = ["importance", "step", "landscape"]


def page_of(model: Any, data: Any, folder: Path, y: Any = None, **arguments: Any) -> tuple[str, Page]:
    text = cr.report(model, data, folder / "report.html", y, **arguments).read_text()
    return text, Page.of(text)


@pytest.fixture(scope="module")
def penguins(model: cr.Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    return page_of(model, "penguins", tmp_path_factory.mktemp("page"))


def test_the_sections_in_their_order(penguins: tuple[str, Page]) -> None:
    sections = [value for tag, name, value in penguins[1].attributes if (tag, name) == ("section", "id")]
    assert [name for name in sections if name not in EXPLAINED] == [*ALWAYS, "limitations", "reproduce", "glossary"]
    links = [v for tag, name, v in penguins[1].attributes if (tag, name) == ("a", "href")]
    assert links[: len(sections)] == [f"#{name}" for name in sections]
    ids = [v for tag, name, v in penguins[1].attributes if name == "id"]
    terms = {link.removeprefix("#") for link in links[len(sections) :]}
    assert {"term-log-loss", "term-auc"} <= terms <= set(ids)


def test_the_headline_is_of_the_rows_kept_out(model: cr.Model, penguins: tuple[str, Page]) -> None:
    kept = model.provenance.evaluation  # type: ignore[union-attr]
    low, high = kept["intervals"]["accuracy"]
    assert (
        f"On the 103 rows held out for validation its accuracy is {kept['accuracy']:.1%} (95 % CI: {low:.1%} to "
        f"{high:.1%}); that of the baseline (most frequent class) is {kept['baseline']['accuracy']:.1%}."
    ) in penguins[1].text
    for name in ("log_loss", "auc", "f1"):
        assert f"{kept[name]:.4f}" in penguins[1].texts


def test_facts_of_training(model: cr.Model, penguins: tuple[str, Page]) -> None:
    origin = model.provenance
    assert origin is not None
    texts = penguins[1].texts
    assert {
        "241 for training, 103 for validation",
        origin.weights,
        origin.data["total"],
        "14-4-3, 75 parameters, float32",
    } <= set(texts)
    assert "2700 to 6300" in texts  # of body_mass_g, of the training rows
    assert "The table of this report is the table that the model was trained on." in penguins[1].text


def test_the_page_is_one_file_that_fetches_nothing_and_runs_its_form_alone(penguins: tuple[str, Page]) -> None:
    text, page = penguins
    assert not {"link", "img", "iframe", "object"} & set(page.tags)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(page.values("content")[1])
    assert page.tags.count("script") == text.count("<script") == text.count("</script") == 1
    assert not re.search(r"fetch|import|XMLHttp|eval", script)
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in page.values("href"))
    assert page.values("src") == []
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"url\((?!#)", text)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "default-src 'none'" in page.values("content")[1]


def test_figures_have_ids_of_their_own_and_descriptions(penguins: tuple[str, Page]) -> None:
    text, page = penguins
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    references = [value[1:] for tag, name, value in page.attributes if name == "href" and tag == "use"]
    references += re.findall(r"url\(#([^)]+)\)", text)
    assert references
    assert set(references) <= set(ids)
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(pictures) == page.tags.count("svg") == page.tags.count("figure")
    assert "#16181d" in text.lower()


def test_the_same_page_each_time(model: cr.Model, penguins: tuple[str, Page], tmp_path: Path) -> None:
    assert page_of(model, cr.datasets.penguins(), tmp_path)[0].replace("the table", "penguins") == penguins[0].replace(
        "the table", "penguins"
    )


@pytest.mark.parametrize("label", ["words", "numbers"])
def test_names_and_cells_are_text_and_nothing_else(tmp_path: Path, label: str) -> None:
    rng = np.random.default_rng(0)
    n = 60
    x = rng.normal(size=n)
    evil_class = '"><img src=x onerror=alert(2)>'
    y = np.where(x + rng.normal(0, 0.8, n) > 0, evil_class, "]]>&amp;--> $x^{$") if label == "words" else 3 * x
    data = pl.DataFrame(
        {
            EVIL: x,
            "c": np.where(rng.random(n) > 0.5, "<b onclick=alert(3)>", "</td></svg><script>alert(4)</script>"),
            "'\"><svg onload=alert(5)>": y,
        }
    )
    model = cr.train(data, label="'\"><svg onload=alert(5)>", hidden=[3], epochs=3, threads=1).model
    card = tmp_path / "card.md"
    text, page = page_of(model, data, tmp_path, title=EVIL, intended_use=EVIL, card=card)
    assert not {"img", "b"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("svg") == page.tags.count("figure")
    assert page.texts.count(EVIL) >= 4  # title, heading, use, and the column
    assert page.tags.count("script") == text.count("<script") == text.count("</script") == 1  # the form's
    assert "<script" not in card.read_text()
    assert "<svg" not in card.read_text()
    assert "<b " not in card.read_text()


def test_other_tables_are_evaluated_as_a_whole(model: cr.Model, tmp_path: Path) -> None:
    some = cr.datasets.penguins().head(200)
    some.write_csv(tmp_path / "some.csv")
    for data, called in [
        (tmp_path / "some.csv", "some.csv"),
        (some, "the table"),
        (io.BytesIO(some.write_csv().encode()), "the table"),
    ]:
        subject = create_subject(model, data)
        assert subject.rows_description == f"the 200 rows of {called}"
        assert subject.evaluation.accuracy == model.evaluate(some).accuracy
        assert (
            f"The evaluation uses rows of {called}, a table other than the one the model was trained on."
            in find_limitations(subject)[0].text
        )


def test_rows_kept_for_testing_come_first_and_training_rows_are_named() -> None:
    rows = cr.datasets.penguins().drop_nulls()
    tested = cr.train(rows, label="sex", hidden=[3], epochs=2, threads=1, test_fraction=0.2)
    subject = create_subject(tested.model, rows)
    assert subject.rows_description == "the 67 rows held out for testing"
    assert subject.evaluation.to_dict() == tested.evaluation.to_dict()
    alone = cr.train(rows, label="sex", hidden=[3], epochs=2, threads=1, validation_fraction=0).model
    subject = create_subject(alone, rows)
    assert subject.rows_description == "the 333 rows it was trained on"
    assert "It uses rows that the model was trained on" in find_limitations(subject)[0].text


def test_validation_rows_of_a_table_of_their_own() -> None:
    rows = cr.datasets.penguins().drop_nulls()
    train, kept = rows.head(200), rows.tail(133)
    model = cr.train(train, label="sex", hidden=[3], epochs=2, threads=1, validation_data=kept).model
    assert create_subject(model, kept).part == "validation"
    assert create_subject(model, train).part == "train"
    assert create_subject(model, rows).part == "other"


def test_sample_weights_of_training_are_recognised() -> None:
    x, y = jobs.two_classes(100)
    weights = np.linspace(0.5, 2, 100)
    run = jobs.quick(x, y, sample_weight=weights)
    subject = create_subject(run.model, x, y, sample_weight=weights)
    assert subject.part == "validation"
    assert subject.evaluation.to_dict() == run.evaluation.to_dict()
    assert create_subject(run.model, x, y).part == "other"
    data = cr.datasets.penguins().drop_nulls()
    weighed = cr.train(data, label="sex", hidden=[3], epochs=2, threads=1, sample_weight="body_mass_g")
    for named in (None, "body_mass_g"):
        subject = create_subject(weighed.model, data, sample_weight=named)
        assert subject.part == "validation"
        assert subject.evaluation.accuracy == weighed.evaluation.accuracy
    assert create_subject(weighed.model, data, sample_weight="flipper_length_mm").part == "other"


@pytest.mark.usefixtures("without_pictures")
def test_numbers_several_labels_arrays_and_weights(tmp_path: Path) -> None:
    x, y = jobs.line(80)
    one = jobs.quick(x, y, epochs=5).model
    text, page = page_of(one, x, tmp_path, y)
    assert "that of the baseline (mean) is" in page.text
    assert "predicted against true" in text
    assert "The model was trained on arrays of 3 columns." in page.text
    both = jobs.quick(x, np.column_stack([y, -y])).model
    assert page_of(both, x, tmp_path, np.column_stack([y, -y]))[0].count("Errors of y1") == 1
    weighted = page_of(one, x, tmp_path, y, sample_weight=np.linspace(0, 1, 80))[1].text
    assert "On the 80 rows of the arrays" in weighted


@pytest.mark.usefixtures("without_pictures")
def test_an_ensemble_and_a_model_without_a_record_of_its_training(model: cr.Model, tmp_path: Path) -> None:
    colony = cr.sweep("penguins", label="species", hidden=[3], epochs=5, seeds=3, threads=1)
    ensemble = colony.ensemble(2)
    ensemble.save(tmp_path / "e.creche")
    page = page_of(tmp_path / "e.creche", "penguins", tmp_path, card=tmp_path / "card.md")[1]
    assert "An ensemble of" in page.text
    assert "held out for validation" in page.text
    bare = cr.Model(model.plan, model.features, model.labels, model.parameters, 1)
    page = page_of(bare, "penguins", tmp_path, card=tmp_path / "card.md")[1]
    assert "The model has no record of its training." in page.text
    assert "training" not in page.values("id")


def test_the_explanations(model: cr.Model, penguins: tuple[str, Page]) -> None:
    page = penguins[1]
    assert set(EXPLAINED) <= set(page.values("id"))
    assert page.tags.count("html") == 1
    assert "Mean prediction as bill_length_mm changes and all other columns keep their values." in page.text
    seen = create_subject(model, "penguins").reference_rows
    step = cr.explain.trace(model, seen.take(np.linspace(0, len(seen) - 1, 20).astype(int)))
    assert f"{step.loss:.6g} before the step" in page.text
    assert "gradients agree with finite differences" in page.text


def test_the_critical_weight_is_the_one_whose_removal_raises_the_loss_most(model: cr.Model) -> None:
    rows = create_subject(model, "penguins").reference_rows
    place = find_critical_weight(model, rows)

    def loss_without(i: int, j: int) -> float:
        weights = [(w.copy(), b) for w, b in model.weights]
        weights[0][0][i, j] = 0
        return (
            cr.Model(model.plan, model.features, model.labels, Parameters.of_layers(weights), 1)
            .evaluate(rows.x, rows.y, n_resamples=0)
            .log_loss
        )

    losses = {(i, j): loss_without(i, j) for i, j in np.ndindex(model.weights[0][0].shape)}
    assert place == max(losses, key=lambda ij: losses[ij])


@pytest.mark.usefixtures("without_pictures")
def test_the_page_is_written_without_an_explanation_that_is_impossible(
    model: cr.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: Any) -> None:
        raise cr.TableError("these rows <cannot> be traced")

    monkeypatch.setattr(explain, "trace", impossible)
    _, page = page_of(model, "penguins", tmp_path)
    assert "Not available: these rows <cannot> be traced." in page.text
    assert "limitations" in page.values("id")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, cr.TableError, "data: is missing"),
        (cr.datasets.penguins().drop("species"), cr.TableError, "has no column 'species'"),
        (cr.datasets.penguins().drop("island"), cr.TableError, "has no column 'island'"),
        ("nowhere.csv", cr.FileError, "there is no such file"),
    ],
)
def test_tables_that_cannot_be(model: cr.Model, tmp_path: Path, data: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        cr.report(model, data, tmp_path / "r.html")
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("without_pictures")
def test_something_else_than_a_model_and_a_page_that_cannot_be_written(
    model: cr.Model, tmp_path: Path, monkeypatch: Any
) -> None:
    with pytest.raises(cr.PlanError, match="model: got int"):
        cr.report(7, "penguins", tmp_path / "r.html")  # type: ignore[arg-type]
    with pytest.raises(cr.FileError, match=r"no/r\.html"):
        cr.report(model, "penguins", tmp_path / "no" / "r.html")
    old = tmp_path / "r.html"
    old.write_text("before")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(cr.FileError, match="the disk is full"):
        cr.report(model, "penguins", old)
    assert old.read_text() == "before"
    assert os.listdir(tmp_path) == ["r.html"]


@pytest.mark.parametrize("argument", ["path", "card"])
def test_a_file_that_cannot_be_written_is_noticed_before_any_work(
    model: cr.Model, tmp_path: Path, monkeypatch: Any, argument: str
) -> None:
    def work(*_: Any, **__: Any) -> None:
        raise AssertionError("the report was begun")

    # The package of this name is hidden by the function of this name.
    monkeypatch.setattr(sys.modules["creche.report.report"], "create_subject", work)
    for name, message in [(tmp_path / "no" / "r.html", "there is no folder"), (tmp_path, "is a folder")]:
        with pytest.raises(cr.FileError, match=message):
            cr.report(model, "penguins", **{"path": tmp_path / "r.html", argument: name})
    assert os.listdir(tmp_path) == []


def test_without_matplotlib_the_command_to_install_it(model: cr.Model, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(cr.CrecheError, match=r"pip install matplotlib"):
        cr.report(model, "penguins", tmp_path / "r.html")


def test_no_file_of_the_user_is_overwritten(model: cr.Model, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    cr.datasets.penguins().write_csv(table)
    before = table.read_bytes()
    for arguments in ({"path": table}, {"path": tmp_path / "r.html", "card": table}):
        with pytest.raises(cr.PlanError, match="is the table itself"):
            cr.report(model, table, **arguments)
    with pytest.raises(cr.PlanError, match=r"card: .* is written by path, too"):
        cr.report(model, table, tmp_path / "r.html", card=tmp_path / "r.html")
    for wrong in (None, 5, ""):
        with pytest.raises(cr.PlanError, match=r"path: got .*needs the name of a file"):
            cr.report(model, table, wrong)  # type: ignore[arg-type]
    assert table.read_bytes() == before
    assert list(tmp_path.iterdir()) == [table]


def test_a_large_model_has_no_form(tmp_path: Path) -> None:
    model = cr.train("penguins", label="species", hidden=[300, 30], epochs=1, threads=1).model
    text = page_of(model, "penguins", tmp_path)[0]
    assert "<script" not in text
    assert 'id="predict"' not in text
    assert "script-src" not in text
