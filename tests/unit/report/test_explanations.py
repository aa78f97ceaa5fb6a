"""The section on feature importance, with columns that are hard to explain."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche import explain
from creche.report.explanations import Figures, importance_section
from creche.report.subject import create_subject


class Importance:
    """In place of the real importance, which takes long: earlier columns are more important."""

    def __init__(self, model: cr.Model) -> None:
        self.columns = model.features.names

    def plot(self, axes: Any) -> Any:
        return axes


def test_a_column_without_values_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "permutation_importance", lambda model, x, y: Importance(model))
    rows = np.arange(60)
    table = pl.DataFrame(
        {"seldom": [float(i) if i % 5 == 0 else None for i in rows], "size": rows % 7 * 1.5, "same": [3.5] * 60,
         "word": ["a", "b", "c"] * 20, "y": ["no", "yes"] * 30}
    )  # fmt: skip
    with pytest.warns(cr.errors.CrecheWarning, match="same"):
        model = cr.train(table, label="y", hidden=[3], epochs=2, threads=1).model
    other = table.with_columns(seldom=pl.lit(None, pl.Float64))
    section = str(importance_section(create_subject(model, other), Figures()))
    drawn = [name for name in table.columns if f"as {name} changes" in section]
    assert drawn == ["size", "same", "word"]
