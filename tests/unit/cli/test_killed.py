"""`creche train` killed by SIGKILL at any moment, and taken up by `creche resume`: the same model in the end."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.commands import big_csv
from tests.unit.training.mortal import KILLS, run_mortal


def test_a_process_killed_again_and_again_leaves_what_ends_with_the_same_model(tmp_path: Path) -> None:
    big_csv(tmp_path)
    report = run_mortal("commands", tmp_path)
    assert report["kills"] == sum(report["runs"]) == KILLS
    assert report["same"] == len(report["runs"])
    for i in range(len(report["runs"])):
        folder = tmp_path / f"killed{i}"
        assert len(list(folder.glob("epoch-*"))) == 2
        assert list(folder.glob(".*")) == []
