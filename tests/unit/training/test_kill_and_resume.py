"""A run killed at any moment, and resumed from its checkpoints, ends with the same bytes as one never stopped."""

from __future__ import annotations

from pathlib import Path

from tests.unit.training.mortal import EPOCHS, KILLS, run_mortal


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    report = run_mortal("trains", tmp_path)
    assert report["kills"] == KILLS
    for i, run in enumerate(report["runs"]):
        assert run["reached"] == sorted(run["reached"])  # no kill costs more than what came after a checkpoint
        assert run["reached"][-1] == EPOCHS
        assert run["end"] == report["whole"]
        folder = tmp_path / f"killed{i}"
        assert len(list(folder.glob("*.creche-checkpoint"))) == 2
        assert list(folder.glob(".*")) == []
    assert any(0 < epoch < EPOCHS for run in report["runs"] for epoch in run["reached"])
