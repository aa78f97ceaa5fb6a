"""Tables of very many columns train, and their models are kept and predict the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import creche as cr

N = 12_000
# Of a header: a quarter of the usual ones, so that N columns exceed them.
BYTES, VALUES = 4 * 2**20, 125_000


@pytest.fixture(scope="module")
def genes() -> pd.DataFrame:
    """Return 24 rows of N columns."""
    random = np.random.default_rng(0)
    values = random.normal(size=(24, N))
    frame = pd.DataFrame(values, columns=[f"gene_{i:06d}_counts" for i in range(N)])
    frame["batch"] = np.array(["a", "b", "c"])[np.arange(24) % 3]
    frame["kind"] = np.where(values[:, 0] > 0, "up", "down")
    return frame


@pytest.fixture(scope="module")
def model(genes: pd.DataFrame) -> cr.Model:
    return cr.train(genes, label="kind", hidden=[2], epochs=1, threads=1).model


def test_a_model_of_very_many_columns_is_kept(
    genes: pd.DataFrame, model: cr.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creche._system.strict_json.MAX_BYTES", BYTES)
    for module in ("strict_json", "packed_header"):
        monkeypatch.setattr(f"creche._system.{module}.MAX_VALUES", VALUES)
    as_json = json.dumps(model.to_parts()[0])
    assert len(as_json) > BYTES
    assert as_json.count(",") > VALUES
    model.save(tmp_path / "genes.creche")
    again = cr.load(tmp_path / "genes.creche", threads=1)
    assert isinstance(again, cr.Model)
    assert again.to_parts()[0] == model.to_parts()[0]
    assert again.predict_proba(genes).tobytes() == model.predict_proba(genes).tobytes()


def test_a_wide_row_is_predicted_as_among_others(genes: pd.DataFrame, model: cr.Model) -> None:
    expected = model.predict_proba(genes)
    assert model.predict_proba(genes.iloc[5:6]).tobytes() == expected[5:6].tobytes()
    shuffled = genes.iloc[:, ::-1]
    assert model.predict_proba(shuffled).tobytes() == expected.tobytes()
    by_polars = pl.DataFrame(genes.iloc[:, :N].to_numpy(), schema=list(genes.columns[:N]))
    by_polars = by_polars.with_columns(pl.Series("batch", genes["batch"].to_list()))
    assert model.predict_proba(by_polars).tobytes() == expected.tobytes()


def test_a_wide_table_trains_alike_from_a_frame_and_a_file(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.integers(0, 1000, (40, 1200)) / 8, columns=[f"c{i}" for i in range(1200)])
    frame.iloc[3, 5], frame["kind"] = np.nan, np.array(["a", "b"] * 20)
    frame.to_csv(tmp_path / "wide.csv", index=False)
    runs = [cr.train(data, label="kind", hidden=[3], epochs=2, threads=1) for data in (frame, tmp_path / "wide.csv")]
    assert runs[0].rows.x.tobytes() == runs[1].rows.x.tobytes()
    for (w, b), (v, c) in zip(runs[0].weights, runs[1].weights, strict=True):
        assert (w.tobytes(), b.tobytes()) == (v.tobytes(), c.tobytes())
    runs[1].model.save(tmp_path / "wide.creche")
    verified = cr.verify(tmp_path / "wide.creche", frame, threads=1)
    assert verified.data_same
    assert verified.same


def test_a_checkpoint_of_a_wide_table_is_resumed(genes: pd.DataFrame, tmp_path: Path) -> None:
    some = genes.iloc[:, N - 3000 :]
    run = cr.train(some, label="kind", hidden=[2], epochs=2, threads=1, checkpoint=tmp_path, checkpoint_every=1)
    again = cr.resume(tmp_path, some, threads=1)
    assert again.weights[0][0].tobytes() == run.weights[0][0].tobytes()
