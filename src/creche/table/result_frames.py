"""Results as DataFrames of the library that the rows came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from creche._system.forks import check_polars
from creche.table.reading.dataframes import is_frame, is_pandas_frame, is_row

__all__ = ["frame_like"]


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
    if not is_frame(data) or isinstance(data, pl.DataFrame | pl.LazyFrame):
        return frame
    import narwhals as nw

    try:
        library = nw.from_native(data).implementation.to_native_namespace()
        return nw.from_dict({name: frame[name].to_list() for name in frame.columns}, backend=library).to_native()
    except (TypeError, ValueError):  # narwhals does not know it, or cannot make such a frame
        return frame
