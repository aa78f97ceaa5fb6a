"""The network in expressions: embeddings, layers with all that they may have, submodels, activations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.parameters import EMBEDDINGS
from creche.errors import PlanError
from creche.exporting.sql.query import Expression, Query, Steps, number
from creche.model.model import Model
from creche.plan.embeddings import EmbeddedColumns, LinearEmbedding, PeriodicEmbedding
from creche.plan.network import Layer

__all__ = ["run_network"]

VARIANCE_EPSILON = 1e-5  # core/layers/normalization.hpp

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# A square of a smaller number is too small for PostgreSQL.
SMALLEST_TO_SQUARE = 1e-100


def run_network(query: Query, model: Model, inputs: list[Expression]) -> Steps:
    """Compute the weighted sums of the output layer, of each submodel after the one before.

    Parameters
    ----------
    query : Query
    model : Model
    inputs : list of str
        The names of the encoded columns.

    Yields
    ------
    computed, carried : list of str
        The expressions of a step, and the names that are needed after it.

    Raises
    ------
    PlanError
        If an activation cannot be expressed.

    """
    network = model.plan.network
    digits = 10 if model.plan.dtype == "float32" else 17
    if network.embeddings:
        inputs = yield from _embed(query, model, inputs, digits)
    rows = [inputs] * network.submodels
    for at, layer in enumerate(network.layers):
        own = {name.partition(".")[2]: a for name, a in model.parameters.items() if name.startswith(f"{at}.")}
        kept = [name for row in rows for name in row] if layer.residual else []
        sums: list[Expression] = []
        for submodel, row in enumerate(rows):
            sums += _sum(row, layer, own, submodel, digits)
        z = yield sums, kept
        if layer.normalization == "layer":
            z = yield from _normalize_rows(z, layer, own, kept, digits)
        activate = _find_activation(query, layer)
        if layer.activation.key != "identity" or layer.residual:
            slopes = own.get("slopes")
            bent = []
            for i, name in enumerate(z):
                value = activate(name)
                if slopes is not None:
                    value = f"{name} + {_write(slopes[i % layer.width], digits)} * ({value} - {name})"
                bent.append(f"{value} + {kept[i]}" if layer.residual else value)
            z = yield bent, []
        rows = [z[k * layer.width : (k + 1) * layer.width] for k in range(network.submodels)]
    return [name for row in rows for name in row]


def _write(value: float, digits: int) -> Expression:
    return number(float(value), digits)


def _own(array: NDArray[Any], dimensions: int, submodel: int) -> NDArray[Any]:
    """Return the numbers of a submodel: those of its own, or those that all share."""
    return np.asarray(array[submodel]) if array.ndim > dimensions else array


def _sum(
    row: Sequence[Expression], layer: Layer, of: Mapping[str, NDArray[Any]], submodel: int, digits: int
) -> list[Expression]:
    """Return the weighted sums of a layer; what only multiplies or adds is part of the weights and the bias."""
    weights = _own(of["weights"], 2, submodel).astype(np.float64)
    bias = _own(of["bias"], 1, submodel).astype(np.float64)
    if "scale" in of:
        weights = weights * _own(of["scale"], 1, submodel).astype(np.float64)[:, np.newaxis]
    if "output_scale" in of:
        weights = weights * of["output_scale"][submodel].astype(np.float64)
    if layer.normalization == "batch":
        gain = of["gain"] / np.sqrt(of["running_variance"].astype(np.float64) + VARIANCE_EPSILON)
        weights, bias = weights * gain, (bias - of["running_mean"]) * gain + of["shift"]
    return [
        " + ".join(
            [
                _write(bias[j], digits),
                *(f"{name} * {_write(w, digits)}" for name, w in zip(row, weights[:, j], strict=True) if w),
            ]
        )
        for j in range(weights.shape[1])
    ]


def _normalize_rows(
    z: list[Expression], layer: Layer, of: Mapping[str, NDArray[Any]], kept: list[Expression], digits: int
) -> Steps:
    width = layer.width
    rows = [z[at : at + width] for at in range(0, len(z), width)]
    means = yield [f"({' + '.join(row)}) / {width}e0" for row in rows], [*z, *kept]
    centered = yield [f"{name} - {mean}" for row, mean in zip(rows, means, strict=True) for name in row], kept
    rows = [centered[at : at + width] for at in range(0, len(z), width)]
    limit = number(SMALLEST_TO_SQUARE)
    squares = [[f"CASE WHEN abs({c}) < {limit} THEN 0e0 ELSE {c} * {c} END" for c in row] for row in rows]
    roots = yield (
        [f"sqrt(({' + '.join(row)}) / {width}e0 + {number(VARIANCE_EPSILON)})" for row in squares],
        [*centered, *kept],
    )
    return (yield [
        f"{name} / {root} * {_write(of['gain'][j], digits)} + {_write(of['shift'][j], digits)}"
        for row, root in zip(rows, roots, strict=True) for j, name in enumerate(row)
    ], kept)  # fmt: skip


def _embed(query: Query, model: Model, x: list[Expression], digits: int) -> Steps:
    """Compute the inputs of the first layer: those of each embedding, then the columns without one."""
    network = model.plan.network
    inputs: list[Expression] = []
    at = 0
    for embedded in network.embeddings:
        # Periodic features are one block of parameters together, others one for each.
        together = isinstance(embedded.embedding, PeriodicEmbedding)
        for feature in range(1 if together else len(embedded.columns)):
            prefix = f"{EMBEDDINGS}{at}."
            own = {name.removeprefix(prefix): a for name, a in model.parameters.items() if name.startswith(prefix)}
            if together:
                waves = yield _compute_waves(query, embedded, x, own, model.plan.dtype), x
                inputs += _combine_waves(embedded, x, waves, own, digits)
            else:
                inputs += _embed_feature(embedded, feature, x, own, digits)
            at += 1
    taken = {column for embedded in network.embeddings for column in embedded.taken()}
    inputs += [name for column, name in enumerate(x) if column not in taken]
    return (yield inputs, [])


def _embed_feature(
    embedded: EmbeddedColumns, feature: int, x: Sequence[Expression], of: Mapping[str, NDArray[Any]], digits: int
) -> list[Expression]:
    first = embedded.columns[feature]
    if isinstance(embedded.embedding, LinearEmbedding):
        columns = x[first : first + embedded.sizes[feature]]
        return [
            " + ".join(
                [_write(bias, digits), *(f"{c} * {_write(w, digits)}" for c, w in zip(columns, weights, strict=True))]
            )
            for bias, weights in zip(of["bias"], of["weights"].T, strict=True)
        ]
    vectors = of["vectors"]
    return [
        f"CASE {' '.join(f'WHEN {x[first]} = {code}e0 THEN {_write(v, digits)}' for code, v in enumerate(column))} "
        f"ELSE {_write(column[0], digits)} END"
        for column in vectors.T
    ]


def _compute_waves(
    query: Query, embedded: EmbeddedColumns, x: Sequence[Expression], of: Mapping[str, NDArray[Any]], dtype: str
) -> list[Expression]:
    """Return cos(2 pi w_f x + p_f) for each frequency of each feature."""
    per_turn = np.asarray(1 / (2 * math.pi), dtype)
    waves = []
    for i, column in enumerate(embedded.columns):
        for frequency, phase in zip(of["frequencies"][:, i], of["phases"][:, i], strict=True):
            turns = f"{x[column]} * {number(frequency)} + {number(phase * per_turn)}"
            # The network rounds turns, too: of many turns, that makes a difference.
            waves.append(f"cos({number(2 * math.pi)} * ({query.round_to_single(turns, dtype)}))")
    return waves


def _combine_waves(
    embedded: EmbeddedColumns, x: Sequence[Expression], waves: Sequence[Expression], of: Mapping[str, NDArray[Any]],
    digits: int,
) -> list[Expression]:  # fmt: skip
    """Return b + the sum over waves times V of each feature, then the feature itself."""
    frequencies, features = of["frequencies"].shape
    weights = of["weights"].reshape(frequencies, -1, features)
    inputs: list[Expression] = []
    for i, column in enumerate(embedded.columns):
        own = waves[i * frequencies : (i + 1) * frequencies]
        for j in range(weights.shape[1]):
            terms = [f"{wave} * {_write(w, digits)}" for wave, w in zip(own, weights[:, j, i], strict=True)]
            inputs.append(" + ".join([_write(of["bias"][j, i], digits), *terms]))
        inputs.append(x[column])
    return inputs


def _find_activation(query: Query, layer: Layer) -> Callable[[Expression], Expression]:
    key, parameter = layer.activation.key, layer.activation.parameter

    def sigmoid(z: Expression) -> Expression:
        return f"1e0 / (1e0 + {query.exp(f'-({z})')})"

    def tanh(z: Expression) -> Expression:
        return f"(1e0 - 2e0 / (1e0 + {query.exp(f'2e0 * ({z})')}))"

    def softplus(z: Expression) -> Expression:
        return f"({query.largest(z, '0e0')} + ln(1e0 + {query.exp(f'-abs({z})')}))"

    def bend(z: Expression, scale: float, alpha: float) -> Expression:
        below = f"{number(scale * alpha)} * ({query.exp(query.smallest(z, '0e0'))} - 1e0)"
        return f"CASE WHEN {z} > 0e0 THEN {z} * {number(scale)} ELSE {below} END"

    def gelu(z: Expression) -> Expression:
        inner = f"{number(math.sqrt(2 / math.pi))} * ({z} + 0.044715e0 * {z} * {z} * {z})"
        return f"0.5e0 * {z} * (1e0 + {tanh(query.clip(inner, -300, 300))})"

    formulas: dict[str, Callable[[Expression], Expression]] = {
        "identity": lambda z: z,
        "relu": lambda z: query.largest(z, "0e0"),
        "leaky_relu": lambda z: f"CASE WHEN {z} > 0e0 THEN {z} ELSE {z} * {number(parameter)} END",
        "elu": lambda z: bend(z, 1.0, parameter),
        "selu": lambda z: bend(z, SELU_SCALE, SELU_ALPHA),
        "gelu_tanh": gelu,
        "silu": lambda z: f"{z} * ({sigmoid(z)})",
        "mish": lambda z: f"{z} * {tanh(softplus(z))}",
        "tanh": tanh,
        "sigmoid": sigmoid,
        "softplus": lambda z: f"{softplus(f'{number(parameter)} * {z}')} / {number(parameter)}",
    }
    if key not in formulas:
        raise PlanError(
            f"activation: {key!r} cannot be exported to SQL, which lacks the error function; train with 'gelu_tanh', "
            "which is nearly the same, or export to ONNX or JavaScript"
        )
    return formulas[key]
