"""The native engine: plans translated for it, runs and predictors created, memory checked beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche._advice import advise
from creche._system.resources import ALWAYS_AVAILABLE, available_memory
from creche.errors import PlanError
from creche.plan.arguments import NUMBER_SCHEDULES
from creche.plan.component import Component
from creche.plan.embeddings import EmbeddedColumns
from creche.plan.initializers import Zeros
from creche.plan.network import Layer, Network
from creche.plan.parameter_groups import StepFactors
from creche.plan.plan import Plan
from creche.plan.row_order import Windows
from creche.plan.schedules import Schedule, Warmup

__all__ = [
    "FLOPS_PER_THREAD",
    "Rows",
    "first_positions",
    "format_gigabytes",
    "has_float64",
    "limit_threads",
    "new_predictor",
    "new_run",
    "row_arrays",
    "rows_memory",
    "translate",
    "translate_network",
    "translate_row_order",
    "translate_within_memory",
]

FLOPS_PER_THREAD = 4_000_000

NEVER = 2**62  # a patience that no run outlasts

# What an optimizer has of groups of parameters, which the engine gets as factors for each layer.
GROUP_FIELDS = ("parameterization", "groups")

RowArrays: TypeAlias = tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]

LAYER_FIELDS = tuple(field.name for field in fields(Layer))


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded rows, which the engine reads in place: they must not change while a run exists.

    Attributes
    ----------
    x : (n, d) array of the plan's precision
    classes : (n,) int32 array, or None
    targets : (n, outputs) array of the plan's precision, or None
        The loss determines which of `classes` and `targets` is given.
    weights : (n,) array of the plan's precision, or None

    """

    x: NDArray[Any]
    classes: NDArray[np.int32] | None
    targets: NDArray[Any] | None
    weights: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: slice) -> Rows:
        """Return some of the rows, as views."""
        arrays = (self.classes, self.targets, self.weights)
        return Rows(self.x[rows], *(None if array is None else array[rows] for array in arrays))


def new_run(plan: Plan, rows: Rows, validation: Rows | None, threads: int) -> Any:
    """Create a run of the plan at its beginning (`Solo32` or `Solo64` of the compiled engine).

    Raises
    ------
    PlanError
        If it would not fit into memory.

    """
    engine = _core.load()
    translated = translate_within_memory(engine, plan, len(rows))
    threads = limit_threads(plan, len(rows), threads)
    kind = engine.Solo32 if plan.dtype == "float32" else engine.Solo64
    held_out = None if validation is None else row_arrays(validation)
    return kind(translated, *row_arrays(rows), held_out, threads, plan.loss.engine_callback())


def row_arrays(rows: Rows) -> RowArrays:
    """Return the arrays of rows in the order in which the engine takes them."""
    return rows.x, rows.classes, rows.targets, rows.weights


def has_float64() -> bool:
    """Return whether the compiled engine computes in float64 too; `make demo` builds it for float32 only."""
    return "Solo64" in vars(_core.load())


def limit_threads(plan: Plan, rows: int, threads: int) -> int:
    """Return how many of the threads a run should use: in a small network, threads would mostly wait for each other.

    No bit depends on it. A second thread pays off from about FLOPS_PER_THREAD operations per step on (measured by
    ``benchmarks/threads.py``).
    """
    flops_per_step = 6 * plan.network.parameters * plan.network.submodels * min(plan.batch_size, rows)
    return max(1, min(threads, flops_per_step // FLOPS_PER_THREAD))


def new_predictor(plan: Plan, parameters: Mapping[str, NDArray[Any]], threads: int) -> Any:
    """Create a network that predicts (`Predictor32` or `Predictor64` of the compiled engine)."""
    engine = _core.load()
    kind = engine.Predictor32 if plan.dtype == "float32" else engine.Predictor64
    return kind(translate(engine, plan), dict(parameters), threads)


def translate_within_memory(engine: ModuleType, plan: Plan, rows: int) -> Any:
    """Translate a plan, unless training on this number of rows would need more memory than there is.

    Raises
    ------
    PlanError
        If it would; nothing has been allocated yet.

    """
    network = plan.network
    itemsize = 4 if plan.dtype == "float32" else 8
    # Beyond this the exact number does not matter, and would not fit into 64 bits.
    absurd = network.parameters > 2**50
    translated = None if absurd else translate(engine, plan)
    needed = network.parameters * itemsize * 8 if absurd else engine.memory(translated, rows, itemsize)
    if needed <= ALWAYS_AVAILABLE:
        return translated
    free = available_memory()
    if absurd or (free is not None and needed > free):
        has = "this machine" if free is None else f"{format_gigabytes(free)} available"
        raise PlanError(
            f"network: {network} with {advise('batch_size', plan.batch_size)} has {network.parameters:,} parameters "
            "and needs "
            f"about {format_gigabytes(needed)} to train, more than {has}; give fewer or narrower layers, or smaller "
            "batches"
        )
    return translated


def rows_memory(rows: Rows) -> int:
    """Return the size of the rows' arrays in bytes."""
    return sum(array.nbytes for array in row_arrays(rows) if array is not None)


def format_gigabytes(size: int) -> str:
    """Write a number of bytes in gigabytes."""
    return f"{size / 1e9:,.1f} GB"


def translate(engine: ModuleType, plan: Plan, *, draws_weights: bool = True) -> Any:
    """Turn a plan into the compiled engine's. Its lengths must be resolved (`Plan.resolved`).

    Without `draws_weights`, networks begin with zeros: for those whose state is set before their first step.
    """
    out = translate_network(engine, plan.network)
    layers = out.layers
    if not draws_weights:
        for layer in layers:
            layer.initializer, layer.bias_initializer = Zeros.key, "zeros"
    _translate_groups(plan, layers)
    out.layers = layers
    out.embeddings = [_translate_embedding(engine, plan, embedded) for embedded in plan.network.embeddings]
    out.batch_size, out.epochs = plan.batch_size, plan.epochs
    translate_row_order(plan, out)
    out.drop_last, out.shards = plan.drop_last, plan.shards
    out.own_batches = plan.submodel_batches == "own"
    out.rounds_products = plan.precision == "bfloat16"
    _copy(plan.loss.engine_settings(plan.task, plan.network.outputs), out.loss)
    numbers = {name: value for name, value in plan.optimizer.to_dict().items() if name not in GROUP_FIELDS}
    _copy(numbers, out.optimizer, rename={"momentum_decay": "momentum"})
    for name in ("schedule", *NUMBER_SCHEDULES):
        _translate_schedule(getattr(plan, name), getattr(out, name))
    _translate_stopping(plan, out.early_stopping)
    return out


def translate_network(engine: ModuleType, network: Network) -> Any:
    """Turn a network into a plan of the compiled engine with nothing else in it."""
    out = engine.Plan()
    out.inputs = network.inputs
    out.submodels, out.submodel_start = network.submodels, network.submodel_start
    out.input_features = list(network.input_features)
    layers = []
    for i, layer in enumerate(network.layers):
        to = engine.LayerPlan()
        for name in LAYER_FIELDS:
            value = getattr(layer, name)
            if isinstance(value, Component):  # an activation or an initializer: its key and its one number
                setattr(to, name, value.key)
                setattr(to, f"{name}_parameter", value.parameter)  # type: ignore[attr-defined]
            else:
                setattr(to, name, value)
        to.sharing, to.scale_inputs = network.shared_by_submodels(i), network.scales_inputs(i)
        layers.append(to)
    out.layers = layers
    out.embeddings = [_translate_columns(engine, embedded) for embedded in network.embeddings]
    return out


def _translate_columns(engine: ModuleType, embedded: EmbeddedColumns) -> Any:
    out = engine.EmbeddingPlan()
    _copy(embedded.embedding.engine_settings(), out)
    out.columns, out.sizes = list(embedded.columns), list(embedded.sizes)
    return out


def _translate_embedding(engine: ModuleType, plan: Plan, embedded: EmbeddedColumns) -> Any:
    out = _translate_columns(engine, embedded)
    _copy(plan.optimizer.factors_of_embeddings()[embedded.embedding.key]._asdict(), out.parameters)
    return out


def translate_row_order(plan: Plan, to: Any) -> None:
    """Set what the order of rows depends on in a plan of the compiled engine."""
    to.seed, to.shuffle = plan.seed, plan.shuffle is not False
    if isinstance(plan.shuffle, Windows):
        to.windows.block, to.windows.window = plan.shuffle.block, plan.shuffle.window


def first_positions(rows: int, orders: int) -> NDArray[np.int64]:
    """Return where each submodel begins the order of an epoch, (orders,), as `first_position` of core/epoch.hpp.

    Parameters
    ----------
    rows : int
        The number of training rows.
    orders : int
        The number of submodels with batches of their own; 1 if all share each batch.

    Examples
    --------
    >>> first_positions(10, 4).tolist()
    [0, 2, 5, 7]

    """
    return np.arange(orders, dtype=np.int64) * rows // orders


def _translate_groups(plan: Plan, layers: list[Any]) -> None:
    optimizer = plan.optimizer
    for layer, weights in zip(layers, optimizer.factors_of_weights(plan.network.widths), strict=True):
        for group, factors in {"weights": weights, **optimizer.factors_of_vectors()}.items():
            if factors != StepFactors():
                _copy(factors._asdict(), getattr(layer, group))


def _translate_stopping(plan: Plan, to: Any) -> None:
    """Translate early stopping, and which weights are kept; the engine keeps the best only with a patience."""
    stopping = plan.early_stopping
    judged_outside = stopping is not None and not stopping.watches_loss  # by `BestEpoch`, which restores them, too
    if stopping is None and plan.keep == "last":
        return
    to.patience = NEVER
    to.restore_best = plan.keep == "best" and not judged_outside
    if stopping is not None and not judged_outside:
        if stopping.patience is None:
            raise PlanError("EarlyStopping.patience: is not resolved; use Plan.resolved")
        to.patience, to.min_delta = stopping.patience, stopping.min_delta


def _copy(data: dict[str, Any], to: Any, rename: dict[str, str] | None = None) -> None:
    for name, value in data.items():
        setattr(to, (rename or {}).get(name, name), value)


def _translate_schedule(schedule: Schedule, to: Any) -> None:
    if isinstance(schedule, Warmup):
        _translate_schedule(schedule.then, to)
        to.warmup, to.warmup_start = schedule.length, schedule.start
        return
    data = schedule.to_dict()
    to.per_step = data.pop("per") == "step"
    if data.get("length", 1.0) is None:
        raise PlanError(f"{type(schedule).__name__}.length: is not resolved; use Plan.resolved")
    _copy(data, to)
