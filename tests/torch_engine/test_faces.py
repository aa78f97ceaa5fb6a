"""PyTorch as the device of whole calls: what they return is what the compiled engine gives, up to rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine import device as devices
from creche.engine.device import CPU, Device, resolve_device

pytestmark = pytest.mark.peers
JOB: dict[str, Any] = {
    "label": "species", "hidden": [6], "epochs": 4, "precision": "float64", "threads": 1, "on_progress": False,
}  # fmt: skip


@pytest.fixture
def on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the word "cpu" mean PyTorch on the processor; without a word, the compiled engine trains."""
    pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    monkeypatch.setattr(devices, "_parse", lambda where, word: Device("cpu", engine="torch"))


@pytest.mark.usefixtures("on_torch")
def test_the_word_of_the_fixture_is_pytorch() -> None:
    assert resolve_device("cpu") != CPU == resolve_device(None)


@pytest.mark.usefixtures("on_torch")
def test_a_run_is_that_of_the_processor_and_notes_its_device(tmp_path: Path) -> None:
    native, run = cr.train("penguins", **JOB), cr.train("penguins", **JOB, device="cpu")
    np.testing.assert_allclose(run.history.validation_loss, native.history.validation_loss, rtol=1e-9)
    for mine, other in zip(run.weights, native.weights, strict=True):
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-7, atol=1e-9)
    assert run.evaluation.log_loss == pytest.approx(native.evaluation.log_loss, rel=1e-7)
    run.model.save(tmp_path / "m.creche")
    again = cr.load(tmp_path / "m.creche")
    assert again.provenance is not None
    assert again.provenance.device is not None
    assert set(again.provenance.device) == {"device", "torch"}
    np.testing.assert_array_equal(again.predict("penguins"), run.model.predict("penguins"))
    verified = cr.verify(again, "penguins", on_progress=False)
    assert verified.verified
    assert cr.verify(native.model, "penguins", device="cpu", on_progress=False).verified


@pytest.mark.usefixtures("on_torch")
def test_a_stopped_run_goes_on_with_the_other_engine(tmp_path: Path) -> None:
    whole = cr.train("penguins", **JOB)
    often = {"checkpoint": tmp_path, "checkpoint_every": 1}
    stopped = cr.train("penguins", **JOB, device="cpu", **often, on_epoch=lambda record: record.epoch == 1)
    assert stopped.status == "stopped"
    went_on = cr.resume(tmp_path, threads=1, on_progress=False)
    np.testing.assert_allclose(went_on.history.validation_loss, whole.history.validation_loss, rtol=1e-9)


@pytest.mark.usefixtures("on_torch")
def test_networks_of_sweeps_and_folds_take_turns() -> None:
    varied = {**JOB, "learning_rate": [0.003, 0.01], "seeds": 2}
    native, colony = cr.sweep("penguins", **varied), cr.sweep("penguins", **varied, device="cpu")
    np.testing.assert_allclose(
        [member.history.validation_loss for member in colony], [member.history.validation_loss for member in native],
        rtol=1e-9,
    )  # fmt: skip
    folds = {**JOB, "folds": 3}
    crossed, expected = cr.cross_validate("penguins", **folds, device="cpu"), cr.cross_validate("penguins", **folds)
    np.testing.assert_allclose(crossed.predictions, expected.predictions, rtol=1e-7)


@pytest.mark.usefixtures("on_torch")
@pytest.mark.parametrize(
    "job",
    [
        {}, {"loss": "squared_error"},
        {"label": "sex", "data": "complete"}, {"label": "body_mass_g", "data": "complete"},
        {"label": "body_mass_g", "data": "complete", "loss": "poisson"}, {"submodels": 3}, {"normalization": "batch"},
        {"number_embedding": "periodic"}, {"label": "body_mass_g", "data": "complete", "quantiles": [0.1, 0.9]},
    ],
    ids=str,
)  # fmt: skip
def test_a_model_predicts_on_pytorch_what_it_predicts_on_the_processor(job: dict[str, Any], tmp_path: Path) -> None:
    table: Any = cr.datasets.penguins().drop_nulls() if job.get("data") else "penguins"
    model = cr.train(table, **{**JOB, **{name: value for name, value in job.items() if name != "data"}}).model
    model.save(tmp_path / "m.creche")
    moved = cr.load(tmp_path / "m.creche", threads=1, device="cpu")
    assert isinstance(moved, cr.Model)
    assert moved.device.engine == "torch"
    if model.classes is None:
        np.testing.assert_allclose(moved.predict(table), model.predict(table), rtol=1e-9)
    else:
        np.testing.assert_allclose(moved.predict_proba(table), model.predict_proba(table), rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("on_torch")
def test_the_networks_of_an_ensemble_predict_one_after_the_other() -> None:
    ensemble = cr.cross_validate("penguins", **JOB, folds=3).ensemble()
    moved = ensemble.with_device("cpu")
    assert {model.device.engine for model in moved.models} == {"torch"}
    assert {model.device.engine for model in ensemble.models} == {"native"}
    np.testing.assert_allclose(
        moved.predict_proba("penguins"), ensemble.predict_proba("penguins"), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(moved.disagreement("penguins"), ensemble.disagreement("penguins"), rtol=1e-6, atol=1e-12)


def squared(outputs: Any, labels: Any) -> tuple[Any, Any]:
    """Return the squared errors, and their gradients."""
    return ((outputs - labels) ** 2).sum(axis=1), 2 * (outputs - labels)


@pytest.mark.usefixtures("on_torch")
def test_a_loss_in_python_runs_at_its_own_speed_and_a_warning_says_so() -> None:
    x = np.random.default_rng(0).standard_normal((60, 3))
    job: dict[str, Any] = {**JOB, "label": None, "task": "regression", "loss": squared}
    native = cr.train(x, x[:, 0] * x[:, 1], **job)
    with pytest.warns(cr.CrecheWarning, match=r"^loss: 'squared' is a Python function, .* so that cpu waits for it"):
        run = cr.train(x, x[:, 0] * x[:, 1], **job, device="cpu")
    np.testing.assert_allclose(run.history.validation_loss, native.history.validation_loss, rtol=1e-9)
