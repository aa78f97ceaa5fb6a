"""Digests: short texts that are equal if arrays or tables are equal, and that name the columns of a table that differ.

They depend only on the values: not on the machine, the order of columns, the numbering of words, the format of a file,
or the sign of a zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.table import Column, Table

__all__ = ["compare_tables", "describe_table", "digest_arrays", "digest_table"]

LARGEST_EXACT = 2**53  # every whole number up to this is a float64


def digest_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of named arrays: of their names, types, shapes and bytes (little-endian, C order).

    Parameters
    ----------
    arrays : dict of str to array
        In any order.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> a = digest_arrays({"w": np.array([1.0, 2.0]), "b": np.array(0.5)})
    >>> a == digest_arrays({"b": np.array(0.5), "w": np.array([1.0, 2.0])})
    True

    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        _add_text(digest, name)
        _add_text(digest, f"{array.dtype.str}{array.shape}")
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def digest_table(table: Table, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the digest of a table as plain data, for a model file.

    Parameters
    ----------
    table : Table
    names : sequence of str, optional
        The columns to include; by default all.

    Returns
    -------
    dict
        rows (int), columns (dict from name to 32 hexadecimal digits), total (64 hexadecimal digits).

    Raises
    ------
    TableError
        If a column is missing.

    Examples
    --------
    >>> islands = Table({"island": Column.from_words(["Biscoe", "Dream"])}, "islands")
    >>> digest_table(islands)["rows"]
    2

    """
    selected = table.names if names is None else names
    columns = {name: digest_column(table.column(name, "columns")) for name in sorted(selected)}
    total = hashlib.sha256(len(table).to_bytes(8, "little"))
    for name, digest in columns.items():
        _add_text(total, name)
        _add_text(total, digest)
    return {"rows": len(table), "columns": columns, "total": total.hexdigest()}


def digest_column(column: Column) -> str:
    """Return 128 bits of the SHA-256 of a column's values as 32 hexadecimal digits, whole numbers as numbers."""
    digest = hashlib.sha256()
    if column.kind == "words":
        _add_words(digest, column)
    elif column.kind == "datetime":
        _add_values(digest, "datetime", column.values.astype("datetime64[us]").astype("<i8"))
    else:
        _add_numbers(digest, "boolean" if column.kind == "boolean" else "number", column.values)
    return digest.hexdigest()[:32]


def describe_table(table: Table, side_tables: Mapping[str, Table]) -> dict[str, Any]:
    """Return what training depends on besides the plan: digests of a table and its side tables, the order of columns.

    Parameters
    ----------
    table : Table
    side_tables : dict of str to Table
        Tables that were passed separately, such as validation rows.

    Returns
    -------
    dict
        The digest of the table, with order (the names of its columns) and beside (dict from name to digest of a side
        table).

    """
    digests = {name: digest_table(other) for name, other in side_tables.items()}
    return {**digest_table(table), "order": table.names, "beside": digests}


def compare_tables(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the differences between two tables, as sentences; empty if they are equal.

    Parameters
    ----------
    before, after : dict
        The description or digest of each.

    Raises
    ------
    FileError
        If one of the two is neither.

    Examples
    --------
    >>> digest = lambda words: digest_table(Table({"island": Column.from_words(words)}, "islands"))
    >>> compare_tables(digest(["Biscoe", "Dream"]), digest(["Biscoe", "Torgersen"]))
    ["column 'island' has different values"]

    """
    for description in (before, after):
        _check_description(description)
    out = _compare_columns(before, after)
    if "order" not in before or "order" not in after:  # they are digests only
        return out
    if not out and before["order"] != after["order"]:
        out = ["its columns are in a different order"]
    old, new = before["beside"], after["beside"]
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            out.append(f"{name} was set, and is missing now")
        elif name not in old:
            out.append(f"{name} is set, and was not before")
        else:
            out += [f"{name}: {change}" for change in compare_tables(old[name], new[name])]
    return out


def _compare_columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if before["total"] == after["total"]:
        return []
    old, new = before["columns"], after["columns"]
    out = [f"column {name!r} is missing" for name in old if name not in new]
    out += [f"column {name!r} is new" for name in new if name not in old]
    if before["rows"] != after["rows"]:
        return [f"it has {after['rows']:,} rows, not {before['rows']:,}", *out]
    changed = [name for name in old if name in new and old[name] != new[name]]
    if len(changed) == len(old) > 2:
        return [*out, f"each of its {len(old)} columns has different values, or its rows are in a different order"]
    return out + [f"column {name!r} has different values" for name in changed]


def _check_description(description: Any) -> None:
    is_valid = (
        isinstance(description, Mapping)
        and set(description) in ({"rows", "columns", "total"}, {"rows", "columns", "total", "order", "beside"})
        and isinstance(description["rows"], int)
        and isinstance(description["total"], str)
        and isinstance(description["columns"], Mapping)
        and all(isinstance(text, str) for item in description["columns"].items() for text in item)
        and isinstance(description.get("order", []), list)
        and isinstance(description.get("beside", {}), Mapping)
    )
    if not is_valid:
        raise FileError(
            "table digest: needs rows, columns with a digest each, and a total; the file was damaged or made by hand"
        )


def _add_text(digest: Any, text: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    digest.update(len(encoded).to_bytes(8, "little"))
    digest.update(encoded)


def _add_values(digest: Any, kind: str, values: NDArray[Any]) -> None:
    _add_text(digest, kind)
    digest.update(np.ascontiguousarray(values).view(np.uint8))


def _add_numbers(digest: Any, kind: str, values: NDArray[Any]) -> None:
    if values.dtype.kind == "i" and len(values) and (values.max() > LARGEST_EXACT or values.min() < -LARGEST_EXACT):
        _add_values(digest, "int64", values.astype("<i8"))
        return
    plain = values.astype("<f8") + 0.0  # turns -0.0 into 0.0
    plain[np.isnan(plain)] = np.nan  # one of its many bit patterns
    _add_values(digest, kind, plain)


def _add_words(digest: Any, column: Column) -> None:
    """Add the words in order of first use, and for each row the number of its word."""
    codes = column.values
    known = codes >= 0
    first = np.full(len(column.words), len(codes), dtype=np.int64)
    rows = np.flatnonzero(known)[::-1]
    first[codes[rows]] = rows  # rows are assigned backwards, so the first row of each word remains
    used = np.flatnonzero(first < len(codes))
    order = used[np.argsort(first[used])]
    number = np.full(len(column.words) + 1, -1, dtype="<i4")  # the last item is for missing values, code -1
    number[order] = np.arange(len(order))
    encoded = [column.words[code].encode("utf-8", "surrogatepass") for code in order.tolist()]
    _add_values(digest, "words", np.array([len(encoded), *map(len, encoded)], dtype="<i8"))
    digest.update(b"".join(encoded))
    digest.update(number[codes].view(np.uint8))
