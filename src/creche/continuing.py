"""Going on with a network: on the rows it was trained on or on others, with the encoders it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.engine.machine import resolve_threads
from creche.errors import PlanError
from creche.plan.plan import Plan
from creche.run import Run
from creche.table.encode import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.preparation import Preparation
from creche.table.prepare import prepare

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Standing", "continued"]

# Places in a state's `progress` of the lowest loss so far and its epoch, and of whether training was stopped early
# (bind_solo.cpp lists all), and what they hold before the first epoch.
BEST_SO_FAR = {8: np.inf, 9: -1.0, 10: 0.0}


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where a run stands: what is needed to go on with it, in plain arrays, so that it can be kept, copied and pickled.

    Attributes
    ----------
    plan : Plan
    preparation : Preparation
    features : FeatureEncoder
    labels : LabelEncoder
    state : dict of str to array
        As `Run.state` gives it: weights, the optimizer's state, counters, history.

    """

    plan: Plan
    preparation: Preparation
    features: FeatureEncoder
    labels: LabelEncoder
    state: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, run: Run) -> Self:
        prepared = run.prepared
        return cls(run.plan, prepared.preparation, prepared.features, prepared.labels, run.state())

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return int(self.state["progress"][0])


def continued(
    standing: Standing,
    plan: Plan,
    data: Any,
    y: Any,
    *,
    sample_weight: ArrayLike | None = None,
    class_weight: Mapping[Any, float] | str | None = None,
    validation_fraction: float = 0.0,
    validation_data: Any = None,
    threads: int | None = None,
) -> Run:
    """A run that goes on from where another stands; not begun.

    Weights, the optimizer's state and the count of epochs go on, so with the same plan and rows it ends with the same
    bytes as a run that never stopped. What early stopping remembers begins anew: losses on other rows say nothing
    about these.

    Parameters
    ----------
    standing : Standing
    plan : Plan
        Its `epochs` count from the beginning. All but the network, the kind of optimizer and the precision may differ
        from the plan so far.
    data, y, sample_weight, class_weight, validation_fraction, validation_data, threads
        As for `train`.

    Raises
    ------
    PlanError
        If the weights or the optimizer's state so far do not fit the plan.
    TableError
        If the rows do not fit the encoders, or have a label that is none of the classes.

    """
    before = standing.plan
    for name, was, now in (
        ("network", before.network, plan.network),
        ("precision", before.precision, plan.precision),
        ("optimizer", before.optimizer.word, plan.optimizer.word),
    ):
        if was != now:
            raise PlanError(f"{name}: was {was} when training began and is now {now}; to change it, begin anew")
    split = replace(standing.preparation.split, validation_fraction=validation_fraction)
    prepared = prepare(
        data, y, replace(standing.preparation, split=split, class_weight=class_weight), task=plan.task, loss=plan.loss,
        seed=plan.seed, validation_data=validation_data, weights=sample_weight,
        encoders=(standing.features, standing.labels),
    )  # fmt: skip
    run = Run(plan, prepared, resolve_threads(threads))
    run.set_state(_without_best(standing.state))
    return run


def _without_best(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    progress = state["progress"].copy()
    for place, value in BEST_SO_FAR.items():
        progress[place] = value
    layers = {name.replace("network.", "best."): array for name, array in state.items() if name.startswith("network.")}
    return {**state, **layers, "progress": progress}
