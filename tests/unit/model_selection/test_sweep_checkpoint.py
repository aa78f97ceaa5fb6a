"""A sweep that is interrupted and resumed from its file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche._system.archive import read_archive, write_archive
from creche.model_selection.sweep_checkpoint import SweepCheckpoint
from tests.unit.model_selection.sweeps import digests, interrupt_after, run_sweep
from tests.unit.small_runs import PENGUINS_CSV

# Networks in packs and alone; some stop early, some diverge. About half a second.
JOB: dict[str, Any] = {
    "hidden": [[5, 5], [7]],
    "optimizer": ["sgd", "adam"],
    "learning_rate": [0.01, 1e8],
    "epochs": [300, 400],
    "early_stopping": 150,
    "seeds": 5,
}


@pytest.mark.usefixtures("reports_often")
@pytest.mark.parametrize("halving", [None, cr.Halving(0.5, 100)], ids=["all", "halving"])
@pytest.mark.parametrize("stops", [[1], [8, 12], [1, 9, 3, 1]], ids=str)
def test_a_resumed_sweep_ends_with_the_same_bytes(tmp_path: Path, halving: Any, stops: list[int]) -> None:
    whole = run_sweep(**JOB, halving=halving)
    statuses = {member.status for member in whole}
    assert statuses >= {"diverged", "finished" if halving is None else "stopped"}
    file = tmp_path / "sweep"
    for i, calls in enumerate(stops):
        with pytest.raises(KeyboardInterrupt):
            run_sweep(**JOB, halving=halving, checkpoint=file, resume=i > 0, on_progress=interrupt_after(calls))
    again = run_sweep(**JOB, halving=halving, checkpoint=file, resume=True, threads=2)
    assert digests(again) == digests(whole)
    assert again.table().equals(whole.table())


def test_a_finished_sweep_is_restored_without_training(tmp_path: Path) -> None:
    file = tmp_path / "sweep"
    whole = run_sweep(seeds=4, checkpoint=file)
    again = run_sweep(seeds=4, checkpoint=file, resume=True)
    assert digests(again) == digests(whole)
    assert again.seconds >= whole.seconds
    np.testing.assert_array_equal(
        again.best().model.predict_proba("penguins"), whole.best().model.predict_proba("penguins")
    )


@pytest.mark.usefixtures("reports_often")
def test_the_file_is_written_at_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.model_selection.sweep_checkpoint.SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("creche.model_selection.sweep_checkpoint.SHARE_OF_TIME", 1.0)
    file, copy = tmp_path / "sweep", tmp_path / "copy"

    def look(colony: cr.Colony) -> None:
        if file.exists() and not copy.exists() and not all(m.status != "running" for m in colony):
            shutil.copy(file, copy)  # as if the process were killed here

    whole = run_sweep(**JOB, checkpoint=file, on_progress=look)
    assert copy.exists()
    again = run_sweep(**JOB, checkpoint=copy, resume=True)
    assert digests(again) == digests(whole)


def test_resume_without_a_file_begins(tmp_path: Path) -> None:
    assert digests(run_sweep(seeds=2, checkpoint=tmp_path / "new", resume=True)) == digests(run_sweep(seeds=2))


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "sweep"
    run_sweep(seeds=2, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(cr.FileError, match=r"holds this sweep already; continue it with resume=True, or"):
        run_sweep(seeds=2, checkpoint=file)
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    for resume in (False, True):
        with pytest.raises(cr.FileError, match="is not a sweep file: it is text, such as a table in CSV"):
            run_sweep(seeds=2, checkpoint=table, resume=resume)
    assert (file.read_bytes(), table.read_text()) == (before, "a,b\n1,2\n")


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 7}, "plan.epochs is 6 there and 7 here"),
    ({"seeds": 3}, "networks is 4 there and 6 here"),
    ({"learning_rate": [0.01, 0.02]}, r"plan.optimizer.learning_rate.values is \[0.01, 0.1\] there and"),
    ({"seed": 1}, "plan.seed.values"),
    ({"halving": 0.5}, "halving is None there and"),
    ({"preprocessing": "quantile"}, "preparation"),
    ({"validation_fraction": 0.2}, "preparation"),
]


@pytest.mark.parametrize(("arguments", "message"), OTHERS, ids=[next(iter(a)) for a, _ in OTHERS])
def test_another_sweep_is_refused_with_the_difference(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    job: dict[str, Any] = {"learning_rate": [0.01, 0.1], "seeds": 2, "checkpoint": tmp_path / "sweep"}
    run_sweep(**job)
    before = (tmp_path / "sweep").read_bytes()
    for resume in (False, True):
        with pytest.raises(cr.FileError, match=f"belongs to another sweep: .*{message}"):
            run_sweep(**{**job, **arguments}, resume=resume)
    assert (tmp_path / "sweep").read_bytes() == before


def test_another_table_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "penguins.csv"
    table.write_text(PENGUINS_CSV.read_text())
    job: dict[str, Any] = {"label": "species", "threads": 1, "epochs": 2, "checkpoint": tmp_path / "sweep"}
    cr.sweep(table, **job)
    table.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    with pytest.raises(cr.FileError, match="table: column 'bill_length_mm' has different values"):
        cr.sweep(table, **job, resume=True)


@pytest.mark.parametrize("how", ["missing", "short", "statuses", "shapes", "history"])
def test_an_inconsistent_file_is_refused(tmp_path: Path, how: str) -> None:
    file = tmp_path / "sweep"
    run_sweep(seeds=4, checkpoint=file)
    header, arrays = read_archive(file, "sweep")
    if how == "missing":
        del arrays["values.network.0.bias"]
    elif how == "short":
        arrays["values.network.0.bias"] = arrays["values.network.0.bias"][:-1]
    elif how == "statuses":
        arrays["status"] = arrays["status"] + 99
    elif how == "shapes":
        arrays["shapes.network.0.weights"] = arrays["shapes.network.0.weights"][:, ::-1].copy()
    else:
        arrays["values.progress"] = arrays["values.progress"] + 1
    write_archive(file, "sweep", header, arrays)
    with pytest.raises(cr.FileError, match="sweep: does not hold the states of these networks"):
        run_sweep(seeds=4, checkpoint=file, resume=True)


def test_a_missing_folder_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(cr.FileError, match="there is no folder"):
        run_sweep(checkpoint=tmp_path / "none" / "sweep")


def test_thousands_of_networks_fit_into_a_file(tmp_path: Path) -> None:
    colony = run_sweep(hidden=[3], epochs=[1, 2], learning_rate=cr.log_range(1e-3, 1e-1, 40), seeds=50)
    keeper = SweepCheckpoint(tmp_path / "sweep", colony, None, resume=False)
    keeper.save()
    header, arrays = read_archive(tmp_path / "sweep", "sweep")
    assert header["networks"] == 4000
    assert len(arrays) < 60
