"""Scales: features or a label that were not scaled, and whose sizes make learning hard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.explain.diagnosis.findings import Symptom
from creche.explain.diagnosis.rules.alternatives import standardize_numbers
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_unscaled_features", "find_unscaled_label"]

RATIO = 1000.0
LARGE_LABEL, SMALL_LABEL = 30.0, 0.01
FAR_FROM_0 = 10.0  # in standard deviations
NOT_LEARNED = 0.5  # as a share of the label's standard deviation


def find_unscaled_features(facts: RunFacts) -> Symptom | None:
    """Return a symptom if features were not scaled and differ a thousandfold in size."""
    if facts.prepared.preparation.preprocessing.scaling != "none":
        return None
    x = facts.rows.x.astype(np.float64)
    spread, largest = x.std(axis=0), np.abs(x).max(axis=0)
    names, varied = facts.prepared.features.inputs, spread > 0
    numbers = {column.name for column in facts.prepared.features.columns if column.role == "numeric"}
    is_numeric = varied & np.array([name in numbers for name in names])
    # Name numeric columns rather than rare categories, if they differ as much.
    pair = _far_apart(spread, largest, is_numeric) or _far_apart(spread, largest, varied)
    if pair is None:
        return None
    low, high = pair
    return Symptom(
        "Features have very different scales",
        f"{names[high]!r} varies by {write_number(spread[high], 3)} (standard deviation), "
        f"{names[low]!r} by {write_number(spread[low], 3)}: "
        f"{_round_ratio(spread[high] / spread[low])} times as much; numeric columns were not scaled",
        "no learning rate suits both: steps of the right length for one are far too long or too short for the other",
        standardize_numbers(facts, facts.error_measure),
    )


def _far_apart(
    spread: NDArray[np.float64], largest: NDArray[np.float64], among: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """Return the inputs that vary least and most, if they are far apart."""
    places = np.flatnonzero(among)
    if len(places) < 2:
        return None
    low, high = places[np.argmin(spread[places])], places[np.argmax(spread[places])]
    # The largest values count too: a rare "yes" varies little, but is as large as any other.
    if spread[high] < RATIO * spread[low] or largest[high] < RATIO * largest[places].min():
        return None
    return int(low), int(high)


def find_unscaled_label(facts: RunFacts) -> Symptom | None:
    """Return a symptom if a label was not scaled, is far from a network's first predictions, and was not learned."""
    labels, targets = facts.prepared.labels, facts.rows.targets
    if facts.plan.task != "regression" or targets is None or any(s != 1 for s in labels.scale) or any(labels.mean):
        return None
    if not facts.plan.loss.standardizes_labels:
        return None
    mean, spread = targets.mean(axis=0, dtype=np.float64), targets.std(axis=0, dtype=np.float64)
    far = (spread > LARGE_LABEL) | (spread < SMALL_LABEL) | (np.abs(mean) > FAR_FROM_0 * np.maximum(spread, 1.0))
    if not far.any() or not (facts.diverged or _is_not_learned(facts, float(np.sqrt((spread**2).mean())))):
        return None
    which = int(np.argmax(far))
    return Symptom(
        "The label was not scaled",
        f"{labels.names[labels.label_of(which)]!r} has mean {write_number(mean[which], 3)} and standard deviation "
        f"{write_number(spread[which], 3)}, and the network's first predictions are near 0; " + _describe_error(facts),
        "most of the training goes into finding the label's scale, and a learning rate that suits this is wrong later",
        standardize_numbers(facts, "rmse"),
    )


def _is_not_learned(facts: RunFacts, spread: float) -> bool:
    return facts.epochs > 0 and not facts.history.train_metric[-1] < NOT_LEARNED * spread


def _describe_error(facts: RunFacts) -> str:
    if not facts.epochs:
        return "no epoch was completed"
    rmse = write_number(facts.history.train_metric[-1], 3)
    return f"after {facts.epochs} epochs the RMSE on the training rows is {rmse}"


def _round_ratio(ratio: float) -> str:
    return f"{float(f'{ratio:.2g}'):,.0f}"
