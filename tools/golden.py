"""Compute the reference numbers in tests/golden/ with PyTorch.

`make golden` runs it. It needs torch 2.13 (the `peers` extra); the tests that read the numbers do not. Numbers are
written as hexadecimal floats, so that they lose no bit.
"""

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
STEPS = 100
WEIGHTS = 16
KEPT_STEPS = [1, 2, 5, 6, 10, 50, 100]

Plan = dict[str, Any]

# By name: the engine's plan, and the same optimizer in torch with its arguments (None: torch has none).
OPTIMIZERS: dict[str, tuple[Plan, Callable[..., torch.optim.Optimizer] | None, dict[str, Any]]] = {
    "sgd": ({"kind": "sgd", "learning_rate": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    "sgd_momentum_dampening": (
        {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    ),
    "sgd_nesterov": (
        {"kind": "sgd", "learning_rate": 0.02, "momentum": 0.95, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.02, "momentum": 0.95, "nesterov": True},
    ),
    "adagrad": (
        {"kind": "adagrad", "learning_rate": 0.01, "epsilon": 1e-10},
        torch.optim.Adagrad,
        {},
    ),
    "adagrad_decaying": (
        {
            "kind": "adagrad",
            "learning_rate": 0.1,
            "learning_rate_decay": 0.05,
            "initial_accumulator": 0.3,
            "epsilon": 1e-6,
            "weight_decay": 0.02,
        },
        torch.optim.Adagrad,
        {"lr": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.3, "eps": 1e-6, "weight_decay": 0.02},
    ),
    "adadelta": ({"kind": "adadelta", "learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}, torch.optim.Adadelta, {}),
    "adadelta_rho": (
        {"kind": "adadelta", "learning_rate": 0.5, "rho": 0.95, "epsilon": 1e-4, "weight_decay": 0.01},
        torch.optim.Adadelta,
        {"lr": 0.5, "rho": 0.95, "eps": 1e-4, "weight_decay": 0.01},
    ),
    "rmsprop": (
        {"kind": "rmsprop", "learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8},
        torch.optim.RMSprop,
        {},
    ),
    "rmsprop_momentum": (
        {"kind": "rmsprop", "learning_rate": 0.002, "rho": 0.9, "epsilon": 1e-6, "momentum": 0.8, "weight_decay": 0.01},
        torch.optim.RMSprop,
        {"lr": 0.002, "alpha": 0.9, "eps": 1e-6, "momentum": 0.8, "weight_decay": 0.01},
    ),
    "rmsprop_centered": (
        {"kind": "rmsprop", "learning_rate": 0.003, "rho": 0.95, "epsilon": 1e-4, "centered": True},
        torch.optim.RMSprop,
        {"lr": 0.003, "alpha": 0.95, "eps": 1e-4, "centered": True},
    ),
    "rmsprop_centered_momentum": (
        {"kind": "rmsprop", "learning_rate": 0.003, "rho": 0.95, "epsilon": 1e-4, "centered": True, "momentum": 0.5},
        torch.optim.RMSprop,
        {"lr": 0.003, "alpha": 0.95, "eps": 1e-4, "centered": True, "momentum": 0.5},
    ),
    "adam": ({"kind": "adam", "learning_rate": 0.001}, torch.optim.Adam, {}),
    "adam_betas_decay": (
        {
            "kind": "adam",
            "learning_rate": 0.02,
            "beta1": 0.8,
            "beta2": 0.95,
            "epsilon": 1e-5,
            "weight_decay": 0.03,
        },
        torch.optim.Adam,
        {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-5, "weight_decay": 0.03},
    ),
    "adam_amsgrad": (
        {"kind": "adam", "learning_rate": 0.01, "beta2": 0.9, "amsgrad": True},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.9, 0.9), "amsgrad": True},
    ),
    "adamw": (
        {"kind": "adamw", "learning_rate": 0.001, "weight_decay": 0.01, "decoupled": True},
        torch.optim.AdamW,
        {},
    ),
    "adamw_amsgrad": (
        {"kind": "adamw", "learning_rate": 0.02, "beta2": 0.9, "weight_decay": 0.1, "decoupled": True, "amsgrad": True},
        torch.optim.AdamW,
        {"lr": 0.02, "betas": (0.9, 0.9), "weight_decay": 0.1, "amsgrad": True},
    ),
    "nadam": ({"kind": "nadam", "learning_rate": 0.002, "momentum": 0.004}, torch.optim.NAdam, {}),
    "nadam_decoupled": (
        {
            "kind": "nadam",
            "learning_rate": 0.01,
            "beta1": 0.8,
            "beta2": 0.98,
            "momentum": 0.02,
            "weight_decay": 0.05,
            "decoupled": True,
        },
        torch.optim.NAdam,
        {
            "lr": 0.01,
            "betas": (0.8, 0.98),
            "momentum_decay": 0.02,
            "weight_decay": 0.05,
            "decoupled_weight_decay": True,
        },
    ),
    "radam": ({"kind": "radam", "learning_rate": 0.001}, torch.optim.RAdam, {}),
    "radam_decay": (
        {"kind": "radam", "learning_rate": 0.02, "beta2": 0.9, "epsilon": 1e-6, "weight_decay": 0.05},
        torch.optim.RAdam,
        {"lr": 0.02, "betas": (0.9, 0.9), "eps": 1e-6, "weight_decay": 0.05},
    ),
    "lion": ({"kind": "lion", "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.99}, None, {}),
    "lion_decoupled": (
        {
            "kind": "lion",
            "learning_rate": 0.01,
            "beta1": 0.7,
            "beta2": 0.9,
            "weight_decay": 0.1,
            "decoupled": True,
        },
        None,
        {},
    ),
}


def lion(plan: Plan, w: NDArray[np.float64], gradients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chen et al. 2023, Algorithm 2, line by line."""
    eta, beta1, beta2 = plan["learning_rate"], plan["beta1"], plan["beta2"]
    lambda_ = plan.get("weight_decay", 0.0)
    theta, m = w.copy(), np.zeros_like(w)
    after = []
    for g in gradients:
        c = beta1 * m + (1 - beta1) * g
        theta = theta - eta * (np.sign(c) + lambda_ * theta)
        m = beta2 * m + (1 - beta2) * g
        after.append(theta)
    return np.stack(after)


def with_torch(
    make: Callable[..., torch.optim.Optimizer], numbers: dict[str, Any], w: NDArray[Any], gradients: NDArray[Any]
) -> NDArray[Any]:
    """Return the weights after each step."""
    parameter = torch.nn.Parameter(torch.from_numpy(w.copy()))
    optimizer = make([parameter], foreach=False, **numbers)
    after = []
    for g in gradients:
        parameter.grad = torch.from_numpy(g.copy())
        optimizer.step()
        after.append(parameter.detach().numpy().copy())
    return np.stack(after)


def hexadecimal(array: NDArray[Any]) -> Any:
    """Return nested lists of hexadecimal floats."""
    return [hexadecimal(row) for row in array] if array.ndim else float(array).hex()


def optimizers() -> dict[str, Any]:
    rng = np.random.default_rng(2024)
    w = rng.normal(size=WEIGHTS)
    # Gradients of sizes as in a network, some of them 0 for a while, like those of a dead neuron.
    gradients = rng.normal(size=(STEPS, WEIGHTS)) * np.geomspace(1e-4, 10, WEIGHTS)
    gradients[20:60, 3] = 0
    gradients[:, 5] = 0
    w, gradients = w.astype(np.float32), gradients.astype(np.float32)
    rules = {}
    for name, (plan, make, numbers) in OPTIMIZERS.items():
        after = {}
        # torch keeps a few of a rule's scalars in its default type.
        for kind in (np.float32, np.float64):
            torch.set_default_dtype(torch.float32 if kind is np.float32 else torch.float64)
            start, g = w.astype(kind), gradients.astype(kind)
            weights = lion(plan, w.astype(np.float64), gradients.astype(np.float64)) if make is None else None
            weights = with_torch(make, numbers, start, g) if make is not None else weights
            assert weights is not None
            after[np.dtype(kind).name] = hexadecimal(weights[np.array(KEPT_STEPS) - 1])
        rules[name] = {"plan": plan, "after": after}
    torch.set_default_dtype(torch.float32)
    return {"steps": KEPT_STEPS, "w": hexadecimal(w), "gradients": hexadecimal(gradients), "rules": rules}


def learning_rates(
    make: Callable[[torch.optim.Optimizer], Any], units: int, losses: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the learning rate at each unit, for a base rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    rates = []
    for unit in range(units):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if losses is None:
            schedule.step()
        else:
            schedule.step(losses[unit])
    return np.array([float(rate) for rate in rates])


def schedules() -> dict[str, Any]:
    lr = torch.optim.lr_scheduler

    def warmed_up(optimizer: torch.optim.Optimizer) -> Any:
        warmup = lr.LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=12)
        return lr.SequentialLR(optimizer, [warmup, lr.ExponentialLR(optimizer, 0.98)], milestones=[12])

    cases: dict[str, tuple[Plan, Callable[[torch.optim.Optimizer], Any], int]] = {
        "step": ({"kind": "step", "length": 7, "factor": 0.5}, lambda o: lr.StepLR(o, 7, 0.5), 120),
        "exponential": ({"kind": "exponential", "factor": 0.97}, lambda o: lr.ExponentialLR(o, 0.97), 120),
        "cosine": (
            {"kind": "cosine", "length": 119, "minimum": 0.01},
            lambda o: lr.CosineAnnealingLR(o, 119, eta_min=0.01),
            120,
        ),
        "one_cycle": (
            {"kind": "one_cycle", "length": 120},
            lambda o: lr.OneCycleLR(o, 1.0, total_steps=120, cycle_momentum=False),
            120,
        ),
        "one_cycle_late_peak": (
            {"kind": "one_cycle", "length": 113, "peak_at": 0.75, "start": 0.1, "finish": 0.001},
            lambda o: lr.OneCycleLR(
                o, 1.0, total_steps=113, pct_start=0.75, div_factor=10, final_div_factor=100, cycle_momentum=False
            ),
            113,
        ),
        "warmup": ({"kind": "exponential", "factor": 0.98, "warmup": 12, "warmup_start": 0.1}, warmed_up, 120),
    }
    out: dict[str, Any] = {
        name: {"plan": plan, "factors": hexadecimal(learning_rates(make, units))}
        for name, (plan, make, units) in cases.items()
    }
    rng = np.random.default_rng(7)
    losses = np.maximum(1 / np.arange(1, 121) ** 0.7, 0.08) + 0.01 * rng.random(120)
    losses[40] = np.nan
    out["reduce_on_plateau"] = {
        "plan": {"kind": "reduce_on_plateau", "factor": 0.3, "patience": 4, "threshold": 0.01, "minimum": 0.005},
        "losses": hexadecimal(losses),
        "factors": hexadecimal(
            learning_rates(
                lambda o: lr.ReduceLROnPlateau(o, factor=0.3, patience=4, threshold=0.01, min_lr=0.005, eps=0.0),
                120,
                losses,
            )
        ),
    }
    return out


class RecordingTensor(torch.Tensor):
    """A tensor that records the numbers with which it was to be filled."""

    numbers: tuple[float, float]

    def uniform_(self, *numbers: float, generator: torch.Generator | None = None) -> "RecordingTensor":
        self.numbers = numbers[0], numbers[1]
        return self

    def normal_(self, *numbers: float, generator: torch.Generator | None = None) -> "RecordingTensor":
        self.numbers = numbers[0], numbers[1]
        return self


def initializers() -> dict[str, Any]:
    init = torch.nn.init
    fills: dict[str, Callable[[torch.Tensor, float], Any]] = {
        "glorot_uniform": lambda w, gain: init.xavier_uniform_(w, gain),
        "glorot_normal": lambda w, gain: init.xavier_normal_(w, gain),
        # A leak a makes torch's gain sqrt(2 / (1 + a^2)).
        "he_uniform": lambda w, gain: init.kaiming_uniform_(w, a=(1 / gain**2 - 1) ** 0.5),
        "he_normal": lambda w, gain: init.kaiming_normal_(w, a=(1 / gain**2 - 1) ** 0.5),
        "lecun_uniform": lambda w, gain: init.kaiming_uniform_(w, nonlinearity="linear"),
        "lecun_normal": lambda w, gain: init.kaiming_normal_(w, nonlinearity="linear"),
    }
    spreads = []
    for kind, fill in fills.items():
        for inputs, outputs, gain in [(4, 10, 1.0), (300, 7, 1.0), (1, 64, 1.0), (33, 17, 0.5)]:
            if kind.startswith("lecun") and gain != 1.0:
                continue
            weights = torch.empty(outputs, inputs, dtype=torch.float64).as_subclass(RecordingTensor)
            fill(weights, gain)
            bound_or_deviation = weights.numbers[1]
            spreads.append([kind, inputs, outputs, gain, float(bound_or_deviation).hex()])
    return {"spreads": spreads, "orthogonal": [orthogonal(6, 4), orthogonal(19, 19)]}


def orthogonal(rows: int, columns: int) -> dict[str, Any]:
    """Return a matrix drawn by torch's generator, and the result of torch.nn.init.orthogonal_ for it."""
    generator = torch.Generator().manual_seed(5)
    w = torch.empty(rows, columns, dtype=torch.float64)
    matrix = copy.deepcopy(w).normal_(0, 1, generator=generator)
    torch.nn.init.orthogonal_(w, generator=generator.manual_seed(5))
    return {"matrix": hexadecimal(matrix.numpy()), "q": hexadecimal(w.numpy())}


# Networks for integrated gradients: hidden activation, number of outputs, and head.
NETWORKS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], int, str]] = {
    "tanh softmax": (torch.tanh, 3, "softmax"),
    "softplus sigmoid": (torch.nn.functional.softplus, 1, "sigmoid"),
    "mish one_against_rest": (torch.nn.functional.mish, 3, "one_against_rest"),
    "silu numbers": (torch.nn.functional.silu, 2, "numbers"),
    "relu softmax": (torch.relu, 3, "softmax"),
}
INTERVALS = 4096  # for Simpson's rule


def integrated_gradients() -> dict[str, Any]:
    rng = np.random.default_rng(31)
    x, start = rng.normal(size=(4, 3)), rng.normal(size=3) / 2
    cases = {}
    for name, (activation, outputs, head) in NETWORKS.items():
        widths = [3, 6, 5, outputs]
        layers = [(rng.normal(size=(a, b)) * (2 / a) ** 0.5, rng.normal(size=b) / 3) for a, b in pairwise(widths)]
        attributions = [
            integrate(layers, activation, head, x, start, target, logit)
            for logit in ([False] if head == "numbers" else [False, True])
            for target in range(2 if head == "sigmoid" else outputs)
        ]
        cases[name] = {
            "layers": [[hexadecimal(w), hexadecimal(b)] for w, b in layers],
            "attributions": [hexadecimal(one) for one in attributions],
        }
    return {"x": hexadecimal(x), "start": hexadecimal(start), "cases": cases}


def integrate(
    layers: list[tuple[NDArray[Any], NDArray[Any]]],
    activation: Callable[[torch.Tensor], torch.Tensor],
    head: str,
    x: NDArray[Any],
    start: NDArray[Any],
    target: int,
    logit: bool,
) -> NDArray[Any]:
    """Return equation 1 of Sundararajan, Taly & Yan 2017, (rows, inputs), by torch's gradients and Simpson's rule."""

    def predict(inputs: torch.Tensor) -> torch.Tensor:
        for i, (w, b) in enumerate(layers):
            inputs = inputs @ torch.from_numpy(w) + torch.from_numpy(b)
            inputs = activation(inputs) if i < len(layers) - 1 else inputs
        if head == "numbers":
            return inputs[:, target]
        if head == "softmax":
            p = torch.softmax(inputs, dim=1)
        else:
            p = torch.sigmoid(inputs)
            p = torch.cat([1 - p, p], dim=1) if head == "sigmoid" else p / p.sum(dim=1, keepdim=True)
        return torch.logit(p[:, target]) if logit else p[:, target]

    shares = np.ones(INTERVALS + 1)
    shares[1:-1:2], shares[2:-1:2] = 4, 2
    rows = []
    for end in x:
        path = torch.linspace(0, 1, INTERVALS + 1, dtype=torch.float64)[:, None] * torch.from_numpy(end - start)
        points = (torch.from_numpy(start) + path).requires_grad_()
        (slopes,) = torch.autograd.grad(predict(points).sum(), points)
        rows.append((end - start) * (shares @ slopes.numpy()) / (3 * INTERVALS))
    return np.stack(rows)


def main() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for make in (optimizers, schedules, initializers, integrated_gradients):
        name = make.__name__
        path = GOLDEN / f"{name}.json"
        content = {"made_by": f"tools/golden.py with torch {torch.__version__.split('+')[0]}", **make()}
        path.write_text(json.dumps(content) + "\n")
        print(f"{path.relative_to(GOLDEN.parent.parent)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
