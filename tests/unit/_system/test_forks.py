"""Real forks of a process that has used Polars: children answer, or say at once that they cannot."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr
from creche.errors import CrecheError

GUARD = 120  # seconds, after which a child that hangs is an error

ROWS = {"x": [0.5, -1.5, 2.0], "city": ["a", "b", "a"]}


def in_a_child(function: Callable[[], Any]) -> Any:
    """Return what a function returns, or the error that it raises, in a child that is forked from this process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        try:
            answer = function()
        except Exception as error:
            answer = error
        sender.send_bytes(pickle.dumps(answer))

    child = context.Process(target=work)
    child.start()
    sender.close()
    try:
        assert receiver.poll(GUARD), "the child hangs"
        return pickle.loads(receiver.recv_bytes())
    finally:
        child.kill()
        child.join()


@pytest.fixture(scope="module")
def model() -> Any:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"x": random.normal(size=80), "city": random.choice(["a", "b", "c"], 80)})
    table["kind"] = np.where(table.x > 0, "up", "down")
    model = cr.train(table, label="kind", hidden=[8], epochs=3, threads=2).model
    pl.Series(["a", "b"]).unique(maintain_order=True)  # Polars starts its threads
    pl.DataFrame(ROWS).lazy().select(pl.col("x").sum()).collect()
    return model


def rows_as(form: str, folder: Path) -> Any:
    if form == "pandas":
        return pd.DataFrame(ROWS)
    if form == "nullable pandas":
        return pd.DataFrame(ROWS).convert_dtypes()
    if form == "categories":
        return pd.DataFrame(ROWS).astype({"city": "category"})
    if form == "records":
        return pd.DataFrame(ROWS).to_dict("records")
    if form == "several frames":
        return [pd.DataFrame(ROWS).head(1), pd.DataFrame(ROWS).tail(2)]
    if form == "json":
        (folder / "rows.json").write_text(pd.DataFrame(ROWS).to_json(orient="records"))
        return folder / "rows.json"
    if form == "excel":
        pd.DataFrame(ROWS).to_excel(folder / "rows.xlsx", index=False)
        return folder / "rows.xlsx"
    if form == "csv":
        pd.DataFrame(ROWS).to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    return ROWS


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    "form",
    ["pandas", "nullable pandas", "categories", "dict", "records", "several frames", "json", "excel", "csv"],
)
def test_predictions_in_a_forked_child(form: str, model: Any, tmp_path: Path) -> None:
    rows = rows_as(form, tmp_path)
    expected = model.predict_proba(rows)
    np.testing.assert_array_equal(in_a_child(lambda: model.predict_proba(rows)), expected)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_training_and_evaluating_in_a_forked_child(model: Any) -> None:
    table = pd.DataFrame({"x": np.linspace(-1, 1, 60), "city": ["a", "b", "c"] * 20, "kind": ["down", "up"] * 30})

    def work() -> Any:
        run = cr.train(table, label="kind", hidden=[4], epochs=2, threads=2)
        return run.model.predict_proba(table), model.evaluate(table, n_resamples=20).accuracy

    probabilities, accuracy = work()
    in_child = in_a_child(work)
    np.testing.assert_array_equal(in_child[0], probabilities)
    assert in_child[1] == accuracy


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("form", ["polars", "lazy", "arrow", "parquet", "ndjson", "predict_file"])
def test_what_needs_polars_says_so_at_once(form: str, model: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS)
    frame.write_parquet(tmp_path / "rows.parquet")
    frame.write_ndjson(tmp_path / "rows.jsonl")
    frame.write_csv(tmp_path / "rows.csv")
    work: dict[str, Callable[[], Any]] = {
        "polars": lambda: model.predict(frame),
        "lazy": lambda: model.predict(frame.lazy()),
        "arrow": lambda: model.predict(pa.table(ROWS)),
        "parquet": lambda: model.predict(tmp_path / "rows.parquet"),
        "ndjson": lambda: model.predict(tmp_path / "rows.jsonl"),
        "predict_file": lambda: cr.predict_file(model, tmp_path / "rows.csv", tmp_path / "out.csv"),
    }
    error = in_a_child(work[form])
    assert isinstance(error, CrecheError)
    assert "needs Polars, whose threads do not survive a fork" in str(error)
    assert 'multiprocessing.get_context("spawn")' in str(error)


def test_a_child_of_a_process_that_has_not_used_polars_may_use_it() -> None:
    code = """
import os, creche as cr, polars as pl
from creche.table.reading.read import read_table
child = os.fork()
if child == 0:
    assert read_table(pl.DataFrame({"a": ["x", "y"]})).columns["a"].words == ("x", "y")
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=GUARD)
