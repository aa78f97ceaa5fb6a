"""One training step on chosen rows, with the optimizer's state before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from creche.engine.native import Rows, new_run
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.plan.losses import CrossEntropy
from creche.plan.optimizers import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, NAdam, Optimizer, RAdam, RMSprop
from creche.plan.plan import Plan

__all__ = ["Step", "single_batch_plan", "state_names", "take_step"]


def state_names(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of what an optimizer keeps for each weight, in the engine's order; see core/optimizers.

    Examples
    --------
    >>> from creche import SGD, Adam
    >>> state_names(Adam()), state_names(SGD())
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
        case LBFGS():
            pairs = [(f"change_of_weights_{i}", f"change_of_gradients_{i}") for i in range(optimizer.history)]
            return ("accepted_weights", "direction", "accepted_gradients", *(name for pair in pairs for name in pair))
    raise AssertionError(f"no names for the state of {optimizer!r}")


OptimizerState = dict[str, Parameters]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A training step.

    Attributes
    ----------
    epoch, number : int
        The epochs and steps completed before it.
    learning_rate : float
        The learning rate of this step: the optimizer's times the schedule's factor.
    label_smoothing : float
        The loss's label smoothing in this step; 0 of losses that have none.
    before, after : Parameters
        The parameters before and after.
    optimizer_state_before, optimizer_state_after : dict of str to Parameters
        What the optimizer keeps for each parameter, by name.
    is_taken : bool
        False if the loss was not finite, so that no weight changed.

    """

    epoch: int
    number: int
    learning_rate: float
    label_smoothing: float
    before: Parameters
    after: Parameters
    optimizer_state_before: OptimizerState
    optimizer_state_after: OptimizerState
    is_taken: bool


def single_batch_plan(plan: Plan, rows: int, epoch: int = 0, label_smoothing: float | None = None) -> Plan:
    """Return the plan for one step on `rows` rows: one batch in the given order, without dropout.

    The batch size is at least 2, as some plans demand; a table of one row is a batch of one row all the same. It is not
    the last step of the plan, after which L-BFGS would go back to the accepted weights.

    A label smoothing that is given is that of the loss; otherwise it follows its schedule, if there is one.
    """
    network, loss = plan.network, plan.loss
    layers = tuple(replace(layer, dropout=0.0) for layer in network.layers)
    if isinstance(loss, CrossEntropy) and label_smoothing is not None:
        loss = replace(loss, label_smoothing=label_smoothing)
    return replace(
        plan, network=replace(network, layers=layers), loss=loss, shuffle=False, batch_size=max(rows, 2),
        submodel_batches="shared", epochs=epoch + 2, early_stopping=None, keep="last",
    )  # fmt: skip


def take_step(
    plan: Plan, parameters: Parameters, state: Mapping[str, NDArray[Any]] | None, rows: Rows, threads: int = 1
) -> Step:
    """Take one step on these rows.

    Parameters
    ----------
    plan : Plan
        A plan whose schedule has a length.
    parameters : Parameters
        The parameters before the step, if there is no state.
    state : dict of str to array, optional
        The state of a run of this plan (`Run.state`), with weights, optimizer state and the number of steps; without
        it the step is the first of a fresh optimizer.
    rows : Rows
        The batch.
    threads : int, default 1

    """
    epoch = 0 if state is None else RunState(state).epoch
    engine = new_run(single_batch_plan(plan, len(rows), epoch), rows, None, threads)
    if state is None:
        engine.set_parameters(dict(parameters))
    else:
        engine.set_state(dict(RunState(state).with_batch_restarted().arrays))
    number, rate, before, kept = engine.step, engine.learning_rate, Parameters(engine.parameters()), engine.state()
    smoothing = engine.label_smoothing
    status = engine.run(steps=1)
    names = state_names(plan.optimizer)
    return Step(
        epoch, number, rate, smoothing, before, Parameters(engine.parameters()), _optimizer_state(kept, names),
        _optimizer_state(engine.state(), names), status != "diverged",
    )  # fmt: skip


def _optimizer_state(state: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> OptimizerState:
    return {name: RunState(state).plane(p) for p, name in enumerate(names)}
