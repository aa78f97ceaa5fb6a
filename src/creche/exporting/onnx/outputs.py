"""The outputs of the graph: the label, probabilities or numbers, how much networks disagree, and intervals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from creche.exporting.intervals import find_scores
from creche.exporting.onnx.categories import check_word
from creche.exporting.onnx.graph import ELEMENTS, Element, Graph, Value
from creche.model.predictor import Predictor
from creche.table.labels import class_array

__all__ = ["OutputName", "OutputNames", "Predictions", "add_outputs", "name_outputs"]

OutputName: TypeAlias = Literal["label", "probabilities", "prediction", "disagreement", "low", "high", "in_set"]
OutputNames: TypeAlias = dict[OutputName, str]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a graph has computed of a model.

    Attributes
    ----------
    values : str
        Probabilities, (rows, classes) or (rows, labels), or numbers (rows, columns).
    dtype : {"float32", "float64"}
        Their type.
    disagreement : str
        (rows,); empty for a single network.

    """

    values: Value
    dtype: str
    disagreement: Value = ""


def name_outputs(model: Predictor, *, is_ensemble: bool, interval: float | None, taken: Collection[str]) -> OutputNames:
    """Return the name of each output of a model: "label" is "predicted_label" where a column has that name."""
    is_number = model.labels.task == "regression"
    outputs: list[OutputName] = ["prediction"] if is_number else ["label", "probabilities"]
    if is_ensemble:
        outputs.append("disagreement")
    if interval is not None:
        outputs += ["low", "high"] if is_number else ["in_set"]
    names = {}
    for output in outputs:
        name: str = output
        while name in taken:
            name = f"predicted_{name}"
        names[output] = name
    return names


def add_outputs(graph: Graph, model: Predictor, found: Predictions, names: OutputNames, interval: float | None) -> None:
    """Add the outputs that `name_outputs` named.

    Raises
    ------
    PlanError
        If a class cannot be written, or the model has no intervals of this coverage.

    """
    labels, element = model.labels, ELEMENTS[found.dtype]
    if labels.task == "regression":
        columns = len(labels.outcomes)
        doc = f"the number of {', '.join(labels.outcomes[:20])}"
        graph.add_output(found.values, names["prediction"], element, [columns], doc)
    elif labels.is_multilabel:
        _add_answers(graph, model, found, names)
    else:
        _add_classes(graph, model, found, names)
    if found.disagreement:
        doc = "how much the networks disagree about a row; 0 where they predict the same"
        graph.add_output(found.disagreement, names["disagreement"], "double", [], doc)
    if interval is not None:
        _add_interval(graph, model, found, names, interval)


def _add_answers(graph: Graph, model: Predictor, found: Predictions, names: OutputNames) -> None:
    """Add probabilities of yes, and the answers, of several labels."""
    columns = len(model.labels.names)
    limits = np.broadcast_to(np.array(0.5 if model.threshold is None else model.threshold), columns)
    answers = graph.add("GreaterOrEqual", found.values, limits.astype(np.float64))
    listed = ", ".join(model.labels.names[:20])
    graph.add_output(answers, names["label"], "bool", [columns], f"whether {listed}")
    graph.add_output(found.values, names["probabilities"], "double", [columns], f"the probability of {listed}")


def _add_classes(graph: Graph, model: Predictor, found: Predictions, names: OutputNames) -> None:
    classes = model.labels.classes
    assert classes is not None
    array = class_array(classes)
    element: Element = "string" if array.dtype.kind in "OU" else ELEMENTS[str(array.dtype)]
    if element == "string":
        for word in classes:
            check_word(str(word), f"label {model.labels.name!r}: the class")
        array = np.array([str(word) for word in classes], dtype=object)
    if model.threshold is None:
        chosen = graph.add("ArgMax", found.values, axis=1, keepdims=0)
    else:
        second = graph.add("Gather", found.values, np.array(1), axis=1)
        # NumPy compares with a number of Python in the array's own precision.
        limit = np.array(model.threshold).astype(found.dtype)
        chosen = graph.cast(graph.add("GreaterOrEqual", second, limit), "int64")
    graph.add_output(graph.add("Gather", array, chosen), names["label"], element, [], "the predicted class")
    doc = "the probability of each class: " + ", ".join(map(str, classes[:20]))
    graph.add_output(found.values, names["probabilities"], ELEMENTS[found.dtype], [len(classes)], doc)


def _add_interval(graph: Graph, model: Predictor, found: Predictions, names: OutputNames, coverage: float) -> None:
    """Add the limits, or the set of classes, that contain the true label with this probability."""
    scores = find_scores(model, coverage)
    about = f"with a probability of at least {coverage:g}"
    if model.classes is not None:
        classes = len(model.classes)
        near = graph.add("LessOrEqual", graph.add("Sub", np.array(1.0), found.values), scores[:1])
        best = graph.add("ArgMax", found.values, axis=1, keepdims=1)
        is_best = graph.add("Equal", best, np.arange(classes))
        in_set = graph.add("Or", near, is_best)
        graph.add_output(in_set, names["in_set"], "bool", [classes], f"the classes that include the true one {about}")
        return
    labels, step = len(model.labels.names), max(len(model.quantiles), 1)
    width = labels * step
    lowest = graph.select_columns(found.values, list(range(0, width, step)), width)
    highest = graph.select_columns(found.values, list(range(step - 1, width, step)), width)
    low, high = graph.add("Sub", lowest, scores), graph.add("Add", highest, scores)
    graph.add_output(low, names["low"], "double", [labels], f"the true number is between low and high {about}")
    graph.add_output(high, names["high"], "double", [labels], f"the true number is between low and high {about}")
