"""Pages as plain lines of text: what a terminal and a `str` have in common."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from creche.render.text import terminal_width

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.segment import Segment

__all__ = ["create_console", "page_lines", "page_text", "replace_controls"]


def create_console(file: io.StringIO | None = None) -> Console:
    """Return a console that takes no name for markup, such as ``[red]``; one that writes to a file has no colours."""
    from rich.console import Console

    if file is None:
        return Console(highlight=False, markup=False, emoji=False)
    width = terminal_width()
    return Console(
        file=file, width=width, highlight=False, markup=False, emoji=False, color_system=None, force_terminal=False,
        force_jupyter=False,
    )  # fmt: skip


def page_lines(console: Console, page: RenderableType) -> Iterator[list[Segment]]:
    """Yield a page line by line, without spaces at the ends of lines.

    Characters that could control the terminal become ``�``, because names come from files that anybody may have
    written.
    """
    from rich.segment import Segment

    segments = [
        segment if segment.control else Segment(replace_controls(segment.text), segment.style)
        for segment in console.render(console.render_str(page) if isinstance(page, str) else page)
    ]
    for line in Segment.split_lines(segments):
        yield _strip_right(line)


def page_text(page: RenderableType) -> str:
    """Return a page as text, as wide as the terminal."""
    console = create_console(io.StringIO())
    lines = ("".join(segment.text for segment in line) for line in page_lines(console, page))
    return "\n".join(lines).strip("\n")


def replace_controls(text: str) -> str:
    """Replace characters that could control a terminal; line breaks stay."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _strip_right(line: list[Segment]) -> list[Segment]:
    """Strip the spaces with which a table fills its last column: they would be copied and compared with the page."""
    while line and not line[-1].control and not line[-1].text.strip(" "):
        line = line[:-1]
    return [*line[:-1], type(line[-1])(line[-1].text.rstrip(" "), line[-1].style)] if line else []
