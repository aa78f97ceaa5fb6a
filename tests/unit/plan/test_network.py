from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.engine.native import Rows, new_run
from creche.errors import PlanError
from creche.plan import ACTIVATIONS, Layer, Network, Plan
from creche.plan.initializers import GlorotUniform, HeUniform, LecunNormal, Orthogonal

WIDTHS = st.integers(1, 2**31 - 1)


@given(WIDTHS, st.lists(WIDTHS, max_size=5), WIDTHS, st.sampled_from(ACTIVATIONS.words), st.floats(0, 0.99))
def test_networks_go_through_json_unchanged(
    inputs: int, hidden: list[int], outputs: int, word: str, share: float
) -> None:
    network = Network.of(inputs, hidden, outputs, word, share)
    back = Network.from_dict(json.loads(json.dumps(network.to_dict())))
    assert back == network
    assert hash(back) == hash(network)
    assert network.widths == (inputs, *hidden, outputs)
    assert str(network) == "-".join(map(str, [inputs, *hidden, outputs]))


@given(st.integers(1, 20), st.lists(st.integers(1, 20), max_size=4), st.integers(1, 20))
def test_parameters_are_counted_one_by_one(inputs: int, hidden: list[int], outputs: int) -> None:
    count, before = 0, inputs
    for width in [*hidden, outputs]:
        for _ in range(width):
            count += before + 1
        before = width
    assert Network.of(inputs, hidden, outputs).parameters == count


def test_activation_and_dropout_apply_to_hidden_layers_only() -> None:
    network = Network.of(4, [8, 6], 3, "tanh", 0.2)
    assert [layer.activation for layer in network.layers] == [cr.Tanh(), cr.Tanh(), cr.Identity()]
    assert [layer.dropout for layer in network.layers] == [0.2, 0.2, 0.0]


def test_each_hidden_layer_may_have_its_own_activation_and_dropout() -> None:
    network = Network.of(4, [8, 6], 3, ["relu", cr.LeakyRelu(0.02)], [0.1, 0.0])
    assert [layer.activation for layer in network.layers[:2]] == [cr.Relu(), cr.LeakyRelu(0.02)]
    assert [layer.dropout for layer in network.layers[:2]] == [0.1, 0.0]
    assert Network.of(4, [8, 6], 3, ["relu", cr.LeakyRelu(0.02)], np.array([0.1, 0.0])) == network  # type: ignore[arg-type]


def test_repr_shows_an_initializer_that_is_not_the_default() -> None:
    assert repr(Layer(5, "selu")) == "Layer(width=5, activation=Selu())"  # type: ignore[arg-type]
    he = Layer(5, "selu", initializer="he_uniform")  # type: ignore[arg-type]
    assert repr(he) == "Layer(width=5, activation=Selu(), initializer=HeUniform())"


@pytest.mark.parametrize(("name", "arguments"), [("activation", (["relu"],)), ("dropout", ("relu", [0.1]))])
def test_a_list_needs_a_value_for_each_hidden_layer(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(PlanError, match=f"{name}: got 1 values for 2 hidden layers"):
        Network.of(4, [8, 6], 3, *arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("hidden", ["10,10", 10, None, {10}], ids=repr)
def test_hidden_must_be_a_list(hidden: object) -> None:
    with pytest.raises(PlanError, match=r"hidden: got .*; needs a list of widths such as \[10, 10\]"):
        Network.of(4, hidden, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [0, -3, 2.5, "8", True, 2**31, None], ids=repr)
def test_an_invalid_width_is_refused(width: object) -> None:
    with pytest.raises(PlanError, match=r"got .*; needs a whole number"):
        Network.of(4, [8, width], 3)  # type: ignore[list-item]


def test_a_network_needs_a_layer() -> None:
    with pytest.raises(PlanError, match=r"Network\.layers: got none; needs at least the output layer"):
        Network(4)


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [("relu", HeUniform()), ("mish", HeUniform()), ("selu", LecunNormal()), ("tanh", GlorotUniform())],
)
def test_initializers_suit_their_activation(activation: str, initializer: object) -> None:
    assert Layer(5, activation).initializer == initializer  # type: ignore[arg-type]


def test_an_initializer_applies_to_all_layers() -> None:
    assert {layer.initializer for layer in Network.of(4, [8, 6], 3, initializer="orthogonal").layers} == {Orthogonal()}


def test_an_unknown_word_in_a_layer_is_refused_with_its_place() -> None:
    with pytest.raises(PlanError, match=r"Layer\.activation: got 'rellu'; did you mean 'relu'"):
        Layer(5, "rellu")  # type: ignore[arg-type]
    with pytest.raises(PlanError, match=r"Layer\.initializer: got 'he'; "):
        Layer(5, "relu", 0.0, "he")  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="Layer: 'width' is missing"):
        Layer.from_dict({"activation": "relu"})


@pytest.mark.parametrize("layers", [5, [3], "abc"], ids=repr)
def test_layers_of_another_kind_are_refused(layers: object) -> None:
    with pytest.raises(PlanError, match=r"Network\.layers"):
        Network.from_dict({"inputs": 4, "layers": layers})


def test_a_width_beyond_floats_is_refused() -> None:
    with pytest.raises(PlanError):
        Network.of(4, [10**400], 3)


def test_a_width_that_is_too_large_is_refused_with_the_limit() -> None:
    with pytest.raises(PlanError, match=r"2,?147,?483,?647"):
        Network.of(4, [2**31], 3)


def test_what_layers_have_besides_counts_as_parameters() -> None:
    network = Network.of(
        4, [6, 6], 3, normalization=["layer", None], parametric_activation=[False, True], residual=True,
        scale_inputs=True,
    )  # fmt: skip
    run = new_run(Plan(network), Rows(np.zeros((9, 4), np.float32), np.zeros(9, np.int32), None), None, 1)
    assert network.parameters == sum(array.size for name, array in run.state().items() if name.startswith("network."))
    assert [layer.residual for layer in network.layers] == [False, True, False]
    assert [layer.scale_inputs for layer in network.layers] == [True, False, False]
    assert Network.from_dict(network.to_dict()) == network


@pytest.mark.parametrize("sharing", ["mini", "full"])
@pytest.mark.parametrize("hidden", [[], [6], [6, 6, 5]])
@pytest.mark.parametrize("scale_inputs", [False, True])
def test_what_submodels_own_counts_as_parameters(sharing: Any, hidden: list[int], scale_inputs: bool) -> None:
    network = Network.of(
        4, hidden, 3, submodels=7, weight_sharing=sharing, normalization="layer", input_features=[0, 0, 1, 2],
        scale_inputs=[scale_inputs] * (len(hidden) + 1),
    )  # fmt: skip
    run = new_run(Plan(network), Rows(np.zeros((9, 4), np.float32), np.zeros(9, np.int32), None), None, 1)
    assert network.parameters == sum(array.size for name, array in run.state().items() if name.startswith("network."))
    assert Network.from_dict(network.to_dict()) == network


def test_one_submodel_is_a_network_as_before() -> None:
    network = Network.of(4, [6], 3, submodels=1, weight_sharing="full")
    assert network.to_dict() == Network.of(4, [6], 3).to_dict()
    assert network.parameters == Network.of(4, [6], 3).parameters


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"submodels": 0}, r"Network.submodels: got 0; needs a whole number of at least 1"),
        ({"submodels": 2.5}, r"Network.submodels: got 2.5; needs a whole number"),
        ({"submodels": 10_000}, r"at most 4,096"),
        ({"weight_sharing": "ful"}, "weight_sharing: got 'ful'; did you mean 'full'"),
        ({"input_features": [0, 1]}, "input_features: got 2 numbers for 4 inputs; give one for each"),
        ({"input_features": [0, 1, 2, -1]}, r"input_features\[3\]: got -1; needs a whole number of at least 0"),
        ({"residual": True}, "residual: no hidden layer has as many neurons as the layer before"),
        ({"residual": [False, True]}, r"residual: layer 2 has 6 neurons and 8 inputs, and a residual layer needs"),
        (
            {"normalization": "batches"},
            r"normalization: got 'batches'; did you mean 'batch'\? Choose one of none, layer, batch",
        ),
        (
            {"normalization": [None, "batch"], "submodels": 4},
            "normalization: got 'batch' in layer 2, and the network has 4",
        ),
        ({"bias_initializer": "zero"}, r"bias_initializer: got 'zero'; did you mean 'zeros'"),
        ({"scale_inputs": [True]}, "scale_inputs: got 1 values for 3 layers; give one, or one for each"),
        ({"parametric_activation": "yes"}, "parametric_activation: got 'yes'; needs True or False"),
    ],
)
def test_a_part_that_cannot_stand_there_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Network.of(4, [8, 6], 3, **arguments)


@pytest.mark.parametrize("part", [{"normalization": "batch"}, {"parametric_activation": True}, {"residual": True}])
def test_the_output_layer_has_no_part_of_hidden_layers(part: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="the output layer has it, and only hidden layers can"):
        Network(3, (Layer(3, **part),))
