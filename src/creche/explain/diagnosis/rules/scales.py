"""Scales: columns, or the label, whose numbers are of unlike sizes and were left as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.explain.diagnosis.findings import Symptom
from creche.explain.diagnosis.rules.changes import standardize
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["label_scale", "mixed_scales"]

TIMES = 1000.0


LARGE_LABEL, SMALL_LABEL = 30.0, 0.01


FAR_FROM_0 = 10.0  # in standard deviations


NOT_LEARNT = 0.5  # of the label's deviation


def mixed_scales(case: RunFacts) -> Symptom | None:
    """Columns were not scaled, and differ a thousandfold."""
    if case.prepared.preparation.preprocessing.scaling != "none":
        return None
    x = case.run.rows.x.astype(np.float64)
    spread, largest = x.std(axis=0), np.abs(x).max(axis=0)
    names, varied = case.prepared.features.inputs, spread > 0
    numbers = {column.name for column in case.prepared.features.columns if column.role == "numeric"}
    of_numbers = varied & np.array([name in numbers for name in names])
    # Columns of numbers are named rather than rare categories, where they differ as much by themselves.
    pair = _far_apart(spread, largest, of_numbers) or _far_apart(spread, largest, varied)
    if pair is None:
        return None
    low, high = pair
    return Symptom(
        "Features are on unlike scales",
        f"{names[high]!r} varies by {spread[high]:.3g} (standard deviation), {names[low]!r} by {spread[low]:.3g}: "
        f"{_rounded(spread[high] / spread[low])} times as much; numbers were not scaled",
        "no learning rate suits both: steps that are right for the one are far too long or too short for the other",
        standardize(case, "rmse" if case.plan.task == "regression" else "loss"),
    )


def _far_apart(
    spread: NDArray[np.float64], largest: NDArray[np.float64], among: NDArray[np.bool_]
) -> tuple[int, int] | None:
    """The inputs that vary least and most, if these are far apart."""
    places = np.flatnonzero(among)
    if len(places) < 2:
        return None
    low, high = places[np.argmin(spread[places])], places[np.argmax(spread[places])]
    # By the largest value as well: a yes that is rare varies little, but is as large as any other.
    if spread[high] < TIMES * spread[low] or largest[high] < TIMES * largest[places].min():
        return None
    return int(low), int(high)


def label_scale(case: RunFacts) -> Symptom | None:
    """Labels of numbers were not scaled, lie far from where a network begins, and were not learnt."""
    labels, targets = case.prepared.labels, case.run.rows.targets
    if case.plan.task != "regression" or targets is None or any(s != 1 for s in labels.scale) or any(labels.mean):
        return None
    if not case.plan.loss.standardizes_labels:
        return None
    mean, spread = targets.mean(axis=0, dtype=np.float64), targets.std(axis=0, dtype=np.float64)
    far = (spread > LARGE_LABEL) | (spread < SMALL_LABEL) | (np.abs(mean) > FAR_FROM_0 * np.maximum(spread, 1.0))
    if not far.any() or not (case.diverged or _is_unlearnt(case, float(np.sqrt((spread**2).mean())))):
        return None
    which = int(np.argmax(far))
    return Symptom(
        "The label was not scaled",
        f"{labels.names[which]!r} lies around {mean[which]:.3g} with a standard deviation of {spread[which]:.3g}, and "
        "the network begins near 0; " + _reached(case),
        "most of training goes into finding the label's size; the rate that suits that is wrong for what follows",
        standardize(case, "rmse"),
    )


def _is_unlearnt(case: RunFacts, spread: float) -> bool:
    return case.epochs > 0 and not case.history.train_metric[-1] < NOT_LEARNT * spread


def _reached(case: RunFacts) -> str:
    if not case.epochs:
        return "no epoch was completed"
    return f"after {case.epochs} epochs its errors on the training rows are {case.history.train_metric[-1]:.3g} (rmse)"


def _rounded(ratio: float) -> str:
    return f"{float(f'{ratio:.2g}'):,.0f}"
