"""Which rows of a table a step is taken on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.errors import TableError
from creche.explain.batch import Batch

__all__ = ["chosen_places", "taken"]


def chosen_places(rows: Any, count: int) -> NDArray[np.int64]:
    """The places, from 0, that `rows` chooses among so many.

    Parameters
    ----------
    rows : slice, int, sequence of int, boolean mask, or None for all
    count : int

    Raises
    ------
    TableError
        If a row is not there, or none is chosen.

    Examples
    --------
    >>> chosen_places(slice(0, 3), 344).tolist(), chosen_places([5, 2], 344).tolist()
    ([0, 1, 2], [5, 2])

    """
    there_are = f"there are {count:,}, 0 to {count - 1}"
    if rows is None:
        return np.arange(count)
    if isinstance(rows, slice):
        return _of_slice(rows, count, there_are)
    places = np.atleast_1d(np.asarray(rows))
    if places.dtype == np.bool_:
        if places.shape != (count,):
            raise TableError(f"rows: got {places.size:,} times yes or no; needs one for each of the {count:,} rows")
        places = np.flatnonzero(places)
    if places.size == 0:
        raise TableError(f"rows: chooses none; {there_are}")
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise TableError(f"rows: got {rows!r}; needs places of rows, from 0, or a slice such as slice(0, 20)")
    wrong = np.flatnonzero((places < 0) | (places >= count))
    if len(wrong):
        raise TableError(f"rows: there is no row {places[wrong[0]]}; {there_are}")
    return places.astype(np.int64)


def _of_slice(rows: slice, count: int, there_are: str) -> NDArray[np.int64]:
    ends = [end for end in (rows.start, rows.stop, rows.step) if end is not None]
    if not all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in ends) or rows.step == 0:
        raise TableError(f"rows: got {rows!r}; needs whole numbers")
    for end in (rows.start, rows.stop):
        if end is not None and not -count <= end <= count:
            raise TableError(f"rows: {_written(rows)} goes beyond the table, whose {count:,} rows are 0:{count}")
    places = np.arange(count)[rows]
    if len(places) == 0:
        raise TableError(f"rows: {_written(rows)} chooses none; {there_are}")
    return places


def _written(rows: slice) -> str:
    return ":".join("" if end is None else str(end) for end in (rows.start, rows.stop))


def taken(batch: Batch, places: NDArray[np.int64]) -> Batch:
    """These rows of a batch, in this order."""
    rows = batch.rows

    def of(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else np.ascontiguousarray(array[places])

    chosen = Rows(np.ascontiguousarray(rows.x[places]), of(rows.classes), of(rows.targets), of(rows.weights))
    return Batch(batch.observations.take(places), chosen, batch.inputs)
