"""A constant prediction: the network predicts the same for every row."""

from __future__ import annotations

import numpy as np

from creche._phrases import write_number
from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.alternatives import divide_learning_rate, standardize_numbers
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_constant_prediction"]

# Below these standard deviations, predictions count as the same.
SAME_PROBABILITY = 0.005
SAME_NUMBER = 0.02  # as a share of the label's standard deviation

MIN_ROWS = 20

TITLE = "The network predicts the same value for every row"
MEANING = "the features do not affect the output: neurons are dead, or have not begun to learn"


def find_constant_prediction(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the network predicts one class, or one number, for every row."""
    if facts.diverged or facts.epochs == 0 or len(facts.sampled_places) < MIN_ROWS:
        return None
    return _find_one_class(facts) if facts.plan.task == "classification" else _find_one_number(facts)


def _find_one_class(facts: RunFacts) -> Symptom | None:
    classes, probabilities = facts.prepared.labels.classes, facts.predictions
    assert classes is not None
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    predicted = probabilities.argmax(axis=1)
    if (predicted != predicted[0]).any():
        return None
    name, rows = classes[int(predicted[0])], len(predicted)
    share = 100 * facts.prepared.labels.baseline[int(predicted[0])]
    spread = float(probabilities.std(axis=0).max())
    if spread < SAME_PROBABILITY:
        return Symptom(
            TITLE,
            f"all of {rows:,} training rows get {name!r} with a probability of "
            f"{probabilities[:, predicted[0]].mean():.3f} ± {spread:.1g}; {share:.0f} % of the rows are of that class",
            MEANING,
            [*standardize_numbers(facts), *divide_learning_rate(facts, 10, 100, 1000, 1 / 10, 1 / 100)],
        )
    alternatives = []
    if facts.rows.classes is not None and facts.prepared.preparation.class_weight is None:
        balanced = {"class_weight": "balanced"}
        alternatives.append(Alternative("balanced class weights", balanced, "balanced_accuracy"))
    alternatives += divide_learning_rate(facts, 1 / 10, measure="balanced_accuracy")
    return Symptom(
        f"The network always predicts {name!r}",
        f"it predicts {name!r} for all of {rows:,} training rows; {share:.0f} % of them are of that class. Its "
        f"probabilities have a standard deviation of {spread:.2g}",
        "the most frequent class is the safest guess: there is no row in which another class has the highest "
        "probability",
        alternatives,
    )


def _find_one_number(facts: RunFacts) -> Symptom | None:
    targets = facts.rows.targets
    assert targets is not None
    spread, label_spread = facts.predictions.std(axis=0), targets[facts.sampled_places].std(axis=0)
    if not (spread < SAME_NUMBER * label_spread).all():
        return None
    mean = facts.prepared.labels.decode_numbers(facts.predictions).mean(axis=0)
    return Symptom(
        TITLE,
        f"for {len(facts.sampled_places):,} training rows it predicts about {write_number(mean.flat[0], 4)}; the "
        f"predictions vary by {100 * float((spread / label_spread).max()):.1g} % of the label's standard deviation",
        MEANING,
        [
            *standardize_numbers(facts, facts.error_measure),
            *divide_learning_rate(facts, 10, 100, 1000, 1 / 10, 1 / 100, measure=facts.error_measure),
        ],
    )
