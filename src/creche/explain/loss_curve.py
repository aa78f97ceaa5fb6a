"""The loss as a function of one weight: a curve, its tangent, and where steps of gradient descent would land."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import CrecheError, PlanError
from creche.explain.curve_range import find_range
from creche.explain.loss_evaluator import LossEvaluator, create_evaluator, vary_weight
from creche.explain.step_verdict import JudgedStep, choose_rates, find_valley, judge_step, parse_rates
from creche.explain.weight_space import WeightPlace, find_steepest, path_values, read_weight, resolve_path
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

    from creche.engine.parameters import Parameters

__all__ = ["LossAgainstWeight", "loss_against_weight"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossAgainstWeight(FrameResult):
    """The loss as a function of one weight or bias, all others fixed: made by `loss_against_weight`.

    Attributes
    ----------
    name : str
        The weight in words, such as "weight from bill_length_mm to neuron 3 of layer 1".
    layer : int
        The index of W and b in `Model.weights`, from 0.
    source : int or None
        The input or neuron that the weight comes from; None for a bias.
    target : int
        The neuron that it leads to.
    weights : (points,) array of the plan's precision
        Values of the weight, ascending; the current value is one of them.
    losses : (points,) float64
        The loss of the network with each of these values, bit for bit what evaluating it alone gives.
    index : int
        The place of the current value in `weights`.
    gradient : float
        dL/dw at the current value, the slope of the tangent.
    valley : int
        The place in `weights` of the lowest point downhill from the current value.
    steps : tuple of JudgedStep
        Where one step with each learning rate would land.
    path : (steps,) float64 or None
        The values of the weight during training.
    ends : tuple of bool
        Whether the loss stops being finite just below, and just above, the range of the curve.
    left_out : int
        How many points within the range were dropped because their loss is not finite.

    """

    name: str
    layer: int
    source: int | None
    target: int
    weights: NDArray[Any]
    losses: Array
    index: int
    gradient: float
    valley: int
    steps: tuple[JudgedStep, ...]
    path: Array | None
    ends: tuple[bool, bool]
    left_out: int

    @property
    def weight(self) -> float:
        """The current value of the weight."""
        return float(self.weights[self.index])

    @property
    def loss(self) -> float:
        """The loss at the current value."""
        return float(self.losses[self.index])

    @property
    def slope(self) -> str:
        """The sign of the slope in words: which change of the weight lowers the loss."""
        if self.gradient == 0:
            return "no slope: at this point, a small change of the weight does not change the loss"
        sign, change = ("negative", "larger") if self.gradient < 0 else ("positive", "smaller")
        return f"{sign} slope: a {change} weight lowers the loss"

    def tangent(self, weights: Any) -> Array:
        """Return the tangent at the current value: the line through the current point whose slope is the gradient.

        Parameters
        ----------
        weights : array
            Values of the weight.

        Returns
        -------
        float64 array of the same shape

        """
        return np.asarray(self.loss + self.gradient * (np.asarray(weights, dtype=np.float64) - self.weight))

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return the curve as a DataFrame: weight, loss, tangent."""
        import polars as pl

        weights = self.weights.astype(np.float64)
        return pl.DataFrame({"weight": weights, "loss": self.losses, "tangent": self.tangent(weights)})

    @frame_method
    def step_table(self) -> pl.DataFrame:
        """Return the steps as a DataFrame: learning rate, weight and loss after the step, verdict."""
        import polars as pl

        names = ("learning_rate", "weight", "loss", "verdict")
        return pl.DataFrame({name: [getattr(step, name) for step in self.steps] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON; a loss that is not finite is None."""
        steps = [
            {"learning_rate": step.learning_rate, "weight": step.weight, "loss": _finite(step.loss),
             "verdict": step.verdict} for step in self.steps
        ]  # fmt: skip
        return {
            "name": self.name, "layer": self.layer, "source": self.source, "target": self.target, "weight": self.weight,
            "loss": self.loss, "gradient": self.gradient, "slope": self.slope,
            "valley": float(self.weights[self.valley]),
            "steps": steps, "ends": list(self.ends), "left_out": self.left_out,
            "path": None if self.path is None else self.path.tolist(),
            "weights": self.weights.tolist(), "losses": self.losses.tolist(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """Return remarks on what the curve leaves out."""
        notes = []
        ends = zip(("below", "above"), (self.weights[0], self.weights[-1]), self.ends, strict=True)
        sides = [f"{word} {float(weight):.4g}" for word, weight, is_end in ends if is_end]
        if sides:
            notes.append(f"just {' and '.join(sides)} the loss is no longer finite")
        if self.left_out:
            notes.append(f"{self.left_out:,} points within the range were dropped: their loss is not finite")
        return notes

    def plot(self, *, axes: Any = None) -> Any:
        """Draw the curve, its tangent and the steps (needs the `plots` extra).

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.loss_against_weight(self, axes=axes)

    def __repr__(self) -> str:
        return (
            f"LossAgainstWeight({self.name}: {self.weight:.4g}, loss {self.loss:.4g}, gradient {self.gradient:.4g}; "
            f"{len(self.weights):,} points from {self.weights[0]:.4g} to {self.weights[-1]:.4g})"
        )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


MAX_POINTS = 1_000_000
POINTS = 1001

MIN_SCALE = 1e-3  # as a share of the weight: smaller steps would soon be lost in rounding
MAX_WIDENING = 3.0  # how many times its width a range may grow on either side to include steps and the path
MARGIN = 0.05


@reject_unknown
def loss_against_weight(
    model: Any,
    data: Any = None,
    y: Any = None,
    *,
    layer: int | None = None,
    source: int | str | None = None,
    target: int | str | None = None,
    bias: bool = False,
    learning_rate: float | Sequence[float] | None = None,
    path: Any = None,
    between: tuple[float, float] | None = None,
    points: int = POINTS,
    sample_weight: Any = None,
    threads: int | None = None,
    on_progress: OnProgress[StepProgress] = None,
) -> LossAgainstWeight:
    """Return the loss as a function of one weight or bias, with all others fixed.

    The slope of the curve at the current value is the gradient, and a step of plain gradient descent follows it:
    w - η g for this weight alone, no matter which optimizer trains the network (a real step also moves the other
    weights). A learning rate that is too low hardly moves the weight; a good one brings it near the lowest point of
    the valley; one that is too high overshoots.

    The loss is that of the data: the mean over the rows, weighted if they have weights, without dropout, weight decay
    or other regularization.

    Parameters
    ----------
    model : Model, Run or Member
    data : file name, DataFrame, (n, d) array or Batch, optional
        Rows with their labels, as for `Model.evaluate`; for a run, by default those it is trained on, with their
        weights. A `Batch` (from `creche.explain.create_batch`) is not read and encoded again for each weight.
    y : (n,) array, optional
        The labels, if `data` is without them.
    layer : int, optional
        The layer of the weight, its index in `Model.weights`: 0 leads to the first hidden layer. Of the weights that
        `layer`, `source` and `target` leave open, it is the one with the largest gradient, on whose curve the point
        lies where it is steepest. Without a layer, a given source or target is one of layer 0.
    source : int or str, optional
        The input (by number, or by a name such as "bill_length_mm") or neuron that the weight comes from; "bias" for
        the bias.
    target : int or str, optional
        The neuron that it leads to; in the last layer also the name of a class or a label.
    bias : bool, default False
        Whether to vary the bias of `target`; `source` is then ignored.
    learning_rate : float or sequence of float, optional
        The learning rates whose steps are shown; by default the plan's, and three that the curve suggests: one too low,
        one good, one that overshoots.
    path : (steps,) array, or list of weights, optional
        The weight's values during training, in order; or all weights at each step, each as `Model.weights`. By default
        those that the run recorded, if it did.
    between : (float, float), optional
        The range of the curve, widened to include the current value; by default the range is found.
    points : int, default 1001
        How many points the curve has.
    sample_weight : (n,) array or name of a column, optional
        How much each row counts.
    threads : int, optional
        By default as many as the model uses.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    LossAgainstWeight

    Raises
    ------
    PlanError
        If there is no such layer, source or target; the error says which there are.
    TableError
        If the columns or labels are not those the model was trained on.
    CrecheError
        If the loss of the network as it is is not finite.

    Notes
    -----
    Without `between` the range goes outward until, on both sides, the loss has clearly risen or no longer changes, and
    includes the lowest point found on the way; see `creche.explain.curve_range.find_range`. The same network and rows
    always give the same range.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=5, threads=1)
    >>> curve = cr.explain.loss_against_weight(run.model, "penguins", source="bill_length_mm", target=3, threads=1)
    >>> curve.name
    'weight from bill_length_mm to neuron 3 of layer 1'
    >>> curve.weights[0] < curve.weight < curve.weights[-1]
    np.True_
    >>> step = curve.steps[0]
    >>> step.weight == curve.weight - step.learning_rate * curve.gradient
    True

    """
    points = check_whole_number("points", points, at_least=3, at_most=MAX_POINTS)
    rates, ends = parse_rates(learning_rate), _check_range(between)
    network, evaluator = create_evaluator(model, data, y, sample_weight, threads)
    place = find_steepest(network, evaluator.gradients(network.parameters), layer, source, target, bias=bias)
    with watch_steps(on_progress):
        line = _Line(evaluator, network.parameters, place)
        path = resolve_path(model, path)
        path_of_weight = None if path is None else path_values(path, place, network.parameters)
        gradient, size = evaluator.slope(network.parameters, place)
        not_finite = (False, False)
        if ends is None:
            low, high, not_finite = line.reach(max(1 / size if size > 0 else 1.0, MIN_SCALE * abs(line.weight)))
            ends = _widen(
                low, high, path_of_weight, [line.weight - rate * gradient for rate in rates or ()], not_finite
            )
        else:
            ends = min(ends[0], line.weight), max(ends[1], line.weight)
        weights, losses, left_out = line.curve(*ends, points)
        here = int(np.flatnonzero(weights == weights.dtype.type(line.weight))[0])
        exact = weights.astype(np.float64)
        if rates is None:
            suggested = choose_rates(exact, losses, here, gradient)
            of_plan = [network.plan.optimizer.learning_rate] if network.plan.optimizer.learning_rate > 0 else []
            rates = sorted({*of_plan, *suggested})
        valley = find_valley(exact, losses, here, gradient)
        steps = _steps(line, rates, gradient, (exact[here], losses[here]), (exact[valley], losses[valley]))
    return LossAgainstWeight(
        place.name, place.layer, place.source, place.target, weights, losses, here, gradient, valley, steps,
        path_of_weight, not_finite, left_out, library=evaluator.library,
    )  # fmt: skip


class _Line:
    """The losses of the networks that differ in one weight."""

    def __init__(self, evaluator: LossEvaluator, parameters: Parameters, place: WeightPlace) -> None:
        self._evaluator, self._parameters, self._place = evaluator, parameters, place
        value = read_weight(parameters, place)
        self._dtype, self.weight = value.dtype, float(value)
        self.loss = float(self.losses(np.array([self.weight]))[0])
        if not math.isfinite(self.loss):
            raise CrecheError(
                f"{place.name}: the loss of the current network on these rows is {self.loss}, so there is no curve; "
                "its numbers are too large"
            )

    def losses(self, values: Array) -> Array:
        with np.errstate(over="ignore"):  # beyond the range of the precision, the loss is not finite either
            rounded = values.astype(self._dtype)
        return self._evaluator.losses(vary_weight(self._parameters, self._place, rounded), len(values))

    def reach(self, scale: float) -> tuple[float, float, tuple[bool, bool]]:
        found = find_range(lambda distances: self.losses(self.weight + distances), self.loss, scale)
        return self.weight + found.low, self.weight + found.high, found.ends

    def curve(self, low: float, high: float, points: int) -> tuple[NDArray[Any], Array, int]:
        """Return evenly spaced weights, the nearest moved onto the current one, and their finite losses."""
        weights = np.linspace(low, high, points).astype(self._dtype)
        weights[np.argmin(np.abs(weights - self.weight))] = self.weight
        weights = np.unique(weights)
        losses = self.losses(weights.astype(np.float64))
        finite = np.isfinite(losses)
        return weights[finite], losses[finite], int((~finite).sum())


def _steps(
    line: _Line, rates: list[float], gradient: float, start: tuple[float, float], valley: tuple[float, float]
) -> tuple[JudgedStep, ...]:
    ats = [line.weight - rate * gradient for rate in rates]
    losses = line.losses(np.array(ats)).tolist() if ats else []
    return tuple(
        JudgedStep(rate, at, loss, judge_step(at, loss, start, valley))
        for rate, at, loss in zip(rates, ats, losses, strict=True)
    )


def _widen(
    low: float, high: float, path: Array | None, steps: list[float], ends: tuple[bool, bool]
) -> tuple[float, float]:
    """Return the range widened to include the path and the steps, unless they are far away."""
    more = np.array([*steps, *([] if path is None else path)])
    width = high - low
    more = more[(more > low - MAX_WIDENING * width) & (more < high + MAX_WIDENING * width)]
    lowest, highest = min([low, *more.tolist()]), max([high, *more.tolist()])
    margin = MARGIN * (highest - lowest)
    return (
        lowest - margin if lowest < low and not ends[0] else low,
        highest + margin if highest > high and not ends[1] else high,
    )


def _check_range(between: Any) -> tuple[float, float] | None:
    if between is None:
        return None
    try:
        low, high = (float(bound) for bound in between)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise PlanError(f"between: got {between!r}; needs two numbers, the lower first, such as (-2, 2)")
    return low, high
