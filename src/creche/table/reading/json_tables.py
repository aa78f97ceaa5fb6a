"""JSON documents that hold a whole table: an array of objects, or an object of columns, as pandas' `to_json` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from creche._phrases import list_first
from creche.errors import TableError
from creche.table.checks import warn
from creche.table.reading.csv_small import no_rows_error
from creche.table.reading.plain_frame import PlainFrame, plain_frame_from_columns, plain_frame_from_records
from creche.table.reading.series import Values
from creche.table.table import clean_names

__all__ = ["is_json_array", "is_json_object_of_columns", "read_json_frame"]

ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]-]|\d+\s*[,\]]|null\b|true\b|false\b|NaN\b)')

NESTED_FIRST_VALUE = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*[\[{]')

OBJECT_GOES_ON = re.compile(r"[\[{,]\s*$")

NEEDED = 'an object: {"column": value}'


def is_json_array(text: str) -> bool:
    """Whether a text begins as a JSON array does.

    Examples
    --------
    >>> is_json_array('[{"a": 1},'), is_json_array("[a],[b]")
    (True, False)

    """
    return ARRAY.match(text) is not None


def is_json_object_of_columns(text: str) -> bool:
    r"""Whether a text, or the beginning of one, is a single JSON object that holds columns, rather than JSON lines.

    Examples
    --------
    >>> is_json_object_of_columns('{"a": {"0": 1}}'), is_json_object_of_columns('{\n  "a": [')
    (True, True)
    >>> is_json_object_of_columns('{"a": [1]}\n{"a": [2]}'), is_json_object_of_columns('{"a": 1}')
    (False, False)

    """
    is_nested = NESTED_FIRST_VALUE.match(text) is not None
    first, _, rest = text.strip().partition("\n")
    if not rest.strip():
        return is_nested
    if not is_nested:  # a line that ends within the object is not a line of JSON lines
        return OBJECT_GOES_ON.search(first) is not None
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False


def read_json_frame(pieces: Iterable[bytes], source: str) -> PlainFrame:
    """Return the columns of a JSON document.

    Parameters
    ----------
    pieces : iterable of bytes
        The document in UTF-8.
    source : str
        The name of the file in messages.

    Raises
    ------
    TableError
        If it is not JSON, or holds no table.

    """
    try:
        document = json.loads(b"".join(pieces), object_pairs_hook=_distinct_keys)
    except _RepeatedKeyError as error:
        raise TableError(
            f"{source}: the key {error.args[0]!r} occurs twice in one object; needs distinct keys"
        ) from error
    except json.JSONDecodeError as error:
        raise TableError(
            f"{source}: line {error.lineno}, character {error.colno} is not valid JSON ({error.msg}); needs an array "
            'of objects, [{"column": value}, …]'
        ) from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, or nesting too deep
        raise TableError(f"{source}: cannot be read as JSON ({error}); needs an array of objects") from error
    frame = _frame_from_array(document, source) if isinstance(document, list) else _frame_from_object(document, source)
    if len(frame) == 0:
        raise no_rows_error(source)
    return frame


class _RepeatedKeyError(ValueError):
    pass


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return found


def _frame_from_array(rows: list[Any], source: str) -> PlainFrame:
    if rows and all(isinstance(row, list) for row in rows):
        names = rows[0]
        if len(rows) > 1 and names and all(isinstance(name, str) and name for name in names):
            return _frame_from_split({"columns": names, "data": rows[1:]}, source)
        raise TableError(
            f"{source}: is a JSON array of arrays, which have no column names; needs an array of objects "
            "(pandas: to_json(orient='records')), or the names as the first array"
        )
    if not rows:
        raise TableError(f"{source}: is an empty JSON array; needs one object per row")
    return plain_frame_from_records(rows, source, NEEDED)


def _frame_from_object(document: Any, source: str) -> PlainFrame:
    """Return the columns of an object in one of the forms of pandas' `to_json`: columns, index, split or table."""
    if not isinstance(document, dict) or not document:
        raise TableError(f"{source}: is a JSON {type(document).__name__}; needs an array of objects")
    if "data" in document and set(document) <= {"columns", "index", "data"} and "columns" in document:
        return _frame_from_split(document, source)
    if set(document) == {"schema", "data"} and isinstance(document["data"], list):
        return plain_frame_from_records(document["data"], source, NEEDED)
    values = list(document.values())
    rows_key = _find_rows(document)
    if rows_key is not None:
        others = [key for key in document if key != rows_key]
        if others:
            keys = list_first([repr(key) for key in others], 5)
            warn(f"{source}: read the array of its key {rows_key!r}; dropped {keys}")
        return _frame_from_array(document[rows_key], source)
    if all(isinstance(value, dict) for value in values):
        inner = dict.fromkeys(key for value in values for key in value)
        if all(map(str.isdecimal, document)) and not any(map(str.isdecimal, inner)):
            return plain_frame_from_records(values, source, NEEDED)  # one object per row, by its number
        return PlainFrame(
            {name: Values([column.get(row) for row in inner]) for name, column in document.items()}, source
        )
    if all(isinstance(value, list) for value in values):
        return plain_frame_from_columns(document, source)
    if all(not isinstance(value, list | Mapping) for value in values):
        return plain_frame_from_records([document], source, NEEDED)
    lists = [key for key, value in document.items() if _is_array_of_objects(value)]
    where = f"; the array of its key {lists[0]!r} may be the table: save that alone" if lists else ""
    raise TableError(
        f"{source}: is a JSON object whose values are neither all columns nor all cells; needs an array of "
        f"objects{where}"
    )


def _find_rows(document: dict[str, Any]) -> str | None:
    """Return the only key with several values, if these are objects: {"count": 2, "results": [{…}, {…}]}."""
    keys = [key for key, value in document.items() if isinstance(value, list | dict)]
    return keys[0] if len(keys) == 1 and _is_array_of_objects(document[keys[0]]) else None


def _is_array_of_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(row, dict) for row in value)


def _frame_from_split(document: dict[str, Any], source: str) -> PlainFrame:
    names, rows = document["columns"], document["data"]
    if not isinstance(names, list) or not isinstance(rows, list):
        raise TableError(f"{source}: its keys 'columns' and 'data' must hold arrays; write it again")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(names):
            raise TableError(f"{source}: row {number} of 'data' does not hold {len(names):,} values; write it again")
    names = clean_names([str(name) for name in names], source)[0]
    return PlainFrame({name: Values([row[i] for row in rows]) for i, name in enumerate(names)}, source)
