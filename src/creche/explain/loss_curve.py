"""The loss as a function of one weight: a curve, its tangent, and where steps of gradient descent would land."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError, PlanError
from creche.explain.curve_range import find_range
from creche.explain.loss_evaluator import LossEvaluator, create_evaluator, vary_weight
from creche.explain.step_verdict import Landing, choose_rates, find_valley, judge_step, parse_rates
from creche.explain.weight_space import WeightPlace, find_weight, path_values, read_weight, resolve_path
from creche.plan.arguments import check_whole_number

if TYPE_CHECKING:
    import polars as pl

    from creche.engine.introspection import Weights

__all__ = ["LossAgainstWeight", "loss_against_weight"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossAgainstWeight:
    """The loss as a function of one weight or bias, all others fixed: made by `loss_against_weight`.

    Attributes
    ----------
    name : str
        Such as "weight from bill_length_mm to neuron 3 of layer 1".
    layer : int
        The index of W and b in `Model.weights`, from 0.
    source : int or None
        The input or neuron that the weight comes from; None for a bias.
    target : int
        The neuron that it leads to.
    weights : (points,) array of the plan's precision
        Rising; the weight as it is is one of them.
    losses : (points,) float64
        Of the network with that weight, what evaluating it alone gives, to the bit.
    index : int
        The place of the weight as it is.
    gradient : float
        dL/dw there: the slope of the tangent.
    valley : int
        The place of the lowest point downhill from there.
    landings : tuple of Landing
        Where one step with each learning rate would land.
    path : (steps,) float64 or None
        The weight's values during training.
    ends : tuple of bool
        Whether the loss stops being finite right below, and above, what is shown.
    left_out : int
        How many points within were left out because their loss is not finite.

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
    landings: tuple[Landing, ...]
    path: Array | None
    ends: tuple[bool, bool]
    left_out: int

    @property
    def at(self) -> float:
        """The weight as it is."""
        return float(self.weights[self.index])

    @property
    def loss(self) -> float:
        """The loss as it is."""
        return float(self.losses[self.index])

    def tangent(self, weights: Any) -> Array:
        """The straight line through the current point whose slope is the gradient."""
        return np.asarray(self.loss + self.gradient * (np.asarray(weights, dtype=np.float64) - self.at))

    def table(self) -> pl.DataFrame:
        """The curve as a Polars DataFrame: weight, loss, and the tangent."""
        import polars as pl

        weights = self.weights.astype(np.float64)
        return pl.DataFrame({"weight": weights, "loss": self.losses, "tangent": self.tangent(weights)})

    def landing_table(self) -> pl.DataFrame:
        """The steps as a Polars DataFrame: learning rate, where it lands, the loss there, and the verdict."""
        import polars as pl

        names = ("learning_rate", "at", "loss", "verdict")
        return pl.DataFrame({name: [getattr(landing, name) for landing in self.landings] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """As plain data; a loss that is not finite is None."""
        landings = [
            {"learning_rate": landing.learning_rate, "at": landing.at, "loss": _finite(landing.loss),
             "verdict": landing.verdict} for landing in self.landings
        ]  # fmt: skip
        return {
            "name": self.name, "layer": self.layer, "source": self.source, "target": self.target, "at": self.at,
            "loss": self.loss, "gradient": self.gradient, "valley": float(self.weights[self.valley]),
            "landings": landings, "ends": list(self.ends), "left_out": self.left_out,
            "path": None if self.path is None else self.path.tolist(),
            "weights": self.weights.tolist(), "losses": self.losses.tolist(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """What the picture cannot show."""
        said = []
        ends = zip(("below", "above"), (self.weights[0], self.weights[-1]), self.ends, strict=True)
        sides = [f"{word} {float(weight):.4g}" for word, weight, is_end in ends if is_end]
        if sides:
            said.append(f"not far {' and '.join(sides)} the loss is no longer finite")
        if self.left_out:
            said.append(f"{self.left_out:,} points within were left out: their loss is not finite")
        return said

    def plot(self, axes: Any = None) -> Any:
        """The curve, the current point, the tangent and the landings, as matplotlib Axes (needs the `plots` extra)."""
        from creche import plots

        return plots.loss_against_weight(self, axes=axes)

    def __repr__(self) -> str:
        return (
            f"LossAgainstWeight({self.name}: {self.at:.4g}, loss {self.loss:.4g}, gradient {self.gradient:.4g}; "
            f"{len(self.weights):,} points from {self.weights[0]:.4g} to {self.weights[-1]:.4g})"
        )


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


MOST_POINTS = 1_000_000


POINTS = 1001


LEAST_SCALE = 1e-3  # of the weight: smaller steps would soon be lost in rounding


WIDER_FOR_MORE = 3.0  # times the range that was found: how much wider it becomes to show landings and path


MARGIN = 0.05


def loss_against_weight(
    model: Any,
    data: Any = None,
    y: Any = None,
    *,
    layer: int = 0,
    source: int | str = 0,
    target: int | str = 0,
    bias: bool = False,
    learning_rate: float | Sequence[float] | None = None,
    path: Any = None,
    between: tuple[float, float] | None = None,
    points: int = POINTS,
    sample_weight: Any = None,
    threads: int | None = None,
) -> LossAgainstWeight:
    """The loss as a function of one weight or bias, all others fixed.

    The slope of the curve at the current point is the gradient, and a step of plain gradient descent follows it:
    w - η g for this weight alone, whatever optimizer trains the network (a real step moves the other weights as well).
    Too low a rate hardly moves; a good one comes near the lowest point of the valley; too high a one overshoots it.

    The loss is that of the data: the mean over the rows, by their weights if they have any, without dropout, weight
    decay or other regularisation.

    Parameters
    ----------
    model : Model, Run or Member
    data : file name, DataFrame, (n, d) array or Batch, optional
        Rows with their labels, as for `Model.evaluate`; for a run, by default those it is trained on, with their
        weights. A `Batch` (from `creche.explain.create_batch`) is not read and encoded again for each weight.
    y : (n,) array, optional
        The labels, if `data` is without them.
    layer : int, default 0
        The layer of the weight, its index in `Model.weights`: 0 leads to the first hidden layer.
    source : int or str, default 0
        The input (by number, or by a name such as "bill_length_mm") or neuron that the weight comes from; "bias" for
        the bias.
    target : int or str, default 0
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
    Without `between` the range is found: it goes outwards until the loss has risen clearly, or no longer changes, on
    both sides, and holds the lowest point found on the way; see `creche.explain.curve_range.find_range`. It is the same
    for the same network and rows.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=5, threads=1)
    >>> curve = cr.explain.loss_against_weight(run.model, "penguins", source="bill_length_mm", target=3, threads=1)
    >>> curve.name
    'weight from bill_length_mm to neuron 3 of layer 1'
    >>> curve.weights[0] < curve.at < curve.weights[-1]
    np.True_
    >>> step = curve.landings[0]
    >>> step.at == curve.at - step.learning_rate * curve.gradient
    True

    """
    points = check_whole_number("points", points, at_least=3, at_most=MOST_POINTS)
    rates, ends = parse_rates(learning_rate), _checked_range(between)
    network, judge = create_evaluator(model, data, y, sample_weight, threads)
    place = find_weight(network, layer, source, target, bias=bias)
    line = _Line(judge, network.weights, place)
    path = resolve_path(model, path)
    known = None if path is None else path_values(path, place, network.plan.network)
    gradient, size = judge.slope(network.weights, place)
    not_finite = (False, False)
    if ends is None:
        low, high, not_finite = line.reach(max(1 / size if size > 0 else 1.0, LEAST_SCALE * abs(line.at)))
        ends = _wider(low, high, known, [line.at - rate * gradient for rate in rates or ()], not_finite)
    else:
        ends = min(ends[0], line.at), max(ends[1], line.at)
    weights, losses, left_out = line.curve(*ends, points)
    here = int(np.flatnonzero(weights == weights.dtype.type(line.at))[0])
    exact = weights.astype(np.float64)
    if rates is None:
        suggested = choose_rates(exact, losses, here, gradient)
        of_plan = [network.plan.optimizer.learning_rate] if network.plan.optimizer.learning_rate > 0 else []
        rates = sorted({*of_plan, *suggested})
    valley = find_valley(exact, losses, here, gradient)
    landings = _landings(line, rates, gradient, (exact[here], losses[here]), (exact[valley], losses[valley]))
    return LossAgainstWeight(
        place.name, place.layer, place.source, place.target, weights, losses, here, gradient, valley, landings, known,
        not_finite, left_out,
    )  # fmt: skip


class _Line:
    """The networks along one weight."""

    def __init__(self, judge: LossEvaluator, weights: Weights, place: WeightPlace) -> None:
        self._judge, self._weights, self._place = judge, weights, place
        self._dtype = weights[place.layer][0].dtype
        self.at = float(read_weight(weights, place))
        self.loss = float(self.losses(np.array([self.at]))[0])
        if not math.isfinite(self.loss):
            raise CrecheError(
                f"{place.name}: the loss of the network as it is, on these rows, is {self.loss}; there is no curve to "
                "draw: its numbers are too large"
            )

    def losses(self, values: Array) -> Array:
        with np.errstate(over="ignore"):  # beyond what the precision has, the loss is not finite either
            rounded = values.astype(self._dtype)
        return self._judge.losses(vary_weight(self._weights, self._place, rounded), len(values))

    def reach(self, scale: float) -> tuple[float, float, tuple[bool, bool]]:
        found = find_range(lambda distances: self.losses(self.at + distances), self.loss, scale)
        return self.at + found.low, self.at + found.high, found.ends

    def curve(self, low: float, high: float, points: int) -> tuple[NDArray[Any], Array, int]:
        """Evenly spaced weights, the nearest to the one there is moved onto it; their losses where they are finite."""
        weights = np.linspace(low, high, points).astype(self._dtype)
        weights[np.argmin(np.abs(weights - self.at))] = self.at
        weights = np.unique(weights)
        losses = self.losses(weights.astype(np.float64))
        finite = np.isfinite(losses)
        return weights[finite], losses[finite], int((~finite).sum())


def _landings(
    line: _Line, rates: list[float], gradient: float, start: tuple[float, float], valley: tuple[float, float]
) -> tuple[Landing, ...]:
    ats = [line.at - rate * gradient for rate in rates]
    losses = line.losses(np.array(ats)).tolist() if ats else []
    return tuple(
        Landing(rate, at, loss, judge_step(at, loss, start, valley))
        for rate, at, loss in zip(rates, ats, losses, strict=True)
    )


def _wider(
    low: float, high: float, path: Array | None, landings: list[float], ends: tuple[bool, bool]
) -> tuple[float, float]:
    """The range with the path and the landings in it, unless they are far off."""
    more = np.array([*landings, *([] if path is None else path)])
    width = high - low
    more = more[(more > low - WIDER_FOR_MORE * width) & (more < high + WIDER_FOR_MORE * width)]
    lowest, highest = min([low, *more.tolist()]), max([high, *more.tolist()])
    margin = MARGIN * (highest - lowest)
    return (
        lowest - margin if lowest < low and not ends[0] else low,
        highest + margin if highest > high and not ends[1] else high,
    )


def _checked_range(between: Any) -> tuple[float, float] | None:
    if between is None:
        return None
    try:
        low, high = (float(bound) for bound in between)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise PlanError(f"between: got {between!r}; needs two numbers, the lower first, such as (-2, 2)")
    return low, high
