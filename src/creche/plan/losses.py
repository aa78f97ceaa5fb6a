"""What all losses have in common."""

from __future__ import annotations

import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.plan.component import Component, Registry, number_field

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "CustomLoss",
    "Huber",
    "Loss",
    "LossFunction",
    "Poisson",
    "Quantile",
    "SquaredError",
]


@dataclass(frozen=True, slots=True, repr=False)
class Loss(Component):
    """The base of all losses."""

    for_classes: ClassVar[bool] = False  # can judge classes
    for_numbers: ClassVar[bool] = False  # can judge numbers


Array: TypeAlias = NDArray[Any]


LossFunction: TypeAlias = Callable[[Array, Array], tuple[Any, Any]]


NO_SOURCE = ""


NAME_LENGTH = 200


@dataclass(frozen=True, slots=True, repr=False)
class CustomLoss(Loss):
    """A Python function of (outputs, labels) that returns each row's loss, and its gradient.

    Wherever a loss is expected the bare function will do. The function is called once for each batch, and for each 64
    validation rows; the engine takes care of sample weights, of the mean and of everything else.

    A model file keeps the function's name and a digest of its source, never the function: a loaded model predicts, but
    to train it on the function must be given again.

    Parameters
    ----------
    function : callable
        Called with outputs, (m, k), the weighted sums of the output layer, before softmax; and labels: of classes their
        numbers, (m,) int32, of numbers (m, k) in standard deviations from the mean, unless ``standardize=False``.
        Returns losses, (m,), one for each row, and gradient, (m, k): of each row's loss with respect to its outputs.
        Predictions are by softmax for classes, and for numbers the outputs themselves.

    Attributes
    ----------
    name : str
    digest : str
        SHA-256 of the function's source; empty if Python does not know it.

    Examples
    --------
    >>> def log_cosh(outputs, labels):
    ...     error = outputs - labels
    ...     return np.log(np.cosh(error)).mean(axis=1), np.tanh(error) / error.shape[1]
    >>> loss = CustomLoss(log_cosh)
    >>> loss.check(np.array([[0.5], [-2.0]]), np.array([[1.0], [1.0]])) < 1e-6
    True

    """

    key: ClassVar[str] = "custom"
    for_classes: ClassVar[bool] = True
    for_numbers: ClassVar[bool] = True

    function: LossFunction | None = field(default=None, compare=False)
    name: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        if self.function is None:
            if not self.name:
                raise PlanError("CustomLoss.function: is missing; give a Python function of (outputs, labels)")
            return
        if not callable(self.function):
            raise PlanError(f"CustomLoss.function: got {self.function!r}; needs a function of (outputs, labels)")
        object.__setattr__(self, "name", _name_of(self.function))
        object.__setattr__(self, "digest", _digest_of(self.function))

    def __repr__(self) -> str:
        return f"CustomLoss({self.name})"

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without the function."""
        return {"kind": self.key, "name": self.name, "digest": self.digest}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described: a loss to predict with, not to train with.

        Raises
        ------
        PlanError
            If it is no name and digest.

        """
        name, digest = data.get("name"), data.get("digest")
        if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH:
            raise PlanError(f"loss: got {str(name)[:40]!r} as the name of a function")
        if not isinstance(digest, str) or not re.fullmatch("(?:[0-9a-f]{64})?", digest):
            raise PlanError(f"loss: got {str(digest)[:40]!r} as the digest of {name}")
        return cls(None, name, digest)

    def needed(self) -> LossFunction:
        """The function; PlanError if the loss comes from a file."""
        if self.function is None:
            raise PlanError(
                f"loss: is the Python function {self.name!r}, which no file keeps; give it again, as loss={self.name}"
            )
        return self.function

    def call(self, outputs: Array, labels: Array) -> tuple[Array, Array]:
        """The function's losses and gradient, of the outputs' type and of the right shapes.

        Raises
        ------
        PlanError
            If there is no function, or it returned something else.
        Exception
            Whatever the function raises.

        """
        returned = self.needed()(outputs, labels)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise PlanError(f"loss {self.name}: returned {type(returned).__name__}; needs (losses, gradient)")
        losses = self._of_shape(returned[0], outputs.shape[:1], "losses", outputs.dtype)
        gradient = self._of_shape(returned[1], outputs.shape, "gradient", outputs.dtype)
        if not np.isfinite(gradient).all() and np.isfinite(losses).all():  # which the engine takes for a good step
            row, output = np.argwhere(~np.isfinite(gradient))[0].tolist()
            raise PlanError(
                f"loss {self.name}: row {row} of a batch, output {output}: the gradient is {gradient[row, output]}, "
                "while the loss is finite; divide by nothing that can be 0, and take care of large outputs"
            )
        return losses, gradient

    def check(self, outputs: Array, labels: Array, tolerance: float = 1e-4) -> float:
        """Compares the gradient with finite differences of the losses, in float64.

        Parameters
        ----------
        outputs : (m, k) array
            Where: best not on a kink of the loss.
        labels : (m,) or (m, k) array
        tolerance : float, default 1e-4
            Of the difference, relative to 1 + the slope.

        Returns
        -------
        float
            The largest difference.

        Raises
        ------
        PlanError
            If a difference is larger than the tolerance, with its row and output; or the function returned no losses
            and gradient.

        """
        at = np.array(outputs, dtype=np.float64, ndmin=2)
        _, gradient = self.call(at.copy(), labels)
        step = np.cbrt(np.finfo(np.float64).eps) * np.maximum(1.0, np.abs(at))
        slope = np.empty_like(at)
        for c in range(at.shape[1]):
            above, below = at.copy(), at.copy()
            above[:, c] += step[:, c]
            below[:, c] -= step[:, c]
            rise = self.call(above, labels)[0] - self.call(below, labels)[0]
            slope[:, c] = rise / (2 * step[:, c])
        off = np.abs(gradient - slope) / (1 + np.abs(slope))
        largest = float(np.max(off, initial=0.0))
        if not largest <= tolerance:
            row, output = divmod(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape[1])
            raise PlanError(
                f"loss {self.name}: row {row}, output {output}: the gradient is {gradient[row, output]:g}, but the "
                f"loss rises by {slope[row, output]:g}"
            )
        return largest

    def _of_shape(self, given: Any, shape: tuple[int, ...], what: str, dtype: np.dtype[Any]) -> Array:
        try:
            if np.iscomplexobj(given):
                raise TypeError("they are complex")
            array = np.ascontiguousarray(given, dtype=dtype)
        except (TypeError, ValueError) as error:
            raise PlanError(f"loss {self.name}: {what} are no numbers ({error})") from error
        if array.shape == (*shape, 1) or (*array.shape, 1) == shape:
            array = array.reshape(shape)
        if array.shape != shape or np.ndim(given) == 0:
            each = "one for each row, not their mean" if what == "losses" else "one number for each output of each row"
            raise PlanError(f"loss {self.name}: {what} have shape {np.shape(given)}; needs {shape}: {each}")
        return array


def _name_of(function: LossFunction) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name)[:NAME_LENGTH]


def _digest_of(function: LossFunction) -> str:
    try:
        source = inspect.getsource(function if hasattr(function, "__code__") else type(function))
    except (OSError, TypeError):
        return NO_SOURCE
    return hashlib.sha256(textwrap.dedent(source).encode()).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class CrossEntropy(Loss):
    """-log of the probability given to the label, probabilities by softmax.

    Parameters
    ----------
    label_smoothing : float, default 0
        The share of the label spread evenly over all classes (Szegedy et al. 2016, section 7).

    """

    key: ClassVar[str] = "cross_entropy"
    for_classes: ClassVar[bool] = True
    label_smoothing: float = number_field(0.0, at_least=0, below=1)


@dataclass(frozen=True, slots=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of each output on its own, probabilities by the sigmoid; the mean over the outputs.

    Two classes are judged with one output, the probability of the second; more classes with one output each.
    """

    key: ClassVar[str] = "binary_cross_entropy"
    for_classes: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class SquaredError(Loss):
    """The squared difference, averaged over the outputs; for classes, that of the softmax probabilities from 0 and 1.

    For probabilities [0.4, 0.3, 0.3] and the first class as label: ((0.4 - 1)^2 + 0.3^2 + 0.3^2) / 3 = 0.18.
    """

    key: ClassVar[str] = "squared_error"
    for_classes: ClassVar[bool] = True
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class AbsoluteError(Loss):
    """The absolute difference, averaged over the outputs."""

    key: ClassVar[str] = "absolute_error"
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class Huber(Loss):
    """Half the squared difference up to delta, linear beyond (Huber 1964); averaged over the outputs.

    Parameters
    ----------
    delta : float, default 1
        In standard deviations of the label, unless it is trained on with ``standardize=False``.

    """

    key: ClassVar[str] = "huber"
    for_numbers: ClassVar[bool] = True
    delta: float = number_field(1.0, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Poisson(Loss):
    """exp(z) - y z for counts y >= 0, predictions by exp: the negative log likelihood but for a term without z."""

    key: ClassVar[str] = "poisson"
    for_numbers: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, repr=False)
class Quantile(Loss):
    """The pinball loss, whose best prediction is a quantile of the label (Koenker & Bassett 1978)."""

    key: ClassVar[str] = "quantile"
    for_numbers: ClassVar[bool] = True
    quantile: float = number_field(0.5, above=0, below=1)


class LossRegistry(Registry[Loss]):
    """The losses, among them a Python function, which is no word."""

    def of(self, choice: object, where: str | None = None) -> Loss:
        """The loss that a word, a dict, a function or a loss itself stands for; PlanError if there is none."""
        if isinstance(choice, CustomLoss):
            return choice
        if isinstance(choice, Mapping) and choice.get("kind") == CustomLoss.key:
            return CustomLoss.from_dict(choice)
        if choice == CustomLoss.key:
            raise PlanError(f"{where or self.name}: a loss of your own is a Python function; give the function itself")
        if callable(choice) and not isinstance(choice, type):
            return CustomLoss(choice)
        return Registry.of(self, choice, where)


LOSSES: Registry[Loss] = LossRegistry(
    "loss", CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson, Quantile
)
