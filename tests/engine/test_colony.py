"""A member of a colony is, byte for byte, the network that training it alone gives: weights, state, history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche import _core
from tests.engine.drawn_embeddings import embeddings
from tests.engine.small_plans import (
    ACTIVATIONS,
    ALL_PARTS_BY_BATCH,
    CLASS_LOSSES,
    GROUP_FIELDS,
    GROUPS,
    LOSSES,
    NUMBER_SCHEDULES,
    OPTIMIZERS,
    PARTS,
    SCHEDULES,
    STARTS,
    Job,
    digest,
    examples,
    spread_quantiles,
)


class Member:
    """One member of a colony, to be looked at as a run of its own."""

    def __init__(self, colony: Any, number: int) -> None:
        self.colony, self.number = colony, number

    def state(self) -> Any:
        return self.colony.state(self.number)


def members_and_tables(engine: Any, jobs: list[Job]) -> tuple[list[Any], list[Any]]:
    """Each with tables of its own."""
    tables: list[Any] = []
    members = []
    for job in jobs:
        tables.append(job.table())
        validation = -1
        if job.validation:
            validation = len(tables)
            tables.append(job.table(job.validation, stream=1))
        members.append((job.plan(engine), len(tables) - 1 - (validation >= 0), validation))
    return members, tables


def colony_of(engine: Any, jobs: list[Job], threads: int = 1) -> Any:
    kind = engine.Colony32 if jobs[0].dtype == np.float32 else engine.Colony64
    return kind(*members_and_tables(engine, jobs), threads)


def alone(engine: Any, job: Job) -> tuple[str, str, Any]:
    solo = job.solo(engine)
    status = solo.run()
    return digest(solo), status, solo.divergence


def in_colony(colony: Any, number: int) -> tuple[str, str, Any]:
    return digest(Member(colony, number)), colony.status(number), colony.divergence(number)


def assert_as_alone(engine: Any, jobs: list[Job], threads: int = 2) -> Any:
    colony = colony_of(engine, jobs, threads)
    assert colony.run() == "finished"
    for number, job in enumerate(jobs):
        assert in_colony(colony, number) == alone(engine, job), job
    return colony


@st.composite
def jobs(draw: st.DrawFn) -> list[Job]:
    """Members that share a pack, and differ in every number they may differ in."""
    widths = draw(st.lists(st.integers(1, 19), min_size=0, max_size=3))
    if draw(st.booleans()):
        widths = widths[:1] * len(widths)  # for residual layers
    layers = len(widths) + 1
    parts = draw(st.one_of(st.just([]), st.lists(st.sampled_from(PARTS), max_size=layers)))
    loss = draw(st.sampled_from(LOSSES))
    outputs = draw(st.integers(2, 6)) if loss in CLASS_LOSSES else draw(st.integers(1, 4))
    kind = draw(st.sampled_from(OPTIMIZERS))
    drops, weighted, stops = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    variant = {
        "kind": kind,
        "momentum": draw(st.sampled_from([0.0, 0.9])),
        "nesterov": draw(st.booleans()),
        "amsgrad": draw(st.booleans()),
        "centered": draw(st.booleans()),
    }
    inputs = draw(st.integers(1, 9))
    embedded = draw(st.one_of(st.just(()), embeddings(inputs)))
    common = Job(
        sizes=(inputs, *widths, outputs), rows=draw(st.integers(2, 90)),
        batch_size=draw(st.integers(1, 80)), epochs=draw(st.integers(1, 4)), loss=loss,
        activation=draw(st.sampled_from(ACTIVATIONS)), weighted=weighted,
        validation=draw(st.sampled_from([0, 1, 33, 50])), shuffle=draw(st.booleans()), drop_last=draw(st.booleans()),
        own_batches=draw(st.booleans()),
        windows=draw(st.sampled_from([(0, 0), (0, 0), (7, 4)])),
        residual=draw(st.booleans()), submodels=draw(st.sampled_from([1, 1, 2, 3])),
        sharing=draw(st.sampled_from(["mini", "full"])), rounds_products=draw(st.sampled_from([False, False, True])),
    )  # fmt: skip
    regularized, scheduled, grouped = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    factors = st.lists(
        st.sampled_from(GROUPS), min_size=len(GROUP_FIELDS) * layers, max_size=len(GROUP_FIELDS) * layers
    ).map(tuple)
    starts = st.lists(st.sampled_from(STARTS), min_size=len(parts), max_size=len(parts))
    members = []
    for seed in range(draw(st.integers(10, 22))):  # fewer are trained sooner one by one
        rate = draw(st.sampled_from([1e-3, 0.03, 0.4]))
        optimizer = {**variant, "learning_rate": rate}
        if regularized:
            optimizer["weight_decay"] = draw(st.sampled_from([0.0, 0.01]))
            optimizer["l1"] = draw(st.sampled_from([0.0, 0.002]))
            optimizer["clip_value"] = draw(st.sampled_from([0.0, 0.05]))
            optimizer["clip_norm"] = draw(st.sampled_from([0.0, 0.5]))
            optimizer["decoupled"] = draw(st.booleans())
            optimizer["regularize_bias"] = draw(st.booleans())
        schedule = draw(
            st.sampled_from(
                [{}, {"kind": "exponential", "factor": 0.9}, {"kind": "cosine", "length": 9.0, "per_step": True},
                 {"kind": "reduce_on_plateau", "patience": 0.0, "factor": 0.5}]
            )
        )  # fmt: skip
        one, each = [(seed + 1) / 40], spread_quantiles(outputs, shift=seed / 40)
        quantiles = draw(st.sampled_from([one, each]))
        members.append(
            replace(
                common, seed=seed, optimizer=optimizer, schedule=schedule,
                groups=draw(factors) if grouped and draw(st.booleans()) else (),
                embeddings=tuple({**fields, "parameters": draw(st.sampled_from(GROUPS))} for fields in embedded),
                parts=tuple({**part, **start} for part, start in zip(parts, draw(starts), strict=True)),
                **{name: draw(st.sampled_from(SCHEDULES)) if scheduled else {} for name in NUMBER_SCHEDULES},
                dropout=draw(st.sampled_from([0.1, 0.5])) if drops else 0.0,
                early_stopping=(
                    {"patience": draw(st.integers(1, 2)), "restore_best": draw(st.booleans())} if stops else {}
                ),
                initializer=draw(st.sampled_from(["he_uniform", "glorot_normal", "orthogonal"])),
                loss_numbers={"label_smoothing": 0.1 * (seed % 2), "delta": 0.5 + seed, "quantiles": quantiles},
            )
        )  # fmt: skip
    return members


@settings(max_examples=examples(60))
@given(jobs())
def test_as_alone(members: list[Job]) -> None:
    assert_as_alone(_core.load(), members)


@settings(max_examples=examples(60))
@given(jobs(), st.sampled_from([1, 2, 30]))
def test_as_alone_on_one_table(members: list[Job], seeds: int) -> None:
    """Rows are taken from one table for all, and once for all where the members also share their order."""
    engine = _core.load()
    first = members[0]
    tables = [first.table()] + ([first.table(first.validation, stream=1)] if first.validation else [])
    plans = [replace(job, seed=number % seeds).plan(engine) for number, job in enumerate(members)]
    colony = engine.Colony32([(plan, 0, len(tables) - 1 or -1) for plan in plans], tables, 2)
    assert colony.run() == "finished"
    for number, plan in enumerate(plans):
        solo = engine.Solo32(plan, *tables[0], tables[1] if first.validation else None, 1)
        status = solo.run()
        assert in_colony(colony, number) == (digest(solo), status, solo.divergence)


PENGUIN = Job(rows=239, epochs=5, validation=40, optimizer={"kind": "adam", "learning_rate": 0.01})


def test_each_level_and_precision(engine: Any) -> None:
    for dtype in (np.float32, np.float64):
        colony = assert_as_alone(engine, [replace(PENGUIN, seed=seed, dtype=dtype) for seed in range(37)])
        assert colony.packed >= 32


def test_batches_are_normalized_by_their_own_statistics(engine: Any) -> None:
    """Each lane by those of its own rows; the last batch of an epoch is one row."""
    common = replace(
        PENGUIN, sizes=(4, 9, 9, 3), rows=121, batch_size=40, epochs=3, parts=(ALL_PARTS_BY_BATCH,) * 2, residual=True,
        early_stopping={"patience": 1}, dropout=0.1,
    )  # fmt: skip
    members = [
        replace(common, seed=seed, optimizer={"kind": "adam", "learning_rate": 0.01 * (1 + seed % 3), "clip_norm": 1.0})
        for seed in range(16)
    ]
    assert assert_as_alone(engine, members).packed == 16


def test_members_that_diverge_do_not_disturb_the_others(engine: Any) -> None:
    """Rates far too high, in the first step, in a later one, at the end of an epoch and while validating."""
    common = replace(PENGUIN, loss="squared_error", sizes=(4, 10, 1), activation="identity", epochs=8)
    rates = [1e-3, 1e30, 0.02, 5.0, 40.0, 1e5, 0.05, 1e38, 3.0, 1e-4, 1e15, 2.0, 1.5, 0.9, 1e20, 0.3]
    members = [
        replace(common, seed=seed, optimizer={"kind": "sgd", "learning_rate": rate}) for seed, rate in enumerate(rates)
    ]
    colony = assert_as_alone(engine, members)
    statuses = [colony.status(m) for m in range(len(members))]
    assert {"diverged", "finished"} <= set(statuses)


def test_rates_go_on_where_a_member_with_the_same_ones_has_stopped(engine: Any) -> None:
    """The rate of each epoch is computed once for the members that share it; here the first of them stops early."""
    members = [
        replace(
            PENGUIN, seed=seed, epochs=20, early_stopping={"patience": 1},
            optimizer={"kind": "adam", "learning_rate": 0.03 if seed % 4 else 0.1, "weight_decay": 0.001 * (seed % 2)},
            schedule={"kind": "exponential", "factor": 0.8},
        )
        for seed in range(16)
    ]  # fmt: skip
    colony = assert_as_alone(engine, members)
    assert len({len(colony.history(m)["train_loss"]) for m in range(16)}) > 3


def test_kinds_are_told_apart(engine: Any) -> None:
    members = [
        replace(PENGUIN, seed=seed, sizes=(4, *hidden, 3), optimizer={"kind": kind}, activation=activation)
        for hidden in [(5, 5), (10, 10), ()]
        for kind in ["sgd", "adam", "adadelta"]
        for activation in ["relu", "tanh"]
        for seed in range(10)
    ]
    colony = assert_as_alone(engine, members)
    assert colony.packed >= len(members) * 8 // 10


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_fills_no_pack_is_trained_alone_where_that_is_sooner(engine: Any, threads: int) -> None:
    lanes = 16 if "v4" in engine.__name__ else 8 if "v3" in engine.__name__ else 4
    for left in (1, lanes - 1):
        members = [replace(PENGUIN, seed=seed, epochs=1) for seed in range(4 * lanes + left)]
        packed = assert_as_alone(engine, members, threads).packed
        assert packed in (4 * lanes, len(members))
        if threads == 1:
            assert packed == 4 * lanes + (left if left > 1 else 0)


def test_those_that_are_trained_alone_can_be_stopped_and_go_on(engine: Any) -> None:
    """A time limit, or Ctrl-C, leaves them running, as it does those in packs."""
    members = [replace(PENGUIN, seed=seed, epochs=8_000) for seed in range(2)]
    colony = colony_of(engine, members, 1)
    assert colony.packed == 0
    assert colony.run(seconds=0.0) == "running"
    assert {colony.status(m) for m in range(2)} == {"running"}
    assert colony.run(poll=lambda: True) == "interrupted"
    assert {colony.status(m) for m in range(2)} == {"running"}
    assert colony.run() == "finished"
    assert [in_colony(colony, m) for m in range(2)] == [alone(engine, job) for job in members]


def test_few_and_wide_networks_are_trained_alone(engine: Any) -> None:
    wide = [replace(PENGUIN, seed=seed, sizes=(64, 256, 256, 10), epochs=1) for seed in range(4)]
    assert assert_as_alone(engine, wide).packed == 0
    assert assert_as_alone(engine, [PENGUIN]).packed == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_stopped_and_resumed(engine: Any, threads: int) -> None:
    """After each epoch and in the middle of epochs, each stretch in a new colony that knows only the states."""
    members = [
        replace(PENGUIN, seed=seed, epochs=9, dropout=0.2, early_stopping={"patience": 1 + seed % 4}, rows=100)
        for seed in range(20)
    ]
    colony = colony_of(engine, members, threads)
    stretches = 0
    while colony.run(epoch=stretches + 1) == "running":
        states = [colony.state(m) for m in range(len(members))]
        colony = colony_of(engine, members, threads)
        for m, state in enumerate(states):
            colony.set_state(m, state)
        stretches += 1
    assert stretches > 3
    for number, job in enumerate(members):
        assert in_colony(colony, number)[:2] == alone(engine, job)[:2]
    colony = colony_of(engine, members, threads)
    while colony.run(seconds=1e-4) == "running":
        states = [colony.state(m) for m in range(len(members))]
        colony = colony_of(engine, members, threads)
        for m, state in enumerate(states):
            colony.set_state(m, state)
    for number, job in enumerate(members):
        assert in_colony(colony, number)[:2] == alone(engine, job)[:2]


def test_polling_interrupts_and_errors_come_through(engine: Any) -> None:
    members = [replace(PENGUIN, seed=seed, epochs=100_000) for seed in range(40)]
    colony = colony_of(engine, members, 2)
    assert colony.run(poll=lambda: True) == "interrupted"
    with pytest.raises(ZeroDivisionError):
        colony.run(poll=lambda: 1 // 0)
    assert colony.run(seconds=0.05) == "running"


def test_what_cannot_be_is_refused(engine: Any) -> None:
    table = PENGUIN.table()
    with pytest.raises(ValueError, match="a colony needs at least one"):
        engine.Colony32([], [table])
    with pytest.raises(ValueError, match="got table 1; there are tables 0 to 0"):
        engine.Colony32([(PENGUIN.plan(engine), 1, -1)], [table])
    with pytest.raises(IndexError):
        engine.Colony32([(PENGUIN.plan(engine), 0, -1)], [table]).state(1)
