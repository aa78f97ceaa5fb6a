"""Handing pieces out: in their order, a few ahead, and their results in their order where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from creche.engine.hardware import Workers

__all__ = ["Handout", "carry_out_in_order"]

# Pieces that are handed out, for each that is carried out at once: a worker that is done has its next one at hand.
AHEAD = 2


class Handout:
    """Pieces on their way to workers and back.

    Parameters
    ----------
    pieces : iterable
        They are made, or read, when it is their turn.
    lead : int, optional
        How far ahead of the oldest piece that is not done a piece may be handed out; as far as workers are free by
        default.

    Attributes
    ----------
    running : dict
        The position and the piece by the handle of each that is handed out.

    Examples
    --------
    >>> handout = Handout("abcdefgh", lead=3)
    >>> for position, piece in handout.take(slots=1):
    ...     handout.running[f"handle of {piece}"] = position, piece
    >>> list(handout.running)
    ['handle of a', 'handle of b']
    >>> handout.running.pop("handle of b")
    (1, 'b')
    >>> for position, piece in handout.take(slots=9):
    ...     handout.running[f"handle of {piece}"] = position, piece
    >>> list(handout.running)  # c is the third since a
    ['handle of a', 'handle of c']

    """

    def __init__(self, pieces: Iterable[Any], lead: int | None = None) -> None:
        self._waiting = enumerate(pieces)
        self._lead = lead
        self._next = 0
        self.running: dict[Any, tuple[int, Any]] = {}

    def take(self, slots: int) -> Iterator[tuple[int, Any]]:
        """Yield the positions and the pieces that are due, until there are `AHEAD` in `running` for each slot."""
        while len(self.running) < AHEAD * slots and not self._is_far_ahead():
            item = next(self._waiting, None)
            if item is None:
                return
            self._next = item[0] + 1
            yield item

    def _is_far_ahead(self) -> bool:
        if self._lead is None or not self.running:
            return False
        return self._next - min(position for position, _ in self.running.values()) >= self._lead


def carry_out_in_order(
    workers: Workers,
    function: Callable[[Any, Any], Any],
    shared: Any,
    pieces: Iterable[Any],
    on_done: Callable[[Any], object],
    lead: int,
) -> None:
    """Call ``function(shared, piece)`` for each piece, and `on_done` with the results, in the order of the pieces.

    Parameters
    ----------
    workers : Workers
    function : callable
    shared : object
        What all pieces have in common.
    pieces : iterable
    on_done : callable
    lead : int
        How many pieces, or their results, are in memory at most.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from creche.scale.executor import ExecutorWorkers
    >>> with ThreadPoolExecutor(3) as pool:
    ...     carry_out_in_order(ExecutorWorkers(pool), pow, 2, range(5), print, lead=3)
    1
    2
    4
    8
    16

    """
    early: dict[int, Any] = {}
    due = 0

    def take(position: int, result: Any) -> None:
        nonlocal due
        early[position] = result
        while due in early:
            on_done(early.pop(due))
            due += 1

    workers.carry_out(function, shared, pieces, take, lead)
