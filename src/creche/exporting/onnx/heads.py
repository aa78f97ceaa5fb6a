"""From the network's weighted sums to probabilities or numbers, and from several networks' predictions to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import SMALLEST_EXPONENT
from creche.exporting.onnx.graph import Graph, Value
from creche.model.calibration import SMALLEST_PROBABILITY, TINY, Calibration
from creche.model.model import Model
from creche.table.labels import LabelEncoder

__all__ = ["add_calibration", "add_disagreement", "add_head", "add_mean"]

FIRST, LAST = np.array([0]), np.array([-1])


def add_head(graph: Graph, z: Value, model: Model, dtype: str) -> Value:
    """Turn weighted sums into predictions as `Model.decode_outputs` does, (rows, classes) or (rows, columns).

    Probabilities of classes are in the precision of the sums, all else in double.
    """
    head, network = model.plan.loss.head(model.plan.task), model.plan.network
    if head.key == "softmax":
        p = graph.add("Softmax", z, axis=-1)
    elif head.key in ("sigmoid", "cumulative"):
        p = graph.add("Sigmoid", z)
    else:
        p = graph.add("Exp", z) if head.key == "exp" else z
    if network.submodels > 1:
        p = graph.add("ReduceMean", p, FIRST, keepdims=0)
    if head.key == "cumulative":
        return _class_shares(graph, p, network.outputs, dtype)
    if head.key == "sorted":
        size = len(model.labels.quantiles)
        groups = graph.add("Reshape", p, np.array([0, network.outputs // size, size]))
        ordered = graph.add_sorted(groups, size, descending=False)
        p = graph.add("Reshape", ordered, np.array([0, network.outputs]))
    if model.classes is None:
        return _decode_numbers(graph, p, model.labels, dtype)
    if head.key != "sigmoid":
        return p
    if network.outputs == 1:
        return graph.concat([graph.add("Sub", np.array(1, dtype), p), p])
    total = graph.add("ReduceSum", p, LAST, keepdims=1)
    even = np.array(1 / network.outputs, dtype)
    return graph.add("Where", graph.add("Greater", total, np.array(0, dtype)), graph.add("Div", p, total), even)


def _class_shares(graph: Graph, p: Value, outputs: int, dtype: str) -> Value:
    """Turn probabilities of a class above each but the last into those of the classes."""
    ordered = graph.add_sorted(p, outputs, descending=True)
    one = np.array([[1]], dtype)
    first = graph.add("Sub", one, graph.select_columns(ordered, [0], outputs))
    if outputs == 1:
        return graph.concat([first, ordered])
    upper = graph.select_columns(ordered, list(range(outputs - 1)), outputs)
    lower = graph.select_columns(ordered, list(range(1, outputs)), outputs)
    last = graph.select_columns(ordered, [outputs - 1], outputs)
    return graph.concat([first, graph.add("Sub", upper, lower), last])


def _decode_numbers(graph: Graph, outputs: Value, labels: LabelEncoder, dtype: str) -> Value:
    numbers = outputs if dtype == "float64" else graph.cast(outputs, "float64")
    if labels.scale:
        scaled = graph.add("Mul", numbers, labels.repeat(np.array(labels.scale, dtype=np.float64)))
        numbers = graph.add("Add", scaled, labels.repeat(np.array(labels.mean, dtype=np.float64)))
    if not labels.bounds:
        return numbers
    low, high = labels.repeat(np.array(labels.bounds, dtype=np.float64).T)
    return graph.add("Min", graph.add("Max", numbers, low), high)


def add_mean(graph: Graph, predicted: list[Value], shares: NDArray[np.float64]) -> Value:
    """Sum predictions in double times their shares."""
    terms = [graph.add("Mul", p, np.array(share)) for p, share in zip(predicted, shares.tolist(), strict=True)]
    return terms[0] if len(terms) == 1 else graph.add("Sum", *terms)


def add_calibration(graph: Graph, mean: Value, calibration: Calibration, columns: int) -> Value:
    """Do to the mean, (rows, columns), what `Calibration.apply` does."""
    if calibration.lowest:
        repeats = columns // len(calibration.lowest)
        low, high = (np.repeat(limits, repeats) for limits in (calibration.lowest, calibration.highest))
        return graph.add("Min", graph.add("Max", mean, low), high)
    tempered = _scale(graph, mean, calibration)
    if calibration.mix == 0:
        return tempered
    return graph.add(
        "Add", graph.add("Mul", tempered, np.array(1 - calibration.mix)), calibration.mix * np.array(calibration.shares)
    )


def _scale(graph: Graph, p: Value, calibration: Calibration) -> Value:
    """Apply temperature, matrix and offsets to probabilities."""
    offsets = np.array(calibration.offsets)
    if not calibration.matrix and calibration.temperature == 1 and not offsets.size:
        return p
    smallest = SMALLEST_PROBABILITY if calibration.matrix else float(TINY)
    logits = graph.add("Log", graph.add("Max", p, np.array(smallest)))
    logits = graph.add("Div", logits, np.array(calibration.temperature))
    if calibration.matrix:
        centered = graph.add("Sub", logits, graph.add("ReduceMean", logits, LAST, keepdims=1))
        logits = graph.add("MatMul", centered, np.array(calibration.matrix))
    if offsets.size:
        logits = graph.add("Add", logits, offsets)
    below = graph.add("Sub", logits, graph.add("ReduceMax", logits, LAST, keepdims=1))
    powers = graph.add("Exp", graph.add("Max", below, np.array(SMALLEST_EXPONENT)))
    if not calibration.matrix:
        powers = graph.add("Where", graph.add("Greater", p, np.array(0.0)), powers, np.array(0.0))
    return graph.add("Div", powers, graph.add("ReduceSum", powers, LAST, keepdims=1))


def add_disagreement(
    graph: Graph, predicted: list[Value], mean: Value, shares: NDArray[np.float64], labels: LabelEncoder
) -> Value:
    """Return how much networks disagree about each row, (rows,), as `Ensemble.disagreement` measures it."""
    if labels.classes is not None:
        own = add_mean(graph, [_entropy(graph, p) for p in predicted], shares)
        gained = graph.add("Max", graph.add("Sub", _entropy(graph, mean), own), np.array(0.0))
        return graph.add("Div", gained, np.array(np.log(len(labels.classes))))
    squares = []
    for p in predicted:
        difference = graph.add("Sub", p, mean)
        squares.append(graph.add("Mul", difference, difference))
    spread = graph.add("Sqrt", add_mean(graph, squares, shares))
    if len(labels.outcomes) == 1:
        return graph.add("Squeeze", spread, np.array([1]))
    scales = labels.repeat(np.array(labels.scale, dtype=np.float64)) if labels.scale else np.ones(1)
    return graph.add("ReduceMean", graph.add("Div", spread, scales), LAST, keepdims=0)


def _entropy(graph: Graph, p: Value) -> Value:
    """Return the entropy of each row, (rows,), in nats."""
    logs = graph.add("Log", graph.add("Where", graph.add("Greater", p, np.array(0.0)), p, np.array(1.0)))
    return graph.add("Neg", graph.add("ReduceSum", graph.add("Mul", p, logs), LAST, keepdims=0))
