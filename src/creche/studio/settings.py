"""The settings of a session: their defaults, what may be chosen, and the arguments of `creche.train` they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from creche.errors import PlanError
from creche.plan.activations import ACTIVATIONS
from creche.plan.changes import Change
from creche.plan.losses import LOSSES, Loss
from creche.plan.optimizers import OPTIMIZERS, Optimizer
from creche.plan.schedules import SCHEDULES, Schedule
from creche.plan.words import EFFORTS, LossName, PreprocessingName, Role, Task
from creche.studio.protocol.requests import ChangeSettings
from creche.studio.protocol.views import Choices, Settings
from creche.table.encoders.preprocessing import Preprocessing
from creche.training.arguments import TrainArguments, default_loss

__all__ = [
    "NEEDS_RESTART", "build_arguments", "build_loss", "build_optimizer", "default_settings", "list_changes",
    "list_choices", "list_train_arguments", "merge_settings", "settings_after",
]  # fmt: skip

# What cannot change while a network trains: its shape, what it sees and where it began.
NEEDS_RESTART = {field.name for field in fields(Settings)} - {field.name for field in fields(Change)}

# What another optimizer brings with it.
OPTIMIZER_NUMBERS = tuple(field.name for field in fields(Settings) if field.name in {f.name for f in fields(Optimizer)})

# Long enough to be watched; the penguins take some seconds.
EPOCHS = 1000

# Few enough to see each neuron and connection.
HIDDEN = (8, 8)

PREPROCESSINGS: tuple[PreprocessingName, ...] = (
    "auto", "standard", "robust", "quantile", "none", "realmlp", "piecewise_linear",
)  # fmt: skip


def default_settings(task: Task) -> Settings:
    """Return the settings with which a session begins: those of `creche.train`, with fewer neurons and more epochs.

    Examples
    --------
    >>> default_settings("classification").optimizer
    'adam'

    """
    loss: LossName = default_loss(task).key  # type: ignore[assignment]  # keys are the words
    optimizer = OPTIMIZERS.of("adam")
    return Settings(
        hidden=HIDDEN,
        activation="tanh",
        optimizer="adam",
        learning_rate=optimizer.learning_rate,
        batch_size=32,
        loss=loss,
        weight_decay=optimizer.weight_decay,
        l1=optimizer.l1,
        dropout=0.0,
        label_smoothing=0.0,
        schedule="constant",
        epochs=EPOCHS,
        seed=0,
        preprocessing="auto",
        validation_fraction=0.3,
        test_fraction=0.0,
        split_seed=0,
    )


def list_choices(task: Task) -> Choices:
    """Return what may be chosen for a task."""
    losses = tuple(word for word, loss in LOSSES.members.items() if word in _words_of_losses() and task in loss.tasks)
    optimizers = tuple(OPTIMIZERS.words)
    return Choices(
        activations=tuple(ACTIVATIONS.words),
        optimizers=optimizers,
        losses=losses,
        schedules=tuple(SCHEDULES.words),
        preprocessings=PREPROCESSINGS,
        default_rates=tuple(OPTIMIZERS.of(word).learning_rate for word in optimizers),
        efforts=EFFORTS,
    )


def _words_of_losses() -> tuple[str, ...]:
    from typing import get_args

    return get_args(LossName)


def merge_settings(settings: Settings, request: ChangeSettings) -> tuple[Settings, dict[str, Any]]:
    """Return the settings with what a request changes, and the values that differ by name.

    Another optimizer brings its own learning rate, weight decay and L1, unless the request names them.
    """
    given = {field.name: getattr(request, field.name) for field in fields(settings)}
    wanted = {name: value for name, value in given.items() if value is not None}
    if "optimizer" in wanted and wanted["optimizer"] != settings.optimizer:
        own = OPTIMIZERS.of(wanted["optimizer"])
        numbers = {name: getattr(own, name) for name in OPTIMIZER_NUMBERS}
        wanted = {**numbers, **wanted}
    changed = {name: value for name, value in wanted.items() if value != getattr(settings, name)}
    return replace(settings, **changed), changed


def list_changes(settings: Settings, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Run.change` that lead to these settings, where these have changed.

    Another optimizer begins with its own numbers, so those that differ from them are named; a schedule is named where
    the number of epochs changes, so that it ends with them.
    """
    arguments = dict(changed)
    if "optimizer" in changed:
        own = OPTIMIZERS.of(settings.optimizer)
        numbers = {name: getattr(settings, name) for name in OPTIMIZER_NUMBERS}
        arguments |= {name: value if value != getattr(own, name) else None for name, value in numbers.items()}
    if "epochs" in changed and settings.schedule != "constant":
        arguments["schedule"] = settings.schedule
    return arguments


def settings_after(settings: Settings, changes: Iterable[Change]) -> Settings:
    """Return the settings after changes of the plan."""
    for change in changes:
        given = {field.name: getattr(change, field.name) for field in fields(settings) if hasattr(change, field.name)}
        wanted = {name: value for name, value in given.items() if value is not None}
        if isinstance(change.optimizer, Optimizer):
            own = {name: getattr(change.optimizer, name) for name in OPTIMIZER_NUMBERS}
            wanted = {**own, **wanted, "optimizer": change.optimizer.key}
        if isinstance(change.schedule, Schedule):
            wanted["schedule"] = change.schedule.key
        settings = replace(settings, **wanted)
    return settings


def list_train_arguments(
    settings: Settings, task: Task, label: tuple[str, ...], roles: Mapping[str, Role]
) -> dict[str, Any]:
    """Return the arguments of `creche.train` that stand for the settings, as values of the plan.

    The studio shows the network as it is, so it neither stops early nor returns to an earlier epoch at the end.
    """
    return {
        "label": label,
        "task": task,
        "schema": dict(roles) or None,
        "hidden": settings.hidden,
        "activation": settings.activation,
        "dropout": settings.dropout,
        "loss": build_loss(settings),
        "optimizer": build_optimizer(settings),
        "schedule": settings.schedule,
        "batch_size": settings.batch_size,
        "epochs": settings.epochs,
        "seed": settings.seed,
        "early_stopping": False,
        "keep": "last",
        "missing_label": "drop",
        "preprocessing": Preprocessing.of(settings.preprocessing),
        "validation_fraction": settings.validation_fraction,
        "test_fraction": settings.test_fraction,
        "split_seed": settings.split_seed,
    }


def build_arguments(
    settings: Settings, task: Task, label: tuple[str, ...], roles: Mapping[str, Role]
) -> TrainArguments:
    """Return the arguments of `creche.train` that stand for the settings; the others have their defaults."""
    return TrainArguments.complete(None, list_train_arguments(settings, task, label, roles))


def build_optimizer(settings: Settings) -> Optimizer:
    """Return the optimizer with the numbers of the settings."""
    return replace(
        OPTIMIZERS.of(settings.optimizer),
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        l1=settings.l1,
    )


def build_loss(settings: Settings) -> Loss:
    """Return the loss, with the label smoothing of the settings if it has any."""
    loss = LOSSES.of(settings.loss)
    if not settings.label_smoothing:
        return loss
    if "label_smoothing" not in {field.name for field in fields(loss)}:
        raise PlanError(
            f"label_smoothing: got {settings.label_smoothing:g}, but the loss {settings.loss!r} has none; set it to 0, "
            "or choose cross_entropy",
            argument="label_smoothing",
        )
    return replace(loss, label_smoothing=settings.label_smoothing)  # type: ignore[call-arg]
