from __future__ import annotations

from pathlib import Path

import pytest

import rookery as rk

from .jobs import PENGUINS_CSV, line, quick, two_classes

JOB = {"label": "species", "hidden": [5], "epochs": 4, "threads": 1}


def test_a_model_file_proves_itself(tmp_path: Path) -> None:
    rk.train(PENGUINS_CSV, encoding="robust", dropout=0.2, test_fraction=0.1, **JOB).model.save(tmp_path / "m.rookery")
    verified = rk.verify(tmp_path / "m.rookery", PENGUINS_CSV, threads=2)
    assert verified.same
    assert verified.data_same
    assert verified.expected == verified.found
    assert str(verified).startswith("verified: training again gives the same weights, bit for bit")


@pytest.mark.parametrize("job", [two_classes, line])
def test_arrays_too(job: object) -> None:
    x, y = job()  # type: ignore[operator]
    assert rk.verify(quick(x, y, early_stopping=1, epochs=20, learning_rate=0.1).model, x, y).same
    assert not rk.verify(quick(x, y).model, x + 1e-9, y).data_same


def test_a_changed_cell_is_named(tmp_path: Path) -> None:
    run = rk.train(PENGUINS_CSV, **JOB)
    changed = tmp_path / "changed.csv"
    changed.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    verified = rk.verify(run.model, changed)
    assert not verified.same
    assert not verified.data_same
    assert verified.differences == ("the table: column 'bill_length_mm' has other values",)
    assert "training again gives other weights: the table: column 'bill_length_mm' has other values" in str(verified)


def test_a_column_that_is_no_feature_does_not_matter(tmp_path: Path) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    wider = tmp_path / "wider.csv"
    wider.write_text("\n".join([lines[0] + ",note", *(text + f",note {i}" for i, text in enumerate(lines[1:]))]))
    with pytest.warns(rk.RookeryWarning):
        assert rk.verify(rk.train(PENGUINS_CSV, **JOB).model, wider).same


def test_a_run_that_was_interrupted_within_an_epoch() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=5, on_epoch=lambda record: record.epoch == 2)
    run.resume(steps=1)
    assert run.step % (len(run.prepared.train) // 32 + 1) != 0
    assert rk.verify(run.model, x, y).same


def test_a_model_keeps_what_it_was_when_the_run_goes_on() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=5, on_epoch=lambda record: record.epoch == 2)
    early = run.model
    run.resume()
    assert early.provenance is not None
    assert len(early.provenance.history) == 2
    assert rk.verify(early, x, y).same


def test_a_model_of_unknown_origin_cannot_be_verified() -> None:
    x, y = two_classes()
    model = quick(x, y).model
    stranger = rk.Model(model.plan, model.features, model.labels, model.weights)
    with pytest.raises(rk.PlanError, match="does not say how it was trained"):
        rk.verify(stranger, x, y)
