"""Other numbers of the optimizer for biases and outer layers, and the neural tangent parameterization."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan import OPTIMIZERS
from creche.plan.optimizers import Optimizer
from tests.unit.small_runs import TO_THE_END, digest, line, quick, two_classes

X, Y = two_classes(90)
NUMBERS, LABELS = line(64)
GROUPS: dict[str, Any] = {"biases": {"learning_rate": 0.1}, "first_layer": {"learning_rate": 0.5, "weight_decay": 2.0}}


def test_groups_are_made_from_dicts_and_go_through_json() -> None:
    expected = cr.ParameterGroups(
        biases=cr.GroupFactors(learning_rate=0.1), first_layer=cr.GroupFactors(learning_rate=0.5, weight_decay=2.0)
    )
    optimizer = cr.AdamW(groups=GROUPS, parameterization="NTK")
    assert optimizer.groups == expected
    assert optimizer.parameterization == "ntk"
    plan = cr.Plan(cr.Network.of(4, [5], 3), optimizer=optimizer)
    assert cr.Plan.from_json(plan.to_json()) == plan
    assert OPTIMIZERS.of(optimizer.to_dict()) == optimizer


def test_older_plans_have_no_groups() -> None:
    older = {name: value for name, value in cr.Adam().to_dict().items() if name not in ("groups", "parameterization")}
    assert OPTIMIZERS.of(older) == cr.Adam()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"groups": 3}, r"ParameterGroups: got 3; needs a dict"),
        ({"groups": {"bias": {}}}, r"ParameterGroups: unknown key 'bias'; did you mean 'biases'"),
        ({"groups": {"biases": 0.1}}, r"ParameterGroups\.biases: got 0\.1; needs a dict such as"),
        ({"groups": {"biases": {"learning_rate": -1}}}, r"GroupFactors\.learning_rate: got -1; needs a number of at"),
        ({"groups": {"biases": {"epsilon": 0}}}, r"GroupFactors\.epsilon: got 0; needs a number above 0"),
        ({"parameterization": "mup"}, r"Adam\.parameterization: got 'mup'; choose one of standard, ntk"),
        ({"parameterization": "ntk", "clip_norm": 1.0}, r"Adam\.clip_norm: got 1 with parameterization='ntk'"),
    ],
)
def test_invalid_groups_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        cr.Adam(**arguments)


@pytest.mark.parametrize("kind", [cr.Adadelta, cr.RAdam])
def test_rules_that_depend_on_the_gradients_scale_have_no_ntk(kind: type[Optimizer]) -> None:
    with pytest.raises(PlanError, match=rf"{kind.__name__}\.parameterization: got 'ntk'"):
        kind(parameterization="ntk")
    with pytest.raises(PlanError, match=r"Adagrad\.initial_accumulator: got 0.1; needs 0"):
        cr.Adagrad(initial_accumulator=0.1, parameterization="ntk")


def test_a_group_without_a_learning_rate_stays_as_it_is() -> None:
    def weights(**groups: Any) -> list[Any]:
        run = quick(X, Y, hidden=[6, 6], optimizer=cr.Adam(groups=groups), **TO_THE_END)
        return [array for layer in run.model.weights for array in layer]

    frozen = {"learning_rate": 0}
    before = [array for layer in quick(X, Y, hidden=[6, 6], epochs=0).model.weights for array in layer]
    for groups, still in (
        ({"biases": frozen}, [1, 3, 5]), ({"first_layer": frozen}, [0]), ({"last_layer": frozen}, [4]),
    ):  # fmt: skip
        assert [i for i, (a, b) in enumerate(zip(weights(**groups), before, strict=True)) if (a == b).all()] == still


def test_a_network_of_a_sweep_is_the_one_trained_alone() -> None:
    optimizers = [cr.AdamW(0.02), cr.AdamW(0.02, groups=GROUPS), cr.AdamW(0.04, parameterization="ntk", groups=GROUPS)]
    colony = cr.sweep(X, Y, hidden=[6], epochs=3, optimizer=optimizers, seeds=6, threads=2)
    for member in colony:
        alone = cr.train(X, Y, plan=member.plan, split_seed=0, threads=1)
        for ours, theirs in zip(member.model.weights, alone.model.weights, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


def test_a_run_with_groups_in_pieces_is_the_same_run() -> None:
    arguments: dict[str, Any] = {"optimizer": cr.NAdam(0.02, groups=GROUPS, parameterization="ntk"), "epochs": 6}
    pieces = quick(X, Y, **arguments, on_epoch=lambda record: record.epoch == 2)
    assert pieces.epoch < 6
    assert digest(pieces.resume(on_epoch=None)) == digest(quick(X, Y, **arguments))


class Linear:
    """y = X W / sqrt(d) + b of standardized numbers in NumPy, whose rows are one batch in each step."""

    def __init__(self, run: Any) -> None:
        rows, _ = run.prepared.encode(run.plan.loss, "float64")
        self.x, self.y = rows.x, rows.targets
        self.root = np.sqrt(self.x.shape[1])
        weights, self.b = (array.copy() for array in run.model.weights[0])
        self.w = weights * self.root

    def gradients(self) -> tuple[Any, Any]:
        error = 2 * (self.x @ self.w / self.root + self.b - self.y) / len(self.x)
        return self.x.T @ error / self.root, error.sum(axis=0)


def trained(optimizer: Optimizer, steps: int, **arguments: Any) -> Any:
    return quick(
        NUMBERS, LABELS, hidden=[], optimizer=optimizer, epochs=steps, batch_size=64, validation_fraction=0.0,
        precision="float64", **arguments,
    )  # fmt: skip


def test_ntk_is_adamw_on_weights_times_the_root_of_the_inputs() -> None:
    """Also with a learning rate of biases, and with epsilon large enough to count."""
    rate, decay, epsilon, steps = 0.05, 0.3, 1e-2, 40
    optimizer = cr.AdamW(
        rate, weight_decay=decay, epsilon=epsilon, beta2=0.95, parameterization="ntk",
        groups={"biases": {"learning_rate": 0.1}},
    )  # fmt: skip
    twin = Linear(trained(optimizer, 0))
    moments = dict.fromkeys("wb", (0.0, 0.0))
    for t in range(1, steps + 1):
        for name, gradient in zip("wb", twin.gradients(), strict=True):
            at, f = getattr(twin, name), 0.1 if name == "b" else 1.0
            m, v = moments[name]
            m, v = 0.9 * m + 0.1 * gradient, 0.95 * v + 0.05 * gradient**2
            moments[name] = (m, v)
            at = at * (1 - rate * decay) if name == "w" else at
            step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.95**t)) + epsilon)
            setattr(twin, name, at - rate * f * step)
    (weights, bias), *_ = trained(optimizer, steps).model.weights
    np.testing.assert_allclose(weights, twin.w / twin.root, rtol=1e-12)
    np.testing.assert_allclose(bias, twin.b, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("decoupled", [False, True])
def test_ntk_is_sgd_on_weights_times_the_root_of_the_inputs(decoupled: bool) -> None:
    """With momentum, weight decay, L1 and clipping by value, all of them of W."""
    rate, decay, l1, limit, steps = 0.05, 0.2, 0.01, 0.4, 40
    optimizer = cr.SGD(
        rate, momentum=0.9, weight_decay=decay, l1=l1, clip_value=limit, decoupled=decoupled, parameterization="ntk"
    )
    twin = Linear(trained(optimizer, 0))
    w_momentum, b_momentum = 0.0, 0.0
    for _ in range(steps):
        gw, gb = (np.clip(g, -limit, limit) for g in twin.gradients())
        gw = gw + l1 * np.sign(twin.w) + (0 if decoupled else decay) * twin.w
        twin.w = twin.w * (1 - rate * decay * decoupled)
        w_momentum, b_momentum = 0.9 * w_momentum + gw, 0.9 * b_momentum + gb
        twin.w, twin.b = twin.w - rate * w_momentum, twin.b - rate * b_momentum
    (weights, bias), *_ = trained(optimizer, steps).model.weights
    np.testing.assert_allclose(weights, twin.w / twin.root, rtol=1e-12)
    np.testing.assert_allclose(bias, twin.b, rtol=1e-12, atol=1e-15)


def test_a_diverged_run_in_ntk_parameterization_can_be_diagnosed() -> None:
    """Clipping by norm, the usual remedy, is not possible there."""
    wild = cr.SGD(1e6, parameterization="ntk", groups={"biases": {"learning_rate": 2}})
    with pytest.raises(cr.DivergedError) as failure:
        quick(NUMBERS, LABELS, hidden=[], optimizer=wild, standardize=False, epochs=9)
    text = str(cr.explain.diagnose(failure.value.run, try_remedies=False))
    assert "Training diverged" in text
    assert "clipping" not in text
    assert cr.explain.divergence(failure.value.run).edge is None
