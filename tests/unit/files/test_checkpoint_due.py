"""After which epochs checkpoints are due."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.errors import PlanError
from rookery.files.checkpoint import CheckpointWriter


@given(every=st.integers(1, 50), epoch=st.integers(0, 500))
def test_the_next_multiple_is_due(tmp_path_factory: pytest.TempPathFactory, every: int, epoch: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "due"
    due = CheckpointWriter(folder, plan={}, preparation={}, table={}, every=every).next_due(epoch)
    assert due == next(n for n in range(epoch + 1, epoch + every + 1) if n % every == 0)


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_is_a_number_of_epochs(every: object, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="every: got"):
        CheckpointWriter(tmp_path, plan={}, preparation={}, table={}, every=every)  # type: ignore[arg-type]
