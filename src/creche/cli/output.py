"""Print pages on standard output, showing names of columns and classes exactly as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from creche.pages.console import create_console, page_lines, replace_controls

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["naming_terms", "print_page", "replace_controls"]

# The text of the pages that the running command has printed.
_PRINTED: list[str] = []


def print_page(*parts: RenderableType, explains_itself: bool = False) -> None:
    """Print texts and tables below each other.

    Names are not read as markup, such as ``[red]``, and characters that could control the terminal are shown as
    ``�``, because names come from files that anybody may have written.

    Parameters
    ----------
    *parts : renderable of rich
    explains_itself : bool, default False
        Whether the page needs no line that names the terms it uses.

    """
    from rich.segment import Segment, Segments

    console = create_console()
    for part in parts:
        lines = [[*line, Segment.line()] for line in page_lines(console, part)]
        console.print(Segments(chain.from_iterable(lines)), end="")
        if not explains_itself:
            _PRINTED.append("".join(segment.text for line in lines for segment in line))


@contextmanager
def naming_terms() -> Iterator[None]:
    """Name, in a last line below the pages that are printed meanwhile, the terms that the glossary explains."""
    _PRINTED.clear()
    yield
    if not _PRINTED:
        return
    from rich.text import Text

    from creche.pages.terms import terms_line
    from creche.render.text import WIDTH, terminal_width

    if line := terms_line("\n".join(_PRINTED), min(terminal_width(), WIDTH)):
        print_page("", Text(line, style="dim"), explains_itself=True)
