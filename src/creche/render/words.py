"""Parts of a plan and of a model in words, for pages of text and of HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creche.plan.optimizers import Optimizer
    from creche.table.labels import LabelEncoder

__all__ = ["CLASSES_SHOWN", "describe_classes", "describe_optimizer"]

CLASSES_SHOWN = 12


def describe_classes(labels: LabelEncoder) -> str:
    """The classes, or that it is a number."""
    if labels.classes is None:
        return "a number" if len(labels.names) == 1 else "numbers"
    shown = ", ".join(map(str, labels.classes[:CLASSES_SHOWN]))
    more = len(labels.classes) - CLASSES_SHOWN
    return f"{shown}, … ({more} more)" if more > 0 else shown


def describe_optimizer(optimizer: Optimizer) -> str:
    """The optimizer, its learning rate even where it is the usual one."""
    shown = repr(optimizer)
    if "learning_rate=" in shown:
        return shown
    name, others = shown.removesuffix(")").split("(", 1)
    return f"{name}({', '.join(filter(None, [f'learning_rate={optimizer.learning_rate:g}', others]))})"
