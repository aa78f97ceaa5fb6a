"""Changes that the cures of several rules have in common."""

from __future__ import annotations

from creche.explain.diagnosis.findings import Alternative
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["default_rate", "lower_rates", "standardize"]

SHARES = {3: "a third", 10: "a tenth", 100: "a hundredth", 1000: "a thousandth"}


def lower_rates(case: RunFacts, *divisors: float) -> list[Alternative]:
    """The learning rate divided by these numbers; below 1 they make it higher."""
    rate = case.plan.optimizer.learning_rate
    found = []
    for divisor in divisors:
        words = f"{1 / divisor:.0f} times" if divisor < 1 else SHARES[int(divisor)] + " of"
        found.append(Alternative(f"{words} the learning rate", {"learning_rate": float(f"{rate / divisor:.3g}")}))
    return found


def default_rate(case: RunFacts) -> list[Alternative]:
    """The rate that the optimizer has where none is given, if it is higher than what `lower_rates` tries."""
    usual = type(case.plan.optimizer)().learning_rate
    if usual <= 100 * case.plan.optimizer.learning_rate:
        return []
    return [Alternative("the optimizer's usual learning rate", {"learning_rate": usual})]


def standardize(case: RunFacts, measure: str = "loss") -> list[Alternative]:
    """Numbers to mean 0 and deviation 1, where they are not."""
    preparation = case.prepared.preparation
    if preparation.preprocessing.scaling != "none" or preparation.class_weight is not None:
        return []
    return [Alternative("standardising the numbers", {"preprocessing": "standard"}, measure)]
