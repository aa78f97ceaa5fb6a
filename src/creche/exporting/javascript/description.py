"""A model as plain data, for the module that predicts with it: columns, encoders, networks and what joins them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche._system.archive import compute_digest
from creche._version import __version__
from creche.engine.parameters import EMBEDDINGS, Parameters
from creche.errors import PlanError
from creche.exporting.intervals import find_scores
from creche.model.calibration import Calibration
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.plan.embeddings import EmbeddedColumns, LinearEmbedding, PeriodicEmbedding
from creche.plan.network import Network
from creche.table.cell_format import CellFormat
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.features import Encoder, FeatureEncoder
from creche.table.encoders.normal_curve import build_curve
from creche.table.encoders.numeric import NumericEncoder
from creche.table.labels import LabelEncoder
from creche.table.word_columns import numbers_for_missing

__all__ = ["describe_model"]

Plain: TypeAlias = dict[str, Any]  # what JSON can say

LISTED_NUMBERS = 100  # arrays of more are written as base64

LARGEST_EXACT = 2**53

# The names of a layer's parameters in the module, by the engine's.
OF_LAYER = {
    "weights": "weights", "bias": "bias", "scale": "scale", "output_scale": "outputScale", "slopes": "slopes",
    "gain": "gain", "shift": "shift", "running_mean": "mean", "running_variance": "variance",
}  # fmt: skip


def describe_model(model: Model | Ensemble, interval: float | None = None) -> Plain:
    """Return all that predictions depend on.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    interval : float, optional
        The coverage of intervals, or of sets of classes, that are predicted, too.

    Raises
    ------
    PlanError
        If networks take a column as different kinds, a class has no exact value in JavaScript, or the model has no
        intervals of this coverage.

    """
    models = [model] if isinstance(model, Model) else model.models
    labels = model.labels
    encoders: dict[str, int] = {}
    networks = [_describe_network(each, encoders.setdefault(_key_of(each), len(encoders))) for each in models]
    first_of = {_key_of(each): each.features for each in reversed(models)}
    description: Plain = {
        "version": __version__,
        "digest": compute_digest("model", *model.to_parts()),
        "columns": _describe_columns([each.features for each in models]),
        "isArray": not model.features.has_column_names,
        "encoders": [[_describe_encoder(encoder) for encoder in first_of[key].columns] for key in encoders],
        "networks": networks,
        "labels": list(labels.names),
        "classes": None if labels.classes is None else [_describe_class(value, labels) for value in labels.classes],
        "isRegression": labels.task == "regression",
        "threshold": _threshold_of(model),
    }
    description["outcomes"] = description["classes"] or list(labels.outcomes)
    if isinstance(model, Ensemble):
        description["shares"] = model.shares.tolist()
        description["calibration"] = _describe_calibration(model.calibration, len(labels.outcomes))
        if labels.scale:
            description["scales"] = labels.repeat(np.array(labels.scale, dtype=np.float64)).tolist()
    if interval is not None:
        columns = max(len(labels.quantiles), 1)
        description["interval"] = {"scores": find_scores(model, interval).tolist(), "columns": columns}
    return description


def _key_of(model: Model) -> str:
    """Return what models with the same encoders have in common."""
    return json.dumps(model.features.to_dict(), default=str)


def _threshold_of(model: Model | Ensemble) -> float | list[float] | None:
    threshold = model.threshold
    if model.labels.is_multilabel:
        return [0.5] * len(model.labels.names) if threshold is None else list(np.atleast_1d(threshold))
    if isinstance(model, Model) and threshold is not None:
        # NumPy compares with a number of Python in the array's own precision.
        return float(np.array(threshold).astype(model.plan.dtype))
    assert not isinstance(threshold, tuple)
    return threshold


def _describe_class(value: Any, labels: LabelEncoder) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, int) and abs(plain) > LARGEST_EXACT:
        raise PlanError(f"label {labels.name!r}: the class {plain} is no exact number in JavaScript; name the classes")
    return plain if isinstance(plain, str | bool | int | float) else str(plain)


def _describe_columns(encoders: Sequence[FeatureEncoder]) -> list[Plain]:
    """Return how the cells of each column are read."""
    described = []
    for place, column in enumerate(encoders[0].columns):
        kind = _kind_of(column)
        if any(_kind_of(other.columns[place]) != kind for other in encoders):
            raise PlanError(
                f"column {column.name!r}: some networks take it as numbers and others as words, and a JavaScript "
                "module reads it in one way; leave it out, or give its role"
            )
        format = encoders[0].formats.get(column.name)
        known = format or CellFormat(missing=("",))
        described.append(
            {
                "name": column.name, "kind": kind, "missing": list(known.missing),
                "gaps": [float(gap) for gap in numbers_for_missing(() if format is None else known.missing)],
                "decimal": known.decimal, "thousands": known.thousands, "unit": known.unit,
                "isAccounting": known.is_accounting, "dayFirst": known.day_first,
            }
        )  # fmt: skip
    return described


def _kind_of(column: Encoder) -> str:
    return "words" if isinstance(column, CategoricalEncoder) else column.kind


def _describe_encoder(encoder: Encoder) -> Plain:
    described: Plain = {**encoder.to_dict(), "width": encoder.width}
    if isinstance(encoder, NumericEncoder):
        del described["references"]
        if encoder.references:
            knots, heights = build_curve(encoder.references)
            described |= {"knots": _write_numbers(knots), "heights": _write_numbers(heights)}
    elif isinstance(encoder, CategoricalEncoder):
        places = {category: i for i, category in enumerate(encoder.categories)}
        same = encoder.index_by_value()
        described["sameValues"] = {value: places[word] for value, word in same.items() if value != word}
    else:
        described |= {part: list(getattr(encoder, part)) for part in ("year", "day", "moment")}
    return described


def _describe_network(model: Model, encoder: int) -> Plain:
    plan, labels = model.plan, model.labels
    network = plan.network
    described: Plain = {
        "encoder": encoder, "inputs": network.inputs, "outputs": network.outputs, "submodels": network.submodels,
        "isDouble": plan.dtype == "float64", "head": plan.loss.head(plan.task).key,
        "quantiles": len(labels.quantiles), "isMultilabel": labels.is_multilabel,
        "embeddings": _describe_embeddings(network, model.parameters), "layers": [],
    }  # fmt: skip
    taken = {column for embedded in network.embeddings for column in embedded.taken()}
    described["plain"] = [column for column in range(network.inputs) if column not in taken]
    for number, layer in enumerate(network.layers):
        named: Plain = {"width": layer.width, "activation": layer.activation.key}
        if layer.activation.parameter:
            named["parameter"] = layer.activation.parameter
        if layer.normalization != "none":
            named["normalization"] = layer.normalization
        if layer.residual:
            named["residual"] = True
        arrays = _select(model.parameters, f"{number}.")
        named |= {OF_LAYER[name]: _write_numbers(array) for name, array in arrays.items()}
        described["layers"].append(named)
    if labels.classes is None and not labels.is_multilabel:
        described["numbers"] = _describe_numbers(labels)
    return described


def _describe_embeddings(network: Network, parameters: Parameters) -> list[Plain]:
    described: list[Plain] = []
    for embedded in network.embeddings:
        if isinstance(embedded.embedding, PeriodicEmbedding):
            described.append(_describe_embedding(embedded, {"columns": list(embedded.columns)}))
            continue
        for column, size in zip(embedded.columns, embedded.sizes, strict=True):
            described.append(_describe_embedding(embedded, {"column": column, "size": size}))
    for number, one in enumerate(described):
        own = _select(parameters, f"{EMBEDDINGS}{number}.")
        one |= {name: _write_numbers(array) for name, array in own.items()}
    return described


def _describe_embedding(embedded: EmbeddedColumns, columns: Plain) -> Plain:
    embedding = embedded.embedding
    if isinstance(embedding, LinearEmbedding | PeriodicEmbedding):
        return {"kind": embedding.key, "width": embedding.width, **columns}
    return {"kind": "category", "width": embedding.width, **columns}


def _select(parameters: Parameters, prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in parameters.items() if name.startswith(prefix)}


def _describe_numbers(labels: LabelEncoder) -> Plain:
    """Return how outputs become numbers in the units of the labels."""
    described: Plain = {}
    if labels.scale:
        described["scale"] = labels.repeat(np.array(labels.scale, dtype=np.float64)).tolist()
        described["mean"] = labels.repeat(np.array(labels.mean, dtype=np.float64)).tolist()
    if labels.bounds:
        described["low"], described["high"] = labels.repeat(np.array(labels.bounds, dtype=np.float64).T).tolist()
    return described


def _describe_calibration(calibration: Calibration, columns: int) -> Plain:
    described: Plain = {"temperature": calibration.temperature, "mix": calibration.mix}
    for name in ("shares", "matrix", "offsets"):
        if getattr(calibration, name):
            described[name] = getattr(calibration, name)
    if calibration.lowest:
        repeats = columns // len(calibration.lowest)
        described["lowest"] = np.repeat(calibration.lowest, repeats).tolist()
        described["highest"] = np.repeat(calibration.highest, repeats).tolist()
    return described


def _write_numbers(array: NDArray[np.floating[Any]]) -> Mapping[str, Any]:
    """Return numbers as a list if there are few, otherwise as base64 of their bytes."""
    name, flat = str(array.dtype), array.ravel()
    if flat.size <= LISTED_NUMBERS:
        return {name: [float(str(number)) for number in flat]}
    return {name: base64.b64encode(flat.astype(flat.dtype.newbyteorder("<")).tobytes()).decode()}
