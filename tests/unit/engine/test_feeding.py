"""Rows in a file give the bits of the same rows in memory; what is wrong with the file ends training, and is named."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine import choice, feeding
from creche.engine.colony import Crew
from creche.engine.feeding import evaluate_rows
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.native import Rows
from creche.engine.stored_rows import FileState, RowLayout, StoredRows
from creche.errors import FileError, PlanError
from creche.plan import Network
from creche.table.row_store import open_row_store, write_row_store
from tests.engine.small_plans import digest

CLASSES, NUMBERS = RowLayout(6), RowLayout(6, targets=2, weighted=True)


def draw_rows(layout: RowLayout, count: int, seed: int = 0) -> Rows:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, layout.inputs)).astype(np.float32)
    return Rows(
        x,
        None if layout.targets else x[:, :3].argmax(1).astype(np.int32),
        x[:, : layout.targets] ** 2 if layout.targets else None,
        draw.random(count, dtype=np.float32) if layout.weighted else None,
    )


def store(path: Path, rows: Rows, validation: Rows, layout: RowLayout) -> tuple[StoredRows, StoredRows]:
    with write_row_store(path, layout) as writer:
        writer.section("training").append(rows)
        writer.section("validation").append(validation)
    opened = open_row_store(path)
    return opened["training"], opened["validation"]


def create_plan(layout: RowLayout, **fields: Any) -> cr.Plan:
    hidden = fields.pop("hidden", [8])
    task: Any = {"task": "regression", "loss": "squared_error"} if layout.targets else {"task": "classification"}
    network = Network.of(layout.inputs, hidden, layout.targets or 3, **fields.pop("network", {}))
    common = {"batch_size": 16, "epochs": 3, "shuffle": cr.Windows(8, 4), "keep": "last"}
    return cr.Plan(network, **{**task, **common, **fields})


def new_run(plan: cr.Plan, rows: Any, validation: Any, threads: int = 1) -> Any:
    return choice.new_run(plan, rows, validation, Hardware(threads))


CASES: dict[str, tuple[RowLayout, int, dict[str, Any]]] = {
    "classes": (CLASSES, 203, {}),
    "targets and weights": (NUMBERS, 203, {}),
    "whole blocks": (CLASSES, 256, {}),
    "batches of several windows": (CLASSES, 203, {"batch_size": 150}),
    "batches of all rows": (NUMBERS, 203, {"batch_size": 1000}),
    "blocks of one row": (CLASSES, 70, {"shuffle": cr.Windows(1, 5)}),
    "windows of one row": (CLASSES, 40, {"shuffle": cr.Windows(1, 1)}),
    "one window": (CLASSES, 203, {"shuffle": cr.Windows(16, 1000)}),
    "one block": (CLASSES, 203, {"shuffle": cr.Windows(4096, 64)}),
    "in order": (NUMBERS, 203, {"shuffle": False}),
    "aligned blocks": (CLASSES, 3000, {"shuffle": cr.Windows(1024, 2), "epochs": 2, "batch_size": 64}),
    "drop_last": (CLASSES, 203, {"drop_last": True}),
    "early stopping": (CLASSES, 203, {"early_stopping": 2, "keep": "best", "epochs": 8, "optimizer": cr.SGD(0.5)}),
    "weights by the first rows": (CLASSES, 203, {"network": {"initializer": "unit_variance"}}),
    "batch normalization": (CLASSES, 203, {"network": {"normalization": "batch"}}),
    "a norm that is clipped": (CLASSES, 203, {"optimizer": cr.Adam(clip_norm=0.1)}),
    "dropout": (CLASSES, 203, {"network": {"dropout": 0.3}}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("direct", [False, True])
def test_a_file_gives_the_bits_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, direct: bool
) -> None:
    if direct:  # as with little memory
        monkeypatch.setattr(feeding, "_is_large", lambda _: True)
    layout, count, fields = CASES[case]
    rows, validation = draw_rows(layout, count), draw_rows(layout, 90, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, layout)
    plan = create_plan(layout, **fields)
    in_memory, from_file = new_run(plan, rows, validation), new_run(plan, stored, stored_validation)
    assert in_memory.run() == from_file.run()
    assert digest(in_memory) == digest(from_file)
    assert in_memory.seconds_waited == 0
    assert evaluate_rows(from_file, stored) == evaluate_rows(in_memory, rows)


def test_threads_and_validation_in_memory_change_no_bit(tmp_path: Path) -> None:
    rows, validation = draw_rows(CLASSES, 500), draw_rows(CLASSES, 90, seed=1)
    stored, _ = store(tmp_path / "a.rows", rows, validation, CLASSES)
    plan = create_plan(CLASSES, hidden=[300, 300], batch_size=128, epochs=2, shuffle=cr.Windows(50, 3))
    runs = [new_run(plan, rows, validation, threads=2), new_run(plan, stored, validation, threads=3)]
    assert [run.run() for run in runs] == ["finished", "finished"]
    assert digest(runs[0]) == digest(runs[1])


def test_long_validation_is_streamed(tmp_path: Path) -> None:
    layout = RowLayout(6, weighted=True)
    rows, validation = draw_rows(layout, 50), draw_rows(layout, 600_000, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, layout)
    plan = create_plan(layout, hidden=[], epochs=2)
    in_memory, from_file = new_run(plan, rows, validation), new_run(plan, stored, stored_validation, threads=2)
    assert in_memory.run() == from_file.run() == "finished"
    assert digest(in_memory) == digest(from_file)


@pytest.mark.parametrize("steps", [1, 13, 14, 20])
def test_a_run_stopped_anywhere_goes_on_with_the_same_bits(tmp_path: Path, steps: int) -> None:
    rows, validation = draw_rows(CLASSES, 203), draw_rows(CLASSES, 30, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, CLASSES)
    plan = create_plan(CLASSES)
    whole, first, second = (new_run(plan, stored, stored_validation) for _ in range(3))
    whole.run()
    first.run(steps=steps)
    second.set_state(first.state())
    second.run()
    first.run()
    assert digest(second) == digest(first) == digest(whole)


def test_a_custom_loss(tmp_path: Path) -> None:
    def squared(outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 2).mean(1), 2 * (outputs - targets) / outputs.shape[1]

    rows, validation = draw_rows(NUMBERS, 203), draw_rows(NUMBERS, 30, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, NUMBERS)
    plan = create_plan(NUMBERS, loss=cr.CustomLoss(squared))
    in_memory, from_file = new_run(plan, rows, validation), new_run(plan, stored, stored_validation)
    assert in_memory.run() == from_file.run() == "finished"
    assert digest(in_memory) == digest(from_file)


def test_a_run_that_diverges_ends_with_the_same_bits(tmp_path: Path) -> None:
    rows, validation = draw_rows(NUMBERS, 203), draw_rows(NUMBERS, 30, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, NUMBERS)
    plan = create_plan(NUMBERS, network={"activation": "relu"}, optimizer=cr.SGD(5.0), epochs=50)
    in_memory, from_file = new_run(plan, rows, validation), new_run(plan, stored, stored_validation)
    assert in_memory.run() == from_file.run() == "diverged"
    assert in_memory.divergence == from_file.divergence
    assert digest(in_memory) == digest(from_file)


def cut_off(path: Path, rows: StoredRows) -> None:
    os.truncate(path, rows.offset + 100 * rows.layout.stride)
    os.utime(path, ns=(rows.state.changed_at, rows.state.changed_at))


def touch(path: Path, rows: StoredRows) -> None:
    os.utime(path, ns=(0, 0))


def damage_class(path: Path, rows: StoredRows) -> None:
    with open(path, "r+b") as file:
        file.seek(rows.offset + 42 * rows.layout.stride + 4 * rows.layout.inputs)
        file.write(b"\x07")
    os.utime(path, ns=(rows.state.changed_at, rows.state.changed_at))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut_off, r"a\.rows: has changed since it was opened"), (touch, r"a\.rows: has changed since it was opened"),
        (damage_class, r"a\.rows: row 42 has class 7 of 0 to 2; the file is damaged"),
    ],
)  # fmt: skip
def test_a_file_that_changes_ends_training_which_can_go_on(
    tmp_path: Path, change: Callable[[Path, StoredRows], None], message: str
) -> None:
    path = tmp_path / "a.rows"
    rows, validation = draw_rows(CLASSES, 2003), draw_rows(CLASSES, 30, seed=1)
    stored, stored_validation = store(path, rows, validation, CLASSES)
    whole, state = path.read_bytes(), path.stat()
    run = new_run(create_plan(CLASSES), stored, stored_validation)
    run.run(steps=3)
    change(path, stored)
    with pytest.raises(FileError, match=message):
        run.run()
    with pytest.raises(FileError, match=message):
        new_run(create_plan(CLASSES), stored, stored_validation).run()
    path.write_bytes(whole)
    os.utime(path, ns=(state.st_mtime_ns, state.st_mtime_ns))
    assert run.run() == "finished"
    in_memory = new_run(create_plan(CLASSES), rows, validation)
    in_memory.run()
    assert digest(run) == digest(in_memory)


def test_a_file_shorter_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "a.rows"
    stored, _ = store(path, draw_rows(CLASSES, 203), draw_rows(CLASSES, 30), CLASSES)
    longer = replace(stored, count=5000)
    end = path.stat().st_size
    with pytest.raises(FileError, match=rf"a\.rows: ends at byte {end}, before its last row; it has been cut off"):
        new_run(create_plan(CLASSES, shuffle=False), longer, None).run()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    stored, _ = store(tmp_path / "a.rows", draw_rows(CLASSES, 20), draw_rows(CLASSES, 30), CLASSES)
    (tmp_path / "a.rows").unlink()
    with pytest.raises(FileError, match=rf"a\.rows: cannot be read: {os.strerror(errno.ENOENT)}"):
        new_run(create_plan(CLASSES), stored, None)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file whose first bytes cannot be read")
@pytest.mark.parametrize("direct", [False, True])
def test_a_disk_that_fails_is_named_with_the_place(monkeypatch: pytest.MonkeyPatch, direct: bool) -> None:
    """No memory is mapped at address 0, and its file takes no direct reads, as some network file systems."""
    monkeypatch.setattr(feeding, "_is_large", lambda size: direct)
    path = "/proc/self/mem"
    with open(path, "rb") as file:
        stored = StoredRows(path, CLASSES, 0, 100, FileState.of(file.fileno()))
    message = rf"{path}: cannot be read at byte \d+: {os.strerror(errno.EIO)}"
    with pytest.raises(FileError, match=message):
        stored.read(0, 10)
    with pytest.raises(FileError, match=message):
        new_run(create_plan(CLASSES), stored, None).run()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a file system in memory")
def test_direct_reads_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems in memory have none in some versions."""
    monkeypatch.setattr(feeding, "_is_large", lambda size: True)
    layout = RowLayout(63)  # a block of rows begins at a page of the file
    rows, validation = draw_rows(layout, 1003), draw_rows(layout, 30, seed=1)
    plan = create_plan(layout, shuffle=cr.Windows(16, 4))
    in_memory = new_run(plan, rows, validation)
    in_memory.run()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        run = new_run(plan, *store(Path(place, "a.rows"), rows, validation, layout))
        run.run()
        assert digest(run) == digest(in_memory)


def test_a_run_that_is_asked_to_stop_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    rows, validation = draw_rows(CLASSES, 203), draw_rows(CLASSES, 30, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, CLASSES)
    plan = create_plan(CLASSES, hidden=[200, 200], epochs=100)
    whole, stopped = (new_run(plan, stored, stored_validation) for _ in range(2))
    whole.run()
    while stopped.run(poll=lambda: True) == "interrupted":
        pass
    assert digest(stopped) == digest(whole)


def test_networks_take_turns_with_one_file(tmp_path: Path) -> None:
    rows, validation = draw_rows(CLASSES, 203), draw_rows(CLASSES, 30, seed=1)
    stored, stored_validation = store(tmp_path / "a.rows", rows, validation, CLASSES)
    plans = [create_plan(CLASSES, seed=seed, shuffle=cr.Windows(8, 2 + seed)) for seed in range(3)]
    crew = Crew([Job(plan, stored, stored_validation) for plan in plans], Hardware(1))
    crew.run(epoch=1)
    crew.run()
    in_memory = Crew([Job(plan, rows, validation) for plan in plans], Hardware(1))
    in_memory.run()
    for number in range(3):
        one, other = crew.state(number), in_memory.state(number)
        assert one.keys() == other.keys()
        for name in one.keys() - {"history.seconds", "progress"}:
            np.testing.assert_array_equal(one[name], other[name])


def count_open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc")
def test_a_run_that_waits_for_its_turn_has_nothing_open(tmp_path: Path) -> None:
    stored, stored_validation = store(tmp_path / "a.rows", draw_rows(CLASSES, 203), draw_rows(CLASSES, 30), CLASSES)
    before = count_open_files()
    run = new_run(create_plan(CLASSES), stored, stored_validation)
    assert count_open_files() == before
    run.run(epochs=1)
    assert count_open_files() > before
    run.release_rows()
    assert count_open_files() == before
    run.run()
    again = new_run(create_plan(CLASSES), stored, stored_validation)
    again.run()
    assert digest(run) == digest(again)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_of_a_fork_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    stored, stored_validation = store(tmp_path / "a.rows", draw_rows(CLASSES, 203), draw_rows(CLASSES, 30), CLASSES)
    run = new_run(create_plan(CLASSES), stored, stored_validation)
    run.run(steps=5)
    child = os.fork()
    if child == 0:
        run.run()
        (tmp_path / "digest").write_text(digest(run))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    run.run()
    assert (tmp_path / "digest").read_text() == digest(run)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shuffle": True}, "shuffle: got True, and rows in a file are not read one by one at random"),
        ({"precision": "float64"}, "precision: got 'float64', and a file of encoded rows has float32"),
    ],
)
def test_plans_that_need_all_rows_in_memory(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    stored, _ = store(tmp_path / "a.rows", draw_rows(CLASSES, 20), draw_rows(CLASSES, 30), CLASSES)
    with pytest.raises(PlanError, match=message):
        new_run(create_plan(CLASSES, **fields), stored, None)


def test_windows_larger_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored, _ = store(tmp_path / "a.rows", draw_rows(CLASSES, 20_000), draw_rows(CLASSES, 30), CLASSES)
    monkeypatch.setattr(feeding, "available_memory", lambda: 500_000)
    plan = create_plan(CLASSES, shuffle=cr.Windows(4096, 2))
    with pytest.raises(PlanError, match="shuffle: windows of 2 blocks of 4,096 rows need about"):
        new_run(plan, stored, None)
