"""The order in which an epoch goes through the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from creche.errors import PlanError
from creche.plan.component import Component, count_field
from creche.plan.words import canonical_word

__all__ = ["RowOrder", "Windows", "choose_row_order"]

MOST_ROWS = 2**31 - 1


@dataclass(frozen=True, slots=True, repr=False)
class Windows(Component):
    """Rows are shuffled in windows: some blocks of neighboring rows, whose rows go through training in random order.

    In each epoch the blocks come in a new random order, and the rows of each window, too. So an epoch reads a file in
    a few long pieces, with only a window of rows in memory, where `shuffle=True` needs all rows at random. Tables in
    memory obey the same order, so that they give the same weights as the file.

    Where neighbors are alike, as in a file sorted by the label, a window should have many blocks, at least 40. If it
    has all rows, they are shuffled together, though not in the order of `shuffle=True`.

    Parameters
    ----------
    block : int, default 4096
        Rows that follow each other in the table, and are read together.
    window : int, default 64
        Blocks whose rows are shuffled together.

    Examples
    --------
    >>> import creche as cr
    >>> order = Windows(block=8, window=4)
    >>> run = cr.train("penguins", label="species", shuffle=order, epochs=3, threads=1)
    >>> run.plan.shuffle
    Windows(block=8, window=4)

    """

    key: ClassVar[str] = "windows"
    block: int = count_field(4096, at_most=MOST_ROWS)
    window: int = count_field(64, at_most=MOST_ROWS)


# What `shuffle` takes: also "windows:4096,64", the rows of a block and the blocks of a window.
RowOrder: TypeAlias = bool | Windows | Literal["windows"]


def choose_row_order(choice: object) -> bool | Windows:
    """Return the order that the argument `shuffle` stands for.

    Parameters
    ----------
    choice : bool, Windows, str or dict
        Words are "windows", and with numbers "windows:4096,64"; a dict is one of `Windows.to_dict`.

    Raises
    ------
    PlanError
        If it stands for none.

    Examples
    --------
    >>> choose_row_order("windows:1000,50"), choose_row_order(False)
    (Windows(block=1000, window=50), False)

    """
    if isinstance(choice, bool | Windows):
        return choice
    if isinstance(choice, Mapping) and choice.get("kind", Windows.key) == Windows.key:
        return Windows.from_dict(choice)
    if isinstance(choice, str):
        word, colon, numbers = choice.partition(":")
        if canonical_word(word, [Windows.key]) == Windows.key:
            return Windows(*_parse_counts(choice, numbers)) if colon else Windows()
    raise PlanError(f"shuffle: got {choice!r}; needs True, False or Windows(block=4096, window=64)", argument="shuffle")


def _parse_counts(choice: str, numbers: str) -> list[int]:
    try:
        counts = [int(number) for number in numbers.split(",")]
    except ValueError:
        counts = []
    if not 1 <= len(counts) <= 2:
        raise PlanError(
            f"shuffle: got {choice!r}; needs rows and blocks after the colon, such as 'windows:4096,64'",
            argument="shuffle",
        )
    return counts
