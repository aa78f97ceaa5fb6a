"""The losses: what training minimizes, with the head that turns outputs into predictions."""

from __future__ import annotations

import hashlib
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import log
from creche.errors import PlanError
from creche.plan.component import Bounds, Component, Registry, flag_field, number_field
from creche.plan.heads import CUMULATIVE, EXP, IDENTITY, LOGISTIC, SIGMOID, SOFTMAX, Head, sorted_head

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


Array: TypeAlias = NDArray[Any]
LossFunction: TypeAlias = Callable[[Array, Array], tuple[Any, Any]]

NAME_LENGTH = 200
SMALLEST_SHARE = 1e-12  # of a class in the best constant, whose logarithm is taken
BETWEEN_0_AND_1 = Bounds(above=0, below=1)


@dataclass(frozen=True, slots=True, repr=False)
class Loss(Component):
    """The base of all losses; what the rest of Creche asks of a loss is asked here.

    Attributes
    ----------
    tasks : tuple of str
        The tasks it can be used for: some of ``"classification"``, ``"regression"`` and ``"multilabel"``.
    takes_class_numbers : bool
        Whether labels that are classes go to it as their numbers, (n,), rather than as columns of 0 and 1.
    standardizes_labels : bool
        Whether labels that are numbers may be standardized for it.
    smallest_label : float
        The smallest number that it takes as a label.
    unit_power : int
        The power of the label's unit that it is in, for a loss of numbers: 2 for squares.
    is_nonnegative : bool
        Whether its values are 0 or more.
    is_python : bool
        Whether it is a Python function, which the engine calls for each batch and only for one network at a time.

    """

    tasks: ClassVar[tuple[str, ...]] = ()
    takes_class_numbers: ClassVar[bool] = True
    standardizes_labels: ClassVar[bool] = True
    smallest_label: ClassVar[float] = -math.inf
    unit_power: ClassVar[int] = 2
    is_nonnegative: ClassVar[bool] = True
    is_python: ClassVar[bool] = False

    classification_head: ClassVar[Head] = SOFTMAX
    regression_head: ClassVar[Head] = IDENTITY
    multilabel_head: ClassVar[Head] = LOGISTIC

    def head(self, task: str) -> Head:
        """Return the function that turns the weighted sums of the output layer into predictions.

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".

        """
        if task == "multilabel":
            return self.multilabel_head
        return self.classification_head if task == "classification" else self.regression_head

    def head_gradient(self, task: str, z: Array, weight: Array) -> Array:
        """Return the gradient of ``(weight * prediction).sum()`` with respect to the weighted sums, (n, outputs).

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".
        z : (n, outputs) array
            The weighted sums of the output layer.
        weight : (n, outputs) array
            The weight of each prediction in the sum.

        """
        return self.head(task).gradient(z, weight)

    def outputs(self, task: str, count: int) -> int:
        """Return the number of outputs that a network needs.

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".
        count : int
            The number of classes; for another task, of labels.

        """
        return count

    @property
    def orders_classes(self) -> bool:
        """Whether it learns which class is above which, rather than only which it is."""
        return False

    def class_targets(self, numbers: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
        """Return what the outputs should be, (n, outputs), for a loss that does not take class numbers.

        Parameters
        ----------
        numbers : (n,) array of int
            The number of each row's class.
        count : int
            The number of classes.

        """
        return np.asarray(numbers.reshape(-1, 1) == (np.array([1]) if count == 2 else np.arange(count)))

    def target_classes(self, targets: Array) -> NDArray[np.int64]:
        """Return the class numbers, (n,), whose `class_targets` these are.

        Parameters
        ----------
        targets : (n, outputs) array

        """
        return np.asarray((targets[:, 0] > 0).astype(np.int64) if targets.shape[1] == 1 else targets.argmax(axis=1))

    @property
    def predicted_quantiles(self) -> tuple[float, ...]:
        """The quantiles of the label that minimize the loss, for a loss named after them; empty otherwise."""
        return ()

    def best_constant(self, labels: Array, weights: Array | None, outputs: int) -> NDArray[np.float64]:
        """Return the outputs, before the head, of the constant prediction with the lowest loss, (outputs,).

        Parameters
        ----------
        labels : (n,) or (n, outputs) array
            Class numbers, or targets, as the engine takes them.
        weights : (n,) array, optional
            How much each row counts; 1 by default.
        outputs : int
            The number of outputs of the network.

        """
        if labels.ndim == 1:
            counts = np.bincount(labels, weights, outputs)
            return log(np.maximum(counts / counts.sum(), SMALLEST_SHARE))
        return self._best_number(labels.astype(np.float64), weights)

    def _best_number(self, targets: NDArray[np.float64], weights: Array | None) -> NDArray[np.float64]:
        return np.asarray(np.average(targets, axis=0, weights=weights))

    def engine_settings(self, task: str, outputs: int) -> dict[str, Any]:
        """Return the attributes of the loss in the compiled engine's plan.

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".
        outputs : int
            The number of outputs of the network.

        """
        return self.to_dict()

    def engine_callback(self) -> LossFunction | None:
        """Return the function that the engine calls for each batch; None for the engine's own losses.

        Raises
        ------
        PlanError
            If the function is not known, because the loss comes from a file.

        """
        return None


@dataclass(frozen=True, slots=True, repr=False)
class CustomLoss(Loss):
    """A custom loss: a Python function of (outputs, labels) that returns the loss of each row and its gradient.

    Wherever a loss is expected, give the function itself. It is called once for each batch, and for each 64
    validation rows; the engine takes care of sample weights, of the mean and of everything else.

    A model file keeps the function's name and a digest of its source, never the function: a loaded model predicts, but
    training it further needs the function again.

    Parameters
    ----------
    function : callable
        Takes outputs, (m, k), the weighted sums of the output layer, before softmax, and labels: class numbers, (m,)
        int32, or numbers, (m, k), in standard deviations from the mean unless ``standardize=False``. Returns losses,
        (m,), one for each row, and the gradient, (m, k), of each row's loss with respect to its outputs. Predictions
        are the softmax of the outputs for classes, and the outputs themselves for numbers. Several labels of yes or no
        are ones and zeros, (m, k), and predictions the sigmoid of the outputs.

    Attributes
    ----------
    name : str
        The function's name.
    digest : str
        SHA-256 of the function's source; empty if Python cannot find it.

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
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression", "multilabel")
    is_nonnegative: ClassVar[bool] = False
    is_python: ClassVar[bool] = True

    function: LossFunction | None = field(default=None, compare=False, repr=False)
    name: str = field(default="", repr=False)
    digest: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.function is None:
            if not self.name:
                raise PlanError("CustomLoss.function: is missing; give a Python function of (outputs, labels)")
            return
        if not callable(self.function):
            raise PlanError(f"CustomLoss.function: got {self.function!r}; needs a function of (outputs, labels)")
        object.__setattr__(self, "name", _function_name(self.function))
        object.__setattr__(self, "digest", _source_digest(self.function))

    @property
    def title(self) -> str:
        """The name of the function."""
        return f"{self.name} (a Python function)"

    def __repr__(self) -> str:
        return f"CustomLoss({self.name})"

    def to_dict(self) -> dict[str, Any]:
        """Return name and digest as plain data, without the function."""
        return {"kind": self.key, "name": self.name, "digest": self.digest}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned: a loss to predict with, not to train with.

        Parameters
        ----------
        data : dict

        Raises
        ------
        PlanError
            If the name or the digest is missing or invalid.

        """
        name, digest = data.get("name"), data.get("digest")
        if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH:
            raise PlanError(f"loss: got {str(name)[:40]!r} as the name of a function")
        if not isinstance(digest, str) or not re.fullmatch("(?:[0-9a-f]{64})?", digest):
            raise PlanError(f"loss: got {str(digest)[:40]!r} as the digest of {name}")
        return cls(None, name, digest)

    def engine_settings(self, task: str, outputs: int) -> dict[str, Any]:
        """Return the attributes of a loss of the engine that has the same head and metric.

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".
        outputs : int
            The number of outputs of the network.

        """
        kinds = {"classification": CrossEntropy.key, "multilabel": BinaryCrossEntropy.key}
        return {"kind": kinds.get(task, SquaredError.key)}

    def engine_callback(self) -> LossFunction:
        """Return `call`, if the function is known."""
        self.require_function()
        return self.call

    def require_function(self) -> LossFunction:
        """Return the function.

        Raises
        ------
        PlanError
            If the loss comes from a file.

        """
        if self.function is None:
            raise PlanError(
                f"loss: is the Python function {self.name!r}, which no file keeps; give it again, as loss={self.name}"
            )
        return self.function

    def call(self, outputs: Array, labels: Array) -> tuple[Array, Array]:
        """Call the function, and check the shapes of the losses and the gradient it returns.

        Parameters
        ----------
        outputs : (m, k) array
            The weighted sums of the output layer.
        labels : (m,) or (m, k) array
            Class numbers, or numbers.

        Returns
        -------
        losses : (m,) array
        gradient : (m, k) array

        Raises
        ------
        PlanError
            If there is no function, or it returned something else.
        Exception
            Any error that the function raises.

        """
        returned = self.require_function()(outputs, labels)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise PlanError(f"loss {self.name}: returned {type(returned).__name__}; needs (losses, gradient)")
        losses = self._check_shape(returned[0], outputs.shape[:1], "losses", outputs.dtype)
        gradient = self._check_shape(returned[1], outputs.shape, "gradient", outputs.dtype)
        if not np.isfinite(gradient).all() and np.isfinite(losses).all():  # the engine looks at the losses only
            row, output = np.argwhere(~np.isfinite(gradient))[0].tolist()
            raise PlanError(
                f"loss {self.name}: row {row} of a batch, output {output}: the gradient is {gradient[row, output]}, "
                "while the loss is finite; avoid divisions by 0 and overflow for large outputs"
            )
        return losses, gradient

    def check(self, outputs: Array, labels: Array, tolerance: float = 1e-4) -> float:
        """Compare the gradient with finite differences of the losses, in float64.

        Parameters
        ----------
        outputs : (m, k) array
            The outputs to compare at; preferably not where the loss has a kink.
        labels : (m,) or (m, k) array
            Class numbers, or numbers.
        tolerance : float, default 1e-4
            The largest difference allowed, relative to 1 + the slope.

        Returns
        -------
        float
            The largest difference.

        Raises
        ------
        PlanError
            If a difference exceeds the tolerance, with its row and output, or the function did not return losses and
            a gradient.

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

    def _check_shape(self, value: Any, shape: tuple[int, ...], what: str, dtype: np.dtype[Any]) -> Array:
        try:
            if np.iscomplexobj(value):
                raise TypeError("they are complex")
            array = np.ascontiguousarray(value, dtype=dtype)
        except (TypeError, ValueError) as error:
            raise PlanError(f"loss {self.name}: {what} are not numbers ({error})") from error
        if array.shape == (*shape, 1) or (*array.shape, 1) == shape:
            array = array.reshape(shape)
        if array.shape != shape or np.ndim(value) == 0:
            each = "one for each row, not their mean" if what == "losses" else "one number for each output of each row"
            raise PlanError(f"loss {self.name}: {what} have shape {np.shape(value)}; needs {shape}: {each}")
        return array


def _function_name(function: LossFunction) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name)[:NAME_LENGTH]


def _source_digest(function: LossFunction) -> str:
    try:
        source = inspect.getsource(function if hasattr(function, "__code__") else type(function))
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(textwrap.dedent(source).encode()).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class CrossEntropy(Loss):
    """Cross-entropy of class probabilities from a softmax: -sum_c q_c log p_c, for classes.

    p = softmax(z) of the outputs z. Without label smoothing q is 1 for the label and 0 elsewhere: the loss is -log p of
    the label.

    Parameters
    ----------
    label_smoothing : float, default 0
        The share s of each label that is spread evenly over all C classes: q_c = (1 - s) [c = label] + s / C. From 0 to
        below 1 (Szegedy et al. 2016, "Rethinking the Inception architecture", section 7).

    Examples
    --------
    >>> CrossEntropy(label_smoothing=0.1)
    CrossEntropy(label_smoothing=0.1)

    """

    key: ClassVar[str] = "cross_entropy"
    _title: ClassVar[str] = "cross-entropy"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    label_smoothing: float = number_field(0.0, at_least=0, below=1)


@dataclass(frozen=True, slots=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of a sigmoid for each output: mean over the outputs of -y log p - (1 - y) log(1 - p), for classes.

    p = 1 / (1 + exp(-z)) of the output z. Two classes need one output, the probability of the second; more classes need
    one output each, one class against the rest, and probabilities are p divided by their sum over the classes. Several
    labels of yes or no have one output each, and p is the probability of yes.

    Parameters
    ----------
    ordered : bool, default False
        Whether the classes are in an order: the outputs are then the probabilities of a class above each but the last,
        one fewer than there are classes (Frank & Hall 2001; Cheng, Wang & Pollastri 2008, "A neural network approach to
        ordinal regression"). They are sorted, so that probabilities of classes, their differences, are 0 or more.

    Examples
    --------
    >>> BinaryCrossEntropy(ordered=True).outputs("classification", 5)
    4

    """

    key: ClassVar[str] = "binary_cross_entropy"
    _title: ClassVar[str] = "binary cross-entropy"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel")
    takes_class_numbers: ClassVar[bool] = False
    ordered: bool = flag_field(False)

    @property
    def orders_classes(self) -> bool:
        """The loss's `ordered`."""
        return self.ordered

    def head(self, task: str) -> Head:
        """Return the function that turns the weighted sums of the output layer into predictions.

        Parameters
        ----------
        task : str
            "classification" or "multilabel".

        """
        if task == "multilabel":
            return self.multilabel_head
        return CUMULATIVE if self.ordered else SIGMOID

    def class_targets(self, numbers: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
        """Return whether each row is of an output's class, or above it, (n, outputs).

        Parameters
        ----------
        numbers : (n,) array of int
            The number of each row's class.
        count : int
            The number of classes.

        """
        if self.ordered:
            return np.asarray(numbers.reshape(-1, 1) > np.arange(count - 1))
        return Loss.class_targets(self, numbers, count)

    def target_classes(self, targets: Array) -> NDArray[np.int64]:
        """Return the class numbers, (n,), whose `class_targets` these are.

        Parameters
        ----------
        targets : (n, outputs) array

        """
        return np.asarray((targets > 0).sum(axis=1)) if self.ordered else Loss.target_classes(self, targets)

    def engine_settings(self, task: str, outputs: int) -> dict[str, Any]:
        """Return the attributes of the loss in the compiled engine's plan.

        Parameters
        ----------
        task : str
            "classification" or "multilabel".
        outputs : int
            The number of outputs of the network.

        """
        return {"kind": self.key}

    def outputs(self, task: str, count: int) -> int:
        """Return the number of outputs that a network needs: one for two classes, or one for each class or label.

        Ordered classes need one fewer than there are.

        Parameters
        ----------
        task : str
            "classification" or "multilabel".
        count : int
            The number of classes, or of labels.

        """
        if task == "multilabel":
            return count
        return count - 1 if self.ordered else 1 if count == 2 else count

    def _best_number(self, targets: NDArray[np.float64], weights: Array | None) -> NDArray[np.float64]:
        mean = np.clip(np.average(targets, axis=0, weights=weights), SMALLEST_SHARE, 1 - 1e-9)
        return log(mean / (1 - mean))


@dataclass(frozen=True, slots=True, repr=False)
class SquaredError(Loss):
    """Squared error: mean over the outputs of (z - y)^2, for numbers; for classes, of (p - y)^2 with p = softmax(z).

    The best constant prediction of a number is its mean. For classes y is 1 for the label and 0 elsewhere (the Brier
    score divided by the number of classes): for probabilities [0.4, 0.3, 0.3] and the first class as label it is
    ((0.4 - 1)^2 + 0.3^2 + 0.3^2) / 3 = 0.18.
    """

    key: ClassVar[str] = "squared_error"
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    def engine_settings(self, task: str, outputs: int) -> dict[str, Any]:
        """Return the attributes of the engine's loss for a task: it has a squared error for each.

        Parameters
        ----------
        task : str
            "classification", "regression" or "multilabel".
        outputs : int
            The number of outputs of the network.

        """
        return {"kind": "squared_error_of_classes" if task == "classification" else self.key}


@dataclass(frozen=True, slots=True, repr=False)
class AbsoluteError(Loss):
    """Absolute error: mean over the outputs of abs(z - y), for numbers.

    The best constant prediction is the median. Large errors weigh less than with the squared error.
    """

    key: ClassVar[str] = "absolute_error"
    unit_power: ClassVar[int] = 1
    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    def _best_number(self, targets: NDArray[np.float64], weights: Array | None) -> NDArray[np.float64]:
        return _weighted_quantiles(targets, (0.5,), weights)


@dataclass(frozen=True, slots=True, repr=False)
class Huber(Loss):
    """Huber loss: squared for small errors, linear for large ones, for numbers.

    For the error e = z - y it is e^2 / 2 where abs(e) <= delta, and delta (abs(e) - delta / 2) elsewhere; the mean over
    the outputs (Huber 1964, "Robust estimation of a location parameter").

    Parameters
    ----------
    delta : float, default 1
        The error beyond which the loss is linear; above 0. In standard deviations of the label, or in its units with
        ``standardize=False``.

    Examples
    --------
    >>> Huber(delta=2.0)
    Huber(delta=2.0)

    """

    key: ClassVar[str] = "huber"
    _title: ClassVar[str] = "Huber loss"
    tasks: ClassVar[tuple[str, ...]] = ("regression",)
    delta: float = number_field(1.0, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class Poisson(Loss):
    """Poisson loss: mean over the outputs of exp(z) - y z, for counts y of 0 or more.

    Predictions are exp(z). It is the negative log-likelihood of a Poisson distribution with this mean, without the term
    log(y!), and can be negative. Labels are not standardized.
    """

    key: ClassVar[str] = "poisson"
    _title: ClassVar[str] = "Poisson loss"
    tasks: ClassVar[tuple[str, ...]] = ("regression",)
    standardizes_labels: ClassVar[bool] = False
    smallest_label: ClassVar[float] = 0.0
    is_nonnegative: ClassVar[bool] = False
    regression_head: ClassVar[Head] = EXP

    def _best_number(self, targets: NDArray[np.float64], weights: Array | None) -> NDArray[np.float64]:
        mean = np.average(targets, axis=0, weights=weights)
        return log(np.maximum(mean, SMALLEST_SHARE))


@dataclass(frozen=True, slots=True, repr=False)
class Quantile(Loss):
    """Pinball loss: mean over the outputs of max(q e, (q - 1) e) with e = y - z, for numbers.

    The best prediction is the q-th quantile of the label (Koenker & Bassett 1978, "Regression quantiles"). Several
    quantiles of a label are as many outputs of one network; predictions are sorted, so that they never cross. Of
    several labels, the quantiles of the first come first.

    Parameters
    ----------
    quantile : float or sequence of float, default 0.5
        q, above 0 and below 1; 0.5 predicts the median, 0.9 a number that nine labels in ten do not exceed. Several,
        in ascending order: ``[0.05, 0.5, 0.95]`` predicts the median and an interval that holds nine labels in ten.

    Examples
    --------
    >>> Quantile(0.9).predicted_quantiles
    (0.9,)
    >>> Quantile([0.05, 0.5, 0.95]).outputs("regression", 1)
    3

    """

    key: ClassVar[str] = "quantile"
    _title: ClassVar[str] = "pinball loss"
    tasks: ClassVar[tuple[str, ...]] = ("regression",)
    unit_power: ClassVar[int] = 1
    quantile: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        given = self.quantile.tolist() if isinstance(self.quantile, np.ndarray) else self.quantile
        if not isinstance(given, Sequence) or isinstance(given, str):
            object.__setattr__(self, "quantile", BETWEEN_0_AND_1.check("Quantile.quantile", given))
            return
        levels = tuple(BETWEEN_0_AND_1.check("Quantile.quantile", level) for level in given)
        if not levels or any(above <= below for below, above in pairwise(levels)):
            raise PlanError(
                f"Quantile.quantile: got {list(given)!r}; needs quantiles in ascending order, each once, such as "
                "[0.05, 0.5, 0.95]",
                argument="quantile",
            )
        object.__setattr__(self, "quantile", levels[0] if len(levels) == 1 else levels)

    def head(self, task: str) -> Head:
        """Return the function that turns the weighted sums of the output layer into predictions: sorts several.

        Parameters
        ----------
        task : str
            "regression".

        """
        return sorted_head(len(self.predicted_quantiles)) if len(self.predicted_quantiles) > 1 else IDENTITY

    @property
    def predicted_quantiles(self) -> tuple[float, ...]:
        """The loss's `quantile`, as a tuple."""
        return self.quantile if isinstance(self.quantile, tuple) else (self.quantile,)

    def outputs(self, task: str, count: int) -> int:
        """Return the number of outputs that a network needs: one for each quantile of each label.

        Parameters
        ----------
        task : str
            "regression".
        count : int
            The number of labels.

        """
        return count * len(self.predicted_quantiles)

    def _best_number(self, targets: NDArray[np.float64], weights: Array | None) -> NDArray[np.float64]:
        return _weighted_quantiles(targets, self.predicted_quantiles, weights)

    def engine_settings(self, task: str, outputs: int) -> dict[str, Any]:
        """Return the attributes of the loss in the compiled engine's plan.

        Parameters
        ----------
        task : str
            "regression".
        outputs : int
            The number of outputs of the network.

        """
        return {"kind": self.key, "quantiles": np.resize(self.predicted_quantiles, outputs).tolist()}


def _weighted_quantiles(
    targets: NDArray[np.float64], levels: Sequence[float], weights: Array | None
) -> NDArray[np.float64]:
    """Return the quantile of each column of targets, (n, k), whose levels repeat. It is one of the targets."""
    return np.array(
        [
            np.quantile(column, levels[i % len(levels)], weights=weights, method="inverted_cdf")
            for i, column in enumerate(targets.T)
        ]
    )


class LossRegistry(Registry[Loss]):
    """The losses, and Python functions."""

    def of(self, choice: object, where: str | None = None) -> Loss:
        """Resolve a key, a dict, a function or a loss itself; PlanError if there is no such loss."""
        if isinstance(choice, CustomLoss):
            return choice
        if isinstance(choice, Mapping) and choice.get("kind") == CustomLoss.key:
            return CustomLoss.from_dict(choice)
        if choice == CustomLoss.key:
            raise PlanError(
                f"{where or self.name}: got {choice!r}; a custom loss is a Python function: give the function itself"
            )
        if callable(choice) and not isinstance(choice, type):
            return CustomLoss(choice)
        return Registry.of(self, choice, where)


LOSSES: Registry[Loss] = LossRegistry(
    "loss", CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, Poisson, Quantile
)
