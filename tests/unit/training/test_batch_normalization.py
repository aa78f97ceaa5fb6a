"""Batch normalization through what takes a network: predictions, files, checkpoints, sweeps, folds and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import PlanError
from tests.unit.small_runs import digest

# The last batch of an epoch is one row: 241 = 5 * 48 + 1.
SMALL: dict[str, Any] = {
    "label": "species", "hidden": [6, 5], "normalization": "batch", "epochs": 6, "batch_size": 48, "threads": 1,
    "learning_rate": 0.02,
}  # fmt: skip


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return cr.train("penguins", **SMALL)


def test_probabilities_are_those_of_the_running_statistics(run: cr.Run) -> None:
    """By the formula, whatever rows are predicted together."""
    p, x = run.model.parameters.astype(np.float64), run.rows.x[:20].astype(np.float64)
    for layer in range(3):
        z = x @ p[f"{layer}.weights"] + p[f"{layer}.bias"]
        if layer < 2:
            mean, variance = p[f"{layer}.running_mean"], p[f"{layer}.running_variance"]
            assert np.abs(mean).max() > 0.01
            assert np.abs(variance - 1).max() > 0.01
            z = np.tanh(p[f"{layer}.gain"] * (z - mean) / np.sqrt(variance + 1e-5) + p[f"{layer}.shift"])
        x = z
    expected = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(run.model.predict_encoded(run.rows.x[:20]), expected, rtol=1e-4, atol=1e-6)
    one = run.model.predict_encoded(np.ascontiguousarray(run.rows.x[7:8]))
    assert one.tobytes() == run.model.predict_encoded(run.rows.x[:20])[7:8].tobytes()


def test_files_and_checkpoints_give_the_same_bytes(run: cr.Run, tmp_path: Path) -> None:
    run.model.save(tmp_path / "model.creche")
    loaded = cr.load(tmp_path / "model.creche")
    assert loaded.plan == run.plan
    assert loaded.predict_proba("penguins").tobytes() == run.model.predict_proba("penguins").tobytes()
    cr.train("penguins", checkpoint=tmp_path / "run", steps=8, **SMALL)
    assert digest(cr.resume(tmp_path / "run")) == digest(run)


def test_members_of_a_sweep_are_as_alone() -> None:
    kinds = ["none", "layer", "batch"]
    colony = cr.sweep("penguins", **(SMALL | {"normalization": kinds}), seeds=4)
    for member in colony:
        same = SMALL | {"normalization": member.plan.network.layers[0].normalization, "seed": member.plan.seed}
        alone = cr.train("penguins", **same, split_seed=0)
        for name, array in alone.model.parameters.items():
            assert array.tobytes() == member.model.parameters[name].tobytes()
    assert {member.plan.network.layers[0].normalization for member in colony} == set(kinds)


def test_statistics_are_no_parameters(run: cr.Run) -> None:
    network = run.plan.network
    assert network.parameters == 14 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3 + 2 * (6 + 5)
    assert network.describe() == "14-6-5-3, 165 parameters; batch normalization in layers 1 and 2"


def test_random_directions_leave_the_statistics_as_they_are(run: cr.Run) -> None:
    surface = cr.explain.loss_surface(run.model, "penguins", points=5)
    assert np.isfinite(surface.losses).all()
    for direction in surface.directions:
        assert not any(
            np.any(direction[f"{layer}.{of}"]) for layer in (0, 1) for of in ("running_mean", "running_variance")
        )
        assert np.any(direction["0.gain"])


def test_a_direction_to_a_negative_variance_ends_at_0(run: cr.Run) -> None:
    parameters = run.model.parameters
    along = {name: np.where(name.endswith("variance"), -1.0, 0.0) * np.ones_like(a) for name, a in parameters.items()}
    across = {name: (name == "0.weights") * np.ones_like(a) for name, a in parameters.items()}
    surface = cr.explain.loss_surface(run.model, "penguins", directions=[along, across], points=5, reach=5.0)
    assert np.isfinite(surface.losses).all()


@pytest.mark.parametrize(
    ("arguments", "argument", "says"),
    [
        (
            {"batch_size": 1},
            "batch_size",
            "batch_size: got 1, and layer 1 has batch normalization, which needs the mean",
        ),
        ({"changes": [cr.Change(3, batch_size=1)]}, "batch_size", "batch_size: got 1, and layer 1 has batch"),
        (
            {"optimizer": "lbfgs", "batch_size": 241, "learning_rate": None},
            "normalization",
            "normalization: got 'batch' in layer 1 with optimizer='lbfgs'; L-BFGS also tries steps",
        ),
        ({"submodels": 4}, "normalization", "normalization: got 'batch' in layer 1, and the network has 4 submodels"),
    ],
)
def test_what_it_does_not_go_with_is_refused(arguments: dict[str, Any], argument: str, says: str) -> None:
    with pytest.raises(PlanError) as refusal:
        cr.train("penguins", **(SMALL | arguments))
    assert refusal.value.argument == argument
    assert str(refusal.value).startswith(says)
