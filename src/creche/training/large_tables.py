"""Tables larger than memory, as `creche.train` takes them: read to disk, encoded there, trained on in windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche._system.disk_space import format_size
from creche.engine.feeding import check_batches_of_file
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS, OF_LABEL
from creche.plan.losses import Loss
from creche.plan.memory_size import parse_memory
from creche.plan.plan import Plan
from creche.plan.row_order import Windows
from creche.plan.words import DType
from creche.table.on_disk import is_on_disk, open_on_disk, read_about, read_within
from creche.table.prepare import Prepared
from creche.table.reading.options import ReadOptions
from creche.table.roles import INPUT_ROLES
from creche.table.table import Table

if TYPE_CHECKING:
    from creche.training.arguments import TrainArguments

__all__ = [
    "RowBudget",
    "check_window",
    "encode_rows",
    "left_out_columns",
    "memory_of",
    "move_to_disk",
    "recall_arguments",
]


def move_to_disk(arguments: TrainArguments) -> TrainArguments:
    """Return the arguments with the table on disk, if they limit the memory or name a table that lies there.

    Raises
    ------
    PlanError
        If the memory is none, or too little.
    FileError, TableError
        If the table cannot be read.

    """
    arguments = recall_arguments(arguments)
    if arguments.memory is None and not isinstance(arguments.data, Table):
        return arguments
    if arguments.plan is None:
        check_batches_of_file(arguments.submodel_batches)
    elif arguments.plan.shuffle is not True:  # otherwise its rows are in memory
        check_batches_of_file(arguments.plan.submodel_batches)
    if arguments.shuffle is True and arguments.plan is None:
        arguments = replace(arguments, shuffle=Windows())
    options = arguments.read_options
    options = options if isinstance(options, ReadOptions) else ReadOptions.from_dict(options or {})
    table = read_within(arguments.data, arguments.memory, options, left_out_columns(arguments.schema))
    return replace(arguments, data=table)


def memory_of(arguments: TrainArguments) -> int | None:
    """Return how many bytes the table may take; None if that is not limited."""
    return None if arguments.memory is None else parse_memory(arguments.memory)


def recall_arguments(arguments: TrainArguments) -> TrainArguments:
    """Return the arguments with those that `creche.encode` was given for the table, where others are not set.

    The data become the table on disk.
    """
    if not is_on_disk(arguments.data):
        return arguments
    remembered = read_about(Path(arguments.data).expanduser()).get("arguments", {})
    if arguments.label not in (None, remembered.get("label")):
        remembered = {name: value for name, value in remembered.items() if name not in OF_LABEL}
    unset = {name: value for name, value in remembered.items() if _is_unset(name, getattr(arguments, name, None))}
    return replace(arguments, data=open_on_disk(arguments.data), **unset)


def encode_rows(
    prepared: Prepared, plan: Plan, memory: int | None = None
) -> tuple[Rows | StoredRows, Rows | StoredRows | None]:
    """Return the encoded training and validation rows of a run.

    Those of a table on disk are encoded there, once, unless each epoch takes them in an entirely new order.
    """
    if not prepared.is_lazy or plan.shuffle is True or plan.dtype != "float32":
        return prepared.encode(plan.loss, plan.dtype)
    from creche.table.disk_encoding import encode_to_disk  # only now: most tables are in memory

    rows, validation = encode_to_disk(prepared, plan.loss, memory)
    if memory is not None:
        check_window(plan, rows, memory)
    return rows, validation


class RowBudget:
    """What the encoded rows of many splits or folds may take: they are in memory as long as they fit, then on disk.

    Parameters
    ----------
    memory : int, optional
        Bytes; by default, all are in memory.

    Attributes
    ----------
    memory : int or None

    """

    def __init__(self, memory: int | None = None) -> None:
        self.memory = memory
        self._held = 0

    def encode(
        self, prepared: Prepared, loss: Loss, precision: DType
    ) -> tuple[Rows | StoredRows, Rows | StoredRows | None]:
        """Return the encoded training and validation rows of a split.

        Raises
        ------
        PlanError
            If they do not fit into the memory, and cannot be on disk.

        """
        if self.memory is None or not prepared.is_lazy:
            return prepared.encode(loss, precision)
        size = encoded_size(prepared, precision)
        if self._held + size <= self.memory:
            self._held += size
            return prepared.encode(loss, precision)
        if precision != "float32":
            self.check_fits(prepared, precision, 1, "precision", "float64 needs the encoded rows in memory")
        from creche.table.disk_encoding import encode_to_disk  # only now: most tables are in memory

        return encode_to_disk(prepared, loss, self.memory)

    def check_fits(self, prepared: Prepared, precision: DType, splits: int, argument: str, reason: str) -> None:
        """Check that the encoded rows of several splits like this one can all be in memory.

        Raises
        ------
        PlanError
            If they cannot; the message says why they must (`reason`).

        """
        if self.memory is None or not prepared.is_lazy:
            return
        size = splits * encoded_size(prepared, precision)
        if size > self.memory:
            raise PlanError(
                f"{argument}: {reason}, where they take {format_size(size)}, more than the memory of "
                f"{format_size(self.memory)}; give that much, or train with {advise('creche.train')} or "
                f"{advise('creche.cross_validate')}, which read rows from disk",
                argument=argument,
            )


def encoded_size(prepared: Prepared, precision: DType) -> int:
    """Return about how many bytes the encoded training and validation rows take."""
    rows = len(prepared.train) + (0 if prepared.validation is None else len(prepared.validation))
    return rows * (prepared.features.width + 1) * (4 if precision == "float32" else 8)


def check_window(plan: Plan, rows: StoredRows, memory: int) -> None:
    """Check that two windows of encoded rows fit into the memory: one is read while the other is trained on.

    Raises
    ------
    PlanError
        If they do not, with the least that does.

    """
    if not isinstance(plan.shuffle, Windows):
        return
    stride = rows.layout.stride
    in_window = min(plan.shuffle.block * plan.shuffle.window, len(rows))
    needed = 2 * in_window * stride
    if needed > memory:
        block = 2 * plan.shuffle.block * stride
        raise PlanError(
            f"memory: got {format_size(memory)}, but two windows of {in_window:,} rows take {format_size(needed)}; "
            f"give that much, or a smaller window: one of a single block takes {format_size(block)}",
            argument="memory",
        )


def left_out_columns(schema: Any) -> list[str]:
    """Return the columns that no network learns from, by the roles that are set."""
    roles = schema if isinstance(schema, Mapping) else getattr(schema, "roles", None) or {}
    return [str(name) for name, role in roles.items() if role not in INPUT_ROLES]


def _is_unset(name: str, value: Any) -> bool:
    default = ARGUMENTS[name].default if name in ARGUMENTS else None
    return value is default or (isinstance(value, bool | int | float | str) and value == default)
