from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr
from tests.unit.small_runs import PENGUINS_CSV, line, quick, two_classes

JOB = {"label": "species", "hidden": [5], "epochs": 4, "threads": 1}


def test_a_model_file_proves_itself(tmp_path: Path) -> None:
    cr.train(PENGUINS_CSV, preprocessing="robust", dropout=0.2, test_fraction=0.1, **JOB).model.save(
        tmp_path / "m.creche"
    )
    verified = cr.verify(tmp_path / "m.creche", PENGUINS_CSV, threads=2)
    assert verified.same
    assert verified.data_same
    assert verified.expected == verified.found
    assert str(verified).startswith("verified: training again gives the same weights, bit for bit")


@pytest.mark.parametrize("job", [two_classes, line])
def test_a_model_of_arrays_is_verified(job: object) -> None:
    x, y = job()  # type: ignore[operator]
    assert cr.verify(quick(x, y, early_stopping=1, epochs=20, learning_rate=0.1).model, x, y).same
    assert not cr.verify(quick(x, y).model, x + 1e-9, y).data_same


def test_where_another_device_trained_it_the_loss_is_compared(tmp_path: Path) -> None:
    model = cr.train(PENGUINS_CSV, **JOB).model
    assert model.provenance is not None
    gpu = {"device": "cpu", "torch": "2.13.0", "name": "NVIDIA H100", "cuda": "13.0", "driver": "13000"}
    there = replace(model.provenance, device=gpu)
    moved = "the model was trained on cpu (NVIDIA H100, PyTorch 2.13.0, CUDA 13.0, driver 13000), this is the processor"

    def verify_with(**changed: object) -> cr.Verification:
        object.__setattr__(model, "origin", replace(there, **changed))  # type: ignore[arg-type]
        model.save(tmp_path / "m.creche")
        return cr.verify(tmp_path / "m.creche", PENGUINS_CSV)

    same = verify_with()
    assert same.verified
    assert same.differences == (moved,)
    by_kernel = verify_with(device={**gpu, "device": "cuda:0", "kernel": "colony"})
    assert by_kernel.same
    assert by_kernel.differences == ()
    other = verify_with(weights="0" * 64)
    assert not other.same
    assert other.verified
    assert str(other).startswith(f"verified: training again gives other bits, as {moved}, and a loss that differs by ")
    history = there.history.to_dict()
    worse = cr.History.from_dict({**history, "validation_loss": [loss * 1.2 for loss in history["validation_loss"]]})
    far = verify_with(weights="0" * 64, history=worse)
    assert not far.verified
    assert far.loss_difference == pytest.approx(1 - 1 / 1.2)
    assert str(far).startswith("not verified: training again gives other bits")


def test_a_changed_cell_is_named(tmp_path: Path) -> None:
    run = cr.train(PENGUINS_CSV, **JOB)
    changed = tmp_path / "changed.csv"
    changed.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    verified = cr.verify(run.model, changed)
    assert not verified.same
    assert not verified.data_same
    assert verified.differences == ("the table: column 'bill_length_mm' has different values",)
    assert "training again gives other weights: the table: column 'bill_length_mm' has different values" in str(
        verified
    )


def test_other_columns_do_not_matter(tmp_path: Path) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    wider = tmp_path / "wider.csv"
    wider.write_text("\n".join([lines[0] + ",note", *(text + f",note {i}" for i, text in enumerate(lines[1:]))]))
    assert cr.verify(cr.train(PENGUINS_CSV, **JOB).model, wider).same


def test_a_run_that_was_interrupted_within_an_epoch() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=5, on_epoch=lambda record: record.epoch == 2)
    run.resume(steps=1)
    assert run.step % (len(run.prepared.train) // 32 + 1) != 0
    assert cr.verify(run.model, x, y).same


def test_a_model_does_not_change_when_its_run_continues() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=5, on_epoch=lambda record: record.epoch == 2)
    early = run.model
    run.resume()
    assert early.provenance is not None
    assert len(early.provenance.history) == 2
    assert cr.verify(early, x, y).same


def test_a_model_of_unknown_origin_cannot_be_verified() -> None:
    x, y = two_classes()
    model = quick(x, y).model
    stranger = cr.Model(model.plan, model.features, model.labels, model.parameters)
    with pytest.raises(cr.PlanError, match="does not hold how it was trained"):
        cr.verify(stranger, x, y)


def test_the_order_of_columns_and_new_ones_do_not_matter(tmp_path: Path) -> None:
    run = cr.train(PENGUINS_CSV, **JOB)
    frame = cr.datasets.penguins()
    turned = frame.select(pl.int_range(344).mod(7).alias("another"), *reversed(frame.columns))
    turned.write_parquet(tmp_path / "turned.parquet")
    for data in (turned, tmp_path / "turned.parquet"):
        verified = cr.verify(run.model, data)
        assert (verified.same, verified.differences) == (True, ())


def test_a_table_that_the_network_no_longer_fits_is_named() -> None:
    run = cr.train(PENGUINS_CSV, **JOB)
    verified = cr.verify(run.model, cr.datasets.penguins().drop("island"))
    assert not verified.same
    assert verified.found == ""
    assert verified.differences == ("the table: column 'island' is missing",)
    assert "the network does not fit the table any more: the table: column 'island' is missing" in str(verified)
    another_order = cr.verify(run.model, cr.datasets.penguins().reverse())
    assert not another_order.same
    assert another_order.differences == (
        "the table: each of its 7 columns has different values, or its rows are in a different order",
    )


def test_rows_for_validation_belong_to_the_table() -> None:
    frame = cr.datasets.penguins().sample(fraction=1, shuffle=True, seed=0)
    train, later = frame[:250], frame[250:]
    model = cr.train(train, validation_data=later, early_stopping=1, **(JOB | {"epochs": 40})).model
    assert cr.verify(model, train, validation_data=later).same
    forgotten = cr.verify(model, train)
    assert forgotten.differences == ("the table: validation_data was set, and is missing now",)
    assert "validation_data was set, and is missing now" in str(forgotten)
    changed = later.with_columns(pl.col("body_mass_g") + 1)
    said = "the table: validation_data: column 'body_mass_g' has different values"
    assert cr.verify(model, train, validation_data=changed).differences == (said,)


def test_weights_belong_to_the_table() -> None:
    x, y = two_classes()
    weights = np.linspace(1, 2, len(y))
    model = quick(x, y, sample_weight=weights).model
    assert cr.verify(model, x, y, sample_weight=weights).same
    forgotten = cr.verify(model, x, y)
    assert forgotten.differences == ("the table: sample_weight was set, and is missing now",)
    assert "sample_weight is set, and was not before" in str(cr.verify(quick(x, y).model, x, y, sample_weight=weights))


def test_the_model_of_a_diverged_run_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(cr.DivergedError) as diverged:
        cr.train("penguins", activation="relu", optimizer="sgd", learning_rate=1e12, **JOB)
    assert diverged.value.run is not None
    diverged.value.run.model.save(tmp_path / "model.creche")
    assert cr.verify(tmp_path / "model.creche", "penguins").same


def test_rows_for_testing_need_not_be_given_again(tmp_path: Path) -> None:
    frame = cr.datasets.penguins().sample(fraction=1, shuffle=True, seed=0)
    model = cr.train(frame[:250], test_data=frame[250:], test_fraction=0.3, **JOB).model
    assert cr.verify(model, frame[:250]).same
