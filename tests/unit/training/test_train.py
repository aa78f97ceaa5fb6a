from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.training.run import Run
from creche.training.train import train
from tests.unit.small_runs import MEASUREMENTS, TO_THE_END, digest, line, quick, two_classes

LONG = 1_000_000_000
ENOUGH = 500_000


@pytest.fixture(scope="module")
def birds() -> pl.DataFrame:
    return cr.datasets.penguins().select("species", *MEASUREMENTS).drop_nulls()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, as in a shell, even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_documented_call(birds: pl.DataFrame) -> None:
    run = train(
        birds, label="species", hidden=[5, 5], activation="relu", loss="cross_entropy",
        optimizer=cr.Adam(learning_rate=0.01), batch_size=20, epochs=100, seed=0, early_stopping=False,
    )  # fmt: skip
    assert (run.status, run.epoch, len(run.history)) == ("finished", 100, 100)
    assert run.step == 100 * -(-len(run.prepared.train) // 20)
    assert str(run.plan.network) == "4-5-5-3"
    assert run.plan.optimizer == cr.Adam(learning_rate=0.01)
    assert run.history.validation_metric[-1] > 0.95
    p = run.model.predict_proba(birds.head(3))
    assert p.shape == (3, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert [(w.shape, b.shape) for w, b in run.model.weights] == [((4, 5), (5,)), ((5, 5), (5,)), ((5, 3), (3,))]


def test_the_documented_call_on_arrays() -> None:
    x, y = two_classes()
    run = train(x, y, hidden=[10, 10], threads=2, standardize=False, validation_fraction=0)
    assert run.status == "finished"
    assert run.threads == 2
    assert not run.history.has_validation
    assert run.history.train_metric[-1] > 0.95


def test_accuracy_and_loss_of_the_last_epoch_are_those_of_the_predictions(birds: pl.DataFrame) -> None:
    run = train(birds, label="species", hidden=[8], epochs=60, learning_rate=0.01, threads=1, **TO_THE_END)
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    p = run.model.predict_proba(rows.x).astype(np.float64)
    truth = np.array([run.model.classes.index(label) for label in rows.y])  # type: ignore[union-attr]
    assert run.history.validation_metric[-1] == (p.argmax(axis=1) == truth).mean()
    assert run.history.validation_metric[-1] > 0.95
    np.testing.assert_allclose(run.history.validation_loss[-1], -np.log(p[np.arange(len(p)), truth]).mean(), rtol=1e-5)


def test_predicted_numbers_are_in_the_labels_units() -> None:
    x, y = line(300)
    run = train(x, y, hidden=[16], activation="relu", epochs=60, learning_rate=0.01, threads=1)
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    predicted = run.model.predict(rows.x)
    assert predicted.shape == rows.y.shape
    of_mean = ((rows.y - run.prepared.train.observations.y.mean()) ** 2).mean()
    design = np.column_stack([run.prepared.train.observations.x, np.ones(len(run.prepared.train))])
    coefficients = np.linalg.lstsq(design, run.prepared.train.observations.y, rcond=None)[0]
    of_line = ((rows.y - np.column_stack([rows.x, np.ones(len(rows.x))]) @ coefficients) ** 2).mean()
    squared = ((rows.y - predicted) ** 2).mean()
    assert squared < 0.05 * of_mean
    assert squared > 0.2 * of_line
    np.testing.assert_allclose(run.history.validation_metric[-1], np.sqrt(squared), rtol=1e-4)


def one_step(x: Any, y: Any, **arguments: Any) -> Run:
    """One step of plain gradient descent over all rows, in double precision."""
    return train(
        x, y, hidden=[5], optimizer="sgd", learning_rate=0.1, batch_size=1000, epochs=1, shuffle=False,
        standardize=False, validation_fraction=0, precision="float64", threads=1, **arguments,
    )  # fmt: skip


def test_a_weight_of_two_is_the_row_twice() -> None:
    x, y = two_classes(30)
    weights = np.ones(30)
    weights[[3, 17]] = 2
    twice = np.concatenate([np.arange(30), [3, 17]])
    weighted, repeated = one_step(x, y, sample_weight=weights), one_step(x[twice], y[twice])
    plain = one_step(x, y)
    for one, other in zip(weighted.model.weights, repeated.model.weights, strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(one[1], other[1], rtol=1e-12, atol=1e-14)
    assert digest(weighted) != digest(plain)


def test_a_row_of_weight_zero_is_left_out() -> None:
    x, y = two_classes(30)
    weights = np.ones(30)
    weights[20:] = 0
    weighted, fewer = one_step(x, y, sample_weight=weights), one_step(x[:20], y[:20])
    for one, other in zip(weighted.model.weights, fewer.model.weights, strict=True):
        np.testing.assert_allclose(one[0], other[0], rtol=1e-12, atol=1e-14)


def test_balanced_weights_are_inverse_frequencies() -> None:
    x, _ = two_classes(60)
    y = np.repeat(["a", "b", "c"], [30, 20, 10])
    by_hand = {name: 60 / (3 * count) for name, count in (("a", 30), ("b", 20), ("c", 10))}
    assert digest(one_step(x, y, class_weight="balanced")) == digest(one_step(x, y, class_weight=by_hand))


def test_squared_errors_of_probabilities_are_those_of_the_example() -> None:
    """For 0.4, 0.3, 0.3 and the first class, a network is off by 0.6, 0.3, 0.3; the mean of their squares is 0.18."""
    x, y = np.zeros((6, 1)), ["a"] * 6
    arguments: dict[str, Any] = {"classes": ["a", "b", "c"], "loss": "squared_error", "hidden": [], "learning_rate": 0}
    plain: dict[str, Any] = {"standardize": False, "validation_fraction": 0, "precision": "float64", "threads": 1}
    state = train(x, y, epochs=0, **arguments, **plain).state()
    run = train(x, y, epochs=1, **arguments, **plain)
    run.set_state({**state, "network.0.bias": np.log([0.4, 0.3, 0.3])})
    run.resume()
    np.testing.assert_allclose(abs(run.model.predict_proba(x[:1]) - [1, 0, 0]), [[0.6, 0.3, 0.3]], rtol=1e-14)
    assert run.history.train_loss.tolist() == pytest.approx([0.18], rel=1e-14)


def test_early_stopping_ends_with_the_best_weights() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 8)), rng.integers(0, 2, 60)
    run = train(x, y, hidden=[64], epochs=500, learning_rate=0.02, early_stopping=5, threads=1)
    history = run.history
    assert run.status == "early_stopped"
    assert len(history) < 500
    assert history.best_epoch == len(history) - 1 - 5
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    log_loss = run.model.evaluate(rows.x, rows.y).log_loss  # type: ignore[union-attr]
    np.testing.assert_allclose(log_loss, history.validation_loss.min(), rtol=1e-5)


def test_early_stopping_may_keep_the_last_weights() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 8)), rng.integers(0, 2, 60)
    run = train(x, y, hidden=[64], epochs=500, learning_rate=0.02, early_stopping=5, keep="last", threads=1)
    assert run.status == "early_stopped"
    assert run.kept_epoch == run.epoch
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    log_loss = run.model.evaluate(rows.x, rows.y).log_loss  # type: ignore[union-attr]
    np.testing.assert_allclose(log_loss, run.history.validation_loss[-1], rtol=1e-5)
    assert log_loss > run.history.validation_loss.min()


@pytest.mark.parametrize("pieces", [[8], [1] * 8, [3, 5], [7, 1]], ids=str)
def test_a_run_in_pieces_is_the_same_run(pieces: list[int]) -> None:
    x, y = two_classes()
    arguments: dict[str, Any] = {"hidden": [7], "dropout": 0.2, "schedule": cr.schedules.Exponential(0.9), "threads": 1}
    whole = train(x, y, epochs=8, **arguments)
    start = train(x, y, epochs=0, **arguments)
    long = train(x, y, epochs=8, **arguments)
    long.set_state(start.state())
    assert (long.epoch, long.step, len(long.history)) == (0, 0, 0)
    done = 0
    for epochs in pieces:
        assert long.resume(epochs=epochs) is long
        done += epochs
        assert long.epoch == done
    assert digest(long) == digest(whole)
    np.testing.assert_array_equal(long.history.train_loss, whole.history.train_loss)
    np.testing.assert_array_equal(long.history.validation_loss, whole.history.validation_loss)


def test_a_state_continues_in_another_run() -> None:
    x, y = two_classes()
    whole, half = quick(x, y, epochs=6), quick(x, y, epochs=6)
    half.set_state(quick(x, y, epochs=0).state())
    half.resume(epochs=3)
    saved = {name: array.copy() for name, array in half.state().items()}
    other = quick(x, y, epochs=6)
    other.set_state(saved)
    assert other.epoch == 3
    assert other.status == "running"
    other.resume()
    assert digest(other) == digest(whole)
    assert other.status == "finished"


@pytest.mark.parametrize("state", [{}, {"weights": np.zeros(3)}], ids=["empty", "foreign"])
def test_an_invalid_state_is_refused(state: dict[str, Any]) -> None:
    x, y = two_classes()
    with pytest.raises(cr.PlanError, match="needs the state of a run of the same plan"):
        quick(x, y).set_state(state)


def test_the_state_of_another_network_is_refused() -> None:
    x, y = two_classes()
    run = quick(x, y)
    before = digest(run)
    with pytest.raises(cr.PlanError, match="needs the state of a run of the same plan"):
        run.set_state(quick(x, y, hidden=[9]).state())
    assert digest(run) == before


@pytest.mark.parametrize("epochs", [-1, -3, 1.5, "2"], ids=repr)
def test_an_invalid_number_of_epochs_to_resume_is_refused(epochs: Any) -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=6)
    run.set_state(quick(x, y, epochs=0).state())
    with pytest.raises(cr.PlanError, match="epochs: got "):
        run.resume(epochs=epochs)


def test_a_finished_run_stays_as_it_is() -> None:
    x, y = two_classes()
    run = quick(x, y)
    before = digest(run)
    assert run.resume().status == "finished"
    assert run.resume(epochs=3).epoch == 2
    assert digest(run) == before


def test_the_same_bits_again_and_on_any_number_of_threads() -> None:
    x, y = two_classes(600, 40)
    arguments: dict[str, Any] = {"hidden": [200, 100], "dropout": 0.1, "batch_size": 256}
    digests = {digest(quick(x, y, **(arguments | {"threads": threads}))) for threads in (1, 2, 1, 3, 2)}
    assert len(digests) == 1


@pytest.mark.parametrize("fraction", [0.3, pytest.param(0)])
def test_the_same_bits_whatever_holds_the_table(fraction: float) -> None:
    x, y = two_classes(2000)
    frame = pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2], "y": y})
    held: list[tuple[Any, Any, str | None]] = [
        (x, y, None), (np.asfortranarray(x), y, None), (x.tolist(), y.tolist(), None), (frame, None, "y"),
    ]  # fmt: skip
    digests = {
        digest(quick(data, labels, label=label, validation_fraction=fraction, precision="float64"))
        for data, labels, label in held
    }
    assert len(digests) == 1


@pytest.mark.parametrize("fraction", [0.3, 0])
def test_the_same_bits_whatever_holds_several_labels(fraction: float) -> None:
    x, y = line(2000)
    both = np.column_stack([y, 3 * y - x[:, 0] ** 2])
    frame = pl.DataFrame({**{f"x{i}": x[:, i] for i in range(x.shape[1])}, "y0": both[:, 0], "y1": both[:, 1]})
    held: list[tuple[Any, Any, Any]] = [
        (x, both, None), (x, np.asfortranarray(both), None), (x, np.repeat(both, 2, axis=1)[:, ::2], None),
        (x, frame.select("y0", "y1").to_pandas(), None), (frame, None, ["y0", "y1"]),
    ]  # fmt: skip
    digests = {
        digest(quick(data, labels, label=label, validation_fraction=fraction, precision="float64"))
        for data, labels, label in held
    }
    assert len(digests) == 1


def test_another_seed_gives_other_weights() -> None:
    x, y = two_classes()
    assert len({digest(quick(x, y, seed=seed, epochs=0)) for seed in (0, 1, 2**63)}) == 3
    assert digest(quick(x, y, seed=np.int64(1))) == digest(quick(x, y, seed=1))


def test_a_plan_in_place_of_its_arguments_is_the_same_run() -> None:
    x, y = two_classes()
    arguments: dict[str, Any] = {"hidden": [7], "activation": "tanh", "schedule": "cosine", "seed": 3, "dropout": 0.1}
    run = quick(x, y, **arguments)
    again = train(x, y, plan=cr.Plan.from_json(run.plan.to_json()), threads=1)
    assert again.plan == run.plan
    assert digest(again) == digest(run)
    assert digest(again) != digest(train(x, y, plan=replace(run.plan, seed=4), threads=1))


def test_a_plan_sets_the_task() -> None:
    x, y = two_classes()
    run = train(x, y, plan=cr.Plan(cr.Network.of(3, [4], 1), "regression", "huber", epochs=1), threads=1)  # type: ignore[arg-type]
    assert run.model.classes is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hidden": [5]}, "plan: it sets hidden already; leave hidden out, or the plan"),
        ({"seed": 1, "loss": "huber"}, "plan: it sets loss already; leave loss, seed out"),
        ({"plan": {"network": {}}}, "plan: got dict; needs a Plan"),
        ({"plan": cr.Plan(cr.Network.of(4, [5], 2))}, "plan: its network, 4-5-2, .*; this table needs 3 and 2"),
        ({"plan": cr.Plan(cr.Network.of(3, [5], 3))}, "plan: its network, 3-5-3, .*; this table needs 3 and 2"),
    ],
    ids=str,
)
def test_a_plan_that_does_not_fit_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(cr.PlanError, match=says):
        train(*two_classes(), **({"plan": cr.Plan(cr.Network.of(3, [5], 2))} | arguments))


def test_precision_is_that_of_the_weights() -> None:
    x, y = two_classes()
    single, double = quick(x, y).model.weights, quick(x, y, precision="float64").model.weights
    for one, other in zip(single, double, strict=True):
        assert (one[0].dtype, other[0].dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(one[0], other[0], rtol=1e-3, atol=1e-5)


def test_progress_is_reported() -> None:
    x, y = two_classes()
    seen: list[int] = []
    run = quick(x, y, epochs=3000, early_stopping=False, on_progress=lambda run: seen.append(run.epoch))
    assert seen == sorted(seen)
    assert seen[-1] == 3000
    assert digest(run) == digest(quick(x, y, epochs=3000, early_stopping=False))


@pytest.mark.parametrize("width", [32, 256])
def test_progress_is_reported_all_along(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the time for it has come, be a step long or short: here, that is at once."""
    monkeypatch.setattr("creche.training.run.REPORT_INTERVAL", 0.0)
    x = np.random.default_rng(0).standard_normal((2000, 64))
    seen: list[int] = []
    train(
        x, x[:, 0] > 0, hidden=[width, width], batch_size=width, epochs=8, threads=1,
        on_progress=lambda run: seen.append(run.epoch),
    )  # fmt: skip
    assert sorted(set(seen)) in ([*range(9)], [*range(1, 9)])
    assert len(seen) > 2 * 8


def test_no_hidden_layer_is_a_linear_model() -> None:
    x, y = line(100)
    run = train(
        x,
        y,
        hidden=[],
        optimizer="sgd",
        learning_rate=0.1,
        batch_size=100,
        epochs=400,
        validation_fraction=0,
        threads=1,
    )
    design = np.column_stack([x, np.ones(len(x))])
    exact = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(run.model.predict(x), exact, rtol=1e-4)


def test_a_diverged_run_names_the_place_and_keeps_the_last_finite_weights() -> None:
    x, y = line(200)
    with pytest.raises(cr.DivergedError) as caught:
        train(x, y, hidden=[8], optimizer="sgd", learning_rate=1e6, epochs=50, threads=1)
    error = caught.value
    assert isinstance(error, ArithmeticError)
    assert error.learning_rate == 1e6
    assert error.run.status == "diverged"
    assert (error.epoch, error.batch) == (error.run.epoch, error.run.step - error.epoch * 5)
    assert all(np.isfinite(w).all() and np.isfinite(b).all() for w, b in error.run.model.weights)
    assert len(error.run.history) == error.epoch
    message = str(error)
    assert f"epoch {error.epoch + 1}, batch {error.batch + 1}, with learning rate 1e+06" in message
    assert "Try a learning rate of 100000 or lower" in message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"optimizer": "adma"}, "optimizer: got 'adma'; did you mean 'adam'"),
        ({"loss": "cross_entrpy"}, "loss: got 'cross_entrpy'; did you mean 'cross_entropy'"),
        ({"activation": "rellu"}, "activation: got 'rellu'; did you mean 'relu'"),
        ({"schedule": "cosin"}, "schedule: got 'cosin'; did you mean 'cosine'"),
        ({"initializer": "orthogonl"}, "initializer: got 'orthogonl'; did you mean 'orthogonal'"),
        ({"learning_rate": -1}, r"Adam\.learning_rate: got -1; needs a number of at least 0"),
        ({"learning_rate": float("nan")}, r"Adam\.learning_rate: got nan; needs"),
        ({"learning_rate": "fast"}, r"Adam\.learning_rate: got 'fast'; needs"),
        ({"batch_size": 0}, r"batch_size: got 0; needs a whole number of at least 1"),
        ({"batch_size": 2.5}, r"batch_size: got 2\.5; needs a whole number"),
        ({"epochs": -1}, r"epochs: got -1; needs a whole number of at least 0"),
        ({"epochs": 1e3}, r"epochs: got 1000\.0; needs a whole number"),
        ({"hidden": [5, 0]}, r"hidden: got 0; needs a whole number of at least 1"),
        ({"hidden": [5, -2]}, r"hidden: got -2; needs a whole number of at least 1"),
        ({"hidden": 5}, r"hidden: got 5; needs a list of widths"),
        ({"hidden": "5,5"}, r"hidden: got '5,5'; needs a list of widths"),
        ({"dropout": 1.0}, r"dropout: got 1\.0; needs a number of at least 0 and below 1"),
        ({"seed": -1}, r"seed: got -1; needs a whole number of at least 0"),
        ({"seed": 1.5}, r"seed: got 1\.5; needs a whole number"),
        ({"threads": 0}, r"threads: got 0; needs a whole number from 1"),
        ({"precision": "float16"}, "precision: got 'float16'; did you mean 'float32'"),
        ({"shuffle": "yes"}, r"shuffle: got 'yes'; needs True, False or Windows\(block=4096, window=64\)"),
        ({"early_stopping": 0}, r"patience: got 0; needs a whole number of at least 1"),
        (
            {"loss": "huber", "task": "classification"},
            "loss: 'huber' is not for classification; choose one of cross_entropy",
        ),
        ({"loss": "cross_entropy", "task": "regression"}, "loss: 'cross_entropy' is not for regression"),
        ({"hidden": [300_000, 300_000]}, "needs about .* GB to train, more than .* available"),
        pytest.param({"hidden": [5, 0]}, r"hidden: got 0"),
        pytest.param({"seed": 2**64}, r"seed: got 18446744073709551616; .*at most"),
        pytest.param({"learning_rate": float("inf")}, "got inf; needs a finite"),
    ],
    ids=str,
)
def test_an_invalid_argument_is_refused(arguments: dict[str, Any], says: str) -> None:
    x, y = two_classes()
    with pytest.raises(cr.PlanError, match=says):
        train(x, y, **arguments)


def with_hole(value: float) -> np.ndarray[Any, Any]:
    x, _ = two_classes()
    x[7, 1] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (two_classes()[0], two_classes()[1][:-1], "y: has 79 labels, but X has 80 rows"),
        (with_hole(np.nan), two_classes()[1], "X: row 7, column 1 is nan; needs finite numbers"),
        (with_hole(np.inf), two_classes()[1], "X: row 7, column 1 is inf; needs finite numbers"),
        (np.zeros((0, 3)), np.zeros(0), r"X: is empty, with shape \(0, 3\)"),
        (two_classes()[0], np.ones(80, dtype=int), "label 'y': has only one class"),
    ],
    ids=["lengths", "nan", "inf", "empty", "one class"],
)
def test_an_invalid_array_is_refused(x: Any, y: Any, says: str) -> None:
    with pytest.raises(cr.TableError, match=says):
        train(x, y)


def test_numbers_too_large_for_single_precision_are_named() -> None:
    x, y = two_classes()
    x[3, 2] = 1e200
    with pytest.raises(cr.TableError, match="row 3, column 2"):
        quick(x, y, standardize=False, validation_fraction=0)


@pytest.mark.parametrize("several", [False, True])
def test_labels_too_large_for_single_precision_are_named(several: bool) -> None:
    x, y = line(80)
    y[3] = 1e200
    labels = np.column_stack([x[:, 0], y]) if several else y
    name = "y1" if several else "y"
    with pytest.raises(cr.TableError, match=rf"label '{name}': row 3 is 1e\+200, too large for float32"):
        quick(x, labels, task="regression", standardize=False, validation_fraction=0.2)
    assert quick(x, labels, task="regression", validation_fraction=0).status == "finished"


def test_threads_may_be_a_number_of_numpys() -> None:
    x, y = two_classes()
    assert quick(x, y, threads=np.int64(1)).threads == 1


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_leaves_a_run_that_can_be_resumed(threads: int) -> None:
    x, y = two_classes(400, 20)
    endless = {"hidden": [64, 64], "epochs": LONG, "batch_size": 400, **TO_THE_END}
    begun = train(x, y, **endless, threads=threads, on_epoch=lambda record: True)

    def press() -> None:
        while begun.epoch < 20:  # the engine is at work
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        begun.resume()
    thread.join()
    run = caught.value.run  # type: ignore[attr-defined]
    assert run is begun
    assert run.status == "interrupted"
    assert run.epoch >= 20
    assert len(run.history) == run.epoch
    epoch = run.epoch
    run.resume(epochs=2)
    assert run.epoch == epoch + 2
    straight = train(x, y, hidden=[64, 64], epochs=run.epoch, batch_size=400, threads=1, **TO_THE_END)
    assert digest(run) == digest(straight)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_progress_is_reported_leaves_the_run_too() -> None:
    x, y = two_classes()

    def on_progress(run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        quick(x, y, epochs=ENOUGH, on_progress=on_progress)
    assert caught.value.run.status == "interrupted"  # type: ignore[attr-defined]


def test_an_error_in_on_progress_is_passed_on() -> None:
    x, y = two_classes()

    def on_progress(run: Run) -> None:
        raise LookupError(f"after {run.epoch}")

    with pytest.raises(LookupError, match="after "):
        quick(x, y, epochs=ENOUGH, on_progress=on_progress)


def test_several_python_threads_train_at_once() -> None:
    x, y = two_classes(300, 10)
    alone = digest(quick(x, y, epochs=20))
    digests: list[bytes] = []
    workers = [threading.Thread(target=lambda: digests.append(digest(quick(x, y, epochs=20)))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert digests == [alone] * 4


def test_repr_shows_status_and_epochs() -> None:
    x, y = two_classes()
    assert repr(quick(x, y)).startswith("Run(3-6-2, finished, epoch 2 of 2; History(2 epochs; validation loss ")
    assert repr(quick(x, y, epochs=0)) == "Run(3-6-2, finished, epoch 0 of 0; History(no epoch completed))"
