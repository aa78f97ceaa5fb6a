"""Parts of a plan and a model in words, for text and for pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creche.plan.optimizers import Optimizer
    from creche.table.labels import LabelEncoder

__all__ = ["CLASSES_SHOWN", "describe_classes", "describe_optimizer"]

CLASSES_SHOWN = 12


def describe_classes(labels: LabelEncoder) -> str:
    """Return the classes, or "a number" for regression; the first 12 if there are many."""
    if labels.classes is None:
        return "a number" if len(labels.names) == 1 else "numbers"
    first = ", ".join(map(str, labels.classes[:CLASSES_SHOWN]))
    more = len(labels.classes) - CLASSES_SHOWN
    return f"{first}, … ({more} more)" if more > 0 else first


def describe_optimizer(optimizer: Optimizer) -> str:
    """Return the optimizer with its learning rate, even if that is the default."""
    text = repr(optimizer)
    if "learning_rate=" in text:
        return text
    name, others = text.removesuffix(")").split("(", 1)
    return f"{name}({', '.join(filter(None, [f'learning_rate={optimizer.learning_rate:g}', others]))})"
