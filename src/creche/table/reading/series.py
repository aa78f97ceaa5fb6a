"""Arrays, lists of Python objects and pandas Series as columns of a table, without Polars.

Polars takes long to import, and cannot be used in a forked process whose parent has used it.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_types import ColumnContext, Rule, missing_column
from creche.table.table import Column

__all__ = [
    "Values",
    "column_by_type",
    "column_of_values",
    "fill_masked",
    "is_missing",
    "nested_error",
    "values_from_pandas",
]

NONE = frozenset({type(None)})
FEW = 16  # values, so few that looking for equal ones takes longer than reading each

CONTAINERS = (list, tuple, dict, set, frozenset, bytes, bytearray, memoryview, Mapping)

LARGEST_EXACT_FLOAT = 2**53  # above it, float64 skips whole numbers


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """The values of a column, before it is known as which kind they are read.

    Attributes
    ----------
    distinct : array of numbers, booleans, datetimes or durations, maybe masked; or list of Python objects
        The values, each at least once.
    codes : (n,) int array, optional
        Row i holds ``distinct[codes[i]]``, and -1 is a missing value; by default, row i holds ``distinct[i]``.
    are_cells : bool, default False
        Whether words that look like numbers are numbers, as in a CSV file.
    types : set of type, optional
        The types of `distinct`, a list, if its maker knows them.

    """

    distinct: NDArray[Any] | list[Any]
    codes: NDArray[np.int64] | None = None
    are_cells: bool = False
    types: frozenset[type] | None = None

    def __len__(self) -> int:
        return len(self.distinct if self.codes is None else self.codes)

    def take(self, rows: slice) -> Values:
        """Return the values of these rows."""
        if self.codes is not None:
            return Values(self.distinct, self.codes[rows], self.are_cells)
        return Values(self.distinct[rows], None, self.are_cells)

    def to_objects(self) -> list[Any]:
        """Return the value of each row as a Python object, None where it is missing."""
        distinct = self.distinct if isinstance(self.distinct, list) else self.distinct.tolist()
        if self.codes is None:
            return distinct
        return [None if code < 0 else distinct[code] for code in self.codes.tolist()]

    def find_types(self) -> frozenset[type]:
        """Return the types of `distinct`, a list."""
        return frozenset(map(type, self.distinct)) if self.types is None else self.types


def column_of_values(values: Values, rule: Rule, context: ColumnContext) -> Column:
    """Return the column of these values by their type; of words without loss of a digit, if the rule asks for words.

    Raises
    ------
    TableError
        If a value is a list or another container.

    """
    if rule.kind == "words":
        text = _text_of_large_numbers(values)
        if text is not None:
            return text
    return column_by_type(values, context)


def column_by_type(values: Values, context: ColumnContext) -> Column:
    """Return the column of the kind that the type of its values implies; words stay words.

    Raises
    ------
    TableError
        If a value is a list or another container, or a complex number.

    """
    if isinstance(values.distinct, list):
        plain = _column_from_plain(values.distinct, values.find_types(), context)
        column = _column_from_objects(values.distinct, context) if plain is None else plain
    else:
        column = _column_from_array(values.distinct, context)
    return column if values.codes is None else _spread(column, values.codes)


def fill_masked(values: Any) -> NDArray[Any]:
    """Return an array in which masked values are missing ones: NaN, NaT or None."""
    array = np.asarray(values)
    if not isinstance(values, np.ma.MaskedArray) or not np.ma.is_masked(values):
        return array
    missing = {"f": np.nan, "m": "NaT", "M": "NaT"}.get(array.dtype.kind)
    plain = array.copy() if missing is not None else array.astype(object)
    plain[np.ma.getmaskarray(values)] = missing
    return plain


def values_from_pandas(series: Any) -> Values:
    """Return the values of a pandas Series, each distinct object once."""
    dtype = series.dtype
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        return Values(list(series))
    if kind in "biuf" and not hasattr(dtype, "categories"):
        if isinstance(dtype, np.dtype):
            return Values(series.to_numpy())
        missing = series.isna().to_numpy(dtype=bool)
        plain = {"b": np.bool_, "i": np.int64, "u": np.uint64, "f": np.float64}[kind]
        filled = series.fillna(False if kind == "b" else 0).to_numpy(dtype=plain)
        return Values(np.ma.array(filled, mask=missing) if missing.any() else filled)
    if kind == "M":
        zone = getattr(dtype, "tz", None) or getattr(getattr(dtype, "pyarrow_dtype", None), "tz", None)
        plain_series = series.dt.tz_convert("UTC").dt.tz_localize(None) if zone is not None else series
        if getattr(dtype, "pyarrow_dtype", None) is not None:  # its conversion fails on dates with gaps
            return Values(list(plain_series))
        return Values(plain_series.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return Values(series.to_numpy(dtype="timedelta64[us]"))
    if str(dtype).startswith("period["):
        return Values(series.dt.to_timestamp().to_numpy())
    if hasattr(dtype, "categories"):  # categories stay such, even if they are numbers
        categories = [None if is_missing(value) else _to_word(value) for value in dtype.categories]
        return Values(categories, np.asarray(series.cat.codes, dtype=np.int64))
    if len(series) <= FEW:
        return Values(list(series))
    try:
        codes, distinct = series.factorize()
    except (TypeError, ValueError, NotImplementedError):  # values that cannot be hashed, such as lists
        return Values(list(series))
    return Values(list(distinct), np.asarray(codes, dtype=np.int64))


def is_missing(value: object) -> bool:
    """Whether a Python object stands for a missing value: None, NaN, NaT or pandas' NA."""
    try:
        return value is None or bool(value != value)  # only NaN and NaT differ from themselves
    except (TypeError, ValueError):  # pandas' NA has no truth value, and neither has an array
        return not hasattr(value, "__array__")


def nested_error(source: str, name: str, what: str) -> TableError:
    """Return the error about a column whose cells hold several values each."""
    return TableError(
        f"{source}: column {name!r} holds {what}; needs one value per cell: leave the column out, or split it into "
        "several columns"
    )


def _column_from_array(array: NDArray[Any], context: ColumnContext) -> Column:
    kind, is_masked = array.dtype.kind, bool(np.ma.is_masked(array))
    fits = kind == "i" or (kind == "u" and bool(np.ma.filled(array, 0).max(initial=0) < 2**63))
    if kind in "Mmf":
        plain = fill_masked(array)
    else:
        plain = np.ma.filled(array.astype(np.float64), np.nan) if is_masked else np.asarray(array)
    if kind == "M":
        return Column("datetime", plain.astype("datetime64[us]"))
    if kind == "m":
        return Column("number", _to_seconds(plain))
    if fits and not is_masked:
        return Column("whole", plain.astype(np.int64, copy=False))
    return Column("boolean" if kind == "b" else "whole" if fits else "number", plain.astype(np.float64, copy=False))


def _column_from_objects(values: Sequence[Any], context: ColumnContext) -> Column:
    missing = np.array([is_missing(value) for value in values], dtype=np.bool_)
    present = [value for value, absent in zip(values, missing.tolist(), strict=True) if not absent]
    types = set(map(type, present))
    nested = next((value for value in present if _is_nested(value)), None) if _may_nest(types) else None
    if nested is not None:
        if isinstance(nested, bytes | bytearray | memoryview):
            raise TableError(
                f"{context.source}: column {context.name!r} holds bytes; needs text: decode it with its encoding"
            )
        what = f"a {type(nested).__name__}, such as {str(nested)[:40]}"
        raise nested_error(context.source, context.name, what)
    if not present:
        return missing_column("number", len(values))
    if all(issubclass(kind, bool | np.bool_) for kind in types):
        return Column("boolean", _fill([float(value) for value in present], missing))
    if not any(issubclass(kind, bool | np.bool_) for kind in types):
        if all(issubclass(kind, numbers.Integral) for kind in types) and _fit_int64(present):
            whole = [int(value) for value in present]
            return Column("whole", _fill(whole, missing) if missing.any() else np.array(whole, dtype=np.int64))
        if all(issubclass(kind, numbers.Real | decimal.Decimal) for kind in types):
            return Column("number", _fill([_to_float(value) for value in present], missing))
        if all(issubclass(kind, datetime.timedelta | np.timedelta64) for kind in types):
            return Column("number", _fill(_to_seconds(np.array(present, dtype="timedelta64[us]")), missing))
        if all(issubclass(kind, datetime.date | np.datetime64) for kind in types):
            moments = np.full(len(values), "NaT", dtype="datetime64[us]")
            moments[~missing] = np.array([_to_utc(value) for value in present], dtype="datetime64[us]")
            return Column("datetime", moments)
        if all(issubclass(kind, numbers.Complex | decimal.Decimal) for kind in types):
            raise _complex_error(context)
    return _column_from_text(values, missing, _to_word, context)


def _column_from_plain(values: Sequence[Any], found: frozenset[type], context: ColumnContext) -> Column | None:
    """Return the column of values of Python's own types, as JSON has them, without looking at each; else None."""
    types = found - NONE
    has_missing = len(types) < len(found)
    if types == {str}:
        return _column_from_text(values, None, str, context)
    if types == {bool}:
        return Column("boolean", np.array(values, dtype=np.float64))
    if not types or not types <= {int, float}:
        return None
    try:
        if types == {int} and not has_missing:
            return Column("whole", np.array(values, dtype=np.int64))
        array = np.array(values, dtype=np.float64)  # None becomes NaN
    except OverflowError:
        return None
    if types == {int}:
        return Column("whole", array) if np.nanmax(np.abs(array)) < 2**63 else None
    return Column("number", array)


def _column_from_text(
    values: Sequence[Any], missing: NDArray[np.bool_] | None, to_text: Callable[[Any], str], context: ColumnContext
) -> Column:
    """Return a column of words; without `missing`, the values are strings, and None where one is missing."""
    index: dict[str, int] = {}
    codes: Iterable[int]
    if missing is None:
        index = {word: code for code, word in enumerate(word for word in dict.fromkeys(values) if word is not None)}
        known: dict[Any, int] = {**index, None: -1}
        codes = map(known.__getitem__, values)
    else:
        codes = (
            -1 if absent else index.setdefault(to_text(value), len(index))
            for value, absent in zip(values, missing.tolist(), strict=True)
        )
    array = np.fromiter(codes, np.int32, len(values))
    for word in index:
        if not word.isascii():
            _check_unicode(word, context)
    return Column("words", array, tuple(index))


def _check_unicode(word: str, context: ColumnContext) -> None:
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise TableError(
            f"{context.source}: column {context.name!r} holds {word[:60]!r}, which is not valid Unicode; decode it "
            "with the encoding in which it was written"
        ) from error


def _spread(column: Column, codes: NDArray[np.int64]) -> Column:
    """Return the column whose row i is row ``codes[i]`` of this one; -1 is a missing value."""
    if not (codes < 0).any():
        return column.take(codes)
    values = column.values.astype(np.float64) if column.kind == "whole" else column.values
    absent = missing_column(column.kind, 1).values.astype(values.dtype)
    return Column(column.kind, np.append(values, absent)[codes], column.words)


def _text_of_large_numbers(values: Values) -> Column | None:
    """Return whole numbers that a column would round as words; None if there are none."""
    if isinstance(values.distinct, list):
        if not any(issubclass(kind, numbers.Integral) for kind in values.find_types()):
            return None
        present = [value for value in values.distinct if not is_missing(value)]
        if not present or not all(isinstance(v, numbers.Integral) and not isinstance(v, bool) for v in present):
            return None
        low, high = int(min(present)), int(max(present))
        has_missing = len(present) < len(values.distinct)
    elif values.distinct.dtype.kind in "iu" and values.distinct.size and not np.ma.getmaskarray(values.distinct).all():
        low, high = int(values.distinct.min()), int(values.distinct.max())
        has_missing = bool(np.ma.is_masked(values.distinct))
    else:
        return None
    has_missing = has_missing or (values.codes is not None and bool((values.codes < 0).any()))
    if _keeps_exactly(low, high, has_missing):
        return None
    objects = values.distinct if isinstance(values.distinct, list) else values.distinct.tolist()
    missing = np.array([is_missing(value) for value in objects], dtype=np.bool_)
    column = _column_from_text(objects, missing, str, ColumnContext("", ""))
    return column if values.codes is None else _spread(column, values.codes)


def _keeps_exactly(low: int, high: int, has_missing: bool) -> bool:
    """Whether a column keeps whole numbers in this range exactly: as int64, or as float64 if some are missing."""
    bound = LARGEST_EXACT_FLOAT if has_missing else 2**63 - 1
    return -bound <= low and high <= bound


def _may_nest(types: set[type]) -> bool:
    return any(issubclass(kind, CONTAINERS) or hasattr(kind, "__array__") for kind in types)


def _is_nested(value: Any) -> bool:
    return isinstance(value, CONTAINERS) or (hasattr(value, "__array__") and bool(getattr(value, "shape", None)))


def _fit_int64(values: Sequence[Any]) -> bool:
    return all(-(2**63) <= int(value) < 2**63 for value in values)


def _fill(values: Any, missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return all rows as floats: the values in order, and NaN where one is missing."""
    out = np.full(len(missing), np.nan)
    out[~missing] = values
    return out


def _to_seconds(durations: NDArray[Any]) -> NDArray[np.float64]:
    seconds = durations.astype("timedelta64[us]").astype(np.float64) / 1_000_000
    return np.asarray(np.where(np.isnat(durations), np.nan, seconds))


def _to_utc(value: Any) -> Any:
    """Return a date or datetime as one without a zone, in UTC."""
    if isinstance(value, np.datetime64) or getattr(value, "tzinfo", None) is None:
        return value
    return value.astimezone(datetime.UTC).replace(tzinfo=None)


def _to_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _complex_error(context: ColumnContext) -> TableError:
    return TableError(f"{context.source}: column {context.name!r} holds complex numbers; needs real numbers")
