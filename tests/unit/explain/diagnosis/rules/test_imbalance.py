"""A rare class that is missed, and what balanced weights do about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.explain.diagnosis.findings import Finding

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])


def patients(seed: int, rows: int = 3000) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    return x, np.where(rng.random(rows) < 1 / (1 + np.exp(4.5 - 2 * x[:, 0])), "ill", "well")


def imbalances(run: cr.Run, **arguments: Any) -> list[Finding]:
    return [finding for finding in cr.explain.diagnose(run, **arguments) if finding.rule == "imbalance"]


@SEEDS
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_class_that_is_missed_is_counted(seed: int, loss: str) -> None:
    x, y = patients(seed)
    run = cr.train(x, y, seed=seed, loss=loss, threads=1)
    (finding,) = imbalances(run)
    assert finding.title == "The rare class 'ill' is rarely predicted"
    rows = run.prepared.validation.observations  # type: ignore[union-attr]
    predicted = run.model.predict(rows.x)
    for name in ("ill", "well"):
        of_class = rows.y == name
        count, hits = int(of_class.sum()), int((predicted[of_class] == name).sum())
        assert f"{count} " in finding.evidence
        assert f" {hits}" in finding.evidence
    evaluation = run.model.evaluate_rows(rows)
    assert f"accuracy {evaluation.accuracy:.3f}, balanced accuracy {evaluation.metrics()['balanced_accuracy']:.3f}" in (
        finding.evidence
    )
    assert "no longer match the frequencies in the table" in finding.meaning
    (trial,) = finding.trials
    assert trial.arguments == {"class_weight": "balanced"}
    assert trial.measure == "validation balanced accuracy"
    assert trial.helped
    assert trial.after > trial.before + 0.1
    weighted = cr.train(x, y, seed=seed, loss=loss, class_weight="balanced", threads=1)
    assert imbalances(weighted, try_remedies=False) == []


def test_a_rare_class_that_is_found_is_no_fault() -> None:
    x, _ = patients(0)
    clear = cr.train(x, np.where(x[:, 0] > 1.6, "ill", "well"), threads=1)
    assert imbalances(clear, try_remedies=False) == []
    assert imbalances(cr.train("penguins", label="species", threads=1), try_remedies=False) == []


def test_classes_of_equal_frequency_that_cannot_be_learned_are_another_matter() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 3))
    run = cr.train(x, rng.integers(0, 3, 1000), threads=1)
    assert imbalances(run, try_remedies=False) == []


def test_a_network_that_always_predicts_one_class_is_reported_once() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 4))
    y = np.where(rng.random(2000) < 0.02 + 0.2 * (x[:, 0] > 1), "rare", "usual")
    rules = cr.explain.diagnose(cr.train(x, y, hidden=[4], activation="relu", epochs=15, threads=1)).rules
    assert "constant_prediction" in rules
    assert "imbalance" not in rules


def test_several_classes() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3000, 3))
    y = np.where(x[:, 0] > 0, "a", "b").astype(object)
    y[rng.random(3000) < 0.02 + 0.1 * (x[:, 1] > 1.2)] = "c"
    (finding,) = imbalances(cr.train(x, y, threads=1))
    assert finding.title == "The rare class 'c' is rarely predicted"
    assert "threshold" not in finding.meaning
