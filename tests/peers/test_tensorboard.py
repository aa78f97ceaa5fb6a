"""TensorBoard's own reader finds in our event files what was written, also of a run that was cut off and continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.tracking.event_file import EventFile, encode_scalar

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


def read(folder: Path) -> Any:
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard: pip install '.[peers]'"
    )
    accumulator = module.EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator: Any, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in accumulator.Scalars(tag)}


def test_it_reads_scalars_and_histograms(tmp_path: Path) -> None:
    run = cr.train(
        "penguins", label="species", epochs=6, early_stopping=False, threads=1,
        on_epoch=cr.tracking.TensorBoard(tmp_path, histogram_every=3),
    )  # fmt: skip
    found = read(tmp_path)
    losses = run.history.validation_loss.astype(np.float32).tolist()
    assert scalars(found, "loss/validation") == dict(enumerate(losses, 1))
    assert len(found.Tags()["scalars"]) == 6
    histogram = found.Histograms("layer 1/weights")[-1]
    assert histogram.step == 6
    assert sum(histogram.histogram_value.bucket) == run.model.weights[0][0].size


def test_it_reads_hyperparameters(tmp_path: Path) -> None:
    cr.train(
        "penguins", label="species", hidden=[4], epochs=2, threads=1, on_epoch=cr.tracking.TensorBoard(tmp_path)
    )  # fmt: skip
    found = read(tmp_path)
    metadata = pytest.importorskip("tensorboard.plugins.hparams.metadata")
    content = found.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    session = metadata.parse_session_start_info_plugin_data(content)
    assert session.hparams["hidden"].string_value == "[4]"
    assert session.hparams["epochs"].number_value == 2
    assert session.hparams["drop_last"].bool_value is False


def test_it_reads_odd_numbers_and_names_and_a_file_that_is_cut_off(tmp_path: Path) -> None:
    file = EventFile.create(tmp_path, 1)
    file.write(1, [encode_scalar("größe/ж", float("nan")), encode_scalar("∞", float("-inf"))])
    file.write(2, [encode_scalar("∞", 2.0)])
    file.path.write_bytes(file.path.read_bytes()[:-7])
    found = read(tmp_path)
    assert np.isnan(scalars(found, "größe/ж")[1])
    assert scalars(found, "∞") == {1: -np.inf}


def test_it_drops_what_a_continued_run_writes_again(tmp_path: Path) -> None:
    first = EventFile.create(tmp_path, 1)
    for step in range(1, 6):
        first.write(step, [encode_scalar("loss", 10.0 + step)])
    second = EventFile.create(tmp_path, 2)
    second.restart(4)
    second.write(4, [encode_scalar("loss", 4.0)])
    assert scalars(read(tmp_path), "loss") == {1: 11.0, 2: 12.0, 3: 13.0, 4: 4.0}
