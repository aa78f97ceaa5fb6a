"""What networks say as a function of their inputs, with its exact slopes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import Weights, input_gradients
from creche.engine.native import new_predictor
from creche.model.ensemble import Ensemble, apply_temperature
from creche.model.model import Model
from creche.model.output_head import apply_head, head_gradient, log_odds, log_odds_gradient, temperature_gradient
from creche.plan.losses import SquaredError
from creche.plan.plan import Plan

__all__ = ["OutputFunction", "OutputTarget"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OutputTarget:
    """Which of the things said is looked at.

    Attributes
    ----------
    which : (n,) int64
        Of each row: the number of a class or of a label.
    logit : bool
        Whether its log-odds rather than the probability.

    """

    which: NDArray[np.int64]
    logit: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """One of the networks, in float64, without what comes after its output layer."""

    model: Model
    plan: Plan
    weights: Weights
    predictor: Any

    @classmethod
    def of(cls, model: Model) -> _Network:
        plan = replace(
            model.plan, precision="float64", task="regression", loss=SquaredError()
        )  # no softmax, no sigmoid
        weights = [(w.astype(np.float64), b.astype(np.float64)) for w, b in model.weights]
        return cls(model, plan, weights, new_predictor(plan, weights, 1))

    def sums(self, x: Array) -> Array:
        return np.asarray(self.predictor.predict(x))


class OutputFunction:
    """What a model or an ensemble says, as a function of the inputs of each of its networks.

    Weights are taken into float64 as they are, so that rounding has no part in the slopes.

    Parameters
    ----------
    model : Model or Ensemble

    """

    def __init__(self, model: Model | Ensemble) -> None:
        self.models: list[Model] = [model] if isinstance(model, Model) else model.models
        self._shares: list[float] = [1.0] if isinstance(model, Model) else model.shares.tolist()
        self._temperature = 1.0 if isinstance(model, Model) or model.classes is None else model.temperature
        self._networks = [_Network.of(one) for one in self.models]

    def all(self, x: list[Array]) -> Array:
        """Probabilities (n, classes), or numbers (n, labels); `x`: the inputs of each network."""
        sums = [network.sums(own) for network, own in zip(self._networks, x, strict=True)]
        return apply_temperature(self._mean(sums), self._temperature)

    def values(self, x: list[Array], target: OutputTarget) -> Array:
        """What is looked at, (n,)."""
        said = self.all(x)
        return log_odds(said, target.which) if target.logit else said[np.arange(len(said)), target.which]

    def slopes(self, x: list[Array], target: OutputTarget) -> list[Array]:
        """The gradient of what is looked at by the inputs of each network."""
        sums = [network.sums(own) for network, own in zip(self._networks, x, strict=True)]
        mean = self._mean(sums)
        said = apply_temperature(mean, self._temperature)
        if target.logit:
            along = log_odds_gradient(said, target.which)
        else:
            along = (np.arange(said.shape[1]) == target.which[:, np.newaxis]).astype(np.float64)
        along = temperature_gradient(mean, said, along, self._temperature)
        parts = zip(self._networks, self._shares, sums, x, strict=True)
        return [
            input_gradients(network.plan, network.weights, own, head_gradient(network.model, z, share * along))
            for network, share, z, own in parts
        ]

    def _mean(self, sums: list[Array]) -> Array:
        parts = zip(self._networks, self._shares, sums, strict=True)
        return np.asarray(sum(share * apply_head(network.model, z) for network, share, z in parts))
