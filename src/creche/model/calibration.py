"""Calibration: what is done to the mean of several networks' predictions, fitted to rows that they did not learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, PlanError
from creche.evaluation.ordered_math import exp, log, sum_rows

__all__ = ["Calibration", "apply_temperature"]

Array = NDArray[np.float64]

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature and a mixture for probabilities, limits for numbers.

    Parameters
    ----------
    temperature : float, default 1
        The logarithms of probabilities are divided by it, from 0.01 to 100 (Guo et al. 2017, "On calibration of modern
        neural networks").
    mix : float, default 0
        The weight, from 0 to below 1, with which `shares` are mixed into the probabilities, so that none is 0.
    shares : tuple of float, default ()
        A probability for each class; empty if `mix` is 0.
    lowest, highest : tuple of float, default ()
        For each label that is a number, the smallest and the largest prediction; empty for no limits.

    Raises
    ------
    PlanError
        If a number is out of range.

    Examples
    --------
    >>> Calibration(temperature=0.5).apply(np.array([[0.6, 0.4]])).round(3).tolist()
    [[0.692, 0.308]]

    """

    temperature: float = 1.0
    mix: float = 0.0
    shares: tuple[float, ...] = ()
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not MIN_TEMPERATURE <= self.temperature <= MAX_TEMPERATURE:
            raise PlanError(
                f"temperature: got {self.temperature!r}; needs a number from {MIN_TEMPERATURE} to {MAX_TEMPERATURE:g}"
            )
        if not 0 <= self.mix < 1 or (self.mix > 0) != bool(self.shares):
            raise PlanError(f"mix: got {self.mix!r}; needs a number from 0 to below 1, and shares to mix in")
        if not all(0 <= share <= 1 for share in self.shares) or not all(map(np.isfinite, self.lowest + self.highest)):
            raise PlanError("shares, lowest, highest: need shares from 0 to 1, and finite limits")

    def apply(self, mean: Array) -> Array:
        """Return the calibrated probabilities, (n, classes), or numbers, (n, labels)."""
        if self.lowest:
            return np.asarray(np.clip(mean, self.lowest, self.highest))
        tempered = apply_temperature(mean, self.temperature)
        return tempered if self.mix == 0 else np.asarray((1 - self.mix) * tempered + self.mix * np.array(self.shares))

    def gradient(self, mean: Array, weight: Array) -> Array:
        """Return the gradient of ``(weight * apply(mean)).sum()`` with respect to the mean.

        Parameters
        ----------
        mean, weight : (n, classes) or (n, labels) array

        """
        if self.lowest:
            return np.asarray(weight * ((mean >= self.lowest) & (mean <= self.highest)))
        weight = weight * (1 - self.mix)
        if self.temperature == 1.0:
            return weight
        tempered = apply_temperature(mean, self.temperature)
        inner = tempered * (weight - (weight * tempered).sum(axis=1, keepdims=True)) / self.temperature
        return np.asarray(inner / np.maximum(mean, TINY))

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain data."""
        return {
            "temperature": self.temperature, "mix": self.mix, "shares": list(self.shares),
            "lowest": list(self.lowest), "highest": list(self.highest),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], classes: int, labels: int) -> Self:
        """Read what `to_dict` returned, for a model with this many classes, or labels that are numbers.

        Raises
        ------
        FileError
            If it does not fit.

        """
        keys = {"temperature", "mix", "shares", "lowest", "highest"}
        if not isinstance(data, Mapping) or set(data) != keys:
            raise FileError("calibration: its fields are not those of a calibration; the file was damaged")
        values: dict[str, Any] = {}
        for key in keys:
            value = data[key]
            numbers = value if isinstance(value, list) else [value]
            is_list = key not in ("temperature", "mix")
            if isinstance(value, list) != is_list or not all(type(number) in (int, float) for number in numbers):
                raise FileError(f"calibration: {key} is {value!r}; the file was damaged or made by hand")
            values[key] = tuple(map(float, numbers)) if is_list else float(numbers[0])
        sizes = {len(values["shares"]): {0, classes}, len(values["lowest"]): {0, labels}}
        if any(size not in allowed for size, allowed in sizes.items()) or len(values["lowest"]) != len(
            values["highest"]
        ):
            raise FileError("calibration: it does not fit the label; the file was damaged or made by hand")
        return cls(**values)


def apply_temperature(probabilities: Array, temperature: float) -> Array:
    """Divide the logarithms of probabilities, (n, classes), by a temperature, so that rows sum to 1 again."""
    if temperature == 1.0:
        return probabilities
    logits = log(np.maximum(probabilities, TINY)) / temperature
    powers = exp(logits - logits.max(axis=1, keepdims=True))
    powers = np.where(probabilities > 0, powers, 0.0)
    return np.asarray(powers / sum_rows(powers.T)[:, np.newaxis])
