"""Ensemble selection: which members of a colony form an ensemble, their weights, and the temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import exp, log, minimize, sum_rows
from creche.errors import PlanError
from creche.model.calibration import apply_temperature
from creche.model.ensemble import Ensemble
from creche.plan.arguments import check_whole_number
from creche.table.digest import digest_arrays
from creche.table.labels import encode_classes
from creche.table.prepare import encode_features

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony
    from creche.table.partition import Partition

__all__ = ["fit_temperature", "select_ensemble", "select_greedily"]

Numbers = NDArray[np.float64]
# From the predictions of several candidates, (candidates, rows, …), to the loss of each.
LossFunction = Callable[[Numbers], Numbers]

SMALLEST_PROBABILITY = 1e-12
EQUAL_PLACES = 12  # last bits of a loss differ between processors, and must not decide which network is added
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


def select_ensemble(colony: Colony, size: int, candidates: int, temperature: bool) -> Ensemble:
    """Return the ensemble of `Colony.ensemble`."""
    size = check_whole_number("size", size, at_least=1)
    candidates = check_whole_number("candidates", candidates, at_least=1)
    if colony.fold_layout is not None:
        raise PlanError(
            "ensemble: the networks of a sweep with folds were trained on different rows, so there are no rows to "
            "select them by; sweep the best plans without folds"
        )
    best = colony.best()  # raises an error if there is none
    numbers = colony.ranking()[:candidates].tolist()
    prepared = best.prepared
    rows = prepared.validation if prepared.validation is not None else prepared.train
    predicted, weights = _predict(colony, numbers, rows), _normalized_weights(rows)
    classes, fitted = prepared.labels.classes, 1.0
    if classes is None:
        scale = prepared.labels.repeat(prepared.labels.scale)
        true_numbers = prepared.labels.repeat(rows.observations.y.astype(np.float64).reshape(len(rows), -1)) / scale
        loss = _number_loss(true_numbers, weights, prepared.labels.quantiles)
        counts = select_greedily(predicted / scale, size, loss)
        chosen = np.flatnonzero(counts)
    else:
        observations = rows.observations
        true = encode_classes(observations.y, classes, prepared.labels.name, observations.row_numbers)
        counts = select_greedily(predicted[:, np.arange(len(rows)), true], size, _log_loss(weights))
        chosen = np.flatnonzero(counts)
        if temperature:
            mean = np.tensordot(counts[chosen] / counts.sum(), predicted[chosen], axes=1)
            fitted = fit_temperature(mean, true, weights)
    models = [colony[numbers[i]].model for i in chosen]
    return _add_provenance(Ensemble(models, counts[chosen].tolist(), fitted, colony.crew.hardware.threads), colony)


def _predict(colony: Colony, numbers: list[int], rows: Partition) -> Numbers:
    """Return the predictions of several members, (members, rows, outputs)."""
    inputs: dict[int, NDArray[np.generic]] = {}
    predicted = []
    for number in numbers:
        member = colony[number]
        encoder = member.prepared.features  # bootstrap samples share it
        if id(encoder) not in inputs:
            inputs[id(encoder)] = encode_features(encoder, rows.observations.x, member.plan.dtype)
        predicted.append(member.model.predict_encoded(inputs[id(encoder)]))
    return np.stack(predicted).astype(np.float64)


def _normalized_weights(rows: Partition) -> Numbers:
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights
    return np.asarray(weights / weights.sum())


def _log_loss(weights: Numbers) -> LossFunction:
    def loss(true_probabilities: Numbers) -> Numbers:
        return np.asarray(-np.log(np.maximum(true_probabilities, SMALLEST_PROBABILITY)) @ weights)

    return loss


def _number_loss(true: Numbers, weights: Numbers, quantiles: tuple[float, ...]) -> LossFunction:
    """Return the squared error of predicted numbers, or the pinball loss of predicted quantiles."""
    levels = np.resize(quantiles, true.shape[1]) if quantiles else None

    def loss(predicted: Numbers) -> Numbers:
        errors = true - predicted
        each = errors**2 if levels is None else np.maximum(levels * errors, (levels - 1) * errors)
        return np.asarray(each.mean(axis=-1) @ weights)

    return loss


def select_greedily(predicted: Numbers, size: int, loss: LossFunction) -> NDArray[np.int64]:
    """Return how often each member is selected into an ensemble of `size`, so that the loss of the mean is low.

    The best quarter is selected first. Then each step adds the member that lowers the loss of the mean most, whether or
    not it has been selected before (Caruana et al. 2004, sections 2.1 and 2.2).

    Parameters
    ----------
    predicted : (members, rows, …) array
        The predictions of each member, the best first.
    size : int
        The number of selections.
    loss : callable
        From predictions (candidates, rows, …) to losses (candidates,).

    Returns
    -------
    (members,) int64

    """
    counts = np.zeros(len(predicted), dtype=np.int64)
    start = max(1, min(size // 4, len(predicted)))
    counts[:start] = 1
    total = predicted[:start].sum(axis=0)
    for selected in range(start, size):
        losses = loss((total + predicted) / (selected + 1))
        best = int(np.round(losses, EQUAL_PLACES).argmin())
        counts[best] += 1
        total = total + predicted[best]
    return counts


def fit_temperature(probabilities: Numbers, true: NDArray[np.integer], weights: Numbers) -> float:
    """Return the temperature at which the probabilities fit the labels best.

    The true class counts as 1 - 1 / (rows + 2) rather than 1, as in Platt 1999: even without a single error on these
    rows, probabilities should not become certain.

    Parameters
    ----------
    probabilities : (n, classes) array
    true : (n,) int array
        The number of the class of each row.
    weights : (n,) array
        The weights of the rows, which sum to 1.

    """
    rows, classes = probabilities.shape
    smoothing = 1 / (rows + 2)
    target = np.full((rows, classes), smoothing / (classes - 1))
    target[np.arange(rows), true] = 1 - smoothing
    safe = np.maximum(probabilities, SMALLEST_PROBABILITY)

    def loss(log_temperature: float) -> float:
        tempered = apply_temperature(safe, float(exp(np.array([log_temperature]))[0]))
        logs = log(np.maximum(tempered, SMALLEST_PROBABILITY))
        return -float(sum_rows(sum_rows((target * logs).T) * weights))

    low, high = log(np.array([LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE])).tolist()
    return float(exp(np.array([minimize(loss, low, high, steps=40)]))[0])


def _add_provenance(ensemble: Ensemble, colony: Colony) -> Ensemble:
    """Give the ensemble the provenance of the best network, with its own evaluation and digest of weights."""
    best = colony.best()
    partition, rows = best.prepared.evaluation_part
    provenance = best.model.provenance
    assert provenance is not None
    evaluation = {"on": partition, **ensemble.evaluate_rows(rows.observations, rows.weights).to_dict()}
    weights = digest_arrays(ensemble.arrays())
    ensemble.provenance = replace(provenance, evaluation=evaluation, weights=weights)
    return ensemble
