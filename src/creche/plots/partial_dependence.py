"""What a network says as a column changes, or two: curves, bars and maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.partial_dependence import PartialDependence
from creche.explain.value_grid import ValueGrid
from creche.plots.style import category_style, contrasting_color, resolve_axes, sequential_colormap, shorten, tidy_axes

__all__ = ["partial_dependence"]

CURVES_DRAWN = 60  # of individual rows


LINES_DRAWN = 8  # of a second column, in one picture


MOST_ACROSS, MOST_DOWN = 10, 15  # cells that have room for their numbers


NAMES_LEVEL = 6  # side by side, before they are turned


TICKS = 12


LEVELS = 10


RUG_HEIGHT = 0.025  # of the picture's


def partial_dependence(dependence: PartialDependence, *, of: Any = None, axes: Any = None) -> Any:
    """What the network says on average, by the value of a column or of two.

    A column of numbers or dates: a curve for each class or label, and below a rug, a stroke for each row that holds the
    value. Categories: bars, with the number of rows that hold each. Individual rows are thin lines, or dots.
    Two columns: a map of one class or label; a column of a few categories is drawn as lines instead, one for each.

    Parameters
    ----------
    dependence : PartialDependence
    of : class or name of a label, optional
        Draws it alone; of two columns, by default that which depends most. Of two classes the second alone is drawn,
        for the other is what remains.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there is no such class or label: which there are.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> dependence = cr.explain.partial_dependence(model, "penguins", "bill_length_mm")
    >>> partial_dependence(dependence).get_ylabel()
    'mean probability'

    """
    number = dependence.find_outcome(of)
    axes = resolve_axes(axes, 6.0, 4.2)
    if len(dependence.grids) == 2:
        _two(axes, dependence, number)
    else:
        _one(axes, dependence, None if of is None else number)
    return axes


def _one(axes: Any, dependence: PartialDependence, alone: int | None) -> None:
    outcomes = dependence.outcomes
    if alone is None and dependence.is_classification and len(outcomes) == 2:
        alone = 1
    shown = list(range(len(outcomes))) if alone is None else [alone]
    (draw_bars if dependence.grids[0].is_category else draw_curves)(axes, dependence, shown)
    if len(shown) == 1:
        axes.set_ylabel(shorten(dependence.axis_title(outcomes[shown[0]]), 48))
    else:
        axes.set_ylabel("mean probability" if dependence.is_classification else "mean prediction")
        axes.legend(title=shorten(dependence.label), fontsize="small", title_fontsize="small", framealpha=0.8)
    axes.set_xlabel(shorten(dependence.columns[0], 48))
    if dependence.is_classification:
        axes.set_ylim(-0.08 if not dependence.grids[0].is_category else 0, 1.03)
    tidy_axes(axes)


def draw_curves(axes: Any, dependence: PartialDependence, shown: list[int]) -> None:
    """A line for each class or label, thin ones for rows, and the rug."""
    span = dependence.grids[0]
    every = max(1, len(span) // 8)
    for place, number in enumerate(shown):
        look = category_style(number)
        if dependence.individual is not None:
            rows = _some(len(dependence.individual))
            axes.plot(
                span.positions, dependence.individual[rows, :, number].T, color=look["color"], linewidth=0.6,
                linestyle="-" if len(shown) == 1 else look["linestyle"], alpha=0.3, zorder=1,
            )  # fmt: skip
        axes.plot(
            span.positions, dependence.average[:, number], color=look["color"], linestyle=look["linestyle"], linewidth=2,
            marker=look["marker"], markevery=(place * every // max(len(shown), 1), every), markersize=5,
            label=shorten(dependence.outcomes[number]), zorder=3,
        )  # fmt: skip
    _rug(axes, span)
    _dated(axes.xaxis, span)


def _rug(axes: Any, span: ValueGrid) -> None:
    """A stroke for each row at the foot."""
    present = span.row_positions[~span.observed.missing]
    axes.plot(
        present, np.full(len(present), RUG_HEIGHT), "|", color=_ink(), alpha=0.35, markersize=7, zorder=2,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def draw_bars(axes: Any, dependence: PartialDependence, shown: list[int]) -> None:
    """A group of bars for each category, a bar for each class or label; dots for rows."""
    span = dependence.grids[0]
    width = 0.8 / len(shown)
    for place, number in enumerate(shown):
        look = category_style(number)
        at = span.numeric_positions + (place - (len(shown) - 1) / 2) * width
        # The background's colour behind the hatch keeps it visible on either background.
        axes.bar(
            at, dependence.average[:, number], width * 0.92, color=look["color"], hatch=look["hatch"],
            edgecolor=_ground(), linewidth=0.6, label=shorten(dependence.outcomes[number]), zorder=2,
        )  # fmt: skip
        if dependence.individual is not None:
            rows = _some(len(dependence.individual))
            aside = np.linspace(-0.3, 0.3, len(rows)) * width
            for i, middle in enumerate(at.tolist()):
                axes.plot(
                    middle + aside, dependence.individual[rows, i, number], ".", color=_ink(), markersize=2.5,
                    alpha=0.6, zorder=3,
                )  # fmt: skip
    counts = [int((span.row_positions == i).sum()) for i in range(len(span))]
    turned = len(span) > NAMES_LEVEL
    below = " ({:,})" if turned else "\n{:,} rows"
    labels = [shorten(label, 16) + below.format(count) for label, count in zip(span.labels, counts, strict=True)]
    axes.set_xticks(span.numeric_positions, labels)
    if turned:
        axes.tick_params(axis="x", labelrotation=90, labelsize="small")


def _two(axes: Any, dependence: PartialDependence, number: int) -> None:
    first, second = dependence.grids
    said = dependence.average[:, :, number]
    what = shorten(dependence.axis_title(dependence.outcomes[number]), 48)
    if first.is_category != second.is_category and min(len(s) for s in (first, second) if s.is_category) <= LINES_DRAWN:
        along, lines, said = (second, first, said.T) if first.is_category else (first, second, said)
        _lines(axes, along, lines, said)
        axes.set_ylabel(what)
        if dependence.is_classification:
            axes.set_ylim(-0.08, 1.03)
        return
    axes.set_xlabel(shorten(first.name, 48))
    axes.set_ylabel(shorten(second.name, 48))
    axes.set_title(what, fontsize="medium")
    if first.is_category or second.is_category or min(len(first), len(second)) < 2:
        draw_cells(axes, first, second, said)
    else:
        _map(axes, dependence, said)


def _lines(axes: Any, along: ValueGrid, lines: ValueGrid, said: NDArray[np.float64]) -> None:
    """Numbers along the foot, a line for each category."""
    every = max(1, len(along) // 8)
    for i, label in enumerate(lines.labels):
        look = category_style(i)
        axes.plot(
            along.positions, said[:, i], color=look["color"], linestyle=look["linestyle"], marker=look["marker"],
            linewidth=2, markersize=5, markevery=(i * every // len(lines), every), label=shorten(label),
        )  # fmt: skip
    _rug(axes, along)
    _dated(axes.xaxis, along)
    axes.set_xlabel(shorten(along.name, 48))
    axes.legend(title=shorten(lines.name), fontsize="small", title_fontsize="small", framealpha=0.8)
    tidy_axes(axes)


def _map(axes: Any, dependence: PartialDependence, said: NDArray[np.float64]) -> None:
    """Shades and lines of equal prediction, and the rows as dots: where there are none, it is only guessed."""
    first, second = dependence.grids
    if said.min() == said.max():
        axes.text(0.5, 0.95, "the same throughout", transform=axes.transAxes, ha="center", va="top")
    else:
        from matplotlib.ticker import MaxNLocator

        levels = MaxNLocator(LEVELS).tick_values(float(said.min()), float(said.max()))
        axes.contourf(first.positions, second.positions, said.T, levels=levels, cmap=sequential_colormap(), alpha=0.75, zorder=0)
        lines = axes.contour(first.positions, second.positions, said.T, levels=levels, colors=[_ink()], linewidths=0.7, zorder=1)
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: f"{level:.4g}")
    axes.plot(first.row_positions, second.row_positions, ".", color=_ink(), markersize=3, alpha=0.5, zorder=2, label="rows")
    _dated(axes.xaxis, first)
    _dated(axes.yaxis, second)


def draw_cells(axes: Any, first: ValueGrid, second: ValueGrid, said: NDArray[np.float64]) -> None:
    """A cell for each pair of values, with its number where there is room; else with a scale."""
    colours = sequential_colormap()
    low, high = float(said.min()), float(said.max())
    image = axes.imshow(
        said.T, cmap=colours, vmin=low, vmax=high if high > low else low + 1, aspect="auto", origin="lower"
    )
    for ticks, span in ((axes.set_xticks, first), (axes.set_yticks, second)):
        kept = np.unique(np.linspace(0, len(span) - 1, min(TICKS, len(span))).round().astype(np.int64))
        ticks(kept, [shorten(span.labels[i], 16) for i in kept.tolist()])
    if len(first) > NAMES_LEVEL:
        axes.tick_params(axis="x", labelrotation=90)
    if len(first) <= MOST_ACROSS and len(second) <= MOST_DOWN:
        for (i, j), value in np.ndenumerate(said):
            share = (value - low) / (high - low) if high > low else 0.0
            ink = contrasting_color(colours(share)[:3])
            axes.text(i, j, f"{value:.3g}", ha="center", va="center", fontsize="small", color=ink)
    else:
        axes.figure.colorbar(image, ax=axes)


def _dated(axis: Any, span: ValueGrid) -> None:
    """Dates as short as they can be."""
    if span.kind == "datetime":
        from matplotlib import dates

        untyped: Any = dates
        locator = untyped.AutoDateLocator(maxticks=8)
        axis.set_major_locator(locator)
        axis.set_major_formatter(untyped.ConciseDateFormatter(locator))


def _some(rows: int) -> NDArray[np.int64]:
    """Of many rows, those at even distances."""
    return np.unique(np.linspace(0, rows - 1, min(rows, CURVES_DRAWN)).round().astype(np.int64))


def _ink() -> Any:
    from matplotlib import rcParams

    return rcParams["text.color"]


def _ground() -> Any:
    from matplotlib import rcParams

    return rcParams["axes.facecolor"]
