"""Update rules and schedules agree with the installed torch, for settings that Hypothesis generates."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytestmark = pytest.mark.peers

STEPS = 40
WEIGHTS = 8

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def torch() -> Iterator[Any]:
    # Imported here and not above, because it takes seconds even if these tests are deselected.
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # torch keeps some of a rule's scalars in its default type
    yield torch
    torch.set_default_dtype(before)


betas = st.floats(0.0, 0.999)
rates = st.floats(1e-5, 0.5)
decays = st.one_of(st.just(0.0), st.floats(1e-4, 0.2))
epsilons = st.floats(1e-10, 1e-2)
momenta = st.one_of(st.just(0.0), st.floats(0.1, 0.99))
# If the mean is little more than the last square, a step is the sign of a gradient. Through weight decay, that depends
# on the last bits of the weight, on which no two programs agree.
means = st.floats(0.5, 0.999)


def adam_family(name: str, momentum_decay: bool = False, amsgrad: bool = False) -> st.SearchStrategy[Any]:
    @st.composite
    def plans(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
        rate, beta1, beta2, epsilon, decay = draw(rates), draw(betas), draw(means), draw(epsilons), draw(decays)
        decoupled = name == "AdamW" or draw(st.booleans())
        plan = {
            "kind": name.lower(),
            "learning_rate": rate,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": decay,
            "decoupled": decoupled,
        }
        numbers = {"lr": rate, "betas": (beta1, beta2), "eps": epsilon, "weight_decay": decay}
        if name != "AdamW":
            numbers["decoupled_weight_decay"] = decoupled
        if momentum_decay:
            plan["momentum"] = numbers["momentum_decay"] = draw(st.floats(0, 1))
        if amsgrad:
            plan["amsgrad"] = numbers["amsgrad"] = draw(st.booleans())
        return name, plan, numbers

    return plans()


@st.composite
def sgd(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    numbers = {"weight_decay": draw(decays), "momentum": draw(momenta)}
    numbers["nesterov"] = numbers["momentum"] > 0 and draw(st.booleans())
    numbers["dampening"] = 0.0 if numbers["nesterov"] else draw(st.floats(0, 0.9))
    rate = draw(rates)
    return "SGD", {"kind": "sgd", "learning_rate": rate, **numbers}, {"lr": rate, **numbers}


@st.composite
def adagrad(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    rate, decay, initial, epsilon, weight_decay = (
        draw(rates),
        draw(st.floats(0, 0.5)),
        draw(st.floats(0, 2)),
        draw(epsilons),
        draw(decays),
    )
    plan = {"learning_rate": rate, "learning_rate_decay": decay, "initial_accumulator": initial, "epsilon": epsilon}
    numbers = {"lr": rate, "lr_decay": decay, "initial_accumulator_value": initial, "eps": epsilon}
    return (
        "Adagrad",
        {"kind": "adagrad", "weight_decay": weight_decay, **plan},
        {"weight_decay": weight_decay, **numbers},
    )


@st.composite
def adadelta(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    rate, rho, epsilon, decay = draw(st.floats(0.01, 2)), draw(means), draw(epsilons), draw(decays)
    plan = {"kind": "adadelta", "learning_rate": rate, "rho": rho, "epsilon": epsilon, "weight_decay": decay}
    return "Adadelta", plan, {"lr": rate, "rho": rho, "eps": epsilon, "weight_decay": decay}


@st.composite
def rmsprop(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    numbers = {"weight_decay": draw(decays), "momentum": draw(momenta), "centered": draw(st.booleans())}
    rate, rho, epsilon = draw(rates), draw(means), draw(epsilons)
    plan = {"kind": "rmsprop", "learning_rate": rate, "rho": rho, "epsilon": epsilon, **numbers}
    return "RMSprop", plan, {"lr": rate, "alpha": rho, "eps": epsilon, **numbers}


OPTIMIZERS = st.one_of(
    sgd(),
    adagrad(),
    adadelta(),
    rmsprop(),
    adam_family("Adam", amsgrad=True),
    adam_family("AdamW", amsgrad=True),
    adam_family("NAdam", momentum_decay=True),
    adam_family("RAdam"),
)


@settings(relaxed, max_examples=300)
@given(optimizer=OPTIMIZERS, seed=st.integers(0, 10_000))
def test_update_rules_agree_with_torch(native: Any, torch: Any, optimizer: Any, seed: int) -> None:
    name, plan, numbers = optimizer
    rng = np.random.default_rng(seed)
    w = rng.normal(size=WEIGHTS)
    gradients = rng.normal(size=(STEPS, WEIGHTS)) * np.geomspace(1e-3, 10, WEIGHTS)
    parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
    peer = getattr(torch.optim, name)([parameter], foreach=False, **numbers)
    expected = []
    for g in gradients:
        parameter.grad = torch.from_numpy(g.copy())
        peer.step()
        expected.append(parameter.detach().numpy().copy())
    after, _ = native.train_f64(plan, w, gradients, np.full(STEPS, plan["learning_rate"]), 8)
    scale = np.maximum(np.abs(expected), np.abs(expected - w))
    assert np.max(np.abs(after - expected) / scale) < 1e-8


def torch_factors(torch: Any, make: Any, units: int, losses: Any = None) -> NDArray[np.float64]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    factors = []
    for unit in range(units):
        factors.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if losses is None:
            schedule.step()
        else:
            schedule.step(losses[unit])
    return np.array(factors)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[dict[str, Any], str, dict[str, Any], int]:
    kind = draw(st.sampled_from(["step", "exponential", "cosine"]))
    length, factor = draw(st.integers(1, 60)), draw(st.floats(0.5, 1.05))
    if kind == "step":
        plan = {"length": length, "factor": factor}
        return {"kind": kind, **plan}, "StepLR", {"step_size": length, "gamma": factor}, 100
    if kind == "exponential":
        return {"kind": kind, "factor": factor}, "ExponentialLR", {"gamma": factor}, 100
    minimum = draw(st.floats(0, 0.9))
    plan = {"length": length, "minimum": minimum}
    return {"kind": kind, **plan}, "CosineAnnealingLR", {"T_max": length, "eta_min": minimum}, length + 1


@relaxed
@given(schedule=schedules(), warmup=st.integers(0, 30), start=st.floats(0.01, 1))
def test_schedules_agree_with_torch(native: Any, torch: Any, schedule: Any, warmup: int, start: float) -> None:
    plan, name, numbers, units = schedule
    lr = torch.optim.lr_scheduler

    def make(optimizer: Any) -> Any:
        if warmup == 0:
            return getattr(lr, name)(optimizer, **numbers)
        first = lr.LinearLR(optimizer, start_factor=start, end_factor=1.0, total_iters=warmup)
        return lr.SequentialLR(optimizer, [first, getattr(lr, name)(optimizer, **numbers)], milestones=[warmup])

    plan = dict(plan, warmup=warmup, warmup_start=start)
    factors = native.schedule_factors(plan, np.arange(units + warmup, dtype=np.float64))
    np.testing.assert_allclose(factors, torch_factors(torch, make, units + warmup), rtol=1e-9, atol=1e-12)


@relaxed
@given(length=st.integers(3, 200), peak_at=st.floats(0.01, 0.99), divide=st.floats(1, 100), last=st.floats(1, 1e6))
def test_one_cycle_agrees_with_torch(
    native: Any, torch: Any, length: int, peak_at: float, divide: float, last: float
) -> None:
    assume(1.1 < peak_at * length < length - 0.1)

    def make(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            1.0,
            total_steps=length,
            pct_start=peak_at,
            div_factor=divide,
            final_div_factor=last,
            cycle_momentum=False,
        )

    plan = {
        "kind": "one_cycle",
        "length": length,
        "peak_at": peak_at,
        "start": 1 / divide,
        "finish": 1 / divide / last,
    }
    factors = native.schedule_factors(plan, np.arange(length, dtype=np.float64))
    np.testing.assert_allclose(factors, torch_factors(torch, make, length), rtol=1e-9, atol=1e-14)


@relaxed
@given(
    losses=st.lists(st.floats(0.01, 2), min_size=2, max_size=60),
    factor=st.floats(0.05, 0.95),
    patience=st.integers(0, 8),
    threshold=st.sampled_from([0.0, 1e-4, 0.1]),
    minimum=st.floats(0, 0.5),
)
def test_plateaus_agree_with_torch(
    native: Any, torch: Any, losses: list[float], factor: float, patience: int, threshold: float, minimum: float
) -> None:
    def make(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=factor, patience=patience, threshold=threshold, min_lr=minimum, eps=0.0
        )

    plan = {
        "kind": "reduce_on_plateau",
        "factor": factor,
        "patience": patience,
        "threshold": threshold,
        "minimum": minimum,
    }
    factors = native.plateau_factors(plan, np.array(losses))
    np.testing.assert_allclose(factors[:-1], torch_factors(torch, make, len(losses), losses)[1:], rtol=1e-12)
