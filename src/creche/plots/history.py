"""Plots of a training run: loss and metric by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.evaluation.metrics import metric_name
from creche.model.history import History
from creche.plots.style import TRAIN, VALIDATION, adjust_to_background, create_figure, draws, resolve_axes, tidy_axes

__all__ = ["loss_curves", "metric_curves", "plot_history"]

FACTOR_FOR_LOGARITHMS = 20


def plot_history(history: History) -> Any:
    """Draw loss and metric by epoch in two panels, for training and validation rows, with the best epoch marked.

    Parameters
    ----------
    history : History

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> [axes.get_ylabel() for axes in plot_history(run.history).axes]
    ['loss', 'accuracy']

    """
    figure, (loss_axes, metric_axes) = create_figure(9, 3.6, 1, 2)
    _draw_curves(loss_axes, history, history.train_loss, history.validation_loss, "loss")
    _draw_curves(metric_axes, history, history.train_metric, history.validation_metric, metric_name(history.metric))
    loss_axes.legend(frameon=False)
    return figure


@draws
def loss_curves(history: Any, *, axes: Any = None, logarithmic: bool | None = None) -> Any:
    """Draw the loss by epoch, for training and validation rows, and mark the epoch with the lowest.

    A training loss is the mean over the batches of an epoch, each computed just before its step; a validation loss is
    that of the network at the end of the epoch.

    Parameters
    ----------
    history : History, Run or Model
        For a model, the history of the run that trained it.
    logarithmic : bool, optional
        Whether the loss has a logarithmic scale; by default, if it falls to less than a twentieth.

    Raises
    ------
    PlanError
        If there is no history, or it has no epoch.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> loss_curves(run).get_ylabel()
    'loss'

    """
    found = _find_history(history)
    axes = resolve_axes(axes)
    _draw_curves(axes, found, found.train_loss, found.validation_loss, "loss", mark_training=True)
    losses = np.concatenate([found.train_loss, found.validation_loss])
    losses = losses[np.isfinite(losses)]
    falls_far = len(losses) > 0 and losses.min() > 0 and losses.max() > FACTOR_FOR_LOGARITHMS * losses.min()
    if falls_far if logarithmic is None else logarithmic:
        axes.set_yscale("log")
    axes.legend(frameon=False)
    return axes


@draws
def metric_curves(history: Any, *, axes: Any = None) -> Any:
    """Draw accuracy or root mean squared error by epoch, for training and validation rows; mark the lowest loss.

    Parameters
    ----------
    history : History, Run or Model
        For a model, the history of the run that trained it.

    Raises
    ------
    PlanError
        If there is no history, or it has no epoch.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> metric_curves(run).get_ylabel()
    'accuracy'

    """
    found = _find_history(history)
    axes = resolve_axes(axes)
    name = metric_name(found.metric)
    _draw_curves(axes, found, found.train_metric, found.validation_metric, name, mark_training=True)
    axes.legend(frameon=False)
    return axes


def _find_history(source: Any) -> History:
    found = source if isinstance(source, History) else getattr(source, "history", None)
    if found is None:
        found = getattr(getattr(source, "provenance", None), "history", None)
    if not isinstance(found, History):
        raise PlanError(f"history: got {type(source).__name__} without one; needs a History, a Run, or a trained Model")
    if len(found) == 0:
        raise PlanError("history: has no completed epoch, so there is no surface to draw; train for an epoch or more")
    return found


def _draw_curves(
    axes: Any,
    history: History,
    train: NDArray[np.float64],
    validation: NDArray[np.float64],
    name: str,
    mark_training: bool = False,
) -> None:
    epochs = np.arange(1, len(history) + 1)
    single = {"marker": "o", "markersize": 4} if len(history) == 1 else {}
    axes.plot(epochs, train, label="training", **adjust_to_background(TRAIN), **single)
    watched, style = (validation, VALIDATION) if history.has_validation else (train, TRAIN)
    which = "validation" if history.has_validation else "training"
    if history.has_validation:
        axes.plot(epochs, validation, label="validation", **adjust_to_background(VALIDATION), **single)
    best = history.best_epoch
    if best >= 0 and (history.has_validation or mark_training):
        axes.plot(
            epochs[best], watched[best], "o", color=adjust_to_background(style)["color"], markersize=6,
            label=f"lowest {which} loss (epoch {best + 1:,})",
        )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    tidy_axes(axes)
