"""Rows that estimators are given: checks of shape, names and types, as scikit-learn makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import narwhals as nw
import numpy as np
from sklearn.utils.validation import validate_data

from creche.errors import TableError
from creche.table.table import clean_names

if TYPE_CHECKING:
    from creche.plan.words import Precision

__all__ = ["is_frame", "matching_precision", "validate_rows"]

FLOATS = [np.float64, np.float32]


def is_frame(X: object) -> bool:
    """Whether X is a DataFrame of any library whose columns have names, rather than numbers."""
    if not nw.dependencies.is_into_dataframe(X):
        return False
    names = _column_names(X)
    if not all(isinstance(name, str) for name in names):
        return False
    _, _, repeated = clean_names(names, "X")
    if repeated:
        first, second, *_ = (i for i, name in enumerate(names, 1) if normalize("NFC", name).strip() == repeated[0])
        raise TableError(f"X: column {repeated[0]!r} occurs twice, as columns {first} and {second}; rename one")
    return True


def _column_names(X: Any) -> list[Any]:
    """Return the names of the columns from the library itself: narwhals refuses repeated ones without naming them."""
    if nw.dependencies.is_pandas_like_dataframe(X):
        return list(X.columns)
    return list(X.column_names if nw.dependencies.is_pyarrow_table(X) else nw.from_native(X, eager_only=True).columns)


def validate_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Check shape, names and number of features as scikit-learn does, and return the rows.

    A DataFrame keeps words, dates and missing values, which its encoder can encode. An array must be finite.

    Parameters
    ----------
    estimator : BaseEstimator
    X : DataFrame, Polars LazyFrame, or array-like (n, d)
    reset : bool
        Whether the features may differ from those of the last fit.

    Returns
    -------
    DataFrame or (n, d) array of float32 or float64

    Raises
    ------
    ValueError
        If X does not hold such rows, or two columns have the same name.

    """
    if nw.dependencies.is_polars_lazyframe(X):
        X = X.collect()
    named = not reset and hasattr(estimator, "feature_names_in_")
    if is_frame(X) and (reset or named):
        return validate_data(estimator, X, skip_check_array=True, reset=reset)
    words = named and isinstance(X, np.ndarray) and X.dtype.kind == "O"
    x = validate_data(estimator, X, dtype=None if words else FLOATS, reset=reset)
    return _as_frame(x, estimator.feature_names_in_) if named else x


def _as_frame(x: Any, names: Any) -> Any:
    """Return a DataFrame of an array, with the names of training: inspection tools pass arrays on."""
    import polars as pl

    columns = (column.tolist() if x.dtype == object else np.ascontiguousarray(column) for column in x.T)
    return pl.DataFrame([pl.Series(name, column) for name, column in zip(names, columns, strict=True)])


def matching_precision(x: Any) -> Precision:
    """Return the precision of the rows, in which the estimators compute, as scikit-learn does."""
    return "float32" if getattr(x, "dtype", None) == np.float32 else "float64"
