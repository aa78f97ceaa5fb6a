"""The case: a run as the rules of a diagnosis look at it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import batch_internals
from creche.engine.native import new_predictor
from creche.training.recorder import Neurons, describe_neurons, sample_rows, select_rows

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["RunFacts"]

ROWS_INSIDE = 256


ROWS_PREDICTED = 4096


LEAST_EPOCHS = 8  # of which a curve can be told


SMALLEST_SHARE = 1e-12


class RunFacts:
    """A run, and what several rules ask of it.

    Attributes
    ----------
    run : Run
    plan, prepared, history, recording
        Of the run.
    diverged : bool
    train, watched : (epochs,) float64
        The losses by epoch; `watched` is the validation loss, or else the training loss.

    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.plan, self.prepared, self.history, self.recording = run.plan, run.prepared, run.history, run.recording
        self.diverged = run.status == "diverged"
        self.train, self.watched = self.history.train_loss, self.history.watched_loss

    @property
    def epochs(self) -> int:
        return len(self.history)

    @property
    def has_curve(self) -> bool:
        """Whether there are epochs enough, and finite ones, to tell of a curve."""
        return not self.diverged and self.epochs >= LEAST_EPOCHS and bool(np.isfinite(self.train).all())

    @property
    def has_dropout(self) -> bool:
        return any(layer.dropout > 0 for layer in self.plan.network.layers)

    @cached_property
    def baseline(self) -> float:
        """The loss of saying the same of each training row, as well as that can be: what losses are measured by."""
        if self.plan.loss.is_python:
            return float(self.train[0]) if self.epochs else 1.0
        weights = [(np.zeros_like(w), np.zeros_like(b)) for w, b in self.run.weights]
        rows = self.run.rows
        labels = rows.targets if rows.classes is None else rows.classes
        assert labels is not None
        weights[-1][1][:] = self.plan.loss.best_constant(labels, rows.weights, self.plan.network.outputs)
        loss, _ = new_predictor(self.plan, weights, self.run.threads).evaluate(
            rows.x, rows.classes, rows.targets, rows.weights
        )
        return max(float(loss), SMALLEST_SHARE)

    @cached_property
    def neurons(self) -> list[Neurons]:
        """Of each layer, on a sample of the training rows, as the network is now."""
        rows = select_rows(self.run.rows, sample_rows(len(self.run.rows), ROWS_INSIDE, self.plan.seed))
        with np.errstate(all="ignore"):
            inside = batch_internals(self.plan, self.run.weights, rows)
        layers = zip(self.plan.network.layers, inside.activations, strict=True)
        return [describe_neurons(layer.activation, a) for layer, a in layers]

    @cached_property
    def rows_predicted(self) -> NDArray[np.int64]:
        """The places of a sample of the training rows, larger than that of which all neurons are looked at."""
        return sample_rows(len(self.run.rows), ROWS_PREDICTED, self.plan.seed)

    @cached_property
    def predictions(self) -> NDArray[Any]:
        """What the network gives for them, (n, outputs)."""
        predictor = new_predictor(self.plan, self.run.weights, self.run.threads)
        return np.asarray(predictor.predict(np.ascontiguousarray(self.run.rows.x[self.rows_predicted])))

    def update_ratio(self) -> float | None:
        """By which share of themselves one step changes the weights of a layer in the second half of the run.

        The median over the moments, of the layer where it is greatest; None where it was not recorded.
        """
        if self.recording is None:
            return None
        recent = self.recording.steps * 2 >= self.run.step
        ratios = self.recording.update_ratios[recent]
        ratios = ratios[np.isfinite(ratios).all(axis=1)]
        return None if not len(ratios) else float(np.median(ratios, axis=0).max())

    def layer(self, number: int) -> str:
        """What a layer is called."""
        last = number == len(self.plan.network.layers) - 1
        return "the output layer" if last else f"layer {number + 1}"

    @property
    def judged_by(self) -> str:
        return "validation" if self.run.validation is not None else "training"
