"""Print pages on standard output, showing names of columns and classes exactly as they are."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from creche.pages.console import create_console, page_lines, replace_controls

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["print_page", "replace_controls"]


def print_page(*parts: RenderableType) -> None:
    """Print texts and tables below each other.

    Names are not read as markup, such as ``[red]``, and characters that could control the terminal are shown as
    ``�``, because names come from files that anybody may have written.
    """
    from rich.segment import Segment, Segments

    console = create_console()
    for part in parts:
        lines = ([*line, Segment.line()] for line in page_lines(console, part))
        console.print(Segments(chain.from_iterable(lines)), end="")
