"""Networks that begin with what depends on the rows: each neuron of unit deviation, each bending within the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine.small_plans import Job

STARTS = {"initializer": "unit_variance", "bias_initializer": "sampled"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weighted_sums_begin_with_a_deviation_of_one(engine, dtype: type) -> None:
    job = Job(sizes=(7, 40, 20, 3), rows=300, activation="selu", dtype=dtype, parts=(STARTS,) * 3, seed=4)
    sums = job.solo(engine).introspect(*job.table())[0]
    for z in sums:
        np.testing.assert_allclose(z.astype(np.float64).std(axis=0), 1, rtol=1e-4 if dtype == np.float32 else 1e-12)


def test_a_sampled_bias_is_minus_a_mean_of_sums_of_the_rows(engine) -> None:
    job = Job(sizes=(7, 60, 3), rows=300, dtype=np.float64, parts=(STARTS, STARTS))
    solo = job.solo(engine)
    biases = [bias for name, bias in solo.parameters().items() if name.endswith(".bias")]
    for z, bias in zip(solo.introspect(*job.table())[0], biases, strict=True):
        bare = z - bias
        assert ((bare.min(axis=0) < -bias) & (-bias < bare.max(axis=0))).all()
        assert len(set(bias)) == len(bias)
    # The mean of five rows, with weights from Exp(1), has a variance of 1/3 that of a row.
    wide = replace(job, sizes=(7, 4000, 3)).solo(engine).parameters()["0.bias"]
    assert 0.30 < wide.var() < 0.37


def test_it_is_the_first_rows_of_the_first_epoch_that_count(engine) -> None:
    """1,024 of them: others change nothing."""
    job = Job(sizes=(3, 6, 2), rows=1500, shuffle=False, dtype=np.float64, parts=(STARTS, STARTS))
    x, classes, targets, weights = job.table()
    changed = x.copy()
    changed[1024:] *= 5
    one, other, nearer = (
        engine.Solo64(job.plan(engine), rows, classes, targets, weights, None, 1).parameters()
        for rows in (x, changed, np.concatenate([x[:1023], 5 * x[1023:]]))
    )
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["0.weights"], nearer["0.weights"])


def test_rows_that_are_all_alike_leave_weights_as_drawn(engine) -> None:
    job = Job(sizes=(3, 6, 2), rows=40, parts=(STARTS, STARTS))
    x, classes, targets, weights = job.table()
    solo = engine.Solo32(job.plan(engine), np.zeros_like(x), classes, targets, weights, None, 1)
    assert all(np.abs(array).max() < 10 for array in solo.parameters().values())


def test_normal_biases_are_standard_normal(engine) -> None:
    job = Job(sizes=(3, 20_000, 2), rows=10, dtype=np.float64, parts=({"bias_initializer": "normal"},))
    bias = job.solo(engine).parameters()["0.bias"]
    assert abs(bias.mean()) < 0.03
    assert abs(bias.std() - 1) < 0.02
