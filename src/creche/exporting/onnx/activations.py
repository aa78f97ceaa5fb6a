"""The activations in the graph, in operators that runtimes have for both precisions.

Only `Erf` is one that they have for float32 alone, so that an exact GELU of a network in float64 has the digits of
float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError
from creche.exporting.onnx.graph import Graph, Value
from creche.plan.activations import Activation

__all__ = ["add_activation"]

# The fixed point of mean 0 and variance 1 (Klambauer et al. 2017, eq. 14).
SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


@dataclass(frozen=True, slots=True)
class Builder:
    """A graph with what activations need of it."""

    graph: Graph
    dtype: str

    def number(self, value: float) -> NDArray[np.floating]:
        """Return a constant in the network's precision."""
        return np.array(value, dtype=self.dtype)

    def times(self, z: Value, factor: float) -> Value:
        """Multiply by a constant."""
        return z if factor == 1 else self.graph.add("Mul", z, self.number(factor))

    def plus(self, z: Value, term: float) -> Value:
        """Add a constant."""
        return self.graph.add("Add", z, self.number(term))

    def below_0(self, z: Value, otherwise: Value) -> Value:
        """Return z where it is above 0, otherwise another value."""
        return self.graph.add("Where", self.graph.add("Greater", z, self.number(0)), z, otherwise)

    def softplus(self, z: Value) -> Value:
        """Return log(1 + exp(z)), which cannot overflow."""
        small = self.graph.add("Exp", self.graph.add("Neg", self.graph.add("Abs", z)))
        return self.graph.add("Add", self.graph.add("Relu", z), self.graph.add("Log", self.plus(small, 1)))

    def exponential(self, z: Value, alpha: float) -> Value:
        """Return alpha (exp(z) - 1) where z is below 0, otherwise 0."""
        low = self.graph.add("Min", z, self.number(0))
        return self.times(self.plus(self.graph.add("Exp", low), -1), alpha)


def _gelu(b: Builder, z: Value, _: float) -> Value:
    inner = b.times(z, math.sqrt(0.5))
    error = b.graph.cast(inner, "float32") if b.dtype == "float64" else inner
    error = b.graph.add("Erf", error)
    error = b.graph.cast(error, "float64") if b.dtype == "float64" else error
    return b.graph.add("Mul", b.times(z, 0.5), b.plus(error, 1))


def _silu(b: Builder, z: Value, _: float) -> Value:
    if b.dtype == "float32":
        return b.graph.add("Mul", z, b.graph.add("Sigmoid", z))
    # onnxruntime-web replaces a number times its sigmoid by a node that it lacks for double.
    return b.graph.add("Div", z, b.plus(b.graph.add("Exp", b.graph.add("Neg", z)), 1))


def _gelu_tanh(b: Builder, z: Value, _: float) -> Value:
    cube = b.graph.add("Mul", z, b.graph.add("Mul", z, z))
    inner = b.times(b.graph.add("Add", z, b.times(cube, 0.044715)), math.sqrt(2 / math.pi))
    return b.graph.add("Mul", b.times(z, 0.5), b.plus(b.graph.add("Tanh", inner), 1))


FORMULAS: dict[str, Callable[[Builder, Value, float], Value]] = {
    "identity": lambda b, z, _: z,
    "relu": lambda b, z, _: b.graph.add("Relu", z),
    "leaky_relu": lambda b, z, slope: b.below_0(z, b.times(z, slope)),
    "elu": lambda b, z, alpha: b.below_0(z, b.exponential(z, alpha)),
    "selu": lambda b, z, _: b.below_0(b.times(z, SELU_SCALE), b.exponential(z, SELU_SCALE * SELU_ALPHA)),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": _silu,
    "mish": lambda b, z, _: b.graph.add("Mul", z, b.graph.add("Tanh", b.softplus(z))),
    "tanh": lambda b, z, _: b.graph.add("Tanh", z),
    "sigmoid": lambda b, z, _: b.graph.add("Sigmoid", z),
    "softplus": lambda b, z, beta: b.times(b.softplus(b.times(z, beta)), 1 / beta),
}


def add_activation(graph: Graph, z: Value, activation: Activation, dtype: str) -> Value:
    """Apply an activation to weighted sums.

    Raises
    ------
    PlanError
        If there is no formula for it.

    """
    formula = FORMULAS.get(activation.key)
    if formula is None:
        raise PlanError(f"activation: {activation.key!r} cannot be exported to ONNX; train with another")
    return formula(Builder(graph, dtype), z, activation.parameter)
