"""The output of a model or ensemble as a function of the inputs of its first layers, with exact gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import first_layer_inputs, input_gradients
from creche.engine.native import new_predictor
from creche.engine.parameters import Parameters
from creche.model.calibration import Calibration
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.output_head import apply_head, head_gradient, log_odds, log_odds_gradient
from creche.plan.losses import SquaredError
from creche.plan.plan import Plan

__all__ = ["OutputFunction", "OutputTarget"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OutputTarget:
    """The output whose gradient is taken.

    Attributes
    ----------
    which : (n,) int64
        The number of a class or label for each row.
    logit : bool
        Whether to take the log-odds rather than the probability.

    """

    which: NDArray[np.int64]
    logit: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """One network in float64, from the inputs of its first layer to the weighted sums of its output layer."""

    model: Model
    plan: Plan
    parameters: Parameters
    predictor: Any

    @classmethod
    def of(cls, model: Model) -> _Network:
        network = replace(model.plan.network, inputs=model.plan.network.widths[0], embeddings=())
        plan = replace(model.plan, network=network, precision="float64", task="regression", loss=SquaredError())
        parameters = model.parameters.of_embeddings(False).astype(np.float64)
        return cls(model, plan, parameters, new_predictor(plan, parameters, 1))

    def embed(self, x: Array) -> Array:
        """Return the inputs of the first layer, (n, inputs), for encoded rows."""
        exact = replace(self.model.plan, precision="float64")
        return first_layer_inputs(exact, self.model.parameters.astype(np.float64), x)

    def sums(self, x: Array) -> Array:
        """Return the weighted sums of the output layer."""
        return np.asarray(self.predictor.predict(x))


class OutputFunction:
    """The output of a model or ensemble as a function of the inputs of the first layer of each of its networks.

    A code of a category is not a number with a gradient, but its vector is. Parameters are converted to float64
    unchanged, so that gradients are not affected by rounding.

    Parameters
    ----------
    model : Model or Ensemble

    """

    def __init__(self, model: Model | Ensemble) -> None:
        self.models: list[Model] = [model] if isinstance(model, Model) else model.models
        self._shares: list[float] = [1.0] if isinstance(model, Model) else model.shares.tolist()
        self._calibration = Calibration() if isinstance(model, Model) else model.calibration
        self._networks = [_Network.of(one) for one in self.models]

    def embed(self, x: list[Array]) -> list[Array]:
        """Return the inputs of the first layer of each network, (n, inputs), for rows as each encodes them."""
        return [network.embed(own) for network, own in zip(self._networks, x, strict=True)]

    def outputs(self, x: list[Array]) -> Array:
        """Return probabilities, (n, classes), or numbers, (n, labels), given the inputs of each network."""
        sums = [network.sums(own) for network, own in zip(self._networks, x, strict=True)]
        return self._calibration.apply(self._mean(sums))

    def values(self, x: list[Array], target: OutputTarget) -> Array:
        """Return the target's output of each row, (n,)."""
        outputs = self.outputs(x)
        return log_odds(outputs, target.which) if target.logit else outputs[np.arange(len(outputs)), target.which]

    def gradients(self, x: list[Array], target: OutputTarget) -> list[Array]:
        """Return the gradient of the target's output with respect to the inputs of each network."""
        sums = [network.sums(own) for network, own in zip(self._networks, x, strict=True)]
        mean = self._mean(sums)
        outputs = self._calibration.apply(mean)
        if target.logit:
            direction = log_odds_gradient(outputs, target.which)
        else:
            direction = (np.arange(outputs.shape[1]) == target.which[:, np.newaxis]).astype(np.float64)
        direction = self._calibration.gradient(mean, direction)
        parts = zip(self._networks, self._shares, sums, x, strict=True)
        return [
            input_gradients(network.plan, network.parameters, own, head_gradient(network.model, z, share * direction))
            for network, share, z, own in parts
        ]

    def _mean(self, sums: list[Array]) -> Array:
        parts = zip(self._networks, self._shares, sums, strict=True)
        return np.asarray(sum(share * apply_head(network.model, z) for network, share, z in parts))
