"""Reliability in text: how sure a network was, and how often it was right then."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche.cli.tables import plain_table
from creche.evaluation import ClassEvaluation
from creche.evaluation.curves import wilson_interval

__all__ = ["reliability_data", "reliability_drawing"]

BINS = 10
WIDTH = 20


def reliability_drawing(evaluation: ClassEvaluation) -> RenderableType:
    """Rows by the probability of the class that was said: the share that is right as a bar, what was said as a mark.

    Where the bar ends before the mark, the network was too sure of itself.
    """
    curve = evaluation.reliability(BINS)
    low, high = wilson_interval(curve.y, curve.at)
    table = plain_table("said with", "rows", "probability", "right", "95 %", "", left=("",))
    for i, (mean, share, rows) in enumerate(zip(curve.x, curve.y, curve.at, strict=True)):
        begin = min(np.floor(mean * BINS + 1e-9), BINS - 1) / BINS
        between = f"{low[i]:.1%} to {high[i]:.1%}"
        said = f"{begin:.1f} to {begin + 1 / BINS:.1f}"
        table.add_row(
            said, f"{rows:,.4g}", f"{mean:.1%}", Text(f"{share:.1%}", style="bold"), between, _bar(share, mean)
        )
    under = "  █ the share that is right   │ the probability that was said"
    return Group(table, Text(under, style="dim"))


def reliability_data(evaluation: ClassEvaluation) -> list[dict[str, float]]:
    """The same facts as plain data, for ``--json``."""
    curve = evaluation.reliability(BINS)
    bins = zip(curve.x.tolist(), curve.y.tolist(), curve.at.tolist(), strict=True)
    return [{"rows": rows, "probability": mean, "right": share} for mean, share, rows in bins]


def _bar(share: float, mark: float) -> Text:
    """A bar as long as the share, with a mark."""
    filled, at = round(share * WIDTH), min(round(mark * WIDTH), WIDTH - 1)
    text = Text("█" * filled, style="blue") + Text("░" * (WIDTH - filled), style="dim")
    return text[:at] + Text("│", style="bold yellow") + text[at + 1 :]
