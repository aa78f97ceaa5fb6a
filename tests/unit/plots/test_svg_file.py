"""SVG files have the bytes that matplotlib's `savefig` writes, and the layout of one Axes loses nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from matplotlib import pyplot as plt

from creche.plots.style import create_figure, off_screen
from creche.plots.svg_file import lay_out_once, write_svg
from tests.unit.plots.pictures import PICTURES, STYLES

NO_DATE = {"Date": None}


def image_with_formulas() -> Any:
    """Two Axes of one figure: an image, which an SVG holds as dots, and a scale of powers of ten."""
    figure, (left, right) = create_figure(6, 3, columns=2)
    figure.colorbar(left.imshow([[0, 1], [2, 3]], rasterized=True), ax=left)
    right.semilogy([1, 1e6], label=r"$\alpha$")
    right.legend()
    return left


def saved(draw: Callable[[], Any], dots_per_inch: int) -> bytes:
    file = io.BytesIO()
    with off_screen():
        draw().figure.savefig(file, format="svg", dpi=dots_per_inch, metadata=NO_DATE)
    return file.getvalue()


FILES = PICTURES | {"image with formulas": image_with_formulas}
SETTINGS = cycle([("light", "none", 10), ("dark", "path", 14)])


@pytest.mark.parametrize(
    ("draw", "style", "text", "size"), [(draw, *next(SETTINGS)) for draw in FILES.values()], ids=FILES
)
def test_the_file_has_the_bytes_of_savefig(draw: Callable[[], Any], style: str, text: str, size: int) -> None:
    settings = {"svg.fonttype": text, "svg.hashsalt": "same", "font.size": size}
    with plt.style.context([STYLES[style], settings]), off_screen():
        assert write_svg(draw().figure, 100, NO_DATE) == saved(draw, 100)


def words_and_a_formula() -> Any:
    axes = create_figure(2, 2)[1]
    axes.set(title="some words", xlabel=r"$\alpha$", xticks=[], yticks=[])
    return axes


def test_a_text_is_not_taken_for_the_same_text_in_another_size() -> None:
    for size in (10, 14, 10):
        with plt.rc_context({"font.size": size, "svg.hashsalt": "same"}), off_screen():
            assert write_svg(words_and_a_formula().figure, 100, NO_DATE) == saved(words_and_a_formula, 100)


def long_names() -> Any:
    """A picture whose names take so much room that there are fewer ticks once they have it."""
    axes = create_figure(4, 3)[1]
    axes.barh(["a column with a very long name", "b"], [123456.5, 99999])
    axes.set_xlabel("rows")
    axes.set_title("title")
    return axes


LAID_OUT = {name: draw for name, draw in PICTURES.items() if name not in ("confusion_matrix", "roc_curves")}


@pytest.mark.parametrize("name", [*LAID_OUT, "long names"])
def test_one_axes_fills_the_figure_and_nothing_sticks_out(name: str) -> None:
    draw = LAID_OUT.get(name, long_names)
    with off_screen():
        axes, usual = draw(), draw()
    figure = axes.figure
    lay_out_once(figure)
    assert type(figure.get_layout_engine()) is not type(usual.figure.get_layout_engine())
    for each in (figure, usual.figure):
        write_svg(each, 100, NO_DATE)
    needed = axes.get_tightbbox(figure.canvas.get_renderer(), for_layout_only=True)
    width, height = figure.bbox.size
    assert min(needed.x0, needed.y0, width - needed.x1, height - needed.y1) > -0.5  # points, of 3 that are left free
    found, expected = axes.get_position(), usual.get_position()
    assert abs(found.width - expected.width) * width < 20
    assert abs(found.height - expected.height) * height < 2


@pytest.mark.parametrize("draw", [image_with_formulas, PICTURES["confusion_matrix"]])
def test_several_axes_and_a_fixed_aspect_are_left_to_the_usual_layout(draw: Callable[[], Any]) -> None:
    with off_screen():
        figure = draw().figure
    before = figure.get_layout_engine()
    lay_out_once(figure)
    assert figure.get_layout_engine() is before


def test_axes_without_room_for_their_names_are_drawn_all_the_same() -> None:
    with off_screen():
        axes = create_figure(0.4, 0.4)[1]
    axes.set_ylabel("a name in large letters", fontsize=60)
    lay_out_once(axes.figure)
    assert write_svg(axes.figure, 100, NO_DATE).startswith(b"<?xml")
