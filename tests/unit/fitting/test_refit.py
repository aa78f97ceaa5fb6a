"""Networks of a single split learn all rows in the end: compared with runs that the engine trains one by one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.engine.native import Rows, new_run
from creche.fitting import assemble
from creche.model.fitted import FittedModel
from creche.table.labels import encode_classes
from creche.table.prepare import encode_features
from creche.table.reading.read import read_table

ROWS = 120


@pytest.fixture(scope="module")
def days() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 2))
    return pl.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "day": np.cumsum(rng.random(ROWS)),
            "y": np.where(x[:, 0] + x[:, 1] > 0, "up", "down"),
        }
    )


@pytest.fixture(scope="module")
def model(days: pl.DataFrame) -> FittedModel:
    return cr.fit(days, label="y", time="day", effort="fast", threads=1)


def test_each_network_is_that_of_a_run_on_all_rows(model: FittedModel, days: pl.DataFrame) -> None:
    assert model.record.refitted
    assert model.record.judged_rows < ROWS
    kept = sorted((each for each in model.record.tried if each.weight > 0), key=lambda each: each.number)
    assert len(kept) == len(model.models)
    for each, network in zip(kept, model.models, strict=True):
        x = encode_features(network.features, read_table(days), "float32")
        assert model.classes is not None
        rows = Rows(x, encode_classes(days["y"].to_numpy(), model.classes, "y"), None)
        run = new_run(network.plan, rows, None, 1)
        run.run(steps=-1, epochs=each.epoch, seconds=-1.0, poll=lambda: False)
        assert list(run.parameters()) == list(network.parameters)
        for name, array in run.parameters().items():
            assert (array == network.parameters[name]).all()


def test_it_is_verified_and_saved(model: FittedModel, days: pl.DataFrame, tmp_path: object) -> None:
    path = f"{tmp_path}/days.creche"
    model.save(path)
    loaded = cr.load(path)
    assert isinstance(loaded, FittedModel)
    assert loaded.record.refitted
    assert cr.verify(loaded, days, threads=2).same


def test_ctrl_c_while_refitting_keeps_the_networks_of_the_split(
    days: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assemble, "refit", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        cr.fit(days, label="y", time="day", effort="fast", threads=1)
    kept: FittedModel = caught.value.model  # type: ignore[attr-defined]
    assert (kept.record.status, kept.record.refitted) == ("interrupted", False)
    monkeypatch.undo()
    assert cr.verify(kept, days, threads=1).same


def test_folds_are_not_refitted() -> None:
    assert not cr.fit("penguins", label="species", effort="fast", threads=1).record.refitted
