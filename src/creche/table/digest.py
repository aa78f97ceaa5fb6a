"""Digests: short texts that are equal when arrays or tables are, and, for a table, say which column is not.

They depend on values alone: not on the machine, the order of columns, how words happen to be numbered, what a file's
format was, or whether a zero is negative.
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

LARGEST_EXACT = 2**53  # up to which every whole number is a float64


def digest_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of named arrays: their names, types, shapes and bytes (little-endian, C order); their order is no part.

    Parameters
    ----------
    arrays : dict of str to array

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
    """What a table holds, briefly: as plain data, for a model file.

    Parameters
    ----------
    table : Table
    names : sequence of str, optional
        The columns that count; by default all.

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
    >>> islands = Table({"island": Column.of_words(["Biscoe", "Dream"])}, "islands")
    >>> digest_table(islands)["rows"]
    2

    """
    chosen = table.names if names is None else names
    columns = {name: digest_column(table.column(name, "columns")) for name in sorted(chosen)}
    total = hashlib.sha256(len(table).to_bytes(8, "little"))
    for name, digest in columns.items():
        _add_text(total, name)
        _add_text(total, digest)
    return {"rows": len(table), "columns": columns, "total": total.hexdigest()}


def digest_column(column: Column) -> str:
    """128 bits of SHA-256 of a column's values, as 32 hexadecimal digits; numbers and whole numbers are alike."""
    digest = hashlib.sha256()
    if column.kind == "words":
        _add_words(digest, column)
    elif column.kind == "datetime":
        _add_values(digest, "datetime", column.values.astype("datetime64[us]").astype("<i8"))
    else:
        _add_numbers(digest, "boolean" if column.kind == "boolean" else "number", column.values)
    return digest.hexdigest()[:32]


def describe_table(table: Table, beside: Mapping[str, Table]) -> dict[str, Any]:
    """What training depends on besides the plan: the digest of a table, the order of its columns, what is beside it.

    Parameters
    ----------
    table : Table
    beside : dict of str to Table
        What was given beside it, such as rows for validation.

    Returns
    -------
    dict
        That of `digest_table`, and order (the columns' names), beside (dict from name to digest of that table).

    """
    digests = {name: digest_table(other) for name, other in beside.items()}
    return {**digest_table(table), "order": table.names, "beside": digests}


def compare_tables(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two tables, from the description or digest of each; empty if nothing does.

    Raises
    ------
    FileError
        If one of the two is no such description.

    Examples
    --------
    >>> of = lambda words: digest_table(Table({"island": Column.of_words(words)}, "islands"))
    >>> compare_tables(of(["Biscoe", "Dream"]), of(["Biscoe", "Torgersen"]))
    ["column 'island' has other values"]

    """
    for description in (before, after):
        _check_description(description)
    out = _changes_of_columns(before, after)
    if "order" not in before or "order" not in after:  # of digests alone, as the first files have them
        return out
    if not out and before["order"] != after["order"]:
        out = ["its columns stand in another order"]
    there, here = before["beside"], after["beside"]
    for name in dict.fromkeys([*there, *here]):
        if name not in here:
            out.append(f"{name}, which was given beside it, is missing")
        elif name not in there:
            out.append(f"{name} is given beside it, and was not")
        else:
            out += [f"{name}, given beside it: {change}" for change in compare_tables(there[name], here[name])]
    return out


def _changes_of_columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    if before["total"] == after["total"]:
        return []
    old, new = before["columns"], after["columns"]
    out = [f"column {name!r} is missing" for name in old if name not in new]
    out += [f"column {name!r} is new" for name in new if name not in old]
    if before["rows"] != after["rows"]:
        return [f"it has {after['rows']:,} rows, not {before['rows']:,}", *out]
    changed = [name for name in old if name in new and old[name] != new[name]]
    if len(changed) == len(old) > 2:
        return [*out, f"each of its {len(old)} columns has other values, or its rows stand in another order"]
    return out + [f"column {name!r} has other values" for name in changed]


def _check_description(description: Any) -> None:
    fits = (
        isinstance(description, Mapping)
        and set(description) in ({"rows", "columns", "total"}, {"rows", "columns", "total", "order", "beside"})
        and isinstance(description["rows"], int)
        and isinstance(description["total"], str)
        and isinstance(description["columns"], Mapping)
        and all(isinstance(text, str) for item in description["columns"].items() for text in item)
        and isinstance(description.get("order", []), list)
        and isinstance(description.get("beside", {}), Mapping)
    )
    if not fits:
        raise FileError("table digest: needs rows, columns with a digest each, and a total; the file is inconsistent")


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
    plain = values.astype("<f8") + 0.0  # which makes of -0.0 a 0.0
    plain[np.isnan(plain)] = np.nan  # of which there are many
    _add_values(digest, kind, plain)


def _add_words(digest: Any, column: Column) -> None:
    """The words in use, in the order in which rows bring them up, and for each row the number of its word."""
    codes = column.values
    known = codes >= 0
    first = np.full(len(column.words), len(codes), dtype=np.int64)
    rows = np.flatnonzero(known)[::-1]
    first[codes[rows]] = rows  # of several rows with one word the last assigned, which is the first, stays
    used = np.flatnonzero(first < len(codes))
    order = used[np.argsort(first[used])]
    number = np.full(len(column.words) + 1, -1, dtype="<i4")  # the last place is that of missing values, code -1
    number[order] = np.arange(len(order))
    encoded = [column.words[code].encode("utf-8", "surrogatepass") for code in order.tolist()]
    _add_values(digest, "words", np.array([len(encoded), *map(len, encoded)], dtype="<i8"))
    digest.update(b"".join(encoded))
    digest.update(number[codes].view(np.uint8))
