"""How good the network is now: metrics, confusion and reliability of a part of the rows, and its largest errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows, new_predictor
from creche.errors import CrecheError
from creche.evaluation.classification import ClassificationEvaluation
from creche.evaluation.evaluation import Evaluation
from creche.model.model import Model
from creche.studio.metrics_view import describe_metrics
from creche.studio.prediction import write_cells
from creche.studio.protocol import views
from creche.studio.protocol.views import Partition as PartName
from creche.table.partition import Partition
from creche.table.prepare import Prepared
from creche.table.table import Table
from creche.training.run import Run

__all__ = ["MOST_ROWS", "EvaluatedPart", "describe_rows"]

# Of a larger part, every second, third, … row is evaluated, so that a page can follow.
MOST_ROWS = 10_000

# Rows of a regression that are drawn, classes whose confusion is sent, and rows with the largest losses.
MOST_POINTS, MOST_CLASSES, MOST_ERRORS = 2000, 100, 20

NO_NUMBERS: views.FloatArray = np.empty(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedPart:
    """The rows of a part that are evaluated again and again: all, or an even sample of many.

    Attributes
    ----------
    name : {"train", "validation", "test"}
    prepared : Prepared
        The table whose part it is.
    part : Partition
    rows : Rows
        The same as the engine reads them.
    evaluate : callable
        Takes predictions for the rows and returns their evaluation, without intervals.

    """

    name: PartName
    prepared: Prepared
    part: Partition
    rows: Rows
    evaluate: Callable[[NDArray[Any]], Evaluation]

    @classmethod
    def of(cls, run: Run, name: PartName) -> EvaluatedPart | None:
        """Return the part of this name; None if there is none."""
        part: Partition | None = getattr(run.prepared, name)
        if part is None:
            return None
        stride = -(-len(part) // MOST_ROWS)
        part = part.take(np.arange(0, len(part), stride))
        rows = run.prepared.encode_part(part, run.plan.loss, run.plan.dtype)
        evaluate = _model_of(run).prepare_evaluation(part.observations, part.weights, n_resamples=0)
        return cls(name, run.prepared, part, rows, evaluate)

    def describe(self, run: Run) -> views.EvaluationView:
        """Evaluate the network as it is now.

        Raises
        ------
        CrecheError
            If its predictions are not finite.

        """
        predicted = _predict(run, self.rows.x)
        if not np.isfinite(predicted).all():
            raise CrecheError("the predictions are not finite, so they have no metrics")
        evaluation = self.evaluate(predicted if run.prepared.labels.classes is not None else _as_labels(run, predicted))
        classes: tuple[str, ...] = ()
        confusion, reliability = np.empty((0, 0), dtype=np.int32), np.empty((0, 3), dtype=np.float32)
        actual = estimated = NO_NUMBERS
        if isinstance(evaluation, ClassificationEvaluation):
            classes = tuple(map(str, evaluation.classes))
            curve = evaluation.reliability()
            reliability = np.stack([curve.x, curve.y, curve.weight], axis=1).astype(np.float32)
            if len(classes) <= MOST_CLASSES:
                confusion = evaluation.confusion.astype(np.int32)
        else:
            shown = slice(None, None, -(-len(predicted) // MOST_POINTS))
            actual = self.part.observations.y.reshape(len(predicted), -1)[shown, 0].astype(np.float32)
            estimated = predicted[shown, 0].astype(np.float32)
        return views.EvaluationView(
            partition=self.name,
            rows=len(self.rows),
            epoch=run.epoch,
            metrics=describe_metrics(evaluation),
            classes=classes,
            confusion=confusion,
            actual=actual,
            predicted=estimated,
            reliability=reliability,
        )

    def describe_errors(self, run: Run) -> views.ErrorsView:
        """Return the rows with the largest losses now, the largest first."""
        losses = run.losses_of(self.rows)
        first = np.argsort(-np.nan_to_num(losses, nan=np.inf), kind="stable")[:MOST_ERRORS]
        rows = describe_rows(run, self.part.take(first), losses[first], [self.name] * len(first))
        return views.ErrorsView(self.name, run.epoch, run.prepared.features.names, rows)


def describe_rows(run: Run, part: Partition, losses: NDArray[Any], names: list[PartName]) -> tuple[views.RowView, ...]:
    """Return rows with what the network predicts for them now; each lies in the part of its name."""
    prepared, observed = run.prepared, part.observations
    assert isinstance(observed.x, Table)
    rows = prepared.encode_part(part, run.plan.loss, run.plan.dtype)
    predicted, classes = _predict(run, rows.x), prepared.labels.classes
    out = []
    for place in range(len(part)):
        cells = write_cells(observed.x, place)
        label = observed.y[place]
        probability = None
        if classes is not None:
            probability = float(predicted[place, classes.index(label)])
            found = str(classes[int(predicted[place].argmax())])
        else:
            found = ", ".join(f"{value:.6g}" for value in predicted[place])
        out.append(
            views.RowView(
                number=int(observed.row_numbers[place]),
                partition=names[place],
                values=tuple(cells[name] for name in prepared.features.names),
                actual=", ".join(f"{value:.6g}" for value in np.atleast_1d(label)) if classes is None else str(label),
                predicted=found,
                probability=probability,
                loss=float(losses[place]),
            )
        )
    return tuple(out)


def _model_of(run: Run) -> Model:
    return Model(run.current_plan, run.prepared.features, run.prepared.labels, run.parameters, run.threads)


def _predict(run: Run, x: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities (n, classes), or numbers (n, labels) in their units."""
    model = _model_of(run)
    return model.decode_outputs(new_predictor(model.plan, model.parameters, run.threads).predict(x))


def _as_labels(run: Run, predicted: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as `Model.predict` does: (n,) for one label."""
    return predicted[:, 0] if len(run.prepared.labels.names) == 1 and predicted.shape[1] == 1 else predicted
