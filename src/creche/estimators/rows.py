"""Rows that estimators are given: checks of shape, names and types, as scikit-learn makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from creche.errors import TableError
from creche.table.table import clean_names

if TYPE_CHECKING:
    from creche.plan.words import Precision

__all__ = ["is_frame", "matching_precision", "validate_rows"]

FLOATS = [np.float64, np.float32]

MISSING_TYPES = ("NAType", "NaTType")  # of pandas, which need not be there


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

    A DataFrame keeps words, dates and missing values, which its encoder can encode. So does an array of objects, or a
    list of rows, with as many columns as the DataFrame of the last fit, or with words among its cells. Another array
    must be finite.

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
    # SHAP sets the names of a copy to None, to be spared the warning that an array has none.
    if is_frame(X) and (reset or getattr(estimator, "feature_names_in_", None) is not None):
        if reset:
            estimator._column_names = _column_names(X)
        return validate_data(estimator, X, skip_check_array=True, reset=reset)
    names = None if reset else getattr(estimator, "_column_names", getattr(estimator, "feature_names_in_", None))
    X = _as_cells(X)
    if reset:
        names = estimator._column_names = _number_columns(X) if _has_words(X) else None
    if names is None:
        return validate_data(estimator, X, dtype=FLOATS, reset=reset)
    is_numeric = isinstance(X, np.ndarray) and X.dtype.kind not in "OUS"
    x = validate_data(
        estimator, X, dtype=FLOATS if is_numeric else None, ensure_all_finite="allow-nan", reset=reset
    )  # fmt: skip
    return _as_frame(x, names)


def _as_cells(X: Any) -> Any:
    """Return a list of rows with words, or a DataFrame without names, as an array of objects.

    numpy would make words of the numbers in such a list, and scikit-learn wants numbers in such a DataFrame.
    """
    if nw.dependencies.is_pandas_dataframe(X):
        cells = X.to_numpy()
        return cells if cells.dtype.kind in "OUS" else X
    if isinstance(X, list | tuple) and X and all(isinstance(row, list | tuple) and len(row) == len(X[0]) for row in X):
        cells = np.array([list(row) for row in X], dtype=object)
        return cells if _has_words(cells) else X
    return X


def _has_words(X: Any) -> bool:
    """Whether an array holds words, at least in some cells."""
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        return False
    return X.dtype.kind == "U" or (X.dtype.kind == "O" and any(isinstance(cell, str) for cell in X.flat))


def _number_columns(X: NDArray[Any]) -> list[str]:
    return [f"x{i}" for i in range(X.shape[1])]


def _as_frame(x: NDArray[Any], names: Sequence[str]) -> Any:
    """Return a DataFrame of an array, with the names of training: inspection tools pass arrays on."""
    import polars as pl

    return pl.DataFrame([_create_series(str(name), column) for name, column in zip(names, x.T, strict=True)])


def _create_series(name: str, column: NDArray[Any]) -> Any:
    import polars as pl

    if column.dtype.kind not in "OU":
        return pl.Series(name, np.ascontiguousarray(column))
    cells = [None if _is_missing(cell) else cell for cell in column.tolist()]
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {int, float, bool} and len(kinds) > 1:
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells])
    if str in kinds and kinds <= {str, int, float, bool}:
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells])
    try:
        return pl.Series(name, cells)
    except (TypeError, pl.exceptions.PolarsError):
        held = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise TableError(f"X: column {name!r} holds {held}; needs words, numbers or dates, of one kind") from None


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, float):
        return cell != cell
    return cell is None or type(cell).__name__ in MISSING_TYPES


def matching_precision(x: Any) -> Precision:
    """Return the precision of the rows, in which the estimators compute, as scikit-learn does."""
    return "float32" if getattr(x, "dtype", None) == np.float32 else "float64"
