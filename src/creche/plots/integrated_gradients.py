"""A plot of how much each column of a row contributed to its prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche._phrases import write_number
from creche.explain.cells import format_cell
from creche.explain.integrated_gradients import IntegratedGradients
from creche.plots.style import category_style, draws, resolve_axes, shorten, text_color, tidy_axes

__all__ = ["integrated_gradients"]

COLUMNS_SHOWN = 20
INCHES_PER_COLUMN = 0.3
LONGEST_NAME, LONGEST_CELL, LONGEST_TITLE = 24, 16, 48


@draws
def integrated_gradients(attributions: IntegratedGradients, row: int | None = None, *, axes: Any = None) -> Any:
    """Draw the attributions of one row as bars to the left and right, the largest at the top, with the row's values.

    Parameters
    ----------
    attributions : IntegratedGradients
    row : int, optional
        The row's number, as the user counts; may be omitted if there is only one row.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=60, threads=1).model
    >>> axes = integrated_gradients(cr.explain.integrated_gradients(model, "penguins", rows=12))
    >>> axes.get_xlabel()
    'contribution to the probability of Adelie'

    """
    place = attributions.find_row(row)
    strongest = attributions.largest(int(attributions.rows[place]))
    single, others = strongest[:COLUMNS_SHOWN], strongest[COLUMNS_SHOWN:]
    names = [f"{shorten(name, LONGEST_NAME)} = {shorten(format_cell(cell), LONGEST_CELL)}" for name, cell, _ in single]
    values = [value for *_, value in single]
    if others:
        names.append(f"{len(others)} other columns")
        values.append(sum(value for *_, value in others))
    axes = resolve_axes(axes, 6.2, 1.5 + INCHES_PER_COLUMN * max(len(values), 4))
    places = np.arange(len(values))[::-1]
    for is_positive, look in ((True, category_style(0)), (False, category_style(1))):
        bars = [(y, value) for y, value in zip(places, values, strict=True) if (value >= 0) == is_positive]
        axes.barh(
            [y for y, _ in bars], [value for _, value in bars], height=0.62, color=look["color"], zorder=2,
            hatch=None if is_positive else look["hatch"], edgecolor=text_color(), linewidth=0.5,
        )  # fmt: skip
    for y, value in zip(places, values, strict=True):
        axes.annotate(
            f"{value:+.3g}", (value, y), (4 if value >= 0 else -4, 0), textcoords="offset points", va="center",
            ha="left" if value >= 0 else "right", fontsize="small",
        )  # fmt: skip
    axes.margins(x=0.18)
    axes.axvline(0, color="grey", linewidth=0.8, zorder=3)
    axes.set_yticks(places, names)
    axes.set_ylim(-0.7, len(values) - 0.3)
    target = shorten(attributions.describe_target(place), LONGEST_TITLE)
    axes.set_xlabel(f"contribution to {target}" if attributions.unit == "number" else f"contribution to the {target}")
    output, baseline = attributions.outputs[place], attributions.baselines[place]
    axes.set_title(
        f"row {attributions.rows[place]}: {target} {write_number(output, 4)}\n"
        f"({write_number(baseline, 4)} for {attributions.baseline_name})",
        fontsize="medium",
    )
    tidy_axes(axes)
    axes.grid(visible=False, axis="y")
    return axes
