"""The errors Creche raises.

    CrecheError
    ├── PlanError (ValueError)          a plan that cannot be: an unknown word, a number out of range, too much memory
    ├── TableError (ValueError)         a table that cannot be trained on: what, and in which row and column
    ├── FileError (OSError)             a file that cannot be read or written
    └── DivergedError (ArithmeticError) training whose loss stopped being finite

    CrecheWarning (UserWarning)        something was changed or left out, and the work goes on

A message says what is wrong, with the value; where; and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["CrecheError", "CrecheWarning", "DivergedError", "FileError", "PlanError", "TableError", "nearest"]

MOST_NAMED = 40  # more than any choice of Creche's own has; a table may have 100,000 columns


class CrecheError(Exception):
    """The base of all errors that Creche raises on purpose."""


class PlanError(CrecheError, ValueError):
    """A plan that cannot be carried out."""


class TableError(CrecheError, ValueError):
    """A table that cannot be trained on or predicted from."""


class FileError(CrecheError, OSError):
    """A file that cannot be read or written."""


class DivergedError(CrecheError, ArithmeticError):
    """Training whose loss stopped being finite; `creche.explain.divergence` says in which layer, row and column.

    Attributes
    ----------
    epoch, batch : int
        Where, both counted from 0.
    learning_rate : float
        Of the step before.
    run : Run or None
        What there is: the history so far, and a model with the last finite weights. None once the error has come from
        another process, for a run lives in its own.

    """

    def __init__(self, message: str, epoch: int, batch: int, learning_rate: float, run: Run | None) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.learning_rate = learning_rate
        self.run = run

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int, int, float, None]]:
        return type(self), (str(self), self.epoch, self.batch, self.learning_rate, None)


class CrecheWarning(UserWarning):
    """Something was changed or left out, and the work goes on."""


def nearest(word: object, words: Iterable[str]) -> str:
    """What to say about a word that is none of `words`: the nearest right one, and all there are; of many, the first.

    Examples
    --------
    >>> nearest("adamm", ["adam", "sgd"])
    "did you mean 'adam'? There are: adam, sgd"

    """
    known = list(words)
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    more = f", … ({len(known) - MOST_NAMED:,} more)" if len(known) > MOST_NAMED else ""
    return f"{hint}There are: {', '.join(known[:MOST_NAMED])}{more}"
