"""A run that is carried out in pieces, of steps or of seconds, and what it tells between them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from creche.training.run import Run
from tests.unit.small_runs import TO_THE_END, digest, quick, two_classes


def begin(**arguments: Any) -> Run:
    """A run before its first step."""
    whole = quick(*two_classes(), **TO_THE_END, **arguments)
    return Run(whole.plan, whole.prepared, 1)


def test_pieces_of_a_moment_give_the_same_bytes() -> None:
    whole, pieces = begin(hidden=[64, 64]).resume(), begin(hidden=[64, 64])
    calls = 0
    while pieces.status == "running":
        before = pieces.step
        pieces.resume(seconds=0)
        calls += 1
        assert pieces.step > before or pieces.status != "running"  # each piece takes a step, however short it is
    assert 1 < calls <= whole.step
    assert digest(pieces) == digest(whole)


def test_seconds_do_not_exceed_the_other_limits() -> None:
    run = begin(epochs=7)
    assert run.resume(steps=3, seconds=1e6).step == 3
    assert run.resume(epochs=1, seconds=math.inf).epoch == run.step // 2 == 2


def test_batch_counts_from_the_beginning_of_the_epoch() -> None:
    run = begin(epochs=7)
    of_an_epoch = run.plan.steps_per_epoch(len(run.rows))
    run.resume(steps=of_an_epoch + 1)
    assert (run.epoch, run.batch, run.step) == (1, 1, of_an_epoch + 1)


def test_the_learning_rate_is_that_of_the_next_step() -> None:
    run = begin(epochs=4, learning_rate=0.5, schedule="cosine")
    assert run.learning_rate == 0.5
    run.resume(epochs=2)
    assert run.learning_rate == pytest.approx(0.25)
