"""Successive halving: the worst networks are stopped early, so that the time goes to the most promising ones.

Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from creche.engine.colony import Crew
from creche.engine.outcomes import RUNNING
from creche.errors import PlanError

__all__ = ["Halving", "halve"]


@dataclass(frozen=True, slots=True)
class Halving:
    """How many networks are stopped, and when.

    Parameters
    ----------
    keep : float, default 1/3
        The share of the networks that continues after each round.
    first : int, optional
        Epochs of the first round; each round ends after 1 / keep times the epochs of the previous one. By default, the
        last round trains about 8 networks, or 4 % of them.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[5], learning_rate=cr.log_range(1e-3, 0.1, 8), epochs=8,
    ...                   halving=Halving(keep=0.5, first=2), threads=1)
    >>> sorted(member.epoch for member in colony)
    [2, 2, 2, 2, 4, 4, 8, 8]

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
        """Return a `Halving` from the argument of `creche.sweep`; None if no network is stopped.

        Parameters
        ----------
        choice : Halving, float, bool or None
            True for the defaults, or the share to keep; None or False to stop no network.

        """
        if choice is None or choice is False:
            return None
        if choice is True:
            return cls()
        return choice if isinstance(choice, cls) else cls(choice)  # type: ignore[arg-type]

    def rounds(self, epochs: int, networks: int) -> list[int]:
        """Return the epochs after which the worst networks are stopped.

        Parameters
        ----------
        epochs : int
            The epochs of a network that is never stopped.
        networks : int
            The number of networks at the start.

        Returns
        -------
        list of int

        Examples
        --------
        >>> Halving().rounds(81, 1000)
        [3, 9, 27]

        """
        factor = 1 / self.keep
        if self.first is None:
            count = int(math.log(max(networks / 8, 1)) / math.log(factor))
            first = max(1, math.floor(epochs / factor ** min(max(count, 0), 3)))
        else:
            first = self.first
        ends = []
        end = float(first)
        while round(end) < epochs:
            ends.append(round(end))
            end *= factor
        return list(dict.fromkeys(ends))

    def trained_share(self, epochs: int, networks: int) -> float:
        """Return the epochs that are trained, as a share of those without halving.

        Parameters
        ----------
        epochs : int
            The epochs of a network that is never stopped.
        networks : int
            The number of networks at the start.

        Returns
        -------
        float

        Examples
        --------
        >>> round(Halving(keep=0.5, first=10).trained_share(20, 100), 3)
        0.75

        """
        trained, running, start = 0.0, 1.0, 0
        for end in (*self.rounds(epochs, networks), epochs):
            trained += running * (end - start)
            running, start = running * self.keep, end
        return trained / epochs


def halve(crew: Crew, halving: Halving, groups: Sequence[int], on_progress: Callable[[], object] | None = None) -> None:
    """Train a crew to its end, and stop the members with the highest losses after each round.

    Which members are stopped depends on the histories up to the end of the round alone, so an interrupted crew can be
    halved again, and rounds that are over change nothing.

    Parameters
    ----------
    crew : Crew
    halving : Halving
    groups : sequence of int
        The group of each member; losses are compared within a group.
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
    """Return the members that do not continue after the round that ends with this epoch."""
    # Members that were stopped in an earlier round, or diverged, do not count; those that ended early do.
    competes = [
        crew.epoch(number) >= end or crew.status(number) in ("finished", "early_stopped") for number in range(len(crew))
    ]
    loss = np.array([_lowest_loss(crew, number, end) for number in range(len(crew))])
    group = np.asarray(groups)
    worst: list[int] = []
    for g in np.unique(group):
        members = np.flatnonzero((group == g) & competes)
        ranked = members[np.argsort(loss[members], kind="stable")]
        worst += ranked[max(1, math.ceil(keep * len(members))) :].tolist()
    return worst


def _lowest_loss(crew: Crew, number: int, end: int) -> float:
    """Return the lowest validation (or training) loss of a member up to an epoch."""
    history = crew.history(number)
    losses = history["train_loss" if crew.jobs[number].validation is None else "validation_loss"][:end]
    return float(np.nan_to_num(losses.min() if len(losses) else np.inf, nan=np.inf))
