"""Colours and lines that all pictures share, told apart by everyone: in light and dark, and printed in grey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from creche.errors import CrecheError, PlanError

__all__ = [
    "BEST",
    "DIVERGING",
    "NEGATIVE",
    "POSITIVE",
    "SEQUENTIAL",
    "TRAIN",
    "VALIDATION",
    "adjust_to_background",
    "category_style",
    "contrasting_color",
    "is_dark",
    "off_screen",
    "pyplot",
    "resolve_axes",
    "sequential_colormap",
    "shorten",
    "tidy_axes",
]

# Okabe & Ito 2008: blue and vermilion differ in lightness as well as in hue; lines differ in their dashes too.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW, BLACK = "#56B4E9", "#E69F00", "#F0E442", "#000000"
TRAIN = {"color": BLUE, "linestyle": "-", "linewidth": 1.8}
VALIDATION = {"color": VERMILION, "linestyle": "--", "linewidth": 1.8}
BEST = {"color": GREEN, "linestyle": "-", "linewidth": 1.8}
POSITIVE = {"color": BLUE, "linestyle": "-"}
NEGATIVE = {"color": VERMILION, "linestyle": "--"}

# Of the same palette, for a dark background; no two of the categories' colours become the same.
LIGHTER = {
    BLUE: SKY, VERMILION: ORANGE, GREEN: GREEN, PURPLE: PURPLE, SKY: YELLOW, ORANGE: VERMILION, BLACK: "#FFFFFF",
    YELLOW: YELLOW,
}  # fmt: skip

# Colour maps that stay in order without colour, and whose two sides are told apart by everyone.
SEQUENTIAL, DIVERGING = "cividis", "PuOr"

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
# Lengths without a common factor: colour and dashes together repeat after 35.
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES: tuple[str, ...] = ("", "///", "...", "\\\\\\", "xxx", "---", "++", "ooo")

_OFF_SCREEN: ContextVar[bool] = ContextVar("off screen", default=False)


def pyplot() -> ModuleType:
    """matplotlib.pyplot.

    Raises
    ------
    CrecheError
        If matplotlib is not installed.

    """
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise CrecheError("plots need matplotlib: pip install 'creche[plots]'") from error
    module: ModuleType = matplotlib.pyplot
    return module


def resolve_axes(axes: Any, width: float = 5.0, height: float = 3.6) -> Any:
    """The axes given, or those of a new figure of so many inches.

    Raises
    ------
    PlanError
        If what was given is no Axes.

    """
    plt = pyplot()
    if axes is None and _OFF_SCREEN.get():
        from matplotlib.figure import Figure

        return Figure(figsize=(width, height), layout="constrained").subplots()
    if axes is None:
        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    from matplotlib.axes import Axes

    if not isinstance(axes, Axes):
        raise PlanError(f"axes: got {type(axes).__name__}; needs one Axes of matplotlib, or None for a new figure")
    return axes


@contextmanager
def off_screen() -> Iterator[None]:
    """New figures are none of pyplot's: no window opens, and nothing is to be closed."""
    token = _OFF_SCREEN.set(True)
    try:
        yield
    finally:
        _OFF_SCREEN.reset(token)


def category_style(number: int) -> dict[str, Any]:
    """How the class (or line) of that number looks: its color, linestyle, marker and hatch, on this background.

    Examples
    --------
    >>> category_style(1)
    {'color': '#D55E00', 'linestyle': '--', 'marker': 's', 'hatch': '///'}

    """
    look = {
        "color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)], "hatch": HATCHES[number % len(HATCHES)],
    }  # fmt: skip
    return adjust_to_background(look)


def is_dark() -> bool:
    """Whether matplotlib's style has a dark background; of one that can be seen through, whether its text is light."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    for name in ("axes.facecolor", "figure.facecolor"):
        *rgb, alpha = to_rgba(rcParams[name])
        if alpha > 0.5:
            return _lightness(rgb) < 0.5
    return _lightness(to_rgba(rcParams["text.color"])) > 0.5


def adjust_to_background(line: dict[str, Any]) -> dict[str, Any]:
    """The line in a colour that can be seen on the background that matplotlib's style has."""
    return {**line, "color": LIGHTER.get(line["color"], line["color"])} if is_dark() else line


def sequential_colormap() -> Any:
    """A colour map from the background to a colour that stands out: more is darker in light, lighter in dark."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = ["#1c1c1c", SKY] if is_dark() else ["#ffffff", BLUE]
    return LinearSegmentedColormap.from_list("creche shades", ends)


def contrasting_color(colour: Any) -> str:
    """Black or white, whichever has the greater contrast on a colour (WCAG 2, relative luminance)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def _lightness(rgb: Any) -> float:
    red, green, blue = list(rgb)[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)


def shorten(name: Any, most: int = 24) -> str:
    """A name of the user's as it can stand in a picture: on one line, not too long, and never taken for mathematics.

    Examples
    --------
    >>> shorten("bill_length_mm"), len(shorten("long " * 20))
    ('bill_length_mm', 24)

    """
    text = "".join(c if c.isprintable() else "�" for c in " ".join(str(name).split()))
    return (text if len(text) <= most else text[: most - 1] + "…").replace("$", r"\$")


def tidy_axes(axes: Any) -> None:
    """A faint grid, and no frame where no scale is."""
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
