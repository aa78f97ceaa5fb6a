"""Sweeps with bootstrap samples: the rows drawn, the bytes of each network, and the benefit of bagging."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.table.bootstrap_sample import draw_bootstrap_rows
from tests.unit.model_selection.sweeps import digests, interrupt_after, run_sweep, weight_bytes


@given(seed=st.integers(0, 2**64 - 1), count=st.integers(1, 300))
def test_a_bootstrap_sample_has_as_many_rows_in_ascending_order(seed: int, count: int) -> None:
    rows = draw_bootstrap_rows(seed, count)
    assert (len(rows), rows.min() >= 0, rows.max() < count) == (count, True, True)
    assert (np.diff(rows) >= 0).all()
    np.testing.assert_array_equal(rows, draw_bootstrap_rows(seed, count))


def test_rows_are_drawn_with_equal_probability_and_seeds_are_independent() -> None:
    drawn = np.stack([np.bincount(draw_bootstrap_rows(seed, 50), minlength=50) for seed in range(2000)])
    # Counts of a row are binomial(50, 1/50): mean 1, variance 0.98, and 0 with probability 0.98 ** 50 = 0.364.
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.1)
    np.testing.assert_allclose(drawn.var(), 0.98, atol=0.03)
    np.testing.assert_allclose((drawn == 0).mean(), 0.98**50, atol=0.01)
    neighbours = np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairwise(drawn)])
    assert abs(neighbours) < 0.02


def data(task: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = x[:, 0] - 2 * x[:, 1]
    return x, y if task == "regression" else np.where(y > 0, "up", "down")


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_member_has_the_bytes_of_train_on_the_drawn_rows(task: str, weighted: bool) -> None:
    """Not standardized, so that `creche.train` learns nothing from the table but the rows themselves."""
    (x, y), (beside_x, beside_y) = data(task), data(task)
    weights = np.linspace(0.5, 2, len(x)) if weighted else None
    shared: dict[str, Any] = {
        "hidden": [4], "epochs": 4, "standardize": False, "threads": 1, "validation_data": (beside_x + 1, beside_y),
        "task": task,
    }  # fmt: skip
    colony = cr.sweep(x, y, **shared, learning_rate=[0.01, 0.1], seeds=3, seed=7, bootstrap=True, sample_weight=weights)
    for member in colony:
        rows = draw_bootstrap_rows(member.choice["seed"], len(x))
        row_weights = None if weights is None else weights[rows]
        alone = cr.train(x[rows], y[rows], **shared, **member.choice, sample_weight=row_weights)
        assert weight_bytes(member) == weight_bytes(alone)
        np.testing.assert_array_equal(member.history.train_loss, alone.history.train_loss)
        np.testing.assert_array_equal(member.history.validation_loss, alone.history.validation_loss)


def test_seeds_differ_in_their_rows_and_share_encoders_and_validation_rows() -> None:
    colony = run_sweep(learning_rate=[0.01, 0.1], seeds=3, bootstrap=True)
    plain = run_sweep(learning_rate=[0.01, 0.1], seeds=3)
    assert all(weight_bytes(a) != weight_bytes(b) for a, b in zip(colony, plain, strict=True))
    assert len({id(member.prepared.features) for member in colony}) == 1
    assert len({id(member.prepared.validation) for member in colony}) == 1
    # Of one seed, all plans learn the same rows.
    assert colony.crew.jobs[0].rows is colony.crew.jobs[3].rows
    assert colony.crew.jobs[0].rows is not colony.crew.jobs[1].rows


def test_a_member_can_be_verified_and_its_file_names_the_sample(tmp_path: Path) -> None:
    file = tmp_path / "member.creche"
    run_sweep(seeds=3, bootstrap=True)[2].model.save(file)
    assert cr.verify(file, "penguins", threads=1).same
    origin = cr.load(file).provenance
    assert origin is not None
    assert origin.preparation.bootstrap == 2


def test_bagging_predicts_a_step_function_better_than_its_members() -> None:
    """Breiman 1996: the squared error of the mean is at most the mean of the squared errors."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((150, 4))
    y = np.sign(x[:, 0]) + rng.standard_normal(150)
    test_x = rng.standard_normal((400, 4))
    test_y = np.sign(test_x[:, 0])
    colony = cr.sweep(
        x, y, hidden=[12], activation="relu", learning_rate=0.02, epochs=60, seeds=16, bootstrap=True, threads=1,
        task="regression",
    )  # fmt: skip
    predicted = np.stack([member.model.predict(test_x) for member in colony])
    alone = ((predicted - test_y) ** 2).mean(axis=1)
    ensemble = colony.ensemble(16)
    assert ((ensemble.predict(test_x) - test_y) ** 2).mean() < 0.9 * alone.mean()


def test_a_bootstrap_sweep_resumes_and_differs_from_one_without_bootstrap(tmp_path: Path) -> None:
    file = tmp_path / "sweep"
    arguments: dict[str, Any] = {"learning_rate": [0.01, 0.1], "seeds": 3, "checkpoint": file}
    whole = digests(run_sweep(learning_rate=[0.01, 0.1], seeds=3, bootstrap=True))
    with pytest.raises(KeyboardInterrupt):
        run_sweep(**arguments, bootstrap=True, on_progress=interrupt_after(1))
    assert digests(run_sweep(**arguments, bootstrap=True, resume=True)) == whole
    with pytest.raises(cr.FileError, match="bootstrap"):
        run_sweep(**arguments, resume=True)


def test_the_memory_estimate_includes_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((20_000, 50))
    arguments: dict[str, Any] = {"hidden": [2], "epochs": 1, "threads": 1, "batch_size": 1000, "task": "regression"}
    arguments["preprocessing"] = "standard"  # 50 inputs
    monkeypatch.setattr("creche.model_selection.cost_estimate.available_memory", lambda: 50_000_000)
    with pytest.raises(cr.PlanError, match=r"a sweep of 64 networks needs about 0\.2 GB"):
        cr.sweep(x, x[:, 0], **arguments, seeds=64, bootstrap=True)


def test_bootstrap_needs_a_bool() -> None:
    with pytest.raises(cr.PlanError, match="bootstrap: got 3; needs True or False"):
        run_sweep(bootstrap=3)


def test_with_folds_each_seed_draws_from_the_training_rows_of_its_fold() -> None:
    colony = run_sweep(folds=3, seeds=2, bootstrap=True)
    assert len(colony) == 6
    for member, job in zip(colony, colony.crew.jobs, strict=True):
        rows = member.prepared.encode_part(member.prepared.train, member.plan.loss, "float32")
        drawn = draw_bootstrap_rows(member.choice["seed"], len(rows))
        np.testing.assert_array_equal(job.rows.x, rows.x[drawn])
        assert member.prepared.preparation.bootstrap == member.choice["seed"]
