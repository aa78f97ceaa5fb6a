"""Pages on standard output, in which names of columns and classes stand as they are, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche.errors import FileError, PlanError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.segment import Segment

__all__ = ["print_page", "save_picture"]


def print_page(*parts: RenderableType) -> None:
    """Prints texts and tables below each other.

    A name is not taken for markup, as in ``[red]``; and what could command the terminal is shown as ``�``, for names
    come out of files that may be anyone's.
    """
    from rich.console import Console
    from rich.segment import Segment, Segments

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        segments = [
            segment if segment.control else Segment(_harmless(segment.text), segment.style)
            for segment in console.render(console.render_str(part) if isinstance(part, str) else part)
        ]
        lines = [[*_without_spaces_behind(line), Segment.line()] for line in Segment.split_lines(segments)]
        console.print(Segments(chain.from_iterable(lines)), end="")


def _without_spaces_behind(line: list[Segment]) -> list[Segment]:
    """Tables fill their last column: whoever copies or compares a page would have the spaces too."""
    while line and not line[-1].control and not line[-1].text.strip(" "):
        line = line[:-1]
    return [*line[:-1], type(line[-1])(line[-1].text.rstrip(" "), line[-1].style)] if line else []


def _harmless(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


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
