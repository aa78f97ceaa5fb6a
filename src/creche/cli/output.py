"""Print pages on standard output, showing names of columns and classes exactly as they are."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.segment import Segment

__all__ = ["page_width", "print_page", "replace_controls"]


def page_width() -> int:
    """Return the number of characters that a line of a page has room for."""
    from rich.console import Console

    return Console().width


def print_page(*parts: RenderableType) -> None:
    """Print texts and tables below each other.

    Names are not read as markup, such as ``[red]``, and characters that could control the terminal are shown as
    ``�``, because names come from files that anybody may have written.
    """
    from rich.console import Console
    from rich.segment import Segment, Segments

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        segments = [
            segment if segment.control else Segment(replace_controls(segment.text), segment.style)
            for segment in console.render(console.render_str(part) if isinstance(part, str) else part)
        ]
        lines = [[*_strip_right(line), Segment.line()] for line in Segment.split_lines(segments)]
        console.print(Segments(chain.from_iterable(lines)), end="")


def replace_controls(text: str) -> str:
    """Replace characters that could control a terminal; line breaks stay."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _strip_right(line: list[Segment]) -> list[Segment]:
    """Strip the spaces with which a table fills its last column: they would be copied and compared with the page."""
    while line and not line[-1].control and not line[-1].text.strip(" "):
        line = line[:-1]
    return [*line[:-1], type(line[-1])(line[-1].text.rstrip(" "), line[-1].style)] if line else []
