"""Plots of partial dependence and decision regions show the numbers that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

import creche as cr
from creche.engine.parameters import Parameters
from creche.errors import PlanError
from creche.explain import decision_regions, partial_dependence
from creche.plots.style import category_style


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], epochs=15, learning_rate=0.02, threads=1).model


@pytest.fixture(scope="module")
def mass() -> cr.Model:
    table = cr.datasets.penguins().drop_nulls("body_mass_g")
    return cr.train(table, label="body_mass_g", hidden=[4], epochs=15, learning_rate=0.02, threads=1).model


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def test_curves_of_each_class_and_a_rug(model: cr.Model) -> None:
    found = partial_dependence(model, "penguins", "bill_length_mm", points=12)
    axes = found.plot()
    assert list(lines(axes)) == ["Adelie", "Chinstrap", "Gentoo"]
    for i, line in enumerate(lines(axes).values()):
        np.testing.assert_array_equal(line.get_ydata(), found.average[:, i])
    assert len({line.get_linestyle() for line in lines(axes).values()}) == 3
    assert len({line.get_marker() for line in lines(axes).values()}) == 3
    (rug,) = [line for line in axes.lines if line.get_marker() == "|"]
    held = cr.datasets.penguins()["bill_length_mm"].drop_nulls().to_numpy()
    np.testing.assert_array_equal(rug.get_xdata(), held)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bill_length_mm", "mean probability")
    assert axes.get_legend().get_title().get_text() == "species"
    alone = found.plot(target="Gentoo")
    assert list(lines(alone)) == ["Gentoo"]
    assert alone.get_ylabel() == "mean probability of Gentoo"


def test_rows_are_thin_lines(mass: cr.Model) -> None:
    found = partial_dependence(mass, "penguins", "bill_length_mm", points=6, kind="individual")
    axes = found.plot()
    assert found.individual is not None
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert len(thin) == 60
    np.testing.assert_array_equal(thin[0].get_ydata(), found.individual[0, :, 0])
    np.testing.assert_array_equal(thin[-1].get_ydata(), found.individual[-1, :, 0])
    assert axes.get_ylabel() == "mean prediction of body_mass_g"


@pytest.mark.parametrize("kind", ["average", "individual"])
def test_categories_are_bars_with_the_number_of_their_rows(model: cr.Model, kind: str) -> None:
    found = partial_dependence(model, "penguins", "island", kind=kind)
    axes = found.plot()
    heights = np.array([[bar.get_height() for bar in container] for container in axes.containers])
    np.testing.assert_array_equal(heights.T, found.average)
    assert len({bars[0].get_hatch() for bars in axes.containers}) == 3
    counts = cr.datasets.penguins()["island"].value_counts(sort=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        f"{island}\n{dict(counts.iter_rows())[island]} rows" for island in ("Biscoe", "Dream", "Torgersen")
    ]
    assert len(axes.lines) == (0 if kind == "average" else 9)


def test_of_two_classes_the_second_alone() -> None:
    table = cr.datasets.penguins().drop_nulls("sex")
    model = cr.train(table, label="sex", hidden=[4], epochs=3, threads=1).model
    axes = partial_dependence(model, table, "body_mass_g", points=5).plot()
    assert list(lines(axes)) == ["male"]
    assert axes.get_legend() is None


def test_grids(model: cr.Model) -> None:
    both = partial_dependence(model, "penguins", "bill_length_mm", second="bill_depth_mm", points=5)
    axes = both.plot(target="Adelie")
    assert axes.get_title() == "mean probability of Adelie"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bill_length_mm", "bill_depth_mm")
    for columns in (("bill_length_mm", "sex"), ("sex", "bill_length_mm")):
        mixed = partial_dependence(model, "penguins", columns[0], second=columns[1], points=5)
        axes = mixed.plot(target="Chinstrap")
        assert list(lines(axes)) == ["female", "male", "(missing)"]
        means = mixed.average[:, :, 1] if columns[0] == "bill_length_mm" else mixed.average[:, :, 1].T
        np.testing.assert_array_equal(lines(axes)["male"].get_ydata(), means[:, 1])
        assert axes.get_xlabel() == "bill_length_mm"
    words = partial_dependence(model, "penguins", "island", second="sex")
    axes = words.plot(target="Gentoo")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(i, j): f"{words.average[i, j, 2]:.3g}" for i in range(3) for j in range(3)}


def test_dates_and_one_value_can_be_drawn() -> None:
    import polars as pl

    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 3, 1), eager=True)
    table = pl.DataFrame({"day": days, "x": np.arange(61.0), "y": ["a", "b", "c", "b"] * 15 + ["a"]})
    model = cr.train(table, label="y", hidden=[3], epochs=2, threads=1).model
    axes = partial_dependence(model, table, "day", points=5, kind="individual").plot()
    axes.figure.canvas.draw()
    assert "2020" in axes.get_xticklabels()[0].get_text() + axes.xaxis.get_offset_text().get_text()
    grid = partial_dependence(model, table, "day", second="x", points=5).plot()
    grid.figure.canvas.draw()
    assert (grid.get_xlabel(), grid.get_ylabel()) == ("day", "x")
    assert "2020" in grid.get_xticklabels()[0].get_text() + grid.xaxis.get_offset_text().get_text()
    one = partial_dependence(model, table.head(1), "x")
    axes = one.plot()
    axes.figure.canvas.draw()
    assert [line.get_xdata().tolist() for line in lines(axes).values()] == [[0.0]] * 3
    assert [line.get_ydata().tolist() for line in lines(axes).values()] == one.average.T.tolist()
    axes = partial_dependence(model, table.head(1), "x", second="day").plot(target="a")
    axes.figure.canvas.draw()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "day")
    low, high = axes.get_xlim()
    assert low < 0 < high


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_regions_have_colours_hatches_edges_and_rows(model: cr.Model, style: str) -> None:
    found = decision_regions(model, "penguins", "bill_length_mm", "flipper_length_mm", points=25)
    with plt.style.context(style):
        axes = found.plot()
        colours = [to_rgb(category_style(c)["color"]) for c in range(3)]
    (image,) = axes.images
    np.testing.assert_allclose(np.asarray(image.get_array())[:, :, :3], np.array(colours)[found.regions])
    assert list(lines(axes)) == ["Adelie", "Chinstrap", "Gentoo"]
    species = cr.datasets.penguins()["species"].to_list()
    for name, line in lines(axes).items():
        assert len(line.get_xdata()) == species.count(name)
    assert len({line.get_marker() for line in lines(axes).values()}) == 3
    hatches = [set(drawn.hatches) for drawn in axes.collections if getattr(drawn, "hatches", [None]) != [None]]
    assert len(hatches) >= 1
    assert axes.get_title().startswith("with island = Biscoe, ")
    assert axes.get_legend().get_title().get_text() == "species: predicted (areas),\ntrue (markers)"
    axes.figure.canvas.draw()


def test_rows_of_unknown_classes_are_dots(model: cr.Model) -> None:
    y = [None, "Emperor", *cr.datasets.penguins()["species"].to_list()[2:]]
    table = cr.datasets.penguins().drop("species")
    axes = decision_regions(model, table, "bill_length_mm", "flipper_length_mm", points=5, y=y).plot()
    assert list(lines(axes)) == ["Adelie", "Chinstrap", "Gentoo", "unknown class"]
    np.testing.assert_array_equal(lines(axes)["unknown class"].get_xdata(), table["bill_length_mm"].to_numpy()[:2])


def test_regions_of_numbers_and_given_axes(mass: cr.Model) -> None:
    found = decision_regions(mass, "penguins", "bill_length_mm", "flipper_length_mm", points=15)
    _, given = plt.subplots()
    assert found.plot(axes=given) is given
    given.figure.canvas.draw()
    bar = given.figure.axes[-1]
    assert bar.get_ylabel() == "body_mass_g: predicted (areas), true (dots)"


@pytest.mark.parametrize("of", ["classes", "a number"])
def test_a_network_that_predicts_the_same_everywhere(model: cr.Model, mass: cr.Model, of: str) -> None:
    one = model if of == "classes" else mass
    flat = [(w * 0, b * 0) for w, b in one.weights]
    same = cr.Model(one.plan, one.features, one.labels, Parameters.of_layers(flat))
    table = cr.datasets.penguins().with_columns(species=None) if one is model else "penguins"
    regions = decision_regions(same, table, "bill_length_mm", "flipper_length_mm", points=5)
    axes = regions.plot()
    axes.figure.canvas.draw()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bill_length_mm", "flipper_length_mm")
    if one is model:
        colours = np.asarray(axes.images[0].get_array()).reshape(25, -1)
        assert (colours == colours[0]).all()  # one region
        assert np.asarray(regions.regions).tolist() == [[0] * 5] * 5
    axes = partial_dependence(same, "penguins", "bill_length_mm", second="bill_depth_mm").plot()
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.texts] == ["the same everywhere"]
    found = partial_dependence(same, "penguins", "bill_length_mm")
    axes = found.plot()
    axes.figure.canvas.draw()
    curves = [line for line in axes.lines if line.get_marker() != "|"]
    expected = [1 / 3] * 3 if one is model else [one.labels.mean[0]]
    assert len(curves) == len(expected)
    for line, level in zip(curves, expected, strict=True):
        np.testing.assert_allclose(line.get_ydata(), level)


def test_a_class_that_is_not_there(model: cr.Model) -> None:
    with pytest.raises(PlanError, match="target: got 'Emperor'; choose one of Adelie, Chinstrap, Gentoo"):
        partial_dependence(model, "penguins", "island").plot(target="Emperor")
    with pytest.raises(PlanError, match="target: got 'gentoo'; did you mean 'Gentoo'"):
        decision_regions(model, "penguins", "bill_length_mm", "body_mass_g", points=3).plot(target="gentoo")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("columns", [("bill_length_mm", None), ("island", None), ("bill_length_mm", "island")])
def test_the_legend_covers_nothing(model: cr.Model, columns: tuple[str, str | None]) -> None:
    axes = partial_dependence(model, "penguins", columns[0], second=columns[1]).plot(
        **({} if columns[1] is None else {"target": "Gentoo"})
    )
    axes.figure.canvas.draw()
    legend, inside = axes.get_legend().get_window_extent(), axes.get_window_extent()
    assert legend.x0 >= inside.x1
    assert legend.x1 <= axes.figure.bbox.x1 + 1
