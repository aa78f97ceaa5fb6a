from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rookery as rk
from rookery.crossing.trained import Networks

from .jobs import line, two_classes

QUICK: dict[str, Any] = {"hidden": [6], "epochs": 5, "threads": 1}


def weights_of(trained: rk.Member | rk.Run) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in trained.model.weights)


def squares(outputs: Any, labels: Any) -> tuple[Any, Any]:
    with np.errstate(over="ignore"):
        error = outputs - labels
        return (error * error)[:, 0], error + error


def test_each_row_is_predicted_by_networks_that_never_saw_it() -> None:
    x, y = two_classes(60)
    crossed = rk.cross_validate(x, y, folds=4, **QUICK)
    assert len(crossed.members) == 4
    judged = []
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        trained = {tuple(row) for row in member.prepared.train.observations.x}
        tested = [tuple(row) for row in held_out.observations.x]
        assert not trained & set(tested)
        assert len(trained) + len(tested) == 60
        judged += tested
        places = [int(np.flatnonzero((x == np.array(row)).all(axis=1))[0]) for row in tested]
        np.testing.assert_array_equal(
            member.model.predict_proba(x[places]), crossed.predictions[places].astype("float32")
        )
    assert sorted(judged) == sorted(tuple(row) for row in x)


def test_the_summary_is_of_the_folds() -> None:
    x, y = line(90)
    crossed = rk.cross_validate(x, y, folds=3, repeats=2, **QUICK)
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
    crossed = rk.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        sides = [
            set(part.observations.x.columns["patient"].values.tolist()) for part in (member.prepared.train, held_out)
        ]
        assert not sides[0] & sides[1]


def test_later_folds_are_judged_by_what_went_before() -> None:
    x, y = line(60)
    table = {"a": x[:, 0], "b": x[:, 1], "day": np.arange(60)[::-1] * 1.5, "y": y}
    crossed = rk.cross_validate(table, label="y", folds=3, time="day", **QUICK)
    for member in crossed.members:
        held_out = member.prepared.validation
        assert held_out is not None
        before, after = (part.observations.x.columns["day"].values for part in (member.prepared.train, held_out))
        assert before.max() < after.min()
    assert np.isnan(crossed.predictions).any()  # of the rows before the first fold


def test_what_only_tells_rows_apart_is_no_feature() -> None:
    """The column of groups, and one that counts rows, also where a fold lacks some of them."""
    x, y = two_classes(60)
    table = {"a": x[:, 0], "n": np.arange(1, 61), "patient": np.arange(60) // 4, "ill": y}
    with pytest.warns(rk.RookeryWarning, match="left out column 'n': an identifier") as caught:
        crossed = rk.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    assert len(caught) == 1
    assert {member.model.features.names for member in crossed.members} == {("a",)}


def test_what_all_folds_warn_of_is_said_once() -> None:
    x, y = two_classes(60)
    with pytest.warns(rk.RookeryWarning, match="constant in the training rows") as told:
        rk.cross_validate(np.column_stack([x, np.ones(60)]), y, folds=3, repeats=2, **QUICK)
    assert [warning.filename for warning in told] == [__file__]


def test_rows_that_decide_when_to_stop_are_not_those_of_the_fold() -> None:
    x, y = two_classes(90)
    plain = rk.cross_validate(x, y, folds=3, **QUICK)
    early = rk.cross_validate(x, y, folds=3, early_stopping=2, validation_fraction=0.25, **(QUICK | {"epochs": 200}))
    for member, without, judged in zip(early.members, plain.members, early.evaluations, strict=True):
        train, watched, fold = member.prepared.train, member.prepared.validation, member.prepared.test
        assert watched is not None
        assert fold is not None
        assert without.prepared.validation is not None
        assert fold.observations.rows.tolist() == without.prepared.validation.observations.rows.tolist()
        assert (len(train), len(watched), len(fold), judged.rows) == (45, 15, 30, 30)
        parts = [set(part.observations.rows.tolist()) for part in (train, watched, fold)]
        assert len(set().union(*parts)) == 90


def test_copies_in_other_folds_are_leakage() -> None:
    x, y = two_classes(30)
    x, y = np.vstack([x, x]), np.hstack([y, y])
    with pytest.warns(
        rk.RookeryWarning, match=r"leakage: \d+ of the 60 held-out rows .* \(row \d+ is row \d+,"
    ) as told:
        rk.cross_validate(x, y, folds=3, **QUICK)
    assert len(told) == 1
    together = rk.cross_validate(x, y, folds=3, duplicates="together", **QUICK)
    for member in together.members:
        kept = set((member.prepared.train.observations.rows % 30).tolist())
        assert kept.isdisjoint((member.prepared.judged[1].observations.rows % 30).tolist())
    with pytest.warns(rk.RookeryWarning, match="dropped 30 of 60 rows"):
        dropped = rk.cross_validate(x, y, folds=3, duplicates="drop", **QUICK)
    assert np.isnan(dropped.predictions[30:]).all()
    assert dropped.called.tolist() == list(range(30))


def test_weights_of_rows_count_in_learning_and_judging() -> None:
    x, y = line(60)
    weights = np.where(np.arange(60) % 3 == 0, 0, 1 + np.arange(60) % 2)
    crossed = rk.cross_validate(x, y, folds=3, sample_weight=weights, **QUICK)
    kept = np.flatnonzero(weights)
    assert crossed.called.tolist() == kept.tolist()
    errors = (crossed.predictions[kept, 0] - y[kept]) ** 2
    assert crossed.evaluation.metrics()["rmse"] == pytest.approx(np.sqrt(np.average(errors, weights=weights[kept])))


def test_a_file_is_read_as_it_is_said_to_be_written(tmp_path: Path) -> None:
    x, y = two_classes(40)
    path = tmp_path / "t.csv"
    path.write_text("a:b\n" + "".join(f"{value}:{label}\n" for value, label in zip(x[:, 0], y, strict=True)))
    crossed = rk.cross_validate(path, label="b", folds=2, reading=rk.Reading(separator=":"), **QUICK)
    assert crossed.evaluation.rows == 40


def test_a_class_that_one_fold_has_alone() -> None:
    """Groups may hold all rows of a class; then the network knows that there is such a class, and no more."""
    x, y = two_classes(60)
    names = np.where(np.arange(60) < 20, "rare", np.where(y > 0, "up", "down"))
    table = {"a": x[:, 0], "b": x[:, 1], "patient": np.arange(60) // 20, "ill": names}
    with pytest.warns(rk.RookeryWarning) as told:
        crossed = rk.cross_validate(table, label="ill", folds=3, group="patient", **QUICK)
    said = [str(warning.message) for warning in told]
    lacking = next(p.number for p in crossed._folds if 0 in p.held_out.observations.rows)
    others = ", ".join(f"fold {n}" for n in (1, 2, 3) if n != lacking)
    assert said[0].startswith(
        f"folds: no row to learn from of class 'rare' in fold {lacking}; there it is never learnt"
    )
    assert said[1].startswith("folds: no held-out row of class ")
    assert f"class 'rare' in {others}" in said[1]
    assert crossed.evaluation.rows == 60
    assert all(member.model.classes == ("down", "rare", "up") for member in crossed.members)


def test_a_class_with_fewer_rows_than_folds() -> None:
    x, y = two_classes(60)
    names = np.where(np.arange(60) < 3, "rare", np.where(y > 0, "up", "down"))
    with pytest.warns(
        rk.RookeryWarning, match=r"no held-out row of class 'rare' in fold \d, fold \d; there AUC"
    ) as told:
        crossed = rk.cross_validate(x, names, folds=5, **QUICK)
    assert len(told) == 1
    held_out = [(e.confusion.sum(axis=1) > 0)[1] for e in crossed.evaluations]
    assert sum(held_out) == 3
    assert crossed.evaluation.confusion.sum() == 60


@pytest.mark.parametrize("folds", [2, 3])
def test_folds_that_leave_one_class_to_learn(folds: int) -> None:
    names = np.where(np.arange(60) < 60 // folds, "rare", "up")
    table = {"a": two_classes(60)[0][:, 0], "patient": np.arange(60) // (60 // folds), "ill": names}
    with pytest.raises(rk.TableError, match=r"the networks of fold \d would learn from rows of class '\w+' only"):
        rk.cross_validate(table, label="ill", folds=folds, group="patient", **QUICK)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"folds": 1}, "folds: got 1; needs"),
        ({"folds": 100}, "100 folds"),
        ({"repeats": 0}, "repeats: got 0; needs"),
        ({"group": "patient"}, "arrays have no named columns"),
        ({"test_fraction": 0.2}, "test_fraction: does not go with folds"),
        ({"split_column": "part"}, "split_column: does not go with folds"),
        ({"validation_data": (np.eye(2), [0, 1])}, "validation_data: does not go with folds"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, object], says: str) -> None:
    x, y = two_classes(40)
    with pytest.raises(rk.RookeryError, match=says):
        rk.cross_validate(x, y, **(QUICK | arguments))


def test_a_class_with_one_row_cannot_be_judged() -> None:
    x, y = two_classes(40)
    labels = np.where(np.arange(40) == 7, "rare", np.where(y > 0, "up", "down"))
    with pytest.raises(rk.TableError, match="row 7 is the only one of class 'rare'"):
        rk.cross_validate(x, labels, folds=2, **QUICK)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("task", ["classes", "numbers", "a loss in Python"])
def test_each_network_is_the_one_trained_alone(task: str, threads: int) -> None:
    """By the public door, on arrays without the rows of the fold, and encoders of their own."""
    x, y = two_classes(61) if task == "classes" else line(61)
    job: dict[str, Any] = {**QUICK, "threads": threads}
    if task == "a loss in Python":
        job["loss"] = squares
    crossed = rk.cross_validate(x, y, folds=3, repeats=2, seeds=3, seed=4, split_seed=1, **job)
    assert [(p.repeat, p.fold, p.seed) for p in crossed.places] == [
        (repeat, fold, seed) for repeat in (1, 2) for fold in (1, 2, 3) for seed in (4, 5, 6)
    ]
    assert all(isinstance(member, rk.Run if "loss" in job else rk.Member) for member in crossed.members)
    for member, place, evaluation in zip(crossed.members, crossed.places, crossed.evaluations, strict=True):
        fold = member.prepared.judged[1].observations.rows
        others = np.setdiff1d(np.arange(61), fold)
        alone = rk.train(x[others], y[others], validation_data=(x[fold], y[fold]), seed=place.seed, **job)
        assert weights_of(member) == weights_of(alone)
        assert member.history.validation_loss.tobytes() == alone.history.validation_loss.tobytes()
        assert evaluation.metrics() == alone.evaluation[1].metrics()


def test_also_where_they_stop_early_and_rows_and_classes_have_weights() -> None:
    table = rk.datasets.penguins().with_row_index("weight", offset=1)
    job: dict[str, Any] = {
        "hidden": [5], "epochs": 40, "early_stopping": 2, "class_weight": "balanced", "dropout": 0.1,
        "learning_rate": 0.05, "threads": 1,
    }  # fmt: skip
    crossed = rk.cross_validate(table, label="species", folds=4, seeds=5, sample_weight="weight", **job)
    assert {member.status for member in crossed.members} >= {"early_stopped"}
    for member in crossed.members:
        alone = rk.Run(member.plan, member.prepared, 1).resume()
        assert (alone.status, alone.epoch) == (member.status, member.epoch)
        assert weights_of(alone) == weights_of(member)


def test_a_plan_of_another_run_with_several_seeds() -> None:
    x, y = two_classes(60)
    run = rk.train(x, y, seed=7, **QUICK)
    crossed = rk.cross_validate(x, y, folds=3, seeds=2, plan=run.plan, threads=1)
    again = rk.cross_validate(x, y, folds=3, seeds=2, seed=7, **QUICK)
    assert [p.seed for p in crossed.places] == [7, 8] * 3
    assert [weights_of(m) for m in crossed.members] == [weights_of(m) for m in again.members]
    with pytest.raises(rk.PlanError, match="this table needs 2 and 2"):
        rk.cross_validate(x[:, :2], y, folds=3, plan=run.plan, threads=1)


@pytest.mark.parametrize("task", ["classes", "a number", "numbers"])
def test_rows_are_predicted_by_the_mean_and_doubted_by_disagreement(task: str) -> None:
    """Each fold's networks, as an `Ensemble`, say the same of its rows."""
    x, y = two_classes(50) if task == "classes" else line(50)
    labels = np.column_stack([y, -2 * y + x[:, 1]]) if task == "numbers" else y
    crossed = rk.cross_validate(x, labels, folds=2, seeds=4, **QUICK)
    for fold in (1, 2):
        models = [m.model for m, place in zip(crossed.members, crossed.places, strict=True) if place.fold == fold]
        ensemble = rk.Ensemble(models, threads=1)
        rows = crossed.members[(fold - 1) * 4].prepared.judged[1].observations.rows
        said = (
            ensemble.predict_proba(x[rows]) if task == "classes" else ensemble.predict(x[rows]).reshape(len(rows), -1)
        )
        np.testing.assert_allclose(crossed.predictions[rows], said, rtol=1e-6)
        doubt = ensemble.disagreement(x[rows])
        if task == "numbers":  # in deviations of the label, which the ensemble knows of the training rows only
            spread = np.stack([m.predict(x[rows]) for m in models]).std(axis=0)
            doubt = (spread / labels.std(axis=0)).mean(axis=1)
        np.testing.assert_allclose(crossed.doubt[rows], doubt, rtol=1e-6, atol=1e-12)
    assert (crossed.times == 4).all()
    first = crossed.doubtful(3)
    assert [d.doubt for d in first] == sorted(crossed.doubt, reverse=True)[:3]
    assert [d.row for d in first] == np.argsort(-crossed.doubt, kind="stable")[:3].tolist()


def test_one_prediction_has_no_doubt(tmp_path: Path) -> None:
    x, y = two_classes(40)
    crossed = rk.cross_validate(x, y, folds=2, **QUICK)
    assert np.isnan(crossed.doubt).all()
    assert crossed.doubtful() == []
    crossed.write_rows(tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0] == "row,true_y,predicted_y,probability_0,probability_1,doubt,networks"
    assert len(lines) == 41
    assert lines[1].split(",")[-2:] == ["", "1"]


def test_rows_as_a_table() -> None:
    crossed = rk.cross_validate("penguins", label="species", folds=3, repeats=2, **QUICK)
    rows = crossed.rows()
    assert rows["row"].to_list() == list(range(1, 345))
    assert rows["true_species"].to_list() == rk.datasets.penguins()["species"].to_list()
    probabilities = rows.select("probability_Adelie", "probability_Chinstrap", "probability_Gentoo").to_numpy()
    np.testing.assert_array_equal(probabilities, crossed.predictions)
    said = np.array(["Adelie", "Chinstrap", "Gentoo"])[probabilities.argmax(axis=1)]
    assert rows["predicted_species"].to_list() == said.tolist()
    right = (rows["true_species"] == rows["predicted_species"]).mean()
    assert right == pytest.approx(crossed.evaluation.metrics()["accuracy"])
    assert set(rows["networks"]) == {2}
    assert (rows["doubt"] >= 0).all()


def test_quantiles_are_judged_as_such() -> None:
    x, y = line(60)
    crossed = rk.cross_validate(x, y, folds=3, loss=rk.Quantile(0.9), **QUICK)
    error = y - crossed.predictions[:, 0]
    assert crossed.evaluation.metrics()["pinball"] == pytest.approx(np.maximum(0.9 * error, -0.1 * error).mean())


def test_no_intervals_where_none_are_wanted() -> None:
    x, y = two_classes(40)
    assert rk.cross_validate(x, y, folds=2, intervals=0, **QUICK).evaluation.intervals == {}
    assert rk.cross_validate(x, y, folds=2, intervals=50, **QUICK).evaluation.intervals


DIVERGING: dict[str, Any] = {"hidden": [6], "epochs": 30, "optimizer": "sgd", "threads": 1}


def test_some_that_diverge_are_left_out_and_told() -> None:
    x, y = line(60)
    with pytest.warns(rk.RookeryWarning, match=r"\d of 18 networks diverged \(seed \d on fold \d of repeat 1 in epoch"):
        crossed = rk.cross_validate(x, y, folds=3, seeds=6, learning_rate=0.5, **DIVERGING)
    assert 0 < len(crossed.diverged) == 18 - len(crossed.members) == 18 - len(crossed.evaluations)
    assert set(crossed.places).isdisjoint(crossed.diverged)
    assert crossed.summary()["rmse"].networks == len(crossed.members)
    assert np.isfinite(crossed.predictions).all()
    for place in crossed.diverged:
        fold = next(m for m, p in zip(crossed.members, crossed.places, strict=True) if p.fold == place.fold)
        with pytest.raises(rk.DivergedError):
            rk.Run(rk.Plan.from_dict({**fold.plan.to_dict(), "seed": place.seed}), fold.prepared, 1).resume()


@pytest.mark.parametrize("loss", [None, squares])
def test_a_fold_whose_networks_all_diverge(loss: Any) -> None:
    x, y = line(60)
    with pytest.raises(
        rk.DivergedError, match=r"6 of 6 networks diverged .*so fold 1 has none to judge; try a learning"
    ):
        rk.cross_validate(x, y, folds=3, seeds=2, learning_rate=50.0, loss=loss, **DIVERGING)


@pytest.mark.parametrize("loss", [None, squares])
def test_progress_tells_how_many_are_done(loss: Any) -> None:
    x, y = line(60)
    seen: list[tuple[int, tuple[int, int], float]] = []

    def look(networks: Networks) -> None:
        assert len(networks) == 6
        seen.append((networks.done, networks.epochs, networks.rate))

    crossed = rk.cross_validate(x, y, folds=3, seeds=2, loss=loss, on_progress=look, **QUICK)
    assert seen[-1][:2] == (6, (30, 30))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1][2] == pytest.approx(6 / crossed.seconds, rel=0.5)


@pytest.mark.parametrize("loss", [None, squares])
def test_what_is_done_is_kept_when_ctrl_c_comes(loss: Any) -> None:
    x, y = line(60)

    def interrupt(networks: Networks) -> None:
        if networks.done >= (16 if loss is None else 5):
            raise KeyboardInterrupt

    job = {**QUICK, "epochs": 4000 if loss is None else 20}
    with pytest.raises(KeyboardInterrupt) as stopped:
        rk.cross_validate(x, y, folds=3, seeds=40, loss=loss, on_progress=interrupt, **job)
    crossed = stopped.value.cross_validation  # type: ignore[attr-defined]
    assert isinstance(crossed, rk.CrossValidation)
    assert 0 < len(crossed.members) < 120
    assert len(crossed.evaluations) == len(crossed.members)
    member, place = crossed.members[-1], crossed.places[-1]
    assert member.epoch == job["epochs"]
    whole = rk.Run(member.plan, member.prepared, 1).resume()
    assert weights_of(whole) == weights_of(member)
    assert member.plan.seed == place.seed
    assert crossed.evaluation.rows == np.isfinite(crossed.predictions[:, 0]).sum()
    if loss is not None:  # seeds before folds: each fold has had its first
        assert {p.fold for p in crossed.places if p.seed == 0} == {1, 2, 3}


def test_ctrl_c_comes_at_once() -> None:
    x, y = line(3000)
    sent: list[float] = []

    def press() -> None:
        time.sleep(0.3)
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt) as stopped:
            rk.cross_validate(x, y, folds=3, seeds=4, hidden=[30, 30], epochs=10_000_000, threads=2)
        late = time.monotonic() - sent[0]
    finally:
        signal.signal(signal.SIGINT, before)
    assert late < 2  # a tenth of a second, where nothing else runs on the machine
    assert not hasattr(stopped.value, "cross_validation")


def test_more_networks_or_tables_than_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes(40)
    with pytest.raises(rk.PlanError, match=r"seeds: got 0; needs a whole number of at least 1"):
        rk.cross_validate(x, y, seeds=0, **QUICK)
    monkeypatch.setattr("rookery.engine.colony.available_memory", lambda: 100_000)
    with pytest.raises(rk.PlanError, match=r"200 networks need about .* more than .* available"):
        rk.cross_validate(x, y, folds=2, seeds=100, **QUICK)
    monkeypatch.setattr("rookery.engine.colony.available_memory", lambda: 1_000)
    with pytest.raises(rk.PlanError, match=r"4 folds need about .* for their rows"):
        rk.cross_validate(x, y, folds=2, repeats=2, **QUICK)
