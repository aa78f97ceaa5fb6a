"""A run done again: the same plan on the same table, which may lie elsewhere now, and in another order of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creche.plan.plan import Plan
from creche.table.preparation import Preparation
from creche.table.prepare import Prepared, prepare
from creche.table.read import is_table, read_table

__all__ = ["in_order", "prepare_again"]


def prepare_again(
    plan: Plan,
    preparation: Preparation,
    data: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    test_data: Any = None,
    sample_weight: Any = None,
) -> Prepared:
    """A table prepared as it was for another run.

    Parameters
    ----------
    plan : Plan
    preparation : Preparation
    data, y, validation_data, test_data, sample_weight
        As for `creche.train`.

    """
    return prepare(
        data, y, preparation, task=plan.task, loss=plan.loss, seed=plan.seed, validation_data=validation_data,
        test_data=test_data, weights=sample_weight,
    )  # fmt: skip


def in_order(data: Any, preparation: Preparation, names: Sequence[str], *, others: bool) -> Any:
    """The data with its columns in the order of these names: a network's first input is the first column.

    Parameters
    ----------
    data
        As for `creche.train`; arrays, whose columns have no names, stay as they are.
    preparation : Preparation
        How files are read, and which columns are labels.
    names : sequence of str
        Those that are not there are passed over.
    others : bool
        Whether columns of other names stay, behind those.

    """
    if not names or not is_table(data):
        return data
    table = read_table(data, preparation.reading)
    wanted = [name for name in dict.fromkeys([*names, *preparation.label]) if name in table.columns]
    rest = [name for name in table.names if name not in wanted] if others else []
    return table.select([*wanted, *rest])
