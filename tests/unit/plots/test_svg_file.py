"""SVG files have the bytes that matplotlib's `savefig` writes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib import pyplot as plt

from creche.plots.style import create_figure, off_screen
from creche.plots.svg_file import write_svg
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


@pytest.mark.parametrize(("style", "text"), [("light", "none"), ("dark", "path")])
@pytest.mark.parametrize("draw", [*PICTURES.values(), image_with_formulas], ids=[*PICTURES, "image"])
def test_the_file_has_the_bytes_of_savefig(draw: Callable[[], Any], style: str, text: str) -> None:
    with plt.style.context([STYLES[style], {"svg.fonttype": text, "svg.hashsalt": "same"}]):
        for size in (10, 14):  # a text is not taken for the same text in another size
            with plt.rc_context({"font.size": size}), off_screen():
                assert write_svg(draw().figure, 100, NO_DATE) == saved(draw, 100)
