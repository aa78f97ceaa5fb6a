"""What the engine works out on the way: sums, activations and gradients inside a network, and by its inputs."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from creche.engine.parameters import Parameters
from tests.engine.small_plans import ACTIVATIONS, ALL_PARTS, EMBEDDED_COLUMNS, EMBEDDINGS, LOSSES, Job


def inside_of(job: Job, engine: ModuleType) -> tuple[Any, tuple[Any, ...]]:
    solo = job.solo(engine)
    return solo, solo.introspect(*job.table())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_and_activations_are_those_of_the_prediction(engine, dtype: type) -> None:
    job = Job(sizes=(5, 19, 7, 3), rows=83, activation="tanh", dtype=dtype)
    solo, (sums, activations, *_) = inside_of(job, engine)
    x, left = job.table()[0], job.table()[0].astype(np.float64)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}
    for (w, b), z, a in zip(Parameters(solo.parameters()).layers, sums, activations, strict=True):
        np.testing.assert_allclose(z, left @ w.astype(np.float64) + b, **close)
        left = a.astype(np.float64)
    np.testing.assert_allclose(activations[0], np.tanh(sums[0].astype(np.float64)), **close)
    kind = engine.Predictor32 if dtype == np.float32 else engine.Predictor64
    predictor = kind(job.plan(engine), solo.parameters(), 1)
    assert np.array_equal(activations[-1], predictor.outputs(x))


def outputs_by_numpy(parameters: dict[str, Any], x: Any, layers: int) -> Any:
    """The outputs of a residual network with all parts in its hidden layers, by the formulas of layers/layer.hpp."""
    for i in range(layers):
        p = {name.split(".")[1]: array for name, array in parameters.items() if name.startswith(f"{i}.")}
        z = (x * p.get("scale", 1.0)) @ p["weights"] + p["bias"]
        if "gain" in p:
            z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
            z = p["gain"] * z + p["shift"]
        if "slopes" in p:
            z = z + p["slopes"] * (np.tanh(z) - z)
        x = z + x if i + 1 < layers and z.shape == x.shape else z
    return x


@pytest.mark.parametrize("width", [5, 16, 40])
def test_the_parts_of_layers_are_their_formulas(engine, width: int) -> None:
    job = Job(
        sizes=(7, width, width, 3), rows=83, activation="tanh", dtype=np.float64, residual=True,
        parts=(ALL_PARTS, ALL_PARTS),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    parameters = {
        name: array + rng.uniform(-0.4, 0.4, array.shape) for name, array in job.solo(engine).parameters().items()
    }
    x = job.table()[0]
    found = engine.Predictor64(job.plan(engine), parameters, 1).outputs(x)
    np.testing.assert_allclose(found, outputs_by_numpy(parameters, x, 3), rtol=1e-11, atol=1e-12)


def embedded_by_numpy(parameters: dict[str, Any], x: Any) -> Any:
    """The inputs of the first layer for `EMBEDDINGS`, by the formulas of layers/embedding.hpp."""
    features: list[Any] = []
    number = 0
    taken: set[int] = set()
    for fields in EMBEDDINGS:
        for i, column in enumerate(fields["columns"]):
            p = {name.split(".")[2]: array for name, array in parameters.items() if f"embeddings.{number}." in name}
            if fields["kind"] == "periodic":
                cosines = np.cos(2 * np.pi * x[:, [column]] * p["frequencies"][:, i] + p["phases"][:, i])
                weights = p["weights"].reshape(fields["frequencies"], fields["width"] - 1, -1)[:, :, i]
                features += [cosines @ weights + p["bias"][:, i], x[:, [column]]]
                taken.add(column)
                number += i + 1 == len(fields["columns"])
                continue
            if fields["kind"] == "category":
                known = (x[:, column] >= 0) & (x[:, column] < fields["sizes"][i])
                features.append(p["vectors"][np.where(known, x[:, column], 0).astype(int)])
                taken.add(column)
            else:
                columns = range(column, column + fields["sizes"][i])
                features.append(x[:, columns] @ p["weights"] + p["bias"])
                taken |= set(columns)
            number += 1
    plain = [column for column in range(x.shape[1]) if column not in taken]
    return np.hstack([*features, x[:, plain]])


def test_embeddings_are_their_formulas(engine) -> None:
    job = Job(
        sizes=(EMBEDDED_COLUMNS, 6, 3), rows=83, activation="tanh", dtype=np.float64, embeddings=tuple(EMBEDDINGS)
    )
    rng = np.random.default_rng(0)
    parameters = {
        name: array + rng.uniform(-0.4, 0.4, array.shape) for name, array in job.solo(engine).parameters().items()
    }
    x = job.table()[0]
    embedded = embedded_by_numpy(parameters, x)
    assert embedded.shape == (83, 2 * 4 + 3 + 2 * 2 + 2)
    hidden = np.tanh(embedded @ parameters["0.weights"] + parameters["0.bias"])
    expected = hidden @ parameters["1.weights"] + parameters["1.bias"]
    found = engine.Predictor64(job.plan(engine), parameters, 1).outputs(x)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    many = engine.ManyPredictor64(job.plan(engine), {name: np.stack([a, a]) for name, a in parameters.items()}, 1)
    assert np.array_equal(many.outputs(x)[1], found)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_by_the_sums_adds_up_to_that_of_the_bias(engine, loss: str) -> None:
    job = Job(sizes=(4, 9, 6, 3), rows=37, loss=loss, weighted=True, activation="silu", dtype=np.float64)
    solo, (_, activations, dloss_dz, losses, total, gradients, _) = inside_of(job, engine)
    x, _, _, weights = job.table()
    for left, dz, (dw, db) in zip([x, *activations], dloss_dz, Parameters(gradients).layers, strict=False):
        np.testing.assert_allclose(dz.sum(axis=0), db, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(left.T @ dz, dw, rtol=1e-12, atol=1e-15)
    assert (losses * weights).sum() / weights.sum() == pytest.approx(total, rel=1e-13)
    alone = solo.gradients(*job.table())
    assert alone[0] == total
    assert list(alone[1]) == list(gradients)
    for name, gradient in gradients.items():
        assert np.array_equal(alone[1][name], gradient)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("parts", [(), (ALL_PARTS,) * 2], ids=["plain", "all parts"])
def test_the_gradient_by_the_inputs_is_the_slope_of_the_outputs(
    engine, activation: str, parts: tuple[dict[str, Any], ...]
) -> None:
    job = Job(
        sizes=(5, 5, 6, 3), rows=21, activation=activation, dtype=np.float64, initializer="lecun_normal", seed=3,
        parts=parts, residual=bool(parts),
    )  # fmt: skip
    parameters = {name: array * 1.1 - 0.05 for name, array in job.solo(engine).parameters().items()}
    predictor = engine.Predictor64(job.plan(engine), parameters, 1)
    x = job.table()[0]
    directions = np.random.default_rng(1).standard_normal((len(x), 3))
    exact = predictor.input_gradients(x, directions)
    step = 1e-5
    for i in range(5):
        shift = step * np.eye(5)[i]
        slope = ((predictor.outputs(x + shift) - predictor.outputs(x - shift)) * directions).sum(axis=1) / (2 * step)
        np.testing.assert_allclose(exact[:, i], slope, rtol=1e-5, atol=1e-8)


def test_one_layer_s_gradient_by_the_inputs_is_its_weights(engine) -> None:
    job = Job(sizes=(20, 3), rows=5, dtype=np.float64)
    solo = job.solo(engine)
    predictor = engine.Predictor64(job.plan(engine), solo.parameters(), 1)
    directions = np.tile(np.eye(3)[1], (5, 1))
    gradients = predictor.input_gradients(job.table()[0], directions)
    np.testing.assert_allclose(gradients, np.tile(solo.parameters()["0.weights"][:, 1], (5, 1)), rtol=1e-15)


def test_directions_of_another_shape_are_refused(engine) -> None:
    job = Job(rows=5)
    predictor = engine.Predictor32(job.plan(engine), job.solo(engine).parameters(), 1)
    with pytest.raises(ValueError, match=r"directions: needs shape \(5, 3\)"):
        predictor.input_gradients(job.table()[0], np.zeros((5, 2), np.float32))
    with pytest.raises(ValueError, match="x has 3 columns; the network needs 4"):
        predictor.input_gradients(np.zeros((5, 3), np.float32), np.zeros((5, 3), np.float32))
