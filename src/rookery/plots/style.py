"""Colours and lines that all pictures share, told apart by everyone: in light and dark, and printed in grey."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from rookery.errors import RookeryError

__all__ = ["TRAIN", "VALIDATION", "on_background", "pyplot", "tidy"]

# Okabe & Ito 2008: blue and vermilion differ in lightness as well as in hue; lines differ in their dashes too.
TRAIN = {"color": "#0072B2", "linestyle": "-", "linewidth": 1.8}
VALIDATION = {"color": "#D55E00", "linestyle": "--", "linewidth": 1.8}

# Of the same palette, for a dark background.
LIGHTER = {"#0072B2": "#56B4E9", "#D55E00": "#E69F00"}


def pyplot() -> ModuleType:
    """matplotlib.pyplot.

    Raises
    ------
    RookeryError
        If matplotlib is not installed.

    """
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise RookeryError("plots need matplotlib: pip install 'rookery[plots]'") from error
    module: ModuleType = matplotlib.pyplot
    return module


def on_background(line: dict[str, Any]) -> dict[str, Any]:
    """The line in a colour that can be seen on the background that matplotlib's style has."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(rcParams["axes.facecolor"])
    is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    return {**line, "color": LIGHTER[line["color"]]} if is_dark else line


def tidy(axes: Any) -> None:
    """A faint grid, and no frame where no scale is."""
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
