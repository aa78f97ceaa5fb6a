"""A colony in pictures: losses by epoch, the map of two arguments, the spread over seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rookery.colony.effects import grouped
from rookery.errors import PlanError, nearest
from rookery.planning import whole
from rookery.plots.style import TRAIN, VALIDATION, pyplot, tidy

if TYPE_CHECKING:
    from rookery.colony.colony import Colony

__all__ = ["plot_curves", "plot_map", "plot_spread"]

MOST_PANELS, COLUMNS = 12, 4
CURVES_SHOWN = 100  # in a panel
MOST_CELLS, CELLS_WITH_NUMBERS = 24, 10  # along a side of the map
TIMES_FOR_LOGARITHMS = 20


def plot_curves(colony: Colony, by: str | None = None) -> Any:
    """The loss by epoch of all networks, in a panel for each value of an argument; the best of each panel stands out.

    Parameters
    ----------
    colony : Colony
    by : str, optional
        The argument; by default the one that matters most. Many numbers are taken together with their neighbours.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlanError
        If the networks do not differ in that argument.

    """
    if by is None:
        by = _by_effect(colony)[0] if colony.varied else "seed"
    groups, names = grouped([choice[_checked(colony, by)] for choice in colony.choices], MOST_PANELS)
    shown = range(min(len(names), MOST_PANELS))
    across = min(len(shown), COLUMNS)
    down = math.ceil(len(shown) / across)
    figure, grid = pyplot().subplots(
        down, across, figsize=(max(2.6 * across, 4), 2.3 * down + 0.4), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    score = _score(colony)
    panels = grid.reshape(-1)
    for axes, g in zip(panels, shown, strict=False):
        members = np.flatnonzero(groups == g)
        _panel(axes, colony, members[np.argsort(score[members], kind="stable")])
        title = names[g] if len(shown) > 1 else f"{len(members):,} networks"
        axes.set_title(title, fontsize="medium")
        tidy(axes)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    if _spans_much(np.concatenate([line.get_ydata() for axes in panels for line in axes.get_lines()] or [np.ones(1)])):
        panels[0].set_yscale("log")
    figure.supxlabel("epoch")
    figure.supylabel(f"{_which(colony)} loss")
    if len(shown) > 1:
        figure.suptitle(f"by {by.replace('_', ' ')}")
    return figure


def _panel(axes: Any, colony: Colony, members: NDArray[np.int64]) -> None:
    """Some of the curves, evenly from the worst to the best, which is drawn last."""
    places = np.unique(np.linspace(0, len(members) - 1, min(len(members), CURVES_SHOWN)).astype(int))
    alpha = min(0.8, max(0.12, 8 / max(len(places), 1)))
    for place in places[::-1].tolist():
        losses = colony[int(members[place])].history.watched_loss
        style = {**VALIDATION, "linestyle": "-"} if place == 0 else {**TRAIN, "linewidth": 0.8, "alpha": alpha}
        axes.plot(np.arange(1, len(losses) + 1), losses, **style)


def plot_map(colony: Colony, x: str | None = None, y: str | None = None) -> Any:
    """The lowest loss for each pair of values of two arguments, as a map.

    Parameters
    ----------
    colony : Colony
    x, y : str, optional
        The arguments; by default the two that matter most, the one with more values across.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlanError
        If the networks do not differ in two arguments, or not in those.

    """
    x, y = _pair(colony, x, y)
    (columns, across), (rows, up) = (
        grouped([choice[_checked(colony, name)] for choice in colony.choices], MOST_CELLS) for name in (x, y)
    )
    lowest = np.full((len(up), len(across)), np.inf)
    np.minimum.at(lowest, (rows, columns), _score(colony))
    values = np.ma.masked_invalid(lowest)
    plt = pyplot()
    from matplotlib.colors import LogNorm

    size = (2.6 + max(0.55 * len(across), 3), 1.6 + max(0.42 * len(up), 1.2))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    known = values.compressed()
    norm = LogNorm(known.min(), known.max()) if _spans_much(known) else None
    image = axes.imshow(values, cmap="cividis_r", norm=norm, aspect="auto", origin="lower")
    axes.set_facecolor("none")  # where all diverged, or none was tried
    axes.set_xticks(range(len(across)), across, rotation=45 if max(map(len, across)) > 4 else 0, ha="right")
    axes.set_yticks(range(len(up)), up)
    axes.set_xlabel(x.replace("_", " "))
    axes.set_ylabel(y.replace("_", " "))
    figure.colorbar(image, label=f"lowest {_judged(colony)}")
    if max(lowest.shape) <= CELLS_WITH_NUMBERS:
        _write_numbers(axes, image, values)
    return figure


def _write_numbers(axes: Any, image: Any, values: Any) -> None:
    """The number of each cell, in whichever of black and white can be read there."""
    for (row, column), value in np.ndenumerate(values):
        if values.mask is not np.ma.nomask and values.mask[row, column]:
            axes.text(column, row, "–", ha="center", va="center", alpha=0.6)
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        colour = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
        axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize="small", color=colour)


def plot_spread(colony: Colony, plans: int = 12) -> Any:
    """How much the seed matters: the losses of the best plans, a point for each seed, and their mean.

    Parameters
    ----------
    colony : Colony
    plans : int, default 12
        How many plans, the best mean at the top.

    Returns
    -------
    matplotlib.figure.Figure

    """
    plans = whole("plans", plans, at_least=1)
    score = _score(colony)
    of_plan: dict[str, list[int]] = {}
    for i, choice in enumerate(colony.choices):
        of_plan.setdefault(repr([choice[name] for name in colony.varied]), []).append(i)
    order = sorted(of_plan.values(), key=lambda members: float(np.mean(score[members])))
    best = [members for members in order if np.isfinite(score[members]).any()][:plans]
    figure, axes = pyplot().subplots(figsize=(7.5, 1.2 + 0.36 * len(best)), layout="constrained")
    means = []
    for place, members in enumerate(best):
        of_seeds = score[members]
        of_seeds = of_seeds[np.isfinite(of_seeds)]
        axes.plot(of_seeds, np.full(len(of_seeds), place), "o", color=TRAIN["color"], alpha=0.5, markersize=5)
        means.append(of_seeds.mean())
    axes.plot(means, range(len(best)), "D", color=VALIDATION["color"], markersize=6, label="mean over the seeds")
    axes.set_yticks(range(len(best)), [_said(colony, members[0]) for members in best])
    axes.invert_yaxis()
    if best and _spans_much(score[np.concatenate(best)]):
        axes.set_xscale("log")
    axes.set_xlabel(_judged(colony))
    tidy(axes)
    axes.legend(frameon=False)
    return figure


def _score(colony: Colony) -> NDArray[np.float64]:
    """What networks are compared by, lower being better; infinite where there is none."""
    results = colony.results
    score = results.loss if colony.ranked_by == "loss" else results.error
    return np.where(results.diverged | ~np.isfinite(score), np.inf, score)


def _which(colony: Colony) -> str:
    return "validation" if colony.watched == "validation" else "training"


def _judged(colony: Colony) -> str:
    what = {"loss": "loss", "rmse": "root mean squared error", "accuracy": "share of mistakes"}[colony.ranked_by]
    return f"{_which(colony)} {what}"


def _by_effect(colony: Colony) -> list[str]:
    return [effect.argument for effect in colony.effects() if effect.argument != "seed"]


def _checked(colony: Colony, name: str) -> str:
    known = (*colony.varied, "seed")
    if name not in known:
        raise PlanError(f"{name!r}: the networks do not differ in it; {nearest(name, known)}")
    return name


def _pair(colony: Colony, x: str | None, y: str | None) -> tuple[str, str]:
    names = [name for name in _by_effect(colony) if name not in (x, y)]
    if len(names) < (x is None) + (y is None):
        names.append("seed")
    chosen = [_checked(colony, name) if name else names.pop(0) if names else "" for name in (x, y)]
    if "" in chosen or chosen[0] == chosen[1]:
        raise PlanError("plot_map: needs two arguments in which the networks differ; plot_spread needs one")
    if x is None and y is None:
        counts = {name: len({repr(choice[name]) for choice in colony.choices}) for name in chosen}
        chosen.sort(key=lambda name: -counts[name])
    return chosen[0], chosen[1]


def _said(colony: Colony, number: int) -> str:
    from rookery.colony.tables import in_words

    shown = [in_words(colony.choices[number][name]) for name in colony.varied]
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in shown) or "all"


def _spans_much(values: Any) -> bool:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return bool(len(known) and known.min() > 0 and known.max() > TIMES_FOR_LOGARITHMS * known.min())
