"""Comparing a graph with the model that it was made of, on rows, before its file is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError
from creche.exporting.onnx.feeds import build_feeds
from creche.exporting.onnx.graph import import_onnx
from creche.exporting.onnx.outputs import OutputNames
from creche.model.ensemble import Ensemble
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.table.table import Table

__all__ = ["TOLERANCE", "check_graph", "open_graph"]

TOLERANCE = 1e-6
# Of numbers, which are not within 0 and 1 as probabilities are: in units of the label's scale and of the distance of a
# prediction from its mean, whichever digits the networks compute with.
LOOSER_FOR_NUMBERS = 10

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


def check_graph(
    content: bytes,
    names: OutputNames,
    model: Model | Ensemble,
    rows: Table | NDArray[np.float64],
    *,
    interval: float | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Check that a graph predicts what the model does.

    Parameters
    ----------
    content : bytes
    names : dict
        Of its outputs.
    model : Model or Ensemble
    rows : Table or (n, columns) array
    interval : float, optional
        The coverage that the graph was built with.
    tolerance : float
        The largest difference of a probability; ten times as much of a number, in units of the label's scale and of the
        prediction's distance from its mean.

    Raises
    ------
    CrecheError
        If it does not, with the row, what is expected and what it predicts.

    """
    if len(rows) == 0:
        return
    found = open_graph(content)(build_feeds(model, rows))
    first = rows.first_row if isinstance(rows, Table) else 0

    def compare(name: str, expected: NDArray[Any], got: NDArray[Any], allowed: Any) -> None:
        expected, got = expected.reshape(len(rows), -1), got.reshape(len(rows), -1)
        with np.errstate(invalid="ignore"):
            is_wrong = ~(np.abs(expected.astype(np.float64) - got) <= allowed)
        if is_wrong.any():
            row, column = np.argwhere(is_wrong)[0].tolist()
            raise CrecheError(
                f"the ONNX graph differs from the model: in row {first + row}, {name} is {got[row, column]!s} instead "
                f"of {expected[row, column]!s}, and the tolerance is {tolerance:g} ({int(is_wrong.any(axis=1).sum()):,}"
                f" of {len(rows):,} rows differ); nothing was written. If the difference does not matter, give a "
                "larger tolerance"
            )

    if model.labels.task == "regression":
        numbers = model.predict(rows)
        columns = numbers.reshape(len(rows), -1)
        mean, scale = (model.labels.repeat(np.array(each)) for each in (model.labels.mean, model.labels.scale))
        allowed = LOOSER_FOR_NUMBERS * tolerance * (scale + np.abs(columns - mean))
        compare("prediction", columns, found[names["prediction"]], allowed)
        if interval is not None and isinstance(model, FittedModel):
            limits = model.predict(rows, interval)[1].reshape(len(rows), -1, 2)
            widest = allowed.reshape(len(rows), limits.shape[1], -1).max(axis=2)
            compare("low", limits[..., 0], found[names["low"]], widest)
            compare("high", limits[..., 1], found[names["high"]], widest)
    else:
        expected = model.predict_proba(rows)
        probabilities = found[names["probabilities"]]
        compare("probabilities", expected, probabilities, tolerance)
        # The label follows from the probabilities, which may differ a little: so it is that of the graph's own.
        _compare_labels(model, probabilities, found[names["label"]], first)
        if interval is not None and isinstance(model, FittedModel):
            score = model.conformal_scores(interval)[0]
            is_clear = np.abs(1 - expected - score) > tolerance
            sets = model.predict(rows, interval)[1]
            compare("in_set", sets, found[names["in_set"]].astype(np.float64), np.where(is_clear, 0.0, 1.0))
    if isinstance(model, Ensemble):
        # A logarithm of small probabilities makes more of a difference.
        scale = max(model.labels.scale, default=1.0) if model.labels.task == "regression" else 1.0
        allowed = 100 * tolerance * scale
        compare("disagreement", model.disagreement(rows), found[names["disagreement"]], allowed)


def _compare_labels(model: Model | Ensemble, probabilities: NDArray[Any], labels: NDArray[Any], first: int) -> None:
    from creche.model.thresholds import choose_classes, class_threshold

    if model.labels.is_multilabel:
        expected = model.answers(probabilities)
    else:
        expected = model._class_array[choose_classes(probabilities, class_threshold(model.threshold))]
        if labels.dtype.kind in "OU":
            expected = expected.astype(str)
    is_wrong = (expected != labels).reshape(len(labels), -1).any(axis=1)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise CrecheError(
            f"the ONNX graph differs from the model: in row {first + row}, the label is {labels[row]!s} instead of "
            f"{expected[row]!s}; nothing was written"
        )
