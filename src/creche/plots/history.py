"""Loss and metric by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.evaluation.metrics import metric_name
from creche.model.history import History
from creche.plots.style import TRAIN, VALIDATION, adjust_to_background, pyplot, resolve_axes, tidy_axes

__all__ = ["loss_curves", "metric_curves", "plot_history"]

FACTOR_FOR_LOGARITHMS = 20


def plot_history(history: History) -> Any:
    """Two panels, loss and metric, training and validation, the best epoch marked.

    Parameters
    ----------
    history : History

    Returns
    -------
    matplotlib.figure.Figure

    """
    plt = pyplot()
    figure, (loss_axes, metric_axes) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    _curves(loss_axes, history, history.train_loss, history.validation_loss, "loss")
    _curves(metric_axes, history, history.train_metric, history.validation_metric, metric_name(history.metric))
    loss_axes.legend(frameon=False)
    return figure


def loss_curves(history: Any, *, axes: Any = None, logarithmic: bool | None = None) -> Any:
    """The loss by epoch, of training and validation rows, and the epoch with the lowest.

    Training losses are means over an epoch's batches as they were trained on; validation losses are of the network at
    the epoch's end.

    Parameters
    ----------
    history : History, Run or Model
        A model has the history of the run it comes from.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    logarithmic : bool, optional
        Whether equal steps up are equal factors; by default, where the loss falls to less than a twentieth.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there is no history, or no epoch in it.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> loss_curves(run).get_ylabel()
    'loss'

    """
    known = _history_of(history)
    axes = resolve_axes(axes)
    _curves(axes, known, known.train_loss, known.validation_loss, "loss", mark_training=True)
    losses = np.concatenate([known.train_loss, known.validation_loss])
    losses = losses[np.isfinite(losses)]
    falls_far = len(losses) > 0 and losses.min() > 0 and losses.max() > FACTOR_FOR_LOGARITHMS * losses.min()
    if falls_far if logarithmic is None else logarithmic:
        axes.set_yscale("log")
    axes.legend(frameon=False)
    return axes


def metric_curves(history: Any, *, axes: Any = None) -> Any:
    """Accuracy or root mean squared error by epoch, of training and validation rows; the epoch of the lowest loss.

    Parameters
    ----------
    history : History, Run or Model
        A model has the history of the run it comes from.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If there is no history, or no epoch in it.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
    >>> metric_curves(run).get_ylabel()
    'accuracy'

    """
    known = _history_of(history)
    axes = resolve_axes(axes)
    _curves(axes, known, known.train_metric, known.validation_metric, metric_name(known.metric), mark_training=True)
    axes.legend(frameon=False)
    return axes


def _history_of(given: Any) -> History:
    found = given if isinstance(given, History) else getattr(given, "history", None)
    if found is None:
        found = getattr(getattr(given, "provenance", None), "history", None)
    if not isinstance(found, History):
        raise PlanError(f"history: got {type(given).__name__} without one; needs a History, a Run, or a trained Model")
    if len(found) == 0:
        raise PlanError("history: has no completed epoch; there is nothing to draw")
    return found


def _curves(axes: Any, history: History, train: Any, validation: Any, name: str, mark_training: bool = False) -> None:
    epochs = np.arange(1, len(history) + 1)
    alone = {"marker": "o", "markersize": 4} if len(history) == 1 else {}
    axes.plot(epochs, train, label="training", **adjust_to_background(TRAIN), **alone)
    watched, style = (validation, VALIDATION) if history.has_validation else (train, TRAIN)
    which = "validation" if history.has_validation else "training"
    if history.has_validation:
        axes.plot(epochs, validation, label="validation", **adjust_to_background(VALIDATION), **alone)
    best = history.best_epoch
    if best >= 0 and (history.has_validation or mark_training):
        axes.plot(
            epochs[best], watched[best], "o", color=adjust_to_background(style)["color"], markersize=6,
            label=f"lowest {which} loss (epoch {best + 1:,})",
        )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    tidy_axes(axes)
