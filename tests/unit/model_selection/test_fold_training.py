"""The networks of a cross-validation: the bytes of each, those that diverge, and what Ctrl-C leaves."""

from __future__ import annotations

import signal
import threading
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.model_selection.fold_training import FoldNetworks
from tests.unit.model_selection.sweeps import weight_bytes
from tests.unit.small_runs import TO_THE_END, line, two_classes

QUICK: dict[str, Any] = {"hidden": [6], "epochs": 5, "threads": 1, **TO_THE_END}


def squares(outputs: Any, labels: Any) -> tuple[Any, Any]:
    with np.errstate(over="ignore"):
        error = outputs - labels
        return (error * error)[:, 0], error + error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("task", ["classification", "regression", "a loss in Python"])
def test_each_network_is_the_one_trained_alone(task: str, threads: int) -> None:
    """By `creche.train`, on arrays without the rows of the fold, with encoders of their own."""
    x, y = two_classes(61) if task == "classification" else line(61)
    job: dict[str, Any] = {**QUICK, "threads": threads}
    if task == "a loss in Python":
        job["loss"] = squares
    crossed = cr.cross_validate(x, y, folds=3, repeats=2, seeds=3, seed=4, split_seed=1, **job)
    assert [(p.repeat, p.fold, p.seed) for p in crossed.fold_members] == [
        (repeat, fold, seed) for repeat in (1, 2) for fold in (1, 2, 3) for seed in (4, 5, 6)
    ]
    assert all(isinstance(member, cr.Run if "loss" in job else cr.Member) for member in crossed.members)
    for member, place, evaluation in zip(crossed.members, crossed.fold_members, crossed.evaluations, strict=True):
        fold = member.prepared.evaluation_part[1].observations.row_indices
        others = np.setdiff1d(np.arange(61), fold)
        alone = cr.train(x[others], y[others], validation_data=(x[fold], y[fold]), seed=place.seed, **job)
        assert weight_bytes(member) == weight_bytes(alone)
        assert member.history.validation_loss.tobytes() == alone.history.validation_loss.tobytes()
        assert evaluation.metrics() == alone.evaluation.metrics()


def test_each_network_is_the_one_trained_alone_with_early_stopping_and_weights() -> None:
    table = cr.datasets.penguins().with_row_index("weight", offset=1)
    job: dict[str, Any] = {
        "hidden": [5], "epochs": 40, "early_stopping": 2, "class_weight": "balanced", "dropout": 0.1,
        "learning_rate": 0.05, "threads": 1,
    }  # fmt: skip
    crossed = cr.cross_validate(table, label="species", folds=4, seeds=5, sample_weight="weight", **job)
    assert {member.status for member in crossed.members} >= {"early_stopped"}
    for member in crossed.members:
        alone = cr.Run(member.plan, member.prepared, 1).resume()
        assert (alone.status, alone.epoch) == (member.status, member.epoch)
        assert weight_bytes(alone) == weight_bytes(member)


def test_a_plan_of_another_run_with_several_seeds() -> None:
    x, y = two_classes(60)
    run = cr.train(x, y, seed=7, **QUICK)
    crossed = cr.cross_validate(x, y, folds=3, seeds=2, plan=run.plan, threads=1)
    again = cr.cross_validate(x, y, folds=3, seeds=2, seed=7, **QUICK)
    assert [p.seed for p in crossed.fold_members] == [7, 8] * 3
    assert [weight_bytes(m) for m in crossed.members] == [weight_bytes(m) for m in again.members]
    with pytest.raises(cr.PlanError, match="this table needs 2 and 2"):
        cr.cross_validate(x[:, :2], y, folds=3, plan=run.plan, threads=1)


DIVERGING: dict[str, Any] = {"hidden": [6], "activation": "relu", "epochs": 30, "optimizer": "sgd", "threads": 1}


def test_diverged_networks_are_left_out_with_a_warning() -> None:
    x, y = line(60)
    with pytest.warns(
        cr.CrecheWarning, match=r"\d of 18 networks diverged \(for example seed \d on fold \d of repeat 1, in epoch"
    ):
        crossed = cr.cross_validate(x, y, folds=3, seeds=6, learning_rate=0.5, **DIVERGING)
    assert 0 < len(crossed.diverged) == 18 - len(crossed.members) == 18 - len(crossed.evaluations)
    assert set(crossed.fold_members).isdisjoint(crossed.diverged)
    assert crossed.summary()["rmse"].networks == len(crossed.members)
    assert np.isfinite(crossed.predictions).all()
    for place in crossed.diverged:
        fold = next(m for m, p in zip(crossed.members, crossed.fold_members, strict=True) if p.fold == place.fold)
        with pytest.raises(cr.DivergedError):
            cr.Run(cr.Plan.from_dict({**fold.plan.to_dict(), "seed": place.seed}), fold.prepared, 1).resume()


@pytest.mark.parametrize("loss", [None, squares])
def test_a_fold_whose_networks_all_diverge(loss: Any) -> None:
    x, y = line(60)
    with pytest.raises(
        cr.DivergedError, match=r"6 of 6 networks diverged .*leaves no network to evaluate on fold 1; try a learning"
    ):
        cr.cross_validate(x, y, folds=3, seeds=2, learning_rate=50.0, loss=loss, **DIVERGING)


@pytest.mark.parametrize("loss", [None, squares])
def test_progress_counts_the_networks_that_have_ended(loss: Any) -> None:
    x, y = line(60)
    seen: list[tuple[int, tuple[int, int], float]] = []

    def look(networks: FoldNetworks) -> None:
        assert len(networks) == 6
        seen.append((networks.done, networks.epochs, networks.rate))
        assert networks.rate == pytest.approx(networks.done / networks.seconds)

    cr.cross_validate(x, y, folds=3, seeds=2, loss=loss, on_progress=look, **QUICK)
    assert seen[-1][:2] == (6, (30, 30))
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


@pytest.mark.usefixtures("reports_often")
@pytest.mark.parametrize("loss", [None, squares])
def test_ctrl_c_keeps_the_networks_that_have_ended(loss: Any) -> None:
    x, y = line(60)

    def interrupt(networks: FoldNetworks) -> None:
        if networks.done >= (16 if loss is None else 5):
            raise KeyboardInterrupt

    job = {**QUICK, "epochs": 4000 if loss is None else 20}
    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.cross_validate(x, y, folds=3, seeds=40, loss=loss, on_progress=interrupt, **job)
    crossed = stopped.value.cross_validation  # type: ignore[attr-defined]
    assert isinstance(crossed, cr.CrossValidation)
    assert 0 < len(crossed.members) < 120
    assert len(crossed.evaluations) == len(crossed.members)
    member, place = crossed.members[-1], crossed.fold_members[-1]
    assert member.epoch == job["epochs"]
    whole = cr.Run(member.plan, member.prepared, 1).resume()
    assert weight_bytes(whole) == weight_bytes(member)
    assert member.plan.seed == place.seed
    assert crossed.evaluation.rows == np.isfinite(crossed.predictions[:, 0]).sum()
    if loss is not None:  # seeds before folds: each fold has had its first
        assert {p.fold for p in crossed.fold_members if p.seed == 0} == {1, 2, 3}


def test_ctrl_c_stops_training_in_its_midst() -> None:
    """The signal comes while the engine trains, which would go on for hours."""
    x, y = line(3000)
    has_begun, pressed = threading.Event(), threading.Event()

    def press() -> None:
        has_begun.wait()
        pressed.set()
        signal.raise_signal(signal.SIGINT)

    def look(networks: FoldNetworks) -> None:
        if networks.epochs[0] > 0:
            has_begun.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=press)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt) as stopped:
            cr.cross_validate(x, y, folds=3, seeds=4, hidden=[30, 30], epochs=10_000_000, threads=2, on_progress=look)
    finally:
        has_begun.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert pressed.is_set()
    assert not hasattr(stopped.value, "cross_validation")


def test_more_networks_or_tables_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes(40)
    with pytest.raises(cr.PlanError, match=r"seeds: got 0; needs a whole number of at least 1"):
        cr.cross_validate(x, y, seeds=0, **QUICK)
    monkeypatch.setattr("creche.engine.memory_checks.available_memory", lambda: 100_000)
    with pytest.raises(cr.PlanError, match=r"200 networks need about .* more than .* available"):
        cr.cross_validate(x, y, folds=2, seeds=100, **QUICK)
    monkeypatch.setattr("creche.engine.memory_checks.available_memory", lambda: 1_000)
    with pytest.raises(cr.PlanError, match=r"4 folds need about .* for encoded rows"):
        cr.cross_validate(x, y, folds=2, repeats=2, **QUICK)
