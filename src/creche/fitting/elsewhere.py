"""Candidates that other processes or machines train: a configuration is a piece, with its networks on all folds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from creche.engine.hardware import Hardware
from creche.fitting.candidate import Candidate, train_candidates
from creche.fitting.configuration import Configuration
from creche.fitting.fold_tables import FoldTables

__all__ = ["train_elsewhere"]

Numbered = tuple[int, Configuration]


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """What the configurations of a round have in common, which goes to each process once."""

    tables: FoldTables
    seed: int
    hardware: Hardware
    epochs_allowed: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A configuration, with its position among all."""

    numbered: Numbered

    def describe(self, _: _Round) -> str:
        """Return which configuration it is, for messages."""
        number, configuration = self.numbered
        return f"configuration {number + 1:,} ({configuration.name})"


def train_elsewhere(
    tables: FoldTables,
    configurations: Sequence[Numbered],
    seed: int,
    hardware: Hardware,
    *,
    epochs_allowed: int | None = None,
    seconds: float = math.inf,
    on_share: Callable[[float], object] | None = None,
) -> tuple[list[Candidate], int, bool, int]:
    """Train the configurations of a round by workers; each has the networks that `train_candidates` gives.

    Parameters
    ----------
    tables, configurations, seed, epochs_allowed
        As for `train_candidates`.
    hardware : Hardware
        With workers.
    seconds : float
        After which no configuration trains on.
    on_share : callable, optional
        Called with the share of the configurations that are done.

    Returns
    -------
    candidates : list of Candidate
        Without configurations that diverged.
    epochs : int
        The epochs of the configuration that trained longest.
    interrupted : bool
        Whether Ctrl-C, or the end of the time, came before all were done.
    count : int
        How many of the first configurations are done: those after one that is not are dropped, so that the round can
        be repeated.

    """
    workers = hardware.workers
    assert workers is not None
    shared = _Round(tables, seed, Hardware(1, hardware.device), epochs_allowed, seconds)
    done: dict[int, tuple[list[Candidate], int]] = {}

    def take(position: int, result: tuple[list[Candidate], int, bool]) -> None:
        candidates, epochs, interrupted = result
        if not interrupted:
            done[position] = candidates, epochs
        if on_share is not None:
            on_share(len(done) / len(configurations))

    interrupted = False
    try:
        workers.carry_out(_train, shared, [_Piece(each) for each in configurations], take)
    except KeyboardInterrupt:
        interrupted = True
    count = next((n for n in range(len(configurations)) if n not in done), len(configurations))
    candidates = [candidate for position in range(count) for candidate in done[position][0]]
    epochs = max((done[position][1] for position in range(count)), default=0)
    return candidates, epochs, interrupted or count < len(configurations), count


def _train(shared: _Round, piece: _Piece) -> tuple[list[Candidate], int, bool]:
    end = time.monotonic() + shared.seconds
    return train_candidates(
        shared.tables, [piece.numbered], shared.seed, shared.hardware, epochs_allowed=shared.epochs_allowed,
        is_over=lambda: time.monotonic() >= end,
    )  # fmt: skip
