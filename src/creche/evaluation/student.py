"""Student's t distribution, as far as intervals need it."""

from __future__ import annotations

import math

__all__ = ["t_quantile"]

STEPS = 60  # halvings of the angle, so that no bit of it is left open


def t_quantile(covered: float, freedom: int) -> float:
    """The number t between whose negative and itself a share of Student's distribution lies.

    For whole degrees of freedom the share is a finite sum (Abramowitz & Stegun 1964, eq. 26.7.3 and 26.7.4), which
    grows with t; t is found by halving.

    Parameters
    ----------
    covered : float
        Above 0 and below 1: 0.95 for an interval of 95 %.
    freedom : int
        The degrees of freedom, 1 or more.

    Examples
    --------
    >>> round(t_quantile(0.95, 4), 4), round(t_quantile(0.95, 10_000), 3)
    (2.7764, 1.96)

    """
    low, high = 0.0, math.pi / 2
    for _ in range(STEPS):
        angle = (low + high) / 2
        low, high = (angle, high) if _share_within(angle, freedom) < covered else (low, angle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _share_within(angle: float, freedom: int) -> float:
    """Which share lies between -t and t, for angle = atan(t / sqrt(freedom))."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if freedom % 2 == 0:
        return sine * _sum(square, range(1, freedom - 1, 2))
    alone = angle if freedom == 1 else angle + sine * math.cos(angle) * _sum(square, range(2, freedom - 2, 2))
    return 2 / math.pi * alone


def _sum(square: float, factors: range) -> float:
    """The sum 1 + (k / (k + 1)) c + (k / (k + 1)) ((k + 2) / (k + 3)) c² + …, with these for k, k + 2, ….."""
    total = term = 1.0
    for k in factors:
        term *= square * k / (k + 1)
        total += term
    return total
