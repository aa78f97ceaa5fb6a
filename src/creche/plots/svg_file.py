"""SVG files as matplotlib writes them, in less than half the time. Importing this module imports matplotlib."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.layout_engine import LayoutEngine
from matplotlib.textpath import text_to_path

__all__ = ["lay_out_once", "write_svg"]

POINTS_PER_INCH = 72
TEXTS_KEPT = 4096
PADDING = 3.0  # points; that of constrained layout


def lay_out_once(figure: Any) -> None:
    """Let a figure of one Axes be laid out by one measurement, two if the ticks then change; leave others as they are.

    Constrained layout always measures twice, and a measurement takes a third as long as drawing. An aspect that the
    figure must keep, or a colour bar, is left to it.
    """
    if len(figure.axes) == 1 and figure.axes[0].get_aspect() == "auto" and figure.axes[0].get_subplotspec() is not None:
        figure.set_layout_engine(_SingleAxesLayout())


class _SingleAxesLayout(LayoutEngine):
    """Gives the Axes all the room that its labels, ticks and title leave."""

    _adjust_compatible = True
    _colorbar_gridspec = False

    def execute(self, fig: Any) -> None:
        axes = fig.axes[0]
        for _ in range(2):
            ticks = _ticks_of(axes)
            self._fit(fig, axes)
            if all(map(np.array_equal, ticks, _ticks_of(axes))):
                return

    def _fit(self, figure: Any, axes: Any) -> None:
        needed = axes.get_tightbbox(for_layout_only=True)
        inner, outer = axes.bbox, figure.bbox
        left, right = PADDING + inner.x0 - needed.x0, PADDING + needed.x1 - inner.x1
        bottom, top = PADDING + inner.y0 - needed.y0, PADDING + needed.y1 - inner.y1
        if left + right < outer.width and bottom + top < outer.height:
            width, height = outer.size
            figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)


def _ticks_of(axes: Any) -> list[Any]:
    return [axis.get_majorticklocs() for axis in (axes.xaxis, axes.yaxis)]


def write_svg(figure: Any, dots_per_inch: float, metadata: dict[str, Any]) -> bytes:
    """Return the SVG that ``figure.savefig`` writes, with the same bytes.

    `savefig` draws a figure with a layout engine twice, since not every backend can lay it out otherwise, and measures
    its texts for each of several renderers. Here one renderer lays the figure out and draws it, and a text that occurs
    in several figures is measured once: the figures of one page have most of their numbers in common.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Not known to pyplot; its canvas is replaced.
    dots_per_inch : float
        The resolution of images within the SVG.
    metadata : dict
        As `savefig` takes it.

    """
    file = io.StringIO()
    figure.set_dpi(POINTS_PER_INCH)
    width, height = figure.get_size_inches()
    points = POINTS_PER_INCH * width, POINTS_PER_INCH * height
    vector = _Renderer(*points, file, image_dpi=dots_per_inch, metadata=metadata)  # type: ignore[no-untyped-call]
    renderer = MixedModeRenderer(figure, width, height, dots_per_inch, vector)  # type: ignore[no-untyped-call]
    _Canvas(figure).renderer = renderer
    figure.draw(renderer)
    renderer.finalize()
    return file.getvalue().encode()


class _Canvas(FigureCanvasSVG):
    """Gives layout engines the renderer that draws."""

    renderer: Any

    def get_renderer(self) -> Any:
        return self.renderer


class _Renderer(RendererSVG):
    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        return _measure(s, prop, ismath)


@lru_cache(TEXTS_KEPT)
def _measure(text: str, font: Any, is_mathematical: Any) -> tuple[float, float, float]:
    width, height, descent = text_to_path.get_text_width_height_descent(text, font, is_mathematical)
    return width, height, descent
