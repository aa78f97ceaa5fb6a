"""Classes that are missing from the training rows or the held-out rows of a fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.checks import warn
from creche.table.labels import encode_classes
from creche.table.partition import Partition

__all__ = ["check_fold_classes"]

NAMED = 3  # classes, and folds of each

REMEDY = "use fewer folds, merge the class with another, or leave its rows out"

FoldsByClass = dict[Any, list[str]]  # the names of the folds that lack a class


def check_fold_classes(
    folds: Sequence[tuple[int, int, Partition, Partition]], classes: tuple[Any, ...], repeats: int
) -> None:
    """Warn of classes that are missing from a fold.

    Parameters
    ----------
    folds : sequence of (repeat, number, training rows, held-out rows)
    classes : tuple
        All classes, sorted.
    repeats : int
        The number of repeats.

    Warns
    -----
    CrecheWarning
        If the training rows or the held-out rows of a fold lack a class.

    Raises
    ------
    TableError
        If the training rows of a fold have only one class.

    """
    not_trained: FoldsByClass = {}
    not_held_out: FoldsByClass = {}
    for repeat, number, train, held_out in folds:
        name = f"fold {number}" if repeats == 1 else f"fold {number} of repeat {repeat}"
        in_train, in_held_out = (_count_classes(part, classes) > 0 for part in (train, held_out))
        if in_train.sum() < 2:
            only = classes[int(np.argmax(in_train))]
            raise TableError(
                f"label {train.observations.label!r}: all training rows of {name} have the class {only!r}; needs two "
                "classes: use another number of folds, or group by another column"
            )
        for c in np.flatnonzero(in_train ^ in_held_out):  # a class without any row is missing from no fold
            (not_held_out if in_train[c] else not_trained).setdefault(classes[c], []).append(name)
    if not_trained:
        warn(
            f"folds: the training rows lack {_format_classes(not_trained)}, so those networks never predict it; "
            f"{REMEDY}"
        )
    if not_held_out:
        warn(
            f"folds: the held-out rows lack {_format_classes(not_held_out)}, so AUC, F1 and balanced accuracy are "
            f"those of the other classes; {REMEDY}"
        )


def _count_classes(part: Partition, classes: tuple[Any, ...]) -> NDArray[np.int64]:
    rows = part.observations
    return np.bincount(encode_classes(rows.y, classes, rows.label, rows.row_numbers), minlength=len(classes))


def _format_classes(folds: FoldsByClass) -> str:
    """Name the first of the classes, and the first of the folds of each."""
    texts = []
    for label, names in list(folds.items())[:NAMED]:
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        texts.append(f"class {label!r} in {', '.join(names[:NAMED])}{more}")
    return "; ".join(texts) + (f"; and {len(folds) - NAMED:,} other classes" if len(folds) > NAMED else "")
