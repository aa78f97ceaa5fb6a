"""The names of columns, as a table's source gives them."""

from __future__ import annotations

from collections.abc import Sequence

from creche.errors import TableError, nearest

__all__ = ["checked_names", "chosen_names"]

LONGEST_NAME = 1000


def checked_names(names: Sequence[str], source: str) -> list[str]:
    """The names, each different and none empty.

    Raises
    ------
    TableError
        If they are not, or there are none.

    """
    if not names:
        raise TableError(f"{source}: is empty; needs column names and rows below them")
    place: dict[str, int] = {}
    for i, name in enumerate(names, 1):
        if not name:
            raise TableError(f"{source}: column {i} has no name; give it one (pandas: to_csv(..., index=False))")
        if len(name) > LONGEST_NAME:
            raise TableError(
                f"{source}: the name of column {i} has {len(name):,} characters ({name[:40]!r}…); a name has at most "
                f"{LONGEST_NAME:,}: shorten it"
            )
        if name in place:
            raise TableError(
                f"{source}: column {name!r} stands there twice, as column {place[name]} and {i}; "
                "give each column a name of its own"
            )
        place[name] = i
    return list(names)


def chosen_names(columns: Sequence[str] | None, names: Sequence[str], source: str) -> list[str]:
    """These columns of those that there are; all, for None.

    Raises
    ------
    TableError
        If there is no such column, with the nearest name there is.

    """
    if columns is None:
        return list(names)
    there = set(names)
    for name in columns:
        if name not in there:
            raise TableError(f"columns: {source} has no column {name!r}; {nearest(name, names)}")
    return list(dict.fromkeys(columns))
