"""What the columns of one row did to its prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.explain.cells import format_cell
from creche.explain.integrated_gradients import IntegratedGradients
from creche.plots.style import category_style, resolve_axes, shorten, tidy_axes

__all__ = ["integrated_gradients"]

COLUMNS_SHOWN = 20


INCHES_A_COLUMN = 0.3


LONGEST_NAME, LONGEST_CELL, LONGEST_TITLE = 24, 16, 48


def integrated_gradients(attributions: IntegratedGradients, row: int | None = None, *, axes: Any = None) -> Any:
    """One row's attributions as bars to either side, the largest above, with the row's cells.

    Parameters
    ----------
    attributions : IntegratedGradients
    row : int, optional
        By what the user calls it; the only one, if it is left out.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=60, threads=1).model
    >>> axes = integrated_gradients(cr.explain.integrated_gradients(model, "penguins", rows=12))
    >>> axes.get_xlabel()
    'adds to the probability of Adelie'

    """
    place = attributions.find_row(row)
    strongest = attributions.largest(int(attributions.rows[place]))
    shown, rest = strongest[:COLUMNS_SHOWN], strongest[COLUMNS_SHOWN:]
    names = [f"{shorten(name, LONGEST_NAME)} = {shorten(format_cell(cell), LONGEST_CELL)}" for name, cell, _ in shown]
    values = [value for *_, value in shown]
    if rest:
        names.append(f"{len(rest)} other columns")
        values.append(sum(value for *_, value in rest))
    axes = resolve_axes(axes, 6.2, 1.5 + INCHES_A_COLUMN * max(len(values), 4))
    places = np.arange(len(values))[::-1]
    for is_up, look in ((True, category_style(0)), (False, category_style(1))):
        of = [(y, value) for y, value in zip(places, values, strict=True) if (value >= 0) == is_up]
        axes.barh(
            [y for y, _ in of], [value for _, value in of], height=0.62, color=look["color"], zorder=2,
            hatch=None if is_up else look["hatch"], edgecolor=_ink(), linewidth=0.5,
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
    what = shorten(attributions.describe_target(place), LONGEST_TITLE)
    axes.set_xlabel(f"adds to {what}" if attributions.unit == "number" else f"adds to the {what}")
    output, baseline = attributions.outputs[place], attributions.baselines[place]
    axes.set_title(
        f"row {attributions.rows[place]}: {what} {output:.4g}\n({baseline:.4g} for {attributions.baseline_name})",
        fontsize="medium",
    )
    tidy_axes(axes)
    axes.grid(visible=False, axis="y")
    return axes


def _ink() -> Any:
    from matplotlib import rcParams

    return rcParams["text.color"]
