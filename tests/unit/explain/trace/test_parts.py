"""The trace of neurons in layers with a scale, a normalization, slopes and a residual connection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.explain.trace.neuron import trace_neuron

PARTS: dict[str, Any] = {
    "hidden": [5, 5], "activation": "tanh", "scale_inputs": [True, True, True], "parametric_activation": True,
    "residual": True,
}  # fmt: skip


def traced(rows: Any = range(1, 7), check: bool = False, **arguments: Any) -> Any:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 5))
    y = np.where(x[:, 0] * x[:, 1] > 0, "in", "out")
    run = cr.train(x, y, **(PARTS | arguments), learning_rate=0.05, epochs=8, precision="float64", threads=1)
    return cr.explain.trace(run.model, x, y, rows=rows, check=check)


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("normalization", [None, "layer", "batch"])
def test_the_forward_pass_is_that_of_the_formulas(layer: int, normalization: str | None) -> None:
    trace = traced(normalization=normalization)
    for neuron in range(5):
        found = trace_neuron(trace, layer, neuron)
        assert found.products.sum() + found.bias == pytest.approx(found.weighted_sum, rel=1e-9)
        steps = dict(found.passages)
        before = steps.get("× gain + shift", found.weighted_sum)
        bent = next(value for name, value in found.passages if name.startswith("tanh, bent by a slope of "))
        slope = float(trace.layers[layer - 1].parts["slopes"][neuron])
        assert slope != 1
        assert bent == pytest.approx(before + slope * (np.tanh(before) - before), rel=1e-9)
        assert found.passages[-1] == ("+ the layer's input", found.activation)
    names = {None: set(), "layer": {"normalized"}, "batch": {"normalized over the rows"}}
    assert {name for name in steps if name.startswith("normalized")} == names[normalization]


@pytest.mark.parametrize("layer", [1, 2])
def test_the_backward_pass_goes_through_scale_and_residual(layer: int) -> None:
    trace = traced()
    for neuron in range(5):
        found = trace_neuron(trace, layer, neuron)
        slope = float(trace.layers[layer - 1].parts["slopes"][neuron])
        exact = 1 + slope * ((1 - np.tanh(found.weighted_sum) ** 2) - 1)
        assert found.derivative == pytest.approx(exact, rel=1e-6)
        names = [name.partition(",")[0] for name, _ in found.target_passages]
        assert names == (["× its scale", "+ the gradient past the layer"] if layer == 1 else ["× its scale"])


@pytest.mark.parametrize("normalization", ["layer", "batch"])
def test_a_normalization_leaves_no_derivative_of_one_neuron(normalization: str) -> None:
    assert trace_neuron(traced(normalization=normalization), 1, 0).derivative is None


def test_batch_normalization_takes_the_statistics_of_the_traced_rows() -> None:
    """As the step does, whose gradients finite differences confirm; of a single row, the running ones."""
    several = traced(normalization="batch", check=True)
    found = trace_neuron(several, 1, 2)
    z = several.layers[0].sums[:, 2]
    passages = dict(found.passages)
    assert passages["normalized over the rows"] == pytest.approx(
        (found.weighted_sum - z.mean()) / np.sqrt(z.var() + 1e-5)
    )
    assert several.check is not None
    assert several.check.largest_difference_in_float64 < 1e-5
    assert several.check.total == several.plan.network.parameters
    assert any("means and variances of these rows" in note for note in several.notes)
    assert "gradient at z, through all rows" in " ".join(str(several).split())
    single = traced(rows=[4], normalization="batch", check=True)
    parts, sums = single.layers[0].parts, single.layers[0].sums
    normalized = dict(trace_neuron(single, 1, 2).passages)["normalized by the running statistics"]
    by_hand = (sums[0, 2] - parts["running_mean"][2]) / np.sqrt(parts["running_variance"][2] + 1e-5)
    assert normalized == pytest.approx(by_hand)
    assert single.check is not None
    assert single.check.largest_difference_in_float64 < 1e-5
    assert not any("means and variances" in note for note in single.notes)


def test_the_page_names_what_the_layers_have() -> None:
    page = " ".join(
        str(
            traced(
                normalization="layer",
            )
        ).split()
    )
    assert "learned scale of the inputs of layers 1, 2 and 3; layer normalization in layers 1 and 2" in page
    assert "× gain + shift" in page
    assert "gradient at z, through all neurons" in page
