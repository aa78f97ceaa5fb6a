"""A page of docs/ with what its code shows: printed text, results as pages, figures, and the pages of its commands."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tools.site.code_blocks import Block, PageError, Shown, commands_of, find_blocks, run_command, run_python
from tools.site.prose_numbers import CHECKED_PAGES, unchecked_numbers
from tools.site.terminal import ASKED, colored_output, folded_html, picture_html

__all__ = ["Executed", "execute_page", "place_results"]

LINES_SHOWN = 40
PLACEHOLDER = '<div class="creche-result" data-result="{}"></div>'


class Executed(NamedTuple):
    """The text of a page, in which placeholders stand for HTML, and that HTML."""

    text: str
    results: dict[str, str]


def execute_page(name: str, text: str) -> Executed:
    """Run the Python code and the commands of a page, and add below each block what it shows.

    What a page shows itself, is not added again. Python code and commands run in a folder each.

    Raises
    ------
    PageError
        If code fails, does not print what the page shows, if a check is not true, or if nothing supports a number of
        one of the first pages.

    """
    if name in CHECKED_PAGES and (unchecked := unchecked_numbers(text)):
        places = ", ".join(f"{number} (line {line})" for number, line in unchecked)
        raise PageError(f"{name}: neither code nor a check has {places}; add <!-- check: EXPRESSION -->")
    blocks = find_blocks(text)
    added: dict[int, str] = {}
    results: dict[str, str] = {}
    stem = re.sub(r"\W", "-", name.removesuffix(".md"))
    with _temporary_folder():
        for block, shown in run_python(name, blocks, _style_of_pages):
            parts = []
            if shown.printed and block.shown is None:
                parts.append(_output(shown.printed))
            for html in _html_of(shown, f"{stem}-{block.line}"):
                key = f"{stem}-{len(results)}"
                results[key] = html
                parts.append(PLACEHOLDER.format(key))
            if not parts and shown.value is not None and block.shown is None:
                parts.append(_output(str(shown.value)))
            if parts:
                added[block.end] = "\n\n" + "\n\n".join(parts)
    with _temporary_folder():
        for block in blocks:
            if not block.language and (html := _run_commands(name, block, text[block.end :])):
                key = f"{stem}-{len(results)}"
                results[key] = html
                added[block.end] = "\n\n" + PLACEHOLDER.format(key)
    return Executed(_insert(text, added), results)


def place_results(html: str, results: dict[str, str]) -> str:
    """Put the HTML of results in place of their placeholders.

    Examples
    --------
    >>> place_results('<div class="creche-result" data-result="a-0"></div>', {"a-0": "<p>1</p>"})
    '<div class="creche-result"><p>1</p></div>'

    """

    def place(found: re.Match[str]) -> str:
        return f'<div class="creche-result">{results[found[1]]}</div>'

    return re.sub(r'<div class="creche-result" data-result="([^"]+)"></div>', place, html)


def _insert(text: str, added: dict[int, str]) -> str:
    for end in sorted(added, reverse=True):
        text = text[:end] + added[end] + text[end:]
    return text


def _output(printed: str) -> str:
    lines = printed.rstrip().splitlines()
    if len(lines) > LINES_SHOWN:
        lines = [*lines[: LINES_SHOWN - 1], f"… {len(lines) - LINES_SHOWN + 1} more lines"]
    return "\n".join(["``` { .text .creche-output }", *lines, "```"])


def _html_of(shown: Shown, prefix: str) -> Iterator[str]:
    """Yield the page of the last value of a block, if it has one, or else its figures."""
    from creche._displayed import Displayed
    from creche.plots.inline_svg import inline_svg

    if isinstance(shown.value, Displayed):
        yield shown.value._repr_html_()
        return
    for number, figure in enumerate(shown.figures):
        titles = [axes.get_title() or axes.get_ylabel() for axes in figure.axes]
        description = "; ".join(filter(None, titles)) or "a plot"
        svg = inline_svg(lambda figure=figure: figure.axes[0], f"{prefix}-{number}-", description)  # type: ignore[misc]
        inches = figure.get_size_inches()[0]
        yield f'<figure class="creche-figure" tabindex="0" style="--inches: {inches:g}">{svg}</figure>'


def _run_commands(name: str, block: Block, after: str) -> str:
    """Run the commands of a block, and return what they print, as terminals where a comment after the block asks.

    Otherwise it is one folded element. What the page shows itself is not shown again.
    """
    outputs = []
    with colored_output():
        for command in commands_of(block):
            printed = run_command(name, command)
            if not command.output and printed.strip():
                outputs.append((command.text, printed))
    if after.lstrip().startswith(ASKED):
        return "".join(picture_html(command, printed) for command, printed in outputs)
    return folded_html(outputs) if outputs else ""


def _style_of_pages() -> Any:
    from creche.plots.save import picture_style

    return picture_style(for_page=True)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
