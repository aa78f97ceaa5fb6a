"""L-BFGS in the compiled engine: its line search, and what it reaches."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.small_plans import ACTIVATIONS, Job, digest, examples, weights_of
from tests.engine.test_colony import Member, assert_as_alone, colony_of
from tests.engine.test_shards import processes_of, run_together

LOSS, LENGTH, PAIRS, RETRIES = range(11, 15)  # in `progress`
FAR = (1e12, 1e30, 1e60)  # learning rates at which trial points are not finite


def full_batch(rows: int = 120, **arguments: object) -> Job:
    given = {"sizes": (5, 9, 3), "activation": "tanh", "epochs": 40, "shuffle": False, "initializer": "lecun_normal"}
    optimizer = {"kind": "lbfgs", "learning_rate": 1.0, **arguments.pop("optimizer", {})}  # type: ignore[dict-item]
    return Job(**{**given, **arguments}, rows=rows, batch_size=rows, optimizer=optimizer)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=examples(60))
@given(
    sizes=st.tuples(st.integers(1, 40), st.integers(1, 70), st.integers(1, 20)),
    rows=st.integers(2, 150),
    epochs=st.integers(1, 25),
    activation=st.sampled_from(ACTIVATIONS),
    loss=st.sampled_from(["cross_entropy", "squared_error", "huber"]),
    rate=st.sampled_from([1.0, 0.3, 8.0, 100.0, *FAR]),
    history=st.integers(1, 6),
    decay=st.sampled_from([0.0, 0.01]),
    weighted=st.booleans(),
    submodels=st.sampled_from([1, 1, 3]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 1000),
    threads=st.integers(1, 3),
)
def test_a_line_search_is_the_contract(
    engine: ModuleType, native: ModuleType, sizes: tuple[int, ...], rows: int, epochs: int, activation: str, loss: str,
    rate: float, history: int, decay: float, weighted: bool, submodels: int, dtype: type, seed: int, threads: int,
) -> None:  # fmt: skip
    job = full_batch(
        rows, sizes=sizes, epochs=epochs, activation=activation, loss=loss, weighted=weighted, submodels=submodels,
        dtype=dtype, seed=seed, optimizer={"learning_rate": rate, "history": history, "weight_decay": decay},
    )  # fmt: skip
    solo = job.solo(engine, threads)
    assert solo.run() == "finished"
    assert weights_of(solo) == job.reference(engine, native)


@pytest.mark.parametrize("rate", [50.0, 1e12])
def test_it_is_resumed_within_a_line_search(engine: ModuleType, rate: float) -> None:
    job = full_batch(optimizer={"learning_rate": rate}, activation="relu", loss="squared_error")
    whole = job.solo(engine)
    whole.run()
    retries = []
    solo = job.solo(engine)
    while solo.run(steps=1) == "running":
        state = solo.state()
        retries.append(state["progress"][RETRIES])
        solo = job.solo(engine, threads=2)
        solo.set_state(state)
    assert max(retries) >= 2
    assert digest(solo) == digest(whole)


def test_accepted_losses_never_rise(engine: ModuleType) -> None:
    solo = full_batch(optimizer={"learning_rate": 20.0, "weight_decay": 0.001}, dtype=np.float64).solo(engine)
    accepted = []
    while solo.run(steps=1) == "running":
        accepted.append(solo.state()["progress"][LOSS])
    assert len(set(accepted)) < len(accepted)  # some points were not accepted
    assert np.all(np.diff(accepted) <= 0)


def test_training_ends_at_an_accepted_point(engine: ModuleType) -> None:
    job = full_batch(optimizer={"learning_rate": 50.0}, dtype=np.float64)
    for epochs in range(2, 12):
        job.epochs = epochs
        solo = job.solo(engine)
        solo.run()
        state = solo.state()
        assert state["progress"][LENGTH] == 0
        x, classes, targets, weights = job.table()
        assert solo.evaluate(x, classes, targets, weights)[0] == pytest.approx(state["progress"][LOSS], rel=1e-12)
        assert state["progress"][LOSS] == pytest.approx(min(state["history.train_loss"]), rel=1e-12)


def test_weights_that_are_set_begin_the_search_anew(engine: ModuleType) -> None:
    job = full_batch(epochs=30)
    solo = job.solo(engine)
    solo.run(steps=10)
    assert solo.state()["progress"][PAIRS] > 2
    parameters = {name: array * 0.5 for name, array in solo.parameters().items()}
    solo.set_parameters(parameters)
    solo.run(steps=1)
    assert solo.state()["progress"][PAIRS] == 0
    fresh = job.solo(engine)
    fresh.set_parameters(parameters)
    fresh.run(steps=1)
    assert weights_of(solo) == weights_of(fresh)


def far_job(validation: int = 0) -> Job:
    """A job whose first trial point has a loss beyond float32."""
    return full_batch(
        sizes=(5, 9, 9, 2), activation="relu", loss="squared_error", validation=validation, epochs=40,
        optimizer={"learning_rate": 1e12},
    )  # fmt: skip


def test_a_point_whose_loss_is_not_finite_shortens_the_step(engine: ModuleType) -> None:
    job = far_job()
    solo = job.solo(engine)
    solo.run(steps=1)
    assert not np.isfinite(solo.evaluate(*job.table())[0])
    before = solo.state()["progress"]
    assert solo.run(steps=1) == "running"
    after = solo.state()
    assert after["progress"][RETRIES] >= before[RETRIES] + 1  # the accepted point is the first one still
    assert after["progress"][LENGTH] <= before[LENGTH] / 10
    assert after["progress"][LOSS] == before[LOSS]
    assert solo.run() == "finished"
    ended = solo.state()
    losses = ended["history.train_loss"]
    assert len(losses) == job.epochs
    assert np.isfinite(losses).all()
    assert ended["progress"][LOSS] < losses[0]


def test_a_point_whose_validation_is_not_finite_shortens_the_step(engine: ModuleType) -> None:
    job = far_job(validation=20)
    x, classes, targets, weights = job.table(job.validation, stream=1)
    far = engine.Solo32(job.plan(engine), *job.table(), (x * np.float32(1e12), classes, targets, weights), 1)
    near = job.solo(engine)
    assert far.run(steps=1) == near.run(steps=1) == "running"
    lengths = [solo.state()["progress"][LENGTH] for solo in (far, near)]
    assert 0 < lengths[0] < lengths[1]
    assert far.run() == "finished"
    assert np.isfinite(far.state()["history.validation_loss"]).all()


def test_a_first_point_that_is_not_finite_has_no_shorter_step(engine: ModuleType) -> None:
    job = far_job()
    x, classes, targets, weights = job.table()
    solo = engine.Solo32(job.plan(engine), x * np.float32(1e30), classes, targets, weights, None, 1)
    assert solo.run() == "diverged"
    assert solo.divergence[:2] == (0, 0)


@pytest.mark.parametrize("count", [2, 4])
def test_processes_shorten_together(engine: ModuleType, count: int) -> None:
    job = replace(far_job(), shards=4)
    alone = job.solo(engine)
    assert alone.run() == "finished"
    together = processes_of(engine, job, count)
    assert run_together(together) == ["finished"] * count
    assert {digest(solo) for solo in together} == {digest(alone)}


@settings(deadline=None, max_examples=examples(40))
@given(data=st.data())
def test_members_of_a_colony_are_what_they_are_alone(engine: ModuleType, data: st.DataObject) -> None:
    decays, weighted, stops = data.draw(st.booleans()), data.draw(st.booleans()), data.draw(st.booleans())
    common = full_batch(
        data.draw(st.integers(2, 90)),
        sizes=data.draw(st.tuples(st.integers(1, 9), st.integers(1, 19), st.integers(1, 6))),
        epochs=data.draw(st.integers(1, 25)), weighted=weighted,
        activation=data.draw(st.sampled_from(ACTIVATIONS)),
        loss=data.draw(st.sampled_from(["cross_entropy", "squared_error", "huber"])),
        validation=data.draw(st.sampled_from([0, 0, 1, 33])), submodels=data.draw(st.sampled_from([1, 1, 3])),
        dtype=data.draw(st.sampled_from([np.float32, np.float64])),
        early_stopping={"patience": 3} if stops else {},
    )  # fmt: skip
    history = data.draw(st.integers(1, 6))
    members = []
    for seed in range(data.draw(st.integers(15, 18))):
        optimizer = {
            "kind": "lbfgs", "history": history,
            "learning_rate": data.draw(st.sampled_from([1.0, 0.3, 8.0, 100.0, *FAR])),
            "weight_decay": data.draw(st.sampled_from([0.0, 0.01, 0.3])) if decays else 0.0,
        }  # fmt: skip
        members.append(replace(common, seed=seed, optimizer=optimizer))
    colony = assert_as_alone(engine, members)
    assert colony.packed >= 15


def test_each_lane_shortens_its_own_step(engine: ModuleType) -> None:
    jobs = [
        replace(job, seed=seed, optimizer={**job.optimizer, "learning_rate": rate})
        for job in (far_job(), far_job(validation=20))
        for seed, rate in enumerate([1.0, 1e12, 1e30, 3.0] * 4)
    ]
    colony = assert_as_alone(engine, jobs)
    assert colony.packed == len(jobs)


def test_a_lane_whose_first_point_is_not_finite_diverges_alone(engine: ModuleType) -> None:
    job = far_job()
    x, classes, targets, weights = job.table()
    tables = [(x, classes, targets, weights), (x * np.float32(1e30), classes, targets, weights)]
    members = [(replace(job, seed=seed).plan(engine), int(seed == 5), -1) for seed in range(16)]
    colony = engine.Colony32(members, tables, 1)
    assert colony.packed == 16
    colony.run()
    assert [colony.status(number) for number in range(16)] == ["diverged" if n == 5 else "finished" for n in range(16)]


def test_a_colony_is_resumed_within_line_searches(engine: ModuleType) -> None:
    jobs = [replace(far_job(), seed=seed) for seed in range(16)]
    whole = assert_as_alone(engine, jobs)
    colony = colony_of(engine, jobs)
    for epoch in range(1, 41):
        colony.run(epoch)
        states = [colony.state(number) for number in range(16)]
        colony = colony_of(engine, jobs)
        for number, state in enumerate(states):
            colony.set_state(number, state)
    for number in range(16):
        assert digest(Member(colony, number)) == digest(Member(whole, number))


def logistic_regression(x: np.ndarray, y: np.ndarray, decay: float) -> np.ndarray:
    """The weights and biases that minimize mean cross-entropy and decay / 2 |w|^2, by Newton's method: (d + 1, k)."""
    n, d, k = len(x), x.shape[1], int(y.max()) + 1
    inputs = np.column_stack([x, np.ones(n)])
    penalty = np.tile(np.append(np.full(d, decay), 0.0)[:, None], k)
    w = np.zeros((d + 1, k))
    for _ in range(30):
        z = inputs @ w
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        gradient = inputs.T @ (p - np.eye(k)[y]) / n + penalty * w
        curvature = np.einsum("na,nb,nij->aibj", inputs, inputs, p[:, :, None] * (np.eye(k) - p[:, None, :])) / n
        hessian = curvature.reshape(w.size, w.size) + np.diag(penalty.ravel())
        w -= np.linalg.lstsq(hessian, gradient.ravel(), rcond=1e-12)[0].reshape(w.shape)
    return w


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-5), (np.float32, 1e-3)])
def test_it_finds_the_optimum_of_a_logistic_regression(engine: ModuleType, dtype: type, tolerance: float) -> None:
    job = full_batch(200, sizes=(6, 3), epochs=60, dtype=dtype, optimizer={"weight_decay": 0.01})
    solo = job.solo(engine)
    assert solo.run() == "finished"
    x, classes, _, _ = job.table()
    optimum = logistic_regression(x.astype(np.float64), classes, 0.01)
    found = solo.parameters()
    np.testing.assert_allclose(found["0.weights"], optimum[:-1], atol=tolerance)
    shift = found["0.bias"] - optimum[-1]  # the same shift of all biases changes no probability
    np.testing.assert_allclose(shift, shift.mean(), atol=tolerance)
