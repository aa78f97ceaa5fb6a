"""Divergence: the loss stopped being finite."""

from __future__ import annotations

from dataclasses import replace

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.alternatives import divide_learning_rate, standardize_numbers
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_divergence"]


def find_divergence(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the run ended because its loss was no longer finite."""
    if not facts.diverged or facts.run.divergence is None:
        return None
    epoch, batch, rate = facts.run.divergence
    before = f"; the training loss of epoch {facts.epochs} was {facts.train[-1]:.3g}" if facts.epochs else ""
    alternatives = [
        *standardize_numbers(facts, facts.error_measure),
        *divide_learning_rate(facts, 10, 100, 1000),
    ]
    optimizer = facts.plan.optimizer
    if not optimizer.clip_norm and optimizer.parameterization == "standard":
        clipped = replace(optimizer, clip_norm=1.0)
        alternatives.append(Alternative("clipping the gradient norm at 1", {"optimizer": clipped}))
    return Symptom(
        "Training diverged",
        f"the loss stopped being finite in epoch {epoch + 1}, batch {batch + 1}, at learning rate {rate:g}{before}",
        "each step overshot the minimum, and the weights grew without bound",
        alternatives,
    )
