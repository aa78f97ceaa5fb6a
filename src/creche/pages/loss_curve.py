"""The page of the loss against one weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche._phrases import write_number
from creche.pages.charts import LINE, MARGIN, WIDTH, Mark, append_legend, draw_curve, fit_drawing
from creche.pages.tables import as_sentence, facts_table, note
from creche.render.document import Grid
from creche.render.text import grid_text, terminal_width

if TYPE_CHECKING:
    from creche.explain.loss_curve import LossAgainstWeight

__all__ = ["loss_curve_page"]

CURRENT: Mark = ("●", "bold red")
STEP_STYLE = "green"
TANGENT_LENGTH = 0.14  # of the width, to either side


def loss_curve_page(curve: LossAgainstWeight) -> RenderableType:
    """Render the weight, its loss and gradient, the curve, and where steps land."""
    low, high = float(curve.weights[0]), float(curve.weights[-1])
    facts = facts_table()
    kind, _, place = curve.name.partition(" ")
    lowest = int(np.argmin(curve.losses))
    facts.add_row(kind, Text(place))
    facts.add_row("value", f"{curve.weight:.6g}, loss {write_number(curve.loss, 6)}")
    facts.add_row("gradient", f"{write_number(curve.gradient, 4)}, the slope of the tangent")
    facts.add_row("", curve.slope)
    facts.add_row("minimum", f"loss {write_number(curve.losses[lowest], 6)} at {curve.weights[lowest]:.4g}")
    facts.add_row("range", f"{len(curve.weights):,} points from {low:.4g} to {high:.4g}")
    parts: list[RenderableType] = [facts, Text(), _draw(curve), Text()]
    if curve.steps:
        rows: list[list[str | float]] = []
        for n, step in enumerate(curve.steps, start=1):
            outside = "" if low <= step.weight <= high else " (outside the chart)"
            numbers = (f"{step.learning_rate:.4g}", f"{step.weight:.6g}", write_number(step.loss, 6))
            rows.append([str(n), step.verdict + outside, *numbers])
        grid = Grid(["step", "verdict", "learning rate", "weight after", "loss after"], rows, left=2)
        table = Text(grid_text(grid, min(terminal_width(), WIDTH + len(MARGIN))))
        rule = "A step of gradient descent on this weight alone: w - learning rate × gradient."
        parts += [table, note(rule)]
    return Group(*parts, *(note(as_sentence(each)) for each in curve.notes()))


def _draw(curve: LossAgainstWeight) -> Text:
    weights = curve.weights.astype(np.float64)
    reach = TANGENT_LENGTH * (weights[-1] - weights[0])
    tangent = np.linspace(curve.weight - reach, curve.weight + reach, 41)
    steps = [(step.weight, step.loss, (str(n), STEP_STYLE)) for n, step in enumerate(curve.steps, start=1)]
    points = [*reversed(steps), (curve.weight, curve.loss, CURRENT)]
    text = draw_curve(weights, curve.losses, points, (tangent, curve.tangent(tangent)), fit_drawing())
    legend = ((CURRENT, "current value"), (LINE, "tangent"), (("1", STEP_STYLE), "a step, by number"))
    append_legend(text, [Text.assemble((character, style), f" {caption}") for (character, style), caption in legend])
    return text
