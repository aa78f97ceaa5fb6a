"""matplotlib for one command, imported in two thirds of the time."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from creche.plots.style import pyplot

__all__ = ["import_matplotlib", "resolve_picture"]

MODULE = "matplotlib.artist"


def import_matplotlib() -> None:
    """Import matplotlib without the lists of properties in its docstrings, which no one reads in a command.

    For these lists, it inspects the methods of all its artists, each time that it is imported.

    Raises
    ------
    CrecheError
        If matplotlib is not installed.

    """
    try:
        artist: Any = None if MODULE in sys.modules else import_module(MODULE)
    except ImportError:
        artist = None
    if artist is None:
        pyplot()  # which says what is missing
        return
    list_properties = artist.kwdoc
    artist.kwdoc = lambda _: ""
    try:
        pyplot()
    finally:
        artist.kwdoc = list_properties


def resolve_picture(path: Path) -> Path:
    """Return the file that a picture is written to, as `creche.plots.save.resolve_picture` does."""
    import_matplotlib()
    from creche.plots import save

    return save.resolve_picture(path)
