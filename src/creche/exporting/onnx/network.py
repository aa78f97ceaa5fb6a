"""The network in the graph: embeddings, layers with all that they may have, and submodels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import EMBEDDINGS
from creche.exporting.onnx.activations import add_activation
from creche.exporting.onnx.graph import Graph, Value
from creche.plan.embeddings import EmbeddedColumns, LinearEmbedding, PeriodicEmbedding
from creche.plan.network import Layer, Network

__all__ = ["add_network"]

VARIANCE_EPSILON = 1e-5  # core/layers/normalization.hpp


def add_network(graph: Graph, inputs: Value, network: Network, parameters: Mapping[str, NDArray[Any]]) -> Value:
    """Compute the weighted sums of the output layer, (rows, outputs), of submodels (submodels, rows, outputs).

    Parameters
    ----------
    graph : Graph
    inputs : str
        The encoded columns, (rows, columns), in the precision of the parameters.
    network : Network
    parameters : dict of str to array

    """
    dtype = str(parameters["0.weights"].dtype)
    x = _add_embeddings(graph, inputs, network, parameters)
    for number, layer in enumerate(network.layers):
        own = {name.partition(".")[2]: array for name, array in parameters.items() if name.startswith(f"{number}.")}
        x = _add_layer(graph, x, layer, own, is_single=network.submodels == 1, dtype=dtype)
    return x


def _add_layer(
    graph: Graph, inputs: Value, layer: Layer, of: Mapping[str, NDArray[Any]], *, is_single: bool, dtype: str
) -> Value:
    x = inputs
    if "scale" in of:
        x = graph.add("Mul", x, _by_submodel(of["scale"]))
    if is_single:
        z = graph.add("Gemm", x, of["weights"], of["bias"])
    else:
        z = graph.add("MatMul", x, of["weights"])
        if "output_scale" in of:
            z = graph.add("Mul", z, _by_submodel(of["output_scale"]))
        z = graph.add("Add", z, _by_submodel(of["bias"]))
    z = _normalize(graph, z, layer, of, dtype)
    a = add_activation(graph, z, layer.activation, dtype)
    if "slopes" in of:
        a = graph.add("Add", z, graph.add("Mul", of["slopes"], graph.add("Sub", a, z)))
    return graph.add("Add", a, inputs) if layer.residual else a


def _by_submodel(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers that all submodels share, (columns,), as they are, and (submodels, 1, columns) of each."""
    return array if array.ndim == 1 else array[:, np.newaxis]


def _normalize(graph: Graph, z: Value, layer: Layer, of: Mapping[str, NDArray[Any]], dtype: str) -> Value:
    if layer.normalization == "none":
        return z
    if layer.normalization == "batch":
        deviation = np.sqrt(of["running_variance"].astype(np.float64) + VARIANCE_EPSILON)
        centered = graph.add("Sub", z, of["running_mean"])
        scaled = graph.add("Mul", centered, (of["gain"] / deviation).astype(dtype))
        return graph.add("Add", scaled, of["shift"])
    last = np.array([-1])
    centered = graph.add("Sub", z, graph.add("ReduceMean", z, last, keepdims=1))
    variance = graph.add("ReduceMean", graph.add("Mul", centered, centered), last, keepdims=1)
    root = graph.add("Sqrt", graph.add("Add", variance, np.array(VARIANCE_EPSILON, dtype)))
    return graph.add("Add", graph.add("Mul", graph.add("Div", centered, root), of["gain"]), of["shift"])


def _add_embeddings(graph: Graph, x: Value, network: Network, parameters: Mapping[str, NDArray[Any]]) -> Value:
    """Return the inputs of the first layer: those of each embedding, then the columns without one."""
    if not network.embeddings:
        return x
    parts: list[Value] = []
    number = 0
    for embedded in network.embeddings:
        # Periodic features are one block of parameters together, others one for each.
        together = isinstance(embedded.embedding, PeriodicEmbedding)
        count = 1 if together else len(embedded.columns)
        for feature in range(count):
            prefix = f"{EMBEDDINGS}{number}."
            own = {name.removeprefix(prefix): a for name, a in parameters.items() if name.startswith(prefix)}
            parts.append(
                _add_periodic(graph, x, embedded, network.inputs, own)
                if together
                else _add_feature(graph, x, embedded, feature, network.inputs, own)
            )
            number += 1
    taken = {column for embedded in network.embeddings for column in embedded.taken()}
    plain = [column for column in range(network.inputs) if column not in taken]
    if plain:
        parts.append(graph.select_columns(x, plain, network.inputs))
    return graph.concat(parts)


def _add_feature(
    graph: Graph, x: Value, embedded: EmbeddedColumns, feature: int, width: int, of: Mapping[str, NDArray[Any]]
) -> Value:
    """Return the inputs of a feature with a linear embedding, or of a column of codes."""
    first = embedded.columns[feature]
    if isinstance(embedded.embedding, LinearEmbedding):
        columns = list(range(first, first + embedded.sizes[feature]))
        return graph.add("Gemm", graph.select_columns(x, columns, width), of["weights"], of["bias"])
    codes = graph.cast(graph.add("Gather", x, np.array(first), axis=1), "int64")
    return graph.add("Gather", of["vectors"], codes)


def _add_periodic(
    graph: Graph, x: Value, embedded: EmbeddedColumns, width: int, of: Mapping[str, NDArray[Any]]
) -> Value:
    """Return b + sum over f of cos(2 pi w_f x + p_f) V_f of each feature, then the feature itself."""
    dtype, features = of["weights"].dtype, len(embedded.columns)
    frequencies = len(of["frequencies"])
    numbers = graph.select_columns(x, list(embedded.columns), width)
    columns = graph.add("Unsqueeze", numbers, np.array([2]))  # (rows, features, 1)
    in_turns = (of["phases"] / (2 * math.pi)).astype(dtype)
    turns = graph.add("Add", graph.add("Mul", columns, of["frequencies"].T), in_turns.T)
    # Whole turns are taken off exactly, so that the cosine is that of a small angle.
    rest = graph.add("Sub", turns, graph.add("Round", turns))
    cosines = graph.add("Cos", graph.add("Mul", rest, np.array(2 * math.pi, dtype)))  # (rows, features, frequencies)
    by_feature = of["weights"].reshape(frequencies, -1, features).transpose(2, 0, 1)
    waves = graph.add("Unsqueeze", cosines, np.array([2]))
    learned = graph.add("Squeeze", graph.add("MatMul", waves, by_feature), np.array([2]))
    learned = graph.add("Add", learned, of["bias"].T)
    both = graph.concat([learned, columns], axis=2)
    return graph.add("Reshape", both, np.array([0, features * embedded.embedding.width]))
