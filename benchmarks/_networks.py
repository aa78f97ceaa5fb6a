"""Contenders that train many networks in a job: what counts is the time of a network."""

from _compare import Comparison, Spread


def seconds_each(comparison: Comparison, name: str) -> list[float]:
    result = comparison.results[name]
    return [seconds / result.contender.options.get("networks", 1) for seconds in result.seconds]


def of_a_network(comparison: Comparison, name: str) -> Spread:
    return Spread.of(seconds_each(comparison, name))


def ratio(comparison: Comparison, slow: str, fast: str) -> Spread:
    """How many times longer a network took, turn by turn."""
    return Spread.of(a / b for a, b in zip(seconds_each(comparison, slow), seconds_each(comparison, fast), strict=True))


def fastest(comparison: Comparison, family: str) -> str | None:
    """The form of a library whose networks took the least time."""
    names = [name for name, result in comparison.results.items() if result.contender.family == family]
    return min(names, key=lambda name: of_a_network(comparison, name).median, default=None)
