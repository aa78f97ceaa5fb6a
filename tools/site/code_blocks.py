"""The code of a page of docs/: its blocks, the commands in them, and running both as a reader would."""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
import shlex
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple
from unittest import mock

from tools.site.terminal import plain_text

__all__ = [
    "CHECK",
    "FENCED",
    "Block",
    "Command",
    "PageError",
    "Shown",
    "find_blocks",
    "find_commands",
    "run_command",
    "run_python",
]

FENCED = re.compile(r"^```([\w.{} -]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What the prose of a page says, as an expression that must be true after the code above it.
CHECK = re.compile(r"^<!-- check: (.+?) -->$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of a page.

    Attributes
    ----------
    language : str
        The first word after the fence; empty for commands, and for what code prints; "check" for an expression that
        must be true.
    code : str
    line : int
        The line of its first line of code, counted from 1.
    end : int
        Where the characters of the block end in the page, with the block that shows what it prints.
    shown : str or None
        For Python code with a call of `print`: the block right after it, which shows what is printed.

    """

    language: str
    code: str
    line: int
    end: int
    shown: str | None = None


class Command(NamedTuple):
    """A command of a page, and the lines that the page shows it to print, if it shows them."""

    text: str
    output: list[str]
    line: int


class Shown(NamedTuple):
    """What a block of Python code shows: what it prints, the value of its last line, and the figures it draws."""

    printed: str
    value: Any
    figures: list[Any]


class PageError(Exception):
    """The code of a page fails."""


def find_blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    matches = list(FENCED.finditer(text))
    blocks = []
    for this, after in zip(matches, [*matches[1:], None], strict=False):
        language, code = (this[1].split() or [""])[0], this[2]
        follows = after is not None and not after[1].strip() and not text[this.end() : after.start()].strip()
        prints = language == "python" and "print(" in code
        shown = after if follows and prints else None
        end = shown.end() if shown is not None else this.end()
        line = text.count("\n", 0, this.start()) + 2
        blocks.append(Block(language, code, line, end, shown and shown[2]))
    for check in CHECK.finditer(text):
        blocks.append(Block("check", check[1], text.count("\n", 0, check.start()) + 1, check.end()))
    return sorted(blocks, key=lambda block: block.line)


def find_commands(text: str) -> list[Command]:
    """Return the commands of a page, whose blocks have no language."""
    found = []
    for block in find_blocks(text):
        if not block.language:
            found += commands_of(block)
    return found


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a block: one, after ``$``, with its output, or lines that begin with ``creche``."""
    first, *output = block.code.splitlines() or [""]
    if first.startswith("$ creche "):
        return [Command(first.removeprefix("$ "), output, block.line)]
    lines = enumerate(block.code.splitlines(), block.line)
    return [Command(line, [], number) for number, line in lines if line.startswith("creche ")]


def run_python(
    page: str, blocks: list[Block], style: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> Iterator[tuple[Block, Shown]]:
    """Run the Python code of a page, block by block, as the cells of a notebook.

    Parameters
    ----------
    page : str
        The name of the page, for errors.
    blocks : list of Block
    style : callable
        Gives a context manager for each block, such as a style of plots.

    Yields
    ------
    (Block, Shown)
        Each block of Python, and what it shows. Its figures are closed when the next block is asked for.

    Raises
    ------
    PageError
        If a block fails, does not print what the page shows, or if a check is not true.

    """
    from matplotlib import pyplot

    from creche.errors import CrecheWarning

    pyplot.switch_backend("agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        if block.language == "check":
            _check(page, block, names)
        if block.language != "python":
            continue
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), warnings.catch_warnings(), style():
                warnings.simplefilter("ignore", CrecheWarning)
                value = _execute(page, block, names)
        except Exception as error:
            raise PageError(f"{page}:{block.line}: {type(error).__name__}: {error}\n{block.code}") from error
        # Lines may break elsewhere.
        if block.shown is not None and " ".join(block.shown.split()) not in " ".join(printed.getvalue().split()):
            raise PageError(f"{page}:{block.line}: shows\n{block.shown}\nbut prints\n{printed.getvalue()}")
        yield block, Shown(printed.getvalue(), value, [pyplot.figure(number) for number in pyplot.get_fignums()])
        pyplot.close("all")


def _check(page: str, block: Block, names: dict[str, Any]) -> None:
    """Raise an error if an expression is not true; of a comparison, it has what is compared."""
    try:
        if eval(block.code, names):
            return
    except Exception as error:
        raise PageError(f"{page}:{block.line}: {type(error).__name__}: {error}\n{block.code}") from error
    expression = ast.parse(block.code, mode="eval").body
    sides = [expression.left, *expression.comparators] if isinstance(expression, ast.Compare) else []
    values = "".join(f"\n{ast.unparse(side)} is {eval(ast.unparse(side), names)!r}" for side in sides)
    raise PageError(f"{page}:{block.line}: the page says what is not true: {block.code}{values}")


def _execute(page: str, block: Block, names: dict[str, Any]) -> Any:
    """Execute the statements of a block, and return the value of the last one, if it is an expression."""
    tree = ast.parse(block.code, page)
    ast.increment_lineno(tree, block.line - 1)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, page, "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), page, "eval"), names)


def run_command(page: str, command: Command) -> str:
    """Run a command of a page in this process, and return what it prints, with colours where the environment asks.

    Raises
    ------
    PageError
        If it fails, or does not print the lines that the page shows, in their order.

    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Click, for which Typer's import is to blame
        from creche.cli import main
    out, err = io.StringIO(), io.StringIO()
    # On a busy machine, a sweep takes long enough to ask for confirmation.
    quiet = mock.patch("creche.cli.sweep.SECONDS_WITHOUT_ASKING", math.inf)
    with quiet, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(shlex.split(command.text, comments=True)[1:])
    if code:
        raise PageError(f"{page}:{command.line}: {command.text}: exit code {code}\n{err.getvalue()}")
    plain = plain_text(out.getvalue())
    printed = iter(plain.splitlines())
    for line in command.output:
        if line not in printed:  # the lines of an iterator are found in their order
            raise PageError(f"{page}:{command.line}: {command.text}: does not print\n{line}\nbut\n{plain}")
    return out.getvalue()
