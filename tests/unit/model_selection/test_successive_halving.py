"""Halving: which networks are stopped, and when."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from tests.unit.model_selection.sweeps import PENGUINS, run_sweep, weight_bytes
from tests.unit.small_runs import TO_THE_END


@given(
    keep=st.floats(0.1, 0.9), first=st.integers(1, 50) | st.none(), epochs=st.integers(1, 500), n=st.integers(1, 9999)
)
def test_rounds_grow_and_end_before_the_last_epoch(keep: float, first: int | None, epochs: int, n: int) -> None:
    halving = cr.Halving(keep, first)
    rounds = halving.rounds(epochs, n)
    assert rounds == sorted(set(rounds))
    assert all(1 <= end < epochs for end in rounds)
    if first is not None and first < epochs:
        assert rounds[0] == first
    assert 0 < halving.trained_share(epochs, n) <= 1 + 1e-12


def test_the_worst_are_stopped_after_each_round() -> None:
    plain = run_sweep(learning_rate=cr.log_range(1e-4, 0.1, 6), seeds=3, epochs=12, **TO_THE_END)
    halved = run_sweep(
        learning_rate=cr.log_range(1e-4, 0.1, 6), seeds=3, epochs=12, halving=cr.Halving(0.5, 3), **TO_THE_END
    )
    losses = np.array([member.history.validation_loss for member in plain])
    alive = np.arange(18)
    expected = np.full(18, 12)
    for end in (3, 6):
        order = alive[np.argsort(losses[alive, :end].min(axis=1), kind="stable")]
        kept = order[: math.ceil(0.5 * len(order))]
        expected[np.setdiff1d(alive, kept)] = end
        alive = np.sort(kept)
    assert halved.results.epochs.tolist() == expected.tolist()
    for one, other in zip(halved, plain, strict=True):
        np.testing.assert_array_equal(one.history.validation_loss, other.history.validation_loss[: one.epoch])
        assert one.status == ("finished" if one.epoch == 12 else "stopped")
        if one.status == "finished":
            assert weight_bytes(one) == weight_bytes(other)


def test_networks_with_different_losses_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3))
    colony = cr.sweep(
        x, 100 * x[:, 0], loss=["squared_error", "absolute_error"], learning_rate=[1e-4, 0.01], seeds=2,
        halving=cr.Halving(0.5, 3), epochs=6, hidden=[4], threads=1,
    )  # fmt: skip
    going_on = [member.choice["loss"] for member in colony if member.status == "finished"]
    assert sorted(going_on) == ["absolute_error"] * 2 + ["squared_error"] * 2


@pytest.mark.parametrize("halving", [True, 0.33])
def test_by_default_a_few_networks_remain_and_many_epochs_are_saved(halving: bool | float) -> None:
    colony = run_sweep(learning_rate=cr.log_range(1e-4, 0.1, 25), seeds=8, epochs=30, halving=halving, **TO_THE_END)
    assert 2 <= sum(member.status == "finished" for member in colony) <= 30
    assert colony.results.epochs.sum() < 0.5 * 30 * 200
    assert colony.best().status == "finished"
    plans = [plan for plan in colony.plans().to_dicts() if any(
        member.status == "finished" for member in colony if member.choice["learning_rate"] == plan["learning_rate"]
    )]  # fmt: skip
    assert colony.best().choice["learning_rate"] == plans[0]["learning_rate"]  # the lowest mean of those that went on


def test_networks_that_stopped_early_have_the_weights_of_those_trained_alone() -> None:
    job = {"early_stopping": 2, "epochs": 40, "learning_rate": 0.05}
    colony = run_sweep(**job, seeds=12, halving=cr.Halving(0.9, 20))
    early = [member for member in colony if member.status == "early_stopped" and member.epoch < 20]
    assert early  # these the engine has forgotten by now
    for member in early:
        alone = cr.train("penguins", **PENGUINS, hidden=[5], **job, seed=member.choice["seed"], split_seed=0)
        assert weight_bytes(member) == weight_bytes(alone)
