"""For every word of the plan, training on PyTorch ends with what the compiled engine ends with, to 1e-9 in float64."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from creche.errors import PlanError
from creche.plan import Network
from creche.plan.activations import ACTIVATIONS
from creche.plan.embeddings import (
    CategoryEmbedding,
    EmbeddedColumns,
    LinearEmbedding,
    PeriodicEmbedding,
)
from creche.plan.initializers import INITIALIZERS
from creche.plan.losses import LOSSES
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.schedules import SCHEDULES
from creche.plan.words import BIAS_INITIALIZERS, NORMALIZATIONS, SUBMODEL_STARTS, WEIGHT_SHARINGS
from tests.torch_engine.small_runs import create_plan, network, train_both

pytestmark = pytest.mark.peers

TASKS_OF_LOSSES = [(word, task) for word, loss in LOSSES.members.items() for task in loss.tasks]
LOSS_NUMBERS: list[tuple[str, dict[str, Any]]] = [
    ("cross_entropy", {"label_smoothing": 0.1}),
    ("binary_cross_entropy", {"ordered": True}),
    ("huber", {"delta": 0.3}),
    ("quantile", {"quantile": [0.1, 0.5, 0.9]}),
]
# What an optimizer may be given, as far as it has it.
CHANGED_FIELDS: list[dict[str, Any]] = [
    {"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.2}, {"momentum": 0.9, "nesterov": True},
    {"centered": True}, {"centered": True, "momentum": 0.5}, {"amsgrad": True, "beta2": 0.8},
    {"initial_accumulator": 0.1, "learning_rate_decay": 0.02}, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3},
    {"weight_decay": 0.05, "decoupled": False}, {"weight_decay": 0.05, "decoupled": True},
    {"weight_decay": 0.05, "regularize_bias": True}, {"l1": 0.01}, {"clip_norm": 0.1}, {"clip_value": 0.01},
    {"parameterization": "ntk", "weight_decay": 0.01},
    {"groups": {"biases": {"learning_rate": 0.1}, "last_layer": {"learning_rate": 3.0}}, "l1": 0.001},
]  # fmt: skip


def is_possible(optimizer: type, changed: dict[str, Any]) -> bool:
    """Return whether an optimizer has these fields and takes these values."""
    if not set(changed) <= {field.name for field in fields(optimizer)}:
        return False
    try:
        optimizer(**changed)
    except PlanError:
        return False
    return True


OPTIMIZER_CASES = [
    (word, changed)
    for word, optimizer in OPTIMIZERS.members.items()
    for changed in [{}, *CHANGED_FIELDS]
    if is_possible(optimizer, changed)
]
# Two numbers, a code of four, and a feature of two columns.
EMBEDDINGS = {
    PeriodicEmbedding: EmbeddedColumns(PeriodicEmbedding(width=4, frequencies=3, deviation=0.4), (0, 3)),
    CategoryEmbedding: EmbeddedColumns(CategoryEmbedding(width=3), (2,), (4,)),
    LinearEmbedding: EmbeddedColumns(LinearEmbedding(width=2), (4, 6), (2, 1)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS.members)
def test_every_activation(torch_run: Any, activation: str) -> None:
    train_both(torch_run, create_plan(network(activation=activation)))


@pytest.mark.parametrize(("loss", "task"), TASKS_OF_LOSSES)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_every_loss(torch_run: Any, loss: str, task: str, weighted: bool) -> None:
    train_both(torch_run, create_plan(loss=loss, task=task), weighted=weighted, validation=True)


@pytest.mark.parametrize(("loss", "numbers"), LOSS_NUMBERS)
def test_the_numbers_of_losses(torch_run: Any, loss: str, numbers: dict[str, Any]) -> None:
    chosen = LOSSES.members[loss](**numbers)
    train_both(torch_run, create_plan(loss=chosen, task=chosen.tasks[0]), validation=True)


@pytest.mark.parametrize(("optimizer", "changed"), OPTIMIZER_CASES, ids=str)
def test_every_optimizer(torch_run: Any, optimizer: str, changed: dict[str, Any]) -> None:
    chosen = OPTIMIZERS.members[optimizer](**changed)
    train_both(torch_run, create_plan(optimizer=chosen))


@pytest.mark.parametrize("schedule", SCHEDULES.members)
@pytest.mark.parametrize("per", ["epoch", "step"])
def test_every_schedule(torch_run: Any, schedule: str, per: str) -> None:
    class_ = SCHEDULES.members[schedule]
    names = {field.name for field in fields(class_)}
    chosen: dict[str, Any] = {name: value for name, value in {"length": 3.0, "patience": 0.0}.items() if name in names}
    if not class_.follows_loss:
        chosen["per"] = per
    train_both(torch_run, create_plan(schedule=class_(**chosen)), validation=True)


@pytest.mark.parametrize("name", ["weight_decay_schedule", "dropout_schedule", "label_smoothing_schedule"])
def test_schedules_of_other_numbers(torch_run: Any, name: str) -> None:
    plan = create_plan(
        network(dropout=0.3),
        optimizer=OPTIMIZERS.members["adamw"](weight_decay=0.1),
        loss=LOSSES.members["cross_entropy"](label_smoothing=0.2),
        **{name: SCHEDULES.members["flat_cosine"](per="step")},
    )
    train_both(torch_run, plan, validation=True)


@pytest.mark.parametrize("initializer", INITIALIZERS.members)
def test_every_initializer(torch_run: Any, initializer: str) -> None:
    train_both(torch_run, create_plan(network(initializer=initializer, bias_initializer="normal")))


@pytest.mark.parametrize("bias_initializer", BIAS_INITIALIZERS)
def test_every_start_of_biases(torch_run: Any, bias_initializer: str) -> None:
    train_both(torch_run, create_plan(network(bias_initializer=bias_initializer)))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("parts", [{}, {"parametric_activation": True, "scale_inputs": True}], ids=["", "all parts"])
def test_every_normalization(torch_run: Any, normalization: str, parts: dict[str, Any]) -> None:
    of = network(hidden=[6, 6, 6], normalization=normalization, residual=True, dropout=0.2, activation="mish", **parts)
    train_both(torch_run, create_plan(of), weighted=True, validation=True)


def test_batch_normalization_of_a_last_batch_of_one_row(torch_run: Any) -> None:
    train_both(torch_run, create_plan(network(normalization="batch"), batch_size=11), validation=True)


@pytest.mark.parametrize("loss", LOSSES.members)
@pytest.mark.parametrize("sharing", WEIGHT_SHARINGS)
def test_submodels(torch_run: Any, loss: str, sharing: str) -> None:
    of = network(submodels=3, weight_sharing=sharing, dropout=0.2)
    task = LOSSES.members[loss].tasks[0]
    train_both(torch_run, create_plan(of, loss=loss, task=task), weighted=True, validation=True)


@pytest.mark.parametrize(("start", "sharing"), list(product(SUBMODEL_STARTS, WEIGHT_SHARINGS)))
def test_submodels_with_all_parts(torch_run: Any, start: str, sharing: str) -> None:
    of = network(
        inputs=8, hidden=[6, 6], submodels=2, weight_sharing=sharing, submodel_start=start, residual=True,
        normalization="layer", parametric_activation=True, embeddings=tuple(EMBEDDINGS.values()),
        input_features=[0, 1, 2, 3, 4, 4, 5, 6],
    )  # fmt: skip
    train_both(torch_run, create_plan(of), validation=True)


@pytest.mark.parametrize("sharing", WEIGHT_SHARINGS)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(
    "fields", [{}, {"drop_last": True}, {"shuffle": False}, {"batch_size": 30}, {"batch_size": 100}], ids=str
)
def test_batches_of_each_submodel(torch_run: Any, sharing: str, weighted: bool, fields: dict[str, Any]) -> None:
    of = network(
        inputs=8, submodels=7, weight_sharing=sharing, dropout=0.2, embeddings=tuple(EMBEDDINGS.values()),
        input_features=[0, 1, 2, 3, 4, 4, 5, 6],
    )  # fmt: skip
    chosen = OPTIMIZERS.members["adamw"](clip_norm=0.1, weight_decay=0.05)
    plan = create_plan(of, optimizer=chosen, submodel_batches="own", **fields)
    train_both(torch_run, plan, weighted=weighted, validation=True)


@pytest.mark.parametrize("kind", EMBEDDINGS)
def test_every_embedding(torch_run: Any, kind: type) -> None:
    train_both(torch_run, create_plan(network(inputs=8, embeddings=[EMBEDDINGS[kind]])), validation=True)


def test_all_embeddings_together(torch_run: Any) -> None:
    of = network(inputs=8, embeddings=list(EMBEDDINGS.values()), scale_inputs=True)
    groups = {"number_embeddings": {"learning_rate": 0.5}, "category_embeddings": {"weight_decay": 0.0}}
    optimizer = OPTIMIZERS.members["adamw"](groups=groups)
    train_both(torch_run, create_plan(of, optimizer=optimizer), weighted=True, validation=True)


@pytest.mark.parametrize(
    "fields", [{"drop_last": True}, {"shuffle": False}, {"shuffle": "windows:9,4"}, {"batch_size": 100}], ids=str
)
def test_the_order_of_rows(torch_run: Any, fields: dict[str, Any]) -> None:
    train_both(torch_run, create_plan(network(dropout=0.5), **fields))


@pytest.mark.parametrize("rows", [1, 2])
def test_an_only_layer(torch_run: Any, rows: int) -> None:
    train_both(torch_run, create_plan(Network.of(5, [], 3, scale_inputs=True), batch_size=rows))


def test_float32_starts_with_the_same_numbers(torch_run: Any) -> None:
    train_both(torch_run, create_plan(network(dropout=0.3), precision="float32", epochs=1), tolerance=2e-5)


@pytest.mark.parametrize(("argument", "word"), [("activation", "step"), ("loss", "hinge"), ("optimizer", "newton")])
def test_a_word_that_is_not_there_is_refused(torch_run: Any, argument: str, word: str) -> None:
    from creche.engine.torch.words import check_words

    words = {"activation": "relu", "loss": "huber", "optimizer": "sgd", argument: word}
    plan = SimpleNamespace(
        layers=[SimpleNamespace(activation=words["activation"])],
        loss=SimpleNamespace(kind=words["loss"]),
        optimizer=SimpleNamespace(kind=words["optimizer"]),
    )
    with pytest.raises(
        PlanError, match=f"{argument}: got '{word}', which the engine on PyTorch does not have"
    ) as error:
        check_words(plan)
    assert error.value.argument == argument
