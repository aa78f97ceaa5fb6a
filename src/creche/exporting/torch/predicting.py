"""Modules that predict as a model or an ensemble does: probabilities or numbers from encoded rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from creche._ordered_math import SMALLEST_EXPONENT
from creche.exporting.torch.build import build_network
from creche.model.calibration import SMALLEST_PROBABILITY, TINY, Calibration
from creche.model.ensemble import Ensemble
from creche.model.model import Model

__all__ = ["TorchEnsemble", "TorchModel"]


class TorchModel(nn.Module):
    """One network: ``module(x)`` predicts, ``module.network(x)`` gives the weighted sums that losses of torch take."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, _ = build_network(model)
        labels = model.labels
        self._model = model
        self._head = model.plan.loss.head(model.plan.task).key
        self._outputs = model.plan.network.outputs
        self._quantiles = len(labels.quantiles)
        self._has_classes = model.classes is not None
        self._is_regression = labels.task == "regression"
        bounds = np.array(labels.bounds, dtype=np.float64).T
        for name, values in (("scale", labels.scale), ("mean", labels.mean), ("bounds", bounds)):
            numbers = labels.repeat(np.array(values, dtype=np.float64))
            self.register_buffer(f"label_{name}", torch.from_numpy(numbers.copy()) if numbers.size else None)
        self.eval()

    def transform(self, data: Any) -> Tensor:
        """Encode rows, as `Model.predict` takes them, for the module."""
        return torch.from_numpy(self._model.encode_rows(data))

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities, (n, classes) or (n, labels), or numbers in the labels' units, (n, columns)."""
        z = self.network(x)
        if self._head == "softmax":
            p = torch.softmax(z, -1)
        elif self._head in ("sigmoid", "cumulative"):
            p = torch.sigmoid(z)
        else:
            p = torch.exp(z) if self._head == "exp" else z
        if p.dim() > 2:
            p = p.mean(0)
        if self._head == "cumulative":
            bounds = torch.sort(p, 1, descending=True).values
            ends = torch.ones_like(bounds[:, :1])
            return torch.cat((ends, bounds), 1) - torch.cat((bounds, torch.zeros_like(ends)), 1)
        if self._head == "sorted":
            p = torch.sort(p.unflatten(1, (-1, self._quantiles)), 2).values.flatten(1)
        if self._is_regression:
            return self._decode(p)
        if self._head != "sigmoid" or not self._has_classes:
            return p
        if self._outputs == 1:
            return torch.cat((1 - p, p), 1)
        total = p.sum(1, keepdim=True)
        return torch.where(total > 0, p / total, torch.full_like(p, 1 / self._outputs))

    def _decode(self, outputs: Tensor) -> Tensor:
        numbers = outputs.to(torch.float64)
        if self.label_scale is not None:
            numbers = numbers * self.label_scale + self.label_mean
        if self.label_bounds is not None:
            numbers = torch.minimum(torch.maximum(numbers, self.label_bounds[0]), self.label_bounds[1])
        return numbers


class TorchEnsemble(nn.Module):
    """Several networks: ``module(x)`` is the calibrated mean of their predictions, ``module.members`` are the networks.

    The rows that `transform` returns hold the inputs of all different encodings, one beside the other.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        super().__init__()
        self.members = nn.ModuleList(TorchModel(model) for model in ensemble.models)
        self._encoders: dict[str, Model] = {}
        keys = [json.dumps(model.features.to_dict(), default=str) + model.plan.dtype for model in ensemble.models]
        for key, model in zip(keys, ensemble.models, strict=True):
            self._encoders.setdefault(key, model)
        begins, at = {}, 0
        for key, model in self._encoders.items():
            begins[key] = at
            at += model.features.width
        widths = [model.features.width for model in ensemble.models]
        self._columns = [(begins[key], begins[key] + width) for key, width in zip(keys, widths, strict=True)]
        self.register_buffer("shares", torch.from_numpy(ensemble.shares.copy()))
        self._calibration = ensemble.calibration
        self._repeats = max(len(ensemble.quantiles), 1)
        self.eval()

    def transform(self, data: Any) -> Tensor:
        """Encode rows, as `Ensemble.predict` takes them, for the module."""
        encoded = [torch.from_numpy(model.encode_rows(data)) for model in self._encoders.values()]
        return torch.cat([x.to(torch.float64) for x in encoded], 1) if len(encoded) > 1 else encoded[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities or numbers, as `TorchModel` does, in float64."""
        mean: Any = 0.0
        for member, (begin, end), share in zip(self.members, self._columns, self.shares, strict=True):
            dtype = next(member.parameters()).dtype
            mean = mean + share * member(x[:, begin:end].to(dtype)).to(torch.float64)
        return _calibrate(self._calibration, mean, self._repeats)


def _calibrate(calibration: Calibration, mean: Tensor, repeats: int) -> Tensor:
    """Do to the mean what `Calibration.apply` does."""

    def constant(values: Any) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=mean.device)

    if calibration.lowest:
        low, high = (constant(each).repeat_interleave(repeats) for each in (calibration.lowest, calibration.highest))
        return torch.minimum(torch.maximum(mean, low), high)
    p = mean
    if calibration.matrix or calibration.offsets or calibration.temperature != 1:
        smallest = SMALLEST_PROBABILITY if calibration.matrix else float(TINY)
        logits = torch.log(p.clamp_min(smallest)) / calibration.temperature
        if calibration.matrix:
            logits = (logits - logits.mean(1, keepdim=True)) @ constant(calibration.matrix)
        if calibration.offsets:
            logits = logits + constant(calibration.offsets)
        powers = torch.exp((logits - logits.amax(1, keepdim=True)).clamp_min(SMALLEST_EXPONENT))
        if not calibration.matrix:
            powers = torch.where(p > 0, powers, torch.zeros_like(powers))
        p = powers / powers.sum(1, keepdim=True)
    if calibration.mix == 0:
        return p
    return (1 - calibration.mix) * p + calibration.mix * constant(calibration.shares)
