"""What a network says as a column changes, as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche.cli.draw_dependence import LOOKS, bar, curves_drawing
from creche.cli.tables import facts_table, plain_table

if TYPE_CHECKING:
    from creche.explain.dependence import PartialDependence
    from creche.explain.span import Span

__all__ = ["dependence_page"]

MOST_CURVES = 7
GRID_COLUMNS, GRID_ROWS = 7, 12


def dependence_page(dependence: PartialDependence, of: str | None = None) -> RenderableType:
    """The columns; curves, bars or a grid; between which numbers each class or label goes."""
    facts = facts_table(dim_names=True)
    for span, what in zip(dependence.spans, ("across", "down") if dependence.spans[1:] else ("column",), strict=True):
        ends = "" if span.is_category else f" from {span.labels[0]} to {span.labels[-1]}"
        facts.add_row(what, Text(f"{span.name}: {len(span)} value{'s' if len(span) != 1 else ''}{ends}"))
    facts.add_row("rows", f"{len(dependence.called):,}, all else in them as it is")
    if len(dependence.spans) == 2:
        number = dependence.number_of(of)
        facts.add_row("shown", Text(dependence.measure(dependence.outcomes[number])))
        body: list[RenderableType] = [_grid(dependence, number)]
    else:
        shown = [dependence.number_of(of)] if of is not None else _most_dependent(dependence)
        body = [*_of_one(dependence, shown), Text(), _extremes(dependence, shown)]
    notes = [Text(f"  {note[0].upper()}{note[1:]}.", "dim") for note in dependence.notes()]
    return Group(facts, Text(), *body, *notes)


def _most_dependent(dependence: PartialDependence) -> list[int]:
    """All classes or labels; of very many, those that depend most."""
    most = np.argsort(-dependence.ranges, kind="stable")[:MOST_CURVES]
    return sorted(most.tolist())


def _of_one(dependence: PartialDependence, shown: list[int]) -> list[RenderableType]:
    span, said = dependence.spans[0], dependence.average[:, shown]
    low, high = (0.0, 1.0) if dependence.of_classes else (float(said.min()), float(said.max()))
    if span.is_category:
        return [_bars(dependence, shown, min(low, 0.0), high)]
    curves = [(place, said[:, place]) for place in range(len(shown))]
    ends = (span.labels[0], span.labels[-1])
    drawing = curves_drawing(span.where, curves, ends, (low, high), span.rows_where)
    drawing.append(f"\n{'':>11}")
    for place, number in enumerate(shown):
        character, style = LOOKS[place % len(LOOKS)]
        drawing.append(character, style=style)
        drawing.append(f" {dependence.outcomes[number]}   ")
    drawing.rstrip()
    what = "mean probability" if dependence.of_classes else "mean prediction"
    return [Text(f"{'':>11}{what}", "dim"), drawing]


def _bars(dependence: PartialDependence, shown: list[int], low: float, high: float) -> RenderableType:
    span = dependence.spans[0]
    what = "mean probability" if dependence.of_classes else "mean prediction"
    table = plain_table(span.name, "rows", dependence.label, what, "", left=(span.name, dependence.label, ""))
    for i, label in enumerate(span.labels):
        count = int((span.rows_at == i).sum())
        for place, number in enumerate(shown):
            value = float(dependence.average[i, number])
            first = (Text(label), f"{count:,}") if place == 0 else (Text(), "")
            style = LOOKS[place % len(LOOKS)][1]
            table.add_row(*first, Text(str(dependence.outcomes[number])), _shown(value), bar(value, low, high, style))
    return table


def _extremes(dependence: PartialDependence, shown: list[int]) -> RenderableType:
    span = dependence.spans[0]
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
    first, second = dependence.spans
    across, down = _some(first, GRID_COLUMNS), _some(second, GRID_ROWS)
    labels = [f"{first.labels[i]}{' ' * place}" for place, i in enumerate(across)]
    table = plain_table(second.name, *labels, left=(second.name,))
    for j in down:
        table.add_row(Text(second.labels[j]), *(_shown(dependence.average[i, j, number]) for i in across))
    return table


def _some(span: Span, most: int) -> list[int]:
    places: list[int] = np.unique(np.linspace(0, len(span) - 1, min(most, len(span))).round().astype(np.int64)).tolist()
    return places


def _shown(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.5g}"
