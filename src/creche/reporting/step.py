"""One training step, told as the page tells things."""

from __future__ import annotations

from creche.explain.tracing.blocks import Block, Facts, Grid, shown
from creche.explain.tracing.result import Trace
from creche.explain.tracing.story import story
from creche.reporting.html import Html, facts, joined, table, tag

__all__ = ["step_html"]

STEP_ROWS = 20


def step_html(trace: Trace) -> Html:
    """The sections of a trace, without the lists of all weights."""
    first, *others = story(trace, STEP_ROWS, with_weights=False)
    parts = [_step_block(block) for block in first.blocks]
    for section in others:
        parts += [tag("h3", section.title), *(_step_block(block) for block in section.blocks)]
    return joined(parts)


def _step_block(block: Block) -> Html:
    if isinstance(block, Facts):
        return facts(block.pairs)
    return _step_grid(block) if isinstance(block, Grid) else tag("p", block)


def _step_grid(grid: Grid) -> Html:
    rows = [[cell if isinstance(cell, str) else shown(cell, grid.digits) for cell in row] for row in grid.rows]
    shows = table(grid.head, rows, left=range(grid.left))
    return tag("details", tag("summary", grid.caption), shows) if grid.folded else shows
