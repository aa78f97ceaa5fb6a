"""A network that the phases of a warp train, lane after lane on the host, has the bytes that `Solo32` gives."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche.engine.device_colony.colony import DeviceColony
from creche.engine.device_colony.device import Device, LaunchSize
from creche.errors import PlanError
from tests.engine.host_device import HostDevice, HostKernel
from tests.engine.small_plans import (
    ACTIVATIONS,
    CLASS_LOSSES,
    GROUPS,
    LOSSES,
    NUMBER_SCHEDULES,
    OPTIMIZERS,
    SCHEDULES,
    Job,
    examples,
    spread_quantiles,
)
from tests.engine.test_colony import Member, alone, in_colony, members_and_tables

RULES: list[dict[str, Any]] = [
    {"kind": "sgd"}, {"kind": "sgd", "momentum": 0.9}, {"kind": "sgd", "momentum": 0.9, "nesterov": True},
    {"kind": "adagrad"}, {"kind": "adadelta"}, {"kind": "rmsprop"}, {"kind": "rmsprop", "centered": True},
    {"kind": "rmsprop", "momentum": 0.9}, {"kind": "adam"}, {"kind": "adam", "amsgrad": True}, {"kind": "adamw"},
    {"kind": "nadam", "momentum": 0.004}, {"kind": "radam"}, {"kind": "lion", "learning_rate": 1e-4},
]  # fmt: skip
SHAPES = [
    (4, 10, 10, 3), (1, 1), (32, 5), (3, 32, 2), (2, 1, 4), (13, 16, 3), (7, 17, 9, 5, 2), (5, 3, 3, 3, 3, 3, 2),
    (31, 31, 7), (8, 4), (6, 24, 24, 4), (9, 2, 15, 2),
]  # fmt: skip


def assert_as_alone(engine: ModuleType, jobs: list[Job], device: Device) -> DeviceColony:
    colony = DeviceColony(engine, *members_and_tables(engine, jobs), device)
    assert colony.run() == "finished"
    for number, job in enumerate(jobs):
        assert in_colony(colony, number) == alone(engine, job), job
    return colony


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_every_shape_with_every_rule(engine: ModuleType, native: ModuleType, sizes: tuple[int, ...]) -> None:
    """One launch, whose networks differ in rule, seed, activation and batch size."""
    loss = "squared_error" if sizes[-1] == 1 else "cross_entropy"
    jobs = [
        Job(
            sizes=sizes, rows=61, batch_size=(5, 20, 32, 61)[n % 4], epochs=2, loss=loss, seed=n, optimizer=rule,
            activation=ACTIVATIONS[n % len(ACTIVATIONS)], validation=37 * (n % 2),
        )
        for n, rule in enumerate(RULES)
    ]  # fmt: skip
    assert_as_alone(engine, jobs, HostDevice(native=native))


@st.composite
def jobs(draw: st.DrawFn) -> list[Job]:
    """Networks of one shape and loss that differ in all else."""
    widths = draw(st.lists(st.integers(1, 20), max_size=3))
    loss = draw(st.sampled_from(LOSSES))
    outputs = draw(st.integers(2, 6)) if loss in CLASS_LOSSES else draw(st.integers(1, 4))
    sizes = (draw(st.integers(1, 12)), *widths, outputs)
    drawn = []
    for seed in range(draw(st.integers(1, 4))):
        rows = draw(st.integers(1, 90))
        optimizer = {
            "kind": draw(st.sampled_from([kind for kind in OPTIMIZERS if kind != "lbfgs"])),
            "learning_rate": draw(st.sampled_from([1e-3, 0.03])),
            "momentum": draw(st.sampled_from([0.0, 0.9])),
            "weight_decay": draw(st.sampled_from([0.0, 0.01])),
            "decoupled": draw(st.booleans()),
            "l1": draw(st.sampled_from([0.0, 0.002])),
            "regularize_bias": draw(st.booleans()),
            "clip_norm": draw(st.sampled_from([0.0, 0.5])),
            "clip_value": draw(st.sampled_from([0.0, 0.05])),
        }
        schedule = draw(
            st.sampled_from(
                [{}, {"kind": "exponential", "factor": 0.9}, {"kind": "cosine", "length": 9.0, "per_step": True},
                 {"kind": "one_cycle", "length": 7.0, "per_step": True}, {"kind": "cosine_log", "length": 3.0},
                 {"kind": "reduce_on_plateau", "patience": 0.0, "factor": 0.5},
                 {"kind": "step", "length": 1.0, "factor": 0.3, "warmup": 2.0}]
            )
        )  # fmt: skip
        stopping = {"patience": draw(st.integers(1, 2)), "restore_best": draw(st.booleans())}
        drawn.append(
            Job(
                sizes=sizes, rows=rows, batch_size=draw(st.integers(1, 100)), epochs=draw(st.integers(0, 4)), loss=loss,
                activation=draw(st.sampled_from(ACTIVATIONS)), dropout=draw(st.sampled_from([0.0, 0.0, 0.25])),
                weighted=draw(st.booleans()), validation=draw(st.sampled_from([0, 1, 33, 50])), seed=seed,
                optimizer=optimizer, schedule=schedule, shuffle=draw(st.booleans()), drop_last=draw(st.booleans()),
                groups=tuple(draw(st.lists(st.sampled_from(GROUPS), max_size=5 * (len(sizes) - 1)))),
                early_stopping=stopping if draw(st.booleans()) else {},
                loss_numbers={
                    "label_smoothing": draw(st.sampled_from([0.0, 0.1])), "delta": draw(st.sampled_from([0.5, 2.0])),
                    "quantiles": draw(st.sampled_from([[0.3], spread_quantiles(outputs)])),
                },
                **{name: draw(st.sampled_from(SCHEDULES)) for name in NUMBER_SCHEDULES},
            )
        )  # fmt: skip
    return drawn


@settings(max_examples=examples(80))
@given(drawn=jobs())
def test_drawn_networks(engine: ModuleType, native: ModuleType, drawn: list[Job]) -> None:
    assert_as_alone(engine, drawn, HostDevice(native=native))


def test_networks_that_diverge_end_as_alone(engine: ModuleType, native: ModuleType) -> None:
    fast = {"kind": "sgd", "learning_rate": 1e6}
    job = Job(sizes=(4, 6, 1), loss="squared_error", rows=50, batch_size=10, epochs=5, activation="relu")
    drawn = [
        replace(job, seed=n, optimizer=fast if n % 2 else {"kind": "sgd"}, validation=20 * (n > 1)) for n in range(4)
    ]
    colony = assert_as_alone(engine, drawn, HostDevice(native=native))
    assert [colony.status(n) for n in range(4)] == ["finished", "diverged"] * 2


def test_an_order_too_long_for_a_warp_is_kept_on_the_device(engine: ModuleType, native: ModuleType) -> None:
    device = HostDevice(native=native)
    colony = assert_as_alone(engine, [Job(sizes=(2, 3, 2), rows=5000, batch_size=2500, epochs=1)], device)
    assert 2 * 5000 in [array.nbytes for array in device.allocated.values()]
    assert colony.status(0) == "finished"


def test_runs_stop_and_resume_anywhere(engine: ModuleType, native: ModuleType) -> None:
    """At an epoch, after each launch, and within an epoch that the engine has begun."""
    drawn = [Job(rows=40, batch_size=12, epochs=6, seed=n, dropout=0.2, validation=9) for n in range(3)]
    members, tables = members_and_tables(engine, drawn)
    first = DeviceColony(engine, members, tables, HostDevice(native=native))
    assert first.run(epoch=2) == "running"
    assert {first.position(n) for n in range(3)} == {(2, 0)}
    assert first.run(seconds=0) == "running"
    second = DeviceColony(engine, members, tables, HostDevice(native=native))
    for n, job in enumerate(drawn):
        solo = job.solo(engine)
        solo.run(steps=9)
        second.set_state(n, solo.state() if n == 0 else first.state(n))
    assert second.position(0) == (2, 1)
    assert second.run() == "finished"
    for n, job in enumerate(drawn):
        assert in_colony(second, n) == alone(engine, job)


def test_an_interruption_keeps_the_epochs_that_were_done(engine: ModuleType, native: ModuleType) -> None:
    members, tables = members_and_tables(engine, [Job(epochs=5)])
    colony = DeviceColony(engine, members, tables, HostDevice(native=native))
    assert colony.run(poll=lambda: True) == "interrupted"
    done = colony.position(0)[0]
    assert 1 <= done < 5
    assert len(colony.history(0)["train_loss"]) == done
    assert colony.run() == "finished"
    assert in_colony(colony, 0) == alone(engine, Job(epochs=5))


def test_tables_may_have_gaps_between_their_rows(engine: ModuleType, native: ModuleType) -> None:
    job = Job(sizes=(4, 5, 2), loss="squared_error")
    [(plan, *numbers)], [(x, _, targets, _)] = members_and_tables(engine, [job])
    wide, wider = np.zeros((len(x), 9), np.float32), np.zeros((len(x), 7), np.float32)
    wide[:, :4], wider[:, :2] = x, targets
    tables = [(wide[:, :4], None, wider[:, :2], None)]
    colony = DeviceColony(engine, [(plan, *numbers)], tables, HostDevice(native=native))
    assert colony.run() == "finished"
    assert in_colony(colony, 0) == alone(engine, job)


@pytest.mark.parametrize("when", ["before", "after"])
def test_ctrl_c_within_a_launch_loses_nothing(
    engine: ModuleType, native: ModuleType, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    launch = HostKernel.launch

    def interrupted(self: HostKernel, size: LaunchSize, argument: bytes) -> None:
        if when == "after":
            launch(self, size, argument)
        raise KeyboardInterrupt

    drawn = [Job(epochs=5, seed=seed, validation=9) for seed in range(3)]
    colony = DeviceColony(engine, *members_and_tables(engine, drawn), HostDevice(native=native))
    colony.run(epoch=2)
    with monkeypatch.context() as patched:
        patched.setattr(HostKernel, "launch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            colony.run()
    epoch = colony.position(0)[0]
    assert epoch > 2 if when == "after" else epoch == 2
    assert len(colony.history(0)["train_loss"]) == epoch
    assert colony.run() == "finished"
    for number, job in enumerate(drawn):
        assert in_colony(colony, number) == alone(engine, job)


def test_memory_is_checked_before_it_is_allocated(engine: ModuleType, native: ModuleType) -> None:
    device = HostDevice(native=native, memory=10_000)
    members, tables = members_and_tables(engine, [Job(seed=n) for n in range(4)])
    with pytest.raises(PlanError, match=r"^device: 4 networks need about .* free on the host; train fewer at once"):
        DeviceColony(engine, members, tables, device)
    assert device.allocated == {}


def test_memory_is_given_back(engine: ModuleType, native: ModuleType) -> None:
    device = HostDevice(native=native)
    colony = assert_as_alone(engine, [Job()], device)
    assert device.allocated
    del colony
    assert device.allocated == {}


REFUSED = [
    (Job(optimizer={"kind": "lbfgs"}), "L-BFGS searches lines over all weights together"),
    (Job(sizes=(40, 3, 2)), "the network has 40 inputs; at most 32 fit"),
    (Job(sizes=(4, 33, 2)), "layer 1 has 33 neurons; at most 32 fit"),
    (Job(sizes=(32, 32, 32, 3)), "the network has 2211 parameters; at most 1536 fit"),
    (Job(sizes=(2,) * 18), "the network has 17 layers; at most 16 fit"),
    (Job(parts=({"normalization": "layer"},)), "layer 1 has a normalization"),
    (Job(parts=({}, {"scale_inputs": True})), "layer 2 scales its inputs"),
    (Job(parts=({"parametric_activation": True},)), "layer 1 has a parametric activation"),
    (Job(sizes=(4, 4, 2), residual=True), "layer 1 has a residual connection"),
    (Job(submodels=2), "the network has submodels"),
    (Job(rounds_products=True), "the products have operands of bfloat16"),
]


@pytest.mark.parametrize(("job", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_does_not_fit_a_warp_is_refused(engine: ModuleType, job: Job, reason: str) -> None:
    assert engine.reason_against_warp(job.plan(engine), job.rows) == reason
    with pytest.raises(ValueError, match=reason):
        engine.DeviceColony([(job.plan(engine), 0, -1)], [job.table()])


def test_too_many_rows_are_refused(engine: ModuleType) -> None:
    plan = Job().plan(engine)
    assert engine.reason_against_warp(plan, 65536) == ""
    assert engine.reason_against_warp(plan, 65537) == "there are 65537 training rows; at most 65536 fit"


def test_networks_of_different_shapes_are_refused(engine: ModuleType) -> None:
    drawn = [Job(), Job(sizes=(4, 10, 9, 3))]
    members, tables = members_and_tables(engine, drawn)
    with pytest.raises(ValueError, match="members: differ in shape or loss"):
        engine.DeviceColony(members, tables)


def test_states_have_the_names_of_the_engine(engine: ModuleType) -> None:
    job = Job(early_stopping={"patience": 2}, validation=5)
    members, tables = members_and_tables(engine, [job])
    colony = engine.DeviceColony(members, tables)
    expected = job.solo(engine).state()
    actual = Member(colony, 0).state()
    assert {name: (array.shape, array.dtype) for name, array in actual.items()} == {
        name: (array.shape, array.dtype) for name, array in expected.items()
    }
