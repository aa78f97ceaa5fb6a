"""Which members of a colony speak together, how much each counts, and how sure they may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.model.ensemble import Ensemble, apply_temperature
from creche.plan.arguments import check_whole_number
from creche.table.digest import digest_arrays
from creche.table.labels import encode_classes
from creche.table.prepare import encode_features

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony
    from creche.table.partition import Partition

__all__ = ["fit_temperature", "select_ensemble", "select_greedily"]

Numbers = NDArray[np.float64]


Losses = Callable[[Numbers], Numbers]


SMALLEST_PROBABILITY = 1e-12


COOLEST, HOTTEST = 0.05, 20.0


def select_ensemble(colony: Colony, size: int, candidates: int, temperature: bool) -> Ensemble:
    """The ensemble of `Colony.ensemble`."""
    size, candidates = (
        check_whole_number("size", size, at_least=1),
        check_whole_number("candidates", candidates, at_least=1),
    )
    if colony.folded is not None:
        raise PlanError(
            "ensemble: the networks of a sweep with folds learnt different rows, so there are none to choose them by; "
            "sweep the best plans without folds"
        )
    best = colony.best()  # or the error that there is none
    numbers = colony.ranking()[:candidates].tolist()
    prepared = best.prepared
    part = prepared.validation if prepared.validation is not None else prepared.train
    said = _said(colony, numbers, part)
    weights = _row_weights(part)
    classes = prepared.labels.classes
    if classes is None:
        truth = part.observations.y.astype(np.float64).reshape(len(part), -1) / np.array(prepared.labels.scale)
        counts = select_greedily(said / np.array(prepared.labels.scale), size, _squared_error(truth, weights))
    else:
        truth = encode_classes(part.observations.y, classes, prepared.labels.name, part.observations.row_numbers)
        of_truth = said[:, np.arange(len(part)), truth]
        counts = select_greedily(of_truth, size, _log_loss(weights))
    chosen = np.flatnonzero(counts)
    warmth = 1.0
    if temperature and classes is not None:
        mean = np.tensordot(counts[chosen] / counts.sum(), said[chosen], axes=1)
        warmth = fit_temperature(mean, truth, weights)
    models = [colony[numbers[i]].model for i in chosen]
    ensemble = Ensemble(models, counts[chosen].tolist(), warmth, colony.crew.threads)
    return _with_provenance(ensemble, colony)


def _said(colony: Colony, numbers: list[int], part: Partition) -> Numbers:
    """What each of the members says of the rows, (members, rows, outputs)."""
    inputs: dict[int, NDArray[np.generic]] = {}
    said = []
    for number in numbers:
        member = colony[number]
        key = id(member.prepared.features)  # which bootstrap samples share
        if key not in inputs:
            inputs[key] = encode_features(member.prepared.features, part.observations.x, member.plan.precision)
        said.append(member.model.predict_encoded(inputs[key]))
    return np.stack(said).astype(np.float64)


def _row_weights(part: Partition) -> Numbers:
    weights = np.ones(len(part)) if part.weights is None else part.weights
    return np.asarray(weights / weights.sum())


def _log_loss(weights: Numbers) -> Losses:
    def loss(of_truth: Numbers) -> Numbers:
        return np.asarray(-np.log(np.maximum(of_truth, SMALLEST_PROBABILITY)) @ weights)

    return loss


def _squared_error(truth: Numbers, weights: Numbers) -> Losses:
    def loss(numbers: Numbers) -> Numbers:
        return np.asarray(((numbers - truth) ** 2).mean(axis=-1) @ weights)

    return loss


def select_greedily(said: Numbers, size: int, loss: Losses) -> NDArray[np.int64]:
    """How many times each is taken into an ensemble of `size`, so that the loss of the mean is low.

    Begins with a quarter of the ensemble filled by the best alone, then adds, each time, whoever lowers the loss of the
    mean most; the same one may come again (Caruana et al. 2004, sections 2.1 and 2.2).

    Parameters
    ----------
    said : (members, rows, …) array
        What each says, the best first.
    size : int
    loss : callable
        From (members, rows, …) to (members,).

    """
    counts = np.zeros(len(said), dtype=np.int64)
    begin = max(1, min(size // 4, len(said)))
    counts[:begin] = 1
    total = said[:begin].sum(axis=0)
    for taken in range(begin, size):
        losses = loss((total + said) / (taken + 1))
        best = int(losses.argmin())
        counts[best] += 1
        total = total + said[best]
    return counts


def fit_temperature(probabilities: Numbers, truth: NDArray[np.integer], weights: Numbers) -> float:
    """The temperature at which the probabilities fit the truth best.

    The truth counts as 1 - 1 / (rows + 2) rather than 1, as in Platt 1999: rows without a single mistake are no reason
    to be sure without bound.

    Parameters
    ----------
    probabilities : (n, classes) array
    truth : (n,) int array
        The numbers of the classes.
    weights : (n,) array
        That sum to 1.

    """
    rows, classes = probabilities.shape
    doubt = 1 / (rows + 2)
    target = np.full((rows, classes), doubt / (classes - 1))
    target[np.arange(rows), truth] = 1 - doubt
    safe = np.maximum(probabilities, SMALLEST_PROBABILITY)

    def loss(log_temperature: float) -> float:
        logs = np.log(np.maximum(apply_temperature(safe, math.exp(log_temperature)), SMALLEST_PROBABILITY))
        return float(-(target * logs).sum(axis=1) @ weights)

    return math.exp(_lowest(loss, math.log(COOLEST), math.log(HOTTEST)))


def _lowest(f: Callable[[float], float], low: float, high: float, steps: int = 40) -> float:
    """Where a function with one valley is lowest: golden-section search (Kiefer 1953)."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = f(left), f(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = f(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = f(right)
    return (low + high) / 2


def _with_provenance(ensemble: Ensemble, colony: Colony) -> Ensemble:
    """Where the ensemble comes from: what its heaviest network does, and its own evaluation and digest."""
    prepared = colony.best().prepared
    name, part = prepared.evaluation_part
    heaviest = colony[int(colony.ranking()[0])].model.provenance
    assert heaviest is not None
    evaluation = {"on": name, **ensemble.evaluate_rows(part.observations, part.weights).to_dict()}
    weights = digest_arrays(ensemble.to_parts()[1])
    ensemble.provenance = replace(heaviest, evaluation=evaluation, weights=weights)
    return ensemble
