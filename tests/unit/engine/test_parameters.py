"""Parameters by name: their order, the view of layers, vectors, and arrays that belong to no layer's W and b."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.engine.native import Rows, new_run
from creche.engine.parameters import Parameters, count_numbers, parameter_shapes
from creche.explain.weight_space import check_weights, filter_normalized_directions


def drawn(seed: int = 0) -> Parameters:
    """A network whose first layer also scales its inputs, as no layer does today."""
    rng = np.random.default_rng(seed)
    shapes = {"0.weights": (4, 3), "0.bias": (3,), "0.scale": (4,), "1.weights": (3, 2), "1.bias": (2,)}
    return Parameters({name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})


@given(st.integers(1, 9), st.lists(st.integers(1, 9), max_size=3), st.integers(1, 4))
def test_shapes_are_those_of_the_engine_s_networks(inputs: int, hidden: list[int], outputs: int) -> None:
    network = cr.Network.of(inputs, hidden, outputs)
    plan = cr.Plan(network, "regression", "squared_error", batch_size=1)
    shapes = parameter_shapes(plan)
    rows = Rows(np.zeros((1, inputs), np.float32), None, np.zeros((1, outputs), np.float32))
    parameters = Parameters(new_run(plan, rows, None, 1).parameters())
    assert list(parameters.shapes.items()) == list(shapes.items())
    assert parameters.count == count_numbers(shapes) == network.parameters
    assert [w.shape for w, _ in parameters.layers] == list(zip(network.widths[:-1], network.widths[1:], strict=True))
    assert list(Parameters.of_layers(parameters.layers)) == list(parameters)
    assert len(parameters.beyond_layers) == 0


def test_layers_are_a_view_and_others_lie_beyond_them() -> None:
    parameters = drawn()
    parameters.layers[0][1][2] = 7
    assert parameters["0.bias"][2] == 7
    assert list(parameters.beyond_layers) == ["0.scale"]
    assert [parameters.layer_of(name) for name in parameters] == [0, 0, 0, 1, 1]


def test_vectors_hold_all_arrays_in_their_order() -> None:
    parameters = drawn()
    flat = parameters.flatten()
    assert (flat.dtype, len(flat)) == (np.float64, parameters.count)
    np.testing.assert_array_equal(flat[15:19], parameters["0.scale"])
    for name, array in parameters.unflatten(flat).items():
        np.testing.assert_array_equal(array, parameters[name])
    two = parameters.unflatten(np.stack([flat, 2 * flat]))
    np.testing.assert_array_equal(two.network(1)["1.weights"], 2 * parameters["1.weights"].astype(np.float64))
    with pytest.raises(ValueError, match=r"got shape \(26,\); each needs 27 numbers"):
        parameters.unflatten(flat[:-1])


def test_networks_are_stacked_along_the_first_axis() -> None:
    networks = [drawn(seed) for seed in range(3)]
    stack = Parameters.stack(networks)
    assert stack["0.scale"].shape == (3, 4)
    for number, network in enumerate(networks):
        for name, array in stack.network(number).items():
            np.testing.assert_array_equal(array, network[name])
    repeated = networks[0].repeat(2)
    repeated["0.scale"][1] = 0
    assert networks[0]["0.scale"].all()
    np.testing.assert_array_equal(repeated.network(0)["0.scale"], networks[0]["0.scale"])


def test_one_number_that_is_not_finite_is_found_in_any_array() -> None:
    for name in drawn():
        parameters = drawn()
        assert parameters.is_finite()
        parameters[name].reshape(-1)[-1] = np.nan
        assert not parameters.is_finite()


def test_a_pickle_holds_the_same() -> None:
    parameters = drawn()
    again = pickle.loads(pickle.dumps(parameters))
    assert repr(again) == repr(parameters)
    assert all(again[name].tobytes() == array.tobytes() for name, array in parameters.items())


def test_the_weights_of_layers_are_not_enough_where_there_are_others() -> None:
    parameters = drawn()
    with pytest.raises(cr.PlanError, match=r"path\[0\]: has W and b of each layer only; the network also has 0\.scale"):
        check_weights("path[0]", parameters.layers, parameters)
    assert list(check_weights("path[0]", dict(parameters), parameters)) == list(parameters)


def test_random_directions_move_all_parameters() -> None:
    parameters = drawn()
    one, other = filter_normalized_directions(parameters, 3)
    assert list(one) == list(other) == list(parameters)
    length = np.linalg.norm(parameters["0.scale"].astype(np.float64))
    for direction in (one, other):
        assert np.linalg.norm(direction["0.scale"]) == pytest.approx(length)
    assert not np.allclose(one["0.scale"], other["0.scale"])
