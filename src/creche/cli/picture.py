"""A picture of what a command found, as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from creche.errors import FileError, PlanError

__all__ = ["save_picture"]


def save_picture(draw: Callable[[], Any], path: Path) -> None:
    """Draws without a window, and writes the figure.

    Parameters
    ----------
    draw : callable
        Gives the Axes.
    path : Path
        Its ending says the format.

    Raises
    ------
    PlanError
        If matplotlib does not write such files.
    FileError
        If it cannot be written.

    """
    from creche.plots.style import off_screen

    with off_screen():
        axes = draw()
    try:
        axes.figure.savefig(path, dpi=150)
    except ValueError as error:  # another ending than those matplotlib writes
        raise PlanError(f"--plot: {path}: {error}") from error
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
