"""``creche columns``: what would be read from a table, before training."""

from __future__ import annotations

import json
from typing import Any

from creche.cli.files import TableArgument
from creche.cli.options import COLUMNS, JSON, READING, create_read_options, option_of, parse_arguments, with_options
from creche.cli.output import print_page
from creche.cli.progress import show_activity

__all__ = ["columns"]

INSPECTION_OPTIONS = (option_of("label"), COLUMNS, option_of("task"))


@with_options(*INSPECTION_OPTIONS, *READING, JSON)
def columns(table: TableArgument, **given: Any) -> None:
    """Show how a table would be read: roles, ranges, missing values, and what to check before training.

    With a label, also the task that its values suggest, and columns that give it away. For example:

    creche columns penguins

    creche columns penguins --label species

    creche columns houses.csv --label price --column zip=categorical
    """
    arguments, read_options = parse_arguments(INSPECTION_OPTIONS, given), create_read_options(given)
    from creche.pages.columns import columns_page
    from creche.table.column_inspection import inspect_columns

    as_json = bool(given.get("as_json"))
    with show_activity("reading the table", quiet=as_json):
        inspection = inspect_columns(table, **arguments, read_options=read_options or None)
    if as_json:
        print(json.dumps(inspection.to_dict(), allow_nan=False))
        return
    print_page(columns_page(inspection))
