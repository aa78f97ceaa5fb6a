"""Messages on standard error: one line each, or as many as a terminal needs, with whole options to paste."""

from __future__ import annotations

import os
import re
import sys
import textwrap

from creche.cli.output import replace_controls

__all__ = ["print_message", "wrap_command", "wrap_message"]

# What a reader may paste: an option with its value, or a command with its options.
VALUE = r"""(?:'[^']*'|"[^"]*"|[^\s'"])+"""
PASTED = re.compile(rf"--[a-z][\w-]*(?: {VALUE})?|\bcreche [a-z][a-z-]*(?: --?[a-z][\w-]*)*")
JOINT = "\ue000"  # stands for a space at which no line breaks; no keyboard types it
INDENT = "  "


def print_message(text: str) -> None:
    """Print a message on standard error, in lines of its terminal; in a pipe as one line, so that it can be searched.

    Characters that could control the terminal are shown as ``�``.
    """
    message = replace_controls(f"creche: {text}")
    print(wrap_message(message, _terminal_width()) if sys.stderr.isatty() else message, file=sys.stderr)


def wrap_message(message: str, width: int) -> str:
    """Break a message between words, but not within an option and its value, or within a command.

    Examples
    --------
    >>> print(wrap_message("creche: dropped 'Row no': a row number; to keep it, set --column 'Row no=numeric'", 40))
    creche: dropped 'Row no': a row number;
      to keep it, set
      --column 'Row no=numeric'

    """
    paragraphs = (_break(paragraph, width, INDENT) or [""] for paragraph in message.split("\n"))
    return "\n".join(line for lines in paragraphs for line in lines)


def wrap_command(command: str, width: int) -> str:
    r"""Break a command between its options, so that a shell takes its lines together when they are pasted.

    Examples
    --------
    >>> print(wrap_command("creche train penguins --label species --save-plan plan.toml", 40))
    creche train penguins --label species \
        --save-plan plan.toml

    """
    return " \\\n".join(_break(command, width - 2, 2 * INDENT))


def _break(text: str, width: int, indent: str) -> list[str]:
    """Break a text into lines, the second and later ones indented, without breaking what may be pasted."""
    joined = PASTED.sub(lambda found: found[0].replace(" ", JOINT), text)
    lines = textwrap.wrap(joined, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(JOINT, " ") for line in lines]


def _terminal_width() -> int:
    """Return the characters in a line of standard error's terminal, which need not be that of standard output."""
    if columns := os.environ.get("COLUMNS", ""):
        return int(columns) if columns.isdecimal() and int(columns) else 80
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80
