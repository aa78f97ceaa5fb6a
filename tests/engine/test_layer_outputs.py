"""`layer_outputs` gives the activations that predicting and training have after each layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche import _core
from tests.engine.small_plans import ACTIVATIONS, ALL_PARTS, EMBEDDED_COLUMNS, EMBEDDINGS, Job


@given(
    inputs=st.integers(1, 40), hidden=st.lists(st.integers(1, 40), max_size=3), rows=st.integers(1, 200),
    activation=st.sampled_from(ACTIVATIONS), double=st.booleans(), threads=st.integers(1, 2), seed=st.integers(0, 5),
)  # fmt: skip
def test_they_are_those_of_training(
    inputs: int, hidden: list[int], rows: int, activation: str, double: bool, threads: int, seed: int
) -> None:
    engine = _core.load()
    job = Job(
        sizes=(inputs, *hidden, 3), rows=rows, activation=activation, dropout=0.3, seed=seed,
        dtype=np.float64 if double else np.float32, parts=(ALL_PARTS,) * len(hidden) if seed % 2 else (), residual=True,
    )  # fmt: skip
    solo = job.solo(engine)
    x, classes, targets, weights = job.table()
    kind = engine.Predictor64 if double else engine.Predictor32
    predictor = kind(job.plan(engine), solo.parameters(), threads)
    _, activations, *_ = solo.introspect(x, classes, targets, weights)
    for layer, expected in enumerate(activations):
        outputs = predictor.layer_outputs(x, layer)
        assert outputs.dtype == job.dtype
        assert outputs.tobytes() == expected.tobytes()
    assert predictor.layer_outputs(x, len(hidden)).tobytes() == predictor.outputs(x).tobytes()


def test_they_are_the_outputs_of_the_network_cut_off_after_the_layer() -> None:
    engine = _core.load()
    job = Job(sizes=(6, 20, 33, 4), rows=130, activation="tanh")
    parameters = job.solo(engine).parameters()
    plan = job.plan(engine)
    whole = engine.Predictor32(plan, parameters)
    x = job.table()[0]
    for layer in range(3):
        shorter = job.plan(engine)
        shorter.layers = plan.layers[: layer + 1]
        shorter.loss.kind = "squared_error"
        cut = engine.Predictor32(shorter, {name: parameters[name] for name in engine.parameter_shapes(shorter)})
        assert whole.layer_outputs(x, layer).tobytes() == cut.predict(x).tobytes()


def test_no_rows_have_no_outputs() -> None:
    engine = _core.load()
    job = Job(sizes=(4, 5, 3))
    predictor = engine.Predictor32(job.plan(engine), job.solo(engine).parameters())
    assert predictor.layer_outputs(np.zeros((0, 4), np.float32), 0).shape == (0, 5)


@pytest.mark.parametrize("layer", [-2, 2])
def test_there_is_no_such_layer(layer: int) -> None:
    engine = _core.load()
    job = Job(sizes=(4, 5, 3))
    predictor = engine.Predictor32(job.plan(engine), job.solo(engine).parameters())
    with pytest.raises(ValueError, match=f"layer: got {layer}; the network has layers 0 to 1"):
        predictor.layer_outputs(job.table()[0], layer)


def test_the_layer_before_the_first_has_its_inputs() -> None:
    """With embeddings, more than the columns of the table; without, these columns."""
    engine = _core.load()
    plain = Job(sizes=(4, 5, 3))
    x = plain.table()[0]
    predictor = engine.Predictor32(plain.plan(engine), plain.solo(engine).parameters())
    assert np.array_equal(predictor.layer_outputs(x, -1), x)
    job = Job(sizes=(EMBEDDED_COLUMNS, 5, 3), embeddings=tuple(EMBEDDINGS), activation="identity")
    parameters = job.solo(engine).parameters()
    predictor = engine.Predictor32(job.plan(engine), parameters)
    x = job.table()[0]
    inputs = predictor.layer_outputs(x, -1).astype(np.float64)
    hidden = inputs @ parameters["0.weights"] + parameters["0.bias"]
    np.testing.assert_allclose(hidden, predictor.layer_outputs(x, 0), rtol=1e-4, atol=1e-5)
