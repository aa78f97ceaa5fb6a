"""Training on rows that stay in a file: the compiled engine reads windows of them ahead, on threads of its own."""

from __future__ import annotations

from typing import Any

from creche import _core
from creche._advice import advise
from creche._system.resources import available_memory
from creche.engine.native import (
    Rows,
    format_gigabytes,
    limit_threads,
    row_arrays,
    translate_within_memory,
)
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
from creche.plan.plan import Plan
from creche.plan.row_order import Windows
from creche.plan.words import SubmodelBatches

__all__ = ["check_batches_of_file", "check_stored", "describe_table", "evaluate_rows", "new_run_from_file"]


def new_run_from_file(plan: Plan, rows: StoredRows, validation: Rows | StoredRows | None, threads: int) -> Any:
    """Create a run of the plan at its beginning, with the bits that it has with the same rows in memory.

    Parameters
    ----------
    plan : Plan
        Its lengths are resolved, and `check_stored` accepts it.
    rows : StoredRows
    validation : Rows or StoredRows, optional
    threads : int
        Those that compute; a few more read the file, and mostly wait.

    Returns
    -------
    Solo32
        Of the compiled engine. Its `seconds_waited` tell how long training has waited for rows.

    Raises
    ------
    PlanError
        If it would not fit into memory.
    FileError
        If the file cannot be read; so does training.

    """
    engine = _core.load()
    at_once = min(len(rows), plan.batch_size)
    translated = translate_within_memory(engine, plan, at_once)
    table = describe_table(engine, rows)
    stored = describe_table(engine, validation) if isinstance(validation, StoredRows) else None
    _check_memory(plan, table.training_memory(translated) + (0 if stored is None else stored.streaming_memory))
    held_out = row_arrays(validation) if isinstance(validation, Rows) else None
    return engine.new_solo_from_file(
        translated, table, stored, held_out, limit_threads(plan, len(rows), threads), plan.loss.engine_callback()
    )


def check_stored(plan: Plan) -> None:
    """Check that a plan can be carried out on rows in a file.

    Raises
    ------
    PlanError
        If it cannot.

    """
    if plan.shuffle is True:
        raise PlanError(
            f"shuffle: got True, and rows in a file are not read one by one at random, which takes a hundred times as "
            f"long; give {advise('shuffle', 'windows')}, which shuffles some blocks of rows at a time",
            argument="shuffle",
        )
    if plan.dtype != "float32":
        raise PlanError(
            f"precision: got {plan.precision!r}, and a file of encoded rows has float32; leave {advise('precision')} "
            "out",
            argument="precision",
        )
    check_batches_of_file(plan.submodel_batches)


def check_batches_of_file(submodel_batches: SubmodelBatches) -> None:
    """Check that submodels can have their batches from rows in a file.

    Raises
    ------
    PlanError
        If each is to have its own.

    """
    if submodel_batches == "own":
        raise PlanError(
            "submodel_batches: got 'own', and the rows of a table on disk come a window at a time, while submodels "
            f"with rows of their own are far apart in the epoch; choose {advise('submodel_batches', 'shared')}, or a "
            f"table in memory, without {advise('memory')}",
            argument="submodel_batches",
        )


def evaluate_rows(run: Any, rows: Rows | StoredRows) -> tuple[float, float]:
    """Return loss and metric of the current network of a run, without dropout, of rows in memory or in a file."""
    if isinstance(rows, Rows):
        loss, metric = run.evaluate(*row_arrays(rows))
    elif isinstance(run, (engine := _core.load()).Solo32):
        loss, metric = engine.evaluate_file(run, describe_table(engine, rows))
    else:
        loss, metric = run.evaluate_file(rows)
    return float(loss), float(metric)


def describe_table(engine: Any, rows: StoredRows) -> Any:
    """Return the rows as the compiled engine takes them."""
    layout, state = rows.layout, rows.state
    return engine.StoredTable(
        rows.path, rows.offset, rows.count, layout.inputs, layout.targets, layout.weighted, state.size,
        state.changed_at, _is_large(state.size),
    )  # fmt: skip


def _is_large(size: int) -> bool:
    """Return whether a file is too large to stay in the system's cache, which then need not try to keep it."""
    free = available_memory()
    return free is not None and size > free // 2


def _check_memory(plan: Plan, needed: int) -> None:
    free = available_memory()
    if free is None or needed <= free:
        return
    windows = plan.shuffle if isinstance(plan.shuffle, Windows) else Windows()
    raise PlanError(
        f"shuffle: windows of {windows.window:,} blocks of {windows.block:,} rows need about "
        f"{format_gigabytes(needed)}, as two of them are in memory at a time, more than {format_gigabytes(free)} "
        "available; give smaller blocks, or fewer in a window",
        argument="shuffle",
    )
