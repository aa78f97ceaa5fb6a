"""One answer for all rows: the network has learnt nothing but what is commonest."""

from __future__ import annotations

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.changes import lower_rates, standardize
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["same_answer"]

SAME_PROBABILITY = 0.005


SAME_NUMBER = 0.02  # of the label's deviation


LEAST_ROWS = 20


def same_answer(case: RunFacts) -> Symptom | None:
    """The network says the same of every row: the same number, or always the commonest class."""
    if case.diverged or case.epochs == 0 or len(case.rows_predicted) < LEAST_ROWS:
        return None
    return _of_classes(case) if case.plan.task == "classification" else _of_numbers(case)


def _of_classes(case: RunFacts) -> Symptom | None:
    classes, predicted = case.prepared.labels.classes, case.predictions
    assert classes is not None
    if predicted.shape[1] == 1:
        predicted = np.hstack([1 - predicted, predicted])
    said = predicted.argmax(axis=1)
    if (said != said[0]).any():
        return None
    name, rows = classes[int(said[0])], len(said)
    share = 100 * case.prepared.labels.baseline[int(said[0])]
    spread = float(predicted.std(axis=0).max())
    if spread < SAME_PROBABILITY:
        return Symptom(
            "The network gives the same answer for every row",
            f"of {rows:,} training rows, each gets {name!r} with a probability of {predicted[:, said[0]].mean():.3f}, "
            f"give or take {spread:.1g}; {share:.0f} % of the rows are of that class",
            "nothing of the features comes through to the output: layers have died, or have not begun to learn",
            [*standardize(case), *lower_rates(case, 10, 100, 1000, 1 / 10, 1 / 100)],
        )
    alternatives = []
    if case.run.rows.classes is not None and case.prepared.preparation.class_weight is None:
        balanced = {"class_weight": "balanced"}
        alternatives.append(Alternative("weighting the classes alike", balanced, "balanced_accuracy"))
    alternatives += [Alternative(a.words, a.arguments, "balanced_accuracy") for a in lower_rates(case, 1 / 10)]
    return Symptom(
        f"The network always says {name!r}",
        f"of {rows:,} training rows, each is said to be {name!r}; {share:.0f} % of them are. Probabilities differ by "
        f"{spread:.2g} (standard deviation)",
        "the commonest class is the safest guess; rarer ones are never likelier than it, though some rows are nearer",
        alternatives,
    )


def _of_numbers(case: RunFacts) -> Symptom | None:
    targets = case.run.rows.targets
    assert targets is not None
    spread, truth = case.predictions.std(axis=0), targets[case.rows_predicted].std(axis=0)
    if not (spread < SAME_NUMBER * truth).all():
        return None
    mean = case.prepared.labels.decode_numbers(case.predictions).mean(axis=0)
    return Symptom(
        "The network gives the same answer for every row",
        f"for {len(case.rows_predicted):,} training rows it gives {np.atleast_1d(mean)[0]:.4g}, and varies by "
        f"{float((spread / truth).max()):.1g} of how the label varies",
        "nothing of the features comes through to the output: layers have died, or have not begun to learn",
        [
            *standardize(case, "rmse"),
            *(Alternative(a.words, a.arguments, "rmse") for a in lower_rates(case, 10, 100, 1000, 1 / 10, 1 / 100)),
        ],
    )
