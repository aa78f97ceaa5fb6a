"""Comparing a graph with the model that it was made of, on rows, before its file is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.exporting.onnx.feeds import build_feeds
from creche.exporting.onnx.graph import import_onnx
from creche.exporting.onnx.outputs import OutputName, OutputNames
from creche.model.ensemble import Ensemble
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.model.thresholds import choose_classes, class_threshold
from creche.table.labels import class_array
from creche.table.table import Table

__all__ = ["find_difference", "open_graph"]

# Of numbers, which are not within 0 and 1 as probabilities are: in units of the label's scale and of the distance of a
# prediction from its mean, whichever digits the networks compute with.
LOOSER_FOR_NUMBERS = 10
LOOSER_FOR_DISAGREEMENT = 100

Run: TypeAlias = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]


def open_graph(content: bytes) -> Run:
    """Return the function that computes the outputs of a graph from its inputs, both by name.

    ONNX Runtime computes them if it is installed, otherwise the much slower evaluator of the package onnx.
    """
    try:
        import onnxruntime
    except ImportError:
        return _open_reference(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, dict(feeds)), strict=True))


def _open_reference(content: bytes) -> Run:
    onnx = import_onnx()
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx.load_model_from_string(content))
    names = evaluator.output_names
    return lambda feeds: dict(zip(names, evaluator.run(names, dict(feeds)), strict=True))


def find_difference(
    content: bytes,
    names: OutputNames,
    model: Model | Ensemble,
    rows: Table | NDArray[np.float64],
    *,
    interval: float | None = None,
    tolerance: float,
) -> str | None:
    """Return how the predictions of a graph differ from those of the model; None if they do not.

    Parameters
    ----------
    content : bytes
    names : dict
        The names of its outputs.
    model : Model or Ensemble
    rows : Table or (n, columns) array
    interval : float, optional
        The coverage that the graph was built with.
    tolerance : float
        The largest difference of a probability; ten times as much of a number, in units of the label's scale and of the
        prediction's distance from its mean.

    Returns
    -------
    str or None
        With the first row, what is expected there and what the graph predicts.

    """
    if len(rows) == 0:
        return None
    got = open_graph(content)(build_feeds(model, rows))
    first = rows.first_row if isinstance(rows, Table) else 0
    for name, expected, allowed in _expect(model, rows, got, names, interval, tolerance):
        wanted, found = (each.reshape(len(rows), -1) for each in (expected, got[names[name]]))
        if wanted.dtype.kind in "OU":
            is_wrong = wanted != found
        else:
            with np.errstate(invalid="ignore"):
                is_wrong = ~(np.abs(wanted.astype(np.float64) - found) <= allowed)
        if is_wrong.any():
            row, column = np.argwhere(is_wrong)[0].tolist()
            count = int(is_wrong.any(axis=1).sum())
            return (
                f"in row {first + row}, {name} is {found[row, column]!s} instead of {wanted[row, column]!s} "
                f"({count:,} of {len(rows):,} rows differ)"
            )
    return None


def _expect(
    model: Model | Ensemble,
    rows: Table | NDArray[np.float64],
    got: Mapping[str, NDArray[Any]],
    names: OutputNames,
    interval: float | None,
    tolerance: float,
) -> Iterator[tuple[OutputName, NDArray[Any], Any]]:
    """Yield for each output what it should be, and by how much it may differ."""
    labels, count = model.labels, len(rows)
    if labels.task == "regression":
        numbers = model.predict(rows).reshape(count, -1)
        mean, scale = (labels.repeat(np.array(each)) for each in (labels.mean, labels.scale))
        allowed = LOOSER_FOR_NUMBERS * tolerance * (scale + np.abs(numbers - mean))
        yield "prediction", numbers, allowed
        if interval is not None and isinstance(model, FittedModel):
            limits = model.predict(rows, interval)[1].reshape(count, -1, 2)
            widest = allowed.reshape(count, limits.shape[1], -1).max(axis=2)
            yield "low", limits[..., 0], widest
            yield "high", limits[..., 1], widest
    else:
        probabilities = model.predict_proba(rows)
        yield "probabilities", probabilities, tolerance
        # Near a tie, the labels may differ: so the label is to be that of the graph's own probabilities.
        yield "label", _choose(model, got[names["probabilities"]]), 0
        if interval is not None and isinstance(model, FittedModel):
            score = model.conformal_scores(interval)[0]
            is_clear = np.abs(1 - probabilities - score) > tolerance
            yield "in_set", model.predict(rows, interval)[1], np.where(is_clear, 0.0, 1.0)
    if isinstance(model, Ensemble):
        # The logarithm of a small probability, or the root of a small variance, makes more of a difference.
        unit = labels.scale[0] if len(labels.scale) == 1 else 1.0
        yield "disagreement", model.disagreement(rows), LOOSER_FOR_DISAGREEMENT * tolerance * unit


def _choose(model: Model | Ensemble, probabilities: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of probabilities, as the graph has them."""
    if model.labels.is_multilabel:
        return model.answers(probabilities)
    classes = class_array(model.labels.classes or ())
    chosen = classes[choose_classes(probabilities, class_threshold(model.threshold))]
    return chosen.astype(str).astype(object) if classes.dtype.kind in "OU" else chosen
