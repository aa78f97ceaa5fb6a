"""What is recorded is what happened, within the memory it may take, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.parameters import Parameters
from creche.training.recorder import Recorder, sample_rows, select_rows
from tests.unit.small_runs import TO_THE_END, digest, line, quick, two_classes

EVERYTHING = {"dropout": 0.2, "batch_size": 7, "epochs": 6, "seed": 3}


def recorded(run: cr.Run) -> cr.Recording:
    assert run.recording is not None
    return run.recording


@pytest.mark.parametrize("every", [None, 1, 2, 5, 8, 16, 1000])
@pytest.mark.parametrize("early", [None, 2])
def test_recording_changes_no_bit(every: int | None, early: int | None) -> None:
    x, y = two_classes()
    arguments = {**EVERYTHING, "early_stopping": early, "schedule": "cosine", "optimizer": "nadam"}
    alone, watched = quick(x, y, **arguments), quick(x, y, **arguments, record=cr.Record(every=every))
    assert digest(watched) == digest(alone)
    assert (watched.epoch, watched.step, watched.status) == (alone.epoch, alone.step, alone.status)
    for name in ("train_loss", "validation_loss", "validation_metric", "learning_rate"):
        np.testing.assert_array_equal(getattr(watched.history, name), getattr(alone.history, name))


def test_recording_works_with_callbacks_progress_and_checkpoints(tmp_path: Path) -> None:
    x, y = two_classes()
    told: list[int] = []
    run = quick(
        x, y, **EVERYTHING, record=cr.Record(every=3), checkpoint=tmp_path, checkpoint_every=2,
        on_epoch=lambda record: told.append(record.epoch), on_progress=lambda run: None,
    )  # fmt: skip
    assert told == [1, 2, 3, 4, 5, 6]
    assert digest(run) == digest(quick(x, y, **EVERYTHING))
    assert recorded(run).steps.tolist() == list(range(0, 49, 3))
    assert (tmp_path / "epoch-000006.creche-checkpoint").exists()


def test_each_moment_has_the_weights_of_its_step() -> None:
    x, y = two_classes()
    recording = recorded(quick(x, y, **EVERYTHING, record=cr.Record(every=5)))
    assert recording.steps.tolist() == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48]
    np.testing.assert_array_equal(recording.epochs, recording.steps / 8)
    fresh = quick(x, y, **{**EVERYTHING, "epochs": 6}, on_epoch=lambda record: True)
    assert fresh.step == 8
    path = recording.path()
    for at, steps in enumerate(recording.steps.tolist()):
        if steps <= 8:
            continue
        fresh.resume(steps=steps - fresh.step)
        for (w, b), (v, c) in zip(path[at], fresh.weights, strict=True):
            np.testing.assert_array_equal(w, v)
            np.testing.assert_array_equal(b, c)
    assert [w.shape for w, _ in recording.weights] == [(11, 3, 6), (11, 6, 2)]


def test_norms_and_updates_are_those_of_the_weights() -> None:
    x, y = line()
    every_step = recorded(quick(x, y, **EVERYTHING, record=cr.Record(every=1)))
    first = every_step.weights[0][0].astype(np.float64)
    norms = np.sqrt((first**2).sum(axis=(1, 2)))
    np.testing.assert_allclose(every_step.weight_norms[:, 0], norms, rtol=1e-12)
    changes = np.sqrt((np.diff(first, axis=0) ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(every_step.update_norms[1:, 0], changes, rtol=1e-6)
    np.testing.assert_allclose(every_step.update_ratios[1:, 0], changes / norms[1:], rtol=1e-6)
    assert np.isnan(every_step.update_ratios[0]).all()
    # Of a moment that others lie before, it is the step just before it, not all since the last moment.
    now_and_then = recorded(quick(x, y, **EVERYTHING, record=cr.Record(every=4, weights=False)))
    same = np.isin(every_step.steps, now_and_then.steps)
    np.testing.assert_array_equal(now_and_then.update_ratios, every_step.update_ratios[same])


def test_gradients_are_those_of_the_loss_on_the_sample() -> None:
    x, y = two_classes()
    run = quick(x, y, **EVERYTHING, precision="float64", activation="tanh", record=cr.Record(every=10, rows=20))
    recording = recorded(run)
    rows = select_rows(run.rows, sample_rows(len(run.rows), 20, 3))
    assert len(recording.rows) == 20

    def loss(weights: Any) -> float:
        a = np.tanh(rows.x @ weights[0][0] + weights[0][1])
        z = a @ weights[1][0] + weights[1][1]
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return float(-np.log(p[np.arange(20), rows.classes]).mean())

    for at, weights in enumerate(recording.path()):
        np.testing.assert_allclose(recording.loss[at], loss(weights), rtol=1e-12)
        for layer, place in ((0, (1, 2)), (1, (3, 1))):
            sides = []
            for h in (1e-6, -1e-6):
                moved = [(w.copy(), b.copy()) for w, b in weights]
                moved[layer][0][place] += h
                sides.append(loss(moved))
            found = recording.gradients[layer][0][at][place]
            np.testing.assert_allclose(found, (sides[0] - sides[1]) / 2e-6, rtol=1e-5, atol=1e-9)
    expected = [[np.linalg.norm(w[at]) for w, _ in recording.gradients] for at in range(len(recording))]
    np.testing.assert_allclose(recording.gradient_norms, expected)


def test_dead_neurons_are_counted() -> None:
    x, y = two_classes()
    run = quick(x, y, **EVERYTHING)
    assert run.recording is None
    parameters = run.parameters
    weights = parameters.layers
    weights[0][1][2:4] = -1e6  # two of six neurons can never be above 0 again
    run._engine.set_parameters(dict(parameters))
    run.recorder = Recorder(cr.Record(rows=30), run)
    run.recorder.look(run)
    recording = recorded(run)
    a = np.maximum(select_rows(run.rows, sample_rows(len(run.rows), 30, 3)).x @ weights[0][0] + weights[0][1], 0)
    np.testing.assert_allclose(recording.activation_means[0][0], a.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(recording.activation_deviations[0][0], a.std(axis=0), rtol=1e-4, atol=1e-6)
    assert recording.dead[0, 0] == np.mean((a == 0).all(axis=0)) >= 2 / 6
    assert np.isnan(recording.dead[0, 1])  # outputs do not die
    assert np.isnan(recording.saturated).all()


def test_saturated_neurons_are_counted() -> None:
    x, y = two_classes()
    for scale, expected in ((1e4, 1.0), (1e-4, 0.0)):
        run = quick(x, y, **EVERYTHING, activation="tanh")
        run._engine.set_parameters(dict(Parameters.of_layers([(w * scale, b) for w, b in run.weights])))
        run.recorder = Recorder(cr.Record(), run)
        run.recorder.look(run)
        assert recorded(run).saturated[0, 0] == pytest.approx(expected, abs=0.02)


def test_about_two_hundred_moments_are_recorded_by_default() -> None:
    x, y = two_classes()
    recording = recorded(quick(x, y, epochs=900, batch_size=8, record="weights", **TO_THE_END))
    assert recording.steps[-1] == 900 * 7
    assert 190 <= len(recording) <= 202
    assert len(np.unique(np.diff(recording.steps)[:-1])) == 1
    stopped = recorded(quick(x, y, epochs=100_000, batch_size=8, early_stopping=30, record="weights"))
    assert 100 <= len(stopped) <= 256
    assert len(np.unique(np.diff(stopped.steps))) <= 2


def test_memory_is_bounded() -> None:
    x, y = two_classes()
    plan = quick(x, y, epochs=50).plan
    each = cr.Record().bytes_per_moment(plan)
    for moments in (2, 3, 10):
        tight = recorded(quick(x, y, epochs=50, record=cr.Record(max_bytes=each * moments)))
        assert len(tight) <= moments
        assert (tight.steps[0], tight.steps[-1]) == (0, 100)
        assert sum(array.nbytes for array in tight._recorded.values()) <= each * moments
        early = recorded(quick(x, y, epochs=50, early_stopping=49, record=cr.Record(max_bytes=each * moments)))
        assert len(early) <= moments
        assert early.steps[0] == 0


def test_a_recording_too_large_is_refused_before_training() -> None:
    x, y = two_classes()
    with pytest.raises(
        cr.PlanError, match=r"not fit in memory: the first and the last moment alone take 1,216 bytes, more t"
    ):
        quick(x, y, epochs=50, record=cr.Record(max_bytes=1000))
    with pytest.raises(cr.PlanError, match=r"102 moments take .* more than max_bytes=20,000; give every=\d+ or more"):
        quick(x, y, epochs=50, record=cr.Record(every=1, max_bytes=20_000))
    with pytest.raises(cr.PlanError, match=r"would not fit in memory.*record less than weights and gradients"):
        quick(x, y, hidden=[500, 500], record=cr.Record(max_bytes=2**20))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("weigths", "did you mean 'weights'"),
        (3, "needs True, a Record, or some of weights, gradients, activations"),
        (["weights", 3], "got 3"),
        ({"evry": 3}, "unknown key 'evry'; did you mean 'every'"),
    ],
)
def test_an_invalid_record_is_refused(given: object, message: str) -> None:
    x, y = two_classes()
    with pytest.raises(cr.PlanError, match=message):
        quick(x, y, record=given)


def test_reading_what_was_not_recorded_is_an_error() -> None:
    x, y = two_classes()
    recording = recorded(quick(x, y, record="activations"))
    assert (recording.has_weights, recording.has_gradients, recording.has_activations) == (False, False, True)
    for read in (recording.path, lambda: recording.gradient_norms):
        with pytest.raises(cr.CrecheError, match=r"holds no .*; train with record='"):
            read()
    assert recording.table()["gradient_norm"].is_null().all()
    with pytest.raises(cr.CrecheError, match="holds no activations"):
        _ = recorded(quick(x, y, record="weights")).dead


def test_the_table_has_a_row_for_each_moment_and_layer() -> None:
    x, y = two_classes()
    recording = recorded(quick(x, y, hidden=[6, 5], epochs=3, record=True))
    table = recording.table()
    assert table.height == len(recording) * 3
    assert table["layer"].unique(maintain_order=True).to_list() == ["layer 1", "layer 2", "output layer"]
    second = table.filter(layer="layer 2")
    np.testing.assert_array_equal(second["weight_norm"].to_numpy(), recording.weight_norms[:, 1])
    np.testing.assert_allclose(second["dead"].to_numpy(), recording.dead[:, 1])
    assert table.filter(layer="output layer")["dead"].is_null().all()


def test_no_moment_holds_weights_that_early_stopping_restored() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=300, learning_rate=0.05, early_stopping=5, record=cr.Record(every=1))
    recording = recorded(run)
    assert run.status == "early_stopped"
    assert run.is_at_best
    assert recording.steps[-1] < run.step
    at = int(np.flatnonzero(recording.steps == 2 * (run.history.best_epoch + 1))[0])
    np.testing.assert_array_equal(recording.path()[at][0][0], run.weights[0][0])


def test_a_resumed_run_continues_its_recording(tmp_path: Path) -> None:
    x, y = two_classes()
    whole = recorded(quick(x, y, epochs=9, record=cr.Record(every=3)))
    run = quick(x, y, epochs=9, record=cr.Record(every=3), on_epoch=lambda record: record.epoch == 4)
    assert recorded(run).steps.tolist() == [0, 3, 6, 8]
    again = recorded(run.resume())
    kept = [at for at, step in enumerate(again.steps.tolist()) if step != 8]
    assert again.steps[kept].tolist() == whole.steps.tolist()
    np.testing.assert_array_equal(again.weights[0][0][kept], whole.weights[0][0])
    # In another process, what was recorded before the checkpoint is lost.
    quick(x, y, epochs=9, checkpoint=tmp_path, checkpoint_every=2, on_epoch=lambda record: record.epoch == 4)
    later = recorded(cr.resume(tmp_path, x, y, record=cr.Record(every=3)))
    assert later.steps.tolist() == [8, 9, 12, 15, 18]
    np.testing.assert_array_equal(later.weights[0][0][1:], whole.weights[0][0][3:])


def test_ctrl_c_leaves_no_trace_in_the_recording() -> None:
    x, y = two_classes()
    whole = recorded(quick(x, y, epochs=9, record=cr.Record(every=3)))

    def interrupt(record: cr.EpochRecord) -> None:
        if record.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        quick(x, y, epochs=9, record=cr.Record(every=3), on_epoch=interrupt)
    run: cr.Run = caught.value.run  # type: ignore[attr-defined]
    assert recorded(run).steps.tolist() == [0, 3, 6]
    again = recorded(run.resume())
    np.testing.assert_array_equal(again.steps, whole.steps)
    np.testing.assert_array_equal(again.weights[0][0], whole.weights[0][0])
    np.testing.assert_array_equal(again.update_norms, whole.update_norms)


def test_a_diverged_run_is_recorded_up_to_its_last_finite_weights() -> None:
    x, y = line()
    with pytest.raises(cr.DivergedError) as caught:
        quick(x, y, optimizer="sgd", learning_rate=50.0, epochs=50, record=cr.Record(every=1))
    run = caught.value.run
    assert run is not None
    recording = recorded(run)
    assert recording.steps.tolist() == list(range(run.step + 1))
    for w, _ in recording.weights:
        assert np.isfinite(w).all()
    np.testing.assert_array_equal(recording.path()[-1][0][0], run.weights[0][0])


def test_a_run_with_a_custom_loss_is_recorded() -> None:
    x, y = line()

    def squares(outputs: Any, labels: Any) -> Any:
        return ((outputs - labels) ** 2).mean(axis=1), 2 * (outputs - labels) / outputs.shape[1]

    own = recorded(quick(x, y, loss=squares, record=True))
    usual = recorded(quick(x, y, record=True))
    np.testing.assert_allclose(own.gradients[0][0], usual.gradients[0][0], rtol=1e-3, atol=1e-4)


def test_each_fold_has_a_recording_of_its_own() -> None:
    x, y = two_classes()
    crossed = cr.cross_validate(x, y, folds=3, hidden=[4], epochs=3, threads=1, record=cr.Record(every=2))
    for run in crossed.members:
        np.testing.assert_array_equal(recorded(run).path()[-1][0][0], run.weights[0][0])
