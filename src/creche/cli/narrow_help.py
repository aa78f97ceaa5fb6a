"""The help of commands in a narrow terminal, where panels would cut the names of options."""

from __future__ import annotations

from collections.abc import Iterable

import click
from typer.core import TyperCommand

from creche.render.text import terminal_width

__all__ = ["PANEL_WIDTH", "NarrowCommand", "use_narrow_help"]

PANEL_WIDTH = 100  # characters, below which panels cut the values of options and leave little room for descriptions


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


class NarrowCommand(TyperCommand):
    """A command whose help lists its options in groups, as panels do."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments and each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                others = "Arguments" if isinstance(param, click.Argument) else "Options"
                groups.setdefault(getattr(param, "rich_help_panel", None) or others, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def use_narrow_help() -> None:
    """Write the help of all commands of this process without panels."""
    click.Context.formatter_class = NarrowHelp
