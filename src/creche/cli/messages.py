"""Messages on standard error: one line each, or as many as a terminal needs, with whole options to paste."""

from __future__ import annotations

import os
import re
import sys
import textwrap

from creche.cli.output import replace_controls

__all__ = ["print_message", "wrap_message"]

# What a reader may paste: an option with its value, or a command with its options.
PASTED = re.compile(r"--[a-z][\w-]*(?: (?:'[^']*'|[^\s'])+)?|\bcreche [a-z][a-z-]*(?: --?[a-z][\w-]*)*")
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
    joined = PASTED.sub(lambda found: found[0].replace(" ", JOINT), message)
    lines = [
        line
        for paragraph in joined.split("\n")
        for line in textwrap.wrap(
            paragraph, width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
        )
        or [""]
    ]
    return "\n".join(lines).replace(JOINT, " ")


def _terminal_width() -> int:
    """Return the characters in a line of standard error's terminal, which need not be that of standard output."""
    if columns := os.environ.get("COLUMNS", ""):
        return int(columns) if columns.isdecimal() and int(columns) else 80
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80
