"""Checkpoints: when they are due, how many are kept, and which is taken."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import creche as cr
from creche._system.archive import write_archive
from creche._system.atomic_files import SUFFIX
from creche.errors import CrecheWarning, FileError, PlanError
from creche.training.checkpoint import CheckpointWriter, latest_checkpoint, read_checkpoint
from tests.unit._system.mutations import in_parts

PLAN: Mapping[str, Any] = {"epochs": 100, "network": {"inputs": 2}}
IDENTITY: dict[str, Any] = {
    "plan": PLAN,
    "preparation": {"label": ["y"]},
    "table": {"rows": 3, "columns": {"a": "12"}, "total": "34"},
}


class Standing:
    """A run, as far as a checkpoint needs one."""

    def __init__(self, epoch: int, size: int = 3) -> None:
        self.epoch = epoch
        self.size = size

    def state(self) -> dict[str, NDArray[Any]]:
        return {"weights": np.full(self.size, float(self.epoch))}


def writer(folder: Path, **options: Any) -> CheckpointWriter:
    return CheckpointWriter(folder, **{**IDENTITY, **options})


def epochs(folder: Path) -> list[int]:
    return sorted(int(path.name[6:12]) for path in folder.glob("epoch-*"))


@pytest.mark.parametrize(
    ("every", "epoch", "due"),
    [(1, 0, 1), (1, 1, 2), (10, 0, 10), (10, 9, 10), (10, 10, 20), (10, 11, 20), (3, 2, 3), (3, 3, 6), (1000, 7, 1000)],
)
def test_the_next_checkpoint_is_due_at_the_next_multiple(tmp_path: Path, every: int, epoch: int, due: int) -> None:
    assert writer(tmp_path, every=every).next_due(epoch) == due


@given(every=st.integers(1, 10**6), epoch=st.integers(0, 2**31))
def test_the_next_checkpoint_is_at_most_every_epochs_ahead(
    tmp_path_factory: pytest.TempPathFactory, every: int, epoch: int
) -> None:
    keeper = writer(tmp_path_factory.getbasetemp() / "due", every=every)
    due = keeper.next_due(epoch)
    assert epoch < due <= epoch + every
    assert due % every == 0
    # Wherever a run is taken up, its checkpoints are those of one that never stopped.
    assert all(keeper.next_due(between) == due for between in (due - 1, (epoch + due) // 2, epoch))


@pytest.mark.parametrize("every", [0, -1, 2.5, True, "10", None])
def test_every_and_keep_are_whole_numbers(tmp_path: Path, every: Any) -> None:
    for name in ("every", "keep"):
        with pytest.raises(PlanError, match=f"{name}: got {every!r}; needs a whole number of at least 1"):
            writer(tmp_path / "new", **{name: every})
    assert not (tmp_path / "new").exists()


def test_the_last_checkpoints_are_kept(tmp_path: Path) -> None:
    keeper = writer(tmp_path / "a" / "b", keep=3)
    for epoch in (1, 2, 5, 9, 12):
        keeper.save(Standing(epoch))
    assert epochs(tmp_path / "a" / "b") == [5, 9, 12]
    newest = latest_checkpoint(tmp_path / "a" / "b")
    assert newest is not None
    header, state = read_checkpoint(newest)
    assert (header["epoch"], header["plan"]) == (12, PLAN)
    assert state["weights"].tolist() == [12, 12, 12]


def test_an_earlier_epoch_does_not_remove_later_checkpoints(tmp_path: Path) -> None:
    for epoch in (3, 6, 9):
        writer(tmp_path).save(Standing(epoch))
    writer(tmp_path).save(Standing(4))
    assert epochs(tmp_path) == [4, 6, 9]


def test_a_damaged_checkpoint_is_skipped(tmp_path: Path) -> None:
    for epoch in (3, 6):
        newest = writer(tmp_path).save(Standing(epoch))
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(CrecheWarning, match=r"is damaged.*The checkpoint before it is used instead"):
        found = latest_checkpoint(tmp_path)
    assert found is not None
    assert read_checkpoint(found)[0]["epoch"] == 3
    found.write_bytes(b"")
    with pytest.raises(FileError, match="all 2 checkpoints are damaged"), pytest.warns(CrecheWarning):
        latest_checkpoint(tmp_path)


def test_a_checkpoint_of_a_newer_version_is_not_skipped(tmp_path: Path) -> None:
    """The checkpoints before it no longer describe the run."""
    writer(tmp_path).save(Standing(3))
    path = writer(tmp_path).save(Standing(6))

    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope.update(version=2, written_by="9.0.0")
        return data

    path.write_bytes(in_parts(path.read_bytes(), change))
    with pytest.raises(FileError, match=r"install Creche 9\.0\.0 or newer"):
        latest_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": -1}, {"epoch": 2**31}, {"epoch": True}, {"epoch": 1.0}, {"epoch": None}, {"plan": []}, {"table": "x"},
        {"creche": 1}, {"more": 1},
    ],
)  # fmt: skip
def test_an_inconsistent_header_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "epoch-000001.creche-checkpoint"
    header = {"epoch": 1, "creche": "0.1.0", **IDENTITY}
    write_archive(path, "checkpoint", header, {})
    read_checkpoint(path)
    write_archive(path, "checkpoint", {**header, **change}, {})
    with pytest.raises(FileError, match="inconsistent header"):
        read_checkpoint(path)


def test_a_checkpoint_of_another_run_is_refused_and_stays(tmp_path: Path) -> None:
    path = writer(tmp_path).save(Standing(3))
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"another run: plan\.epochs is 100 there and 50 here"):
        writer(tmp_path, plan={**PLAN, "epochs": 50})
    assert path.read_bytes() == before
    assert epochs(tmp_path) == [3]


def test_an_invalid_folder_is_refused(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "none") is None
    assert latest_checkpoint(tmp_path) is None
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="is not a folder"):
        latest_checkpoint(tmp_path / "file")
    with pytest.raises(FileError, match="cannot be created"):
        writer(tmp_path / "file" / "folder")


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    others = ["epoch-1.creche-checkpoint", "epoch-000001.creche-checkpoint.old", "notes.txt", "epoch-000001"]
    for name in others:
        (tmp_path / name).write_text("mine")
    keeper = writer(tmp_path, keep=1)
    for epoch in (3, 6):
        keeper.save(Standing(epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "epoch-000006.creche-checkpoint"])


def test_temporary_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / f".epoch-000003.creche-checkpoint.01{SUFFIX}").write_bytes(b"half")
    writer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_earlier_checkpoints(tmp_path: Path) -> None:
    keeper = writer(tmp_path, keep=1)
    keeper.save(Standing(3))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(FileError, match="cannot be written"):
            keeper.save(Standing(6, size=1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-000003.creche-checkpoint"]
    found = latest_checkpoint(tmp_path)
    assert found is not None
    assert read_checkpoint(found)[1]["weights"].tolist() == [3, 3, 3]


def test_no_table_is_overwritten_by_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "run.json"
    cr.datasets.penguins().write_ndjson(table)
    before = table.read_bytes()
    arguments: dict[str, Any] = {"label": "species", "hidden": [3], "epochs": 2, "threads": 1}
    sides: list[dict[str, Any]] = [
        {"data": table}, {"data": "penguins", "validation_data": table}, {"data": "penguins", "test_data": "run.json"},
    ]  # fmt: skip
    for data in sides:
        with pytest.raises(PlanError, match=r"^checkpoint: .* holds the (validation |test )?table, .*run\.json"):
            cr.train(**data, **arguments, checkpoint=".")
        with pytest.raises(PlanError, match=r"^checkpoint: .* is the (validation |test )?table itself"):
            cr.train(**data, **arguments, checkpoint=table)
        with pytest.raises(PlanError, match=r"^checkpoint: .* is the (validation |test )?table itself"):
            cr.sweep(**data, **arguments, checkpoint=table)
    cr.train("penguins", **arguments, checkpoint="runs")
    (tmp_path / "runs" / "epoch-000004.creche-checkpoint").symlink_to(table)
    with pytest.warns(CrecheWarning), pytest.raises(PlanError, match="holds the table"):
        cr.resume("runs", table)
    assert table.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "runs"]


@pytest.mark.parametrize("train", [cr.train, cr.sweep])
def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_table_is_read(tmp_path: Path, train: Any) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "runs", "a\0b", 5):
        with pytest.raises(FileError, match=r"file|folder"):
            train("there is no such table", label="species", checkpoint=folder)
