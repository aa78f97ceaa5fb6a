"""Event files for TensorBoard, read by a decoder of their own: what is in them, whose they are, and what can fail."""

from __future__ import annotations

import copy
import math
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import CrecheWarning, FileError, PlanError
from creche.tracking import TensorBoard
from creche.tracking.event_file import EventFile, crc32c, encode_histogram, encode_scalar
from tests.unit.cli.commands import main
from tests.unit.tracking.decoder import Events, checksum, read

FIRST = "events.out.tfevents.0000000001.creche"
SMALL: dict[str, Any] = {"label": "species", "hidden": [3], "early_stopping": False, "threads": 1}


def train(tracker: Any, **arguments: Any) -> cr.Run:
    return cr.train("penguins", **{"epochs": 4, **SMALL, **arguments}, on_epoch=tracker)


def events_in(folder: Path) -> list[Events]:
    return [read(path) for path in sorted(folder.iterdir())]


# RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_checksums_are_those_of_the_standard(data: bytes, expected: int) -> None:
    assert crc32c(data) == checksum(data) == expected


def test_all_numbers_of_the_history_are_written(tmp_path: Path) -> None:
    run = train(TensorBoard(tmp_path / "first"))
    (events,) = events_in(tmp_path / "first")
    history = run.history
    assert events.version == "brain.Event:2"
    expected = {
        "loss/train": history.train_loss, "loss/validation": history.validation_loss,
        "accuracy/train": history.train_metric, "accuracy/validation": history.validation_metric,
        "learning_rate": history.learning_rate, "seconds_per_epoch": history.seconds,
    }  # fmt: skip
    assert events.scalars == {
        tag: {i + 1: float(np.float32(number)) for i, number in enumerate(numbers)} for tag, numbers in expected.items()
    }
    assert events.histograms == {}
    assert events.restarts == []


def test_hyperparameters_are_the_arguments_of_the_run(tmp_path: Path) -> None:
    train(TensorBoard(tmp_path), optimizer=cr.SGD(0.05, nesterov=True, momentum=0.9))
    found = events_in(tmp_path)[0].hyperparameters
    chosen = {name: found[name] for name in ("label", "hidden", "epochs", "early_stopping", "optimizer.learning_rate")}
    assert chosen == {
        "label": "species", "hidden": "[3]", "epochs": 4.0, "early_stopping": False, "optimizer.learning_rate": 0.05,
    }  # fmt: skip
    assert found["optimizer.nesterov"] is True


def test_without_validation_rows_there_are_no_scalars_of_them(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    cr.train(x, x[:, 0] ** 2, hidden=[2], epochs=2, validation_fraction=0, threads=1, on_epoch=TensorBoard(tmp_path))
    assert set(events_in(tmp_path)[0].scalars) == {"loss/train", "rmse/train", "learning_rate", "seconds_per_epoch"}


def test_histograms_hold_all_weights(tmp_path: Path) -> None:
    run = train(TensorBoard(tmp_path, histogram_every=2))
    (events,) = events_in(tmp_path)
    assert set(events.histograms) == {f"layer {i}/{part}" for i in (1, 2) for part in ("weights", "bias")}
    assert all(list(steps) == [2, 4] for steps in events.histograms.values())
    kept = run.history.best_epoch + 1
    assert kept == 4  # the weights of the model are those of the last histogram
    weights = run.model.weights[0][0].astype(np.float64)
    histogram = events.histograms["layer 1/weights"][4]
    limits, counts = np.frombuffer(histogram[6]), np.frombuffer(histogram[7])
    assert counts.sum() == weights.size
    np.testing.assert_array_equal(np.cumsum(counts), [(weights <= limit).sum() for limit in limits])
    numbers = [np.frombuffer(histogram[i])[0] for i in range(1, 6)]
    np.testing.assert_allclose(
        numbers, [weights.min(), weights.max(), weights.size, weights.sum(), (weights**2).sum()], rtol=1e-12
    )


def test_tags_and_numbers_of_all_kinds_are_written(tmp_path: Path) -> None:
    file = EventFile.create(tmp_path, 1)
    numbers = {"größe/ж": math.nan, "∞": math.inf, "too large": -1e300, "tiny": 1e-300, "x" * 300: 0.5, "\udce9": 1.0}
    file.write(2**40, [encode_scalar(tag, number) for tag, number in numbers.items()])
    file.write(3, [encode_histogram("equal", np.full(7, 2.5, dtype=np.float32))])
    events = read(file.path)
    found = {tag: steps[2**40] for tag, steps in events.scalars.items()}
    assert math.isnan(found.pop("größe/ж"))
    assert found == {"∞": math.inf, "too large": -math.inf, "tiny": 0.0, "x" * 300: 0.5, "?": 1.0}
    assert np.frombuffer(events.histograms["equal"][3][7]).sum() == 7


def test_each_run_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "events.out.tfevents.1700000000.host").write_bytes(b"of another program")
    tracker = TensorBoard(tmp_path / "first")
    runs = [train(tracker, seed=seed) for seed in range(2)]
    train(TensorBoard(tmp_path / "first"))
    assert [path.name for path in tracker.folders] == ["first-2", "first-3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "first-2", "first-3", "first-4"]
    assert [path.name for path in (tmp_path / "first").iterdir()] == ["events.out.tfevents.1700000000.host"]
    for run, folder in zip(runs, tracker.folders, strict=True):
        losses = events_in(folder)[0].scalars["loss/train"].values()
        assert list(losses) == run.history.train_loss.astype(np.float32).tolist()


def test_the_networks_of_a_cross_validation_get_folders(tmp_path: Path) -> None:
    tracker = TensorBoard(tmp_path / "folds")
    cr.cross_validate("penguins", folds=3, epochs=2, **SMALL, on_epoch=tracker)
    assert [path.name for path in tracker.folders] == ["folds", "folds-2", "folds-3"]


def test_a_run_that_is_continued_goes_on_in_its_file(tmp_path: Path) -> None:
    tracker = TensorBoard(tmp_path / "a")
    run = train(tracker, steps=20)
    assert run.epoch < 4
    run.resume(on_epoch=tracker)
    (events,) = events_in(tmp_path / "a")
    assert list(events.scalars["loss/train"]) == [1, 2, 3, 4]
    assert events.restarts == []


def test_a_run_from_a_checkpoint_goes_on_in_its_folder(tmp_path: Path) -> None:
    def stop(record: Any) -> bool:
        return record.epoch == 3

    checkpoint = {"checkpoint": tmp_path / "kept", "checkpoint_every": 2}
    train([TensorBoard(tmp_path / "a"), stop], epochs=5, **checkpoint)
    for path in (tmp_path / "kept").glob("epoch-*3.creche-checkpoint"):
        path.unlink()  # as if it had been killed in the third epoch, with a checkpoint of the second
    train(TensorBoard(tmp_path / "a"), epochs=5, **checkpoint, resume=True)
    before, after = events_in(tmp_path / "a")
    assert list(before.scalars["loss/train"]) == [1, 2, 3]
    assert list(after.scalars["loss/train"]) == [3, 4, 5]
    assert after.restarts == [3]  # readers drop what was written of the third epoch before


def test_an_estimator_that_goes_on_training_goes_on_in_its_file(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    x = np.random.default_rng(0).standard_normal((40, 2))
    estimator = cr.DNNClassifier([2], epochs=2, warm_start=True, threads=1, on_epoch=TensorBoard(tmp_path / "a"))
    estimator.fit(x, x[:, 0] > 0).fit(x, x[:, 0] > 0)
    (events,) = events_in(tmp_path / "a")
    assert list(events.scalars["loss/train"]) == [1, 2, 3, 4]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_begin_afresh(copied: Any, tmp_path: Path) -> None:
    tracker = TensorBoard(tmp_path / "a", histogram_every=3)
    train(tracker, epochs=1)
    again = copied(tracker)
    assert again.folders == []
    assert repr(again) == repr(tracker) == f"TensorBoard({str(tmp_path / 'a')!r}, histogram_every=3)"
    train(again, epochs=1)
    assert [path.name for path in again.folders] == ["a-2"]


def test_an_interrupted_run_leaves_a_whole_file(tmp_path: Path) -> None:
    def interrupt(record: Any) -> None:
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train([TensorBoard(tmp_path), interrupt])
    (events,) = events_in(tmp_path)
    assert list(events.scalars["loss/train"]) == [1, 2]


def test_a_file_that_cannot_be_written_does_not_stop_training(tmp_path: Path) -> None:
    tracker = TensorBoard(tmp_path / "a")

    def remove(record: Any) -> None:
        if record.epoch == 2:
            (tmp_path / "a" / FIRST).unlink()

    with pytest.warns(CrecheWarning, match=rf"{FIRST}: cannot be written: No such file.* Training continues") as said:
        run = train([tracker, remove])
    assert len(said) == 1
    assert run.epoch == 4


def test_a_full_disk_leaves_whole_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = EventFile.create(tmp_path, 1)
    file.write(1, [encode_scalar("loss", 1.0)])
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
    with pytest.raises(OSError, match="No space left"):
        file.write(2, [encode_scalar("loss", 0.5)])
    monkeypatch.undo()
    assert read(file.path).scalars == {"loss": {1: 1.0}}


def test_arguments_are_checked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="is a file, not a folder"):
        TensorBoard(tmp_path / "file" / "runs")
    with pytest.raises(PlanError, match="histogram_every: got 0"):
        TensorBoard(tmp_path, histogram_every=0)
    with pytest.raises(PlanError, match="did you mean 'histogram_every'"):
        TensorBoard(tmp_path, histograms_every=1)  # type: ignore[call-arg]


def test_the_command_line_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["penguins", "--label", "species", "--hidden", "3", "--epochs", "2", "--threads", "1"]
    assert main(["train", *small, "--tensorboard", f"{tmp_path}/runs/first"]) == 0
    assert main(["train", *small, "--tensorboard", f"{tmp_path}/runs/first", "--folds", "2"]) == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["first", "first-2", "first-3"]
    assert list(events_in(tmp_path / "runs" / "first")[0].scalars["loss/train"]) == [1, 2]
    capsys.readouterr()
    assert main(["train", *small, "--folds", "2", "--cluster", "auto", "--tensorboard", str(tmp_path)]) == 2
    assert "--tensorboard: cannot be combined with --folds and --cluster" in capsys.readouterr().err


def test_the_command_line_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    train([TensorBoard(tmp_path / "a"), lambda record: record.epoch == 2], checkpoint=tmp_path / "kept")
    assert main(["resume", str(tmp_path / "kept"), "--tensorboard", str(tmp_path / "a")]) == 0
    _, after = events_in(tmp_path / "a")
    assert list(after.scalars["loss/train"]) == [3, 4]
