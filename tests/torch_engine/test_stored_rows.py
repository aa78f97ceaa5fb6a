"""Rows of a file, whose windows are copied to the device, give what the same rows in memory give there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.engine.feeding import evaluate_rows
from creche.engine.native import Rows
from creche.engine.stored_rows import RowLayout, StoredRows
from creche.table.row_store import open_row_store, write_row_store
from tests.torch_engine.small_runs import assert_same_state, create_plan, create_rows, network

pytestmark = pytest.mark.peers


def store(path: Path, rows: Rows) -> StoredRows:
    targets = 0 if rows.targets is None else rows.targets.shape[1]
    layout = RowLayout(rows.x.shape[1], targets, rows.weights is not None)
    with write_row_store(path, layout) as writer:
        writer.section("training").append(rows)
    return open_row_store(path)["training"]


@pytest.mark.parametrize(
    "fields",
    [
        {"shuffle": cr.Windows(9, 4)}, {"shuffle": False}, {"shuffle": cr.Windows(9, 4), "loss": "squared_error",
         "task": "regression"}, {"shuffle": cr.Windows(1000, 9), "drop_last": True},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_a_file_gives_what_memory_gives(torch_run: Any, tmp_path: Path, fields: dict[str, Any], weighted: bool) -> None:
    plan = create_plan(network(dropout=0.3, initializer="unit_variance"), precision="float32", **fields)
    rows, validation = (create_rows(plan, seed=seed, weighted=weighted) for seed in (7, 8))
    stored, stored_validation = store(tmp_path / "a.rows", rows), store(tmp_path / "b.rows", validation)
    in_memory, from_file = torch_run(plan, rows, validation, "cpu"), torch_run(plan, stored, stored_validation, "cpu")
    in_memory.run(steps=5)
    assert in_memory.run() == from_file.run() == "finished"
    assert_same_state(in_memory.state(), from_file.state(), 1e-5)
    assert evaluate_rows(from_file, stored) == pytest.approx(evaluate_rows(in_memory, rows), rel=1e-5)
    from_file.release_rows()
    assert from_file.seconds_waited >= 0
