"""Any metric can be watched: the epochs are those that evaluating each epoch's model chooses, everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.evaluation.metrics import METRICS, metrics_for
from tests.unit.small_runs import digest

JOB: dict[str, Any] = {"hidden": [16], "epochs": 40, "learning_rate": 0.02, "threads": 1}
KEYS = [metric.key for task in ("classification", "regression") for metric in metrics_for(task)]


def rows(task: str, seed: int = 0, n: int = 160) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6))
    if task == "regression":
        return x, 50 + 9 * np.sin(2 * x[:, 0]) + 6 * rng.standard_normal(n)
    return x, np.array(["ill", "so so", "well"])[np.digitize(x[:, 0] + rng.standard_normal(n), [-1, 0.7])]


def values_by_epoch(x: Any, y: Any, key: str, **arguments: Any) -> tuple[list[float], list[bytes]]:
    """The metric of each epoch's model, by its own evaluation on the validation rows, and its weights."""
    values: list[float] = []
    weights: list[bytes] = []

    def look(record: cr.EpochRecord) -> None:
        part = record.run.prepared.validation
        evaluation = record.run.model.evaluate_rows(part.observations, part.weights, n_resamples=0)  # type: ignore[union-attr]
        values.append(evaluation.metrics()[key])
        weights.append(digest(record.run))

    cr.train(x, y, **{**JOB, **arguments}, early_stopping=False, keep="last", on_epoch=look)
    return values, weights


def expected(values: list[float], key: str, patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """The numbers of the last and the best epoch, from 1."""
    sign = 1 if METRICS[key].lower_is_better else -1
    best = 0
    for epoch, value in enumerate(values):
        if sign * value < sign * values[best] - max(min_delta, 1e-9):
            best = epoch
        if epoch - best == patience:
            return epoch + 1, best + 1
    return len(values), best + 1


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("key", KEYS)
def test_it_stops_and_keeps_as_the_metric_of_each_epoch_says(key: str, keep: Any) -> None:
    x, y = rows(METRICS[key].task)
    values, weights = values_by_epoch(x, y, key)
    run = cr.train(x, y, **JOB, early_stopping=cr.EarlyStopping(4, watch=key), keep=keep)
    last, best = expected(values, key, 4)
    assert run.epoch == last
    assert run.kept_epoch == (best if keep == "best" else last)
    assert digest(run) == weights[run.kept_epoch - 1]
    assert run.status == ("early_stopped" if last < 40 else "finished")
    assert best < last


def test_a_gain_below_min_delta_is_none() -> None:
    x, y = rows("classification")
    values, weights = values_by_epoch(x, y, "log_loss", learning_rate=0.003)
    run = cr.train(x, y, **{**JOB, "learning_rate": 0.003}, early_stopping=cr.EarlyStopping(4, 0.01, "log_loss"))
    last, best = expected(values, "log_loss", 4, 0.01)
    assert (run.epoch, run.kept_epoch) == (last, best)
    assert digest(run) == weights[best - 1]
    assert (last, best) != expected(values, "log_loss", 4)


def test_a_quantile_its_loss_and_weights_of_rows() -> None:
    x, y = rows("regression")
    weights_of_rows = np.random.default_rng(3).integers(1, 4, len(y)).astype(float)
    arguments = {"loss": cr.Quantile(0.8), "sample_weight": weights_of_rows}
    values, weights = values_by_epoch(x, y, "pinball", **arguments)
    run = cr.train(x, y, **JOB, **arguments, early_stopping=cr.EarlyStopping(4, watch="pinball"))
    assert (run.epoch, run.kept_epoch) == expected(values, "pinball", 4)
    assert digest(run) == weights[run.kept_epoch - 1]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("classes", [2, 3])
def test_losses_that_take_classes_differently(loss: Any, classes: int) -> None:
    x, y = rows("classification")
    y = y if classes == 3 else np.where(y == "ill", "ill", "well")
    values, weights = values_by_epoch(x, y, "auc", loss=loss)
    run = cr.train(x, y, **JOB, loss=loss, early_stopping=cr.EarlyStopping(3, watch="auc"))
    assert (run.epoch, run.kept_epoch) == expected(values, "auc", 3)
    assert digest(run) == weights[run.kept_epoch - 1]


def test_several_labels_and_a_loss_of_ones_own() -> None:
    x, y = rows("regression")

    def squares(outputs: Any, labels: Any) -> Any:
        return ((outputs - labels) ** 2).mean(axis=1), 2 * (outputs - labels) / outputs.shape[1]

    both = np.column_stack([y, 3 * x[:, 1]])
    for arguments in ({}, {"loss": squares}):
        run = cr.train(x, both, **JOB, **arguments, early_stopping=cr.EarlyStopping(3, watch="mae"))
        values, weights = values_by_epoch(x, both, "mae", **arguments)
        assert (run.epoch, run.kept_epoch) == expected(values, "mae", 3)
        assert digest(run) == weights[run.kept_epoch - 1]


def test_without_validation_rows_the_training_rows_are_watched() -> None:
    x, y = rows("classification")
    run = cr.train(x, y, **JOB, validation_fraction=0, early_stopping=cr.EarlyStopping(3, watch="log_loss"))
    seen: list[float] = []
    cr.train(
        x, y, **JOB, validation_fraction=0, early_stopping=False,
        on_epoch=lambda record: seen.append(record.run.model.evaluate(x, y, n_resamples=0).log_loss),  # type: ignore[union-attr]
    )  # fmt: skip
    assert (run.epoch, run.kept_epoch) == expected(seen, "log_loss", 3)


def test_a_metric_that_cannot_be_computed_is_refused_at_once() -> None:
    x, y = rows("classification")
    y = np.where(y == "ill", 1, 0)
    places = np.flatnonzero(y == 0)[:9]
    others = np.setdiff1d(np.arange(len(y)), places)
    one_class = (x[places], y[places])
    with pytest.raises(cr.PlanError, match=r"EarlyStopping\.watch: 'auc' cannot be computed on the rows that are wat"):
        cr.train(x[others], y[others], **JOB, validation_data=one_class, early_stopping=cr.EarlyStopping(watch="auc"))


STOPPING = cr.EarlyStopping(6, watch="balanced_accuracy")


@pytest.mark.parametrize("pieces", ["epochs", "steps"])
def test_a_run_in_pieces_is_the_same_run(pieces: str) -> None:
    x, y = rows("classification")
    whole = cr.train(x, y, **JOB, early_stopping=STOPPING)
    run = cr.train(x, y, **JOB, early_stopping=STOPPING, on_epoch=lambda _: True)
    while run.status in ("running", "stopped"):
        run.resume(**{pieces: 3})
    assert (run.status, run.epoch, run.kept_epoch) == (whole.status, whole.epoch, whole.kept_epoch)
    assert digest(run) == digest(whole)
    other = cr.Run(run.plan, run.prepared, 2)
    half = cr.train(x, y, **JOB, early_stopping=STOPPING, on_epoch=lambda record: record.epoch == 7)
    other.set_state(half.state())
    assert digest(other.resume()) == digest(whole)


def test_checkpoints_callbacks_and_recordings_change_nothing(tmp_path: Path) -> None:
    x, y = rows("classification")
    whole = cr.train(x, y, **JOB, early_stopping=STOPPING)
    observed = cr.train(x, y, **JOB, early_stopping=STOPPING, record=True, on_progress=lambda _: None)
    assert digest(observed) == digest(whole)
    folder = tmp_path / "run"
    cr.train(
        x, y, **JOB, early_stopping=STOPPING, checkpoint=folder, checkpoint_every=2,
        on_epoch=lambda record: record.epoch == 9,
    )  # fmt: skip
    again = cr.resume(folder, x, y, threads=1)
    assert digest(again) == digest(whole)
    assert (again.status, again.kept_epoch) == (whole.status, whole.kept_epoch)
    assert cr.verify(whole.model, x, y).same


def test_ctrl_c_between_the_epoch_and_its_judgement_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from creche.engine.best_epoch import BestEpoch

    x, y = rows("classification")
    whole = cr.train(x, y, **JOB, early_stopping=STOPPING)
    judge, calls = BestEpoch.judge, iter(range(100))

    def interrupted(self: BestEpoch, state: Any) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return judge(self, state)

    monkeypatch.setattr(BestEpoch, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.train(x, y, **JOB, early_stopping=STOPPING)
    run = stopped.value.run  # type: ignore[attr-defined]
    assert run.status == "interrupted"
    run.resume()
    assert (run.epoch, run.kept_epoch) == (whole.epoch, whole.kept_epoch)
    assert digest(run) == digest(whole)


def colony_equals_solo(colony: Any, x: Any, y: Any, **arguments: Any) -> int:
    """Compares each member with the run alone; how many stopped early."""
    for member in colony:
        alone = cr.train(x, y, **{**JOB, **arguments, **member.choice}, split_seed=0)
        assert (member.status, member.epoch, member.kept_epoch) == (alone.status, alone.epoch, alone.kept_epoch)
        assert b"".join(array.tobytes() for array in member.parameters.values()) == digest(alone)
        assert member.history.validation_loss.tobytes() == alone.history.validation_loss.tobytes()
    return sum(member.status == "early_stopped" for member in colony)


@pytest.mark.parametrize("threads", [1, 2])
def test_in_a_colony_each_network_ends_as_it_does_alone(threads: int) -> None:
    x, y = rows("classification")
    choices: dict[str, Any] = {
        "early_stopping": [STOPPING, cr.EarlyStopping(3, watch="auc"), 4, False], "hidden": [[16], [5, 4]],
        "keep": ["best", "last"],
    }  # fmt: skip
    colony = cr.sweep(x, y, **{**JOB, "threads": threads, **choices}, seeds=3)
    assert len(colony) == 48
    assert colony_equals_solo(colony, x, y) > 10
    table = colony.table()
    for row in table.iter_rows(named=True):
        member = colony[row["member"]]
        assert row["validation_loss"] == member.history.validation_loss[member.kept_epoch - 1]


def test_a_sweep_that_is_interrupted_and_resumed(tmp_path: Path) -> None:
    x, y = rows("classification")
    job: dict[str, Any] = {**JOB, "early_stopping": [STOPPING, False], "seeds": 5, "checkpoint": tmp_path / "sweep"}
    calls = iter(range(2))

    def interrupt(_: Any) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("creche.engine.colony.SECONDS_BETWEEN_REPORTS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            cr.sweep(x, y, **job, on_progress=interrupt)
    resumed = cr.sweep(x, y, **job, resume=True)
    colony_equals_solo(resumed, x, y)


def test_halving_folds_and_diverging_members() -> None:
    x, y = rows("classification")
    halved = cr.sweep(x, y, **JOB, early_stopping=STOPPING, seeds=9, halving=cr.Halving(0.5, 5))
    for member in halved:
        if member.status in ("finished", "early_stopped"):
            alone = cr.train(x, y, **JOB, early_stopping=STOPPING, **member.choice, split_seed=0)
            assert member.model.provenance.weights == alone.model.provenance.weights  # type: ignore[union-attr]
    crossed = cr.cross_validate(x, y, folds=3, seeds=2, **JOB, early_stopping=STOPPING)
    for network in crossed.members:
        alone = cr.Run(network.plan, network.prepared, 1).resume()
        assert alone.kept_epoch == network.kept_epoch
        assert alone.model.provenance.weights == network.model.provenance.weights  # type: ignore[union-attr]
    number = rows("regression")
    job = {**JOB, "optimizer": "sgd", "learning_rate": [0.01, 1e6]}
    colony = cr.sweep(*number, **job, early_stopping=cr.EarlyStopping(3, watch="mae"), seeds=4)
    assert [member.status == "diverged" for member in colony] == [False] * 4 + [True] * 4
