"""Models that predict the same rows side by side: encoded once for all that encode alike, one network to a lane."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import resolve_threads
from creche.engine.introspection import new_many_predictor, stack_weights
from creche.model.model import Model
from creche.plan.heads import SIGMOID

__all__ = ["BatchedModels"]

# Of a network: sixteen with more than these do not stay in the second-level cache together.
MOST_PARAMETERS = 16_384


NUMBERS_AT_ONCE = 4_000_000  # what all networks say of a piece of the rows


@dataclass(frozen=True, eq=False)
class NetworkGroup:
    """Networks of one shape and one kind of loss, with inputs of one encoder.

    Attributes
    ----------
    members : list of int
        Which of the models.
    models : list of Model
    encoder : int
        Which of the different encoders.

    """

    members: list[int]
    models: list[Model]
    encoder: int
    threads: int

    @cached_property
    def engine(self) -> Any:
        weights = stack_weights([model.weights for model in self.models])
        return new_many_predictor(self.models[0].plan, weights, self.threads)

    @property
    def in_lanes(self) -> bool:
        return len(self.models) > 1 and self.models[0].plan.network.parameters <= MOST_PARAMETERS

    @property
    def speaks_in_means(self) -> bool:
        """Whether the mean of what networks predict can be taken before anything else is done to it."""
        model = self.models[0]
        one_against_rest = model.plan.loss.head(model.plan.task) is SIGMOID and model.plan.network.outputs > 1
        return self.in_lanes and model.classes is not None and not one_against_rest

    def each(self, inputs: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Which model, and what it says of the rows, (n, classes) or (n, k)."""
        if not self.in_lanes:
            for member, model in zip(self.members, self.models, strict=True):
                yield member, model.predictions_of(inputs)
            return
        for member, model, outputs in zip(self.members, self.models, self.engine.predict(inputs), strict=True):
            yield member, model.decode_outputs(outputs)

    def mean(self, inputs: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the networks say together, each as much as its share, (n, classes) or (n, k)."""
        if self.speaks_in_means:
            said = self.engine.mean(inputs, np.ascontiguousarray(shares[self.members]))
            if said.shape[1] == 1:  # of two classes
                said = np.hstack([shares[self.members].sum() - said, said])
        else:
            said = sum(shares[member] * said.astype(np.float64) for member, said in self.each(inputs))
        if not np.isfinite(said).all():
            for model in self.models:
                model.predictions_of(inputs)  # says of which row
        return np.asarray(said)


class BatchedModels:
    """Models with the same features and labels.

    Parameters
    ----------
    models : sequence of Model
    threads : int, optional

    """

    def __init__(self, models: Sequence[Model], threads: int | None) -> None:
        self._models = [replace(model, threads=threads) for model in models]
        self._threads = threads

    @cached_property
    def _groups(self) -> tuple[list[NetworkGroup], list[Model]]:
        """The groups, and for each encoder a model that has it."""
        encoders: dict[str, int] = {}
        encoding: list[Model] = []
        groups: dict[str, NetworkGroup] = {}
        threads = resolve_threads(self._threads)
        for member, model in enumerate(self._models):
            precision, network = model.plan.precision, model.plan.network
            key = f"{precision} {json.dumps(model.features.to_dict(), default=str)}"
            if key not in encoders:
                encoders[key] = len(encoding)
                encoding.append(model)
            kind = repr(
                (encoders[key], network.widths, [layer.activation for layer in network.layers], model.plan.loss)
            )
            group = groups.setdefault(kind, NetworkGroup([], [], encoders[key], threads))
            group.members.append(member)
            group.models.append(model)
        return list(groups.values()), encoding

    def inputs_of(self, data: Any) -> list[NDArray[Any]]:
        """The inputs of each of the different encoders."""
        return [model.inputs_of(data) for model in self._groups[1]]

    @property
    def encoding(self) -> list[Model]:
        """For each of the different encoders a model that has it."""
        return self._groups[1]

    def mean(self, data: Any, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """What all say together, (n, classes) or (n, k)."""
        return self.mean_of(self.inputs_of(data), shares)

    def mean_of(self, inputs: list[NDArray[Any]], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """`mean` for rows that are encoded already, as `inputs_of` does it."""
        parts = [self._mean_of(group, inputs[group.encoder], shares) for group in self._groups[0]]
        return parts[0] if len(parts) == 1 else np.asarray(sum(parts))

    def _mean_of(self, group: NetworkGroup, inputs: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        if group.speaks_in_means:
            return group.mean(inputs, shares)
        return np.concatenate([group.mean(inputs[rows], shares) for rows in self._pieces(len(inputs))])

    def each(self, data: Any) -> Iterator[NDArray[np.float64]]:
        """What each says, (models, n, classes) or (models, n, k), a piece of the rows at a time."""
        inputs = self.inputs_of(data)
        for rows in self._pieces(len(inputs[0])):
            said: list[Any] = [None] * len(self._models)
            for group in self._groups[0]:
                for member, of_member in group.each(inputs[group.encoder][rows]):
                    said[member] = of_member
            yield np.stack(said).astype(np.float64)

    def __getstate__(self) -> dict[str, Any]:
        return {"_models": self._models, "_threads": self._threads}  # the engine's networks cannot be pickled

    def _pieces(self, rows: int) -> list[slice]:
        outputs = max(model.plan.network.outputs for model in self._models)
        size = max(1, NUMBERS_AT_ONCE // (len(self._models) * outputs))
        return [slice(begin, begin + size) for begin in range(0, rows, size)]
