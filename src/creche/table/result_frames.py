"""Results as DataFrames of the library that the rows came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from numpy.typing import NDArray

from creche._displayed import Displayed
from creche._system.forks import check_polars
from creche.table.reading.dataframes import is_pandas_frame, is_row, library_of
from creche.table.table import LIBRARIES, FrameLibrary

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FrameResult", "RowsResult", "frame_like", "frame_method", "library_entry", "polars_frame", "read_library"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FrameResult(Displayed):
    """A result whose tables are DataFrames of the library that its data came in.

    Attributes
    ----------
    library : {"polars", "pandas", "pyarrow", "modin", "cudf"}
        The library; Polars for files and arrays.

    """

    library: FrameLibrary = field(default="polars", kw_only=True, repr=False, compare=False)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RowsResult(FrameResult):
    """A result about rows of the user's data, whose tables have a column "row".

    Attributes
    ----------
    row_labels : pandas.Index, optional
        The index of the data, if they came in a DataFrame of pandas: the tables have the labels of their rows.

    """

    row_labels: Any = field(default=None, kw_only=True, repr=False, compare=False)


class _HasLibrary(Protocol):
    @property
    def library(self) -> FrameLibrary: ...


_Result = TypeVar("_Result", bound=_HasLibrary)


def frame_method(method: Callable[[_Result], pl.DataFrame]) -> Callable[[_Result], Any]:
    """Make a method that returns a Polars DataFrame return one of the library of its result's data.

    Where that library is not installed, as where a model was saved on another computer, it stays one of Polars.
    """

    def frame(self: _Result) -> Any:
        return _convert(method(self), self.library, getattr(self, "row_labels", None))

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(frame, name, getattr(method, name))
    frame.in_polars = method  # type: ignore[attr-defined]
    return frame


def polars_frame(method: Callable[[], Any]) -> pl.DataFrame:
    """Return what a bound `frame_method` returns, as a DataFrame in any case."""
    bound = cast("Any", method)
    return cast("pl.DataFrame", bound.__func__.in_polars(bound.__self__))


def library_entry(library: FrameLibrary) -> dict[str, str]:
    """Return what the plain data of a result say of its library: nothing if it is Polars."""
    return {} if library == "polars" else {"library": library}


def read_library(data: Mapping[str, Any]) -> FrameLibrary:
    """Return the library from the plain data of a result; files of earlier versions name none."""
    name = data.get("library")
    return cast("FrameLibrary", name) if name in LIBRARIES else "polars"


def frame_like(data: Any, columns: Mapping[str, NDArray[Any]]) -> Any:
    """Return columns as a DataFrame of the library of some rows.

    Parameters
    ----------
    data : DataFrame, or other rows
        A DataFrame of pandas gives its index to the result, and a row of one its name; a table of another library that
        narwhals knows gives one of its own kind, a lazy one a DataFrame that is not lazy. All else gives a DataFrame of
        Polars.
    columns : dict of str to (n,) array

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> frame_like(pd.DataFrame({"x": [1, 2]}, index=["a", "b"]), {"y": np.array([0.5, 0.25])})
          y
    a  0.50
    b  0.25

    """
    if is_pandas_frame(data) or is_row(data):
        import pandas as pd

        return pd.DataFrame(dict(columns), index=[data.name] if is_row(data) else data.index)
    check_polars("the result", "leave as_frame out, for an array")
    import polars as pl

    frame = pl.DataFrame(
        {name: values.tolist() if values.dtype == object else values for name, values in columns.items()}
    )
    return _convert(frame, library_of(data))


def _convert(frame: pl.DataFrame, library: FrameLibrary, row_labels: Any = None) -> Any:
    """Return a frame of Polars as one of another library, if that is installed, with labels of rows for pandas."""
    if library == "polars" or find_spec(library) is None:
        return frame
    if library == "pandas":
        import pandas as pd

        has_labels = row_labels is not None and "row" in frame.columns
        index = row_labels.take(frame["row"].to_numpy() - 1) if has_labels else None
        return pd.DataFrame({name: frame[name].to_numpy(writable=True) for name in frame.columns}, index=index)
    if library == "pyarrow":
        return frame.to_arrow()
    import narwhals as nw

    return nw.from_dict({name: frame[name].to_list() for name in frame.columns}, backend=library).to_native()
