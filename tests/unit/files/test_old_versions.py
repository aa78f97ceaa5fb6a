"""Model files that earlier versions of Rookery wrote are read, and predict the same bytes, for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rookery as rk
from rookery.files.archive import VERSION

KEPT = Path(__file__).parents[2] / "data" / "kept"
FILES = sorted(KEPT.rglob("*.rookery"))


def test_there_are_files_of_each_version() -> None:
    assert {int(path.parent.name.removeprefix("version-")) for path in FILES} == set(range(1, VERSION + 1))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_kept_file_predicts_what_it_predicted(path: Path) -> None:
    model = rk.load(path)
    data = rk.datasets.penguins() if model.features.kinds else np.linspace(-2, 2, 60).reshape(20, 3)
    said = model.predict(data) if model.classes is None else model.predict_proba(data)
    kept = np.load(path.with_suffix(".npy"))
    assert said.dtype == kept.dtype
    assert said.tobytes() == kept.tobytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_kept_file_is_written_again_with_the_same_content(path: Path, tmp_path: Path) -> None:
    rk.load(path).save(tmp_path / "again.rookery")
    again = rk.load(tmp_path / "again.rookery")
    assert again.to_parts()[0] == rk.load(path).to_parts()[0]
