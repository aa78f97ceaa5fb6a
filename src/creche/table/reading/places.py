"""Places in a file at which reading can go on, without what comes before them being parsed again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["BEGINNING", "Place", "Trail", "skip_bytes"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two frames of a file.

    Attributes
    ----------
    rows : int
        Rows of the frames before it.
    offset : int
        Bytes of text before it, decoded and without what is above the table; rows, in a file with an index.
    line : int
        The line of a text that begins there; 0 if its beginning is not known.
    numbered : int
        Rows before it as they are numbered in the file, with those that were left out.

    """

    rows: int = 0
    offset: int = 0
    line: int = 0
    numbered: int = 0


BEGINNING = Place()


class Trail:
    """The places that a reader has passed, so that it can go on at the last of them that precedes a row.

    Parameters
    ----------
    start : Place, default the beginning
        Where the reader begins.

    """

    def __init__(self, start: Place = BEGINNING) -> None:
        self.start = start
        self._places = deque([start])

    def note(self, place: Place) -> None:
        """Add a place that a reader has come to."""
        self._places.append(place)

    def last_before(self, rows: int) -> Place:
        """Return the last place with at most that number of rows before it; earlier ones are forgotten.

        Examples
        --------
        >>> trail = Trail()
        >>> for rows in (100, 200, 300):
        ...     trail.note(Place(rows, 10 * rows))
        >>> trail.last_before(250)
        Place(rows=200, offset=2000, line=0, numbered=0)

        """
        while len(self._places) > 1 and self._places[1].rows <= rows:
            self._places.popleft()
        return self._places[0]


def skip_bytes(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    """Yield pieces of bytes without the first ones.

    Examples
    --------
    >>> list(skip_bytes([b"Ade", b"lie", b"!"], 4))
    [b'ie', b'!']

    """
    for piece in pieces:
        if count < len(piece):
            yield piece[count:] if count else piece
            count = 0
        else:
            count -= len(piece)
