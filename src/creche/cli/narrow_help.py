"""The help of commands in a narrow terminal, where panels would cut the names of options."""

from __future__ import annotations

from collections.abc import Iterable

import click

from creche.render.text import terminal_width

__all__ = ["PANEL_WIDTH", "use_narrow_help"]

PANEL_WIDTH = 80  # characters, below which names of options find no room in a panel


class NarrowHelp(click.HelpFormatter):
    """Writes help as wide as the terminal, with at most half of it for the names of options."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(width=terminal_width() - 1)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and descriptions in two columns; both forms of an option have a line each if one is too short."""
        wide = [
            (f"\n{' ' * self.current_indent}".join(n.split(" / ")), d) if len(n) > self.width - 2 else (n, d)
            for n, d in rows
        ]
        super().write_dl(wide, min(col_max, self.width // 2 - col_spacing), col_spacing)


def use_narrow_help() -> None:
    """Write the help of all commands of this process without panels."""
    click.Context.formatter_class = NarrowHelp
