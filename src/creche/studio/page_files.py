"""Where the built page lies: the build of the package installs it, and git does not keep it."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from creche.errors import FileError

__all__ = ["page_folder", "widget_file"]

CURE = (
    "the page of the studio is not part of this installation, because Node.js was not there when Creche was built; "
    "install Node.js 20.19 or newer, and then Creche again (in a checkout: make web). Everything else works without it"
)


def page_folder() -> Path:
    """Return the folder of the page.

    Raises
    ------
    FileError
        If the page was not built.

    """
    return _find("index.html").parent


def widget_file() -> Path:
    """Return the page as one module of JavaScript, for notebooks, with `page_folder`'s error."""
    return _find("widget.js")


def _find(name: str) -> Path:
    with as_file(files("creche").joinpath("studio", "page", name)) as path:
        if not path.is_file():
            raise FileError(CURE)
        return path
