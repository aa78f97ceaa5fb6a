"""Facts about a run that the rules of a diagnosis share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import batch_internals
from creche.engine.native import Rows, new_predictor
from creche.engine.stored_rows import StoredRows
from creche.explain.constant_loss import constant_loss
from creche.training.recorder import Neurons, describe_neurons, sample_rows, select_rows
from creche.training.watching import true_classes

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["RunFacts"]

# Sizes of the samples of training rows: for all activations, and for predictions only.
ROWS_INSIDE = 256
ROWS_PREDICTED = 4096
ROWS_OF_FILE = 100_000

MIN_EPOCHS = 8  # of a curve
SMALLEST_SHARE = 1e-12


class RunFacts:
    """Facts about a run.

    Attributes
    ----------
    run : Run
    plan, prepared, history, recording
        Those of the run.
    diverged : bool
    train : (epochs,) float64
        The training loss by epoch.
    watched : (epochs,) float64
        The validation loss by epoch; without validation rows, the training loss.

    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.plan, self.prepared, self.history, self.recording = run.plan, run.prepared, run.history, run.recording
        self.diverged = run.status == "diverged"
        self.train, self.watched = self.history.train_loss, self.history.watched_loss

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return len(self.history)

    @property
    def has_curve(self) -> bool:
        """Whether there are enough epochs, all with a finite loss, to judge the curve."""
        return not self.diverged and self.epochs >= MIN_EPOCHS and bool(np.isfinite(self.train).all())

    @property
    def has_dropout(self) -> bool:
        """Whether a layer has dropout."""
        return any(layer.dropout > 0 for layer in self.plan.network.layers)

    @cached_property
    def baseline(self) -> float:
        """The training loss of the best constant prediction, with which losses are compared."""
        loss = constant_loss(self.run)
        if loss is None:
            return float(self.train[0]) if self.epochs else 1.0
        return max(loss, SMALLEST_SHARE)

    @cached_property
    def rows(self) -> Rows:
        """The training rows; those of a file up to a number that is enough to see what they are like."""
        return self._read(self.run.rows)

    @cached_property
    def compared_rows(self) -> Rows:
        """The rows by which networks are compared."""
        return self._read(self.run.rows if self.run.validation is None else self.run.validation)

    @staticmethod
    def _read(rows: Rows | StoredRows) -> Rows:
        return rows.read(0, min(len(rows), ROWS_OF_FILE)) if isinstance(rows, StoredRows) else rows

    @cached_property
    def neurons(self) -> list[Neurons]:
        """What the neurons of each layer do on a sample of the training rows."""
        rows = select_rows(self.rows, sample_rows(len(self.rows), ROWS_INSIDE, self.plan.seed))
        with np.errstate(all="ignore"):
            inside = batch_internals(self.plan, self.run.parameters, rows)
        layers = zip(self.plan.network.layers, inside.activations, strict=True)
        return [describe_neurons(layer.activation, a) for layer, a in layers]

    @cached_property
    def sampled_places(self) -> NDArray[np.int64]:
        """The places of a larger sample of the training rows, for predictions."""
        return sample_rows(len(self.rows), ROWS_PREDICTED, self.plan.seed)

    @cached_property
    def predictions(self) -> NDArray[Any]:
        """The network's outputs for `sampled_places`, (n, outputs)."""
        predictor = new_predictor(self.plan, self.run.parameters, self.run.threads)
        return np.asarray(predictor.predict(np.ascontiguousarray(self.rows.x[self.sampled_places])))

    @cached_property
    def compared_predictions(self) -> NDArray[np.float64]:
        """What the network predicts for the rows by which networks are compared.

        Probabilities (n, classes), or numbers in the units of the labels (n, k), among them probabilities of yes.
        """
        rows = self.compared_rows
        with np.errstate(all="ignore"):
            outputs = new_predictor(self.plan, self.run.parameters, self.run.threads).predict(rows.x).astype(np.float64)
            predicted = self.plan.loss.head(self.plan.task).finish(outputs)
        return predicted if self.plan.task == "classification" else self.prepared.labels.decode_numbers(predicted)

    @cached_property
    def compared_classes(self) -> NDArray[np.int64]:
        """The true class of each of those rows, by its number."""
        return true_classes(self.compared_rows, self.plan.loss)

    def update_ratio(self) -> float | None:
        """Return by what share of their norm one step changes a layer's weights in the second half of the run.

        It is the median over the recorded moments for the layer that changes most; None if nothing was recorded.
        """
        if self.recording is None:
            return None
        recent = self.recording.steps * 2 >= self.run.step
        ratios = self.recording.update_ratios[recent]
        ratios = ratios[np.isfinite(ratios).all(axis=1)]
        return None if not len(ratios) else float(np.median(ratios, axis=0).max())

    def layer_name(self, number: int) -> str:
        """Return a layer in words."""
        last = number == len(self.plan.network.layers) - 1
        return "the output layer" if last else f"layer {number + 1}"

    @property
    def error_measure(self) -> str:
        """The measure that does not depend on how the label is scaled."""
        return "rmse" if self.plan.task == "regression" else "loss"

    @property
    def evaluated_on(self) -> str:
        """The rows by which networks are compared: "validation" or "training"."""
        return "validation" if self.run.validation is not None else "training"
