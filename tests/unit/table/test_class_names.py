from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.table.preparation import Preparation

ORDER = ["Adelie", "Gentoo", "Chinstrap"]
NAMED = dict(enumerate(ORDER))


@pytest.fixture(scope="module")
def words() -> pl.DataFrame:
    return cr.datasets.penguins_four()


@pytest.fixture(scope="module")
def numbered(words: pl.DataFrame) -> pl.DataFrame:
    return words.with_columns(species=pl.Series([ORDER.index(name) for name in words["species"]]))


def small(data: Any, **more: Any) -> cr.Model:
    return cr.train(data, label="species", hidden=[4], epochs=4, threads=1, **more).model


def test_names_and_order_change_nothing_but_names(words: pl.DataFrame, numbered: pl.DataFrame) -> None:
    plain, named, ordered = small(numbered), small(numbered, classes=NAMED), small(words, classes=ORDER)
    assert (plain.classes, named.classes, ordered.classes) == ((0, 1, 2), tuple(ORDER), tuple(ORDER))
    expected = plain.predict_proba(numbered)
    for model in (named, ordered):
        np.testing.assert_array_equal(model.predict_proba(numbered), expected)
    assert named.predict(numbered).tolist() == [ORDER[i] for i in plain.predict(numbered)]
    assert named.evaluate(numbered, n_resamples=0).accuracy == plain.evaluate(numbered, n_resamples=0).accuracy


def test_the_default_order_is_sorted(words: pl.DataFrame) -> None:
    assert small(words).classes == tuple(sorted(ORDER))


def test_names_go_to_a_file_and_back(numbered: pl.DataFrame, tmp_path: Path) -> None:
    run = cr.train(numbered, label="species", classes=NAMED, epochs=2, threads=1)
    run.model.save(tmp_path / "named.creche")
    again = cr.load(tmp_path / "named.creche")
    assert again.labels == run.model.labels
    numbered.write_csv(tmp_path / "numbered.csv")
    assert again.evaluate(tmp_path / "numbered.csv").accuracy == run.model.evaluate(numbered).accuracy
    assert Preparation.from_dict(run.prepared.preparation.to_dict()) == run.prepared.preparation


def test_labels_of_an_array_have_names(numbered: pl.DataFrame) -> None:
    x, y = numbered.drop("species").to_numpy(), numbered["species"].to_numpy()
    model = cr.train(x, y.astype(np.float64), classes=NAMED, epochs=2, threads=1).model
    assert model.classes == tuple(ORDER)
    names = np.array(ORDER)[y]
    assert model.evaluate(x, y, n_resamples=0).accuracy == model.evaluate(x, names, n_resamples=0).accuracy


def test_words_stand_for_numbers_and_booleans(numbered: pl.DataFrame, words: pl.DataFrame) -> None:
    assert small(numbered, classes=["2", "1", "0"]).classes == (2, 1, 0)
    assert small(numbered, classes={"2": "c", "1": "b", "0": "a"}).classes == ("c", "b", "a")
    light = words.with_columns(species=pl.col("body_mass_hg") < 40)
    assert small(light, classes=["true", "false"]).classes == (True, False)
    assert small(light, classes={"true": "light", "false": "heavy"}).classes == ("light", "heavy")


def test_validation_data_and_class_weights_use_the_names(numbered: pl.DataFrame) -> None:
    shuffled = numbered.sample(fraction=1, shuffle=True, seed=1)
    model = small(
        shuffled[:200], classes=NAMED, validation_data=shuffled[200:],
        class_weight=dict.fromkeys(ORDER, 1.0) | {"Gentoo": 2.0},
    )  # fmt: skip
    assert model.classes == tuple(ORDER)


def test_a_colony_has_the_names(numbered: pl.DataFrame) -> None:
    colony = cr.sweep(numbered, label="species", classes=NAMED, hidden=[[4]], epochs=2, seeds=2, threads=1)
    assert colony.best().model.classes == tuple(ORDER)


@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_a_fitted_model_has_the_names(numbered: pl.DataFrame) -> None:
    model = cr.fit(numbered, label="species", classes=NAMED, effort="fast", threads=1)
    assert model.classes == tuple(ORDER)
    assert model.evaluate(numbered, n_resamples=0).accuracy > 0.9


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            ["Adelie", "Gentoo"],
            r"also has the class 'Chinstrap', in 68 rows \(the first is row 275\); add it to Adelie, G",
        ),
        (["Adelie", "Gento", "Chinstrap"], "also has the class 'Gentoo', in 123 rows .* did you mean it by 'Gento'"),
        ([*ORDER, "Adelie"], "classes: got 'Adelie' twice; give each class once"),
        (["Adelie"], "classes: got only 'Adelie'; needs two classes or more"),
        ([], "needs the classes in a list"),
        ("Adelie", "needs the classes in a list"),
        ([["a"], ["b"]], "needs the classes in a list"),
        ({"Adelie": "a", "Gentoo": "a", "Chinstrap": "c"}, "classes: got 'a' twice"),
        ({"Adelie": "a", "Gentoo": "b"}, r"label 'species' is 'Chinstrap' in 68 rows .*no name; add it to Adelie=a"),
        ({"Adelie": "a", "Gentoo": 1}, "classes: got 1 as a name; needs a word"),
        ({}, "needs a word for each value"),
        ({0: "a", "0": "b"}, "classes: got '0' twice"),
    ],
)
def test_mistakes_are_told(words: pl.DataFrame, classes: Any, message: str) -> None:
    with pytest.raises(cr.CrecheError, match=message) as caught:
        small(words, classes=classes)
    assert str(caught.value).startswith("classes: ")


def test_a_number_without_a_name_is_told_when_a_table_is_evaluated(numbered: pl.DataFrame) -> None:
    model = small(numbered, classes=NAMED)
    with pytest.raises(cr.TableError, match=r"is 3 in 1 row \(the first is row 5\), which has no name"):
        model.evaluate(numbered[:5].with_columns(species=pl.Series([0, 0, 0, 0, 3])))


def test_damaged_values_are_refused(numbered: pl.DataFrame) -> None:
    labels = small(numbered, classes=NAMED).labels
    assert "values" not in small(numbered).labels.to_dict()
    for values in ([0, 1], [0, 0, 1], [None, 1, 2], "012"):
        with pytest.raises(cr.FileError, match="damaged"):
            type(labels).from_dict({**labels.to_dict(), "values": values})
