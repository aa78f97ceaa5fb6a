"""A table that is no wider than the terminal: columns without room continue below, under the first column again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table

__all__ = ["PageTable"]


class PageTable(Table):
    """A table without lines, whose words and numbers are not cut where there is another way.

    Names of columns break between words, and so do cells aligned to the left under a name. Numbers, which are aligned
    to the right, and bars, which have no name above them, stay whole. Columns that then find no room in a line of the
    terminal form further tables below, each with the first column again, and without rows that are empty there.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of the table, or of the tables below each other."""
        inner = [self._measure_inside(console, options, column) for column in self.columns]
        padding = self._padding_beside()
        for i, numbers in enumerate(_arrange(inner, padding, options.max_width)):
            if i:
                yield ""
            widths = _widen([inner[n] for n in numbers], options.max_width - padding * len(numbers))
            yield from self._select(numbers, widths, is_further=i > 0).__rich_console__(console, options)

    def _padding_beside(self) -> int:
        """Return the characters to the left and right of each cell."""
        _, right, _, left = self.padding
        return left + right

    def _measure_inside(self, console: Console, options: ConsoleOptions, column: Column) -> Measurement:
        """Return the smallest width at which a column stays readable, and the one at which nothing in it breaks."""

        def measure(cells: Sequence[RenderableType]) -> Measurement:
            found = [Measurement.get(console, options, cell) for cell in cells]
            return Measurement(max((m.minimum for m in found), default=1), max((m.maximum for m in found), default=1))

        cells = measure([*column.cells])
        head = measure([column.header]) if self.show_header else Measurement(0, 0)
        is_whole = column.no_wrap or column.justify == "right" or (self.show_header and not column.header)
        narrowest = cells.maximum if is_whole else cells.minimum
        return Measurement(max(narrowest, head.minimum), max(cells.maximum, head.maximum))

    def _select(self, numbers: Sequence[int], widths: Sequence[int], is_further: bool) -> Table:
        """Return a plain table of some columns with these widths."""
        part = Table(box=None, padding=self.padding, header_style=self.header_style, show_header=self.show_header)
        cells = [[*self.columns[number].cells] for number in numbers]
        kept = [r for r in range(len(self.rows)) if not is_further or any(str(column[r]) for column in cells[1:])]
        part.columns = [
            replace(self.columns[number], width=width, _index=place, _cells=[column[r] for r in kept])
            for place, (number, width, column) in enumerate(zip(numbers, widths, cells, strict=True))
        ]
        part.rows = [self.rows[r] for r in kept]
        return part


def _arrange(inner: Sequence[Measurement], padding: int, width: int) -> Iterator[list[int]]:
    """Yield which columns stand in one line, table by table; the first is repeated in each."""
    current: list[int] = []
    used = 0
    for number, measured in enumerate(inner):
        needed = measured.minimum + padding
        if len(current) > 1 and used + needed > width:
            yield current
            current, used = [0], min(inner[0].minimum, width // 2) + padding
        current.append(number)
        used += needed
    yield current


def _widen(measured: Sequence[Measurement], room: int) -> list[int]:
    """Return the width of each column: the smallest, and what is left for those that would break, the first ones first.

    If there is too little room even for the smallest widths, the widest columns get less.
    """
    widths = [one.minimum for one in measured]
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    left = room - sum(widths)
    for place, one in enumerate(measured):
        more = max(0, min(one.maximum - widths[place], left))
        widths[place] += more
        left -= more
    return widths
