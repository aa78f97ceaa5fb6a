"""The whole graph of a model: raw columns, encoders, networks, calibration and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from creche._system.archive import compute_digest
from creche._version import __version__
from creche.exporting.onnx.features import add_features, add_raw_columns, describe_input, input_names
from creche.exporting.onnx.graph import Graph, Value
from creche.exporting.onnx.heads import add_calibration, add_disagreement, add_head, add_mean
from creche.exporting.onnx.network import add_network
from creche.exporting.onnx.outputs import OutputNames, Predictions, add_outputs, name_outputs
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.table.encoders.categorical import CategoricalEncoder

__all__ = ["build_graph"]


def build_graph(
    model: Model | Ensemble, interval: float | None = None, *, in_double: bool = False
) -> tuple[bytes, OutputNames]:
    """Return a model as the bytes of an ONNX file, and the names of its outputs.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    interval : float, optional
        The coverage of intervals, or of sets of classes, which are then outputs, too.
    in_double : bool, default False
        Whether networks in float32 are computed in double, which takes longer and makes no rounding errors of its own.

    Raises
    ------
    PlanError
        If a part of the model cannot be expressed.

    """
    models = [model] if isinstance(model, Model) else model.models
    inputs = input_names(model.features)
    names = name_outputs(model, is_ensemble=isinstance(model, Ensemble), interval=interval, taken=set(inputs))
    graph = Graph([*inputs, *names.values()])
    raw = add_raw_columns(graph, [each.features for each in models])
    encoded: dict[str, Value] = {}
    predicted = []
    for each in models:
        key = each.plan.dtype + json.dumps(each.features.to_dict(), default=str)
        if key not in encoded:
            encoded[key] = add_features(graph, raw, each.features, each.plan.dtype)
        dtype = "float64" if in_double else each.plan.dtype
        x = encoded[key] if each.plan.dtype == dtype else graph.cast(encoded[key], dtype)
        z = add_network(graph, x, each.plan.network, each.parameters.astype(dtype))
        p = add_head(graph, z, each, dtype)
        is_cast = each.classes is not None and dtype != each.plan.dtype
        predicted.append(graph.cast(p, each.plan.dtype) if is_cast else p)
    if isinstance(model, Model):
        found = Predictions(predicted[0], model.plan.dtype if model.classes is not None else "float64")
    else:
        found = _join(graph, model, predicted)
    add_outputs(graph, model, found, names, interval)
    kind = "a network" if isinstance(model, Model) else f"{len(model)} networks"
    doc = f"{model.labels.name} by {kind} of Creche {__version__}"
    return graph.serialize(doc, __version__, _describe(model)), names


def _join(graph: Graph, ensemble: Ensemble, predicted: list[Value]) -> Predictions:
    """Average the networks' predictions, and calibrate the mean."""
    in_double = [
        graph.cast(p, "float64") if each.classes is not None and each.plan.dtype == "float32" else p
        for p, each in zip(predicted, ensemble.models, strict=True)
    ]
    mean = add_mean(graph, in_double, ensemble.shares)
    values = add_calibration(graph, mean, ensemble.calibration, len(ensemble.labels.outcomes))
    disagreement = add_disagreement(graph, in_double, mean, ensemble.shares, ensemble.labels)
    return Predictions(values, "float64", disagreement)


def _describe(model: Model | Ensemble) -> Mapping[str, str]:
    """Return what an application may want to know of the model, as JSON by name."""
    columns: list[dict[str, Any]] = []
    for encoder in model.features.columns:
        column: dict[str, Any] = {"name": encoder.name, "kind": encoder.kind, "takes": describe_input(encoder)[1]}
        if isinstance(encoder, CategoricalEncoder):
            column["categories"] = list(encoder.categories)
        columns.append(column)
    classes = None if model.classes is None else list(model.classes)
    return {
        "creche.version": __version__,
        "creche.model": compute_digest("model", *model.to_parts()),
        "creche.label": json.dumps(list(model.labels.names)),
        "creche.classes": json.dumps(classes, default=str),
        "creche.columns": json.dumps(columns),
    }
