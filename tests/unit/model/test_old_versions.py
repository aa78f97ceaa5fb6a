"""Every file that a version of Creche kept is read by all later ones, and predicts the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

import creche as cr
from tests.unit.model import kept

FILES = [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in kept.model_files()]


def test_there_are_files_to_be_read() -> None:
    assert {"classes", "number", "two_classes", "two_numbers", "beside", "array"} <= {
        path.stem for path in kept.model_files()
    }


@pytest.mark.parametrize("path", FILES)
def test_an_old_file_predicts_the_same_bytes(path: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRECHE_ISA", level)
    model = cr.load(path)
    assert kept.predictions(model, path.with_suffix(".csv")) == kept.expected(path)


@pytest.mark.parametrize("path", FILES)
def test_an_old_model_saved_anew_is_the_same_model(path: Path, tmp_path: Path) -> None:
    model = cr.load(path)
    model.save(tmp_path / "new.creche")
    again = cr.load(tmp_path / "new.creche")
    assert again.to_parts()[0] == model.to_parts()[0]
    assert kept.predictions(again, path.with_suffix(".csv")) == kept.expected(path)


@pytest.mark.parametrize("path", FILES)
def test_an_old_model_keeps_its_provenance(path: Path) -> None:
    origin = cr.load(path).provenance
    assert origin is not None
    assert origin.version == path.parent.name
    assert origin.status in ("finished", "early_stopped")
    assert len(origin.history) > 0
    assert origin.steps > 0


@pytest.mark.parametrize("path", [path for path in kept.model_files() if path.stem == "classes"])
def test_an_old_model_knows_the_table_it_was_trained_on(path: Path) -> None:
    assert cr.verify(path, "penguins", threads=1).data_same
