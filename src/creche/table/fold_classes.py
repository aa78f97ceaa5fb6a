"""Classes that a fold lacks: among the rows it is to learn from, or among those it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.check import warn
from creche.table.labels import class_numbers
from creche.table.parts import Part

__all__ = ["check_classes"]

SHOWN = 3
CURE = "Give fewer folds, join the class with another, or leave its rows out"

Lacking = dict[Any, list[str]]  # of a class, the names of folds


def check_classes(folds: Sequence[tuple[int, int, Part, Part]], classes: tuple[Any, ...], repeats: int) -> None:
    """Says which classes which folds lack.

    Parameters
    ----------
    folds : sequence of (repeat, number, training rows, held-out rows)
    classes : tuple
    repeats : int

    Warns
    -----
    CrecheWarning
        If the networks of a fold never learn a class, or are never asked for it.

    Raises
    ------
    TableError
        If a fold has rows of one class only to learn from.

    """
    never_learnt: Lacking = {}
    never_asked: Lacking = {}
    for repeat, number, train, held_out in folds:
        name = f"fold {number}" if repeats == 1 else f"fold {number} of repeat {repeat}"
        learnt, asked = (_counts(part, classes) > 0 for part in (train, held_out))
        if learnt.sum() < 2:
            only = classes[int(np.argmax(learnt))]
            raise TableError(
                f"label {train.observations.label!r}: the networks of {name} would learn from rows of class {only!r} "
                "only, so there is nothing to tell apart; give other folds, or another column to group by"
            )
        for c in np.flatnonzero(learnt ^ asked):  # a class that no row has at all is lacked by nobody
            (never_asked if learnt[c] else never_learnt).setdefault(classes[c], []).append(name)
    if never_learnt:
        warn(
            f"folds: no row to learn from of {_some(never_learnt)}; there it is never learnt, and always missed. {CURE}"
        )
    if never_asked:
        warn(
            f"folds: no held-out row of {_some(never_asked)}; there AUC, F1 and balanced accuracy are of the other "
            f"classes. {CURE}"
        )


def _counts(part: Part, classes: tuple[Any, ...]) -> NDArray[np.int64]:
    rows = part.observations
    return np.bincount(class_numbers(rows.y, classes, rows.label, rows.called), minlength=len(classes))


def _some(lacking: Lacking) -> str:
    """The first of the classes, and of the folds of each."""
    said = []
    for which, names in list(lacking.items())[:SHOWN]:
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        said.append(f"class {which!r} in {', '.join(names[:SHOWN])}{more}")
    return "; ".join(said) + (f"; nor of {len(lacking) - SHOWN:,} other classes" if len(lacking) > SHOWN else "")
