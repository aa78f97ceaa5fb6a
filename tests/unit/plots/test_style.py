from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

import creche as cr
from creche.plots import style


def luminance(colour: Any) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Any, other: Any) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("sheet", "ground"), [("default", "white"), ("dark_background", "black")])
def test_each_colour_can_be_seen_on_its_background(sheet: str, ground: str) -> None:
    with plt.style.context(sheet):
        looks = [style.category_style(i) for i in range(len(style.COLOURS))]
        assert min(contrast(look["color"], ground) for look in looks) > 2
        two = [style.adjust_to_background(line)["color"] for line in (style.TRAIN, style.VALIDATION)]
        assert min(contrast(colour, ground) for colour in two) > 3
    assert len({look["color"] for look in looks}) == len(style.COLOURS)


def test_many_classes_are_distinguishable_without_colour_or_without_dashes() -> None:
    looks = [style.category_style(i) for i in range(35)]
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == 35
    for a, b in itertools.pairwise(looks[:7]):
        assert a["linestyle"] != b["linestyle"]
        assert a["marker"] != b["marker"]
        assert a["hatch"] != b["hatch"]


def test_a_background_that_can_be_seen_through_is_as_dark_as_its_text_is_light() -> None:
    clear = {"axes.facecolor": "none", "figure.facecolor": "none"}
    with plt.style.context(clear):
        assert not style.is_dark()
    with plt.style.context(["dark_background", clear]):
        assert style.is_dark()


@pytest.mark.parametrize("sheet", ["default", "dark_background"])
def test_numbers_in_shades_can_be_read(sheet: str) -> None:
    with plt.style.context(sheet):
        shades = style.sequential_colormap()
        for share in np.linspace(0, 1, 11):
            colour = shades(share)[:3]
            assert contrast(colour, style.contrasting_color(colour)) > 4


def test_names_are_never_mathematics_and_never_long() -> None:
    figure, axes = plt.subplots()
    axes.set_title(style.shorten("$\\frac{1$ and $x^2$"))
    axes.set_xlabel(style.shorten("a\nb\x1b[31m"))
    figure.canvas.draw()  # mathematics that cannot be read would raise
    assert axes.get_xlabel() == "a b�[31m"
    assert len(style.shorten("x" * 1000)) == 24


def test_something_else_than_axes() -> None:
    with pytest.raises(cr.PlanError, match=r"axes: got Figure; needs one Axes of matplotlib"):
        style.resolve_axes(plt.figure())
