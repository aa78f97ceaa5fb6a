"""Successive halving: the worst are stopped early, so that the time goes to those that may become the best.

Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from creche.engine.colony import RUNNING, Crew
from creche.errors import PlanError

__all__ = ["Halving", "halve"]


@dataclass(frozen=True, slots=True)
class Halving:
    """How the worst are stopped.

    Parameters
    ----------
    keep : float, default 1/3
        The share of the networks that goes on after each round.
    first : int, optional
        Epochs of the first round; by default as many as leave about 8 networks, or 4 % of them, for the last. Each
        round has 1 / keep times the epochs of the one before.

    """

    keep: float = 1 / 3
    first: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.keep, bool) or not isinstance(self.keep, float | int) or not 0 < self.keep < 1:
            raise PlanError(f"halving: keep is {self.keep!r}; needs a share above 0 and below 1, such as 0.33")
        if self.first is not None and (
            not isinstance(self.first, int) or isinstance(self.first, bool) or self.first < 1
        ):
            raise PlanError(f"halving: first is {self.first!r}; needs a whole number of epochs of at least 1")

    @classmethod
    def of(cls, choice: object) -> Halving | None:
        """From None or False (nobody is stopped), True, the share that is kept, or itself."""
        if choice is None or choice is False:
            return None
        if choice is True:
            return cls()
        return choice if isinstance(choice, cls) else cls(choice)  # type: ignore[arg-type]

    def rounds(self, epochs: int, networks: int) -> list[int]:
        """After which epochs the worst are stopped.

        Examples
        --------
        >>> Halving().rounds(81, 1000)
        [3, 9, 27]

        """
        times = 1 / self.keep
        if self.first is None:
            wanted = math.log(max(networks / 8, 1)) / math.log(times)
            count = min(max(int(wanted), 0), 3)
            first = max(1, math.floor(epochs / times**count))
        else:
            first = self.first
        ends = []
        end = float(first)
        while round(end) < epochs:
            ends.append(round(end))
            end *= times
        return list(dict.fromkeys(ends))

    def share(self, epochs: int, networks: int) -> float:
        """What is trained, as a share of what would be if nobody were stopped.

        Examples
        --------
        >>> round(Halving(keep=0.5, first=10).share(20, 100), 3)
        0.75

        """
        trained, left, begin = 0.0, 1.0, 0
        for end in (*self.rounds(epochs, networks), epochs):
            trained += left * (end - begin)
            left, begin = left * self.keep, end
        return trained / epochs


def halve(crew: Crew, halving: Halving, groups: Sequence[int], on_progress: Callable[[], object] | None = None) -> None:
    """Trains everyone, and after each round stops those whose watched loss is among the worst.

    Who is stopped depends on the histories alone, up to the end of the round. So a crew that was halved in part may be
    given again, and the rounds it has behind it change nothing.

    Parameters
    ----------
    crew : Crew
    halving : Halving
    groups : sequence of int
        Of each member; only losses within a group are compared.
    on_progress : callable, optional

    """
    epochs = max(job.plan.epochs for job in crew.jobs)
    for end in halving.rounds(epochs, len(crew)):
        crew.run(end, on_progress)
        worst = [number for number in _worst(crew, halving.keep, end, groups) if crew.status(number) == RUNNING]
        if worst:
            crew.stop(worst)
    crew.run(-1, on_progress)


def _worst(crew: Crew, keep: float, end: int, groups: Sequence[int]) -> list[int]:
    """Those that do not go on after the round that ends behind so many epochs."""
    # Whoever was stopped in an earlier round, or diverged, does not count; whoever has finished early does.
    there = [
        crew.epoch(number) >= end or crew.status(number) in ("finished", "early_stopped") for number in range(len(crew))
    ]
    loss = np.array([_watched_loss(crew, number, end) for number in range(len(crew))])
    group = np.asarray(groups)
    worst: list[int] = []
    for g in np.unique(group):
        members = np.flatnonzero((group == g) & there)
        ranked = members[np.argsort(loss[members], kind="stable")]
        worst += ranked[max(1, math.ceil(keep * len(members))) :].tolist()
    return worst


def _watched_loss(crew: Crew, number: int, end: int) -> float:
    history = crew.history(number)
    losses = history["train_loss" if crew.jobs[number].validation is None else "validation_loss"][:end]
    return float(np.nan_to_num(losses.min() if len(losses) else np.inf, nan=np.inf))
