"""Plots of a colony show its results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import creche as cr
from tests.unit import small_runs as jobs
from tests.unit.model_selection.sweeps import run_sweep

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
def colony() -> cr.Colony:
    """Some of its networks diverge."""
    return run_sweep(optimizer=["sgd", "adam"], learning_rate=[0.001, 0.05, 1e8], seeds=3)


def drawn(figure: Any) -> Any:
    """The figure, after matplotlib has drawn all of it."""
    figure.canvas.draw()
    return figure


def test_curves_of_each_value(colony: cr.Colony) -> None:
    figure = drawn(colony.plot("optimizer"))
    assert [axes.get_title() for axes in figure.axes] == ["sgd", "adam"]
    for axes, optimizer in zip(figure.axes, ["sgd", "adam"], strict=True):
        expected = sorted(
            member.history.validation_loss.tolist() for member in colony if member.choice["optimizer"] == optimizer
        )
        assert sorted(curve.get_ydata().tolist() for curve in axes.get_lines()) == expected
    best = figure.axes[1].get_lines()[-1]
    assert best.get_ydata().tolist() == colony.best("network").history.validation_loss.tolist()
    assert best.get_color() != figure.axes[1].get_lines()[0].get_color()


@in_one_style
def test_curves_by_the_most_important_argument(colony: cr.Colony) -> None:
    figure = drawn(colony.plot())
    by = colony.effects()[0].argument
    assert by.replace("_", " ") in figure.get_suptitle()
    plain = drawn(run_sweep(seeds=2).plot("seed"))
    assert [axes.get_title() for axes in plain.axes] == ["0", "1"]


def test_a_panel_without_a_curve_says_why() -> None:
    figure = drawn(run_sweep(optimizer="sgd", learning_rate=[0.01, 1e8], seeds=2).plot("learning_rate"))
    assert [text.get_text() for text in figure.axes[1].texts] == ["diverged in epoch 1"]
    assert list(figure.axes[0].texts) == []


def test_the_map_has_the_lowest_loss_of_each_pair(colony: cr.Colony) -> None:
    figure = drawn(colony.plot_map("learning_rate", "optimizer"))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.001", "0.05", "1e+08"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sgd", "adam"]
    cells = axes.images[0].get_array()
    for row, optimizer in enumerate(["sgd", "adam"]):
        for column, rate in enumerate([0.001, 0.05, 1e8]):
            of = [m for m in colony if m.choice["optimizer"] == optimizer and m.choice["learning_rate"] == rate]
            losses = [m.history.validation_loss.min() for m in of if m.status != "diverged"]
            assert bool(cells.mask[row, column]) is (not losses)
            if losses:
                assert cells[row, column] == min(losses)
    assert [text.get_text() for text in axes.texts].count("–") == int(cells.mask.sum()) == 1


@in_one_style
def test_the_map_of_the_two_most_important_arguments(colony: cr.Colony) -> None:
    axes = drawn(colony.plot_map()).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("learning rate", "optimizer")
    with_seed = drawn(run_sweep(learning_rate=[0.01, 0.1], seeds=3).plot_map()).axes[0]
    assert {with_seed.get_xlabel(), with_seed.get_ylabel()} == {"learning rate", "seed"}


def test_the_spread_over_seeds(colony: cr.Colony) -> None:
    axes = drawn(colony.plot_spread()).axes[0]
    plans = colony.plans()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    best = plans.row(0, named=True)
    assert labels[0] == f"{best['optimizer']}, {best['learning_rate']:.3g}"
    assert len(labels) == 5  # of the sixth plan all networks diverged
    *points, means = axes.get_lines()
    for line, mean, row in zip(points, means.get_xdata(), plans.head(5).to_dicts(), strict=True):
        assert mean == pytest.approx(row["mean_validation_loss"])
        assert (min(line.get_xdata()), max(line.get_xdata())) == (
            row["min_validation_loss"],
            row["max_validation_loss"],
        )
    assert len(drawn(colony.plot_spread(2)).axes[0].get_lines()) == 3


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (lambda colony: colony.plot("hiden"), "'hiden': the networks do not differ in it"),
        (lambda colony: colony.plot_map("optimizer", "optimizer"), "needs two arguments in which the networks differ"),
        (lambda colony: colony.plot_map("epochs"), "'epochs': the networks do not differ in it"),
        (lambda colony: colony.plot_spread(0), "plans: got 0"),
    ],
)
def test_what_cannot_be_drawn(colony: cr.Colony, plot: Any, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        plot(colony)


@in_one_style
def test_very_many_values_are_grouped() -> None:
    many = run_sweep(samples=60, learning_rate=cr.log_range(1e-4, 1), dropout=cr.linear_range(0.0, 0.5), epochs=3)
    rates = sorted(member.choice["learning_rate"] for member in many)
    curves = drawn(many.plot("learning_rate"))
    assert len(curves.axes) == 8
    assert sum(len(axes.get_lines()) for axes in curves.axes) == 60
    assert curves.axes[0].get_title().startswith(f"{rates[0]:.3g} to ")
    assert curves.axes[-1].get_title().endswith(f" to {rates[-1]:.3g}")
    axes = drawn(many.plot_map("learning_rate", "dropout")).axes[0]
    cells = axes.images[0].get_array()
    assert cells.shape == (8, 8)
    assert cells.min() == many.best().history.validation_loss[-1]
    assert len(axes.texts) == 64
    assert [text.get_text() for text in axes.texts].count("–") == int(cells.mask.sum()) < 64
    spread = drawn(many.plot_spread()).axes[0]
    best = many.plans().head(12)["mean_validation_loss"].to_list()
    *points, means = spread.get_lines()
    assert means.get_xdata().tolist() == best
    assert [line.get_xdata().tolist() for line in points] == [[loss] for loss in best]  # one network each


def test_losses_of_several_kinds_are_compared_by_the_error() -> None:
    x, y = jobs.line()
    losses = {"loss": ["huber", "squared_error"], "learning_rate": [0.1, 0.2]}
    numbers = cr.sweep(x, y, hidden=[3], activation="relu", epochs=2, threads=1, **losses)
    errors = {
        (member.choice["loss"], member.choice["learning_rate"]): member.history.validation_metric[-1]
        for member in numbers
    }
    curves = drawn(numbers.plot("learning_rate"))
    assert [axes.get_title() for axes in curves.axes] == ["0.1", "0.2"]
    for axes, rate in zip(curves.axes, [0.1, 0.2], strict=True):
        expected = [m.history.validation_metric.tolist() for m in numbers if m.choice["learning_rate"] == rate]
        assert sorted(line.get_ydata().tolist() for line in axes.get_lines()) == sorted(expected)
    assert curves.get_supylabel() == "validation root mean squared error"
    axes, bar = drawn(numbers.plot_map("learning_rate", "loss")).axes
    assert bar.get_ylabel() == "lowest validation root mean squared error"
    expected = [[errors[loss, rate] for rate in losses["learning_rate"]] for loss in losses["loss"]]
    assert axes.images[0].get_array().tolist() == expected
    spread = drawn(numbers.plot_spread()).axes[0]
    assert spread.get_xlabel() == "validation root mean squared error"
    assert spread.get_lines()[-1].get_xdata().tolist() == sorted(errors.values())


def test_losses_of_several_kinds_of_classifiers_are_compared_by_the_error_rate() -> None:
    losses = ["cross_entropy", "binary_cross_entropy"]
    penguins = cr.datasets.penguins().drop_nulls("sex")
    colony = cr.sweep(penguins, label="sex", hidden=[3], loss=losses, epochs=3, threads=1)
    assert colony.ranking_metric == "accuracy"
    curves = drawn(colony.plot("loss"))
    assert curves.get_supylabel() == "validation error rate"
    expected = sorted((1 - member.history.validation_metric).tolist() for member in colony)
    assert sorted(line.get_ydata().tolist() for axes in curves.axes for line in axes.get_lines()) == expected
