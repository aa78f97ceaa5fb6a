"""Plots of a colony: losses by epoch, the map of two arguments, the spread over seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.evaluation.metrics import is_lower_better, metric_name
from creche.model_selection.choices import values_of
from creche.model_selection.fold_statistics import plan_numbers
from creche.model_selection.results import format_choice, group_values
from creche.plan.arguments import check_whole_number
from creche.plots.style import (
    TRAIN,
    VALIDATION,
    adjust_to_background,
    contrasting_color,
    create_figure,
    evenly_spaced,
    tidy_axes,
)

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = ["explain_empty", "plot_curves", "plot_map", "plot_spread", "set_scale"]

MOST_PANELS, PANELS_PER_ROW = 12, 4
CURVES_SHOWN = 100  # in a panel
MOST_CELLS, CELLS_WITH_NUMBERS = 24, 10  # along a side of the map
FACTOR_FOR_LOGARITHMS = 20
FACTOR_SHOWN = 1e3  # above and below the median: values farther away would flatten all others


def plot_curves(colony: Colony, by: str | None = None) -> Any:
    """Draw the loss of all networks by epoch, in a panel for each value of an argument, the best network highlighted.

    If the networks were trained with different losses, which cannot be compared, the metric that ranks them is drawn:
    the root mean squared error or the error rate.

    Parameters
    ----------
    colony : Colony
    by : str, optional
        The argument; by default the one that explains most of the variance. If it has more than 12 values, neighbouring
        numbers share a panel.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlanError
        If the networks do not differ in that argument.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], learning_rate=[0.01, 0.1],
    ...                   epochs=5, threads=1)
    >>> [axes.get_title() for axes in plot_curves(colony, "optimizer").axes]
    ['sgd', 'adam']

    """
    if by is None:
        by = _by_effect(colony)[0] if colony.varied_arguments else "seed"
    groups, names = group_values(values_of(colony.choices, _check_argument(colony, by)), MOST_PANELS)
    count = min(len(names), MOST_PANELS)
    across = min(count, PANELS_PER_ROW)
    down = math.ceil(count / across)
    figure, grid = create_figure(
        max(2.6 * across, 4), 2.3 * down + 0.4, down, across, sharex=True, sharey=True, squeeze=False
    )
    score = _scores(colony)
    panels = grid.reshape(-1)
    for g, axes in enumerate(panels[:count]):
        members = np.flatnonzero(groups == g)
        _draw_panel(axes, colony, members[np.argsort(score[members], kind="stable")])
        title = names[g] if count > 1 else f"{len(members):,} networks"
        axes.set_title(title, fontsize="medium")
        tidy_axes(axes)
    for axes in panels[count:]:
        axes.set_visible(False)
    set_scale(panels[0], "y", np.concatenate([line.get_ydata() for axes in panels for line in axes.get_lines()]))
    for axes in panels[:count]:
        explain_empty(axes)
    figure.supxlabel("epoch")
    figure.supylabel(_score_name(colony))
    if count > 1:
        figure.suptitle(f"by {by.replace('_', ' ')}, the best network of each panel in orange")
    return figure


def _draw_panel(axes: Any, colony: Colony, members: NDArray[np.int64]) -> None:
    """Draw curves evenly spaced by rank; the best is drawn last and always."""
    places = evenly_spaced(len(members), CURVES_SHOWN)
    alpha = min(0.8, max(0.2, 8 / max(len(places), 1)))
    for place in places[::-1].tolist():
        values = _score_by_epoch(colony, int(members[place]))
        style = adjust_to_background(VALIDATION if place == 0 else TRAIN)
        style = {**style, "linestyle": "-"} if place == 0 else {**style, "linewidth": 0.8, "alpha": alpha}
        axes.plot(np.arange(1, len(values) + 1), values, **style)


def _score_by_epoch(colony: Colony, member: int) -> NDArray[np.float64]:
    """Return what members are ranked by, after each epoch."""
    history = colony[member].history
    if colony.ranking_metric == "loss":
        return np.asarray(history.watched_loss)
    metric = np.asarray(history.validation_metric if colony.partition == "validation" else history.train_metric)
    return metric if is_lower_better(colony.ranking_metric) else 1 - metric


def explain_empty(axes: Any) -> None:
    """Write into a panel without a visible curve why there is none."""
    low, high = axes.get_ylim()
    losses = np.concatenate([line.get_ydata() for line in axes.get_lines()] or [np.empty(0)])
    if not ((losses >= low) & (losses <= high)).any():
        note = "beyond the scale" if len(losses) else "diverged in epoch 1"
        axes.text(0.5, 0.5, note, ha="center", va="center", transform=axes.transAxes, alpha=0.65)


def plot_map(colony: Colony, x: str | None = None, y: str | None = None) -> Any:
    """Draw the lowest loss for each pair of values of two arguments, as a map.

    Parameters
    ----------
    colony : Colony
    x, y : str, optional
        The arguments; by default the two that explain most of the variance, the one with more values as x.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlanError
        If the networks do not differ in two arguments, or not in these.

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], learning_rate=[0.01, 0.1],
    ...                   epochs=5, threads=1)
    >>> axes = plot_map(colony, "learning_rate", "optimizer").axes[0]
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('learning rate', 'optimizer')

    """
    x, y = _resolve_pair(colony, x, y)
    (columns, across), (rows, up) = (
        group_values(values_of(colony.choices, _check_argument(colony, name)), MOST_CELLS) for name in (x, y)
    )
    lowest = np.full((len(up), len(across)), np.inf)
    np.minimum.at(lowest, (rows, columns), _scores(colony))
    values = np.ma.masked_invalid(lowest)
    figure, axes = create_figure(2.6 + max(0.55 * len(across), 3), 1.6 + max(0.42 * len(up), 1.2))
    from matplotlib.colors import LogNorm

    known = values.compressed()
    norm = LogNorm(*_logarithmic_limits(known), clip=True) if _needs_logarithms(known) else None
    image = axes.imshow(values, cmap="cividis_r", norm=norm, aspect="auto", origin="lower")
    axes.set_facecolor("none")  # for pairs that were not tried, or where all networks diverged
    axes.set_xticks(range(len(across)), across, rotation=45 if max(map(len, across)) > 4 else 0, ha="right")
    axes.set_yticks(range(len(up)), up)
    axes.set_xlabel(x.replace("_", " "))
    axes.set_ylabel(y.replace("_", " "))
    figure.colorbar(image, label=f"lowest {_score_name(colony)}")
    if max(lowest.shape) <= CELLS_WITH_NUMBERS:
        _write_numbers(axes, image, values)
    return figure


def _write_numbers(axes: Any, image: Any, values: Any) -> None:
    """Write its number into each cell, in black or white, whichever is readable there."""
    for (row, column), value in np.ndenumerate(values):
        if values.mask is not np.ma.nomask and values.mask[row, column]:
            axes.text(column, row, "–", ha="center", va="center", alpha=0.6)
            continue
        colour = contrasting_color(image.cmap(image.norm(value)))
        axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize="small", color=colour)


def plot_spread(colony: Colony, plans: int = 12) -> Any:
    """Draw how much the seed matters: the losses of the best plans, a point for each seed (and fold), and their mean.

    Parameters
    ----------
    colony : Colony
    plans : int, default 12
        The number of plans; the one with the best mean is at the top.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import creche as cr
    >>> colony = cr.sweep("penguins", label="species", hidden=[5], optimizer=["sgd", "adam"], seeds=3, epochs=5,
    ...                   threads=1)
    >>> sorted(label.get_text() for label in plot_spread(colony).axes[0].get_yticklabels())
    ['adam', 'sgd']

    """
    plans = check_whole_number("plans", plans, at_least=1)
    score = _scores(colony)
    by_plan: dict[int, list[int]] = {}
    for i, number in enumerate(plan_numbers(colony).tolist()):
        by_plan.setdefault(number, []).append(i)
    order = sorted(by_plan.values(), key=lambda members: float(np.mean(score[members])))
    best = [members for members in order if np.isfinite(score[members]).any()][:plans]
    figure, axes = create_figure(7.5, 1.2 + 0.36 * len(best))
    blue, orange = adjust_to_background(TRAIN)["color"], adjust_to_background(VALIDATION)["color"]
    scores = [score[members][np.isfinite(score[members])] for members in best]
    for place, losses in enumerate(scores):
        axes.plot(losses, np.full(len(losses), place), "o", color=blue, alpha=0.6, markersize=5)
    means = [losses.mean() for losses in scores]
    unit = "seeds" if colony.fold_layout is None else "folds"
    axes.plot(means, range(len(best)), "D", color=orange, markersize=6, label=f"mean over the {unit}")
    axes.set_yticks(range(len(best)), [_describe_plan(colony, members) for members in best])
    axes.invert_yaxis()
    set_scale(axes, "x", score[np.concatenate(best)] if best else score)
    axes.set_xlabel(_score_name(colony))
    tidy_axes(axes)
    axes.legend(frameon=False)
    return figure


def _scores(colony: Colony) -> NDArray[np.float64]:
    """Return what networks are ranked by, lower is better; infinite if there is none."""
    results = colony.results
    score = results.loss if colony.ranking_metric == "loss" else results.error
    return np.where(results.diverged | ~np.isfinite(score), np.inf, score)


def _score_name(colony: Colony) -> str:
    rows = "validation" if colony.partition == "validation" else "training"
    return f"{rows} {'error rate' if colony.ranking_metric == 'accuracy' else metric_name(colony.ranking_metric)}"


def _by_effect(colony: Colony) -> list[str]:
    return [effect.argument for effect in colony.effects() if effect.argument not in ("fold", "seed")]


def _check_argument(colony: Colony, name: str) -> str:
    known = (*colony.varied_arguments, "seed")
    if name not in known:
        raise PlanError(f"{name!r}: the networks do not differ in it; {nearest(name, known)}")
    return name


def _resolve_pair(colony: Colony, x: str | None, y: str | None) -> tuple[str, str]:
    names = [name for name in _by_effect(colony) if name not in (x, y)]
    if len(names) < (x is None) + (y is None):
        names.append("seed")
    pair = [_check_argument(colony, name) if name else names.pop(0) if names else "" for name in (x, y)]
    if "" in pair or pair[0] == pair[1]:
        raise PlanError("plot_map: needs two arguments in which the networks differ; plot_spread needs one")
    if x is None and y is None:
        counts = {name: len({repr(value) for value in values_of(colony.choices, name)}) for name in pair}
        pair.sort(key=lambda name: -counts[name])
    return pair[0], pair[1]


def _describe_plan(colony: Colony, members: list[int]) -> str:
    """Return the varied arguments of a plan, and how many of its networks diverged."""
    values = [format_choice(colony.choices[members[0]][name]) for name in colony.varied_arguments]
    text = ", ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in values) or "all"
    diverged = int(colony.results.diverged[members].sum())
    return f"{text} ({diverged} diverged)" if diverged else text


def _finite_positive(values: Any) -> NDArray[np.float64]:
    known = np.asarray(values, dtype=np.float64)
    return known[np.isfinite(known) & (known > 0)]


def _needs_logarithms(values: Any) -> bool:
    known = _finite_positive(values)
    if (np.asarray(values, dtype=np.float64) < 0).any():  # the Poisson loss, for example
        return False
    return bool(len(known) and known.max() > FACTOR_FOR_LOGARITHMS * known.min())


def _logarithmic_limits(values: Any) -> tuple[float, float]:
    """Return the range of positive numbers that is shown: all except those very far from the median."""
    known = _finite_positive(values)
    middle = float(np.median(known))
    return max(float(known.min()), middle / FACTOR_SHOWN), min(float(known.max()), middle * FACTOR_SHOWN)


def set_scale(axes: Any, side: str, values: Any) -> None:
    """Set a logarithmic scale if the values cover more than a factor of 20 and none is negative."""
    if _needs_logarithms(values):
        low, high = _logarithmic_limits(values)
        axes.set(**{f"{side}scale": "log", f"{side}lim": (low / 1.3, high * 1.3)})
