"""Rows that other processes predict have the bits of those predicted here, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.model import elsewhere, predict_file
from creche.model.model import Model

ROWS = 50  # of a block: the penguins are seven of them


class LastFirst:
    """An executor that carries out what was submitted last, whenever it is asked whether something is done."""

    _max_workers = 2

    def __init__(self) -> None:
        self.waiting: list[Job] = []
        self.most = 0

    def submit(self, function: Any, *arguments: Any) -> Job:
        self.waiting.append(Job(self, function, arguments))
        self.most = max(self.most, len(self.waiting))
        return self.waiting[-1]


class Job:
    def __init__(self, executor: LastFirst, function: Any, arguments: Any) -> None:
        self.executor, self.function, self.arguments = executor, function, arguments
        self.results: list[Any] = []

    def done(self) -> bool:
        if self.executor.waiting:
            last = self.executor.waiting.pop()
            last.results.append(last.function(*last.arguments))
        return bool(self.results)

    def result(self) -> Any:
        return self.results[0]

    def cancel(self) -> None:
        pass


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def model() -> Model:
    return cr.train("penguins", label="species", hidden=[5], epochs=3, threads=1).model


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "ROWS_OF_BLOCK", ROWS)
    monkeypatch.setattr(predict_file, "ROWS_AT_A_TIME", ROWS)


def predict_to(path: Path, model: Any, data: Any = "penguins", **arguments: Any) -> bytes:
    assert cr.predict_file(model, data, path, **arguments).rows == 344
    return path.read_bytes()


def test_a_file_is_written_in_its_order(model: Model, tmp_path: Path) -> None:
    expected = predict_to(tmp_path / "here.csv", model)
    done: list[int] = []
    assert predict_to(tmp_path / "there.csv", model, cluster=LastFirst(), on_progress=done.append) == expected
    assert done == [50, 100, 150, 200, 250, 300, 344]


def test_tables_frames_and_single_rows(model: Model, pool: ThreadPoolExecutor) -> None:
    penguins = cr.datasets.penguins()
    expected = model.predict_proba(penguins)
    for data in ("penguins", penguins, penguins.to_dict(as_series=False)):
        assert model.predict_proba(data, cluster=pool).tobytes() == expected.tobytes()
    assert model.predict(penguins, cluster=pool).tolist() == model.predict(penguins).tolist()
    frame = model.predict_proba(penguins.to_pandas(), as_frame=True, cluster=pool)
    assert frame.to_numpy().tobytes() == expected.tobytes()
    row = penguins.row(3, named=True)
    assert model.predict_proba(row, cluster=pool).tobytes() == model.predict_proba(row).tobytes()
    none = penguins.head(0)
    assert model.predict_proba(none, cluster=pool).shape == model.predict_proba(none).shape


def test_models_of_arrays_name_the_row_of_the_array(pool: ThreadPoolExecutor) -> None:
    x = np.random.default_rng(0).normal(size=(130, 3)).astype(np.float32)
    model = cr.train(x, x @ np.ones(3), hidden=[4], activation="relu", epochs=2, threads=1).model
    assert model.predict(x, cluster=pool).tobytes() == model.predict(x).tobytes()
    with pytest.raises(cr.TableError, match="X: has 2 columns; the network was trained on 3"):
        model.predict(x[:, :2], cluster=pool)
    x[110] = 3e38
    with pytest.raises(cr.TableError) as here:
        model.predict(x)
    with pytest.raises(cr.TableError) as there:
        model.predict(x, cluster=pool)
    assert str(there.value) == str(here.value)
    assert "row 110" in str(there.value)


def test_ensembles_and_several_labels(model: Model, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    other = cr.train("penguins", label="species", hidden=[5], epochs=3, threads=1, seed=1).model
    ensemble = cr.Ensemble([model, other])
    here, there = (predict_to(tmp_path / "out.parquet", ensemble, cluster=each) for each in (None, pool))
    assert there == here  # with the disagreement
    penguins = cr.datasets.penguins().drop_nulls()
    x = penguins.select("bill_length_mm", "bill_depth_mm").to_numpy()
    several = cr.train(x, np.stack([x[:, 0] > 45, x[:, 1] > 17], axis=1), hidden=[3], epochs=2, threads=1).model
    assert several.predict(x, cluster=pool).tolist() == several.predict(x).tolist()


def test_blocks_far_ahead_of_one_that_takes_long_wait_for_it(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "BYTES_AHEAD", 0)
    monkeypatch.setattr(elsewhere, "LEAST_AHEAD", 3)
    monkeypatch.setattr(LastFirst, "_max_workers", 100)
    executor = LastFirst()
    expected = predict_to(tmp_path / "here.csv", model)
    assert predict_to(tmp_path / "there.csv", model, cluster=executor) == expected
    assert executor.most <= 3


def test_errors_are_those_of_this_process_and_leave_no_file(
    model: Model, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    penguins, path = cr.datasets.penguins(), tmp_path / "out.csv"
    with pytest.raises(cr.TableError, match="the table has no column 'island'"):
        cr.predict_file(model, penguins.drop("island"), path, cluster=pool)
    with pytest.raises(cr.PlanError, match="cluster: got int; needs 'auto', an address"):
        cr.predict_file(model, penguins, path, cluster=3)
    assert not path.exists()
    regression = cr.train(penguins.drop_nulls(), label="body_mass_g", epochs=1, threads=1).model
    with pytest.raises(cr.CrecheError, match="predict_proba: the label 'body_mass_g' is a number"):
        regression.predict_proba(penguins, cluster=pool)
