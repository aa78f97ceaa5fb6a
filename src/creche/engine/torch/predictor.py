"""A network that only predicts, on a device of PyTorch, with the face of the compiled engine's `Predictor32`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche import _core
from creche.engine.native import translate
from creche.engine.torch.full_memory import full_memory_told
from creche.engine.torch.losses import CLASS_LOSSES, mean_prediction
from creche.engine.torch.network import NamedTensors, Network
from creche.engine.torch.settings import engine_settings
from creche.engine.torch.words import check_words
from creche.plan.plan import Plan

__all__ = ["TorchPredictor"]

NUMBERS_AT_ONCE = 1 << 22  # activations of all layers


class TorchPredictor:
    """A trained network.

    Parameters
    ----------
    plan : Plan
    parameters : dict of str to array
    device : str
        As PyTorch spells it: "cpu", "cuda", "cuda:1", "mps".

    """

    def __init__(self, plan: Plan, parameters: Mapping[str, NDArray[Any]], device: str) -> None:
        translated = translate(_core.load(), plan)
        check_words(translated)
        self._kind: str = translated.loss.kind
        self._device = torch.device(device)
        self._dtype = torch.float32 if plan.dtype == "float32" else torch.float64
        self._network = Network(translated, self._device, plan.precision)
        like = {"dtype": self._dtype, "device": self._device}
        named = {name: torch.tensor(np.ascontiguousarray(array), **like) for name, array in parameters.items()}
        self._parameters = NamedTensors.of(torch.empty(0), named, len(self._network.layers))
        self._rows_at_once = max(1, NUMBERS_AT_ONCE // (plan.network.submodels * max(_widths(plan))))

    def outputs(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the weighted sums of the output layer, (n, outputs), of submodels those of their mean prediction."""
        return self._predict(x, has_head=False)

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the loss's head makes of the weighted sums: probabilities, or numbers."""
        return self._predict(x, has_head=True)

    def _predict(self, x: NDArray[Any], *, has_head: bool) -> NDArray[Any]:
        with engine_settings(self._device, self._network.precision), full_memory_told(self._device):
            parts = [self._pass(x[begin : begin + self._rows_at_once], has_head) for begin in self._begins(len(x))]
            return np.concatenate(parts)

    def _begins(self, rows: int) -> range:
        return range(0, max(1, rows), self._rows_at_once)

    def _pass(self, x: NDArray[Any], has_head: bool) -> NDArray[Any]:
        rows = torch.tensor(np.ascontiguousarray(x), dtype=self._dtype, device=self._device)
        z = self._network.forward(self._parameters, rows).sums
        if self._network.submodels > 1:
            z = mean_prediction(self._kind, z.unflatten(0, (self._network.submodels, -1)))
        return (apply_head(self._kind, z) if has_head else z).cpu().numpy()  # type: ignore[no-any-return]


def _widths(plan: Plan) -> list[int]:
    return [plan.network.inputs, *(layer.width for layer in plan.network.layers)]


def apply_head(kind: str, z: Tensor) -> Tensor:
    """Return the predictions of weighted sums, (n, outputs): core/losses has the same for the compiled engine."""
    if kind in CLASS_LOSSES:
        return torch.softmax(z, 1)
    if kind == "binary_cross_entropy":
        return torch.sigmoid(z)
    return torch.exp(z) if kind == "poisson" else z
