"""How a run goes on, stops, is interrupted, goes wrong and is watched."""

from __future__ import annotations

import multiprocessing
import os
import threading

import numpy as np
import pytest

from creche import _core
from tests.engine.small_plans import LOSSES, Job, digest, weights_of


def best_engine():
    return _core.load(_core.levels()[0])


def test_limits_and_counters(engine) -> None:
    job = Job(rows=70, batch_size=20, epochs=3)  # 4 steps an epoch
    solo = job.solo(engine)
    assert solo.run(steps=5) == "running"
    assert (solo.epoch, solo.step, solo.batch_in_epoch) == (1, 5, 1)
    assert solo.run(epochs=1) == "running"
    assert (solo.epoch, solo.step, solo.batch_in_epoch) == (2, 8, 0)
    assert solo.run() == "finished"
    assert (solo.epoch, solo.step) == (3, 12)
    assert solo.run() == "finished"
    assert solo.step == 12


@pytest.mark.parametrize("loss", LOSSES)
def test_training_lowers_every_loss(engine, loss: str) -> None:
    job = Job(
        sizes=(4, 20, 3), rows=300, epochs=40, loss=loss, validation=50, initializer="he_normal",
        optimizer={"learning_rate": 0.01}, loss_numbers={"quantiles": [0.5]},
    )  # fmt: skip
    solo = job.solo(engine)
    assert solo.run() == "finished"
    history = solo.history()
    assert history["train_loss"][-1] < 0.9 * history["train_loss"][0]
    assert history["validation_loss"][-1] < history["validation_loss"][0]


@pytest.mark.parametrize("loss", LOSSES)
def test_history_is_what_evaluate_says(engine, loss: str) -> None:
    """With a learning rate of almost nothing, the numbers of an epoch are those of the weights."""
    job = Job(rows=65, batch_size=16, epochs=1, loss=loss, validation=33, weighted=True, dtype=np.float64,
              optimizer={"learning_rate": 1e-300})  # fmt: skip
    solo = job.solo(engine, threads=2)
    solo.run()
    history = solo.history()
    loss_, metric = solo.evaluate(*job.table())
    assert history["train_loss"][0] == pytest.approx(loss_, rel=1e-12)
    if loss in ("cross_entropy", "squared_error_of_classes", "binary_cross_entropy"):
        assert history["train_metric"][0] == pytest.approx(metric, rel=1e-12)
    validation = solo.evaluate(*job.table(33, stream=1))
    assert history["validation_loss"][0] == validation[0]
    assert history["validation_metric"][0] == validation[1]


def test_metrics_are_what_numpy_says(engine) -> None:
    job = Job(rows=100, epochs=2)
    solo = job.solo(engine)
    solo.run()
    x, classes, _, _ = job.table()
    predictor = engine.Predictor32(job.plan(engine), solo.parameters())
    probabilities = predictor.predict(x)
    assert probabilities.shape == (100, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    loss, accuracy = solo.evaluate(x, classes, None)
    assert accuracy == pytest.approx((probabilities.argmax(axis=1) == classes).mean())
    assert loss == pytest.approx(-np.log(probabilities[np.arange(100), classes]).mean(), rel=1e-5)
    assert predictor.evaluate(x, classes, None) == (loss, accuracy)
    outputs = predictor.outputs(x)
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, shifted / shifted.sum(axis=1, keepdims=True), rtol=2e-6)


def test_root_mean_squared_error(engine) -> None:
    job = Job(sizes=(4, 8, 2), rows=50, epochs=1, loss="absolute_error")
    solo = job.solo(engine)
    solo.run()
    x, _, targets, _ = job.table()
    predicted = engine.Predictor32(job.plan(engine), solo.parameters()).predict(x)
    expected = np.sqrt(((predicted - targets) ** 2).mean())
    assert solo.evaluate(x, None, targets)[1] == pytest.approx(expected, rel=1e-5)


def test_early_stopping_ends_with_the_best_weights(engine) -> None:
    job = Job(sizes=(4, 50, 3), rows=40, batch_size=8, epochs=400, validation=40, optimizer={"learning_rate": 0.03},
              early_stopping={"patience": 5})  # fmt: skip
    solo = job.solo(engine)
    assert solo.run() == "early_stopped"
    losses = solo.history()["validation_loss"]
    assert len(losses) == solo.best_epoch + 1 + 5
    assert losses.argmin() == solo.best_epoch
    assert solo.evaluate(*job.table(40, stream=1))[0] == losses.min()


def test_without_restoring_the_last_weights_stay(engine) -> None:
    job = Job(sizes=(4, 50, 3), rows=40, batch_size=8, epochs=400, validation=40, optimizer={"learning_rate": 0.03},
              early_stopping={"patience": 5, "restore_best": False})  # fmt: skip
    solo = job.solo(engine)
    assert solo.run() == "early_stopped"
    assert solo.evaluate(*job.table(40, stream=1))[0] == solo.history()["validation_loss"][-1]


def test_plateau_lowers_the_learning_rate(engine) -> None:
    job = Job(epochs=30, optimizer={"learning_rate": 1e-300},
              schedule={"kind": "reduce_on_plateau", "patience": 2.0, "factor": 0.1})  # fmt: skip
    solo = job.solo(engine)
    solo.run()
    rates = solo.history()["learning_rate"]
    assert rates[0] == 1e-300
    assert rates[4] == pytest.approx(1e-301)
    assert rates[7] == pytest.approx(1e-302)


class TestInterruption:
    job = Job(sizes=(64, 256, 256, 10), rows=20_000, batch_size=256, epochs=1000)

    def test_poll_stops_before_the_next_step(self, engine) -> None:
        solo = self.job.solo(engine)
        asked: list[int] = []  # the step at which each call came

        def poll() -> bool:
            asked.append(solo.step)
            return len(asked) == 3

        assert solo.run(poll=poll) == "interrupted"
        assert len(asked) == 3
        step = solo.step
        assert step <= asked[-1] + 1
        assert solo.run(steps=2) == "running"
        assert solo.step == step + 2

    def test_an_interrupted_run_ends_as_one_never_stopped(self, engine) -> None:
        job = Job(sizes=(64, 128, 10), rows=5000, batch_size=100, epochs=3)
        plain = job.solo(engine)
        plain.run()
        often = job.solo(engine)
        while often.run(poll=lambda: True) == "interrupted":
            pass
        assert digest(often) == digest(plain)

    def test_an_exception_from_poll_is_passed_on(self, engine) -> None:
        solo = self.job.solo(engine)

        def poll() -> bool:
            raise KeyboardInterrupt("enough")

        with pytest.raises(KeyboardInterrupt, match="enough"):
            solo.run(poll=poll)
        assert solo.run(steps=1) == "running"

    def test_one_long_step_is_abandoned_and_changes_nothing(self, engine) -> None:
        """A step of some tenths of a second: an interruption does not wait for its end."""
        rows = 256 if "CRECHE_SANITIZED" in os.environ else 4096  # with sanitizers a row takes a hundred times as long
        job = Job(sizes=(64, 1024, 1024, 10), rows=rows, batch_size=rows, epochs=100)
        solo = job.solo(engine, threads=2)
        before = weights_of(solo)
        assert solo.run(poll=lambda: True) == "interrupted"
        assert solo.step == 0
        assert weights_of(solo) == before
        fresh = job.solo(engine)
        solo.run(steps=1)
        fresh.run(steps=1)
        assert weights_of(solo) == weights_of(fresh)


class TestDivergence:
    def test_the_last_finite_weights_are_kept(self, engine) -> None:
        job = Job(loss="squared_error", rows=60, epochs=50, optimizer={"kind": "sgd", "learning_rate": 50.0})
        solo = job.solo(engine)
        assert solo.run() == "diverged"
        epoch, batch, rate = solo.divergence
        assert rate == 50.0
        assert all(np.isfinite(array).all() for array in solo.parameters().values())
        # As many good steps as that, done afresh, give the same weights.
        fresh = job.solo(engine)
        fresh.run(steps=solo.step)
        assert weights_of(fresh) == weights_of(solo)
        assert solo.step <= epoch * 3 + batch
        assert solo.run() == "diverged"

    @pytest.mark.parametrize("threads", [1, 2])
    def test_it_is_found_at_the_same_batch_by_any_threads(self, engine, threads: int) -> None:
        job = Job(sizes=(8, 100, 3), loss="squared_error", rows=300, batch_size=100, epochs=50,
                  optimizer={"kind": "sgd", "learning_rate": 20.0})  # fmt: skip
        solo = job.solo(engine, threads)
        assert solo.run() == "diverged"
        alone = job.solo(engine)
        alone.run()
        assert solo.divergence == alone.divergence
        assert weights_of(solo) == weights_of(alone)

    def test_good_steps_are_done_again_where_the_weights_themselves_are_lost(self, engine) -> None:
        """The first step has learning rate 0, the second one no weight survives: the third finds out."""
        job = Job(rows=100, batch_size=20, optimizer={"kind": "sgd", "learning_rate": 1e39},
                  schedule={"warmup": 1.0, "per_step": True})  # fmt: skip
        solo = job.solo(engine)
        start = weights_of(solo)
        assert solo.run() == "diverged"
        assert solo.divergence[:2] == (0, 2)
        assert solo.step == 1
        assert weights_of(solo) == start

    def test_labels_that_are_not_finite(self, engine) -> None:
        job = Job(loss="squared_error", rows=60, batch_size=20, shuffle=False)
        x, _, targets, _ = job.table()
        targets[45, 1] = np.nan
        solo = engine.Solo32(job.plan(engine), x, None, targets)
        assert solo.run() == "diverged"
        assert solo.divergence[:2] == (0, 2)
        assert solo.step == 2

    def test_set_state_begins_anew(self, engine) -> None:
        job = Job(loss="squared_error", epochs=50, optimizer={"kind": "sgd", "learning_rate": 50.0})
        solo = job.solo(engine)
        start = solo.state()
        assert solo.run() == "diverged"
        solo.set_state(start)
        assert solo.divergence is None
        assert solo.step == 0


def train_in_child(solo, queue) -> None:
    solo.run()
    queue.put(digest(solo))


def test_a_forked_child_goes_on_with_its_own_threads() -> None:
    engine = best_engine()
    job = Job(sizes=(16, 64, 64, 3), rows=2000, batch_size=128, epochs=4)
    expected = job.solo(engine)
    expected.run()
    solo = job.solo(engine, threads=2)
    solo.run(epochs=1)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=train_in_child, args=(solo, queue))
    child.start()
    assert queue.get() == digest(expected)
    child.join()
    assert child.exitcode == 0
    solo.run()
    assert digest(solo) == digest(expected)


def test_several_python_threads_train_at_once() -> None:
    engine = best_engine()
    jobs = [Job(sizes=(16, 48, 3), rows=1500, epochs=3, seed=seed) for seed in range(4)]
    expected = []
    for job in jobs:
        solo = job.solo(engine)
        solo.run()
        expected.append(digest(solo))
    solos = [job.solo(engine, threads=2) for job in jobs]
    workers = [threading.Thread(target=solo.run) for solo in solos]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [digest(solo) for solo in solos] == expected


class TestWrongCalls:
    def test_shapes_and_labels(self, engine) -> None:
        job = Job()
        plan = job.plan(engine)
        x, classes, _, _ = job.table()
        with pytest.raises(ValueError, match=r"got \d+ classes for \d+ rows of x"):
            engine.Solo32(plan, x, classes[:-1], None)
        with pytest.raises(ValueError, match="x has 3 columns; the network needs 4"):
            engine.Solo32(plan, x[:, :3], classes, None)
        wrong = classes.copy()
        wrong[5] = 3
        with pytest.raises(ValueError, match=r"row 5 has class 3; needs 0 to 2"):
            engine.Solo32(plan, x, wrong, None)
        with pytest.raises(ValueError, match="either classes or targets"):
            engine.Solo32(plan, x, None, None)
        with pytest.raises(ValueError, match="this loss needs classes"):
            engine.Solo32(plan, x, None, np.zeros((70, 3), np.float32))
        with pytest.raises(ValueError, match="no rows"):
            engine.Solo32(plan, x[:0], classes[:0], None)
        with pytest.raises(TypeError):
            engine.Solo32(plan, x.astype(np.float64), classes, None)

    def test_unknown_choice(self, engine) -> None:
        with pytest.raises(ValueError, match="unknown choice 'adamm'"):
            engine.Plan().optimizer.kind = "adamm"

    def test_incomplete_state(self, engine) -> None:
        solo = Job().solo(engine)
        state = solo.state()
        del state["optimizer.1.0.bias"]
        with pytest.raises(ValueError, match=r"optimizer\.1\.0\.bias"):
            solo.set_state(state)

    def test_a_table_with_a_stride_is_read_in_place(self, engine) -> None:
        job = Job()
        x, classes, _, _ = job.table()
        wide = np.full((70, 9), np.nan, np.float32)
        wide[:, 2:6] = x
        solo, strided = job.solo(engine), engine.Solo32(job.plan(engine), wide[:, 2:6], classes, None)
        solo.run()
        strided.run()
        assert weights_of(solo) == weights_of(strided)
