"""How far predictions are from labels: one number per row, whose (weighted) mean over a batch training lowers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from creche.errors import PlanError
from creche.plan.custom_loss import CustomLoss
from creche.plan.loss import Loss
from creche.plan.parts import Family, number

__all__ = [
    "LOSSES", "AbsoluteError", "BinaryCrossEntropy", "CrossEntropy", "CustomLoss", "Huber", "Loss", "Poisson",
    "Quantile", "SquaredError",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class CrossEntropy(Loss):
    """-log of the probability given to the label, probabilities by softmax.

    Parameters
    ----------
    label_smoothing : float, default 0
        The share of the label spread evenly over all classes (Szegedy et al. 2016, section 7).

    """

    word: ClassVar[str] = "cross_entropy"
    for_classes: ClassVar[bool] = True
    label_smoothing: float = number(0.0, at_least=0, below=1)


@dataclass(frozen=True, slots=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of each output on its own, probabilities by the sigmoid; the mean over the outputs.

    Two classes are judged with one output, the probability of the second; more classes with one output each.
    """

    word: ClassVar[str] = "binary_cross_entropy"
    for_classes: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class SquaredError(Loss):
    """The squared difference, averaged over the outputs; for classes, that of the softmax probabilities from 0 and 1.

    For probabilities [0.4, 0.3, 0.3] and the first class as label: ((0.4 - 1)^2 + 0.3^2 + 0.3^2) / 3 = 0.18.
    """

    word: ClassVar[str] = "squared_error"
    for_classes: ClassVar[bool] = True
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class AbsoluteError(Loss):
    """The absolute difference, averaged over the outputs."""

    word: ClassVar[str] = "absolute_error"
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class Huber(Loss):
    """Half the squared difference up to delta, linear beyond (Huber 1964); averaged over the outputs.

    Parameters
    ----------
    delta : float, default 1
        In standard deviations of the label, unless it is trained on with ``standardize=False``.

    """

    word: ClassVar[str] = "huber"
    for_numbers: ClassVar[bool] = True
    delta: float = number(1.0, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Poisson(Loss):
    """exp(z) - y z for counts y >= 0, predictions by exp: the negative log likelihood but for a term without z."""

    word: ClassVar[str] = "poisson"
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class Quantile(Loss):
    """The pinball loss, whose best prediction is a quantile of the label (Koenker & Bassett 1978)."""

    word: ClassVar[str] = "quantile"
    for_numbers: ClassVar[bool] = True
    quantile: float = number(0.5, above=0, below=1)


class LossFamily(Family[Loss]):
    """The losses, among them a Python function, which is no word."""

    def of(self, choice: object, where: str | None = None) -> Loss:
        """The loss that a word, a dict, a function or a loss itself stands for; PlanError if there is none."""
        if isinstance(choice, CustomLoss):
            return choice
        if isinstance(choice, Mapping) and choice.get("kind") == CustomLoss.word:
            return CustomLoss.from_dict(choice)
        if choice == CustomLoss.word:
            raise PlanError(f"{where or self.name}: a loss of your own is a Python function; give the function itself")
        if callable(choice) and not isinstance(choice, type):
            return CustomLoss(choice)
        return Family.of(self, choice, where)


LOSSES: Family[Loss] = LossFamily(
    "loss", CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson, Quantile
)
