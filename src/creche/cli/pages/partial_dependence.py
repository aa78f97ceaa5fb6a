"""Several curves in one picture of text, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from creche.cli.pages.tables import facts_table, plain_table

if TYPE_CHECKING:
    from creche.explain.partial_dependence import PartialDependence
    from creche.explain.value_grid import ValueGrid

__all__ = ["LOOKS", "dependence_page", "draw_curves", "draw_range_bar"]

WIDTH, HEIGHT, BAR = 60, 13, 24


# Characters as well as colours tell curves apart; where they cross, the later covers the earlier.
LOOKS = (("●", "blue"), ("x", "yellow"), ("▲", "green"), ("◆", "magenta"), ("+", "cyan"), ("o", "red"), ("#", "white"))


def draw_curves(
    x: NDArray[np.float64],
    curves: Sequence[tuple[int, NDArray[np.float64]]],
    ends: tuple[str, str],
    heights: tuple[float, float],
    rug: NDArray[np.float64],
) -> Text:
    """Curves through points of rising x, and below how many rows lie where.

    Parameters
    ----------
    x : (n,) float64, rising
    curves : sequence of pairs
        The number of a curve, which decides its look, and its (n,) values.
    ends : (str, str)
        What to write below the ends of x.
    heights : (float, float)
        The lowest and highest value there is room for.
    rug : (rows,) float64
        Where rows lie; NaN is left out.

    """
    (left, right), (low, high) = (float(x[0]), float(x[-1])), heights
    width = right - left or 1.0
    canvas: list[list[tuple[str, str]]] = [[(" ", "")] * WIDTH for _ in range(HEIGHT)]
    across = np.linspace(left, right, WIDTH)
    for number, y in curves:
        for column, value in enumerate(np.interp(across, x, y).tolist()):
            share = (value - low) / (high - low) if high > low else 0.5
            canvas[HEIGHT - 1 - round(share * (HEIGHT - 1))][column] = LOOKS[number % len(LOOKS)]
    labels = {0: high, HEIGHT // 2: (low + high) / 2, HEIGHT - 1: low}
    text = Text()
    for row, cells in enumerate(canvas):
        value = labels.get(row)
        text.append(f"{'' if value is None else f'{value:.4g}':>9} {'│' if value is None else '┤'}", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    present = rug[np.isfinite(rug)]
    counts, _ = np.histogram(present, bins=WIDTH, range=(left, left + width))
    text.append(f"{'rows':>9}  {_density(counts)}\n", style="dim")
    text.append(f"{'':>11}{ends[0]}{ends[1]:>{max(WIDTH - len(ends[0]), 1)}}", style="dim")
    return text


def _density(counts: NDArray[np.int64]) -> str:
    """A row of blocks, higher where there are more."""
    most = max(int(counts.max(initial=0)), 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-count * 8 // most)] for count in counts.tolist())


def draw_range_bar(value: float, low: float, high: float, style: str) -> Text:
    """A bar from low to the value."""
    share = (value - low) / (high - low) if high > low else 0.0
    return Text("█" * round(min(max(share, 0.0), 1.0) * BAR), style=style)


MOST_CURVES = 7


GRID_COLUMNS, GRID_ROWS = 7, 12


def dependence_page(dependence: PartialDependence, of: str | None = None) -> RenderableType:
    """The columns; curves, bars or a grid; between which numbers each class or label goes."""
    facts = facts_table(dim_names=True)
    for span, what in zip(dependence.grids, ("across", "down") if dependence.grids[1:] else ("column",), strict=True):
        ends = "" if span.is_category else f" from {span.labels[0]} to {span.labels[-1]}"
        facts.add_row(what, Text(f"{span.name}: {len(span)} value{'s' if len(span) != 1 else ''}{ends}"))
    facts.add_row("rows", f"{len(dependence.row_numbers):,}, all else in them as it is")
    if len(dependence.grids) == 2:
        number = dependence.find_outcome(of)
        facts.add_row("shown", Text(dependence.axis_title(dependence.outcomes[number])))
        body: list[RenderableType] = [_grid(dependence, number)]
    else:
        shown = [dependence.find_outcome(of)] if of is not None else _most_dependent(dependence)
        body = [*_of_one(dependence, shown), Text(), _extremes(dependence, shown)]
    notes = [Text(f"  {note[0].upper()}{note[1:]}.", "dim") for note in dependence.notes()]
    return Group(facts, Text(), *body, *notes)


def _most_dependent(dependence: PartialDependence) -> list[int]:
    """All classes or labels; of very many, those that depend most."""
    most = np.argsort(-dependence.ranges, kind="stable")[:MOST_CURVES]
    return sorted(most.tolist())


def _of_one(dependence: PartialDependence, shown: list[int]) -> list[RenderableType]:
    span, said = dependence.grids[0], dependence.average[:, shown]
    low, high = (0.0, 1.0) if dependence.is_classification else (float(said.min()), float(said.max()))
    if span.is_category:
        return [_bars(dependence, shown, min(low, 0.0), high)]
    curves = [(place, said[:, place]) for place in range(len(shown))]
    ends = (span.labels[0], span.labels[-1])
    drawing = draw_curves(span.numeric_positions, curves, ends, (low, high), span.numeric_row_positions)
    drawing.append(f"\n{'':>11}")
    for place, number in enumerate(shown):
        character, style = LOOKS[place % len(LOOKS)]
        drawing.append(character, style=style)
        drawing.append(f" {dependence.outcomes[number]}   ")
    drawing.rstrip()
    what = "mean probability" if dependence.is_classification else "mean prediction"
    return [Text(f"{'':>11}{what}", "dim"), drawing]


def _bars(dependence: PartialDependence, shown: list[int], low: float, high: float) -> RenderableType:
    span = dependence.grids[0]
    what = "mean probability" if dependence.is_classification else "mean prediction"
    table = plain_table(span.name, "rows", dependence.label, what, "", left=(span.name, dependence.label, ""))
    for i, label in enumerate(span.labels):
        count = int((span.row_positions == i).sum())
        for place, number in enumerate(shown):
            value = float(dependence.average[i, number])
            first = (Text(label), f"{count:,}") if place == 0 else (Text(), "")
            style = LOOKS[place % len(LOOKS)][1]
            table.add_row(
                *first, Text(str(dependence.outcomes[number])), _shown(value), draw_range_bar(value, low, high, style)
            )
    return table


def _extremes(dependence: PartialDependence, shown: list[int]) -> RenderableType:
    span = dependence.grids[0]
    names = (dependence.label, "least", "at", "greatest", "at ", "apart")
    table = plain_table(*names, left=(dependence.label, "at", "at "))
    for number in shown:
        said = dependence.average[:, number]
        least, greatest = int(said.argmin()), int(said.argmax())
        table.add_row(
            Text(str(dependence.outcomes[number])), _shown(said[least]), Text(span.labels[least]),
            _shown(said[greatest]), Text(span.labels[greatest]), _shown(said[greatest] - said[least]),
        )  # fmt: skip
    return table


def _grid(dependence: PartialDependence, number: int) -> RenderableType:
    """The first column across, the second down, of many values some."""
    first, second = dependence.grids
    across, down = _some(first, GRID_COLUMNS), _some(second, GRID_ROWS)
    labels = [f"{first.labels[i]}{' ' * place}" for place, i in enumerate(across)]
    table = plain_table(second.name, *labels, left=(second.name,))
    for j in down:
        table.add_row(Text(second.labels[j]), *(_shown(dependence.average[i, j, number]) for i in across))
    return table


def _some(span: ValueGrid, most: int) -> list[int]:
    places: list[int] = np.unique(np.linspace(0, len(span) - 1, min(most, len(span))).round().astype(np.int64)).tolist()
    return places


def _shown(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.5g}"
