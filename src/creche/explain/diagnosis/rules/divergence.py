"""Divergence: the loss stopped being finite."""

from __future__ import annotations

from dataclasses import replace

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.changes import lower_rates, standardize
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["diverged"]


def diverged(case: RunFacts) -> Symptom | None:
    """The run ended because its loss was no longer finite."""
    if not case.diverged or case.run.divergence is None:
        return None
    epoch, batch, rate = case.run.divergence
    fell = f"; the training loss of epoch {case.epochs} was {case.train[-1]:.3g}" if case.epochs else ""
    alternatives = [
        *standardize(case, "loss" if case.plan.task == "classification" else "rmse"),
        *lower_rates(case, 10, 100, 1000),
    ]
    if not case.plan.optimizer.clip_norm:
        clipped = replace(case.plan.optimizer, clip_norm=1.0)
        alternatives.append(Alternative("clipping the gradient's norm at 1", {"optimizer": clipped}))
    return Symptom(
        "Training diverged",
        f"in epoch {epoch + 1}, batch {batch + 1}, with learning rate {rate:g}, the loss was no longer finite{fell}",
        "each step went further than the slope it followed, and the weights grew without bound",
        alternatives,
    )
