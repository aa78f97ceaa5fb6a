"""The importance that a fit measures finds the informative column, and is what shuffling by hand gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.fitting import importance

pytestmark = pytest.mark.usefixtures("tiny_fits")


def table(rows: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    words = rng.choice(["a", "b", "c"], rows)
    noise = rng.standard_normal((rows, 3))
    return pl.DataFrame({"n0": noise[:, 0], "n1": noise[:, 1], "word": words, "n2": noise[:, 2]})


def test_the_one_informative_column_comes_first() -> None:
    data = table()
    model = cr.fit(data, (data["word"] == "b").cast(pl.Int8).to_numpy(), effort="fast", threads=1)
    rises = dict(model.record.importance)
    assert next(iter(rises)) == "word"
    assert set(rises) == {"n0", "n1", "word", "n2"}
    assert rises["word"] > 0.3
    assert max(abs(rises[name]) for name in ("n0", "n1", "n2")) < 0.05


def test_the_rise_of_a_number_is_in_units_of_the_label() -> None:
    data = table()
    y = 1000 * data["n1"].to_numpy()
    rises = cr.fit(data, y, effort="fast", threads=1).record.importance
    assert next(iter(rises)) == "n1"
    assert 300 < rises["n1"] < 1500  # unrelated predictions are off by up to √2 standard deviations


def test_too_wide_tables_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MAX_OPERATIONS", 1e3)
    monkeypatch.setattr(importance, "MAX_SHARE_OF_WORK", 0.0)
    data = table()
    assert cr.fit(data, data["n0"].to_numpy(), effort="fast", threads=1).record.importance == {}
