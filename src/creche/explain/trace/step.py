"""What an optimizer keeps of each weight from step to step, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import Weights
from creche.engine.native import Rows, new_run
from creche.engine.run_state import RunState
from creche.plan.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, Lion, NAdam, Optimizer, RAdam, RMSprop
from creche.plan.plan import Plan

__all__ = ["Step", "is_finite", "plane_names", "single_batch_plan", "take_step"]


def plane_names(optimizer: Optimizer) -> tuple[str, ...]:
    """The names of an optimizer's state planes, in the engine's order; the rules are in core/optimizers.

    Examples
    --------
    >>> from creche import SGD, Adam
    >>> plane_names(Adam()), plane_names(SGD())
    (('momentum', 'second_moment'), ())

    """
    match optimizer:
        case SGD():
            return ("momentum",) if optimizer.momentum else ()
        case Adagrad():
            return ("sum_of_squares",)
        case Adadelta():
            return ("second_moment", "second_moment_of_steps")
        case RMSprop():
            mean = ("mean",) if optimizer.centered else ()
            return ("second_moment", *mean, *(("momentum",) if optimizer.momentum else ()))
        case Adam() | AdamW():
            return ("momentum", "second_moment", *(("greatest_second_moment",) if optimizer.amsgrad else ()))
        case NAdam() | RAdam():
            return ("momentum", "second_moment")
        case Lion():
            return ("momentum",)
    raise AssertionError(f"no names for what {optimizer!r} keeps")


Planes = dict[str, list[tuple[NDArray[Any], NDArray[Any]]]]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a step did.

    Attributes
    ----------
    epoch, number : int
        Completed epochs and steps before it.
    learning_rate : float
        Of this step: the optimizer's, times the schedule's factor.
    before, after : list of (W, b)
    planes_before, planes_after : dict of str to list of (W, b)
        What the optimizer keeps of each weight, by name.
    is_taken : bool
        False where the loss was not finite, and so no weight was changed.

    """

    epoch: int
    number: int
    learning_rate: float
    before: list[tuple[NDArray[Any], NDArray[Any]]]
    after: list[tuple[NDArray[Any], NDArray[Any]]]
    planes_before: Planes
    planes_after: Planes
    is_taken: bool


def single_batch_plan(plan: Plan, rows: int, epoch: int = 0) -> Plan:
    """The plan for a step on exactly so many rows: one batch, in their order, without dropout."""
    network = plan.network
    layers = tuple(replace(layer, dropout=0.0) for layer in network.layers)
    return replace(
        plan, network=replace(network, layers=layers), shuffle=False, batch_size=rows, epochs=epoch + 1,
        early_stopping=None,
    )  # fmt: skip


def take_step(
    plan: Plan, weights: Weights, state: Mapping[str, NDArray[Any]] | None, rows: Rows, threads: int = 1
) -> Step:
    """Takes one step on these rows.

    Parameters
    ----------
    plan : Plan
        Its schedule's length filled in.
    weights : sequence of (W, b)
        Where to begin, unless there is a state.
    state : dict of str to array, optional
        Of a run of this plan (`Run.state`), from which weights, the optimizer's state and the count of steps are taken;
        else the step is the first of a fresh optimizer.
    rows : Rows
        The batch.
    threads : int, default 1

    """
    epoch = 0 if state is None else RunState(state).epoch
    engine = new_run(single_batch_plan(plan, len(rows), epoch), rows, None, threads)
    if state is None:
        engine.set_parameters(list(weights))
    else:
        engine.set_state(dict(RunState(state).with_batch_restarted().arrays))
    number, rate, before, kept = engine.step, engine.learning_rate, engine.parameters(), engine.state()
    status = engine.run(steps=1)
    names = plane_names(plan.optimizer)
    return Step(
        epoch, number, rate, before, engine.parameters(), _planes(kept, names), _planes(engine.state(), names),
        status != "diverged",
    )  # fmt: skip


def _planes(state: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> Planes:
    return {name: RunState(state).plane(p) for p, name in enumerate(names)}


def is_finite(weights: Weights) -> bool:
    """Whether all weights and biases are."""
    return all(np.isfinite(array).all() for layer in weights for array in layer)
