"""Pages on standard output, in which names of columns and classes stand as they are, whatever they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["print_page"]


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
        console.print(Segments(segments))


def _harmless(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
