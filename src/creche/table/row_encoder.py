"""One observation as inputs of the network, in microseconds: what is done to a table, compiled for each column."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_types import build_rules
from creche.table.encoders.bins import JoinedBins
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.features import FeatureEncoder, prepare_column
from creche.table.encoders.numeric import FAR, NumericEncoder
from creche.table.reading.dataframes import is_row
from creche.table.reading.plain_frame import PlainFrame, is_scalar
from creche.table.reading.read import IN_MEMORY
from creche.table.reading.series import Values
from creche.table.roles import Encoder
from creche.table.table import clean_names
from creche.table.word_columns import numbers_for_missing

__all__ = ["RowEncoder", "may_be_row"]

LAYOUTS_KEPT = 64
CELLS_KEPT = 4096  # of each column, besides one for each category
LARGEST_WHOLE = 2**63
LARGEST_EXACT = 2**53  # every whole number up to this is a float64
LARGEST = float(np.finfo(np.float64).max)
NAN = float("nan")

FLOATS = (float, np.float64)
# Of these types, equal values are the same cell.
REMEMBERED = frozenset({str, int, bool, float, np.float64, np.int64})
# No value of one of these types is an error in a column that the model does not read.
IGNORABLE = frozenset({str, bool, float, np.float64, np.int64, type(None)})


class _LeftToTableError(Exception):
    """The row has to be read as a table: there may be an error in it, or a value that is rare."""


# Takes a cell, and fills the inputs of the row, and the list of the numbers of columns that have bins, with whether
# each is missing and marked.
Writer: TypeAlias = Callable[[Any, list[float], list[tuple[float, bool]]], None]
Reader: TypeAlias = Callable[[Any], float]


def may_be_row(data: Any) -> bool:
    """Whether data look like one observation, such as `RowEncoder.encode` takes."""
    kind = type(data)
    if kind is list:
        return len(data) == 1 and type(data[0]) is dict
    if kind is dict:
        return bool(data) and is_scalar(next(iter(data.values())))
    if not kind.__module__.startswith("pandas"):
        return False
    if hasattr(kind, "columns"):  # asked of the type: an object of pandas would look for it among its own names
        return len(data) == 1
    return hasattr(kind, "factorize") and hasattr(kind, "index")


class RowEncoder:
    """Encodes single observations with the bits of `FeatureEncoder.transform`.

    Each column becomes a function that writes the inputs of a cell. What the type and size of a value do not tell is
    computed as for a table of that one cell, and remembered. All errors are left to the table.

    Parameters
    ----------
    features : FeatureEncoder
        Those of a table: its columns have names.
    precision : {"float32", "float64"}

    """

    def __init__(self, features: FeatureEncoder, precision: str) -> None:
        self._names = features.names
        self._dtype = np.dtype(precision)
        self._template = [0.0] * features.width
        self._layouts: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._index: Any = None  # of the last row of pandas, and the names in it
        self._index_names: tuple[str, ...] = ()
        limit = float(np.finfo(self._dtype).max)
        places = list(zip(features.columns, features.positions, strict=True))
        writers = [_compile_column(features, encoder, position, limit) for encoder, position in places]
        self._writers = list(zip(features.names, writers, strict=True))
        binned = [
            (encoder.bins, position + 1)
            for encoder, position in places
            if isinstance(encoder, NumericEncoder) and encoder.bins is not None
        ]
        self._bins = (
            JoinedBins.of([bins for bins, _ in binned], range(len(binned)), [begin for _, begin in binned])
            if binned
            else None
        )

    def encode(self, data: Any) -> NDArray[Any] | None:
        """Return the inputs of an observation, (1, inputs); None if it has to be read as a table.

        Parameters
        ----------
        data
            What `may_be_row`: a dict of cells, a list of one such dict, a row of a pandas DataFrame or a DataFrame of
            one row.

        """
        cells = data[0] if type(data) is list else data
        try:
            if type(cells) is dict:
                return self._encode_cells(tuple(cells), cells)
            return self._encode_pandas(data)
        except _LeftToTableError:
            return None

    def _encode_pandas(self, data: Any) -> NDArray[Any] | None:
        is_frame = hasattr(type(data), "columns")
        if is_frame and not all(map(_has_plain_cells, data.dtypes.tolist())):
            return None
        row = data.iloc[0] if is_frame else data
        index = row.index
        # Rows of one DataFrame share their index; comparing it is much faster than listing its names.
        if self._index is None or not (index.is_(self._index) or index.equals(self._index)):
            if not is_row(row):
                return None
            self._index, self._index_names = index, tuple(index)
        cells = row.tolist()
        if is_frame and row.dtype.kind == "f" and any(abs(cell) >= LARGEST_EXACT for cell in cells):
            return None  # whole numbers became floats with the others
        names = self._index_names
        return self._encode_cells(names, dict(zip(names, cells, strict=True)))

    def _encode_cells(self, names: tuple[Any, ...], cells: dict[Any, Any]) -> NDArray[Any]:
        ignored = self._layouts.get(names)
        for name in self._find_ignored(names) if ignored is None else ignored:
            _check_ignored(cells[name])
        inputs: list[float] = self._template.copy()
        binned: list[tuple[float, bool]] = []
        for name, write in self._writers:
            write(cells[name], inputs, binned)
        out = np.array(inputs, dtype=self._dtype, ndmin=2)
        if self._bins is not None:
            numbers, gaps = zip(*binned, strict=True)
            self._bins.write(np.array(numbers)[:, np.newaxis], np.array(gaps)[:, np.newaxis], out)
        return out

    def _find_ignored(self, names: tuple[Any, ...]) -> tuple[str, ...]:
        """Return the names of the columns that the model does not read, if all others are its own."""
        if not all(type(name) is str for name in names) or not set(self._names).issubset(names):
            raise _LeftToTableError
        try:
            cleaned, unnamed, _ = clean_names(names, IN_MEMORY)
        except TableError as error:
            raise _LeftToTableError from error
        if tuple(cleaned) != names or unnamed:
            raise _LeftToTableError
        ignored = tuple(name for name in names if name not in self._names)
        if len(self._layouts) < LAYOUTS_KEPT:
            self._layouts[names] = ignored
        return ignored


def _has_plain_cells(dtype: Any) -> bool:
    """Whether cells of a column of pandas mean what they mean in a row; categories are words even if they are numbers.

    Strings of pandas are read as such.
    """
    return dtype.kind in "bifO" if isinstance(dtype, np.dtype) else str(dtype) in ("str", "string")


def _check_ignored(cell: Any) -> None:
    if type(cell) not in IGNORABLE and not (type(cell) is int and -LARGEST_WHOLE <= cell < LARGEST_WHOLE):
        raise _LeftToTableError


def _compile_column(features: FeatureEncoder, encoder: Encoder, position: int, limit: float) -> Writer:
    """Return the function that writes the inputs of a cell of a column, beginning at this position."""
    if isinstance(encoder, NumericEncoder) and not encoder.references:
        return _compile_number(encoder, position, limit, _compile_reader(features, encoder))
    return _compile_remembered(features, encoder, position, limit)


def _compile_number(encoder: NumericEncoder, position: int, limit: float, read: Reader) -> Writer:
    center, scale, fill, is_clipped = encoder.center, encoder.scale, encoder.fill, encoder.clipped
    mark = position + encoder.width - 1 if encoder.marked else 0
    is_marked, has_bins = encoder.marked, encoder.bins is not None

    def write(cell: Any, inputs: list[float], binned: list[tuple[float, bool]]) -> None:
        value = read(cell)
        is_missing = value != value
        if is_missing:
            value = fill
            if is_marked:
                inputs[mark] = 1.0
        scaled = (value - center) / scale
        if is_clipped:
            # As `clip_smoothly` does, which takes arrays.
            scaled = min(max(scaled, -FAR), FAR)
            third = scaled / 3
            scaled /= math.sqrt(1 + third * third)
        if not -limit < scaled < limit:
            raise _LeftToTableError
        inputs[position] = scaled
        if has_bins:
            binned.append((value, is_missing and is_marked))

    return write


def _compile_reader(features: FeatureEncoder, encoder: NumericEncoder) -> Reader:
    """Return the function from a cell of a column of numbers to the number, NaN if it is missing."""
    format = features.formats.get(encoder.name)
    gaps = frozenset(numbers_for_missing(() if format is None else format.missing))
    is_boolean = encoder.kind == "boolean"

    def read(cell: Any) -> float:
        kind = type(cell)
        if kind in FLOATS:
            value = float(cell)
            if value != value:
                return value
        elif kind is int:
            if not -LARGEST_WHOLE <= cell < LARGEST_WHOLE:
                raise _LeftToTableError
            value = float(cell)
        elif cell is None:
            return NAN
        elif kind is bool:
            return float(cell)
        else:
            return float(_prepare_cell(features, encoder, cell)[0])
        if value in gaps:
            return NAN
        if (is_boolean and value not in (0.0, 1.0)) or not -LARGEST <= value <= LARGEST:
            raise _LeftToTableError
        return value

    return read


def _compile_remembered(features: FeatureEncoder, encoder: Encoder, position: int, limit: float) -> Writer:
    """Return the function for a column that the encoder itself encodes; what it makes of a cell is kept."""
    known: dict[Any, tuple[tuple[int, float], ...]] = {}
    are_numbers = isinstance(encoder, NumericEncoder)  # which hardly recur
    most = CELLS_KEPT + (len(encoder.categories) if isinstance(encoder, CategoricalEncoder) else 0)

    def write(cell: Any, inputs: list[float], binned: list[tuple[float, bool]]) -> None:
        kind = type(cell)
        key: Any = None
        if kind is str:
            key = cell
        elif cell is not None and not (kind in FLOATS and cell != cell):
            key = kind, cell  # True equals 1, and 1.0 does
        if key is not None and (are_numbers or kind not in REMEMBERED):
            found = _encode_cell(features, encoder, position, limit, cell)
        elif (kept := known.get(key)) is not None:
            found = kept
        else:
            found = _encode_cell(features, encoder, position, limit, cell)
            if len(known) < most:
                known[key] = found
        for place, value in found:
            inputs[place] = value

    return write


def _encode_cell(
    features: FeatureEncoder, encoder: Encoder, position: int, limit: float, cell: Any
) -> tuple[tuple[int, float], ...]:
    """Return the inputs of a cell that are not 0, with their positions."""
    out = np.zeros((1, encoder.width))
    encoder.write(_prepare_cell(features, encoder, cell), out)
    values = out[0].tolist()
    if not all(-limit < value < limit for value in values):
        raise _LeftToTableError
    return tuple((position + i, value) for i, value in enumerate(values) if value or math.copysign(1, value) < 0)


def _prepare_cell(features: FeatureEncoder, encoder: Encoder, cell: Any) -> NDArray[Any]:
    """Return what a table of this one cell holds, as the encoder takes it."""
    if not is_scalar(cell):
        raise _LeftToTableError
    try:
        rules = build_rules({encoder.name: features.expected[encoder.name]})
        return prepare_column(PlainFrame({encoder.name: Values([cell])}, IN_MEMORY).to_table(rules), encoder)
    except TableError as error:
        raise _LeftToTableError from error
