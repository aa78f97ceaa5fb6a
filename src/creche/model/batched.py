"""Several models on the same rows: encoded once for those with equal encoders, one network per SIMD lane."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.introspection import new_many_predictor
from creche.engine.parameters import Parameters
from creche.model.model import Model
from creche.plan.initializers import Zeros
from creche.plan.network import Network

__all__ = ["BatchedModels"]

# Sixteen networks with more parameters than this do not fit into the second-level cache together.
MAX_LANE_PARAMETERS = 16_384
PREDICTIONS_AT_ONCE = 4_000_000  # of all networks together


@dataclass(frozen=True, eq=False)
class NetworkGroup:
    """Networks with the same shape, loss and encoder.

    Attributes
    ----------
    members : list of int
        Their positions among all models.
    models : list of Model
    encoder : int
        The position of their encoder among the different ones.
    threads : int

    """

    members: list[int]
    models: list[Model]
    encoder: int
    threads: int

    @cached_property
    def engine(self) -> Any:
        """The compiled engine's predictor of all of them."""
        stack = Parameters.stack(model.parameters for model in self.models)
        return new_many_predictor(self.models[0].plan, stack, self.threads)

    @property
    def in_lanes(self) -> bool:
        """Whether they are predicted together rather than one by one."""
        first = self.models[0]
        return len(self.models) > 1 and first.device.is_native and first.plan.network.parameters <= MAX_LANE_PARAMETERS

    @property
    def can_average_outputs(self) -> bool:
        """Whether the engine may average their outputs before these become predictions."""
        model = self.models[0]
        head, outputs = model.plan.loss.head(model.plan.task), model.plan.network.outputs
        return self.in_lanes and model.classes is not None and head.keeps_means(outputs)

    def each(self, inputs: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield each model's position and its predictions, (n, classes) or (n, k)."""
        if not self.in_lanes:
            for member, model in zip(self.members, self.models, strict=True):
                yield member, model.predict_encoded(inputs)
            return
        for member, model, outputs in zip(self.members, self.models, self.engine.predict(inputs), strict=True):
            yield member, model.decode_outputs(outputs)

    def mean(self, inputs: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the predictions of the networks times their shares, (n, classes) or (n, k)."""
        if self.can_average_outputs:
            mean = self.engine.mean(inputs, np.ascontiguousarray(shares[self.members]))
            if mean.shape[1] == 1:  # two classes from one output
                mean = np.hstack([shares[self.members].sum() - mean, mean])
        else:
            mean = sum(shares[member] * predicted.astype(np.float64) for member, predicted in self.each(inputs))
        if not np.isfinite(mean).all():
            for model in self.models:
                model.predict_encoded(inputs)  # raises an error that names the row
        return np.asarray(mean)


class BatchedModels:
    """Models with the same features and labels, which predict together.

    Parameters
    ----------
    models : sequence of Model
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.

    """

    def __init__(self, models: Sequence[Model], threads: int | None) -> None:
        self._models = [replace(model, threads=threads) for model in models]
        self._threads = threads

    @cached_property
    def _groups(self) -> tuple[list[NetworkGroup], list[Model]]:
        """The groups, and one model with each of the different encoders."""
        encoders: dict[str, int] = {}
        encoding: list[Model] = []
        groups: dict[str, NetworkGroup] = {}
        threads = resolve_threads(self._threads)
        for member, model in enumerate(self._models):
            precision, network = model.plan.dtype, model.plan.network
            key = f"{precision} {json.dumps(model.features.to_dict(), default=str)}"
            if key not in encoders:
                encoders[key] = len(encoding)
                encoding.append(model)
            kind = repr((encoders[key], _as_predicted(network), model.plan.loss))
            group = groups.setdefault(kind, NetworkGroup([], [], encoders[key], threads))
            group.members.append(member)
            group.models.append(model)
        return list(groups.values()), encoding

    def encode_rows(self, data: Any) -> list[NDArray[Any]]:
        """Encode rows with each of the different encoders."""
        return [model.encode_rows(data) for model in self._groups[1]]

    @property
    def encoding(self) -> list[Model]:
        """One model with each of the different encoders."""
        return self._groups[1]

    def mean(self, data: Any, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average the predictions of all models by their shares, (n, classes) or (n, k)."""
        return self.mean_encoded(self.encode_rows(data), shares)

    def mean_encoded(self, inputs: list[NDArray[Any]], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """`mean` for rows from `encode_rows`."""
        parts = [self._group_mean(group, inputs[group.encoder], shares) for group in self._groups[0]]
        return parts[0] if len(parts) == 1 else np.asarray(sum(parts))

    def _group_mean(
        self, group: NetworkGroup, inputs: NDArray[Any], shares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if group.can_average_outputs:
            return group.mean(inputs, shares)
        return np.concatenate([group.mean(inputs[rows], shares) for rows in self._pieces(len(inputs))])

    def each(self, data: Any) -> Iterator[NDArray[np.float64]]:
        """Yield the predictions of each model, (models, n, classes) or (models, n, k), for some rows at a time."""
        inputs = self.encode_rows(data)
        for rows in self._pieces(len(inputs[0])):
            predicted: list[Any] = [None] * len(self._models)
            for group in self._groups[0]:
                for member, predictions in group.each(inputs[group.encoder][rows]):
                    predicted[member] = predictions
            yield np.stack(predicted).astype(np.float64)

    def __getstate__(self) -> dict[str, Any]:
        return {"_models": self._models, "_threads": self._threads}  # the engine's networks cannot be pickled

    def _pieces(self, rows: int) -> list[slice]:
        outputs = max(model.plan.network.outputs for model in self._models)
        size = max(1, PREDICTIONS_AT_ONCE // (len(self._models) * outputs))
        return [slice(begin, begin + size) for begin in range(0, rows, size)]


def _as_predicted(network: Network) -> Network:
    """Return the network without what no prediction depends on."""
    layers = (replace(layer, dropout=0.0, initializer=Zeros(), bias_initializer="zeros") for layer in network.layers)
    return replace(network, layers=tuple(layers), submodel_start="signs", input_features=())
