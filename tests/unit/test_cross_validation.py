from __future__ import annotations

import numpy as np
import pytest

import rookery as rk

from .jobs import line, two_classes

QUICK = {"hidden": [6], "epochs": 5, "threads": 1}


def test_each_row_is_predicted_by_networks_that_never_saw_it() -> None:
    x, y = two_classes(60)
    crossed = rk.cross_validate(x, y, folds=4, **QUICK)
    assert len(crossed.runs) == 4
    judged = []
    for run in crossed.runs:
        held_out = run.prepared.validation
        assert held_out is not None
        trained = {tuple(row) for row in run.prepared.train.observations.x}
        tested = [tuple(row) for row in held_out.observations.x]
        assert not trained & set(tested)
        assert len(trained) + len(tested) == 60
        judged += tested
        places = [int(np.flatnonzero((x == np.array(row)).all(axis=1))[0]) for row in tested]
        np.testing.assert_array_equal(run.model.predict_proba(x[places]), crossed.predictions[places].astype("float32"))
    assert sorted(judged) == sorted(tuple(row) for row in x)


def test_the_summary_is_of_the_folds() -> None:
    x, y = line(90)
    crossed = rk.cross_validate(x, y, folds=3, repeats=2, **QUICK)
    errors = [evaluation.metrics()["rmse"] for evaluation in crossed.evaluations]
    assert len(errors) == 6
    mean, spread = crossed.summary()["rmse"]
    assert mean == pytest.approx(np.mean(errors))
    assert spread == pytest.approx(np.std(errors, ddof=1))
    assert crossed.table()["rmse"].to_list() == errors
    assert crossed.predictions.shape == (90, 1)
    assert crossed.to_dict()["folds"][4]["fold"] == 5


def test_groups_stay_together() -> None:
    x, y = two_classes(60)
    table = {"a": x[:, 0], "b": x[:, 1], "patient": np.arange(60) // 4, "ill": y}
    crossed = rk.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    for run in crossed.runs:
        held_out = run.prepared.validation
        assert held_out is not None
        sides = [set(part.observations.x.columns["patient"].values.tolist()) for part in (run.prepared.train, held_out)]
        assert not sides[0] & sides[1]


def test_later_folds_are_judged_by_what_went_before() -> None:
    x, y = line(60)
    table = {"a": x[:, 0], "b": x[:, 1], "day": np.arange(60)[::-1] * 1.5, "y": y}
    crossed = rk.cross_validate(table, label="y", folds=3, time="day", **QUICK)
    for run in crossed.runs:
        held_out = run.prepared.validation
        assert held_out is not None
        before, after = (part.observations.x.columns["day"].values for part in (run.prepared.train, held_out))
        assert before.max() < after.min()
    assert np.isnan(crossed.predictions).any()  # of the rows before the first fold


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"folds": 1}, "folds: got 1; needs"),
        ({"folds": 100}, "100 folds"),
        ({"repeats": 0}, "repeats: got 0; needs"),
        ({"group": "patient"}, "arrays have no named columns"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, object], says: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(rk.RookeryError, match=says):
        rk.cross_validate(x, y, **(QUICK | arguments))


def test_a_class_with_one_row_cannot_be_judged() -> None:
    x, y = two_classes(40)
    labels = np.where(np.arange(40) == 7, "rare", np.where(y > 0, "up", "down"))
    with pytest.raises(rk.TableError, match="class 'rare' has one row only"):
        rk.cross_validate(x, labels, folds=2, **QUICK)
