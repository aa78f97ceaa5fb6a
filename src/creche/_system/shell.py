"""Commands as they are pasted into a shell."""

from __future__ import annotations

import shlex

__all__ = ["shell_command"]


def shell_command(*words: object) -> str:
    """Join words to a command, or part of one, that can be pasted into a shell.

    Examples
    --------
    >>> shell_command("creche", "evaluate", "my model.creche", "sales*.csv", "--threshold", 0.25)
    "creche evaluate 'my model.creche' 'sales*.csv' --threshold 0.25"
    >>> shell_command("pip", "install", ".[plots]")
    "pip install '.[plots]'"

    """
    return shlex.join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)
