"""Fit the polynomials of core/simd/*.hpp and print their coefficients, with the error each one leaves.

Every fit is the minimax polynomial for the relative error, computed by Remez' exchange algorithm (Remez 1934) with 60
digits and then rounded to float and to double. Run: python tools/fit_polynomials.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.dps = 60
Function = Callable[[mp.mpf], mp.mpf]


@dataclass(frozen=True)
class Fit:
    """target(x) ≈ sum_i c_i x^i on [low, high], where weight(x) weights the error."""

    name: str
    target: Function
    weight: Function
    low: mp.mpf
    high: mp.mpf
    degrees: dict[str, int]  # by C++ type


def horner(coefficients: list[mp.mpf], x: mp.mpf) -> mp.mpf:
    total = mp.mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def remez(fit: Fit, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """Return the minimax coefficients and the largest weighted error."""
    n = degree + 2
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    # Slightly off centre: a point at r = 0, where the weight is 0, would have no effect.
    points = [middle - half * mp.cos(mp.pi * (i + mp.mpf("0.49")) / n) for i in range(n)]
    grid = [middle - half * mp.cos(mp.pi * i / (40 * n)) for i in range(40 * n + 1)]
    targets, weights = [fit.target(x) for x in grid], [fit.weight(x) for x in grid]
    coefficients: list[mp.mpf] = []
    worst = mp.mpf(0)
    for _ in range(12):
        rows = [[*(x**i for i in range(degree + 1)), (-1) ** k / fit.weight(x)] for k, x in enumerate(points)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([fit.target(x) for x in points]))
        coefficients = list(solution)[:-1]
        errors = [(horner(coefficients, x) - t) * w for x, t, w in zip(grid, targets, weights, strict=True)]
        worst = max(abs(e) for e in errors)
        if worst < abs(solution[n - 1]) * mp.mpf("1.001"):
            break
        points = alternating_extrema(grid, errors, n)
    return coefficients, worst


def alternating_extrema(grid: list[mp.mpf], errors: list[mp.mpf], count: int) -> list[mp.mpf]:
    """Return the `count` neighbouring extrema with alternating signs that have the largest errors."""
    best: list[int] = []
    for i, error in enumerate(errors):
        if error == 0:
            continue
        if best and (errors[best[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[best[-1]]):
                best[-1] = i
        else:
            best.append(i)
    while len(best) > count:
        best.pop(0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1)
    if len(best) < count:
        raise ArithmeticError(f"only {len(best)} of {count} extrema found: the fit does not converge")
    return [grid[i] for i in best]


def nearest(x: mp.mpf, cpp_type: str) -> str:
    """Return the number of the type that is nearest to x, as an exact hexadecimal C++ literal."""
    mantissa, exponent = mp.frexp(x)
    bits = 24 if cpp_type == "float" else 53
    rounded = float(mp.ldexp(mp.nint(mp.ldexp(mantissa, bits)), int(exponent) - bits))
    literal = rounded.hex()
    head, _, power = literal.partition("p")
    head = head.rstrip("0").rstrip(".") if "." in head else head
    return f"{head}p{power}" + ("f" if cpp_type == "float" else "")


def split_ln2(cpp_type: str) -> tuple[str, str]:
    """Return high and low with ln 2 = high + low, where high times any exponent of the type is exact."""
    bits = 15 if cpp_type == "float" else 42
    high = mp.ldexp(mp.nint(mp.ldexp(mp.ln(2), bits)), -bits)
    return nearest(high, cpp_type), nearest(mp.ln(2) - high, cpp_type)


def around_zero(series: Function, formula: Function, radius: float) -> Function:
    """Return a function that evaluates the series near 0, where the formula would cancel, and else the formula."""
    return lambda x: series(x) if abs(x) < radius else formula(x)


MILLS_SHIFT = {"float": mp.mpf(4), "double": mp.mpf(5)}
MILLS_LIMIT = {"float": mp.mpf(14), "double": mp.mpf(40)}


def mills(cpp_type: str, degree: int) -> Fit:
    """P(u) with Phi(-a) = exp(-a^2/2) P(u) / (a + c), u = (a - c) / (a + c)."""
    c, limit = MILLS_SHIFT[cpp_type], MILLS_LIMIT[cpp_type]

    def target(u: mp.mpf) -> mp.mpf:
        a = c * (1 + u) / (1 - u)
        return mp.erfc(a / mp.sqrt(2)) / 2 * mp.exp(a * a / 2) * (a + c)

    return Fit(
        "kNormalTail", target, lambda u: 1 / target(u), mp.mpf(-1), (limit - c) / (limit + c), {cpp_type: degree}
    )


def fits() -> list[Fit]:
    reach = mp.ln(2) / 2 * mp.mpf("1.0005")
    tail = around_zero(
        lambda r: mp.nsum(lambda k: r**k / mp.factorial(k + 2), [0, 30]), lambda r: (mp.expm1(r) - r) / r**2, 1e-6
    )
    s2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.0005")
    atanh = around_zero(
        lambda z: mp.nsum(lambda k: 2 * z**k / (2 * k + 3), [0, 30]),
        lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z,
        1e-6,
    )
    two_pi = 2 * mp.pi
    eighth = mp.mpf(1) / 64
    sin = around_zero(
        lambda z: -(two_pi**3) / 6 + two_pi**5 * z / 120,
        lambda z: (mp.sin(two_pi * mp.sqrt(z)) / mp.sqrt(z) - two_pi) / z,
        1e-16,
    )
    cos = around_zero(
        lambda z: -(two_pi**2) / 2 + two_pi**4 * z / 24, lambda z: (mp.cos(two_pi * mp.sqrt(z)) - 1) / z, 1e-16
    )
    return [
        # exp(r) = 1 + r + r^2 P(r); the error is relative to exp(r) - 1, which expm1 and tanh need.
        Fit("kExpTail", tail, lambda r: abs(r) / (1 + r), -reach, reach, {"float": 4, "double": 9}),
        # log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2)
        Fit("kLogTail", atanh, lambda z: z, mp.mpf(0), s2, {"float": 2, "double": 6}),
        # sin(2 pi r) = 2 pi r + r^3 P(r^2) and cos(2 pi r) = 1 + r^2 P(r^2), |r| <= 1/8
        Fit("kSinTail", sin, lambda z: z, mp.mpf(0), eighth, {"float": 2, "double": 5}),
        Fit("kCosTail", cos, lambda z: z, mp.mpf(0), eighth, {"float": 3, "double": 6}),
        mills("float", 9),
        mills("double", 21),
    ]


def main() -> None:
    for cpp_type in ("float", "double"):
        high, low = split_ln2(cpp_type)
        print(f"ln 2 <{cpp_type}>: {high}, {low}")
        lead = nearest(2 * mp.pi, cpp_type)
        rest = 2 * mp.pi - mp.mpf(float.fromhex(lead.rstrip("f") if cpp_type == "float" else lead))
        print(f"2 pi <{cpp_type}>: {lead}, {nearest(rest, cpp_type)}")
    for fit in fits():
        for cpp_type, degree in fit.degrees.items():
            coefficients, worst = remez(fit, degree)
            ulp = worst / mp.mpf(float(np.finfo(np.float32 if cpp_type == "float" else np.float64).eps))
            print(f"\n{fit.name}<{cpp_type}>, degree {degree}, error {mp.nstr(worst, 3)} ({mp.nstr(ulp, 3)} epsilon):")
            print("    " + ", ".join(nearest(c, cpp_type) for c in coefficients))


if __name__ == "__main__":
    main()
