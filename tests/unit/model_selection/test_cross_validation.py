"""Cross-validation: folds, summaries, warnings and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import line, two_classes

QUICK: dict[str, Any] = {"hidden": [6], "epochs": 5, "threads": 1, "early_stopping": False}


def test_each_row_is_predicted_by_networks_that_never_saw_it() -> None:
    x, y = two_classes(60)
    crossed = cr.cross_validate(x, y, folds=4, **QUICK)
    assert len(crossed.members) == 4
    tested_rows = []
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        trained = {tuple(row) for row in member.prepared.train.observations.x}
        tested = [tuple(row) for row in held_out.observations.x]
        assert not trained & set(tested)
        assert len(trained) + len(tested) == 60
        tested_rows += tested
        places = [int(np.flatnonzero((x == np.array(row)).all(axis=1))[0]) for row in tested]
        np.testing.assert_array_equal(
            member.model.predict_proba(x[places]), crossed.predictions[places].astype("float32")
        )
    assert sorted(tested_rows) == sorted(tuple(row) for row in x)


def test_the_summary_is_computed_over_the_folds() -> None:
    x, y = line(90)
    crossed = cr.cross_validate(x, y, folds=3, repeats=2, **QUICK)
    errors = [evaluation.metrics()["rmse"] for evaluation in crossed.evaluations]
    assert len(errors) == 6
    spread = crossed.summary()["rmse"]
    assert spread.mean == pytest.approx(np.mean(errors))
    assert spread.std == pytest.approx(np.std(errors, ddof=1))
    assert (spread.splits, spread.networks) == (6, 6)
    # Nadeau & Bengio 2003, with t of 5 degrees of freedom from a printed table.
    off = 2.5706 * np.sqrt((1 / 6 + 30 / 60) * np.var(errors, ddof=1))
    assert spread.high == pytest.approx(np.mean(errors) + off, rel=1e-4)
    assert crossed.table()["rmse"].to_list() == errors
    assert crossed.predictions.shape == (90, 1)
    networks = crossed.to_dict()["networks"]
    assert [(n["repeat"], n["fold"]) for n in networks] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_groups_stay_together() -> None:
    x, y = two_classes(60)
    table = {"a": x[:, 0], "b": x[:, 1], "patient": np.arange(60) // 4, "ill": y}
    crossed = cr.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        sides = [
            set(part.observations.x.columns["patient"].values.tolist()) for part in (member.prepared.train, held_out)
        ]
        assert not sides[0] & sides[1]


def test_with_time_each_fold_is_later_than_its_training_rows() -> None:
    x, y = line(60)
    table = {"a": x[:, 0], "b": x[:, 1], "day": np.arange(60)[::-1] * 1.5, "y": y}
    crossed = cr.cross_validate(table, label="y", folds=3, time="day", **QUICK)
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        before, after = (part.observations.x.columns["day"].values for part in (member.prepared.train, held_out))
        assert before.max() < after.min()
    assert np.isnan(crossed.predictions).any()  # of the rows before the first fold


def test_identifiers_and_groups_are_no_features() -> None:
    """Neither the column of groups nor one that counts rows, even if a fold lacks some of them."""
    x, y = two_classes(60)
    table = {"a": x[:, 0], "n": np.arange(1, 61), "patient": np.arange(60) // 4, "ill": y}
    with pytest.warns(cr.CrecheWarning, match="dropped column 'n': an identifier") as caught:
        crossed = cr.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    assert len(caught) == 1
    assert {member.model.features.names for member in crossed.members} == {("a",)}


def test_a_warning_common_to_all_folds_is_given_once() -> None:
    x, y = two_classes(60)
    with pytest.warns(cr.CrecheWarning, match="constant in the training rows") as warned:
        cr.cross_validate(np.column_stack([x, np.ones(60)]), y, folds=3, repeats=2, **QUICK)
    assert [warning.filename for warning in warned] == [__file__]


def test_early_stopping_monitors_rows_outside_the_fold() -> None:
    x, y = two_classes(90)
    plain = cr.cross_validate(x, y, folds=3, **QUICK)
    early = cr.cross_validate(x, y, folds=3, validation_fraction=0.25, **(QUICK | {"early_stopping": 2, "epochs": 200}))
    for member, without, evaluation in zip(early.members, plain.members, early.evaluations, strict=True):
        train, watched, fold = member.prepared.train, member.prepared.validation, member.prepared.test
        assert watched is not None
        assert fold is not None
        assert without.prepared.validation is not None
        assert fold.observations.row_indices.tolist() == without.prepared.validation.observations.row_indices.tolist()
        assert (len(train), len(watched), len(fold), evaluation.rows) == (45, 15, 30, 30)
        parts = [set(part.observations.row_indices.tolist()) for part in (train, watched, fold)]
        assert len(set().union(*parts)) == 90


def test_duplicates_in_other_folds_are_leakage() -> None:
    x, y = two_classes(30)
    x, y = np.vstack([x, x]), np.hstack([y, y])
    message = r"leakage: \d+ of 60 held-out rows .* \(for example, row \d+ equals row \d+\)"
    with pytest.warns(cr.CrecheWarning, match=message) as warned:
        cr.cross_validate(x, y, folds=3, **QUICK)
    assert len(warned) == 1
    together = cr.cross_validate(x, y, folds=3, duplicates="together", **QUICK)
    for member in together.members:
        kept = set((member.prepared.train.observations.row_indices % 30).tolist())
        assert kept.isdisjoint((member.prepared.evaluation_part[1].observations.row_indices % 30).tolist())
    with pytest.warns(cr.CrecheWarning, match="dropped 30 of 60 rows"):
        dropped = cr.cross_validate(x, y, folds=3, duplicates="drop", **QUICK)
    assert np.isnan(dropped.predictions[30:]).all()
    assert dropped.row_numbers.tolist() == list(range(30))


def test_row_weights_count_in_training_and_evaluation() -> None:
    x, y = line(60)
    weights = np.where(np.arange(60) % 3 == 0, 0, 1 + np.arange(60) % 2)
    crossed = cr.cross_validate(x, y, folds=3, sample_weight=weights, **QUICK)
    kept = np.flatnonzero(weights)
    assert crossed.row_numbers.tolist() == kept.tolist()
    errors = (crossed.predictions[kept, 0] - y[kept]) ** 2
    assert crossed.evaluation.metrics()["rmse"] == pytest.approx(np.sqrt(np.average(errors, weights=weights[kept])))


def test_a_file_is_read_with_the_read_options(tmp_path: Path) -> None:
    x, y = two_classes(40)
    path = tmp_path / "t.csv"
    path.write_text("a:b\n" + "".join(f"{value}:{label}\n" for value, label in zip(x[:, 0], y, strict=True)))
    crossed = cr.cross_validate(path, label="b", folds=2, read_options=cr.ReadOptions(separator=":"), **QUICK)
    assert crossed.evaluation.rows == 40


def test_a_class_in_a_single_fold() -> None:
    """Groups may hold all rows of a class; the networks of the other folds then know only that it exists."""
    x, y = two_classes(60)
    names = np.where(np.arange(60) < 20, "rare", np.where(y > 0, "up", "down"))
    table = {"a": x[:, 0], "b": x[:, 1], "patient": np.arange(60) // 20, "ill": names}
    with pytest.warns(cr.CrecheWarning) as warned:
        crossed = cr.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    messages = [str(warning.message) for warning in warned]
    lacking = next(p.number for p in crossed._folds if 0 in p.held_out.observations.row_indices)
    others = ", ".join(f"fold {n}" for n in (1, 2, 3) if n != lacking)
    assert messages[0].startswith(
        f"folds: the training rows lack class 'rare' in fold {lacking}, so those networks never predict it"
    )
    assert messages[1].startswith("folds: the held-out rows lack class ")
    assert f"class 'rare' in {others}" in messages[1]
    assert crossed.evaluation.rows == 60
    assert all(member.model.classes == ("down", "rare", "up") for member in crossed.members)


def test_a_class_with_fewer_rows_than_folds() -> None:
    x, y = two_classes(60)
    names = np.where(np.arange(60) < 3, "rare", np.where(y > 0, "up", "down"))
    with pytest.warns(
        cr.CrecheWarning, match=r"the held-out rows lack class 'rare' in fold \d, fold \d, so AUC"
    ) as warned:
        crossed = cr.cross_validate(x, names, folds=5, **QUICK)
    assert len(warned) == 1
    held_out = [(e.confusion.sum(axis=1) > 0)[1] for e in crossed.evaluations]
    assert sum(held_out) == 3
    assert crossed.evaluation.confusion.sum() == 60


@pytest.mark.parametrize("folds", [2, 3])
def test_folds_that_leave_one_class_to_learn(folds: int) -> None:
    names = np.where(np.arange(60) < 60 // folds, "rare", "up")
    table = {"a": two_classes(60)[0][:, 0], "patient": np.arange(60) // (60 // folds), "ill": names}
    with pytest.raises(cr.TableError, match=r"all training rows of fold \d have the class '\w+'"):
        cr.cross_validate(table, label="ill", folds=folds, group="patient", **QUICK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "folds: got 1; needs"),
        ({"folds": 100}, "folds: got 100 for 40 rows"),
        ({"repeats": 0}, "repeats: got 0; needs"),
        ({"group": "patient"}, "an array, which has no named columns"),
        ({"test_fraction": 0.2}, "test_fraction: got 0.2, which cannot be combined with folds"),
        ({"split_column": "part"}, "split_column: got 'part', which cannot be combined with folds"),
        ({"validation_data": (np.eye(2), [0, 1])}, "validation_data: got a .*, which cannot be combined with folds"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(cr.CrecheError, match=message):
        cr.cross_validate(x, y, **(QUICK | arguments))


def test_a_class_with_one_row_cannot_be_evaluated() -> None:
    x, y = two_classes(40)
    labels = np.where(np.arange(40) == 7, "rare", np.where(y > 0, "up", "down"))
    with pytest.raises(cr.TableError, match="row 7 is the only one of class 'rare'"):
        cr.cross_validate(x, labels, folds=2, **QUICK)


def test_validation_data_does_not_go_with_folds() -> None:
    table = cr.datasets.penguins()
    for call in (cr.cross_validate, cr.sweep):
        with pytest.raises(cr.PlanError, match=r"validation_data: got a .*, which cannot be combined with folds"):
            call(table, label="species", folds=3, validation_data=table)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_plot_shows_the_out_of_fold_predictions(task: str) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    x, y = two_classes(40) if task == "classification" else line(40)
    axes = cr.cross_validate(x, y, folds=2, **QUICK).plot()
    axes.figure.canvas.draw()
    if task == "classification":
        assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    else:
        assert max(len(line.get_xdata()) for line in axes.get_lines()) == 40
    plt.close(axes.figure)
