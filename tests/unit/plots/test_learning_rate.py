"""Plots of learning rates show the results of the search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import creche as cr

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True, params=["default", "dark_background"])
def style(request: pytest.FixtureRequest) -> Iterator[None]:
    with plt.style.context(request.param):
        yield
    plt.close("all")


in_one_style = pytest.mark.parametrize("style", ["default"], indirect=True)  # what takes long, and has no colours


@pytest.fixture(scope="module")
def found() -> cr.LearningRates:
    """With all four bands."""
    return cr.find_learning_rate(
        "penguins", label="species", hidden=[6], activation="relu", optimizer="sgd", epochs=20, seeds=3,
        threads=1, rates=cr.log_range(1e-5, 1e4, 28),
    )  # fmt: skip


def labelled(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.get_lines()}


def test_a_point_for_each_network_a_line_through_medians_and_the_recommended_rate(found: cr.LearningRates) -> None:
    axes = found.plot()
    axes.figure.canvas.draw()
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    lines = labelled(axes)
    points = sorted(zip(*lines["one network"].get_data(), strict=True))
    finite = [(r, loss) for r, row in zip(found.rates, found.losses, strict=True) for loss in row if np.isfinite(loss)]
    assert points == sorted(finite)
    x, y = lines["median of each learning rate"].get_data()
    expected = [np.median(row) for row in found.losses]
    np.testing.assert_array_equal(x, found.rates)
    np.testing.assert_array_equal(y, [m if np.isfinite(m) else np.nan for m in expected])
    assert set(lines[f"recommended: {found.rate:.3g}"].get_xdata()) == {found.rate}
    lost = int((found.losses == np.inf).sum())
    assert len(lines[f"diverged ({lost})"].get_xdata()) == lost > 0
    constant = lines["baseline (constant prediction)"].get_ydata()
    assert set(constant) == {found.baselines.constant}


def test_the_bands_are_named_in_their_order_where_they_lie(found: cr.LearningRates) -> None:
    axes = found.plot()
    names = [(text.get_text(), text.get_position()[0]) for text in axes.texts]
    assert [name for name, _ in names] == ["too low", "good", "too high", "diverged"]
    for band, (_, x) in zip(found.bands, names, strict=True):
        assert band.low / 1.6 < x < band.high * 1.6
    shaded = [patch for patch in axes.patches if patch.get_alpha()]
    assert len(shaded) == 2  # the good and the diverged one
    assert {bool(patch.get_hatch()) for patch in shaded} == {True, False}


def test_it_can_share_a_figure_with_other_plots(found: cr.LearningRates) -> None:
    _, grid = plt.subplots(1, 2)
    assert found.plot(axes=grid[1]) is grid[1]
    assert len(grid[0].get_lines()) == 0
    grid[1].figure.canvas.draw()


@in_one_style
def test_a_rate_of_each_band_learns_in_a_panel_of_its_own(found: cr.LearningRates) -> None:
    panels = found.plot_curves()
    panels[0].figure.canvas.draw()
    assert [axes.get_title().partition(":")[0] for axes in panels] == [band.name for band in found.bands]
    assert panels[1].get_title() == f"good: {found.rate:.3g}"
    of_rate = [member for member in found.colony if member.choice["learning_rate"] == found.rate]
    drawn = sorted(line.get_ydata().tolist() for line in panels[1].get_lines())
    expected = [getattr(m.history, name).tolist() for m in of_rate for name in ("train_loss", "validation_loss")]
    assert drawn == sorted(expected)
    for axes in panels:
        low, high = axes.get_ylim()
        seen = any(((low <= line.get_ydata()) & (line.get_ydata() <= high)).any() for line in axes.get_lines())
        assert seen == (not axes.texts)
    assert [text.get_text() for text in panels[3].texts] in (["diverged in epoch 1"], ["beyond the scale"])


@in_one_style
def test_without_validation_rows_and_with_losses_of_any_sign() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    found = cr.find_learning_rate(
        x, rng.poisson(np.exp(2 + x[:, 0])), loss="poisson", task="regression", hidden=[4], epochs=10, seeds=2,
        threads=1, rates=cr.log_range(1e-4, 1, 9), validation_fraction=0,
    )  # fmt: skip
    axes = found.plot()
    axes.figure.canvas.draw()
    assert axes.get_ylabel() == "training loss after training"
    assert found.losses[np.isfinite(found.losses)].min() < 0
    assert axes.get_yscale() == "linear"
    low, high = axes.get_ylim()
    assert low < found.losses.min()
    assert high > found.baselines.constant
    for panel in found.plot_curves():
        panel.figure.canvas.draw()
        assert {line.get_label() for line in panel.get_lines() if not line.get_label().startswith("_")} <= {"training"}
