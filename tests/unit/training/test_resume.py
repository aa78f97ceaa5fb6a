from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import PENGUINS_CSV, digest, quick, two_classes

JOB = {"label": "species", "hidden": [5], "threads": 1, "seed": 3, "dropout": 0.1}


def stop_after(epoch: int) -> object:
    return lambda record: record.epoch == epoch


@pytest.mark.parametrize("stopped", [1, 4, 7, 9])
def test_a_resumed_run_ends_with_the_same_bytes(tmp_path: Path, stopped: int) -> None:
    whole = cr.train("penguins", epochs=9, **JOB)
    cr.train("penguins", epochs=9, checkpoint=tmp_path, checkpoint_every=3, on_epoch=stop_after(stopped), **JOB)
    again = cr.resume(tmp_path)
    assert digest(again) == digest(whole)
    assert again.status == "finished"
    np.testing.assert_array_equal(again.history.train_loss, whole.history.train_loss)


def test_train_resumes_if_asked_to(tmp_path: Path) -> None:
    whole = cr.train("penguins", epochs=9, **JOB)
    cr.train("penguins", epochs=9, checkpoint=tmp_path, checkpoint_every=2, on_epoch=stop_after(5), **JOB)
    with pytest.raises(cr.FileError, match=r"holds checkpoints of this run already; continue from them"):
        cr.train("penguins", epochs=9, checkpoint=tmp_path, **JOB)
    again = cr.train("penguins", epochs=9, checkpoint=tmp_path, resume=True, **JOB)
    assert digest(again) == digest(whole)


def test_checkpoints_are_written_at_intervals_and_at_the_end(tmp_path: Path) -> None:
    seen = []

    def look(record: cr.EpochRecord) -> None:
        seen.append(sorted(int(path.name[6:12]) for path in tmp_path.glob("epoch-*"))[-1:])

    cr.train("penguins", epochs=8, checkpoint=tmp_path, checkpoint_every=3, on_epoch=look, **JOB)
    assert seen == [[0], [0], [0], [3], [3], [3], [6], [6]]
    assert (tmp_path / "epoch-000008.creche-checkpoint").exists()


def test_another_plan_or_table_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "penguins.csv"
    table.write_text(PENGUINS_CSV.read_text())
    folder = tmp_path / "run"
    cr.train(table, epochs=4, checkpoint=folder, checkpoint_every=2, **JOB)
    with pytest.raises(cr.FileError, match=r"belongs to another run: plan.epochs is 4 there and 5 here"):
        cr.train(table, epochs=5, checkpoint=folder, resume=True, **JOB)
    table.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    with pytest.raises(cr.FileError, match=r"table: column 'bill_length_mm' has different values"):
        cr.resume(folder)


def test_arrays_must_be_given_again(tmp_path: Path) -> None:
    x, y = two_classes()
    whole = quick(x, y, epochs=6)
    quick(x, y, epochs=6, checkpoint=tmp_path, checkpoint_every=2, on_epoch=stop_after(3))
    with pytest.raises(cr.FileError, match="does not hold the table, which was not a file; give it again"):
        cr.resume(tmp_path)
    assert digest(cr.resume(tmp_path, x, y)) == digest(whole)


def test_validation_rows_in_a_separate_file(tmp_path: Path) -> None:
    lines = PENGUINS_CSV.read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join(lines[:1] + lines[1::2]) + "\n")
    (tmp_path / "later.csv").write_text("\n".join(lines[:1] + lines[2::2]) + "\n")
    beside = {"validation_data": tmp_path / "later.csv", "early_stopping": 4}
    whole = cr.train(tmp_path / "train.csv", epochs=7, **beside, **JOB)
    folder = tmp_path / "run"
    cr.train(
        tmp_path / "train.csv", epochs=7, checkpoint=folder, checkpoint_every=2, on_epoch=stop_after(4), **beside, **JOB
    )
    assert json.loads((folder / "run.json").read_text())["validation_data"].endswith("later.csv")
    assert digest(cr.resume(folder)) == digest(whole)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cr.FileError, match="holds no checkpoint; give the folder that training was given as"):
        cr.resume(tmp_path)


def test_training_continues_if_a_checkpoint_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def spoil(record: cr.EpochRecord) -> None:
        if record.epoch == 1:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    with pytest.warns(cr.CrecheWarning, match=r"Training continues; there is no checkpoint of epoch 2"):
        run = cr.train("penguins", epochs=2, checkpoint=folder, checkpoint_every=2, on_epoch=spoil, **JOB)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert digest(run) == digest(cr.train("penguins", epochs=2, **JOB))


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    """The columns that trade places are both numbers: the network would fit, and learn nonsense."""
    whole = cr.train("penguins", epochs=6, **JOB)
    cr.train("penguins", epochs=6, checkpoint=tmp_path, checkpoint_every=2, on_epoch=stop_after(3), **JOB)
    frame = cr.datasets.penguins()
    moved = frame.select(reversed(frame.columns))
    with pytest.raises(cr.FileError, match="table: its columns are in a different order"):
        cr.train(moved, epochs=6, checkpoint=tmp_path, resume=True, **JOB)
    assert digest(cr.resume(tmp_path, moved)) == digest(whole)


def test_other_weights_or_validation_rows_are_refused(tmp_path: Path) -> None:
    x, y = two_classes()
    (held_x, x), (held_y, y) = (x[:9], x[9:]), (y[:9], y[9:])
    weights = np.linspace(1, 2, len(y))
    whole = quick(x, y, epochs=6, sample_weight=weights, validation_data=(held_x, held_y))
    quick(
        x, y, epochs=6, sample_weight=weights, validation_data=(held_x, held_y), checkpoint=tmp_path,
        checkpoint_every=2, on_epoch=stop_after(3),
    )  # fmt: skip
    with pytest.raises(cr.FileError, match="table: sample_weight was set, and is missing now"):
        cr.resume(tmp_path, x, y, validation_data=(held_x, held_y))
    with pytest.raises(cr.FileError, match="table: validation_data: it has 8 rows, not 9"):
        cr.resume(tmp_path, x, y, sample_weight=weights, validation_data=(held_x[:8], held_y[:8]))
    again = cr.resume(tmp_path, x, y, sample_weight=weights, validation_data=(held_x, held_y))
    assert digest(again) == digest(whole)


def test_a_run_can_be_resumed_from_its_start(tmp_path: Path) -> None:
    def fail(record: cr.EpochRecord) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cr.train("penguins", epochs=4, checkpoint=tmp_path, on_epoch=fail, **JOB)
    assert [path.name for path in tmp_path.glob("epoch-*")] == ["epoch-000000.creche-checkpoint"]
    assert digest(cr.resume(tmp_path)) == digest(cr.train("penguins", epochs=4, **JOB))


def test_standard_input_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PENGUINS_CSV.read_bytes())))
    whole = cr.train("-", epochs=4, checkpoint=tmp_path, **JOB)
    with pytest.raises(cr.FileError, match="does not hold the table"):
        cr.resume(tmp_path)
    assert digest(cr.resume(tmp_path, PENGUINS_CSV)) == digest(whole)


def test_resuming_needs_a_folder() -> None:
    with pytest.raises(cr.PlanError, match="resume: there is no checkpoint to continue from"):
        cr.train("penguins", resume=True, **JOB)
