"""A run on PyTorch stops, resumes, diverges and is looked into as one of the compiled engine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from creche import _core
from creche.engine.native import new_run
from creche.errors import PlanError
from creche.plan import Plan
from creche.plan.losses import CustomLoss
from creche.plan.optimizers import LBFGS, SGD, Adam, AdamW
from tests.torch_engine.small_runs import (
    BATCH_SIZE,
    EPOCHS,
    N_ROWS,
    assert_same_state,
    create_plan,
    create_rows,
    network,
)

pytestmark = pytest.mark.peers

ALL_PARTS: dict[str, Any] = {
    "hidden": [6, 6], "normalization": "batch", "parametric_activation": True, "scale_inputs": True, "dropout": 0.2,
}  # fmt: skip
STEPS = -(-N_ROWS // BATCH_SIZE)  # of an epoch


def log_cosh(outputs: Any, labels: Any) -> tuple[Any, Any]:
    error = outputs - labels
    return np.log(np.cosh(error)).mean(axis=1), np.tanh(error) / error.shape[1]


PLANS = [
    create_plan(network(**ALL_PARTS), optimizer=AdamW(amsgrad=True), early_stopping=30, keep="best"),
    create_plan(network(submodels=2, weight_sharing="full"), optimizer=SGD(momentum=0.9)),
    create_plan(optimizer=LBFGS(history=4), loss="squared_error", task="regression", epochs=9),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.network}-{plan.optimizer.key}")
@pytest.mark.parametrize("steps", [0, 4, STEPS, STEPS + 3])
def test_a_checkpoint_moves_between_the_engines(torch_run: Any, plan: Plan, steps: int) -> None:
    rows, held_out = create_rows(plan), create_rows(plan, rows=20, seed=8)
    native, ours, back = (make(plan, rows, held_out, of) for make, of in
                          ((new_run, 1), (torch_run, "cpu"), (new_run, 1)))  # fmt: skip
    native.run(steps=steps)
    ours.set_state(native.state())
    assert_same_state(ours.state(), native.state(), 0.0)
    native.run(steps=3)
    ours.run(steps=3)
    back.set_state(ours.state())
    assert_same_state(back.state(), native.state())
    assert (ours.epoch, ours.step, ours.batch_in_epoch) == (native.epoch, native.step, native.batch_in_epoch)
    assert back.run() == native.run() == ours.run() == "finished"
    assert_same_state(back.state(), native.state(), 1e-7)
    assert_same_state(ours.state(), native.state(), 1e-7)


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_bits(torch_run: Any, plan: Plan) -> None:
    rows = create_rows(plan)
    whole, first = torch_run(plan, rows, None, "cpu"), torch_run(plan, rows, None, "cpu")
    whole.run()
    first.run(steps=2)
    first.run(epochs=1)
    second = torch_run(plan, rows, None, "cpu")
    second.set_state(first.state())
    while second.run(steps=1) == "running":
        pass
    assert_same_state(second.state(), whole.state(), 0.0)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_early_stopping_keeps_the_best_weights(torch_run: Any, keep: str) -> None:
    plan = create_plan(optimizer=Adam(learning_rate=0.2), epochs=40, early_stopping=2, keep=keep)
    rows, held_out = create_rows(plan, rows=16), create_rows(plan, rows=20, seed=8)
    native, ours = new_run(plan, rows, held_out, 1), torch_run(plan, rows, held_out, "cpu")
    assert ours.run() == native.run() == "early_stopped"
    assert ours.best_epoch == native.best_epoch < ours.epoch - 1
    assert_same_state(ours.state(), native.state())
    assert ours.run() == "early_stopped"


@pytest.mark.parametrize(("rate", "steps"), [(1e200, 0), (1e155, 0), (1e200, STEPS), (1e200, STEPS + 2)], ids=repr)
def test_divergence_ends_with_the_last_finite_weights(torch_run: Any, rate: float, steps: int) -> None:
    calm = create_plan(loss="squared_error", task="regression", optimizer=SGD(learning_rate=0.01))
    plan = replace(calm, optimizer=SGD(learning_rate=rate))
    rows = create_rows(plan)
    native, ours = new_run(plan, rows, None, 1), torch_run(plan, rows, None, "cpu")
    if steps:
        beginning = new_run(calm, rows, None, 1)
        beginning.run(steps=steps)
        for run in (native, ours):
            run.set_state(beginning.state())
    with np.errstate(all="ignore"):
        assert ours.run() == native.run() == "diverged"
    assert ours.divergence == native.divergence
    assert_same_state(ours.state(), native.state())
    assert all(np.isfinite(array).all() for array in ours.parameters().values())


def test_a_loss_that_is_not_finite_on_the_validation_rows(torch_run: Any) -> None:
    plan = create_plan(loss="squared_error", task="regression")
    rows, held_out = create_rows(plan), create_rows(plan, rows=5, seed=8)
    assert held_out.targets is not None
    held_out.targets[2, 1] = 1e200  # whose square is infinite
    native, ours = new_run(plan, rows, held_out, 1), torch_run(plan, rows, held_out, "cpu")
    assert ours.run() == native.run() == "diverged"
    assert ours.divergence == native.divergence == (0, STEPS - 1, native.learning_rate)


@pytest.mark.parametrize("validation", [False, True])
def test_a_line_search_goes_nearer_where_the_loss_is_not_finite(torch_run: Any, validation: bool) -> None:
    plan = create_plan(
        loss="squared_error", task="regression", optimizer=LBFGS(1e65), shuffle=False, precision="float64", epochs=4
    )
    rows = create_rows(plan, weighted=True)
    held_out = create_rows(plan, rows=21, seed=8, weighted=True) if validation else None
    native, ours = new_run(plan, rows, held_out, 1), torch_run(plan, rows, held_out, "cpu")
    assert ours.run() == native.run() == "finished"
    assert_same_state(ours.state(), native.state())
    assert np.isfinite(ours.history()["train_loss"]).all()


def test_limits(torch_run: Any) -> None:
    plan = create_plan(epochs=10)
    run = torch_run(plan, create_rows(plan), None, "cpu")
    assert (run.run(steps=0), run.step) == ("running", 0)
    assert (run.run(steps=2), run.epoch, run.batch_in_epoch) == ("running", 0, 2)
    assert (run.run(epochs=1), run.epoch, run.batch_in_epoch) == ("running", 1, 0)
    assert (run.run(seconds=0.0), run.step) == ("running", STEPS + 1), "a step is possible however short the time"
    assert (run.run(), run.epoch) == ("finished", 10)
    assert (run.run(steps=3), run.epoch) == ("finished", 10)
    assert len(run.history()["train_loss"]) == 10
    assert run.history(8)["train_loss"].tolist() == run.history()["train_loss"][8:].tolist()
    assert run.history()["seconds"].sum() > 0


def test_a_poll_interrupts_between_two_steps(torch_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.engine.torch.trainer.SECONDS_PER_POLL", 0.0)
    plan = create_plan()
    rows = create_rows(plan)
    whole, run = torch_run(plan, rows, None, "cpu"), torch_run(plan, rows, None, "cpu")
    whole.run()
    calls = iter([False, False, True, False])
    assert (run.run(poll=lambda: next(calls)), run.step) == ("interrupted", 3)

    def press_ctrl_c() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(poll=press_ctrl_c)
    assert run.step == 4
    assert run.run() == "finished"
    assert_same_state(run.state(), whole.state(), 0.0)


@pytest.mark.parametrize(
    "of", [network(**ALL_PARTS), network(submodels=3, weight_sharing="full"), network()], ids=["parts", "submodels", ""]
)
@pytest.mark.parametrize("loss", ["cross_entropy", "poisson", "custom"])
def test_the_inside_of_a_pass(torch_run: Any, of: Any, loss: str) -> None:
    if loss == "custom" and of.submodels > 1:
        pytest.skip("a custom loss trains one network")
    task = "classification" if loss == "cross_entropy" else "regression"
    plan = create_plan(of, loss=CustomLoss(log_cosh) if loss == "custom" else loss, task=task)
    rows = create_rows(plan, rows=13, weighted=True)
    native, ours = new_run(plan, rows, None, 1), torch_run(plan, rows, None, "cpu")
    native.run(steps=3)
    ours.set_parameters(native.parameters())
    table = rows.x, rows.classes, rows.targets, rows.weights
    before = ours.state()
    np.testing.assert_allclose(ours.evaluate(*table), native.evaluate(*table), rtol=1e-12)
    assert ours.gradients(*table)[0] == pytest.approx(native.gradients(*table)[0], rel=1e-12)
    assert_same_state(ours.gradients(*table)[1], native.gradients(*table)[1], 1e-12)
    for as_step in (False, True):
        for mine, yours in zip(ours.introspect(*table, as_step), native.introspect(*table, as_step), strict=True):
            if isinstance(yours, dict):
                assert_same_state(mine, yours, 1e-11)
            else:
                for one, other in zip(mine, yours, strict=True) if isinstance(yours, list) else [(mine, yours)]:
                    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)
    assert_same_state(ours.state(), before, 0.0)


def test_a_custom_loss_trains_as_on_the_compiled_engine(torch_run: Any) -> None:
    plan = create_plan(network(dropout=0.2), loss=CustomLoss(log_cosh), task="regression")
    rows, held_out = create_rows(plan, weighted=True), create_rows(plan, rows=100, seed=8)
    native, ours = new_run(plan, rows, held_out, 1), torch_run(plan, rows, held_out, "cpu")
    assert ours.run() == native.run() == "finished"
    assert_same_state(ours.state(), native.state())


def test_a_custom_loss_that_is_not_finite_is_not_called_again(torch_run: Any) -> None:
    def square(outputs: Any, labels: Any) -> tuple[Any, Any]:
        assert np.isfinite(outputs).all()
        error = outputs - labels
        with np.errstate(over="ignore"):
            return (error**2).mean(axis=1), 2 * error / error.shape[1]

    plan = create_plan(loss=CustomLoss(square), task="regression", optimizer=SGD(learning_rate=1e160))
    rows = create_rows(plan)
    native, ours = new_run(plan, rows, None, 1), torch_run(plan, rows, None, "cpu")
    assert ours.run() == native.run() == "diverged"
    assert ours.divergence == native.divergence
    assert_same_state(ours.state(), native.state())


def test_an_error_of_a_custom_loss_leaves_a_run_that_goes_on(torch_run: Any) -> None:
    calls = iter(range(1000))

    def fails_once(outputs: Any, labels: Any) -> tuple[Any, Any]:
        if next(calls) == STEPS + 2:
            raise ZeroDivisionError("of the user")
        return log_cosh(outputs, labels)

    plan = create_plan(network(normalization="batch"), loss=CustomLoss(fails_once), task="regression")
    rows = create_rows(plan)
    run = torch_run(plan, rows, None, "cpu")
    with pytest.raises(ZeroDivisionError, match="of the user"):
        run.run()
    assert (run.epoch, run.batch_in_epoch) == (1, 2)
    assert run.run() == "finished"
    whole = torch_run(replace(plan, loss=CustomLoss(log_cosh)), rows, None, "cpu")
    whole.run()
    assert_same_state(run.state(), whole.state(), 0.0)


@pytest.fixture
def handled_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C raise, also where tests run in the background, whose processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handled_ctrl_c")
def test_ctrl_c_within_a_step_waits_for_its_end(torch_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.engine.torch.trainer.SECONDS_PER_POLL", 0.0)
    calls = iter(range(1000))

    def interrupted(outputs: Any, labels: Any) -> tuple[Any, Any]:
        if next(calls) == STEPS + 2:
            signal.raise_signal(signal.SIGINT)
        return log_cosh(outputs, labels)

    plan = create_plan(loss=CustomLoss(interrupted), task="regression")
    rows = create_rows(plan)
    run, whole = (
        torch_run(plan, rows, None, "cpu"),
        torch_run(replace(plan, loss=CustomLoss(log_cosh)), rows, None, "cpu"),
    )
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run.run(poll=lambda: False)
    assert signal.getsignal(signal.SIGINT) is handler
    assert (run.epoch, run.batch_in_epoch) == (1, 3)
    assert run.run() == whole.run() == "finished"
    assert_same_state(run.state(), whole.state(), 0.0)


@pytest.mark.usefixtures("handled_ctrl_c")
def test_ctrl_c_without_a_poll_comes_at_the_end(torch_run: Any) -> None:
    def interrupted(outputs: Any, labels: Any) -> tuple[Any, Any]:
        signal.raise_signal(signal.SIGINT)
        return log_cosh(outputs, labels)

    plan = create_plan(loss=CustomLoss(interrupted), task="regression")
    run = torch_run(plan, create_rows(plan), None, "cpu")
    with pytest.raises(KeyboardInterrupt):
        run.run(steps=3)
    assert run.step == 3


def test_full_memory_is_told_and_the_run_can_go_on(torch_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    plan = create_plan()
    rows = create_rows(plan)
    run, whole = (torch_run(plan, rows, None, "cpu") for _ in range(2))
    run.run(steps=4)
    take, taken = run._trainer.take, iter(range(100))

    def take_until_full(inputs: Any, sums: Any) -> None:
        if next(taken) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        take(inputs, sums)

    run._trainer.take = take_until_full
    with pytest.raises(PlanError, match=r"^device: the memory of 'cpu' is full, .* or device='cpu'$"):
        run.run()
    assert run.step == 6
    assert run.run() == whole.run() == "finished"
    assert_same_state(run.state(), whole.state(), 0.0)


def test_wrong_states_and_tables_are_refused(torch_run: Any) -> None:
    plan = create_plan()
    rows = create_rows(plan)
    run = torch_run(plan, rows, None, "cpu")
    run.run(steps=3)
    before = run.state()
    without = {name: array for name, array in before.items() if name != "optimizer.1.0.bias"}
    with pytest.raises(ValueError, match=r"state: 'optimizer\.1\.0\.bias' is missing"):
        run.set_state(without)
    with pytest.raises(ValueError, match=r"'network\.0\.bias': got shape \(3,\); needs \(17,\)"):
        run.set_state({**before, "network.0.bias": np.zeros(3)})
    with pytest.raises(ValueError, match="progress"):
        run.set_state({**before, "progress": np.zeros(3)})
    with pytest.raises(ValueError, match=r"the network has no '7\.bias'; it has 0\.weights, "):
        run.set_parameters({**run.parameters(), "7.bias": np.zeros(3)})
    assert_same_state(run.state(), before, 0.0)
    for table, message in [
        ((rows.x[:, 1:], rows.classes, None), r"x has shape \(45, 4\); the network needs 5 columns"),
        ((rows.x, None, None), "this loss needs classes"),
        ((rows.x, rows.classes[:3], None), r"labels have shape \(3,\); needs \(45,\)"),
        ((rows.x, rows.classes + 1, None), r"row \d+ has class 3; needs 0 to 2"),
        ((rows.x, rows.classes, None, rows.x[:2, 0]), "got 2 weights for 45 rows"),
    ]:
        with pytest.raises(ValueError, match=f"evaluate: .*{message}"):
            run.evaluate(*table)


def test_a_build_without_float64_says_so(torch_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    single = ModuleType("single")
    vars(single).update({name: value for name, value in vars(_core.load()).items() if not name.endswith("64")})
    monkeypatch.setattr(_core, "load", lambda: _core._with_precisions(single))
    plan = create_plan()
    with pytest.raises(PlanError, match="precision: needs the engine in float64"):
        torch_run(plan, create_rows(plan), None, "cpu")
    plan = create_plan(precision="float32")
    assert torch_run(plan, create_rows(plan), None, "cpu").run() == "finished"


def test_the_settings_of_torch_are_restored(torch_run: Any) -> None:
    import torch

    def settings() -> tuple[bool, ...]:
        fills_memory = torch.utils.deterministic.fill_uninitialized_memory
        return torch.are_deterministic_algorithms_enabled(), fills_memory, torch.is_grad_enabled()

    def loss(outputs: Any, labels: Any) -> tuple[Any, Any]:
        seen.append(settings())
        if len(seen) == 1:
            other.run(steps=1)  # as another thread may, which ends before this one
            seen.append(settings())
        return log_cosh(outputs, labels)

    seen: list[tuple[bool, ...]] = []
    of_user = settings()
    plan = create_plan(loss="squared_error", task="regression")
    rows = create_rows(plan)
    other = torch_run(plan, rows, None, "cpu")
    torch_run(replace(plan, loss=CustomLoss(loss)), rows, None, "cpu").run(steps=2)
    assert seen == [(True, False, False)] * 3
    assert settings() == of_user == (False, True, True)


@pytest.mark.parametrize("window", [1, 1800], ids=["a batch", "some batches"])
@pytest.mark.parametrize("submodels", [1, 2, 7])
def test_a_table_that_does_not_fit_gives_the_same_bits(
    torch_run: Any, monkeypatch: pytest.MonkeyPatch, window: int, submodels: int
) -> None:
    batches = "shared" if submodels == 1 else "own"
    of = network(dropout=0.2, submodels=submodels)
    plan = create_plan(of, loss="poisson", task="regression", submodel_batches=batches)
    rows, held_out = create_rows(plan, weighted=True), create_rows(plan, rows=20, seed=8)
    resident = torch_run(plan, rows, held_out, "cpu")
    monkeypatch.setattr("creche.engine.torch.tables._resident_memory", lambda size, device: min(size - 1, window))
    run = torch_run(plan, rows, held_out, "cpu")
    brought = []
    bring = run._rows.bring
    monkeypatch.setattr(
        run._rows, "bring", lambda epoch, begin, count: brought.append(count) or bring(epoch, begin, count)
    )
    assert run.run() == resident.run() == "finished"
    of_row = 8 * (plan.network.inputs + plan.network.outputs + 1)  # bytes
    assert max(brought) <= max(BATCH_SIZE, window // of_row // submodels)
    assert sum(brought) == N_ROWS * EPOCHS
    assert_same_state(run.state(), resident.state(), 0.0)
    table = rows.x, rows.classes, rows.targets, rows.weights
    assert run.evaluate(*table) == resident.evaluate(*table)
