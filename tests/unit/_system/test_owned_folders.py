"""Folders of a process that was killed are removed by the next one; those in use are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import creche as cr
from creche._system.owned_folders import OWNER, create_owned_folder, remove_abandoned, remove_owned_folder
from creche.table.disk_columns import TEMPORARY

OTHER_PROCESS = """
import sys
from pathlib import Path
from creche._system.owned_folders import create_owned_folder
folder = create_owned_folder(sys.argv[1], sys.argv[2])
(folder / "column").write_bytes(bytes(1000))
print(folder, flush=True)
sys.stdin.read()
"""


def test_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    mine = create_owned_folder("rows-", tmp_path)
    command = [sys.executable, "-c", OTHER_PROCESS, "rows-", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        assert remove_abandoned("rows-", tmp_path) == []
        assert theirs.is_dir()
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert remove_abandoned("rows-", tmp_path) == [(theirs, 1000)]
    assert not theirs.exists()
    assert mine.is_dir()
    remove_owned_folder(mine)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_known_to_be_abandoned_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rows-of-mine").mkdir()
    (tmp_path / "rows-file").write_text("")
    assert remove_abandoned("rows-", tmp_path) == []
    assert remove_abandoned("rows-", tmp_path / "missing") == []
    assert len(list(tmp_path.iterdir())) == 2


def test_no_file_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else None
    for _ in range(5):
        remove_owned_folder(create_owned_folder("rows-", tmp_path))
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_next_table_tells_what_was_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{TEMPORARY}left"
    left.mkdir()
    (left / OWNER).write_bytes(bytes(1000))  # which no process has locked
    cr.datasets.penguins().write_csv(tmp_path / "t.csv")
    with pytest.warns(cr.CrecheWarning, match=r"\.creche-rows-.*: removed; a process that was killed had left 1 kB of"):
        cr.train(tmp_path / "t.csv", label="species", hidden=[2], epochs=1, threads=1, memory="100MB")
    assert not left.exists()
