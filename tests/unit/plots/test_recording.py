"""Plots of a recording show what was recorded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import quick, two_classes

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True, params=["default", "dark_background"])
def style(request: pytest.FixtureRequest) -> Iterator[None]:
    with plt.style.context(request.param):
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def recording() -> cr.Recording:
    x, y = two_classes()
    found = quick(x, y, hidden=[6, 5], epochs=12, record=True).recording
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("of", "values"),
    [("update_ratio", "update_ratios"), ("weight_norm", "weight_norms"), ("gradient_norm", "gradient_norms"),
     ("dead", "dead")],
)  # fmt: skip
def test_a_line_for_each_layer(recording: cr.Recording, of: str, values: str) -> None:
    axes = recording.plot(statistic=of)
    axes.figure.canvas.draw()
    expected = getattr(recording, values)
    drawn = [i for i in range(3) if np.isfinite(expected[:, i]).any()]
    assert [line.get_label() for line in axes.get_lines()] == [recording.layers[i] for i in drawn]
    for line, layer in zip(axes.get_lines(), drawn, strict=True):
        known = np.isfinite(expected[:, layer])
        np.testing.assert_array_equal(line.get_ydata(), expected[known, layer])
        np.testing.assert_array_equal(line.get_xdata(), recording.epochs[known])
    looks = [(line.get_linestyle(), line.get_marker()) for line in axes.get_lines()]
    assert len(set(looks)) == len(looks)  # to be told apart in grey
    assert (axes.get_xlabel(), axes.get_yscale()) == (
        "epoch",
        "log" if of.endswith(("ratio", "gradient_norm")) else "linear",
    )


def test_activations_are_means_over_neurons(recording: cr.Recording) -> None:
    axes = recording.plot(statistic="activation_mean")
    np.testing.assert_allclose(axes.get_lines()[1].get_ydata(), recording.activation_means[1].mean(axis=1))


def test_it_draws_into_given_axes(recording: cr.Recording) -> None:
    _, panels = plt.subplots(1, 2)
    assert recording.plot(axes=panels[0]) is panels[0]
    assert recording.plot_weights(1, axes=panels[1]) is panels[1]


def test_a_statistic_that_no_layer_has(recording: cr.Recording) -> None:
    axes = recording.plot(statistic="saturated")
    assert [text.get_text() for text in axes.texts] == ["share of saturated activations: not defined for any layer"]


def test_the_distribution_of_the_weights(recording: cr.Recording) -> None:
    axes = recording.plot_weights(0)
    axes.figure.canvas.draw()
    quartiles = np.percentile(recording.weights[0][0].reshape(len(recording), -1), [25, 50, 75], axis=1)
    for line, expected in zip(axes.get_lines(), quartiles, strict=True):
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-6)
    shares = np.asarray(axes.collections[0].get_array()) ** 2
    assert shares.sum(axis=0).max() <= 1 + 1e-9
    assert shares.sum(axis=0).min() > 0.8  # without the outermost
    assert axes.get_ylabel() == "weights of layer 1"
    assert recording.plot_weights(-1).get_ylabel() == "weights of the output layer"


def test_arguments_that_cannot_be_drawn(recording: cr.Recording) -> None:
    with pytest.raises(cr.PlanError, match="did you mean 'weight_norm'"):
        recording.plot(statistic="weight_norms")
    with pytest.raises(cr.PlanError, match="layer: got 3; needs a whole number from -3 to 2"):
        recording.plot_weights(3)
