"""Batch normalization: a step against its formulas, what it leaves behind, and batches of one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import ALL_PARTS_BY_BATCH, STATISTICS, Job, weights_of
from tests.engine.test_gradients import difference_quotients, learned

RATE = 0.1
JOB = Job(
    sizes=(4, 7, 5, 3), rows=12, batch_size=12, epochs=1, activation="tanh", weighted=True, dtype=np.float64, seed=3,
    shuffle=False, optimizer={"kind": "sgd", "learning_rate": RATE}, parts=({"normalization": "batch"},) * 2,
)  # fmt: skip


def statistics(solo: Any) -> dict[str, Any]:
    return {name: array for name, array in solo.parameters().items() if name.endswith(STATISTICS)}


def moved_from_the_start(engine: Any, job: Job) -> Any:
    """A run with other parameters than those it begins with, running statistics included."""
    solo = job.solo(engine)
    rng = np.random.default_rng(1)
    solo.set_parameters({name: a + rng.uniform(0.1, 0.4, a.shape) for name, a in solo.parameters().items()})
    return solo


def normalized(z: np.ndarray, p: Callable[[str], np.ndarray], mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return p("gain") * (z - mean) / np.sqrt(variance + 1e-5) + p("shift")


@pytest.mark.parametrize("as_step", [False, True])
def test_the_forward_pass_is_the_formula(engine, as_step: bool) -> None:
    solo = moved_from_the_start(engine, JOB)
    parameters, (x, *labels) = solo.parameters(), JOB.table()
    sums, activations, *_, used = solo.introspect(x, *labels, as_step)
    values = x
    for l in range(3):  # noqa: E741

        def p(name: str, l: int = l) -> np.ndarray:  # noqa: E741
            return parameters[f"{l}.{name}"]

        z = values @ p("weights") + p("bias")
        np.testing.assert_allclose(sums[l], z, rtol=1e-12)
        if l < 2:
            of_batch = (z.mean(axis=0), z.var(axis=0))
            mean, variance = of_batch if as_step else (p("running_mean"), p("running_variance"))
            z = np.tanh(normalized(z, p, mean, variance))
            np.testing.assert_allclose(used[f"{l}.running_mean"], mean, rtol=1e-12)
            np.testing.assert_allclose(used[f"{l}.running_variance"], variance, rtol=1e-12)
        np.testing.assert_allclose(activations[l], z, rtol=1e-10)
        values = z


def test_a_prediction_with_the_statistics_of_a_batch_has_the_bits_of_the_step(engine) -> None:
    job = replace(JOB, dtype=np.float32, sizes=(4, 19, 5, 3), rows=70, batch_size=70)
    solo, table = moved_from_the_start(engine, job), job.table()
    _, activations, *_, used = solo.introspect(*table, True)
    outputs = engine.Predictor32(job.plan(engine), used, 1).outputs(table[0])
    assert outputs.tobytes() == activations[-1].tobytes()


@pytest.mark.parametrize("part", [{"normalization": "batch"}, ALL_PARTS_BY_BATCH], ids=["alone", "all parts"])
def test_gradients_of_a_step_are_the_slopes_of_its_loss(engine, part: dict[str, Any]) -> None:
    """And so go through the mean and the variance of the batch."""
    job = replace(JOB, sizes=(4, 5, 5, 3), parts=(part, part), residual=True)
    solo, table = moved_from_the_start(engine, job), job.table()
    gradients = solo.introspect(*table, True)[5]
    measured = difference_quotients(solo, lambda: solo.introspect(*table, True)[4])
    exact = np.concatenate([array.reshape(-1) for array in learned(gradients).values()])
    assert np.abs(exact - measured).max() / np.abs(exact).max() < 1e-6
    assert np.abs(gradients["0.bias"]).max() < 1e-12  # the mean takes it away again
    alone = solo.introspect(*table)[5]
    assert np.abs(alone["0.bias"]).max() > 1e-3


def test_a_step_takes_these_gradients_and_moves_the_running_statistics(engine) -> None:
    solo, table = moved_from_the_start(engine, JOB), JOB.table()
    before = solo.parameters()
    sums, _, _, _, loss, gradients, _ = solo.introspect(*table, True)
    solo.run()
    after = solo.parameters()
    assert solo.history()["train_loss"][0] == pytest.approx(loss, rel=1e-12)
    for name, gradient in learned(gradients).items():
        np.testing.assert_allclose(after[name], before[name] - RATE * gradient, rtol=1e-12, atol=1e-15)
    for l in range(2):  # noqa: E741
        found = [after[f"{l}{name}"] for name in STATISTICS]
        for array, name, new in zip(
            found, STATISTICS, (sums[l].mean(axis=0), sums[l].var(axis=0, ddof=1)), strict=True
        ):
            np.testing.assert_allclose(array, 0.9 * before[f"{l}{name}"] + 0.1 * new, rtol=1e-12)


def test_the_weights_of_rows_do_not_count_in_statistics(engine) -> None:
    weighted, plain = JOB.solo(engine), replace(JOB, weighted=False).solo(engine)
    for solo in (weighted, plain):
        solo.run()
    assert weights_of(weighted) != weights_of(plain)
    for name, array in statistics(weighted).items():
        assert array.tobytes() == statistics(plain)[name].tobytes()


def test_a_last_batch_of_one_row_takes_the_running_statistics(engine) -> None:
    job = replace(JOB, rows=13, batch_size=12)
    solo = job.solo(engine)
    solo.run(steps=1)
    before = solo.parameters()
    gradients = solo.introspect(*[None if array is None else array[12:] for array in job.table()])[5]
    assert np.abs(gradients["0.bias"]).max() > 1e-6
    solo.run()
    for name, array in solo.parameters().items():
        np.testing.assert_allclose(array, before[name] - RATE * gradients[name], rtol=1e-12, atol=1e-15)
    assert all(np.array_equal(array, before[name]) for name, array in statistics(solo).items())


@pytest.mark.parametrize("threads", [1, 2])
def test_with_a_custom_loss(engine, threads: int) -> None:
    job = replace(JOB, loss="squared_error", weighted=False, rows=40, batch_size=16, epochs=3)
    expected = job.solo(engine)

    def loss(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        off = outputs - targets
        return (off * off).mean(axis=1), 2 * off / off.shape[1]

    solo = engine.Solo64(job.plan(engine), *job.table(), None, threads, loss)
    assert expected.run() == solo.run() == "finished"
    for name, array in expected.parameters().items():
        np.testing.assert_allclose(solo.parameters()[name], array, rtol=1e-9, atol=1e-12)


def test_an_interrupted_step_leaves_no_trace(engine) -> None:
    """It is abandoned among its stages, and taken anew."""
    job = replace(JOB, dtype=np.float32, sizes=(64, 256, 256, 3), rows=4000, batch_size=4000, epochs=2)
    expected, solo = job.solo(engine), job.solo(engine)
    expected.run()
    polls = 0

    def poll() -> bool:
        nonlocal polls
        polls += 1
        return polls <= 3

    while solo.run(poll=poll) == "interrupted":
        pass
    assert weights_of(solo) == weights_of(expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (4, 3)}, "the output layer has batch normalization"),
        ({"submodels": 2}, "has batch normalization and submodels"),
        ({"optimizer": {"kind": "lbfgs"}}, "has batch normalization and L-BFGS"),
    ],
)
def test_what_does_not_go_with_it_is_refused(engine, change: dict[str, Any], message: str) -> None:
    job = replace(JOB, parts=(), **change)
    plan = job.plan(engine)
    layers = plan.layers
    layers[0].normalization = "batch"
    plan.layers = layers
    with pytest.raises(ValueError, match=message):
        engine.Solo64(plan, *job.table())
