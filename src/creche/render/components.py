"""The components of a plan in words, for readers who do not write Python: losses, optimizers, schedules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from creche._phrases import format_count
from creche.evaluation.metrics import metric_name
from creche.plan.arguments import NUMBER_SCHEDULES
from creche.plan.component import Component
from creche.plan.row_order import Windows
from creche.plan.schedules import Schedule

if TYPE_CHECKING:
    from creche.plan.optimizers import Optimizer
    from creche.plan.plan import EarlyStopping, Plan

__all__ = ["describe_component", "describe_early_stopping", "describe_optimizer", "describe_uncommon_choices"]


# Choices that name and value alone do not tell.
PHRASES: dict[tuple[str, Any], str] = {
    ("binary", "sign"): "two categories as -1 and 1",
    ("scale categories", True): "categories scaled as numbers",
    ("clamp", True): "predictions within the range of the training labels",
}


def describe_component(component: Component) -> str:
    """Write a component in words: its name, and those of its fields that differ from their defaults.

    Examples
    --------
    >>> from creche.plan.losses import CrossEntropy, Quantile
    >>> from creche.plan.optimizers import Adam
    >>> from creche.plan.schedules import Cosine, Warmup
    >>> describe_component(CrossEntropy(label_smoothing=0.1))
    'cross-entropy, label smoothing 0.1'
    >>> describe_component(Quantile([0.05, 0.95]))
    'pinball loss, quantiles 0.05, 0.95'
    >>> describe_component(Adam(groups={"biases": {"epsilon": 2}}))
    'Adam, groups: biases (epsilon × 2)'
    >>> describe_component(Warmup(length=3, then=Cosine(length=50)))
    'warmup, length 3 epochs, then cosine, length 50 epochs'

    """
    return ", ".join(filter(None, [component.title, *_describe_fields(component)]))


def describe_optimizer(optimizer: Optimizer) -> str:
    """Write an optimizer in words, with its learning rate even if that is the default.

    Examples
    --------
    >>> from creche.plan.optimizers import SGD
    >>> describe_optimizer(SGD()), describe_optimizer(SGD(learning_rate=0.1, momentum=0.9, nesterov=True))
    ('SGD, learning rate 0.01', 'SGD, learning rate 0.1, momentum 0.9, nesterov')

    """
    others = [text for text in _describe_fields(optimizer) if not text.startswith("learning rate ")]
    return ", ".join([optimizer.title, f"learning rate {optimizer.learning_rate:g}", *others])


def describe_uncommon_choices(plan: Plan) -> list[tuple[str, str]]:
    """Return what most plans do not have, each with its name.

    That is schedules of numbers other than the learning rate, unless they are constant, an order of rows by windows,
    and batches of each submodel.
    """
    found = [(name.replace("_", " "), getattr(plan, name)) for name in NUMBER_SCHEDULES]
    choices = [(name, describe_component(schedule)) for name, schedule in found if schedule.key != "constant"]
    if isinstance(plan.shuffle, Windows):
        choices.append(("order of rows", f"windows of {plan.shuffle.window:,} blocks of {plan.shuffle.block:,} rows"))
    if plan.submodel_batches == "own":
        choices.append(("submodel batches", "each submodel has rows of its own in a step"))
    return choices


def describe_early_stopping(stopping: EarlyStopping | None) -> str:
    """Write when training stops.

    Examples
    --------
    >>> from creche.plan.plan import EarlyStopping
    >>> describe_early_stopping(EarlyStopping(patience=10, watch="auc")), describe_early_stopping(None)
    ('after 10 epochs without improvement in AUC', 'after the last epoch')

    """
    if stopping is None:
        return "after the last epoch"
    patience = "a tenth of the epochs" if stopping.patience is None else format_count(stopping.patience, "epoch")
    watched = "loss" if stopping.watches_loss else metric_name(stopping.watch)
    least = f" of more than {stopping.min_delta:g}" if stopping.min_delta else ""
    return f"after {patience} without improvement{least} in {watched}"


def _describe_fields(component: Component) -> Iterator[str]:
    changed = [field.name for field in fields(component) if field.repr and not component.has_default(field.name)]
    for name in changed:
        if name == "per" and "length" in changed:
            continue  # the length has the unit
        value = getattr(component, name)
        unit = f" {component.per}s" if isinstance(component, Schedule) and name == "length" else ""
        yield _describe_field(name.replace("_", " "), value, unit)


def _describe_field(name: str, value: Any, unit: str) -> str:
    if isinstance(value, bool | str) and (name, value) in PHRASES:
        return PHRASES[name, value]
    if isinstance(value, bool):
        return name if value else f"not {name}"
    if isinstance(value, Component) and not value.title:
        return f"{name}: {_describe_factors(value)}"
    if isinstance(value, Component):
        return f"{name} {describe_component(value)}"
    if isinstance(value, float | int):
        return f"{name} {value:g}{unit}"
    if isinstance(value, tuple):
        return f"{name}s {', '.join(f'{number:g}' for number in value)}"
    return f"{str(value).replace('_', ' ')} {name}"


def _describe_factors(groups: Component) -> str:
    """Write the factors of each group of parameters."""
    return "; ".join(
        f"{field.name.replace('_', ' ')} ({', '.join(_factors(getattr(groups, field.name)))})"
        for field in fields(groups)
        if not groups.has_default(field.name)
    )


def _factors(group: Component) -> Iterator[str]:
    for field in fields(group):
        if not group.has_default(field.name):
            yield f"{field.name.replace('_', ' ')} × {getattr(group, field.name):g}"
