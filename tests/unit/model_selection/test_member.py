"""Members of a colony against the same networks trained one by one by `creche.train`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creche as cr
from tests.unit.model_selection.sweeps import PENGUINS, run_sweep, weight_bytes
from tests.unit.small_runs import line


def values(of: Any, most: int = 2) -> Any:
    return st.lists(of, min_size=1, max_size=most, unique_by=repr)


DIFFERING = {
    "hidden": values(st.sampled_from([[], [3], [5, 5], [4, 2, 3]])),
    "activation": values(st.sampled_from(["relu", "tanh", "gelu", ("mish", "relu")])),
    "optimizer": values(st.sampled_from(["sgd", "adam", "adadelta", "lion", cr.AdamW(weight_decay=0.1)])),
    "learning_rate": values(st.sampled_from([1e-3, 0.01, 0.2])),
    "batch_size": values(st.sampled_from([7, 20, 500])),
    "epochs": values(st.integers(1, 5)),
    "dropout": values(st.sampled_from([0.0, 0.3])),
    "schedule": values(st.sampled_from(["constant", "cosine"])),
    "early_stopping": values(st.sampled_from([None, 1])),
    "preprocessing": values(st.sampled_from(["standard", "quantile"])),
    "loss": values(st.sampled_from(["cross_entropy", None])),
}


@settings(max_examples=12)
@given(
    differing=st.sets(st.sampled_from(sorted(DIFFERING)), min_size=1, max_size=3).flatmap(
        lambda names: st.fixed_dictionaries({name: DIFFERING[name] for name in sorted(names)})
    ),
    seeds=st.integers(1, 2),
    seed=st.integers(0, 3),
    threads=st.integers(1, 2),
)
def test_a_member_has_the_bytes_of_the_network_alone(
    differing: dict[str, Any], seeds: int, seed: int, threads: int
) -> None:
    shared = {"hidden": [5], "epochs": 4}
    layers = {name: v for name, v in differing.items() if not isinstance(v[0], tuple)}
    if any(isinstance(item, tuple) for item in differing.get("activation", [])):
        layers["hidden"] = [[5, 5]]  # an activation for each of two layers
    colony = cr.sweep(
        "penguins", **{**PENGUINS, **shared, **differing, **layers, "threads": threads}, seeds=seeds, seed=seed
    )
    assert len(colony) == seeds * np.prod([len(v) for v in {**differing, **layers}.values()])
    for member in colony:
        alone = cr.train("penguins", **{**PENGUINS, **shared, **member.choice}, split_seed=seed)
        assert member.status == alone.status
        assert member.plan == alone.plan
        assert weight_bytes(member) == weight_bytes(alone)
        for name in ("train_loss", "validation_loss", "train_metric", "validation_metric", "learning_rate"):
            np.testing.assert_array_equal(getattr(member.history, name), getattr(alone.history, name))


def test_regression_with_row_weights() -> None:
    x, y = line()
    weights = np.linspace(0, 1, len(x))
    shared: dict[str, Any] = {"hidden": [6], "epochs": 4, "threads": 1, "sample_weight": weights}
    colony = cr.sweep(x, y, loss=["huber", "squared_error"], learning_rate=[0.01, 0.1], **shared)
    for member in colony:
        alone = cr.train(x, y, **shared, **member.choice, split_seed=0)
        assert weight_bytes(member) == weight_bytes(alone)
        np.testing.assert_array_equal(member.history.validation_metric, alone.history.validation_metric)
    assert colony.ranking_metric == "rmse"  # losses of different kinds cannot be compared


def test_fields_of_the_optimizer_are_arguments_of_the_sweep() -> None:
    colony = run_sweep(optimizer="adamw", weight_decay=[0.0, 0.5], clip_norm=[None, 0.01])
    for member in colony:
        fields = {name: v for name, v in member.choice.items() if name != "seed" and v is not None}
        alone = cr.train("penguins", **PENGUINS, hidden=[5], epochs=6, optimizer=cr.AdamW(**fields), split_seed=0)
        assert weight_bytes(member) == weight_bytes(alone)
    assert len({weight_bytes(member) for member in colony}) == 4


def test_a_diverged_member_has_the_weights_of_the_network_trained_alone() -> None:
    shared = {**PENGUINS, "hidden": [5], "epochs": 6, "optimizer": "sgd"}
    colony = cr.sweep("penguins", **shared, learning_rate=[1e-6, 1e6], seeds=3)
    assert [member.status for member in colony] == ["finished"] * 3 + ["diverged"] * 3
    for member in colony[3:]:
        with pytest.raises(cr.DivergedError) as caught:
            cr.train("penguins", **shared, **member.choice, split_seed=0)
        run = caught.value.run
        assert run is not None
        assert weight_bytes(member) == weight_bytes(run)


def test_the_model_of_a_member_can_be_saved_and_verified(tmp_path: Any) -> None:
    member = run_sweep(seeds=3).best()
    member.model.save(tmp_path / "best.creche")
    loaded = cr.load(tmp_path / "best.creche")
    np.testing.assert_array_equal(loaded.predict_proba("penguins"), member.model.predict_proba("penguins"))
    assert cr.verify(tmp_path / "best.creche", "penguins").same


def test_all_members_have_the_same_validation_rows() -> None:
    colony = run_sweep(preprocessing=["standard", "quantile"], seeds=2)
    validation = [member.prepared.validation for member in colony]
    called = [part.observations.row_numbers.tolist() for part in validation if part is not None]
    assert len(called) == 4
    assert all(rows == called[0] for rows in called)


def test_members_by_number() -> None:
    colony = run_sweep(learning_rate=[0.001, 0.01], seeds=2)
    assert [m.choice for m in colony] == [
        {"learning_rate": rate, "seed": seed} for rate in (0.001, 0.01) for seed in (0, 1)
    ]
    assert colony[-1].number == 3
    assert [m.number for m in colony[1:3]] == [1, 2]
    with pytest.raises(IndexError, match="member 4: the colony has 4"):
        colony[4]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_change_nothing(threads: int) -> None:
    one = run_sweep(optimizer=["adam", "sgd"], seeds=20, threads=1)
    other = run_sweep(optimizer=["adam", "sgd"], seeds=20, threads=threads)
    assert [weight_bytes(m) for m in one] == [weight_bytes(m) for m in other]
