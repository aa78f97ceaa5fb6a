from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.parameters import Layers, Parameters
from creche.explain.loss_surface import LossSurface
from creche.explain.weight_space import filter_normalized_directions, principal_directions, project
from tests.unit.explain.reference import alone, copied
from tests.unit.small_runs import line


@pytest.fixture(scope="module")
def steps() -> list[Layers]:
    return []


@pytest.fixture(scope="module")
def run(steps: list[Layers]) -> cr.Run:
    def keep(epoch: cr.EpochRecord) -> None:
        steps.append(epoch.run.model.weights)

    return cr.train("penguins", label="species", hidden=[4], learning_rate=0.02, epochs=10, threads=1, on_epoch=keep)


def surface_of(model: Any, data: Any = "penguins", **arguments: Any) -> LossSurface:
    return cr.explain.loss_surface(model, data, **({"threads": 1, "points": 7} | arguments))


def test_principal_directions_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((30, 3)) @ rng.standard_normal((3, 8)) * np.array([5.0, 2, 1, 1, 1, 1, 1, 1])
    directions, shares = principal_directions(points)
    values, vectors = np.linalg.eigh(np.cov(points.T))
    np.testing.assert_allclose(shares, values[::-1][:2] / values.sum(), rtol=1e-10)
    np.testing.assert_allclose(np.abs(directions @ vectors[:, ::-1][:, :2]), np.eye(2), atol=1e-10)
    _, sizes, rows = np.linalg.svd(points - points.mean(axis=0))
    np.testing.assert_allclose(np.abs(directions), np.abs(rows[:2]), atol=1e-10)
    np.testing.assert_allclose(shares, (sizes**2 / (sizes**2).sum())[:2])
    assert ((points[-1] - points[0]) @ directions.T >= 0).all()


def test_a_straight_path_has_one_direction_and_any_other_across() -> None:
    points = np.outer(np.arange(5.0), [3.0, 0, 4, 0])
    directions, shares = principal_directions(points)
    np.testing.assert_allclose(directions[0], [0.6, 0, 0.8, 0])
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(shares, [1, 0])


def test_projection_holds_what_lies_in_the_plane() -> None:
    rng = np.random.default_rng(1)
    two, origin = rng.standard_normal((2, 9)), rng.standard_normal(9)  # not at right angles
    coordinates = rng.standard_normal((12, 2))
    found, share = project(origin + coordinates @ two, origin, two)
    np.testing.assert_allclose(found, coordinates, rtol=1e-9)
    assert share == pytest.approx(1)
    across = np.linalg.svd(two)[2][2]  # at right angles to both
    _, half = project(origin + np.outer([-1.0, 1, -1, 1], across) + np.outer([-1.0, -1, 1, 1], two[0] / np.linalg.norm(two[0])), origin, two)  # fmt: skip  # noqa: E501
    assert half == pytest.approx(0.5)


def test_random_directions_have_the_length_of_each_neuron(run: cr.Run) -> None:
    one, other = filter_normalized_directions(run.model.parameters, 3)
    for direction in (one, other):
        for (w, b), (dw, db) in zip(run.model.weights, direction.layers, strict=True):
            np.testing.assert_allclose(
                np.linalg.norm(np.vstack([dw, db]), axis=0), np.linalg.norm(np.vstack([w, b]), axis=0), rtol=1e-6
            )
    assert not np.allclose(one.flatten(), other.flatten())
    again, _ = filter_normalized_directions(run.model.parameters, 3)
    assert again.flatten().tobytes() == one.flatten().tobytes()
    another, _ = filter_normalized_directions(run.model.parameters, 4)
    assert another.flatten().tobytes() != one.flatten().tobytes()


@pytest.mark.parametrize("kind", ["random", "path", "weights", "directions"])
def test_every_point_is_the_network_alone(run: cr.Run, steps: list[Layers], kind: str) -> None:
    directions: Any = {
        "weights": [(0, "bill_length_mm", 3), (1, "bias", "Gentoo")],
        "directions": [steps[0], steps[4]],
    }.get(kind, kind)
    found = surface_of(run.model, directions=directions, path=steps if kind == "path" else None)
    assert found.kind == kind
    assert found.losses.shape == (7, 7)
    assert found.loss == alone(run.model, run.model.weights, "penguins")
    for i, j in ((0, 0), (2, 5), (6, 3)):
        moved = [
            tuple(
                (part + (found.x[j] - found.position[0]) * d0 + (found.y[i] - found.position[1]) * d1).astype("f4")
                for part, d0, d1 in zip(*layers, strict=True)
            )
            for layers in zip(run.model.weights, *(one.layers for one in found.directions), strict=True)
        ]  # fmt: skip
        assert alone(run.model, moved, "penguins") == pytest.approx(found.losses[i, j], rel=1e-6)  # type: ignore[arg-type]
    assert found.table().shape == (49, 3)
    assert found.table()["loss"][1] == found.losses[0, 1]


def test_the_path_lies_on_its_plane(run: cr.Run, steps: list[Layers]) -> None:
    found = surface_of(run.model, path=steps)
    assert found.path is not None
    assert found.path_losses is not None
    rows = np.stack([Parameters.of_layers(step).flatten() for step in steps])
    directions = np.stack([direction.flatten() for direction in found.directions])
    np.testing.assert_allclose(found.path, (rows - rows[-1]) @ directions.T, atol=1e-9)
    np.testing.assert_allclose(found.path[-1], found.position, atol=1e-9)
    assert found.share == pytest.approx(principal_directions(rows)[1].sum())
    assert found.path_losses.tolist() == [alone(run.model, step, "penguins") for step in steps]
    assert (found.path > [found.x[0], found.y[0]]).all()
    assert (found.path < [found.x[-1], found.y[-1]]).all()
    assert found.path_table().shape == (10, 3)


def test_of_two_weights_the_axes_are_their_values(run: cr.Run, steps: list[Layers]) -> None:
    found = surface_of(run, None, directions=[(0, "bill_length_mm", 3), (1, "bias", "Gentoo")], path=steps)
    assert found.names == ("weight from bill_length_mm to neuron 3 of layer 1", "bias of Gentoo")
    assert found.path is not None
    np.testing.assert_allclose(found.path, [[w[0][0][3, 3], w[1][1][2]] for w in steps], rtol=1e-6)
    rows = np.stack([Parameters.of_layers(step).flatten() for step in steps])
    ours = np.array([[w[0][0][3, 3], w[1][1][2]] for w in steps], dtype=np.float64)
    assert found.share == pytest.approx(ours.var(axis=0).sum() / rows.var(axis=0).sum())


def test_reach_and_what_is_not_finite() -> None:
    x, y = line(60)
    model = cr.train(x, y, hidden=[4], epochs=2, threads=1).model
    found = cr.explain.loss_surface(model, x, y, reach=1e20, points=5, threads=1)
    assert (found.x[0], found.x[-1]) == (-1e20, 1e20)
    assert found.left_out == 24
    assert np.isfinite(found.losses[2, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": "pca"}, r"directions: got 'pca'; .*hoose one of path, random"),
        ({"directions": "path"}, "directions: 'path' needs a path; give path="),
        ({"directions": [(0, 0, 0)]}, "directions: needs two of them"),
        ({"directions": [(0, 0, 0), (0, 0, 0)]}, "directions: both are the weight from island=Biscoe to neuron 0"),
        ({"directions": [(0, 0, 0), (5, 0, 0)]}, "layer: got 5"),
        (
            {"directions": [(0, 0, 0), "bias"]},
            r"directions\[1\]: got 'bias'; needs a weight as \(layer, source, target\)",
        ),
        ({"path": "steps"}, r"path\[0\]: got 1 layers"),
        ({"path": 3}, "path: got int; needs a list of at least 2 sets of weights"),
        ({"reach": -1}, "reach: got -1; needs a number above 0"),
        ({"points": 1}, "points: got 1"),
    ],
)
def test_what_cannot_be(run: cr.Run, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        surface_of(run.model, **arguments)


def test_paths_and_directions_that_lead_nowhere(run: cr.Run, steps: list[Layers]) -> None:
    weights = run.model.weights
    with pytest.raises(cr.PlanError, match="all its weights are the same"):
        surface_of(run.model, path=[weights, weights])
    with pytest.raises(cr.PlanError, match="directions: lie on one line"):
        surface_of(run.model, directions=[weights, [(2 * w, 2 * b) for w, b in weights]])
    with pytest.raises(cr.PlanError, match=r"directions\[0\]: is 0 everywhere"):
        surface_of(run.model, directions=[[(0 * w, 0 * b) for w, b in weights], weights])
    with pytest.raises(cr.PlanError, match=r"path\[1\], layer 1: has shapes .* needs W \(4, 3\) and b \(3,\)"):
        surface_of(run.model, path=[weights, [weights[0], weights[0]]])
    broken = copied(weights)
    broken[0][0][0, 0] = np.nan
    with pytest.raises(cr.PlanError, match=r"path\[2\]: holds weights that are not finite"):
        surface_of(run.model, path=[*steps[:2], broken])


def test_named_parameters_are_as_good_as_the_weights_of_layers(run: cr.Run, steps: list[Layers]) -> None:
    named = [Parameters.of_layers(step) for step in steps]
    found, same = surface_of(run.model, path=named), surface_of(run.model, path=steps)
    assert found.losses.tobytes() == same.losses.tobytes()
    again = surface_of(run.model, directions=found.directions)
    assert (again.kind, again.loss) == ("directions", found.loss)
    curve = cr.explain.loss_against_weight(run, source=3, target=3, path=named, points=5, threads=1)
    assert curve.path is not None
    assert curve.path.tolist() == [float(w[0][0][3, 3]) for w in steps]
    parameters = run.model.parameters
    for change, message in (
        ({"0.bias": np.zeros(5)}, r"path\[1\], '0\.bias': has shape \(5,\); needs \(4,\)"),
        ({"0.biases": np.zeros(4)}, r"path\[1\]: the network has no '0\.biases'; did you mean '0\.bias'"),
    ):
        with pytest.raises(cr.PlanError, match=message):
            surface_of(run.model, path=[parameters, {**parameters, **change}])
    with pytest.raises(cr.PlanError, match=r"path\[0\]: '1\.weights' is missing; needs 0\.weights, 0\.bias, "):
        surface_of(run.model, path=[{name: parameters[name] for name in parameters if name != "1.weights"}, parameters])


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_picture(run: cr.Run, steps: list[Layers], style: str) -> None:
    plt: Any = pytest.importorskip("matplotlib.pyplot")
    found = surface_of(run.model, path=steps, points=9)
    with plt.style.context(style):
        axes = found.plot()
        axes.figure.canvas.draw()
    assert axes.get_xlabel().startswith("first direction of the path")
    assert "% of the path's variance" in axes.get_title()
    lines = {drawn.get_label(): drawn for drawn in axes.get_lines()}
    np.testing.assert_array_equal(lines["path of training"].get_xydata(), found.path)
    flat_model = run.model.parameters.map(np.zeros_like)
    dead = cr.explain.loss_surface(
        type(run.model)(run.plan, run.model.features, run.model.labels, flat_model), "penguins",
        directions=[(0, 0, 0), (0, 1, 1)], points=5, threads=1,
    )  # fmt: skip
    axes = dead.plot()
    assert axes.texts[0].get_text() == "the loss is the same everywhere"
    plt.close("all")


def test_what_a_run_recorded_is_its_path(run: cr.Run, steps: list[Layers]) -> None:
    class Recorded:
        has_weights = True

        parameters = Parameters.stack([Parameters.of_layers(step) for step in steps])

        def __len__(self) -> int:
            return len(steps)

    found = surface_of(run.model, path=Recorded())
    assert found.kind == "path"
    assert found.path is not None
    np.testing.assert_array_equal(found.path, surface_of(run.model, path=steps).path)
    curve = cr.explain.loss_against_weight(run, source=3, target=3, path=Recorded(), points=5, threads=1)
    assert curve.path is not None
    assert curve.path.tolist() == [float(w[0][0][3, 3]) for w in steps]
