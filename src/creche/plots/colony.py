"""A colony in pictures: losses by epoch, the map of two arguments, the spread over seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.model_selection.results import format_choice, group_values
from creche.plan.arguments import check_whole_number
from creche.plots.style import TRAIN, VALIDATION, adjust_to_background, pyplot, tidy_axes

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = ["plot_curves", "plot_map", "plot_spread", "set_scale"]

MOST_PANELS, COLUMNS = 12, 4
CURVES_SHOWN = 100  # in a panel
MOST_CELLS, CELLS_WITH_NUMBERS = 24, 10  # along a side of the map
TIMES_FOR_LOGARITHMS = 20
SHOWN_EITHER_WAY = 1e3  # times the median: what lies farther off would flatten all else


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
        by = _by_effect(colony)[0] if colony.varied_arguments else "seed"
    groups, names = group_values([choice[_checked(colony, by)] for choice in colony.choices], MOST_PANELS)
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
        tidy_axes(axes)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    set_scale(panels[0], "y", np.concatenate([line.get_ydata() for axes in panels for line in axes.get_lines()]))
    for axes in panels[: len(shown)]:
        _say_if_empty(axes)
    figure.supxlabel("epoch")
    figure.supylabel(f"{_which(colony)} loss")
    if len(shown) > 1:
        figure.suptitle(f"by {by.replace('_', ' ')}, the best of each in orange")
    return figure


def _panel(axes: Any, colony: Colony, members: NDArray[np.int64]) -> None:
    """Some of the curves, evenly from the worst to the best, which is drawn last."""
    places = np.unique(np.linspace(0, len(members) - 1, min(len(members), CURVES_SHOWN)).astype(int))
    alpha = min(0.8, max(0.2, 8 / max(len(places), 1)))
    for place in places[::-1].tolist():
        losses = colony[int(members[place])].history.watched_loss
        style = adjust_to_background(VALIDATION if place == 0 else TRAIN)
        style = {**style, "linestyle": "-"} if place == 0 else {**style, "linewidth": 0.8, "alpha": alpha}
        axes.plot(np.arange(1, len(losses) + 1), losses, **style)


def _say_if_empty(axes: Any) -> None:
    """In a panel where no curve is to be seen, why."""
    low, high = axes.get_ylim()
    losses = np.concatenate([line.get_ydata() for line in axes.get_lines()] or [np.empty(0)])
    if not ((losses >= low) & (losses <= high)).any():
        why = "beyond the scale" if len(losses) else "diverged in epoch 1"
        axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, alpha=0.6)


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
        group_values([choice[_checked(colony, name)] for choice in colony.choices], MOST_CELLS) for name in (x, y)
    )
    lowest = np.full((len(up), len(across)), np.inf)
    np.minimum.at(lowest, (rows, columns), _score(colony))
    values = np.ma.masked_invalid(lowest)
    plt = pyplot()
    from matplotlib.colors import LogNorm

    size = (2.6 + max(0.55 * len(across), 3), 1.6 + max(0.42 * len(up), 1.2))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    known = values.compressed()
    norm = LogNorm(*_stretch(known), clip=True) if _spans_much(known) else None
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
    """How much the seed matters: the losses of the best plans, a point for each seed (and fold), and their mean.

    Parameters
    ----------
    colony : Colony
    plans : int, default 12
        How many plans, the best mean at the top.

    Returns
    -------
    matplotlib.figure.Figure

    """
    plans = check_whole_number("plans", plans, at_least=1)
    score = _score(colony)
    of_plan: dict[str, list[int]] = {}
    for i, choice in enumerate(colony.choices):
        of_plan.setdefault(repr([choice[name] for name in colony.varied_arguments]), []).append(i)
    order = sorted(of_plan.values(), key=lambda members: float(np.mean(score[members])))
    best = [members for members in order if np.isfinite(score[members]).any()][:plans]
    figure, axes = pyplot().subplots(figsize=(7.5, 1.2 + 0.36 * len(best)), layout="constrained")
    blue, orange = adjust_to_background(TRAIN)["color"], adjust_to_background(VALIDATION)["color"]
    of_seeds = [score[members][np.isfinite(score[members])] for members in best]
    for place, losses in enumerate(of_seeds):
        axes.plot(losses, np.full(len(losses), place), "o", color=blue, alpha=0.6, markersize=5)
    means = [losses.mean() for losses in of_seeds]
    over = "seeds" if colony.fold_layout is None else "folds"
    axes.plot(means, range(len(best)), "D", color=orange, markersize=6, label=f"mean over the {over}")
    axes.set_yticks(range(len(best)), [_said(colony, members) for members in best])
    axes.invert_yaxis()
    set_scale(axes, "x", score[np.concatenate(best)] if best else score)
    axes.set_xlabel(_judged(colony))
    tidy_axes(axes)
    axes.legend(frameon=False)
    return figure


def _score(colony: Colony) -> NDArray[np.float64]:
    """What networks are compared by, lower being better; infinite where there is none."""
    results = colony.results
    score = results.loss if colony.ranking_metric == "loss" else results.error
    return np.where(results.diverged | ~np.isfinite(score), np.inf, score)


def _which(colony: Colony) -> str:
    return "validation" if colony.partition == "validation" else "training"


def _judged(colony: Colony) -> str:
    what = {"loss": "loss", "rmse": "root mean squared error", "accuracy": "share of mistakes"}[colony.ranking_metric]
    return f"{_which(colony)} {what}"


def _by_effect(colony: Colony) -> list[str]:
    return [effect.argument for effect in colony.effects() if effect.argument not in ("fold", "seed")]


def _checked(colony: Colony, name: str) -> str:
    known = (*colony.varied_arguments, "seed")
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


def _said(colony: Colony, members: list[int]) -> str:
    """A plan in brief, and how many of its networks diverged."""
    shown = [format_choice(colony.choices[members[0]][name]) for name in colony.varied_arguments]
    words = ", ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in shown) or "all"
    diverged = int(colony.results.diverged[members].sum())
    return f"{words} ({diverged} diverged)" if diverged else words


def _positive(values: Any) -> NDArray[np.float64]:
    known = np.asarray(values, dtype=np.float64)
    return known[np.isfinite(known) & (known > 0)]


def _spans_much(values: Any) -> bool:
    known = _positive(values)
    if (np.asarray(values, dtype=np.float64) < 0).any():  # as of the Poisson loss
        return False
    return bool(len(known) and known.max() > TIMES_FOR_LOGARITHMS * known.min())


def _stretch(values: Any) -> tuple[float, float]:
    """What of positive numbers is shown: all, but for what lies very far from their median."""
    known = _positive(values)
    middle = float(np.median(known))
    return max(float(known.min()), middle / SHOWN_EITHER_WAY), min(float(known.max()), middle * SHOWN_EITHER_WAY)


def set_scale(axes: Any, side: str, values: Any) -> None:
    """A logarithmic scale where numbers differ by much, and none is negative."""
    if _spans_much(values):
        low, high = _stretch(values)
        axes.set(**{f"{side}scale": "log", f"{side}lim": (low / 1.3, high * 1.3)})
