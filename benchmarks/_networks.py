"""Contenders that train many networks in a job, compared by the time per network."""

from _compare import Comparison, Spread


def seconds_per_network(comparison: Comparison, name: str) -> list[float]:
    result = comparison.results[name]
    return [seconds / result.contender.options.get("networks", 1) for seconds in result.seconds]


def time_per_network(comparison: Comparison, name: str) -> Spread:
    return Spread.of(seconds_per_network(comparison, name))


def ratio(comparison: Comparison, slow: str, fast: str) -> Spread:
    """How many times as long a network took, turn by turn."""
    pairs = zip(seconds_per_network(comparison, slow), seconds_per_network(comparison, fast), strict=True)
    return Spread.of(a / b for a, b in pairs)


def fastest(comparison: Comparison, family: str) -> str | None:
    """The variant of a library that took the least time per network."""
    names = [name for name, result in comparison.results.items() if result.contender.family == family]
    return min(names, key=lambda name: time_per_network(comparison, name).median, default=None)
