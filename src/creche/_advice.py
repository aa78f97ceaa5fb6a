"""Advice in messages and on pages, in the words of the reader: arguments in Python, options on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeAlias

__all__ = [
    "NAME_ONLY",
    "ArgumentWriter",
    "advise",
    "advise_all",
    "full_list",
    "has_command_line_words",
    "use_words",
    "write_in_python",
]


class NameOnly:
    """The value of an argument that is named without one; there is one such object, `NAME_ONLY`."""

    __slots__ = ()


NAME_ONLY: Final = NameOnly()

# Writes an argument and its value as the reader types them; the value may be `NAME_ONLY`, or `...` for any.
ArgumentWriter: TypeAlias = Callable[[str, object], str]


def write_in_python(argument: str, value: object) -> str:
    """Write an argument as it is typed in Python; a field of an object is given as ``Class.field``.

    Examples
    --------
    >>> write_in_python("test_fraction", 0.2), write_in_python("label", ...), write_in_python("classes", NAME_ONLY)
    ('test_fraction=0.2', 'label=…', 'classes')
    >>> write_in_python("ReadOptions.header", False)
    'ReadOptions(header=False)'

    """
    owner, dot, name = argument.rpartition(".")
    if value is NAME_ONLY:
        return argument
    shown = "…" if value is ... else f"{value:.3g}" if isinstance(value, float) else repr(value)
    text = f"{name}={shown}"
    return f"{owner}({text})" if dot else text


_WRITER: ContextVar[ArgumentWriter] = ContextVar("how arguments are written", default=write_in_python)


@contextmanager
def use_words(writer: ArgumentWriter) -> Iterator[None]:
    """Write the arguments that are advised meanwhile by this function."""
    token = _WRITER.set(writer)
    try:
        yield
    finally:
        _WRITER.reset(token)


def has_command_line_words() -> bool:
    """Return whether options are advised rather than arguments."""
    return _WRITER.get() is not write_in_python


def advise(argument: str, value: object = NAME_ONLY) -> str:
    """Write an argument, and the value that it should have, as the reader would type them.

    Every message and page names arguments by this function, so that each reader meets only what they can type.

    Parameters
    ----------
    argument : str
        An argument of `creche.train` or of another function; a field of an object as ``ReadOptions.header``.
    value : object, optional
        By default, the argument is only named; ``...`` stands for a value that the reader chooses.

    Examples
    --------
    >>> advise("missing_label", "drop"), advise("schema", {"zip": "categorical"})
    ("missing_label='drop'", "schema={'zip': 'categorical'}")
    >>> with use_words(lambda argument, value: f"--{argument} {value}"):
    ...     advise("task", "regression")
    '--task regression'

    """
    return _WRITER.get()(argument, value)


def advise_all(arguments: Mapping[str, object]) -> str:
    """Write several arguments with their values.

    Examples
    --------
    >>> advise_all({"learning_rate": 0.01, "hidden": [64, 64]})
    'learning_rate=0.01, hidden=[64, 64]'

    """
    separator = " " if has_command_line_words() else ", "
    return separator.join(advise(name, value) for name, value in arguments.items())


def full_list() -> str:
    """Return where the reader finds all of what a page shows a part of."""
    return "--json" if has_command_line_words() else "table()"
