"""scikit-learn's ColumnTransformer with the defaults of Creche's encoder, returning one dense float32 matrix."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

INFREQUENT, MAX_CATEGORIES = 5, 32


def column_transformer(columns: dict[str, list[str]]) -> ColumnTransformer:
    """Build a transformer for columns by role: numeric, boolean, categorical, datetime.

    Every part returns float32, so that nothing wider is concatenated and converted.
    """
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=INFREQUENT, max_categories=MAX_CATEGORIES + 1,
        sparse_output=False, dtype=np.float32,
    )  # fmt: skip
    numbers = [*columns["numeric"], *columns["boolean"]]
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler(), FunctionTransformer(_float32)), numbers),
            ("marks", make_pipeline(MissingIndicator(), FunctionTransformer(_float32)), numbers),
            ("categories", one_hot, columns["categorical"]),
            ("circles", FunctionTransformer(_circles), columns["datetime"]),
            ("years", make_pipeline(FunctionTransformer(_years), StandardScaler(copy=False)), columns["datetime"]),
        ],
        sparse_threshold=0,
    )


def _float32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _circles(dates: pd.DataFrame) -> np.ndarray:
    out = []
    for name in dates:
        moments = dates[name].dt
        for part, period in ((moments.month, 12), (moments.weekday, 7), (moments.hour, 24)):
            angle = 2 * np.pi / period * (part.to_numpy() - (period == 12))
            out += [np.sin(angle), np.cos(angle)]
    return np.column_stack(out).astype(np.float32)


def _years(dates: pd.DataFrame) -> np.ndarray:
    parts = [part for name in dates for part in (dates[name].dt.year, dates[name].dt.day)]
    return np.column_stack(parts).astype(np.float32)
