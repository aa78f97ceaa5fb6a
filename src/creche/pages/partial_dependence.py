"""The page of a partial dependence: several curves in one drawing, bars, or a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from creche._phrases import format_count
from creche.pages.charts import MARGIN, Canvas, Drawing, Mark, append_legend, fit_bar, fit_drawing
from creche.pages.tables import as_sentence, facts_table, note, plain_table
from creche.render.words import format_number

if TYPE_CHECKING:
    from typing import Any

    from creche.explain.partial_dependence import PartialDependence
    from creche.explain.value_grid import ValueGrid

__all__ = ["dependence_page", "draw_curves"]

MAX_CURVES = 7
GRID_COLUMNS, GRID_ROWS = 7, 12

# Characters as well as colours tell curves apart; where they cross, the later covers the earlier.
MARKS: tuple[Mark, ...] = (
    ("●", "blue"), ("x", "yellow"), ("▲", "green"), ("◆", "magenta"), ("+", "cyan"), ("o", "red"), ("#", "white"),
)  # fmt: skip


def dependence_page(dependence: PartialDependence, target: Any = None) -> RenderableType:
    """Render the columns that vary, the mean prediction as curves, bars or a grid, and its range.

    Parameters
    ----------
    dependence : PartialDependence
    target : class or label, optional
        The one to show alone. By default all, or of very many those that vary most; in a grid, the one that varies
        most.

    """
    spans = dependence.grids
    facts = facts_table()
    for span, role in zip(spans, ("across", "down") if len(spans) == 2 else ("column",), strict=True):
        ends = "" if span.is_category else f" from {span.labels[0]} to {span.labels[-1]}"
        facts.add_row(role, Text(f"{span.name}: {format_count(len(span), 'value')}{ends}"))
    facts.add_row("rows", f"{len(dependence.row_numbers):,}; their other columns keep their values")
    if len(spans) == 2:
        number = dependence.find_outcome(target)
        facts.add_row("cells", Text(dependence.axis_title(dependence.outcomes[number])))
        body: list[RenderableType] = [_grid(dependence, number)]
    else:
        numbers = [dependence.find_outcome(target)] if target is not None else _select_outcomes(dependence)
        body = [*_draw_column(dependence, numbers), Text(), _range_table(dependence, numbers)]
    notes = [note(as_sentence(each)) for each in dependence.notes()]
    return Group(facts, Text(), *body, *notes)


def draw_curves(
    x: NDArray[np.float64],
    curves: Sequence[tuple[int, NDArray[np.float64]]],
    ends: tuple[str, str],
    heights: tuple[float, float],
    rows: NDArray[np.float64],
) -> Drawing:
    """Draw curves, and below them how many rows there are along x.

    Parameters
    ----------
    x : (n,) float64, rising
    curves : sequence of (int, (n,) float64)
        The number of a curve, which determines its mark, and its values.
    ends : (str, str)
        The texts below the ends of x.
    heights : (float, float)
        The ends of the axis of values.
    rows : (rows,) float64
        Where on x the rows are; NaN is left out.

    """
    (left, right), (low, high) = (float(x[0]), float(x[-1])), heights
    width = right - left or 1.0
    columns = fit_drawing()
    canvas = Canvas(columns)
    across = np.linspace(left, right, columns)
    for number, y in curves:
        for column, value in enumerate(np.interp(across, x, y).tolist()):
            canvas.put(column, (value - low) / (high - low) if high > low else 0.5, MARKS[number % len(MARKS)])
    text = canvas.draw(low, high)
    present = rows[np.isfinite(rows)]
    counts, _ = np.histogram(present, bins=columns, range=(left, left + width))
    text.append(f"{'rows':>9}  {_draw_counts(counts)}\n", style="dim")
    text.append(f"{MARGIN}{ends[0]}{ends[1]:>{max(columns - len(ends[0]), 1)}}", style="dim")
    return text


def _draw_counts(counts: NDArray[np.int64]) -> str:
    """Draw counts as a line of blocks, higher where there are more."""
    largest = max(int(counts.max(initial=0)), 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-count * 8 // largest)] for count in counts.tolist())


def _select_outcomes(dependence: PartialDependence) -> list[int]:
    """Select all classes or labels, by number, or of very many those that vary most."""
    order = np.argsort(-dependence.ranges, kind="stable")[:MAX_CURVES]
    return sorted(order.tolist())


def _measure(dependence: PartialDependence) -> str:
    return "mean probability" if dependence.is_classification else "mean prediction"


def _draw_column(dependence: PartialDependence, numbers: list[int]) -> list[RenderableType]:
    span, average = dependence.grids[0], dependence.average[:, numbers]
    low, high = (0.0, 1.0) if dependence.is_classification else (float(average.min()), float(average.max()))
    if span.is_category:
        return [_bar_table(dependence, numbers, min(low, 0.0), high)]
    curves = [(place, average[:, place]) for place in range(len(numbers))]
    drawing = draw_curves(
        span.numeric_positions, curves, (span.labels[0], span.labels[-1]), (low, high), span.numeric_row_positions
    )
    entries = []
    for place, number in enumerate(numbers):
        character, style = MARKS[place % len(MARKS)]
        entries.append(Text.assemble((character, style), f" {dependence.outcomes[number]}"))
    append_legend(drawing, entries)
    return [Text(f"{MARGIN}{_measure(dependence)}", "dim"), drawing]


def _bar_table(dependence: PartialDependence, numbers: list[int], low: float, high: float) -> RenderableType:
    span = dependence.grids[0]
    names = (span.name, "rows", dependence.label, _measure(dependence), "")
    table = plain_table(*names, left=(span.name, dependence.label, ""))
    for i, label in enumerate(span.labels):
        count = int((span.row_positions == i).sum())
        for place, number in enumerate(numbers):
            value = float(dependence.average[i, number])
            first = (Text(label), f"{count:,}") if place == 0 else (Text(), "")
            share = (value - low) / (high - low) if high > low else 0.0
            bar = Text("█" * round(min(max(share, 0.0), 1.0) * fit_bar()), style=MARKS[place % len(MARKS)][1])
            table.add_row(*first, Text(str(dependence.outcomes[number])), format_number(value), bar)
    return table


def _range_table(dependence: PartialDependence, numbers: list[int]) -> RenderableType:
    """Render the lowest and highest mean prediction of each class or label, and where they are."""
    span = dependence.grids[0]
    # Two columns have the name "at"; the space tells them apart.
    names = (dependence.label, "lowest", "at", "highest", "at ", "range")
    table = plain_table(*names, left=(dependence.label, "at", "at "))
    for number in numbers:
        average = dependence.average[:, number]
        lowest, highest = int(average.argmin()), int(average.argmax())
        table.add_row(
            Text(str(dependence.outcomes[number])), format_number(average[lowest]), Text(span.labels[lowest]),
            format_number(average[highest]), Text(span.labels[highest]),
            format_number(average[highest] - average[lowest]),
        )  # fmt: skip
    return table


def _grid(dependence: PartialDependence, number: int) -> RenderableType:
    """Render the values of the first column across and of the second down; of many values, some."""
    first, second = dependence.grids
    across, down = _select_values(first, GRID_COLUMNS), _select_values(second, GRID_ROWS)
    # Spaces tell columns of the same name apart.
    labels = [f"{first.labels[i]}{' ' * place}" for place, i in enumerate(across)]
    table = plain_table(second.name, *labels, left=(second.name,))
    for j in down:
        table.add_row(Text(second.labels[j]), *(format_number(dependence.average[i, j, number]) for i in across))
    return table


def _select_values(span: ValueGrid, limit: int) -> list[int]:
    positions = np.linspace(0, len(span) - 1, min(limit, len(span))).round().astype(np.int64)
    return [int(position) for position in np.unique(positions)]
