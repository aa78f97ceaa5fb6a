"""The table of a command where it lies in a database: an address, and what ``--table`` or ``--query`` choose in it."""

from __future__ import annotations

from typing import Any

from creche.cli.options import DATABASE, parse_arguments
from creche.databases.address import find_database
from creche.errors import PlanError

__all__ = ["name_database"]


def name_database(given: dict[str, Any]) -> None:
    """Put a `Database` in place of an address that was typed as the table.

    Parameters
    ----------
    given : dict
        The arguments of a command, which are changed: the options of `DATABASE` become part of its table.

    Raises
    ------
    PlanError
        If these options were typed for a table that does not lie in a database, or cannot be combined.

    Examples
    --------
    >>> given = {"table": "sqlite:///sales.db", "database_table": "houses", "database_query": None}
    >>> name_database(given)
    >>> given
    {'table': Database('sqlite:///sales.db', table='houses')}

    """
    chosen = parse_arguments(DATABASE, given)
    for option in DATABASE:
        given.pop(option.name, None)
    table = given.get("table")
    database = find_database(table)
    if database is not None:
        given["table"] = database.changed(
            chosen.get("database_table"), chosen.get("database_query"), chosen.get("database_order", ())
        )
        return
    for option in DATABASE:
        if option.name in chosen:
            got = "no table is given" if table is None else f"{table} is a file"
            raise PlanError(
                f"{option.flag}: {got}; it is for a database, such as postgresql://user@host/name or sqlite:///file.db"
            )
