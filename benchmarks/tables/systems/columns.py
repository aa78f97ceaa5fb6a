"""The inputs as the libraries take them: dates as days, words as categories or text, numbers filled."""

import numpy as np
import pandas as pd

from benchmarks.tables.sources import is_text


def number_dates(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return the inputs with each date as its number of days since 1970."""
    dates = [name for name in inputs if pd.api.types.is_datetime64_any_dtype(inputs[name])]
    days = {name: (inputs[name] - pd.Timestamp(0)) / pd.Timedelta(days=1) for name in dates}
    return inputs.assign(**days)


def words_of(inputs: pd.DataFrame) -> list[str]:
    """Return the names of the columns of words."""
    return [name for name in inputs if is_text(inputs[name])]


class Categories:
    """Words as pandas categories, those of the training rows; others are missing. Columns are named x0, x1, ...

    LightGBM and XGBoost refuse some characters in names.
    """

    def __init__(self, inputs: pd.DataFrame) -> None:
        self.types = {name: pd.CategoricalDtype(sorted(inputs[name].dropna().unique())) for name in words_of(inputs)}

    def apply(self, inputs: pd.DataFrame) -> pd.DataFrame:
        frame = number_dates(inputs).astype(self.types)
        return frame.set_axis([f"x{place}" for place in range(frame.shape[1])], axis="columns")


class FilledNumbers:
    """Numbers with the training mean where they are missing, and a column of words that tells where they were."""

    def __init__(self, inputs: pd.DataFrame) -> None:
        numbers = number_dates(inputs).drop(columns=words_of(inputs))
        self.means = numbers.mean().fillna(0.0)
        self.with_missing = [name for name in numbers if numbers[name].isna().any()]

    def apply(self, inputs: pd.DataFrame) -> pd.DataFrame:
        frame = number_dates(inputs)
        marks = {f"{name} is missing": np.where(frame[name].isna(), "yes", "no") for name in self.with_missing}
        filled = {name: frame[name].astype(float).fillna(mean) for name, mean in self.means.items()}
        words = {name: frame[name].astype(object).where(frame[name].notna(), "missing") for name in words_of(frame)}
        return frame.assign(**filled, **words, **marks)
