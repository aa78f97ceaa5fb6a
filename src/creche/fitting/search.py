"""The search: rounds of configurations on the folds of a table, until the budget is spent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from creche.engine.hardware import Hardware
from creche.fitting.candidate import Candidate, candidate_work, count_fitting, train_candidates
from creche.fitting.configuration import Configuration
from creche.fitting.elsewhere import train_elsewhere
from creche.fitting.fold_tables import FoldTables
from creche.fitting.policy import LENGTHENED_FACTOR, RANDOM_PER_ROUND, Policy
from creche.fitting.weighting import score_mean
from creche.model.fit_record import Round

__all__ = ["FitProgress", "Search", "Standing", "mix_candidates"]


@dataclass(frozen=True, slots=True)
class FitProgress:
    """How far `creche.fit` has come.

    Attributes
    ----------
    tried : int
        Configurations that have been trained.
    training : int
        Configurations in training.
    best : float or None
        The lowest mean loss of their out-of-fold predictions: log loss, or root mean squared error.
    share : float
        The share of the budget that is spent, from 0 to 1.
    seconds : float
        Since the beginning.
    seconds_left : float or None
        An estimate; None at the beginning.
    board : tuple of Standing
        The configurations that have been trained, in the order in which they were.

    """

    tried: int
    training: int
    best: float | None
    share: float
    seconds: float
    seconds_left: float | None
    board: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A configuration that `creche.fit` has trained on every fold.

    Attributes
    ----------
    number : int
        Its position in the order in which configurations are tried, from 0.
    name : str
    loss : float
        The log loss, or the root mean squared error, of its out-of-fold predictions.
    epochs : int
        Epochs that its networks have learnt.

    """

    number: int
    name: str
    loss: float
    epochs: int


@dataclass(slots=True, eq=False)
class Search:
    """Tries configurations in rounds.

    Parameters
    ----------
    tables : FoldTables
    policy : Policy
    hardware : Hardware
    time_limit : float, optional
        In seconds, from `started`.
    started : float
        When the call began, by `time.monotonic`.
    on_progress : callable, optional
    on_round : callable, optional
        Called after each complete round.

    Attributes
    ----------
    candidates : list of Candidate
    rounds : list of Round
        What was trained.
    work : float
        Operations so far.
    status : {"finished", "interrupted", "out of time"}

    """

    tables: FoldTables
    policy: Policy
    hardware: Hardware
    time_limit: float | None = None
    started: float = 0.0
    on_progress: Callable[[FitProgress], object] | None = None
    on_round: Callable[[], object] = lambda: None
    candidates: list[Candidate] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    work: float = 0.0
    status: str = "finished"
    _budget: float = 0.0
    _first: int = field(init=False)  # configurations, without those that are tried for longer
    _reserved: float = 0.0  # for configurations that may be tried for longer
    _best: float | None = None
    _round_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._first = len(self.policy.first)

    def run(self) -> None:
        """Train rounds until the budget is spent, the time is over, or Ctrl-C."""
        works = [self._round_work(number, 1) for number in range(len(self.policy.first))]
        self._budget = self.policy.factor * sum(works[: self._first]) + sum(works[self._first :])
        self._reserved = LENGTHENED_FACTOR * sum(works) if self.policy.lengthened else 0.0
        while self.status == "finished" and (count := self._next_count()):
            number = self._tried()
            self._train(number, count, None, self._round_work(number, count))
            if self.status == "finished":
                try:
                    self.on_round()
                except KeyboardInterrupt:
                    self.status = "interrupted"
        if self.status == "finished":
            try:
                self._report(self._budget, 0)
            except KeyboardInterrupt:
                self.status = "interrupted"

    def plan(self, first: int, count: int) -> list[tuple[int, Configuration]]:
        """Return the next configurations, with their numbers.

        They do not depend on how many of them a round holds: each knows the same number of those before it.
        """
        ranked = self._rank()
        known = [self.policy.count_known(number) for number in range(first, first + count)]
        return [
            (
                number,
                self.policy.configuration(number, [each.configuration for each in ranked if each.number < earlier]),
            )
            for number, earlier in enumerate(known, first)
        ]

    def restore(self, found: Sequence[Candidate], planned: Round) -> None:
        """Take over the next round of an earlier search, and what it found."""
        self.work += self._round_work(planned.first, planned.count)
        self._add(found, planned)

    def elapsed(self) -> float:
        """Return the seconds since the search began, those of an earlier one included."""
        return time.monotonic() - self.started

    def repeat(self, rounds: Sequence[Round]) -> None:
        """Train the rounds of an earlier search again, however long it takes."""
        self.time_limit = None
        for number, each in enumerate(rounds):
            planned = self._round_work(each.first, each.count)
            self._budget = (self.work + planned) * len(rounds) / (number + 1)  # as if those to come are like these
            self._train(each.first, each.count, each.epochs, planned)
            if self.status != "finished":
                return

    def _tried(self) -> int:
        return sum(each.count for each in self.rounds)

    def _next_count(self) -> int:
        """Return how many configurations the next round has; 0 for no further round."""
        tried, first = self._tried(), len(self.policy.first)
        if tried < first:
            if tried and self._is_over():
                self.status = "out of time"
                return 0
            return self._fitting_into_memory(tried, first - tried)
        if self.time_limit is None:
            count = self._affordable(tried, RANDOM_PER_ROUND)
        else:
            count = RANDOM_PER_ROUND if self.elapsed() + self._round_seconds <= self.time_limit else 0
        return self._fitting_into_memory(tried, count)

    def _fitting_into_memory(self, number: int, count: int) -> int:
        """Return how many of these configurations one round can hold."""
        return count_fitting((each for _, each in self.plan(number, count)), self.tables)

    def _affordable(self, number: int, count: int) -> int:
        """Return how many of the next configurations the budget allows."""
        left, allowed = self._budget - self.work, 0
        while allowed < count:
            left -= self._round_work(number + allowed, 1)
            if left < -1e-9 * self._budget:
                break
            allowed += 1
        return allowed

    def _round_work(self, first: int, count: int) -> float:
        return sum(candidate_work(each, self.tables) for _, each in self.plan(first, count))

    def _done_work(self, numbered: Sequence[tuple[int, Configuration]], epochs: int) -> float:
        """Return the operations of these configurations up to an epoch."""
        return sum(candidate_work(each, self.tables) * min(epochs / each.epochs, 1.0) for _, each in numbered)

    def _train(self, first: int, count: int, epochs: int | None, planned: float) -> None:
        numbered = self.plan(first, count)
        base, begin = self.work, time.monotonic()

        def report(share: float) -> None:
            self._report(base + share * planned, count)

        try:
            self._report(base, count)
        except KeyboardInterrupt:
            self.status = "interrupted"
            return
        if self.hardware.workers is None:
            found, done, interrupted = train_candidates(
                self.tables, numbered, self.policy.seed, self.hardware,
                epochs_allowed=epochs, is_over=self._is_over, on_epoch=report,
            )  # fmt: skip
        else:
            left = math.inf if self.time_limit is None else max(0.0, self.time_limit - self.elapsed())
            found, done, interrupted, count = train_elsewhere(
                self.tables, numbered, self.policy.seed, self.hardware,
                epochs_allowed=epochs, seconds=left, on_share=report,
            )  # fmt: skip
        self.work = base + (self._done_work(numbered[:count], done) if interrupted else planned)
        self._round_seconds = time.monotonic() - begin
        if done:
            self._add(found, Round(first, count, done))
        if interrupted:
            self.status = "out of time" if self._is_over() else "interrupted"

    def _add(self, found: Sequence[Candidate], trained: Round) -> None:
        self.candidates += found
        self.rounds.append(trained)
        losses = [score_mean(each.predicted, self.tables.judged) for each in found]
        self._best = min(losses if self._best is None else [self._best, *losses], default=None)
        if self.policy.lengthened and self._tried() >= (first := len(self.policy.first)):
            self.policy = self.policy.lengthen(self._rank(), self._round_work(0, first))
            self._budget += self._round_work(first, len(self.policy.first) - first)
            self._reserved = 0.0

    def _rank(self) -> list[Candidate]:
        """Return the candidates, the one with the lowest loss first."""
        return sorted(self.candidates, key=lambda each: (each.loss, each.number))

    def _is_over(self) -> bool:
        return self.time_limit is not None and self.elapsed() >= self.time_limit

    def _report(self, work: float, training: int) -> None:
        if self.on_progress is None:
            return
        elapsed = self.elapsed()
        budget = self._budget + self._reserved
        share = min(1.0, work / budget if self.time_limit is None else elapsed / self.time_limit)
        left = elapsed * (1 - share) / share if share > 0.02 else None
        if self.time_limit is not None:
            left = max(0.0, self.time_limit - elapsed)
        best = None if self._best is None else self._as_told(self._best)
        board = tuple(
            Standing(each.number, each.configuration.name, self._as_told(each.loss), each.epoch)
            for each in self.candidates
        )
        self.on_progress(FitProgress(len(self.candidates), training, best, share, elapsed, left, board))

    def _as_told(self, loss: float) -> float:
        """Return a mean loss in units that mean something: errors of numbers in those of the label."""
        judged = self.tables.judged
        return loss if judged.classes is not None else loss ** (1 / judged.unit_power)


def mix_candidates(candidates: Sequence[Candidate], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the candidates' out-of-fold predictions by their weights."""
    mean = np.zeros_like(candidates[0].predicted)
    for candidate, weight in zip(candidates, weights.tolist(), strict=True):
        if weight:
            mean = mean + weight * candidate.predicted
    return mean
