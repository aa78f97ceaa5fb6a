"""Axes, colours and lines that all plots share: distinguishable for colour-blind readers, in light, dark and grey."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError, PlanError

__all__ = [
    "AXES_PARAMETER",
    "AXES_RETURNED",
    "LIGHTER",
    "MARKERS",
    "NEGATIVE",
    "PAGE_GROUND",
    "PAGE_INK",
    "POSITIVE",
    "TRAIN",
    "VALIDATION",
    "Draw",
    "adjust_to_background",
    "background_color",
    "category_style",
    "cell_colormap",
    "cell_ink",
    "contrasting_color",
    "create_figure",
    "draws",
    "evenly_spaced",
    "extend_docstring",
    "is_dark",
    "line_outline",
    "off_screen",
    "pyplot",
    "resolve_axes",
    "sequential_colormap",
    "shorten",
    "text_color",
    "tidy_axes",
]

Draw = TypeVar("Draw", bound=Callable[..., Any])

# Okabe & Ito 2008: blue and vermilion differ in lightness as well as in hue; lines differ in their dashes too.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, YELLOW, BLACK = "#56B4E9", "#E69F00", "#F0E442", "#000000"
TRAIN = {"color": BLUE, "linestyle": "-", "linewidth": 1.8}
VALIDATION = {"color": VERMILION, "linestyle": "--", "linewidth": 1.8}
POSITIVE = {"color": BLUE, "linestyle": "-"}
NEGATIVE = {"color": VERMILION, "linestyle": "--"}

# The replacement for each colour on a dark background, from the same palette; no two categories get the same.
LIGHTER = {
    BLUE: SKY, VERMILION: ORANGE, GREEN: GREEN, PURPLE: PURPLE, SKY: YELLOW, ORANGE: VERMILION, BLACK: "#FFFFFF",
    YELLOW: YELLOW,
}  # fmt: skip

PAGE_GROUND, PAGE_INK = "#fdfefd", "#121013"  # colours that no plot uses, for a page to replace by its own
PAGE_TEXT = "#1b1f24"  # of a light page, --ink in creche/render/page.css

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
# 7 colours and 5 dash patterns have no common factor: the combination repeats only after 35.
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES: tuple[str, ...] = ("", "///", "...", "\\\\\\", "xxx", "---", "++", "ooo")

_OFF_SCREEN: ContextVar[bool] = ContextVar("off screen", default=False)


AXES_PARAMETER = """axes : matplotlib.axes.Axes, optional
    Where to draw; by default a new figure."""
AXES_RETURNED = "matplotlib.axes.Axes"


def draws(function: Draw) -> Draw:
    """Add to the docstring of a plot what all have in common: the parameter `axes`, and that the Axes are returned.

    Examples
    --------
    >>> @draws
    ... def spiral(turns, *, axes=None):
    ...     '''Draw a spiral.'''
    >>> spiral.__doc__.splitlines()[4:6]
    ['axes : matplotlib.axes.Axes, optional', '    Where to draw; by default a new figure.']

    """
    return extend_docstring(function, parameters=AXES_PARAMETER, returns=AXES_RETURNED)


def extend_docstring(
    function: Draw, *, first: str = "", parameters: str = "", returns: str = "", raises: str = ""
) -> Draw:
    """Add entries to the sections of a NumPy-style docstring, and the sections that are missing.

    Parameters
    ----------
    function : callable
        Without a docstring (``python -OO``) nothing is added.
    first, parameters : str
        Parameters that come before and after those of the docstring.
    returns, raises : str
        Entries that follow those of the docstring.

    """
    import inspect

    if function.__doc__ is None:
        return function
    # A heading is a line above a line of hyphens: the parts are the summary, heading, text, heading, text, …
    summary, *parts = re.split(r"(?m)^(\w[\w ]*)\n-+$", inspect.cleandoc(function.__doc__))
    sections = {heading: text.strip("\n") for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    own = sections.get("Parameters", "")
    added = {
        "Parameters": [first, own, parameters],
        "Returns": [sections.get("Returns", ""), returns],
        "Raises": [sections.get("Raises", ""), raises],
    }
    merged = {heading: "\n".join(filter(None, entries)) for heading, entries in added.items()}
    others = {heading: text for heading, text in sections.items() if heading not in merged}
    blocks = [f"{heading}\n{'-' * len(heading)}\n{text}" for heading, text in {**merged, **others}.items() if text]
    function.__doc__ = "\n\n".join([summary.strip("\n"), *blocks])
    return function


def pyplot() -> ModuleType:
    """Import matplotlib.pyplot, when a plot is first drawn.

    Raises
    ------
    CrecheError
        If matplotlib is not installed.

    """
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise CrecheError("plots need matplotlib: pip install matplotlib") from error
    module: ModuleType = matplotlib.pyplot
    return module


def resolve_axes(axes: Any, width: float = 5.0, height: float = 3.6) -> Any:
    """Return `axes`, or the Axes of a new figure.

    Parameters
    ----------
    axes : matplotlib.axes.Axes or None
    width, height : float
        Inches, for a new figure.

    Raises
    ------
    PlanError
        If `axes` is something else.

    """
    pyplot()
    if axes is None:
        return create_figure(width, height)[1]
    from matplotlib.axes import Axes

    if not isinstance(axes, Axes):
        raise PlanError(f"axes: got {type(axes).__name__}; needs one Axes of matplotlib, or None for a new figure")
    return axes


def create_figure(width: float, height: float, rows: int = 1, columns: int = 1, **grid: Any) -> tuple[Any, Any]:
    """Return a new figure and its Axes; within `off_screen`, a figure that pyplot does not know.

    Parameters
    ----------
    width, height : float
        Inches.
    rows, columns : int, default 1
    **grid
        As `matplotlib.figure.Figure.subplots` takes it.

    Raises
    ------
    CrecheError
        If matplotlib is not installed.

    """
    plt = pyplot()
    if not _OFF_SCREEN.get():
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **grid)
        return figure, axes
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **grid)


@contextmanager
def off_screen() -> Iterator[None]:
    """Make new figures without pyplot: no window opens, and no figure has to be closed."""
    token = _OFF_SCREEN.set(True)
    try:
        yield
    finally:
        _OFF_SCREEN.reset(token)


def category_style(number: int) -> dict[str, Any]:
    """Return the color, linestyle, marker and hatch of a class or line by its number, for the current background.

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
    """Whether matplotlib's style has a dark background; if that is transparent, whether the text is light."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    for name in ("axes.facecolor", "figure.facecolor"):
        *rgb, alpha = to_rgba(rcParams[name])
        if alpha > 0.5:
            return _lightness(rgb) < 0.5
    return _lightness(to_rgba(rcParams["text.color"])) > 0.5


def adjust_to_background(line: dict[str, Any]) -> dict[str, Any]:
    """Return the line's style with a colour that is visible on the current background."""
    return {**line, "color": LIGHTER.get(line["color"], line["color"])} if is_dark() else line


def sequential_colormap() -> Any:
    """Return a colour map from the background to blue: higher is darker on light backgrounds, lighter on dark ones."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = ["#1c1c1c", SKY] if is_dark() else ["#ffffff", BLUE]
    return LinearSegmentedColormap.from_list("creche shades", ends)


def cell_colormap() -> Any:
    """Return `sequential_colormap`, or in a page blue that grows opaque, so that its ground shows, light or dark."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    if not _is_in_page():
        return sequential_colormap()
    return LinearSegmentedColormap.from_list("creche cells", [to_rgba(BLUE, 0.0), to_rgba(BLUE, 1.0)])


def cell_ink(colour: Any) -> Any:
    """Return the readable colour of text on a cell of `cell_colormap`.

    In a page it is that of the page's text, unless the cell is dark on a light ground: white is readable there on both.
    """
    from matplotlib.colors import to_rgba

    if not _is_in_page():
        return contrasting_color(colour)
    *rgb, alpha = to_rgba(colour)
    over_white = [1 - alpha * (1 - part) for part in rgb]
    return "white" if contrasting_color(over_white, dark=PAGE_TEXT) == "white" else text_color()


def _is_in_page() -> bool:
    from matplotlib import rcParams

    return bool(rcParams["axes.facecolor"] == PAGE_GROUND)


def contrasting_color(colour: Any, *, dark: str = "black") -> str:
    """Return a dark colour or white, whichever has the greater contrast on a colour (WCAG 2, relative luminance)."""
    return dark if (_luminance(colour) + 0.05) ** 2 > 1.05 * (_luminance(dark) + 0.05) else "white"


def _luminance(colour: Any) -> float:
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def _lightness(rgb: Any) -> float:
    red, green, blue = list(rgb)[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)


def text_color() -> Any:
    """Return the colour of text in matplotlib's current style, for markers and lines that must stand out."""
    from matplotlib import rcParams

    return rcParams["text.color"]


def background_color() -> Any:
    """Return the colour behind a plot in matplotlib's current style."""
    from matplotlib import rcParams

    return rcParams["axes.facecolor"]


def line_outline() -> list[Any]:
    """Return an edge in the background's colour, which sets a line off from shades of its own colour."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3.6, foreground=background_color())]


def evenly_spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Return at most `limit` of the numbers 0, …, count - 1, evenly spaced, with the first and the last.

    Examples
    --------
    >>> evenly_spaced(9, 3).tolist(), evenly_spaced(2, 3).tolist()
    ([0, 4, 8], [0, 1])

    """
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(np.int64))


def shorten(name: Any, limit: int = 24) -> str:
    """Return a user's name for a plot: on one line, at most `limit` characters, and never read as mathematics.

    Examples
    --------
    >>> shorten("bill_length_mm"), len(shorten("long " * 20))
    ('bill_length_mm', 24)

    """
    text = "".join(c if c.isprintable() else "�" for c in " ".join(str(name).split()))
    return (text if len(text) <= limit else text[: limit - 1] + "…").replace("$", r"\$")


def tidy_axes(axes: Any) -> None:
    """Draw a faint grid, and no frame on the sides without a scale."""
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
