"""Verifying a fitted model: the same table gives the same bits, another is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.training import verify as verifying
from tests.unit.small_runs import PENGUINS_CSV, line

pytestmark = pytest.mark.usefixtures("tiny_fits")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, tiny_fits: None) -> Path:
    path = tmp_path_factory.mktemp("fitted") / "m.creche"
    cr.fit(PENGUINS_CSV, label="species", effort="fast", seed=3, threads=1).save(path)
    return path


def test_a_model_file_proves_itself(file: Path) -> None:
    verified = cr.verify(file, PENGUINS_CSV, threads=2)
    assert verified.same
    assert verified.data_same
    assert str(verified).startswith("verified: training again gives the same weights, bit for bit")


def test_the_order_of_columns_and_other_columns_do_not_matter(file: Path) -> None:
    table = pl.read_csv(PENGUINS_CSV, null_values="NA")
    other = table.select(reversed(table.columns)).with_columns(note=pl.lit("x"))
    assert cr.verify(file, other).same


def test_a_changed_cell_is_named(file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.csv"
    changed.write_text(PENGUINS_CSV.read_text().replace("39.1,", "35.2,", 1))
    verified = cr.verify(file, changed)
    assert not verified.same
    assert not verified.data_same
    assert verified.differences == ("the table: column 'bill_length_mm' has different values",)


def test_arrays_and_their_weights_are_verified() -> None:
    x, y = line(rows=60)
    weights = np.random.default_rng(0).integers(1, 4, 60).astype(float)
    model = cr.fit(x, y, sample_weight=weights, effort="fast", threads=1)
    assert cr.verify(model, x, y, sample_weight=weights).same
    assert not cr.verify(model, x, y).same


def test_an_older_version_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "__version__", "9.9.9")
    assert "this is 9.9.9" in cr.verify(file, PENGUINS_CSV).differences[0]


def test_what_a_fit_has_none_of_is_refused(file: Path) -> None:
    with pytest.raises(cr.PlanError, match=r"validation_data: a model of creche\.fit has none"):
        cr.verify(file, PENGUINS_CSV, validation_data=PENGUINS_CSV)
    model = cr.load(file)
    model.provenance = None  # type: ignore[assignment]
    with pytest.raises(cr.PlanError, match="does not hold how it was fitted"):
        cr.verify(model, PENGUINS_CSV)


def test_a_model_with_a_matrix_of_many_classes_survives_a_file_and_is_verified(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((400, 2))
    y = np.array(list("abcdef"))[((np.arctan2(x[:, 0], x[:, 1]) / np.pi + 1) * 2.999).astype(int)]
    model = cr.fit(x, y, effort="fast", threads=1)
    assert model.calibration.matrix
    model.save(tmp_path / "m.creche")
    again = cr.load(tmp_path / "m.creche")
    assert isinstance(again, cr.FittedModel)
    assert again.calibration == model.calibration
    together = model.predict_proba(x)
    assert again.predict_proba(x).tobytes() == together.tobytes()
    assert model.predict_proba(x[7:8]).tobytes() == together[7:8].tobytes()
    assert cr.verify(again, x, y, threads=2).same
