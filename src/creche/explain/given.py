"""What explanations by changed cells begin with: who predicts, and the rows as a table with the user's names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.ensemble import Ensemble
from creche.errors import PlanError, TableError, nearest
from creche.explain.batch import Batch
from creche.model import Model
from creche.predicting import Predicting
from creche.table.check import check_finite, matrix
from creche.table.columns import Column, Table
from creche.table.kinds import Place, Rule, coerced
from creche.table.observations import Observations
from creche.table.read import is_table, read_table

__all__ = [
    "Encoder", "called_of", "encoder_of", "given_labels", "labels_in", "outcome_number", "outcomes_of",
    "predicting_of", "said_of", "table_of", "unlike",
]  # fmt: skip

Encoder = Any  # NumberEncoder, CategoryEncoder or DateEncoder


def predicting_of(model: Any) -> Model | Ensemble:
    """A model or ensemble; of a run, a member of a colony or a fitted estimator, its model.

    Raises
    ------
    PlanError
        If it is none of these.

    """
    for found in (model, getattr(model, "model", None), getattr(model, "model_", None)):
        if isinstance(found, Model | Ensemble):
            return found
    raise PlanError(
        f"model: got {type(model).__name__}; needs a Model, an Ensemble, a Run, a Member of a "
        "colony or a fitted estimator; creche.load gives a model"
    )


def table_of(model: Predicting, data: Any) -> Table:
    """The rows as a table in which each column of the network's has its name; those of arrays are x0, x1, …

    Raises
    ------
    TableError
        If there is no row, or a column is missing.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to explain it by")
    data = data.observations if isinstance(data, Batch) else data
    given = data.x if isinstance(data, Observations) else data
    names = model.features.names
    if is_table(given):
        table = read_table(given, expected=model.features.kinds)
        if len(table) == 0:
            raise TableError(f"{table.source}: has no rows; there is nothing to explain by")
        if not model.features.of_table and len(table.names) == len(names) and set(table.names) != set(names):
            table = Table(dict(zip(names, table.columns.values(), strict=True)), table.source, table.first_row)
        for name in names:
            table.column(name, "features")
        return table
    x = matrix(given)
    if x.shape[1] != len(names):
        raise TableError(f"X: has {x.shape[1]} columns; the network was trained on {len(names)}: {', '.join(names)}")
    check_finite(x)
    return Table({name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}, "X", 0)


def called_of(data: Any, table: Table) -> NDArray[np.int64]:
    """What the user calls each row of `table_of` these data."""
    data = data.observations if isinstance(data, Batch) else data
    return data.called if isinstance(data, Observations) else np.arange(len(table)) + table.first_row


def given_labels(data: Any, y: Any) -> Any:
    """The labels beside the rows, or those that came with them."""
    data = data.observations if isinstance(data, Batch) else data
    return data.y if y is None and isinstance(data, Observations) else y


def encoder_of(model: Predicting, table: Table, name: Any, argument: str) -> Encoder:
    """The encoder of a column; `argument` is where the user named it.

    Raises
    ------
    PlanError
        If the network was not trained on a column of that name: which there are.

    """
    found = {column.name: column for column in model.features.columns}
    if name in found:
        return found[name]
    if name in model.labels.names:
        raise PlanError(f"{argument}: {name!r} is what the network predicts; {nearest(name, found)}")
    if name in table.columns:
        raise PlanError(f"{argument}: {name!r} is in the table, but the network was not trained on it; it was on: "
                        f"{nearest(name, found).partition('There are: ')[2]}")  # fmt: skip
    raise PlanError(f"{argument}: got {name!r}; {nearest(name, found)}")


def outcomes_of(model: Predicting) -> tuple[Any, ...]:
    """What numbers are said of: the classes, or the labels of numbers."""
    return model.labels.names if model.classes is None else model.classes


def outcome_number(outcomes: tuple[Any, ...], of: Any, argument: str = "of") -> int:
    """The place of a class or label.

    Raises
    ------
    PlanError
        If there is none of that name: which there are.

    """
    names = [str(outcome) for outcome in outcomes]
    if of in outcomes:
        return outcomes.index(of)
    if str(of) not in names:
        raise PlanError(f"{argument}: got {of!r}; {nearest(of, names)}")
    return names.index(str(of))


def said_of(model: Predicting, table: Table) -> NDArray[np.float64]:
    """Probabilities (n, classes), or numbers in the labels' units (n, k)."""
    said = model.predict(table) if model.classes is None else model.predict_proba(table)
    return np.asarray(said, dtype=np.float64).reshape(len(table), -1)


def labels_in(model: Predicting, table: Table, y: Any = None) -> NDArray[Any] | None:
    """The rows' labels, (n,) objects, None where one is missing: as given, or in the table; None if there are none.

    Raises
    ------
    TableError
        If there are not as many as rows.

    """
    if y is not None:
        given = list(y)
        if len(given) != len(table):
            raise TableError(f"y: has {len(given)} labels for {len(table)} rows; needs one for each")
        return _as_objects([value.item() if isinstance(value, np.generic) else value for value in given])
    names, kinds = model.labels.names, model.labels.kinds
    if any(name not in table.columns or name in model.features.names for name in names):
        return None
    found = []
    for name, kind in zip(names, kinds or ("number",) * len(names), strict=True):
        column = coerced(table.columns[name], Rule(kind, given=True), Place(table.source, name, table.first_row))
        words = column.words if column.kind == "yes_no" else ()
        found.append([words[int(v)] if words and v is not None else v for v in column.objects()])
    return _as_objects(found[0] if len(found) == 1 else list(zip(*found, strict=True)))


def _as_objects(values: list[Any]) -> NDArray[Any]:
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out


def unlike(name: str, taken: tuple[str, ...]) -> str:
    """The name of a column of a result, as no column of the user's is called."""
    while name in taken:
        name = f"{name} (result)"
    return name
