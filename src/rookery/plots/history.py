"""Loss and metric by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rookery.plots.style import TRAIN, VALIDATION, on_background, pyplot, tidy

if TYPE_CHECKING:
    from rookery.history import History

__all__ = ["plot_history"]

NAMES = {"accuracy": "accuracy", "rmse": "root mean squared error"}


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
    _curves(metric_axes, history, history.train_metric, history.validation_metric, NAMES[history.metric])
    loss_axes.legend(frameon=False)
    return figure


def _curves(axes: Any, history: History, train: Any, validation: Any, name: str) -> None:
    epochs = np.arange(1, len(history) + 1)
    axes.plot(epochs, train, label="training", **on_background(TRAIN))
    if history.has_validation:
        style = on_background(VALIDATION)
        axes.plot(epochs, validation, label="validation", **style)
        best = history.best_epoch
        axes.plot(
            epochs[best], validation[best], "o", color=style["color"], markersize=6,
            label=f"lowest validation loss (epoch {best + 1})",
        )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    tidy(axes)
