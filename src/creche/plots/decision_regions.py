"""Where a network says what, over two columns, and where the rows lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.decision_regions import DecisionRegions
from creche.plots.style import category_style, resolve_axes, sequential_colormap, shorten

__all__ = ["decision_regions"]

LEVELS = 10


CERTAINTIES = (0.6, 0.8, 0.95)


ROWS_DRAWN = 1500


FIXED_NAMED = 6


def decision_regions(regions: DecisionRegions, *, of: Any = None, axes: Any = None) -> Any:
    """The region of each class in its colour and hatch, stronger where the network is surer; the rows as markers.

    Of numbers: shades and lines of equal prediction, and the rows as dots in the shade of their own label.

    Parameters
    ----------
    regions : DecisionRegions
    of : class or name of a label, optional
        Lines of equal probability of that class alone; by default, of whichever class is the likeliest.
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
    >>> regions = cr.explain.decision_regions(model, "penguins", "bill_length_mm", "body_mass_g", points=20)
    >>> decision_regions(regions).get_xlabel()
    'bill_length_mm'

    """
    number = regions.find_outcome(of)
    axes = resolve_axes(axes, 6.4, 5.0)
    if regions.is_classification:
        _classes(axes, regions, None if of is None else number)
    else:
        _numbers(axes, regions, number)
    axes.set_xlim(regions.x[0], regions.x[-1])
    axes.set_ylim(regions.y[0], regions.y[-1])
    axes.set_xlabel(shorten(regions.columns[0], 48))
    axes.set_ylabel(shorten(regions.columns[1], 48))
    fixed = [f"{shorten(name)} = {shorten(_shown(value), 16)}" for name, value in regions.others.items()]
    if fixed:
        more = f", … ({len(fixed) - FIXED_NAMED} more)" if len(fixed) > FIXED_NAMED else ""
        halves = [fixed[: FIXED_NAMED // 2], fixed[FIXED_NAMED // 2 : FIXED_NAMED]]
        lines = ",\n".join(", ".join(half) for half in halves if half)
        axes.set_title(f"where {lines}{more}", fontsize="small")
    return axes


def _classes(axes: Any, regions: DecisionRegions, alone: int | None) -> None:
    from matplotlib.colors import to_rgb

    where, outcomes = regions.regions, regions.outcomes
    surest = regions.predicted.max(axis=2)
    least = 1 / len(outcomes)
    colours = np.array([to_rgb(category_style(c)["color"]) for c in range(len(outcomes))])
    # Even where the network is least sure, the class can be told.
    strength = 0.15 + 0.4 * np.clip((surest - least) / (1 - least), 0, 1)
    half = (regions.x[1] - regions.x[0]) / 2, (regions.y[1] - regions.y[0]) / 2
    extent = (regions.x[0] - half[0], regions.x[-1] + half[0], regions.y[0] - half[1], regions.y[-1] + half[1])
    axes.imshow(
        np.dstack([colours[where], strength]), extent=extent, origin="lower", aspect="auto", zorder=0,
        interpolation="nearest",
    )  # fmt: skip
    handles = []
    for c, outcome in enumerate(outcomes):
        look, inside = category_style(c), (where == c).astype(float)
        if inside.any():
            _hatched(axes, regions, inside, look["hatch"])
        handles += _markers(axes, regions, outcome, look)
    for c in range(len(outcomes)):
        ahead = regions.predicted[:, :, c] - np.delete(regions.predicted, c, axis=2).max(axis=2)
        if ahead.min() < 0 < ahead.max():
            axes.contour(regions.x, regions.y, ahead, levels=[0], colors=[_ink()], linewidths=1.4, zorder=2)
    shown = surest if alone is None else regions.predicted[:, :, alone]
    levels = [level for level in CERTAINTIES if shown.min() < level < shown.max()]
    if levels:
        lines = axes.contour(
            regions.x, regions.y, shown, levels=levels, colors=[_ink()], linewidths=0.6, linestyles="--", zorder=2
        )
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: f"{level:.0%}")
    _legend(axes, regions, handles, _others(axes, regions), alone)


def _hatched(axes: Any, regions: DecisionRegions, inside: NDArray[np.float64], hatch: str) -> None:
    """Hatches tell the regions apart in grey."""
    if not hatch:
        return
    drawn = axes.contourf(regions.x, regions.y, inside, levels=[0.5, 1.5], colors="none", hatches=[hatch], zorder=1)
    drawn.set_edgecolor((*_rgb(_ink()), 0.22))
    drawn.set_linewidth(0)


def _markers(axes: Any, regions: DecisionRegions, outcome: Any, look: dict[str, Any]) -> list[Any]:
    """The rows of a class, and a patch of its region for the legend."""
    from matplotlib.patches import Patch

    of_class = np.array([label is not None and str(label) == str(outcome) for label in regions.labels], dtype=bool)
    rows = _some(regions.rows[of_class])
    drawn = axes.plot(
        rows[:, 0], rows[:, 1], linestyle="none", marker=look["marker"], color=look["color"], markersize=5,
        markeredgecolor=_ink(), markeredgewidth=0.6, alpha=0.9, zorder=3, label=shorten(outcome),
    )  # fmt: skip
    patch = Patch(facecolor=look["color"], hatch=look["hatch"], alpha=0.45, edgecolor=_ink(), linewidth=0.6)
    return [(patch, drawn[0])]


def _others(axes: Any, regions: DecisionRegions) -> list[Any]:
    """Rows whose label is missing, or none of the network's classes."""
    known = {str(outcome) for outcome in regions.outcomes}
    which = np.array([label is None or str(label) not in known for label in regions.labels], dtype=bool)
    if not which.any():
        return []
    rows = _some(regions.rows[which])
    return list(axes.plot(rows[:, 0], rows[:, 1], ".", color=_ink(), markersize=3, zorder=3, label="no such class"))


def _legend(axes: Any, regions: DecisionRegions, handles: list[Any], others: list[Any], alone: int | None) -> None:
    from matplotlib.legend_handler import HandlerTuple

    names = [*map(shorten, regions.outcomes), *(["no such class"] if others else [])]
    handles = [*handles, *others]
    title = f"{shorten(regions.label)}: region, rows" + ("" if regions.labels_are_true else " as predicted")
    if alone is not None:
        title += f"\nlines: probability of {shorten(regions.outcomes[alone])}"
    axes.legend(
        handles, names, title=title, fontsize="small", title_fontsize="small", framealpha=0.85,
        handler_map={tuple: HandlerTuple(ndivide=None)}, handlelength=3,
    )  # fmt: skip


def _numbers(axes: Any, regions: DecisionRegions, number: int) -> None:
    from matplotlib.ticker import MaxNLocator

    said = regions.predicted[:, :, number]
    outcome = regions.outcomes[number]
    several = len(regions.outcomes) > 1
    labels = np.array(
        [np.nan if v is None or (several and v[number] is None) else float(v[number] if several else v)
         for v in regions.labels]
    )  # fmt: skip
    here = np.isfinite(labels) & np.isfinite(regions.rows).all(axis=1)
    both = np.concatenate([said.ravel(), labels[here]])
    low, high = float(both.min()), float(both.max())
    if low == high:
        axes.text(0.5, 0.95, f"{low:.4g} throughout", transform=axes.transAxes, ha="center", va="top")
        high = low + 1
    levels = MaxNLocator(LEVELS).tick_values(low, high)
    axes.contourf(regions.x, regions.y, said, levels=levels, cmap=sequential_colormap(), alpha=0.8, zorder=0)
    if said.min() < said.max():
        lines = axes.contour(regions.x, regions.y, said, levels=levels, colors=[_ink()], linewidths=0.7, zorder=1)
        axes.clabel(lines, fontsize="x-small", fmt=lambda level: f"{level:.4g}")
    rows = np.flatnonzero(here)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS_DRAWN)).round().astype(np.int64)]
    drawn = axes.scatter(
        *regions.rows[rows].T, c=labels[rows], cmap=sequential_colormap(), vmin=levels[0], vmax=levels[-1], s=22,
        edgecolors=[_ink()], linewidths=0.7, zorder=3,
    )  # fmt: skip
    whose = "of rows" if regions.labels_are_true else "predicted of rows"
    axes.figure.colorbar(drawn, ax=axes, label=shorten(f"{outcome}: predicted, and {whose}", 60))


def _some(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of very many rows, those at even distances."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS_DRAWN)).round().astype(np.int64)]


def _shown(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return "missing" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _ink() -> Any:
    from matplotlib import rcParams

    return rcParams["text.color"]


def _rgb(colour: Any) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
