"""Training with L-BFGS: what it reaches, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan import Network

ROWS = 150


def table() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((ROWS, 4))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * rng.standard_normal(ROWS)
    return x, y


def train(**arguments: Any) -> cr.Run:
    x, y = table()
    defaults: dict[str, Any] = {
        "optimizer": "lbfgs", "hidden": [8], "activation": "tanh", "epochs": 60, "validation_fraction": 0,
        "threads": 1, "seed": 3, "precision": "float64", "preprocessing": "standard", "task": "regression",
    }  # fmt: skip
    return cr.train(x, y, **{**defaults, **arguments})


def test_it_is_as_good_as_scipy_within_half_as_many_evaluations_more() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    start = train(epochs=0)
    x, y = table()
    inputs = (x - x.mean(axis=0)) / x.std(axis=0)
    target = ((y - y.mean()) / y.std())[:, None]
    parameters = {name: np.asarray(array, dtype=float) for name, array in start.parameters.items()}
    shapes = {name: array.shape for name, array in parameters.items()}

    def unpack(flat: np.ndarray) -> dict[str, np.ndarray]:
        out, at = {}, 0
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            out[name] = flat[at : at + size].reshape(shape)
            at += size
        return out

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        p = unpack(flat)
        hidden = np.tanh(inputs @ p["0.weights"] + p["0.bias"])
        error = hidden @ p["1.weights"] + p["1.bias"] - target
        outer = 2 * error / ROWS
        inner = (outer @ p["1.weights"].T) * (1 - hidden**2)
        gradients = {
            "0.weights": inputs.T @ inner, "0.bias": inner.sum(axis=0),
            "1.weights": hidden.T @ outer, "1.bias": outer.sum(axis=0),
        }  # fmt: skip
        return float((error**2).mean()), np.concatenate([gradients[name].ravel() for name in shapes])

    flat = np.concatenate([array.ravel() for array in parameters.values()])
    evaluations = 60
    theirs = optimize.minimize(
        loss, flat, jac=True, method="L-BFGS-B", options={"maxfun": evaluations, "maxiter": 1000}
    )
    ours = train(epochs=theirs.nfev + theirs.nfev // 2)
    assert ours.history.train_loss[0] == pytest.approx(loss(flat)[0], rel=1e-9)
    assert min(ours.history.train_loss) <= theirs.fun * (1 + 1e-3)


def test_the_batch_is_all_training_rows() -> None:
    run = train(epochs=4, validation_fraction=0.2)
    assert (run.plan.batch_size, run.plan.shuffle, run.step) == (120, False, 4)


def test_it_goes_on_from_a_checkpoint(tmp_path: Any) -> None:
    whole = train(epochs=25)
    train(epochs=25, steps=11, checkpoint=tmp_path / "run.creche")
    resumed = train(epochs=25, checkpoint=tmp_path / "run.creche", resume=True)
    for name, array in whole.parameters.items():
        assert array.tobytes() == resumed.parameters[name].tobytes()


@pytest.mark.parametrize(
    ("arguments", "argument", "says"),
    [
        ({"dropout": 0.2}, "dropout", "dropout: got 0.2 in layer 1 with optimizer='lbfgs'"),
        ({"batch_size": 16}, "batch_size", "batch_size: got 16 with optimizer='lbfgs', whose steps take all 150"),
        ({"schedule": "cosine"}, "schedule", "schedule: got Cosine"),
        ({"dropout_schedule": "flat_cosine"}, "dropout_schedule", "dropout_schedule: got FlatCosine"),
        ({"changes": [cr.Change(3, dropout=0.1)]}, "dropout", "dropout: got 0.1"),
        ({"changes": [cr.Change(3, batch_size=16)]}, "batch_size", "batch_size: changes to 16 after step 3"),
        ({"changes": [cr.Change(3, optimizer="adam")]}, "optimizer", "optimizer: changes from L-BFGS to Adam"),
        (
            {"optimizer": "adam", "changes": [cr.Change(3, optimizer="lbfgs")]},
            "optimizer",
            "optimizer: changes from Adam to L-BFGS after step 3, but L-BFGS takes all training rows",
        ),
    ],
)
def test_what_changes_the_loss_from_step_to_step_is_refused(
    arguments: dict[str, Any], argument: str, says: str
) -> None:
    with pytest.raises(PlanError) as refusal:
        train(**arguments)
    assert refusal.value.argument == argument
    assert str(refusal.value).startswith(says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"l1": 0.1}, r"LBFGS\.l1: got 0\.1; L-BFGS needs a gradient everywhere"),
        ({"clip_norm": 1.0}, r"LBFGS\.clip_norm: got 1; L-BFGS chooses the length"),
        ({"clip_value": 1.0}, r"LBFGS\.clip_value: got 1; L-BFGS chooses the length"),
        ({"decoupled": True}, r"LBFGS\.decoupled: got True; the weight decay of L-BFGS is part of the loss"),
        ({"parameterization": "ntk"}, r"LBFGS\.parameterization: got 'ntk'"),
        ({"history": 0}, r"LBFGS\.history: got 0; needs a whole number of at least 1"),
        ({"groups": {"biases": {"learning_rate": 0.1}}}, r"LBFGS\.groups: got biases=.* factors of weight_decay only"),
    ],
)
def test_numbers_that_it_cannot_have_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        cr.LBFGS(**arguments)
    assert cr.LBFGS(groups={"biases": {"weight_decay": 0.0}}).groups.biases.weight_decay == 0


def test_a_smaller_batch_is_refused_of_a_plan_too() -> None:
    plan = cr.Plan(Network.of(4, [5], 3), optimizer="lbfgs", batch_size=50)
    assert plan.resolved(50).batch_size == 50
    with pytest.raises(PlanError, match="batch_size: got 50"):
        plan.resolved(51)


def test_sweeps_and_folds_take_it() -> None:
    x, y = table()
    shared: dict[str, Any] = {"hidden": [6], "epochs": 5, "threads": 1}
    found = cr.sweep(x, y, optimizer=["lbfgs", "adam"], task="regression", learning_rate=[0.01, 1.0], **shared)
    assert len(found) == 4
    folds = cr.cross_validate(x, y, optimizer="lbfgs", task="regression", folds=3, **shared)
    assert folds.evaluation is not None


def test_estimators_take_it() -> None:
    x, y = table()
    model = cr.DNNRegressor(hidden=[6], optimizer="lbfgs", epochs=30).fit(x, y)
    assert model.score(x, y) > 0.5
