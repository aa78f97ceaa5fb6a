"""Calibration: what is done to the mean of several networks' predictions, fitted to out-of-fold rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import exp, log, multiply, sum_rows
from creche.errors import FileError, PlanError

__all__ = ["SMALLEST_PROBABILITY", "TINY", "Calibration", "apply_temperature", "centered_logits"]

Array = NDArray[np.float64]

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0
LARGEST_ENTRY = 1000.0
TINY = np.finfo(np.float64).tiny
# Below this, a matrix takes no notice of how improbable a class is.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature, offsets, a matrix and a mixture for probabilities, limits for numbers.

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
    matrix : tuple of tuple of float, default ()
        A row and a column for each class, numbers from -1000 to 1000: the logarithms of probabilities over the
        temperature, less their mean, are multiplied by it, to make up for classes that are taken for each other (Guo
        et al. 2017, section 4.2); empty for none.
    offsets : tuple of float, default ()
        A number from -1000 to 1000 for each class, added to the logarithms of probabilities over the temperature, or
        to their products with the matrix (Platt 1999, "Probabilistic outputs for support vector machines and
        comparisons to regularized likelihood methods"); empty for none.

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
    matrix: tuple[tuple[float, ...], ...] = ()
    offsets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not MIN_TEMPERATURE <= self.temperature <= MAX_TEMPERATURE:
            raise PlanError(
                f"temperature: got {self.temperature!r}; needs a number from {MIN_TEMPERATURE} to {MAX_TEMPERATURE:g}"
            )
        if not 0 <= self.mix < 1 or (self.mix > 0) != bool(self.shares):
            raise PlanError(f"mix: got {self.mix!r}; needs a number from 0 to below 1, and shares to mix in")
        if not all(0 <= share <= 1 for share in self.shares) or not all(map(np.isfinite, self.lowest + self.highest)):
            raise PlanError("shares, lowest, highest: need shares from 0 to 1, and finite limits")
        if self.matrix and {len(row) for row in (*self.matrix, self.offsets)} != {len(self.matrix)}:
            raise PlanError("matrix, offsets: need as many rows, columns and offsets as there are classes")
        if not all(abs(number) <= LARGEST_ENTRY for row in (*self.matrix, self.offsets) for number in row):
            raise PlanError(f"matrix, offsets: need numbers from -{LARGEST_ENTRY:g} to {LARGEST_ENTRY:g}")

    def apply(self, mean: Array) -> Array:
        """Return the calibrated probabilities, (n, classes), or numbers, (n, labels)."""
        if self.lowest:
            return np.asarray(np.clip(mean, *self._limits(mean)))
        tempered = self._scale(mean)
        return tempered if self.mix == 0 else np.asarray((1 - self.mix) * tempered + self.mix * np.array(self.shares))

    def gradient(self, mean: Array, weight: Array) -> Array:
        """Return the gradient of ``(weight * apply(mean)).sum()`` with respect to the mean.

        Parameters
        ----------
        mean, weight : (n, classes) or (n, labels) array

        """
        if self.lowest:
            lowest, highest = self._limits(mean)
            return np.asarray(weight * ((mean >= lowest) & (mean <= highest)))
        weight = weight * (1 - self.mix)
        if self.temperature == 1.0 and not self.offsets:
            return weight
        scaled = self._scale(mean)
        inner = scaled * (weight - (weight * scaled).sum(axis=1, keepdims=True))
        if not self.matrix:
            return np.asarray(inner / self.temperature / np.maximum(mean, TINY))
        inner = multiply(inner, np.array(self.matrix).T)
        inner = (inner - inner.mean(axis=1, keepdims=True)) / self.temperature
        return np.where(mean < SMALLEST_PROBABILITY, 0.0, inner / np.maximum(mean, SMALLEST_PROBABILITY))

    def _limits(self, mean: Array) -> tuple[Array, Array]:
        """Return the limits of each column: those of its label, which may have several quantiles."""
        columns = mean.shape[1] // len(self.lowest)
        return np.repeat(self.lowest, columns), np.repeat(self.highest, columns)

    def _scale(self, mean: Array) -> Array:
        """Return the probabilities, (n, classes), after temperature and matrix, before the mixture."""
        if not self.matrix:
            return apply_temperature(mean, self.temperature, self.offsets)
        logits = multiply(centered_logits(mean, self.temperature), np.array(self.matrix)) + np.array(self.offsets)
        powers = exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / sum_rows(powers.T)[:, np.newaxis])

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain data."""
        data: dict[str, Any] = {
            "temperature": self.temperature, "mix": self.mix, "shares": list(self.shares),
            "lowest": list(self.lowest), "highest": list(self.highest),
        }  # fmt: skip
        if self.offsets:
            data["offsets"] = list(self.offsets)
        if self.matrix:
            data["matrix"] = [list(row) for row in self.matrix]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], classes: int, labels: int) -> Self:
        """Read what `to_dict` returned, for a model with this many classes, or labels that are numbers.

        Raises
        ------
        FileError
            If it does not fit.

        """
        keys = {"temperature", "mix", "shares", "lowest", "highest"}
        if not isinstance(data, Mapping) or set(data) - {"matrix", "offsets"} != keys:
            raise FileError("calibration: its fields are not those of a calibration; the file was damaged")
        shares, lowest, highest, offsets = (
            _read_numbers(key, data.get(key, [])) for key in ("shares", "lowest", "highest", "offsets")
        )
        rows = data.get("matrix", [])
        if not isinstance(rows, list):
            raise FileError(f"calibration: matrix is {rows!r}; the file was damaged or made by hand")
        matrix = tuple(_read_numbers("matrix", row) for row in rows)
        if (
            len(shares) not in (0, classes)
            or len(lowest) not in (0, labels)
            or len(lowest) != len(highest)
            or ("offsets" in data and len(offsets) != classes)
            or ("matrix" in data and len(matrix) != classes)
        ):
            raise FileError("calibration: it does not fit the label; the file was damaged or made by hand")
        temperature, mix = (_read_number(key, data[key]) for key in ("temperature", "mix"))
        return cls(temperature, mix, shares, lowest, highest, matrix, offsets)


def _read_number(key: str, value: Any) -> float:
    if type(value) not in (int, float):
        raise FileError(f"calibration: {key} is {value!r}; the file was damaged or made by hand")
    return float(value)


def _read_numbers(key: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise FileError(f"calibration: {key} is {values!r}; the file was damaged or made by hand")
    return tuple(_read_number(key, value) for value in values)


def centered_logits(probabilities: Array, temperature: float) -> Array:
    """Return the logarithms of probabilities, (n, classes), divided by a temperature, less the mean of each row."""
    logits = log(np.maximum(probabilities, SMALLEST_PROBABILITY)) / temperature
    return np.asarray(logits - (sum_rows(logits.T) / logits.shape[1])[:, np.newaxis])


def apply_temperature(probabilities: Array, temperature: float, offsets: Sequence[float] = ()) -> Array:
    """Divide the logarithms of probabilities, (n, classes), by a temperature, and add offsets; rows sum to 1 again."""
    if temperature == 1.0 and not offsets:
        return probabilities
    logits = log(np.maximum(probabilities, TINY)) / temperature
    if offsets:
        logits = logits + np.array(offsets)
    powers = exp(logits - logits.max(axis=1, keepdims=True))
    powers = np.where(probabilities > 0, powers, 0.0)
    return np.asarray(powers / sum_rows(powers.T)[:, np.newaxis])
