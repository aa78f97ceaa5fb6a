"""What commands print on a terminal, with its colours, as HTML."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from itertools import groupby

__all__ = ["ASKED", "colored_output", "folded_html", "picture_html", "plain_text"]

# Below a block of commands: its output is shown as a terminal, not folded away.
ASKED = "<!-- picture: terminal -->"
CONTROL = re.compile(r"\x1b\[[0-9;]*m")
COLORS = {"color(1)": "red", "color(2)": "green", "color(3)": "yellow", "color(4)": "blue"}


@contextmanager
def colored_output() -> Iterator[None]:
    """Let commands print as on a terminal of 80 columns with colours."""
    own = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}
    before = {name: os.environ.get(name) for name in (*own, "NO_COLOR")}
    os.environ.pop("NO_COLOR", None)
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def plain_text(printed: str) -> str:
    """Return what a command prints, without its colours.

    Examples
    --------
    >>> plain_text("\\x1b[1;32m45\\x1b[0m of 46")
    '45 of 46'

    """
    return CONTROL.sub("", printed)


def picture_html(command: str, printed: str) -> str:
    """Return a terminal in which a command was typed, as an element of its own that can be scrolled."""
    return (
        f'<figure class="creche-terminal"><pre tabindex="0" role="region" aria-label="A terminal: {escape(command)}">'
        f'<span class="t-dim">$ </span><span class="t-bold">{escape(command)}</span>\n{_colored_html(printed)}'
        "</pre></figure>"
    )


def folded_html(outputs: list[tuple[str, str]]) -> str:
    """Return commands with what they print, as one element that is folded."""
    shown = "".join(
        f'<p><code>{escape(command)}</code></p><pre tabindex="0">{_colored_html(printed)}</pre>'
        for command, printed in outputs
    )
    return f'<details class="creche-printed"><summary>What it prints</summary>{shown}</details>'


def _colored_html(printed: str) -> str:
    """Return a text with control sequences as spans, whose classes the style sheet gives colours."""
    from rich.text import Text

    lines = []
    for line in printed.rstrip().splitlines():
        text = Text.from_ansi(line)
        names = [""] * len(text.plain)  # of the classes of each character
        for start, end, style in text.spans:
            names[start:end] = [_class_names(str(style))] * (end - start)
        runs = groupby(zip(names, text.plain, strict=True), lambda pair: pair[0])
        lines.append("".join(_run_html(name, "".join(letter for _, letter in run)) for name, run in runs))
    return "\n".join(lines)


def _run_html(names: str, words: str) -> str:
    return f'<span class="{names}">{escape(words)}</span>' if names and words.strip() else escape(words)


def _class_names(style: str) -> str:
    return " ".join(f"t-{COLORS.get(word, word)}" for word in style.split() if word in ("bold", "dim", *COLORS))
