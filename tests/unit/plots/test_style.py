from __future__ import annotations

import base64
import itertools
import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.image import imread

import creche as cr
from creche.plots import confusion_matrix, style
from creche.plots.inline_svg import inline_svg
from creche.plots.save import picture_style
from tests.unit.plots.made import of_classes


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


@pytest.mark.parametrize(("ground", "text"), [("#ffffff", "#1b1f24"), ("#16181d", "#e6e6e6")])
def test_text_on_the_cells_of_a_page_can_be_read_on_light_and_dark_ground(ground: str, text: str) -> None:
    with picture_style(for_page=True):
        cells = [style.cell_colormap()(share) for share in np.linspace(0, 1, 201)]
        inks = [style.cell_ink(cell) for cell in cells]
    for (*rgb, alpha), ink in zip(cells, inks, strict=True):
        seen = [alpha * part + (1 - alpha) * below for part, below in zip(rgb, to_rgb(ground), strict=True)]
        assert contrast(text if ink == style.PAGE_INK else ink, seen) > 4


def test_the_cells_of_a_confusion_matrix_let_the_ground_of_a_page_show() -> None:
    svg = inline_svg(lambda: confusion_matrix(of_classes(rows=9)), "it-", "a confusion matrix")
    found = re.search(r'data:image/png;base64,\s*([^"]+)"', svg)
    assert found is not None
    alpha = imread(BytesIO(base64.b64decode(found[1])))[::-1, :, 3]  # a transform in the SVG turns it
    shares = of_classes(rows=9).confusion / 3
    rows, columns = ([int((i + 0.5) * side / 3) for i in range(3)] for side in alpha.shape)
    middles = alpha[np.ix_(rows, columns)]
    assert np.allclose(middles, shares, atol=0.01)
