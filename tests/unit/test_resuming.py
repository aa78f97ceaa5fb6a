from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import rookery as rk

from .jobs import PENGUINS_CSV, digest, quick, two_classes

JOB = {"label": "species", "hidden": [5], "threads": 1, "seed": 3, "dropout": 0.1}


def stop_after(epoch: int) -> object:
    return lambda record: record.epoch == epoch


@pytest.mark.parametrize("stopped", [1, 4, 7, 9])
def test_a_run_taken_up_again_ends_with_the_same_bytes(tmp_path: Path, stopped: int) -> None:
    whole = rk.train("penguins", epochs=9, **JOB)
    rk.train("penguins", epochs=9, checkpoint=tmp_path, every=3, on_epoch=stop_after(stopped), **JOB)
    again = rk.resume(tmp_path)
    assert digest(again) == digest(whole)
    assert again.status == "finished"
    np.testing.assert_array_equal(again.history.train_loss, whole.history.train_loss)


def test_train_itself_goes_on_where_that_is_wanted(tmp_path: Path) -> None:
    whole = rk.train("penguins", epochs=9, **JOB)
    rk.train("penguins", epochs=9, checkpoint=tmp_path, every=2, on_epoch=stop_after(5), **JOB)
    with pytest.raises(rk.FileError, match=r"holds checkpoints of this run already; go on from them with resume=True"):
        rk.train("penguins", epochs=9, checkpoint=tmp_path, **JOB)
    again = rk.train("penguins", epochs=9, checkpoint=tmp_path, resume=True, **JOB)
    assert digest(again) == digest(whole)


def test_checkpoints_come_every_so_often_and_at_the_end(tmp_path: Path) -> None:
    seen = []

    def look(record: rk.EpochRecord) -> None:
        seen.append(sorted(int(path.name[6:12]) for path in tmp_path.glob("epoch-*"))[-1:])

    rk.train("penguins", epochs=8, checkpoint=tmp_path, every=3, on_epoch=look, **JOB)
    assert seen == [[], [], [], [3], [3], [3], [6], [6]]
    assert (tmp_path / "epoch-000008.rookery-checkpoint").exists()


def test_another_plan_or_table_is_refused_and_said(tmp_path: Path) -> None:
    table = tmp_path / "penguins.csv"
    table.write_text(PENGUINS_CSV.read_text())
    folder = tmp_path / "run"
    rk.train(table, epochs=4, checkpoint=folder, every=2, **JOB)
    with pytest.raises(rk.FileError, match=r"belongs to another run: plan.epochs is 4 there and 5 here"):
        rk.train(table, epochs=5, checkpoint=folder, resume=True, **JOB)
    table.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    with pytest.raises(rk.FileError, match=r"table: column 'bill_length_mm' has other values"):
        rk.resume(folder)


def test_arrays_have_to_be_given_again(tmp_path: Path) -> None:
    x, y = two_classes()
    whole = quick(x, y, epochs=6)
    quick(x, y, epochs=6, checkpoint=tmp_path, every=2, on_epoch=stop_after(3))
    with pytest.raises(rk.FileError, match="does not say where the table lies, for it was no file; give it again"):
        rk.resume(tmp_path)
    assert digest(rk.resume(tmp_path, x, y)) == digest(whole)


def test_validation_rows_in_a_file_of_their_own(tmp_path: Path) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join(lines[:1] + lines[1::2]) + "\n")
    (tmp_path / "later.csv").write_text("\n".join(lines[:1] + lines[2::2]) + "\n")
    beside = {"validation_data": tmp_path / "later.csv", "early_stopping": 4}
    whole = rk.train(tmp_path / "train.csv", epochs=7, **beside, **JOB)
    folder = tmp_path / "run"
    rk.train(tmp_path / "train.csv", epochs=7, checkpoint=folder, every=2, on_epoch=stop_after(4), **beside, **JOB)
    assert json.loads((folder / "run.json").read_text())["validation_data"].endswith("later.csv")
    assert digest(rk.resume(folder)) == digest(whole)


def test_no_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(rk.FileError, match="holds no checkpoint; give the folder that the run was given as checkpoint"):
        rk.resume(tmp_path)


def test_training_outlives_a_checkpoint_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def spoil(record: rk.EpochRecord) -> None:
        if record.epoch == 1:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    with pytest.warns(rk.RookeryWarning, match=r"Training goes on; there is no checkpoint of epoch 2"):
        run = rk.train("penguins", epochs=2, checkpoint=folder, every=2, on_epoch=spoil, **JOB)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert digest(run) == digest(rk.train("penguins", epochs=2, **JOB))
