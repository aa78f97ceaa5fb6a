"""Alternatives to a run that several rules propose."""

from __future__ import annotations

from creche.explain.diagnosis.findings import Alternative
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["default_learning_rate", "divide_learning_rate", "standardize_numbers"]

SHARES = {3: "a third", 10: "a tenth", 100: "a hundredth", 1000: "a thousandth"}


def divide_learning_rate(facts: RunFacts, *divisors: float, measure: str = "loss") -> list[Alternative]:
    """Return alternatives with the learning rate divided by each of these numbers; those below 1 increase it."""
    rate = facts.plan.optimizer.learning_rate
    alternatives = []
    for divisor in divisors:
        times = f"{1 / divisor:.0f} times" if divisor < 1 else SHARES[int(divisor)] + " of"
        arguments = {"learning_rate": float(f"{rate / divisor:.3g}")}
        alternatives.append(Alternative(f"{times} the learning rate", arguments, measure))
    return alternatives


def default_learning_rate(facts: RunFacts) -> list[Alternative]:
    """Return the optimizer's default learning rate, if it is higher than 100 times that of the run."""
    default = type(facts.plan.optimizer)().learning_rate
    if default <= 100 * facts.plan.optimizer.learning_rate:
        return []
    return [Alternative("the optimizer's default learning rate", {"learning_rate": default})]


def standardize_numbers(facts: RunFacts, measure: str = "loss") -> list[Alternative]:
    """Return the run with numbers scaled to mean 0 and standard deviation 1, if they are not scaled yet."""
    preparation = facts.prepared.preparation
    if preparation.preprocessing.scaling != "none" or preparation.class_weight is not None:
        return []
    return [Alternative("standardizing numeric columns", {"preprocessing": "standard"}, measure)]
