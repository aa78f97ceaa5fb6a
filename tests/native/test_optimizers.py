"""Update rules, against those of torch.optim (and Lion against its paper) in tests/golden/optimizers.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "optimizers.json").read_text())
RULES: dict[str, Any] = GOLDEN["rules"]
LANES = [1, 4, 8, 16]
TYPES: list[Any] = [np.float32, np.float64]


def numbers(hexadecimal: Any) -> NDArray[np.float64]:
    if isinstance(hexadecimal, str):
        return np.array(float.fromhex(hexadecimal))
    return np.array([numbers(row) for row in hexadecimal])


W = numbers(GOLDEN["w"])
GRADIENTS = numbers(GOLDEN["gradients"])


def train(
    native: Any, plan: dict[str, Any], kind: Any = np.float32, lanes: int = 16, w: Any = W, gradients: Any = GRADIENTS
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The weights after each step (steps, n), and the planes after the last (planes, n)."""
    function = native.train_f32 if kind is np.float32 else native.train_f64
    rates = np.full(len(gradients), plan["learning_rate"])
    after, planes = function(plan, np.asarray(w, kind), np.asarray(gradients, kind), rates, lanes)
    return after, planes


def varied(plan: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The plan with other numbers, but none made 0 or brought up from 0 that decides which terms a rule has."""
    out = dict(plan, weight_decay=float(rng.choice([0.0, 0.02])), l1=float(rng.choice([0.0, 0.001])))
    out["learning_rate"] = plan["learning_rate"] * float(rng.uniform(0.5, 2))
    for name in ("beta1", "beta2", "rho", "momentum"):
        if plan.get(name):
            out[name] = plan[name] * float(rng.uniform(0.5, 1))
    return out


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("kind", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_a_hundred_steps_are_those_of_the_reference(native: Any, name: str, kind: Any, tolerance: float) -> None:
    golden = RULES[name]
    expected = numbers(golden["after"][np.dtype(kind).name])
    after, _ = train(native, golden["plan"], kind)
    got = after[np.array(GOLDEN["steps"]) - 1]
    # A weight on its way through 0 has no relative error to speak of: there, the length of its way counts.
    way = np.maximum(np.abs(expected), np.abs(expected - W))
    assert np.max(np.abs(got - expected) / way) < tolerance


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", TYPES)
def test_bits_do_not_depend_on_the_number_of_lanes(native: Any, name: str, kind: Any) -> None:
    plan = dict(RULES[name]["plan"], l1=0.001, clip_value=0.5)
    results = [b"".join(array.tobytes() for array in train(native, plan, kind, lanes)) for lanes in LANES]
    assert len(set(results)) == 1


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", TYPES)
def test_a_network_in_a_lane_has_the_bits_it_has_alone(native: Any, name: str, kind: Any) -> None:
    rng = np.random.default_rng(3)
    plans = [varied(RULES[name]["plan"], rng) for _ in range(16)]
    function = native.train_colony_f32 if kind is np.float32 else native.train_colony_f64
    after, planes = function(plans, W.astype(kind), GRADIENTS.astype(kind), len(GRADIENTS))
    for lane, plan in enumerate(plans):
        alone, planes_alone = train(native, plan, kind, 1, W[lane : lane + 1], GRADIENTS[:, lane : lane + 1].copy())
        assert after[:, lane].tobytes() == alone[:, 0].tobytes()
        assert planes[:, lane].tobytes() == planes_alone[:, 0].tobytes()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("epsilon", [1e-8, 1e-300, 0.0])
def test_padding_stays_zero(native: Any, name: str, kind: Any, epsilon: float) -> None:
    plan = dict(RULES[name]["plan"], l1=0.01, clip_value=1.0, epsilon=epsilon)
    after, planes = train(native, plan, kind, 16, np.zeros(16), np.zeros((50, 16)))
    assert after.tobytes() == np.zeros_like(after).tobytes()
    np.testing.assert_array_equal(planes, plan.get("initial_accumulator", 0.0) * np.ones_like(planes))


@pytest.mark.parametrize("name", RULES)
def test_an_idle_weight_never_sinks_into_subnormal_numbers(native: Any, name: str) -> None:
    gradients = np.zeros((3000, 16))
    gradients[:3] = 1
    plan = dict(RULES[name]["plan"], weight_decay=0.0)
    _, planes = train(native, plan, gradients=gradients)
    assert np.all((planes == 0) | (np.abs(planes) >= np.finfo(np.float32).tiny))
    # What decays by a tenth a step has come to nothing by now.
    if plan.get("beta1", 0.9) <= 0.9 and plan["kind"] in ("adam", "nadam", "radam"):
        np.testing.assert_array_equal(planes[0], 0)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("clip_value", [0.0, 0.5])
def test_nan_is_never_hidden(native: Any, name: str, clip_value: float) -> None:
    gradients = np.ones((3, 16))
    gradients[1, 4] = np.nan
    after, _ = train(native, dict(RULES[name]["plan"], clip_value=clip_value, l1=0.01), gradients=gradients)
    assert np.all(np.isnan(after[1:, 4]))
    assert np.all(np.isfinite(np.delete(after, 4, axis=1)))


@pytest.mark.parametrize("name", RULES)
def test_tiny_gradients_and_no_epsilon_do_not_blow_up(native: Any, name: str) -> None:
    rng = np.random.default_rng(5)
    gradients = rng.normal(size=(50, 16)) * np.geomspace(1e-38, 1e-10, 16)
    after, _ = train(native, dict(RULES[name]["plan"], epsilon=0.0), gradients=gradients)
    # Momentum and a young average may make a step some tens of learning rates long; a division by nothing, millions.
    assert np.all(np.abs(after - W) < 50 * 100 * RULES[name]["plan"]["learning_rate"])


def test_coupled_terms_enter_the_gradient(native: Any) -> None:
    plan = {"kind": "sgd", "learning_rate": 0.5, "weight_decay": 0.25, "l1": 0.125, "clip_value": 1.0}
    w = np.tile([1.0, -2.0, 0.0, 4.0], 4)
    after, _ = train(native, plan, np.float64, 4, w, np.full((1, 16), 3.0))
    np.testing.assert_array_equal(after[0], w - 0.5 * (1.0 + 0.25 * w + 0.125 * np.sign(w)))


def test_decoupled_decay_shrinks_the_weight_before_the_rule(native: Any) -> None:
    plan = {"kind": "sgd", "learning_rate": 0.5, "weight_decay": 0.25, "decoupled": True}
    after, _ = train(native, plan, np.float64, 4, W, np.ones((1, 16)))
    np.testing.assert_allclose(after[0], (1 - 0.5 * 0.25) * W - 0.5, rtol=1e-15)


@pytest.mark.parametrize(("regularize_bias", "reaches"), [(False, False), (True, True)])
def test_biases_are_regularized_where_asked(native: Any, regularize_bias: bool, reaches: bool) -> None:
    plan = {"weight_decay": 0.1, "l1": 0.2, "clip_value": 5.0, "regularize_bias": regularize_bias}
    assert native.regularization_of(plan, 0.5, False) == (5.0, 0.1, 0.2, 1.0)
    assert native.regularization_of(plan, 0.5, True) == ((5.0, 0.1, 0.2, 1.0) if reaches else (5.0, 0.0, 0.0, 1.0))
    decoupled = dict(plan, decoupled=True)
    assert native.regularization_of(decoupled, 0.5, False) == (5.0, 0.0, 0.2, 0.95)
    assert native.regularization_of(decoupled, 0.5, True)[3] == (0.95 if reaches else 1.0)
