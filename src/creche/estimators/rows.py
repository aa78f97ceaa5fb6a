"""What scikit-learn hands to an estimator, as Creche takes it: DataFrames as they are, all else as an array."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
from sklearn.utils.validation import validate_data

from creche.table.names import checked_names

__all__ = ["checked_rows", "is_frame", "precision_of"]

PRECISIONS = [np.float64, np.float32]


def is_frame(X: object) -> bool:
    """Whether its columns have names: a DataFrame of any library, unless the names are numbers."""
    if not nw.dependencies.is_into_dataframe(X):
        return False
    names = _names(X)
    if not all(isinstance(name, str) for name in names):
        return False
    checked_names(names, "X")
    return True


def _names(X: Any) -> list[Any]:
    """Of its columns, as its library has them: narwhals takes no repeated ones, and does not say where they stand."""
    if nw.dependencies.is_pandas_like_dataframe(X):
        return list(X.columns)
    return list(X.column_names if nw.dependencies.is_pyarrow_table(X) else nw.from_native(X, eager_only=True).columns)


def checked_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """X, with scikit-learn's checks of its shape and of the names and the number of its features.

    A DataFrame keeps words, dates and missing values, which its encoder knows how to take. An array must be finite.

    Parameters
    ----------
    estimator : BaseEstimator
    X : DataFrame, lazy frame of Polars, or array-like (n, d)
    reset : bool
        Whether the features may be others than those of the last fit.

    Returns
    -------
    DataFrame or (n, d) array of float32 or float64

    Raises
    ------
    ValueError
        If they are not such rows, or two columns have one name.

    """
    if nw.dependencies.is_polars_lazyframe(X):
        X = X.collect()
    named = not reset and hasattr(estimator, "feature_names_in_")
    if is_frame(X) and (reset or named):
        return validate_data(estimator, X, skip_check_array=True, reset=reset)
    words = named and isinstance(X, np.ndarray) and X.dtype.kind == "O"
    x = validate_data(estimator, X, dtype=None if words else PRECISIONS, reset=reset)
    return _frame(x, estimator.feature_names_in_) if named else x


def _frame(x: Any, names: Any) -> Any:
    """An array's columns under the names a table had in training: inspection tools pass arrays on."""
    import polars as pl

    columns = (column.tolist() if x.dtype == object else np.ascontiguousarray(column) for column in x.T)
    return pl.DataFrame([pl.Series(name, column) for name, column in zip(names, columns, strict=True)])


def precision_of(x: Any) -> str:
    """scikit-learn computes in the precision of its input; so do the estimators."""
    return "float32" if getattr(x, "dtype", None) == np.float32 else "float64"
