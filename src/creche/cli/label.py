"""The label of a command that trains: where it was not typed, an error that lists the columns there are."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from creche._phrases import list_first
from creche.errors import CrecheError, PlanError

__all__ = ["check_label"]

NAMED = 20


def check_label(arguments: Mapping[str, Any], table: str, read_options: Mapping[str, Any]) -> None:
    """Check that there is a label.

    Parameters
    ----------
    arguments : dict
        The arguments of `creche.train` that were typed.
    table : str
        The file, whose columns the error lists.
    read_options : dict
        How the file is written, as far as it was typed.

    Raises
    ------
    PlanError
        If there is none.
    FileError
        If there is no such file.

    """
    from creche.table.on_disk import is_on_disk

    if arguments.get("label") or is_on_disk(table):  # which remembers its label
        return
    names = _column_names(table, read_options)
    which = f": choose one of {list_first(names, NAMED)}" if names else ", such as --label species"
    raise PlanError(f"--label: is missing; name the column to predict{which}", argument="label")


def _column_names(table: str, read_options: Mapping[str, Any]) -> list[str]:
    """Return the names of the columns; none if they cannot be read now, or only once."""
    from creche.databases.address import is_address
    from creche.table.reading.options import ReadOptions
    from creche.table.reading.read import locate_source, read_batches
    from creche.table.reading.table_parts import are_parts

    is_file = not are_parts(table) and not is_address(table)
    if is_file and locate_source(table)[0] is None:  # standard input
        return []
    with suppress(CrecheError):
        batch = next(read_batches(table, ReadOptions(**read_options), rows=1), None)
        return [] if batch is None else batch.frame.columns
    return []
