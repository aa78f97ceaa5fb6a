"""A run killed at any moment, and resumed from its checkpoints, ends with the same bytes as one never stopped."""

from __future__ import annotations

from pathlib import Path

from tests.unit.training.mortal import EPOCHS, KILLS, run_mortal


def test_a_run_killed_twenty_times_ends_with_the_same_bytes(tmp_path: Path) -> None:
    report = run_mortal("trains", tmp_path)
    assert report["kills"] == KILLS
    assert report["reached"] == sorted(report["reached"])  # no kill costs more than what came after a checkpoint
    assert 0 < report["reached"][-1] < EPOCHS
    assert report["last"] == EPOCHS
    assert report["killed"] == report["whole"]
    assert len(list((tmp_path / "killed").glob("*.creche-checkpoint"))) == 2
    assert list((tmp_path / "killed").glob(".*")) == []
