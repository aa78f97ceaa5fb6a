"""The guess between classification and regression, by the values of a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.plan.words import Task
from creche.table.labels import LARGEST_EXACT, find_distinct

__all__ = ["TaskGuess", "guess_task"]

MAX_INTEGER_CLASSES = 50  # whole numbers with more distinct values are treated as numbers
MAX_CODES = 10  # up to this number of values, those that are numbered from 0 or 1 are classes without further signs
MAX_CODES_FROM_1 = 3  # more values that begin at 1 may be ratings
MIN_ROWS_PER_CODE = 2  # on average, for up to MAX_CODES values to be certain codes
MIN_ROWS_PER_CLASS = 5  # on average, for more values to be codes
MIN_ROWS_PER_SPREAD_VALUE = 10  # on average, for values far apart to be codes
MAX_IMBALANCE = 4  # classes of about the same size have at least this fraction of the rows of an average one
FIRST_CODES = (-1, 0, 1)  # where numbered classes begin


@dataclass(frozen=True, slots=True)
class TaskGuess:
    """What a label is treated as if no argument decides it.

    Attributes
    ----------
    task : {"classification", "regression", "multilabel"}
    reason : str
        The reason, as the end of a sentence that begins with "because".
    distinct : int
        The number of distinct whole numbers; 0 if the label holds nothing that the other task would suit.
    is_certain : bool
        Whether the other task is improbable, so that it needs no warning.

    """

    task: Task
    reason: str
    distinct: int = 0
    is_certain: bool = True

    def note(self, name: str) -> str | None:
        """Return a sentence about the guess for the label of that name; None if there was nothing to guess."""
        if not self.distinct:
            return None
        classes = f"{self.distinct:,} classes"
        if self.task == "classification":
            task, other = classes, f"{advise('task', 'regression')} treats it as a number"
        else:
            task, other = "a number", f"{advise('task', 'classification')} treats it as {classes}"
        return f"label {name!r} is treated as {task}, because {self.reason}; {other}"


def guess_task(y: NDArray[np.generic]) -> TaskGuess:
    """Guess whether a label holds classes or numbers.

    Words and booleans are classes; numbers with fractions, and several labels of numbers, are numbers, and several
    labels of booleans are multi-label. For whole numbers, also
    those written 0.0 and 1.0, what matters is how many different values there are, where they lie and how many rows
    each has:

    - Two values are classes: there is nothing between them to learn.
    - More than 50 values are numbers, and so are 3 or more values if one of them occurs only once: a class has several
      rows to learn from. But up to 50 values beyond 2**53, which a number cannot hold exactly, are classes.
    - 3 to 10 values that lie close together and begin at -1, 0 or 1 are classes, as codes are numbered. Beginning
      elsewhere (years, quality 3 to 9), they are numbers.
    - 3 to 10 values that lie far apart (10, 20, 50) are classes if integers with 10 rows each on average, else numbers.
    - 11 to 50 values are classes if numbered without gaps from -1, 0 or 1, with about as many rows each (faces 0 to
      39), as measured quantities (ages, scores, rings) hardly ever are. Otherwise they are numbers.

    The guess is certain for words, booleans, fractions, more than 50 values, two values, and up to 10 integers that are
    numbered without gaps from -1 or 0 (or 1 to 3) and have about as many rows each. For floats it is certain if they
    are two adjacent values, or numbers that are more than 10, lie far apart or occur only once.

    Parameters
    ----------
    y : (n,) array of labels, or (n, k) of numbers

    Examples
    --------
    >>> digits, ages = np.arange(1000) % 10, 25 + np.arange(1000) % 31
    >>> guess_task(digits).task, guess_task(ages).task
    ('classification', 'regression')
    >>> guess_task(ages).reason
    'it has 31 different whole numbers, from 25 to 55'

    """
    if y.ndim == 2 and y.dtype.kind == "b":
        return TaskGuess("multilabel", "there are several labels of yes or no")
    if y.ndim == 2:
        return TaskGuess("regression", "there are several labels")
    if y.dtype.kind in "OUSb":
        return TaskGuess("classification", "it holds words or booleans")
    is_float = y.dtype.kind == "f"
    if is_float and not (np.abs(y) < LARGEST_EXACT).all():
        return TaskGuess("regression", "it holds numbers beyond all classes")
    if is_float and (y != np.trunc(y)).any():
        return TaskGuess("regression", "it holds fractions")
    values, index = find_distinct(y)
    if len(values) > MAX_INTEGER_CLASSES:
        return TaskGuess("regression", f"it has more than {MAX_INTEGER_CLASSES} different whole numbers")
    return _guess_whole([int(value) for value in values.tolist()], np.bincount(index), is_float)


def _guess_whole(values: list[int], counts: NDArray[np.int64], is_float: bool) -> TaskGuess:
    """Guess by at most 50 distinct whole numbers, ascending, and the number of rows of each."""
    count = len(values)
    if count == 1:
        return TaskGuess("regression" if is_float else "classification", "it has only one value")

    def guess(task: Task, reason: str, is_certain: bool = False) -> TaskGuess:
        return TaskGuess(task, reason, count, is_certain)

    low, high = values[0], values[-1]
    span = f"from {low} to {high}"
    if count == 2:
        if low in FIRST_CODES and high <= 2:  # 0 and 1, 1 and 2, -1 and 1
            return TaskGuess("classification", "it has two values, like yes and no")
        return guess("classification", "it has only two values", not is_float or high - low == 1)
    if max(-low, high) > LARGEST_EXACT:
        return guess("classification", f"its {count} whole numbers, {span}, are too large to calculate with exactly")
    extent = high - low + 1
    is_numbered = low in FIRST_CODES and extent == count
    average = counts.mean()
    is_even = counts.min() * MAX_IMBALANCE >= average
    if count > MAX_CODES:
        if is_numbered and is_even and average >= MIN_ROWS_PER_CLASS:
            return guess("classification", f"its values are numbered {span}, each in about as many rows")
        return guess("regression", f"it has {count} different whole numbers, {span}", is_float)
    if counts.min() == 1:
        return guess("regression", f"its value {values[int(np.argmin(counts))]} occurs only once", is_float)
    if extent < 2 * count:  # close together
        if low in FIRST_CODES:
            is_certain = is_numbered and is_even and average >= MIN_ROWS_PER_CODE and not is_float
            # Ratings begin at 1, too.
            is_certain = is_certain and (low < 1 or count <= MAX_CODES_FROM_1)
            return guess("classification", f"its values are numbered {span}", is_certain)
        return guess("regression", f"its {count} different whole numbers lie close together, {span}")
    if not is_float and average >= MIN_ROWS_PER_SPREAD_VALUE:
        return guess("classification", f"it has only {count} different values, {span}, with many rows each")
    return guess("regression", f"its {count} different whole numbers lie far apart, {span}", is_float)
