"""The state of a run by name: a view of the arrays that the engine returns and accepts.

The engine's state is a flat dict of arrays (bindings/run_state.hpp), and checkpoints keep it as it is:
``network.<name>`` of each array of parameters, ``optimizer.<plane>.<name>``, ``best.<name>``, ``history.<column>`` and
``progress``, a row of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import Parameters
from creche.plan.changes import SetWeight

__all__ = ["PROGRESS", "RunState"]

# The first numbers of `progress`; those of the schedule and of the optimizer's step factors follow.
PROGRESS = (
    "epoch", "step", "batch", "loss_sum", "weight_sum", "metric_sum", "learning_rate", "seconds", "best_loss",
    "best_epoch", "early_stopped",
)  # fmt: skip

# Behind them: the optimizer's step factors, and the state of a schedule that follows the loss.
STEP_FACTORS = slice(len(PROGRESS), len(PROGRESS) + 4)
PLATEAU = slice(STEP_FACTORS.stop, STEP_FACTORS.stop + 3)


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """A view of a run's state, which copies nothing; the `with_…` methods return another state.

    Parameters
    ----------
    arrays : dict of str to array
        From `Run.state`, a checkpoint or the engine.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=3, threads=1)
    >>> state = RunState(run.state())
    >>> state.epoch, state.step, state.batch, len(state.history["train_loss"])
    (3, 24, 0, 3)
    >>> RunState(state.with_progress(epoch=2).arrays).epoch, state.epoch
    (2, 3)

    """

    arrays: Mapping[str, NDArray[Any]]

    def _progress(self, name: str) -> float:
        return float(self.arrays["progress"][PROGRESS.index(name)])

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return int(self._progress("epoch"))

    @property
    def step(self) -> int:
        """Completed steps."""
        return int(self._progress("step"))

    @property
    def batch(self) -> int:
        """Completed steps of the current epoch."""
        return int(self._progress("batch"))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the current epoch's first step."""
        return self._progress("learning_rate")

    @property
    def seconds(self) -> float:
        """Time spent on the current epoch."""
        return self._progress("seconds")

    @property
    def best_loss(self) -> float:
        """The lowest loss that early stopping has seen; infinite before the first epoch ends."""
        return self._progress("best_loss")

    @property
    def best_epoch(self) -> int:
        """The epoch of that loss, from 0; -1 before the first epoch ends."""
        return int(self._progress("best_epoch"))

    @property
    def early_stopped(self) -> bool:
        """Whether early stopping has ended the run."""
        return self._progress("early_stopped") != 0

    @property
    def parameters(self) -> Parameters:
        """The parameters of the network."""
        return Parameters(self._named("network."))

    def plane(self, number: int) -> Parameters:
        """One of the numbers that the optimizer keeps for each parameter."""
        return Parameters(self._named(f"optimizer.{number}."))

    @property
    def history(self) -> dict[str, NDArray[Any]]:
        """One number for each completed epoch, by column."""
        return self._named("history.")

    def _named(self, prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}

    def with_progress(self, **numbers: float) -> RunState:
        """The state with other numbers of progress.

        Parameters
        ----------
        **numbers : float
            By their names in `PROGRESS`.

        """
        progress = self.arrays["progress"].copy()
        for name, value in numbers.items():
            progress[PROGRESS.index(name)] = value
        return RunState({**self.arrays, "progress": progress})

    def with_batch_restarted(self) -> RunState:
        """The state with no batch of its epoch completed, and not stopped early: one more step can be taken."""
        return self.with_progress(batch=0, early_stopped=False)

    def with_weights(self, values: Sequence[SetWeight]) -> RunState:
        """The state with other values of some weights.

        Parameters
        ----------
        values : sequence of SetWeight
            The network must have these weights.

        """
        parameters = self.parameters.copy()
        layers = parameters.layers
        for value in values:
            w, b = layers[value.layer]
            if value.source is None:
                b[value.target] = value.value
            else:
                w[value.source, value.target] = value.value
        return RunState({**self.arrays, **{f"network.{name}": array for name, array in parameters.items()}})

    def carried_over(self, fresh: RunState, *, same_optimizer: bool, same_schedule: bool) -> RunState:
        """The state for a run whose plan has changed: what the optimizer keeps stays if it is for the same rule.

        Parameters
        ----------
        fresh : RunState
            The state of a new run of the changed plan.
        same_optimizer, same_schedule : bool
            Whether the optimizer is of the same kind, and the schedule the same.

        """
        planes = {name: array for name, array in fresh.arrays.items() if name.startswith("optimizer.")}
        keeps = same_optimizer and all(name in self.arrays for name in planes)
        others = {name: array for name, array in self.arrays.items() if not name.startswith("optimizer.")}
        progress = self.arrays["progress"].copy()
        if not keeps:
            progress[STEP_FACTORS] = fresh.arrays["progress"][STEP_FACTORS]
        if not same_schedule:
            progress[PLATEAU] = fresh.arrays["progress"][PLATEAU]
        chosen = {name: self.arrays[name] for name in planes} if keeps else planes
        return RunState({**others, **chosen, "progress": progress})

    def without_best(self) -> RunState:
        """The state without the best loss and the best weights so far, as if early stopping began here."""
        best = {
            name.replace("network.", "best."): array
            for name, array in self.arrays.items()
            if name.startswith("network.")
        }
        fresh = self.with_progress(best_loss=np.inf, best_epoch=-1, early_stopped=False)
        return RunState({**fresh.arrays, **best})
