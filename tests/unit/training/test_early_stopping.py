"""When training stops, and with which weights it ends: by default, asked for, and in files of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche._system.archive import read_archive, write_archive
from creche.training.plan_file import plan_to_arguments, read_plan, write_plan
from tests.unit.small_runs import TO_THE_END, digest, line, two_classes

JOB: dict[str, Any] = {"hidden": [24], "epochs": 80, "learning_rate": 0.02, "threads": 1}


def noise(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Labels that have nothing to do with the features, so that a network can only overfit."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((80, 8)), rng.integers(0, 2, 80)


def weights_by_epoch(x: Any, y: Any, **arguments: Any) -> tuple[cr.Run, list[bytes]]:
    """A run to its end, and the weights after each epoch."""
    seen: list[bytes] = []
    run = cr.train(x, y, **{**JOB, **TO_THE_END, **arguments}, on_epoch=lambda record: seen.append(digest(record.run)))
    return run, seen


@pytest.mark.parametrize("epochs", [12, 80, 300])
def test_by_default_training_stops_early_and_keeps_the_best_epoch(epochs: int) -> None:
    whole, weights = weights_by_epoch(*noise(), epochs=epochs)
    losses, patience = whole.history.validation_loss, max(5, epochs // 10)
    best, last = 0, epochs - 1
    for epoch in range(epochs):
        best = epoch if losses[epoch] < losses[best] else best
        if epoch - best == patience:
            last = epoch
            break
    run = cr.train(*noise(), **{**JOB, "epochs": epochs})
    assert (run.epoch, run.kept_epoch) == (last + 1, best + 1)
    assert run.status == ("early_stopped" if last < epochs - 1 else "finished")
    assert digest(run) == weights[best]
    assert run.plan.early_stopping == cr.EarlyStopping(patience)
    assert run.plan.keep == "best"
    assert run.model.provenance.kept_epoch == best + 1  # type: ignore[union-attr]


def test_without_early_stopping_the_best_of_all_epochs_is_kept() -> None:
    whole, weights = weights_by_epoch(*noise())
    run = cr.train(*noise(), **JOB, early_stopping=False)
    assert (run.status, run.epoch, run.plan.early_stopping) == ("finished", 80, None)
    assert run.kept_epoch == whole.history.best_epoch + 1 < 80
    assert digest(run) == weights[whole.history.best_epoch]
    assert run.history.validation_loss.tobytes() == whole.history.validation_loss.tobytes()


def test_both_can_be_switched_off() -> None:
    run = cr.train(*noise(), **JOB, early_stopping=False, keep="last")
    assert (run.status, run.epoch, run.kept_epoch) == ("finished", 80, 80)
    assert digest(run) == weights_by_epoch(*noise())[1][-1]
    stopped = cr.train(*noise(), **JOB, keep="last")
    assert stopped.status == "early_stopped"
    assert stopped.kept_epoch == stopped.epoch
    assert digest(stopped) == weights_by_epoch(*noise())[1][stopped.epoch - 1]


@pytest.mark.parametrize("arguments", [{}, {"keep": "best"}, {"early_stopping": False, "keep": "best"}])
def test_without_validation_rows_training_goes_on_to_the_last_epoch(arguments: dict[str, Any]) -> None:
    run = cr.train(*noise(), **JOB, validation_fraction=0, **arguments)
    assert (run.status, run.epoch, run.kept_epoch) == ("finished", 80, 80)
    assert (run.plan.early_stopping, run.plan.keep) == (None, "last")
    asked = cr.train(*line(), hidden=[4], epochs=400, learning_rate=0.1, validation_fraction=0, early_stopping=True)
    assert asked.status == "early_stopped"
    assert asked.kept_epoch == asked.history.best_epoch + 1 == int(np.argmin(asked.history.train_loss)) + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep": "first"}, "keep: got 'first'; .*best"),
        (
            {"early_stopping": cr.EarlyStopping(watch="acuracy")},
            "EarlyStopping.watch: got 'acuracy'; did you mean",
        ),
        ({"early_stopping": cr.EarlyStopping(watch="rmse")}, "EarlyStopping.watch: got 'rmse'; .*log_loss"),
        ({"early_stopping": {"restore_best": True}}, "unknown key 'restore_best'"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        cr.train(*two_classes(), **JOB, **arguments)


def test_words_may_be_in_any_case() -> None:
    run = cr.train(*two_classes(), **{**JOB, "epochs": 3}, keep="Last", early_stopping=cr.EarlyStopping(watch="AUC"))
    assert (run.plan.keep, run.plan.early_stopping) == ("last", cr.EarlyStopping(5, watch="auc"))
    assert cr.EarlyStopping(watch="Loss") == cr.EarlyStopping()


OLD = [
    (None, None, "last"),
    ({"patience": 4, "min_delta": 0.0, "restore_best": True}, cr.EarlyStopping(4), "best"),
    ({"patience": 4, "min_delta": 0.1, "restore_best": False}, cr.EarlyStopping(4, 0.1), "last"),
]


class TestEarlierVersions:
    """Plans that say nothing of the weights to keep mean what they meant."""

    @pytest.mark.parametrize(("stopping", "expected", "keep"), OLD)
    def test_plans_as_json(self, stopping: Any, expected: Any, keep: str) -> None:
        data = cr.train(*two_classes(), **{**JOB, "epochs": 2}).plan.to_dict()
        del data["keep"]
        plan = cr.Plan.from_json(json.dumps({**data, "early_stopping": stopping}))
        assert (plan.early_stopping, plan.keep) == (expected, keep)
        assert cr.Plan.from_json(plan.to_json()) == plan

    @pytest.mark.parametrize(("stopping", "expected", "keep"), OLD)
    @pytest.mark.parametrize("name", ["plan.toml", "plan.json"])
    def test_plan_files(self, tmp_path: Path, name: str, stopping: Any, expected: Any, keep: str) -> None:
        run = cr.train("penguins", label="species", hidden=[4], epochs=3, threads=1)
        arguments = plan_to_arguments(run.plan, run.prepared.preparation)
        del arguments["keep"]
        write_plan({**arguments, "early_stopping": False if stopping is None else stopping}, tmp_path / name)
        plan = cr.train("penguins", **read_plan(tmp_path / name), threads=1).plan
        assert (plan.early_stopping, plan.keep) == (expected, keep)

    def test_a_file_by_hand_that_names_neither_has_the_defaults(self, tmp_path: Path) -> None:
        (tmp_path / "plan.toml").write_text('label = "species"\nepochs = 3\n')
        plan = cr.train("penguins", **read_plan(tmp_path / "plan.toml"), threads=1).plan
        assert (plan.early_stopping, plan.keep) == (cr.EarlyStopping(5), "best")

    @pytest.mark.parametrize("stops", [False, True])
    def test_a_checkpoint_is_resumed_as_it_was_begun(self, tmp_path: Path, stops: bool) -> None:
        ending: dict[str, Any] = {"early_stopping": 4, "keep": "best"} if stops else TO_THE_END
        whole = cr.train("penguins", label="species", **JOB, **ending)
        folder = tmp_path / "run"
        cr.train(
            "penguins", label="species", **JOB, **ending, checkpoint=folder, on_epoch=lambda record: record.epoch == 6
        )
        for path in folder.glob("*.creche-checkpoint"):
            header, state = read_archive(path, "checkpoint")
            del header["plan"]["keep"]
            if stops:
                del header["plan"]["early_stopping"]["watch"]
                header["plan"]["early_stopping"]["restore_best"] = True
            write_archive(path, "checkpoint", header, state)
        again = cr.resume(folder, threads=1)
        assert digest(again) == digest(whole)
        assert again.plan == whole.plan

    def test_a_model_file(self) -> None:
        kept = Path(__file__).parents[2] / "data" / "kept"
        plans = {path.stem: cr.load(path).plan for path in kept.rglob("*.creche")}  # type: ignore[union-attr]
        assert (plans["classes"].early_stopping, plans["classes"].keep) == (None, "last")
        assert (plans["two_classes"].early_stopping, plans["two_classes"].keep) == (cr.EarlyStopping(5), "best")


def test_others_that_train_do_as_train_does() -> None:
    x, y = noise()
    alone = cr.train(x, y, **JOB)
    (member,) = cr.sweep(x, y, **JOB)
    assert (member.status, member.epoch, member.kept_epoch) == (alone.status, alone.epoch, alone.kept_epoch)
    assert member.model.provenance.weights == alone.model.provenance.weights  # type: ignore[union-attr]
    crossed = cr.cross_validate(x, y, folds=3, **JOB)
    for network in crossed.members:
        assert network.plan.early_stopping == cr.EarlyStopping(8)
        fold = set(network.prepared.test.observations.row_indices.tolist())  # type: ignore[union-attr]
        watched = set(network.prepared.validation.observations.row_indices.tolist())  # type: ignore[union-attr]
        assert not fold & watched
        assert network.kept_epoch < network.epoch


def test_rows_of_a_fold_never_choose_the_weights() -> None:
    """Without early stopping, the only rows that are held out are those that evaluate."""
    x, y = noise()
    plan = cr.train(x, y, **JOB, early_stopping=False).plan
    assert plan.keep == "best"
    for crossed in (
        cr.cross_validate(x, y, folds=3, **JOB, early_stopping=False),
        cr.cross_validate(x, y, folds=3, plan=plan, threads=1),
        cr.cross_validate(x, y, folds=3, **JOB, early_stopping=False, on_epoch=lambda record: False),
    ):
        assert {(m.plan.keep, m.kept_epoch, m.epoch) for m in crossed.members} == {("last", 80, 80)}
    colony = cr.sweep(x, y, folds=3, **JOB, early_stopping=[False, 5])
    assert {(m.plan.early_stopping is None, m.plan.keep) for m in colony} == {(True, "last"), (False, "best")}


def test_the_search_for_a_learning_rate_trains_to_the_end() -> None:
    shared = {name: value for name, value in JOB.items() if name != "learning_rate"}
    rates = cr.log_range(1e-3, 1e-1, 3)
    found = cr.find_learning_rate(*noise(), rates=rates, seeds=1, extend=False, **shared)
    assert {(m.status, m.epoch, m.kept_epoch, m.plan.keep) for m in found.colony} == {("finished", 80, 80, "last")}
    asked = cr.find_learning_rate(*noise(), rates=rates, seeds=1, extend=False, **shared, early_stopping=5)
    assert {m.plan.keep for m in asked.colony} == {"best"}
    assert any(m.status == "early_stopped" for m in asked.colony)


def test_what_callbacks_stop_keeps_its_last_weights_and_can_go_on() -> None:
    run = cr.train(*noise(), **JOB, on_epoch=lambda record: record.epoch == 9)
    assert (run.status, run.kept_epoch) == ("stopped", 9)
    assert digest(run.resume()) == digest(cr.train(*noise(), **JOB))
