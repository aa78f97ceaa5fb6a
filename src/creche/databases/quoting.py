"""Names in SQL: how users type those of tables, and how a statement holds any name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from creche.errors import PlanError

__all__ = ["define_columns", "quote_name", "quote_table", "split_table_name"]

# A part of a name: between double quotes, which are doubled inside, or anything up to a dot.
PART = re.compile(r'"((?:[^"]|"")+)"|([^."][^.]*)')


def quote_name(name: str) -> str:
    """Return a name as an SQL identifier, whatever its characters.

    Raises
    ------
    PlanError
        If no database can hold it.

    Examples
    --------
    >>> quote_name('houses"; DROP TABLE houses')
    '"houses""; DROP TABLE houses"'

    """
    if not name or "\0" in name:
        raise PlanError(f"table: got {name!r}; needs the name of a table or column, of at least one character")
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def define_columns(names: Iterable[str], kinds: Iterable[str]) -> str:
    """Return the columns of a table to create, each with its type.

    Examples
    --------
    >>> define_columns(["id", "price"], ["bigint", "text"])
    '"id" bigint, "price" text'

    """
    return ", ".join(f"{quote_name(name)} {kind}" for name, kind in zip(names, kinds, strict=True))


def split_table_name(name: str) -> tuple[str, ...]:
    """Return the parts of the name of a table: itself, or its schema and itself.

    Parameters
    ----------
    name : str
        A dot separates the parts. A part that has a dot itself is in double quotes, as in SQL. Upper and lower case
        differ.

    Raises
    ------
    PlanError
        If it is not such a name.

    Examples
    --------
    >>> split_table_name("houses"), split_table_name("sales.houses"), split_table_name('"houses.2026"')
    (('houses',), ('sales', 'houses'), ('houses.2026',))

    """
    parts, position = [], 0
    while True:
        found = PART.match(name, position)
        if found is None:
            break
        parts.append((found[1] or "").replace('""', '"') or found[2])
        position = found.end()
        if position == len(name) and len(parts) <= 2:
            return tuple(parts)
        if name[position : position + 1] != ".":
            break
        position += 1
    raise PlanError(
        f"table: got {name!r}; needs the name of a table, or schema.name; a name that has a dot itself is typed in "
        'double quotes, such as "houses.2026"',
        argument="table",
    )


def quote_table(parts: Iterable[str]) -> str:
    """Return the parts of the name of a table as they are written in SQL.

    Examples
    --------
    >>> quote_table(("sales", "houses"))
    '"sales"."houses"'

    """
    return ".".join(map(quote_name, parts))
