from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr
from creche.errors import CrecheWarning
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, prepare
from creche.table.task import guess_task


def repeated(values: Any, times: int = 20) -> np.ndarray[Any, Any]:
    return np.repeat(np.asarray(values), times)


def counted(counts: dict[int, int]) -> np.ndarray[Any, Any]:
    return np.repeat(list(counts), list(counts.values()))


QUALITY = counted({3: 30, 4: 216, 5: 2138, 6: 2836, 7: 1079, 8: 193, 9: 5})  # of the wines of a well-known table
RINGS = counted({i: max(1, round(600 * np.exp(-((i - 10) ** 2) / 20))) for i in range(1, 30)})
STARS = counted({1: 5, 2: 10, 3: 40, 4: 300, 5: 700})


@pytest.mark.parametrize(
    "y",
    [
        np.array(["a", "b"]),
        np.array(["1", "2", "3"], dtype=object),
        np.array([True, False]),
        repeated([0, 1]),
        repeated([1, 2]),
        repeated([-1, 1]),
        repeated([2, 4]),
        np.array([0, 1]),
        np.array([0, 1, 2] * 2),
        repeated([0, 1, 2], 50).astype(np.uint8),
        repeated([-1, 0, 1]),
        repeated(range(1, 4)),
        repeated(range(10), 178),
        counted({0: 58, 1: 71, 2: 48}),
        repeated([0.0, 1.0]),
        repeated([1.0, 2.0]).astype(np.float32),
        repeated([-1.0, 1.0]),
    ],
    ids=lambda y: f"{np.unique(y)}"[:40],
)
def test_codes_are_classes_without_a_warning(y: Any) -> None:
    guess = guess_task(y)
    assert (guess.task, guess.is_certain) == ("classification", True)
    tells = len(set(y.tolist())) > 2 or 4 in y
    assert (guess.note("y") is not None) == (y.dtype.kind in "iuf" and tells)


@pytest.mark.parametrize(
    "y",
    [
        repeated([0.5, 1.5]),
        np.linspace(0, 1, 100),
        np.arange(51),
        repeated(np.arange(200), 3),
        repeated(np.arange(100.0)),
        np.array([1e300, 1.0]),
        np.zeros((10, 2)),
        repeated([10.0, 20.0, 500.0]),
        np.arange(9.0),
        np.full(9, 4.0),
        repeated(np.arange(25.0, 56.0)),
    ],
    ids=lambda y: f"{y[:3]}",
)
def test_measures_are_numbers_without_a_warning(y: Any) -> None:
    guess = guess_task(y)
    assert (guess.task, guess.is_certain) == ("regression", True)


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (QUALITY, "its 7 different whole numbers lie close together, from 3 to 9"),
        (RINGS, "it has 29 different whole numbers, from 1 to 29"),
        (repeated(range(25, 56)), "it has 31 different whole numbers, from 25 to 55"),
        (repeated([n for n in range(66, 101) if n not in (67, 99)], 9), "it has 33 different whole numbers, from 66"),
        (repeated([2007, 2008, 2009], 100), "its 3 different whole numbers lie close together, from 2007 to 2009"),
        (np.array([*[0, 1, 2] * 10, 3]), "its value 3 occurs only once"),
        (np.array([3, 250, 17, 17, 3, 250]), "its 3 different whole numbers lie far apart, from 3 to 250"),
        (repeated([3.0, 4.0, 5.0, 6.0]), "its 4 different whole numbers lie close together, from 3 to 6"),
        (np.arange(50), "it has 50 different whole numbers, from 0 to 49"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_measures_with_few_values_are_numbers_and_it_is_said(y: Any, reason: str) -> None:
    guess = guess_task(y)
    assert (guess.task, guess.is_certain) == ("regression", False)
    assert reason in guess.reason
    note = guess.note("quality")
    assert note is not None
    assert note.startswith("label 'quality' is treated as a number, because ")
    assert note.endswith(f"; task='classification' treats it as {len(np.unique(y))} classes")


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (STARS, "its values are numbered from 1 to 5"),
        (repeated(range(1, 6)), "its values are numbered from 1 to 5"),
        (repeated([1, 2, 3, 5, 6, 7]), "its values are numbered from 1 to 7"),
        (np.array([*[0] * 50, *[1] * 50, *[2] * 3]), "its values are numbered from 0 to 2"),
        (repeated([0.0, 1.0, 2.0]), "its values are numbered from 0 to 2"),
        (repeated([101, 205, 309]), "it has only 3 different values, from 101 to 309, with many rows each"),
        (repeated(range(40), 10), "its values are numbered from 0 to 39, each in about as many rows"),
        (repeated([99.0, 149.0]), "it has only two values"),
        (repeated([2**53 + 1, 2**53 + 2, 2**60 + 1], 1), "are too large to calculate with exactly"),
        (np.array([2**63 + 1, 2**63 + 3, 7], dtype=np.uint64), "are too large to calculate with exactly"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_codes_that_may_be_measures_are_classes_and_it_is_said(y: Any, reason: str) -> None:
    guess = guess_task(y)
    assert (guess.task, guess.is_certain) == ("classification", False)
    assert reason in guess.reason
    note = guess.note("stars")
    assert note is not None
    assert note.startswith(f"label 'stars' is treated as {len(np.unique(y))} classes, because ")
    assert note.endswith("; task='regression' treats it as a number")


def prepared(data: Any, y: Any = None, task: str | None = None, **arguments: Any) -> Prepared:
    return prepare(data, y, Preparation(**arguments), task=task, loss=None, seed=0)


def test_the_note_is_a_warning_and_kept_for_the_page() -> None:
    x = np.random.default_rng(0).standard_normal((len(STARS), 2))
    with pytest.warns(
        CrecheWarning, match="label 'y' is treated as 5 classes, .*; task='regression' treats it"
    ) as told:
        out = prepared(x, STARS)
    assert out.task_note == str(told[0].message)
    for task in ("classification", "regression"):
        asked = prepared(x, STARS, task=task)
        assert (asked.task, asked.task_note) == (task, None)


def test_a_value_that_occurs_once_does_not_stop_a_guess() -> None:
    y = np.array([1, 2, 3] * 10 + [7])
    x = np.random.default_rng(0).standard_normal((len(y), 2))
    with pytest.warns(CrecheWarning, match="treated as a number, because its value 7 occurs only once"):
        assert prepared(x, y).task == "regression"
    with pytest.warns(CrecheWarning, match="row 30 is the only one of class 7, so it stays a training row"):
        out = prepared(x, y, task="classification")
    assert out.labels.classes == (1, 2, 3, 7)
    assert 30 in out.train.observations.row_indices


def test_arguments_that_only_classes_have_decide() -> None:
    x = np.random.default_rng(0).standard_normal((len(QUALITY), 2))
    assert prepared(x, QUALITY, classes=range(3, 10)).labels.classes == tuple(range(3, 10))
    assert prepared(x, QUALITY, class_weight="balanced").task == "classification"


@pytest.mark.parametrize("form", ["csv", "pandas", "polars", "pyarrow", "dict", "array"])
def test_classes_written_as_floats(form: str, tmp_path: Any) -> None:
    """Whole numbers are floats wherever one was missing once."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(80)
    y = (x > 0).astype(float)
    columns = {"x": x, "y": y}
    data: Any = {
        "csv": tmp_path / "table.csv", "pandas": pd.DataFrame(columns), "polars": pl.DataFrame(columns),
        "pyarrow": pa.table(columns), "dict": {"x": x.tolist(), "y": y.tolist()}, "array": x.reshape(-1, 1),
    }[form]  # fmt: skip
    if form == "csv":
        pd.DataFrame(columns).to_csv(data, index=False)
        assert ",1.0\n" in data.read_text()
    target = {"y": y} if form == "array" else {"label": "y"}
    run = cr.train(data, **target, hidden=[8], epochs=60, learning_rate=0.05, threads=1)
    assert run.model.classes == (0, 1)
    assert [type(value) for value in run.model.classes] == [int, int]
    assert run.model.predict(data).dtype == np.int64
    evaluation = run.model.evaluate(data, y if form == "array" else None)
    assert isinstance(evaluation, cr.ClassificationEvaluation)
    assert evaluation.accuracy > 0.9
    run.model.save(tmp_path / "m.creche")
    assert cr.load(tmp_path / "m.creche").classes == (0, 1)


def test_the_same_classes_from_integers_and_floats() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    y = (x[:, 0] > 0).astype(int) + (x[:, 0] > 1)
    runs = [cr.train(x, labels, task="classification", epochs=3, threads=1) for labels in (y, y.astype(float))]
    assert runs[0].model.classes == runs[1].model.classes == (0, 1, 2)
    np.testing.assert_array_equal(runs[0].model.predict_proba(x), runs[1].model.predict_proba(x))


def test_classes_given_as_floats() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    for y in (np.arange(60) % 2, np.arange(60) % 2 * 1.0):
        classes = prepared(x, y, classes=[0.0, 1.0, 2.0]).labels.classes
        assert classes == (0, 1, 2)
        assert {type(value) for value in classes} == {int}


def test_fractions_stay_classes_if_asked() -> None:
    x = np.random.default_rng(0).standard_normal((60, 2))
    y = np.where(x[:, 0] > 0, 0.5, 2.0)
    assert prepared(x, y, task="classification").labels.classes == (0.5, 2.0)
