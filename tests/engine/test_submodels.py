"""Submodels that share weights (TabM): their formulas, loss and mean prediction, and where they begin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import ALL_PARTS, EMBEDDED_COLUMNS, LOSSES, Job, digest, spread_quantiles, weights_of
from tests.engine.small_plans import EMBEDDINGS as EVERY_EMBEDDING
from tests.engine.test_gradients import difference_quotients

SHARINGS = ("mini", "full")
TABM = Job(
    sizes=(5, 9, 7, 3), rows=83, submodels=4, activation="tanh", dtype=np.float64, initializer="lecun_normal",
    loss_numbers={"quantiles": spread_quantiles(3)},
)  # fmt: skip


EMBEDDINGS = (
    {"kind": "linear", "columns": [0], "sizes": [2], "width": 3},
    {"kind": "periodic", "columns": [3], "sizes": [], "width": 4, "frequencies": 5, "deviation": 0.3},
)


def moved(solo: Any) -> dict[str, Any]:
    """Parameters away from where they begin."""
    rng = np.random.default_rng(0)
    return {name: array + rng.uniform(-0.4, 0.4, array.shape) for name, array in solo.parameters().items()}


def outputs_by_numpy(parameters: dict[str, Any], x: Any, layers: int, submodels: int) -> Any:
    """The outputs of each submodel, (submodels, rows, outputs), by the formulas of TabM with tanh."""
    found = []
    for m in range(submodels):
        a = x
        for i in range(layers):
            p = {name.split(".")[1]: array for name, array in parameters.items() if name.startswith(f"{i}.")}
            bias = p["bias"][m] if p["bias"].ndim == 2 else p["bias"]
            weights = p["weights"][m] if p["weights"].ndim == 3 else p["weights"]
            z = (a * p["scale"][m] if "scale" in p else a) @ weights
            z = (z * p["output_scale"][m] if "output_scale" in p else z) + bias
            a = np.tanh(z) if i + 1 < layers else z
        found.append(a)
    return np.array(found)


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def mean_prediction(loss: str, outputs: Any) -> Any:
    """The mean of the predictions of all submodels."""
    if loss in ("cross_entropy", "squared_error_of_classes"):
        return softmax(outputs).mean(axis=0)
    if loss == "binary_cross_entropy":
        return (1 / (1 + np.exp(-outputs))).mean(axis=0)
    return (np.exp(outputs) if loss == "poisson" else outputs).mean(axis=0)


def test_shared_and_own_parameters_have_their_shapes(engine) -> None:
    shapes = {sharing: engine.parameter_shapes(replace(TABM, sharing=sharing).plan(engine)) for sharing in SHARINGS}
    heads = {"2.weights": (4, 7, 3), "2.bias": (4, 3)}
    assert shapes["mini"] == {
        "0.weights": (5, 9), "0.bias": (9,), "0.scale": (4, 5), "1.weights": (9, 7), "1.bias": (7,), **heads,
    }  # fmt: skip
    assert shapes["full"] == {
        "0.weights": (5, 9), "0.bias": (4, 9), "0.scale": (4, 5), "0.output_scale": (4, 9),
        "1.weights": (9, 7), "1.bias": (4, 7), "1.scale": (4, 9), "1.output_scale": (4, 7), **heads,
    }  # fmt: skip


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_prediction_is_the_mean_of_the_submodels(engine, loss: str, sharing: str) -> None:
    job = replace(TABM, loss=loss, sharing=sharing)
    parameters = moved(job.solo(engine))
    x = job.table()[0]
    each = outputs_by_numpy(parameters, x, 3, 4)
    predictor = engine.Predictor64(job.plan(engine), parameters, 2)
    expected = mean_prediction(loss, each)
    np.testing.assert_allclose(predictor.predict(x), expected, rtol=1e-11, atol=1e-13)
    # The head of the outputs gives the prediction, too.
    np.testing.assert_allclose(mean_prediction(loss, predictor.outputs(x)[None]), expected, rtol=1e-11, atol=1e-13)
    for m in range(4):
        np.testing.assert_allclose(predictor.layer_outputs(x, 2, m), each[m], rtol=1e-11, atol=1e-12)
    many = engine.ManyPredictor64(job.plan(engine), {name: np.stack([a] * 3) for name, a in parameters.items()}, 2)
    for network in range(3):
        assert np.array_equal(many.predict(x)[network], predictor.predict(x))
        assert np.array_equal(many.outputs(x)[network], predictor.outputs(x))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_training_loss_is_the_mean_of_losses_and_validation_that_of_the_mean(engine, sharing: str) -> None:
    job = replace(TABM, sharing=sharing, weighted=True, validation=30, epochs=1, batch_size=83)
    solo = job.solo(engine)
    solo.set_parameters(moved(solo))
    parameters = solo.parameters()
    x, classes, _, weights = job.table()
    probabilities = softmax(outputs_by_numpy(parameters, x, 3, 4))
    rows = np.arange(len(x))
    of_each = -np.log(probabilities[:, rows, classes])
    expected = np.average(of_each.mean(axis=0), weights=weights)
    assert solo.gradients(*job.table())[0] == pytest.approx(expected, rel=1e-12)
    loss, accuracy = solo.evaluate(x, classes, None, weights)
    mean = probabilities.mean(axis=0)
    assert loss == pytest.approx(np.average(-np.log(mean[rows, classes]), weights=weights), rel=1e-12)
    assert accuracy == pytest.approx((mean.argmax(axis=1) == classes).mean(), rel=1e-12)
    assert loss < expected  # log is concave
    many = engine.ManyPredictor64(job.plan(engine), {name: a[None] for name, a in parameters.items()}, 1)
    assert tuple(many.evaluate(x, classes, None, weights)[0]) == (loss, accuracy)
    assert solo.run() == "finished"
    history = solo.history()
    assert history["train_loss"][0] == pytest.approx(expected, rel=1e-12)
    right = probabilities.argmax(axis=2) == classes
    assert history["train_metric"][0] == pytest.approx(right.mean(), rel=1e-12)
    assert history["validation_loss"][0] == solo.evaluate(*job.table(30, stream=1))[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sharing", SHARINGS)
def test_gradients_are_the_slopes_of_the_mean_loss(engine, sharing: str, loss: str) -> None:
    job = replace(
        TABM, sizes=(4, 6, 6, 3), rows=11, loss=loss, sharing=sharing, weighted=True, submodels=3, seed=5,
        parts=({}, ALL_PARTS), residual=True, embeddings=EMBEDDINGS[:1],
    )  # fmt: skip
    solo = job.solo(engine)
    parameters = moved(solo)
    solo.set_parameters(parameters)
    table = job.table()
    _, gradients = solo.gradients(*table)
    measured = difference_quotients(solo, lambda: solo.gradients(*table)[0])
    exact = np.concatenate([gradients[name].reshape(-1) for name in parameters])
    assert np.abs(exact - measured).max() / np.abs(exact).max() < 1e-6


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("embeddings", [(), EMBEDDINGS], ids=["plain", "embedded"])
def test_the_gradient_by_the_inputs_is_the_slope_of_the_outputs(
    engine, sharing: str, loss: str, embeddings: tuple[dict[str, Any], ...]
) -> None:
    job = replace(TABM, rows=21, loss=loss, sharing=sharing, embeddings=embeddings)
    predictor = engine.Predictor64(job.plan(engine), moved(job.solo(engine)), 1)
    x = job.table()[0]
    directions = np.random.default_rng(1).standard_normal((len(x), 3))
    exact = predictor.input_gradients(x, directions)
    step = 1e-5
    for i in range(5):
        shift = step * np.eye(5)[i]
        slope = ((predictor.outputs(x + shift) - predictor.outputs(x - shift)) * directions).sum(axis=1) / (2 * step)
        np.testing.assert_allclose(exact[:, i], slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_outputs_far_apart_have_a_finite_mean(engine, loss: str) -> None:
    """Probabilities of 0 and 1 in float32, whose logarithms would be infinite."""
    job = replace(TABM, sizes=(5, 3), loss=loss, submodels=3, dtype=np.float32)
    solo = job.solo(engine)
    far = 80.0 if loss == "poisson" else 3e4
    parameters = solo.parameters() | {
        "0.weights": np.zeros((3, 5, 3), np.float32),
        "0.bias": far * np.array([[-1, 1, 0], [-1, 0.5, 0], [-0.5, 1, 0]], np.float32),
    }
    predictor = engine.Predictor32(job.plan(engine), parameters, 1)
    x = job.table()[0]
    outputs = predictor.outputs(x)
    assert np.isfinite(outputs).all()
    assert np.isfinite(predictor.predict(x)).all()
    broken = parameters | {"0.bias": np.where(parameters["0.bias"] > far / 2, np.float32(np.nan), np.float32(0))}
    assert np.isnan(engine.Predictor32(job.plan(engine), broken, 1).outputs(x)[:, 1]).all()


def test_one_draw_for_each_feature(engine) -> None:
    job = replace(TABM, sizes=(6, 8, 2), submodels=40, input_features=(0, 0, 1, 2, 2, 2))
    factors = job.solo(engine).parameters()["0.scale"]
    assert set(np.unique(factors)) == {-1.0, 1.0}
    assert np.array_equal(factors[:, 0], factors[:, 1])
    assert np.array_equal(factors[:, 3], factors[:, 5])
    assert 0.3 < (factors == 1).mean() < 0.7
    assert len(np.unique(factors[:, [0, 2, 3]], axis=1).T) == 3
    own = replace(job, input_features=()).solo(engine).parameters()["0.scale"]
    assert len(np.unique(own, axis=1).T) == 6
    linear = {"kind": "linear", "columns": [0, 3], "sizes": [2, 3], "width": 4}
    embedded = replace(job, embeddings=(linear,)).solo(engine).parameters()["0.scale"]
    assert embedded.shape == (40, 9)  # four inputs for each of two features, then column 2 as it is
    assert np.array_equal(embedded, factors[:, [0] * 4 + [3] * 4 + [2]])
    normal = replace(job, submodel_start="normal", submodels=2000).solo(engine).parameters()["0.scale"]
    assert abs(normal.mean()) < 0.05
    assert normal.std() == pytest.approx(1, abs=0.05)
    assert np.array_equal(normal[:, 4], normal[:, 5])


@pytest.mark.parametrize("sharing", SHARINGS)
def test_submodels_begin_alike_but_for_heads_and_the_first_factors(engine, sharing: str) -> None:
    uniform = {"bias_initializer": "uniform"}
    job = replace(TABM, sizes=(6, 8, 8, 2), sharing=sharing, parts=(uniform,) * 3)
    begun = job.solo(engine).parameters()
    for name, array in begun.items():
        if name.endswith("output_scale") or name == "1.scale":
            assert (array == 1).all()
    heads = begun["2.weights"]
    assert len(np.unique(heads.reshape(4, -1), axis=0)) == 4
    assert len(np.unique(begun["2.bias"], axis=0)) == 4
    assert np.abs(begun["2.bias"]).max() <= 8**-0.5
    if sharing == "full":
        assert len(np.unique(begun["0.bias"], axis=0)) == 1
    # The first submodel's are those of a network alone.
    alone = replace(job, submodels=1).solo(engine).parameters()
    assert np.array_equal(begun["0.weights"], alone["0.weights"])
    assert np.array_equal(heads[0], alone["2.weights"])


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("rows", [1, 16, 17, 100])
def test_threads_and_stops_change_nothing(engine, sharing: str, rows: int) -> None:
    """With dropout, and with a last batch that is shorter than the others."""
    job = replace(
        TABM, sizes=(5, 33, 20, 3), sharing=sharing, dtype=np.float32, dropout=0.3, rows=rows, batch_size=48, epochs=5,
        validation=20, optimizer={"clip_norm": 0.5, "weight_decay": 0.01}, early_stopping={"patience": 3},
    )  # fmt: skip
    solo = job.solo(engine)
    solo.run()
    for threads in (2, 3):
        other = job.solo(engine, threads)
        other.run()
        assert digest(other) == digest(solo)
    stopped = job.solo(engine, 2)
    while stopped.run(steps=2) == "running":
        state = stopped.state()
        stopped = job.solo(engine, 2)
        stopped.set_state(state)
    assert digest(stopped) == digest(solo)


def test_own_batches_are_those_of_a_table_that_begins_elsewhere(engine) -> None:
    """Submodels that share nothing: each ends as in a run with shared batches of a table that begins where it does."""
    job = replace(TABM, sizes=(5, 3), batch_size=20, shuffle=False, optimizer={"kind": "sgd", "learning_rate": 0.1})
    own = replace(job, own_batches=True).solo(engine)
    assert own.run() == "finished"
    x, classes, _, _ = job.table()
    for m in range(4):
        begin = m * 83 // 4
        elsewhere = engine.Solo64(
            job.plan(engine), np.roll(x, -begin, 0), np.roll(classes, -begin), None, None, None, 1
        )
        assert elsewhere.run() == "finished"
        for name, array in elsewhere.parameters().items():
            assert own.parameters()[name][m].tobytes() == array[m].tobytes()
            assert own.parameters()[name][m].tobytes() != job.solo(engine).parameters()[name][m].tobytes()


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [20, 48, 83])
def test_own_batches_are_the_contract_s(engine, native, sharing: str, dtype: Any, batch_size: int) -> None:
    """With every kind of embedding, weights of rows, dropout, clipping, and a last batch that is shorter."""
    job = Job(
        sizes=(EMBEDDED_COLUMNS, 33, 4), rows=83, batch_size=batch_size, epochs=3, submodels=5, sharing=sharing,
        embeddings=tuple(EVERY_EMBEDDING), own_batches=True, weighted=True, dropout=0.3, dtype=dtype,
        optimizer={"kind": "adamw", "clip_norm": 0.5, "weight_decay": 0.01},
    )  # fmt: skip
    expected = job.reference(engine, native)
    for threads in (1, 3):
        solo = job.solo(engine, threads)
        assert solo.run() == "finished"
        assert weights_of(solo) == expected
    shared = replace(job, own_batches=False).solo(engine)
    shared.run()
    assert weights_of(shared) != expected


def test_dropout_drops_other_neurons_in_each_submodel(engine) -> None:
    """Submodels that begin alike, and share the rest, differ after a step only by what was dropped."""
    job = replace(TABM, sizes=(5, 40, 1), loss="squared_error", rows=8, epochs=1, batch_size=8)
    for dropout in (0.0, 0.5):
        solo = replace(job, dropout=dropout).solo(engine)
        begun = solo.parameters()
        alike = {name: np.broadcast_to(a[:1], a.shape).copy() if a.shape[0] == 4 else a for name, a in begun.items()}
        solo.set_parameters(alike)
        assert solo.run() == "finished"
        assert len(np.unique(solo.parameters()["1.weights"].reshape(4, -1), axis=0)) == (4 if dropout else 1)


def test_what_cannot_be_is_refused(engine) -> None:
    job = replace(TABM, dtype=np.float32)
    plan = job.plan(engine)
    with pytest.raises(ValueError, match="a custom loss cannot train a network of 4 submodels"):
        engine.Solo32(plan, *job.table(), None, 1, lambda z, labels: (z[:, 0], z))
    predictor = engine.Predictor32(plan, job.solo(engine).parameters(), 1)
    with pytest.raises(ValueError, match="submodel: got 4; the network has submodels 0 to 3"):
        predictor.layer_outputs(job.table()[0], 0, 4)
    for name, value, wrong in (
        ("submodels", 0, "has 0 submodels; needs 1 to 4096"),
        ("input_features", [0], "has features for 1 inputs; needs them for all 5"),
        ("input_features", [0, 1, 2, 3, -1], "a feature has a negative number"),
    ):
        changed = job.plan(engine)
        setattr(changed, name, value)
        with pytest.raises(ValueError, match=wrong):
            engine.parameter_shapes(changed)
    with pytest.raises(ValueError, match=r"'2.weights'.*needs \(4, 7, 3\)"):
        engine.Predictor32(plan, job.solo(engine).parameters() | {"2.weights": np.zeros((7, 3), np.float32)}, 1)
