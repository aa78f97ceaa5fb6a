"""Imbalance: a rare class that the network misses, which the accuracy hardly shows."""

from __future__ import annotations

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_imbalance"]

RARE = 0.5  # as a share of what each class would have if all were equally frequent
MIN_ROWS = 10  # of the class, among those that are compared
LOW_RECALL, HIGH_RECALL = 0.5, 0.8


def find_imbalance(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the network misses most rows of a rare class, while it finds those of the most frequent."""
    if facts.plan.task != "classification" or facts.diverged or not facts.epochs:
        return None
    preparation, labels = facts.prepared.preparation, facts.prepared.labels
    classes = labels.classes
    assert classes is not None
    if preparation.class_weight is not None:
        return None
    true, predicted = facts.compared_classes, facts.compared_predictions.argmax(axis=1)
    if (predicted == predicted[0]).all():  # which another rule reports
        return None
    rows = np.bincount(true, minlength=len(classes))
    hits = np.bincount(true[predicted == true], minlength=len(classes))
    shares = np.array(labels.baseline)
    recall = np.divide(hits, rows, out=np.ones(len(classes)), where=rows > 0)
    usual = int(np.argmax(shares))
    is_missed = (shares <= RARE / len(classes)) & (rows >= MIN_ROWS) & (recall < LOW_RECALL)
    if not is_missed.any() or recall[usual] < HIGH_RECALL:
        return None
    rarest = int(np.argmin(np.where(is_missed, recall, np.inf)))
    accuracy, balanced = float((true == predicted).mean()), float(recall[rows > 0].mean())
    threshold = " and choose a threshold (Model.choose_threshold)" if len(classes) == 2 else ""
    return Symptom(
        f"The rare class {classes[rarest]!r} is rarely predicted",
        f"{shares[rarest]:.1%} of the training rows are {classes[rarest]!r}; the network predicts "
        f"{hits[rarest]:,} of {rows[rarest]:,} such {facts.evaluated_on} rows correctly, and {hits[usual]:,} of "
        f"{rows[usual]:,} {classes[usual]!r} rows: accuracy {accuracy:.3f}, balanced accuracy {balanced:.3f}",
        "the accuracy mostly reflects the frequent class; balanced accuracy and AUC are more informative. With class "
        "weights the network finds more rows of the rare class and raises more false alarms, and its probabilities no "
        f"longer match the frequencies in the table; where probabilities matter, leave class weights out{threshold}",
        [Alternative("balanced class weights", {"class_weight": "balanced"}, "balanced_accuracy")],
    )
