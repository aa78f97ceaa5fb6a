"""The losses of many variants of one network on the same rows: the basis of every picture of the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import count_steps
from creche._system.resources import resolve_threads
from creche.engine.introspection import batch_internals, evaluate_many
from creche.engine.native import FLOPS_PER_THREAD, Rows, new_run
from creche.engine.parameters import Parameters
from creche.errors import PlanError, TableError
from creche.explain.rows import Batch, as_predictor, create_batch
from creche.explain.weight_space import WeightPlace, read_weight
from creche.model.model import Model
from creche.model_selection.member import Member
from creche.plan.plan import Plan
from creche.table.table import FrameLibrary
from creche.training.run import Run

__all__ = ["LossEvaluator", "create_evaluator", "step_along", "unpack_networks", "vary_weight"]

# The memory of the networks evaluated at a time, whose weights are interleaved.
MAX_BYTES = 64_000_000
MAX_OPERATIONS = 5_000_000_000  # of the networks evaluated at a time, so that a person sees how far it is
LANES = 16  # networks that are evaluated together


class LossEvaluator:
    """The loss of any number of networks of one plan on the same rows.

    Networks are evaluated 16 at a time; with a loss that is a Python function, one after another.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    threads : int
    library : {"polars", "pandas", "pyarrow", "modin", "cudf"}, default "polars"
        The library of DataFrames in which results about these rows come.

    Raises
    ------
    PlanError
        If the loss is a Python function that is no longer available.

    """

    def __init__(self, plan: Plan, rows: Rows, threads: int, library: FrameLibrary = "polars") -> None:
        self.plan, self.rows, self.threads, self.library = plan, rows, threads, library
        self._function_run: Any = new_run(plan, rows, None, threads) if plan.loss.is_python else None

    def losses(self, stack_of: Callable[[slice], Parameters], count: int) -> NDArray[np.float64]:
        """Return the losses, (count,), of networks; `stack_of` returns the parameters of any slice of them.

        A running variance below 0 counts as 0.
        """
        itemsize = np.dtype(self.plan.dtype).itemsize
        parameters = self.plan.network.parameters
        affordable = min(MAX_BYTES // itemsize, MAX_OPERATIONS // (2 * max(1, len(self.rows)))) // parameters
        at_a_time = max(1, affordable // LANES) * LANES
        with count_steps(count, "networks") as report:
            parts = []
            for n in range(0, count, at_a_time):
                end = min(n + at_a_time, count)
                parts.append(self._evaluate(stack_of(slice(n, end)).with_variances_from_0(), end - n))
                report(end)
        return np.concatenate(parts) if parts else np.empty(0)

    def _evaluate(self, stack: Parameters, count: int) -> NDArray[np.float64]:
        rows = self.rows
        if self._function_run is None:
            operations = 2 * self.plan.network.parameters * len(rows) * count
            return evaluate_many(self.plan, stack, rows, max(1, min(self.threads, operations // FLOPS_PER_THREAD)))
        losses = np.empty(count)
        with np.errstate(all="ignore"):  # far out, the numbers in the function may become too large
            for m in range(count):
                self._function_run.set_parameters(dict(stack.network(m)))
                losses[m], _ = self._function_run.evaluate(rows.x, rows.classes, rows.targets, rows.weights)
        return losses

    def gradients(self, parameters: Parameters) -> Parameters:
        """Return the gradient of the loss by each parameter."""
        rows = self.rows
        if self._function_run is None:
            return batch_internals(self.plan, parameters, rows).gradients
        self._function_run.set_parameters(dict(parameters))
        return Parameters(self._function_run.gradients(rows.x, rows.classes, rows.targets, rows.weights)[1])

    def slope(self, parameters: Parameters, place: WeightPlace) -> tuple[float, float]:
        """Return the gradient of the loss by one weight, and the root mean square of what the weight multiplies."""
        rows = self.rows
        if self._function_run is not None:
            return float(read_weight(self.gradients(parameters), place)), 1.0
        inside = batch_internals(self.plan, parameters, rows)
        if place.source is None:
            size = 1.0
        else:
            left = rows.x if place.layer == 0 else inside.activations[place.layer - 1]
            size = float(np.sqrt(np.mean(np.square(left[:, place.source], dtype=np.float64))))
        return float(read_weight(inside.gradients, place)), size


def create_evaluator(
    model_or_run: Any, data: Any, y: Any, sample_weight: Any, threads: int | None
) -> tuple[Model, LossEvaluator]:
    """Return a model and the evaluator of its loss on a user's rows; for a run or member, by default its training rows.

    Raises
    ------
    PlanError
        If `model_or_run` is neither a model nor a run.
    TableError
        If there are no rows, or their columns or labels are not those the model was trained on.

    """
    is_run = isinstance(model_or_run, Run | Member)
    model = as_predictor(model_or_run)
    if not isinstance(model, Model):
        raise PlanError(
            f"model: got {type(model).__name__}; needs a Model, a Run or a Member of a colony, such as its best()"
        )
    if isinstance(data, Batch):
        if sample_weight is not None or y is not None:
            raise TableError("data: a Batch has labels and weights already; leave y and sample_weight out")
        rows, library = data.rows, data.observations.library
    elif is_run and data is None:
        if sample_weight is not None or y is not None:
            raise TableError(
                "data: is missing; the run's own rows have labels and weights already, so leave y and sample_weight out"
            )
        prepared = model_or_run.prepared
        rows, library = prepared.encode(model.plan.loss, model.plan.dtype)[0], prepared.library
    else:
        batch = create_batch(model, data, y, sample_weight=sample_weight)
        rows, library = batch.rows, batch.observations.library
    return model, LossEvaluator(
        model.plan, rows, resolve_threads(model.threads if threads is None else threads), library
    )


def vary_weight(parameters: Parameters, place: WeightPlace, values: NDArray[Any]) -> Callable[[slice], Parameters]:
    """Return networks that differ in one weight or bias, which has these values in turn."""

    def stack_of(stretch: slice) -> Parameters:
        some = values[stretch]
        stack = parameters.repeat(len(some))
        w, b = stack.layers[place.layer]
        if place.source is None:
            b[:, place.target] = some
        else:
            w[:, place.source, place.target] = some
        return stack

    return stack_of


def step_along(
    parameters: Parameters, directions: Sequence[Parameters], coordinates: NDArray[np.float64]
) -> Callable[[slice], Parameters]:
    """Return networks at parameters + Σ coordinate × direction, rounded once; coordinates (m, directions)."""

    def move(name: str, start: NDArray[Any], some: NDArray[np.float64]) -> NDArray[Any]:
        to = np.repeat(start.astype(np.float64)[None], len(some), axis=0)
        for k, direction in enumerate(directions):
            to += some[:, k].reshape(-1, *[1] * start.ndim) * direction[name]
        return to.astype(start.dtype)

    def stack_of(stretch: slice) -> Parameters:
        some = coordinates[stretch]
        return Parameters({name: move(name, start, some) for name, start in parameters.items()})

    return stack_of


def unpack_networks(rows: NDArray[np.float64], like: Parameters, precision: str) -> Callable[[slice], Parameters]:
    """Return networks of the shape of another from their parameters as vectors, (m, parameters)."""

    def stack_of(stretch: slice) -> Parameters:
        return like.unflatten(rows[stretch].astype(precision))

    return stack_of
