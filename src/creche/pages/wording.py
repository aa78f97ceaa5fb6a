"""Advice on a page in the words of the reader: options on the command line, arguments in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["advise_argument", "is_command_line", "use_command_line_words", "write_as_options", "write_note"]

_IS_COMMAND_LINE: ContextVar[bool] = ContextVar("pages are read on the command line", default=False)


@contextmanager
def use_command_line_words() -> Iterator[None]:
    """Advise options instead of arguments on the pages that are made meanwhile."""
    token = _IS_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _IS_COMMAND_LINE.reset(token)


def is_command_line() -> bool:
    """Return whether pages are made for the command line."""
    return _IS_COMMAND_LINE.get()


def advise_argument(name: str, value: Any = None) -> str:
    """Write an argument as the reader would type it.

    Examples
    --------
    >>> advise_argument("test_fraction", 0.2), advise_argument("label")
    ('test_fraction=0.2', 'label=…')
    >>> with use_command_line_words():
    ...     advise_argument("test_fraction", 0.2)
    '--test-fraction 0.2'

    """
    if is_command_line():
        flag = f"--{name.replace('_', '-')}"
        return f"{flag} NAME" if value is None else f"{flag} {value}"
    return f"{name}=…" if value is None else f"{name}={value!r}"


def write_note(note: str) -> str:
    """Return a note of the library in the reader's words."""
    return write_as_options(note) if is_command_line() else note


def write_as_options(message: str) -> str:
    """Write the arguments that a message advises as options.

    Examples
    --------
    >>> write_as_options("drop such rows with missing_label='drop'; duplicates='together' keeps copies on one side")
    'drop such rows with --drop-unlabelled; --duplicates together keeps copies on one side'

    """
    message = message.replace("missing_label='drop'", "--drop-unlabelled").replace("resume=True (--resume)", "--resume")
    message = message.replace("that creche.train was given as checkpoint", "that --checkpoint named")
    message = message.replace("preprocessing='standard'", "--preprocessing standard")
    message = message.replace("log_range(1e-6, 10, 48)", "1e-6..10/48")
    message = message.replace(
        "give a list of values, such as learning_rate=[0.001, 0.01, 0.1]",
        "give several values, such as --learning-rate 0.001,0.01,0.1",
    )
    return re.sub(
        r"\b(duplicates|samples|task|validation_fraction)=(?:'(\w+)'|([0-9.]*[0-9]))",
        lambda found: f"--{found[1].replace('_', '-')} {found[2] or found[3]}",
        message,
    )
