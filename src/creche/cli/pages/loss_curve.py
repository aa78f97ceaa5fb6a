"""The loss against a weight as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche.cli.charts import Mark, draw_curve
from creche.cli.pages.tables import facts_table, plain_table

if TYPE_CHECKING:
    from creche.explain.loss_curve import LossAgainstWeight

__all__ = ["loss_curve_page"]

NOW = ("●", "bold red")


TANGENT = 0.14  # of the width, to either side


def loss_curve_page(curve: LossAgainstWeight) -> RenderableType:
    """The weight, its loss and gradient; the curve; where steps would land."""
    low, high = float(curve.weights[0]), float(curve.weights[-1])
    facts = facts_table(dim_names=True)
    kind, _, where = curve.name.partition(" ")
    facts.add_row(kind, Text(where))
    facts.add_row("now", f"{curve.weight:.6g}, loss {curve.loss:.6g}")
    facts.add_row("gradient", f"{curve.gradient:.4g}, the slope of the tangent")
    lowest = int(np.argmin(curve.losses))
    facts.add_row("lowest", f"loss {curve.losses[lowest]:.6g} at {curve.weights[lowest]:.4g}")
    facts.add_row("shown", f"{len(curve.weights):,} points from {low:.4g} to {high:.4g}")
    parts: list[RenderableType] = [facts, Text(), _drawing(curve), Text()]
    table = plain_table("", "learning rate", "lands at", "loss there", "verdict", left=("", "verdict"))
    for n, landing in enumerate(curve.landings, start=1):
        outside = "" if low <= landing.weight <= high else " (outside the picture)"
        table.add_row(
            str(n),
            f"{landing.learning_rate:.4g}",
            f"{landing.weight:.6g}",
            f"{landing.loss:.6g}",
            landing.verdict + outside,
        )
    if curve.landings:
        parts += [table, Text("  A step of plain gradient descent of this weight alone: w - rate x gradient.", "dim")]
    return Group(*parts, *(Text(f"  {note[0].upper()}{note[1:]}.", "dim") for note in curve.notes()))


def _drawing(curve: LossAgainstWeight) -> Text:
    weights = curve.weights.astype(np.float64)
    reach = TANGENT * (weights[-1] - weights[0])
    along = np.linspace(curve.weight - reach, curve.weight + reach, 41)
    marks: list[Mark] = [(step.weight, step.loss, str(n), "green") for n, step in enumerate(curve.landings, start=1)]
    marks = [*reversed(marks), (curve.weight, curve.loss, *NOW)]
    text = draw_curve(weights, curve.losses, marks, (along, curve.tangent(along)))
    text.append(f"\n{'':>11}")
    for character, style, word in ((*NOW, "now"), ("-", "yellow", "tangent"), ("1", "green", "a step, by number")):
        text.append(character, style=style)
        text.append(f" {word}   ")
    text.rstrip()
    return text
