"""Networks that predict side by side say what each says alone, to the bit."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche import _core
from tests.engine.drawn_embeddings import embeddings
from tests.engine.small_plans import ACTIVATIONS, LOSSES, PARTS, Job, spread_quantiles


def networks(job: Job, engine: ModuleType, count: int) -> list[Any]:
    """Parameters of random networks, away from where they begin."""
    rng = np.random.default_rng(job.seed)
    found = []
    for seed in range(count):
        parameters = replace(job, seed=seed, initializer="lecun_normal").solo(engine).parameters()
        found.append(
            {
                name: array + rng.uniform(-0.2, 0.2, array.shape).astype(array.dtype)
                for name, array in parameters.items()
            }
        )
    return found


def side_by_side(job: Job, engine: ModuleType, networks: list[Any], threads: int = 1) -> Any:
    stacked = {name: np.stack([network[name] for network in networks]) for name in networks[0]}
    kind = engine.ManyPredictor32 if job.dtype == np.float32 else engine.ManyPredictor64
    return kind(job.plan(engine), stacked, threads)


def alone(job: Job, engine: ModuleType, parameters: Any) -> Any:
    kind = engine.Predictor32 if job.dtype == np.float32 else engine.Predictor64
    return kind(job.plan(engine), parameters, 1)


@given(
    inputs=st.integers(1, 20), hidden=st.lists(st.integers(1, 20), max_size=3), outputs=st.integers(1, 6),
    rows=st.integers(1, 70), count=st.integers(1, 20), loss=st.sampled_from(LOSSES),
    activation=st.sampled_from(ACTIVATIONS), weighted=st.booleans(), double=st.booleans(), threads=st.integers(1, 2),
    seed=st.integers(0, 5), parts=st.lists(st.sampled_from(PARTS), max_size=4), residual=st.booleans(), data=st.data(),
)  # fmt: skip
def test_each_says_what_it_says_alone(
    inputs: int, hidden: list[int], outputs: int, rows: int, count: int, loss: str, activation: str, weighted: bool,
    double: bool, threads: int, seed: int, parts: list[dict[str, Any]], residual: bool, data: st.DataObject,
) -> None:  # fmt: skip
    if loss in ("cross_entropy", "squared_error_of_classes"):
        outputs = max(outputs, 2)
    engine = _core.load()
    embedded = data.draw(st.one_of(st.just(()), embeddings(inputs)))
    job = Job(
        sizes=(inputs, *hidden, outputs), rows=rows, loss=loss, activation=activation, weighted=weighted, seed=seed,
        embeddings=embedded, dtype=np.float64 if double else np.float32,
        loss_numbers={"label_smoothing": 0.1, "delta": 0.7, "quantiles": spread_quantiles(outputs)},
        parts=tuple(parts), residual=residual,
    )  # fmt: skip
    sets = networks(job, engine, count)
    many = side_by_side(job, engine, sets, threads)
    table = job.table()
    outputs_of, said, judged = many.outputs(table[0]), many.predict(table[0]), many.evaluate(*table)
    assert said.shape == (count, rows, outputs)
    for m in range(count):
        predictor = alone(job, engine, sets[m])
        assert outputs_of[m].tobytes() == predictor.outputs(table[0]).tobytes()
        assert said[m].tobytes() == predictor.predict(table[0]).tobytes()
        assert np.array_equal(judged[m], predictor.evaluate(*table), equal_nan=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_mean_is_that_of_what_they_say(engine, threads: int) -> None:
    job = Job(sizes=(4, 10, 10, 3), rows=301)
    many = side_by_side(job, engine, networks(job, engine, 35), threads)
    x = job.table()[0]
    shares = np.random.default_rng(0).dirichlet(np.ones(35))
    expected = np.zeros((301, 3))
    for share, said in zip(shares, many.predict(x).astype(np.float64), strict=True):
        expected += share * said
    assert many.mean(x, shares).tobytes() == expected.tobytes()


def test_every_level_says_the_same_bits() -> None:
    job = Job(sizes=(6, 11, 3), rows=77, activation="gelu")
    said = []
    for level in _core.levels():
        engine = _core.load(level)
        said.append(side_by_side(job, engine, networks(job, engine, 19)).predict(job.table()[0]).tobytes())
    assert len(set(said)) == 1


def test_no_rows_give_no_predictions(engine) -> None:
    job = Job()
    many = side_by_side(job, engine, networks(job, engine, 2))
    assert many.predict(np.zeros((0, 4), np.float32)).shape == (2, 0, 3)
    assert many.mean(np.zeros((0, 4), np.float32), np.ones(2)).shape == (0, 3)


def test_arrays_that_are_not_those_of_networks_are_refused(engine) -> None:
    job = Job(sizes=(4, 5, 3))
    plan = job.plan(engine)
    right = {name: np.zeros((2, *shape), np.float32) for name, shape in engine.parameter_shapes(plan).items()}
    engine.ManyPredictor32(plan, right)
    with pytest.raises(ValueError, match=r"parameters: '1\.weights': got shape \(2, 5, 4\); needs \(2, 5, 3\)"):
        engine.ManyPredictor32(plan, right | {"1.weights": np.zeros((2, 5, 4), np.float32)})
    with pytest.raises(ValueError, match=r"parameters: '1\.bias': got shape \(3, 3\); needs \(2, 3\)"):
        engine.ManyPredictor32(plan, right | {"1.bias": np.zeros((3, 3), np.float32)})
    with pytest.raises(ValueError, match=r"parameters: '0\.bias' is missing"):
        engine.ManyPredictor32(plan, {name: array for name, array in right.items() if name != "0.bias"})
    with pytest.raises(ValueError, match=r"parameters: the network has no '2\.bias'; it has 0\.weights, 0\.bias, "):
        engine.ManyPredictor32(plan, right | {"2.bias": np.zeros((2, 3), np.float32)})
    with pytest.raises(ValueError, match=r"parameters: '0\.weights' holds no network"):
        engine.ManyPredictor32(plan, {name: array[:0] for name, array in right.items()})
    with pytest.raises(ValueError, match=r"parameters: '0\.weights' holds no network"):
        engine.ManyPredictor32(plan, right | {"0.weights": np.zeros((), np.float32)})
    many = side_by_side(job, engine, networks(job, engine, 2))
    with pytest.raises(ValueError, match="shares: got 3; needs one for each of 2 networks"):
        many.mean(job.table()[0], np.ones(3))
