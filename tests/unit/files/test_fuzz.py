"""A few hundred of the changes that tests/fuzz/model_files.py makes by the thousand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.model_files import KEPT, changed, try_one


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_changed_model_file_predicts_or_is_refused(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    assert try_one(content, tmp_path) == "read"
    outcomes = set()
    for case in range(60):
        dice = random.Random(f"{path.stem} {case}")
        outcomes.add(try_one(changed(content, dice), tmp_path))
    assert "refused" in outcomes
