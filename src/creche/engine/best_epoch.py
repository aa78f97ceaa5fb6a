"""The best epoch of a run by a metric that the engine does not compute.

The engine itself keeps the epoch with the lowest loss. For any other metric it trains from epoch to epoch, and between
two epochs the network is measured and the engine's record of the best epoch replaced: so checkpoints hold it, and a
single run and a member of a colony end with the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.errors import PlanError
from creche.plan.plan import Plan

__all__ = ["BestEpoch", "Measure"]

# The value of a metric for the parameters of a network; lower is better.
Measure: TypeAlias = Callable[[Parameters], float]

# Two epochs with equal metrics may differ in the last bits, by processor; a smaller gain than this is none.
ROUNDING = 1e-12


class BestEpoch:
    """Chooses the best epoch of one run, and decides when the run stops early.

    Parameters
    ----------
    plan : Plan
        With early stopping, its patience resolved.
    measure : callable
        Takes the parameters and returns the value of the metric, negated if higher is better.

    Attributes
    ----------
    judged : int
        The number of epochs that have been judged.

    """

    def __init__(self, plan: Plan, measure: Measure) -> None:
        self._plan = plan
        self._measure = measure
        self.judged = 0
        self._best: dict[str, NDArray[Any]] = {}
        self._best_value, self._best_epoch = math.inf, -1

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from the state of a run whose epochs have all been judged."""
        record = RunState(state)
        self.judged, self._best_value, self._best_epoch = record.epoch, record.best_loss, record.best_epoch
        self._best = {name: array for name, array in state.items() if name.startswith("best.")}

    def judge(self, state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the state at the end of an epoch with the best epoch so far; at the end of the run, restored.

        Raises
        ------
        PlanError
            If the metric cannot be computed on the rows.

        """
        stopping = self._plan.early_stopping
        assert stopping is not None
        assert stopping.patience is not None
        record = RunState(state)
        epoch = record.epoch - 1
        value = self._measure(record.parameters)
        if self._best_epoch < 0 and math.isnan(value):
            raise PlanError(
                f"EarlyStopping.watch: {stopping.watch!r} cannot be computed on the rows that are watched, in which a "
                "class may be missing or the label constant; watch another metric, or the loss",
                argument="watch",
            )
        margin = max(stopping.min_delta, ROUNDING * abs(self._best_value) if self._best_epoch >= 0 else 0.0)
        if self._best_epoch < 0 or value < self._best_value - margin:
            self._best_value, self._best_epoch = value, epoch
            self._best = {
                name.replace("network.", "best."): array for name, array in state.items() if name.startswith("network.")
            }
        self.judged = record.epoch
        stops = epoch - self._best_epoch >= stopping.patience
        progress = {"best_loss": self._best_value, "best_epoch": self._best_epoch, "early_stopped": stops}
        judged = {**record.with_progress(**progress).arrays, **self._best}
        if self._plan.keep == "best" and (stops or record.epoch >= self._plan.epochs):
            judged |= {name.replace("best.", "network."): array for name, array in self._best.items()}
        return judged
