from __future__ import annotations

import math
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche import _core
from creche._core import _detect
from creche.engine import native
from creche.engine.native import GROUP_FIELDS, limit_threads, translate, translate_within_memory
from creche.errors import PlanError
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, Network, schedules
from creche.plan.arguments import NUMBER_SCHEDULES
from tests.unit.small_runs import quick

NUMBERS_ONLY = {word for word, loss in LOSSES.members.items() if "classification" not in loss.tasks}
X = np.random.default_rng(1).standard_normal((70, 4))
CLASSES = np.repeat(["one", "three", "two"], [30, 20, 20])[np.random.default_rng(2).permutation(70)]
COUNTS = np.random.default_rng(3).poisson(2.0, 70).astype(np.float64)

WORDS = [
    (family, word)
    for family, words in {
        "loss": LOSSES.words,
        "optimizer": OPTIMIZERS.words,
        "schedule": SCHEDULES.words,
        "activation": ACTIVATIONS.words,
        "initializer": INITIALIZERS.words,
    }.items()
    for word in words
]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("family", "word"), WORDS)
def test_every_word_reaches_the_engine_and_trains(family: str, word: str, precision: str) -> None:
    y = COUNTS if word in NUMBERS_ONLY else CLASSES
    run = quick(X, y, precision=precision, **{family: word})
    assert (run.status, run.epoch, run.step) == ("finished", 2, 2 if word == "lbfgs" else 4)
    assert np.isfinite(run.history.train_loss).all()
    assert np.isfinite(run.history.validation_loss).all()
    assert all(w.dtype == precision and np.isfinite(w).all() for layer in run.model.weights for w in layer)


def translated(**arguments: Any) -> Any:
    return translate(_core.load(), cr.Plan(**({"network": Network.of(4, [8], 3)} | arguments)))


REFUSED_BY_LBFGS = ("decoupled", "l1", "clip_norm", "clip_value")


@pytest.mark.parametrize("kind", OPTIMIZERS.members.values(), ids=lambda kind: kind.key)
def test_every_number_of_an_optimizer_arrives(kind: Any) -> None:
    default = {name: value for name, value in kind().to_dict().items() if name not in GROUP_FIELDS}
    changed = {
        name: (not value if name in ("centered", "amsgrad", "regularize_bias") else value)
        if isinstance(value, bool)
        else 7
        if isinstance(value, int)
        else 0.5 + 0.01 * i
        for i, (name, value) in enumerate(default.items())
        if name != "kind" and not (kind is cr.LBFGS and name in REFUSED_BY_LBFGS)
    }
    to = translated(optimizer=kind(**changed)).optimizer
    assert to.kind == kind.key
    for name, value in changed.items():
        assert getattr(to, "momentum" if name == "momentum_decay" else name) == value


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.Step(3, 0.5, per="step"), {"kind": "step", "length": 3, "factor": 0.5, "per_step": True}),
        (schedules.Cosine(9, 0.1), {"kind": "cosine", "length": 9, "minimum": 0.1, "per_step": False}),
        (schedules.CosineLog(9, 3), {"kind": "cosine_log", "length": 9, "cycles": 3, "per_step": True}),
        (schedules.FlatCosine(9, per="epoch"), {"kind": "flat_cosine", "length": 9, "per_step": False}),
        (
            schedules.OneCycle(9, 0.2, 0.3, 0.4),
            {"kind": "one_cycle", "length": 9, "peak_at": 0.2, "start": 0.3, "finish": 0.4, "per_step": True},
        ),
        (
            schedules.ReduceOnPlateau(0.3, 4, 0.01, 0.2),
            {"kind": "reduce_on_plateau", "factor": 0.3, "patience": 4, "threshold": 0.01, "minimum": 0.2},
        ),
        (
            schedules.Warmup(6, 0.1, schedules.Exponential(0.9)),
            {"kind": "exponential", "factor": 0.9, "warmup": 6, "warmup_start": 0.1, "per_step": False},
        ),
        (schedules.Warmup(6, per="step"), {"kind": "constant", "warmup": 6, "per_step": True}),
    ],
    ids=repr,
)
def test_every_number_of_a_schedule_arrives(schedule: Any, expected: dict[str, object]) -> None:
    to = translated(schedule=schedule).schedule
    assert {name: getattr(to, name) for name in expected} == expected


def test_factors_of_groups_arrive_at_their_layers() -> None:
    groups = {
        "biases": {"learning_rate": 0.5}, "first_layer": {"weight_decay": 3.0}, "last_layer": {"epsilon": 7.0},
    }  # fmt: skip
    layers = translated(
        network=Network.of(4, [8, 9], 3), optimizer=cr.AdamW(parameterization="ntk", groups=groups)
    ).layers
    assert [layer.weights.learning_rate for layer in layers] == [1 / 2, 1 / math.sqrt(8), 1 / 3]
    assert [layer.weights.epsilon for layer in layers] == [2, math.sqrt(8), 3 * 7]
    assert [layer.weights.weight_decay for layer in layers] == [2 * 3, math.sqrt(8), 3]
    assert [(layer.biases.learning_rate, layer.biases.weight_decay) for layer in layers] == [(0.5, 1.0)] * 3


@pytest.mark.parametrize("name", NUMBER_SCHEDULES)
def test_schedules_of_other_numbers_arrive_at_their_places(name: str) -> None:
    plan = translated(**{name: schedules.Step(3, 0.5)})
    kinds = {place: getattr(plan, place).kind for place in ("schedule", *NUMBER_SCHEDULES)}
    assert kinds == {place: "step" if place == name else "constant" for place in kinds}


def test_the_rest_of_a_plan_arrives() -> None:
    network = Network.of(
        4, [8, 7], 3, [cr.LeakyRelu(0.2), cr.Softplus(3.0)], [0.1, 0.2], cr.initializers.Orthogonal(1.5)
    )
    to = translated(
        network=network, loss=cr.CrossEntropy(0.1), batch_size=11, drop_last=True, epochs=13, seed=2**63 + 5,
        shuffle=False,
        early_stopping=cr.EarlyStopping(4, 0.3), keep="last",
    )  # fmt: skip
    assert to.inputs == 4
    assert [(layer.width, layer.activation, layer.dropout) for layer in to.layers] == [
        (8, "leaky_relu", 0.1), (7, "softplus", 0.2), (3, "identity", 0.0),
    ]  # fmt: skip
    assert [layer.activation_parameter for layer in to.layers[:2]] == [0.2, 3.0]
    assert {(layer.initializer, layer.initializer_parameter) for layer in to.layers} == {("orthogonal", 1.5)}
    assert (to.loss.kind, to.loss.label_smoothing) == ("cross_entropy", 0.1)
    assert (to.batch_size, to.drop_last, to.epochs, to.seed, to.shuffle) == (11, True, 13, 2**63 + 5, False)
    stopping = to.early_stopping
    assert (stopping.patience, stopping.min_delta, stopping.restore_best) == (4, 0.3, False)


@pytest.mark.parametrize(
    ("task", "kind"), [("classification", "squared_error_of_classes"), ("regression", "squared_error")]
)
def test_squared_error_of_classes_is_of_their_probabilities(task: str, kind: str) -> None:
    assert translated(task=task, loss="squared_error").loss.kind == kind


def test_open_lengths_are_refused() -> None:
    with pytest.raises(PlanError, match=r"Cosine\.length: is not resolved"):
        translated(schedule="cosine")


@pytest.mark.parametrize("hidden", [[300_000, 300_000], [2**30, 2**30]], ids=repr)
def test_a_network_too_large_is_refused_before_anything_is_allocated(hidden: list[int]) -> None:
    plan = cr.Plan(Network.of(3, hidden, 2), batch_size=64)
    with pytest.raises(PlanError) as refusal:
        translate_within_memory(_core.load(), plan, 100)
    message = str(refusal.value)
    assert message.startswith(f"network: {plan.network} with batch_size=64 has {plan.network.parameters:,} parameters")
    assert "GB to train, more than " in message
    assert "give fewer or narrower layers, or smaller batches" in message


def test_the_limit_is_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = cr.Plan(Network.of(64, [2048, 2048], 10))
    needed = _core.load().memory(translate(_core.load(), plan), 1000, 4)
    assert needed > 4 * 3 * plan.network.parameters  # weights and Adam's two moments
    monkeypatch.setattr(native, "available_memory", lambda: needed)
    translate_within_memory(_core.load(), plan, 1000)
    monkeypatch.setattr(native, "available_memory", lambda: needed - 1)
    with pytest.raises(PlanError, match="64-2048-2048-10"):
        translate_within_memory(_core.load(), plan, 1000)
    monkeypatch.setattr(native, "available_memory", lambda: None)
    translate_within_memory(_core.load(), plan, 1000)


def test_small_networks_use_one_thread_and_large_ones_all() -> None:
    small = cr.Plan(Network.of(4, [10, 10], 3), batch_size=20)
    large = cr.Plan(Network.of(64, [1024, 1024], 10), batch_size=1024)
    assert limit_threads(small, 957, 8) == 1
    assert limit_threads(large, 20_000, 8) == 8
    assert limit_threads(large, 20_000, 1) == 1
    assert limit_threads(large, 1, 8) < 8


def test_instructions_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRECHE_ISA", "sse2")
    with pytest.raises(PlanError, match=f"CRECHE_ISA: got 'sse2'; .*: {', '.join(_core.levels())}"):
        quick(X, CLASSES)
    with pytest.raises(PlanError, match="level: got 'mmx'; choose one that this machine runs"):
        _core.load("mmx")


X86_64_V3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}
X86_64_V4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


@pytest.mark.skipif(platform.machine() != "x86_64" or sys.platform != "linux", reason="reads what Linux says of x86-64")
def test_the_levels_are_those_of_the_processor() -> None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = set(next(line for line in lines if line.startswith("flags")).split())
    runs = {"x86-64-v3": flags >= X86_64_V3, "x86-64-v4": flags >= X86_64_V3 | X86_64_V4}
    assert _detect.supported_levels() == [level for level in ("x86-64-v4", "x86-64-v3") if runs[level]]


def test_each_level_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for level in _core.levels():
        monkeypatch.setenv("CRECHE_ISA", level)
        assert _core.load().__name__ == f"creche._core._{level.replace('-', '_')}"
