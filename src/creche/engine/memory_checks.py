"""Checks that many networks and the encoded rows of many folds fit into the available memory."""

from __future__ import annotations

from creche._phrases import format_count
from creche._system.resources import available_memory
from creche.engine.native import Rows, format_gigabytes
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
from creche.plan.plan import Plan

__all__ = ["check_networks", "check_tables", "network_memory"]


def check_networks(count: int, needed: int) -> None:
    """Check that `count` networks, which need `needed` bytes together, fit into the available memory.

    Raises
    ------
    PlanError
        If they do not.

    """
    free = available_memory()
    if free is not None and needed > free:
        raise PlanError(
            f"{count:,} networks need about {format_gigabytes(needed)}, more than {format_gigabytes(free)} available; "
            "train fewer at once"
        )


def network_memory(plan: Plan, rows: Rows | StoredRows) -> int:
    """Estimate the bytes that a network takes in a colony: weights and the like, its order of rows, its history.

    The order of rows in a file is known only while the network trains.
    """
    itemsize = 4 if plan.dtype == "float32" else 8
    # Weights, gradients and optimizer state, each with a copy from the beginning of the epoch; two orders of rows.
    order = 0 if isinstance(rows, StoredRows) else len(rows) * 8
    return plan.network.parameters * itemsize * 8 + order + plan.epochs * 48 + 4096


def check_tables(
    rows: Rows,
    validation: Rows | None,
    folds: int,
    argument: str = "folds, repeats",
    remedy: str = "give fewer repeats or folds",
) -> None:
    """Check that the encoded tables of all folds fit into the available memory; each fold has encoders of its own.

    Parameters
    ----------
    rows, validation : Rows
        Those of the first fold.
    folds : int
    argument, remedy : str
        For the error: what is to be changed, and how.

    Raises
    ------
    PlanError
        If they do not.

    """
    needed = folds * (rows.x.nbytes + (0 if validation is None else validation.x.nbytes))
    free = available_memory()
    if free is not None and needed > free:
        raise PlanError(
            f"{argument}: {format_count(folds, 'fold')} {'needs' if folds == 1 else 'need'} about "
            f"{format_gigabytes(needed)} for encoded rows, more than {format_gigabytes(free)} available; {remedy}"
        )
