"""The parameters of a network: arrays by the names that the engine gives them, and the view of a layer's weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche.engine.native import translate_network
from creche.plan.plan import Plan

__all__ = ["EMBEDDINGS", "Layers", "Parameters", "count_numbers", "parameter_shapes"]

# W (d_in, d_out) and b (d_out,) of each layer; of many networks, W (m, d_in, d_out) and b (m, d_out).
Layers: TypeAlias = Sequence[tuple[NDArray[Any], NDArray[Any]]]

# What the engine calls W and b of a layer, behind the layer's number.
WEIGHTS, BIAS = "weights", "bias"

# The running statistics of batch normalization: no gradient changes them.
VARIANCE = ".running_variance"
STATISTICS = (".running_mean", VARIANCE)

EMBEDDINGS = "embeddings."  # what the names of the parameters of embeddings begin with


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameters(Mapping[str, NDArray[Any]]):
    """All parameters of a network, or of many of one shape: arrays by name, in the engine's order.

    What copies, compares, counts or moves parameters goes through all arrays, whatever they belong to; `layers` is the
    view of those that are the weights and the bias of a layer. The arrays of many networks have the networks along
    their first axis.

    Parameters
    ----------
    arrays : dict of str to array
        As the engine gives them: ``0.weights``, ``0.bias``, ``1.weights``, …

    Examples
    --------
    >>> parameters = Parameters.of_layers([(np.ones((2, 1)), np.zeros(1))])
    >>> list(parameters), parameters.count, parameters.flatten().tolist()
    (['0.weights', '0.bias'], 3, [1.0, 1.0, 0.0])
    >>> parameters
    Parameters(0.weights (2, 1), 0.bias (1,))

    """

    arrays: Mapping[str, NDArray[Any]]

    @classmethod
    def of_layers(cls, layers: Layers) -> Self:
        """Name W and b of each layer as the engine does."""
        named: dict[str, NDArray[Any]] = {}
        for i, (w, b) in enumerate(layers):
            named |= {f"{i}.{WEIGHTS}": w, f"{i}.{BIAS}": b}
        return cls(named)

    @classmethod
    def of_vectors(cls, vectors: NDArray[Any], shapes: Mapping[str, tuple[int, ...]]) -> Self:
        """Cut a vector, or each of many (m, count), into arrays of these shapes.

        Raises
        ------
        ValueError
            If a vector has more or fewer numbers.

        """
        if vectors.shape[-1:] != (count_numbers(shapes),):
            raise ValueError(f"vectors: got shape {vectors.shape}; each needs {count_numbers(shapes)} numbers")
        out, at = {}, 0
        for name, shape in shapes.items():
            end = at + math.prod(shape)
            out[name] = vectors[..., at:end].reshape(*vectors.shape[:-1], *shape)
            at = end
        return cls(out)

    @classmethod
    def stack(cls, networks: Iterable[Mapping[str, NDArray[Any]]]) -> Self:
        """Stack the parameters of networks of one shape."""
        sets = list(networks)
        return cls({name: np.stack([one[name] for one in sets]) for name in sets[0]})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def layers(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """W and b of each layer: the arrays themselves, no copies.

        What each submodel has for itself has the submodels along its first axis.
        """
        found: list[tuple[NDArray[Any], NDArray[Any]]] = []
        while (name := f"{len(found)}.{WEIGHTS}") in self.arrays:
            found.append((self.arrays[name], self.arrays[f"{len(found)}.{BIAS}"]))
        return found

    def layer_of(self, name: str) -> int:
        """Return the number of the layer that an array belongs to, whatever it is to it; embeddings to the first."""
        return 0 if name.startswith(EMBEDDINGS) else int(name.split(".")[0])

    def of_embeddings(self, chosen: bool = True) -> Self:
        """Return the parameters of embeddings, or all others."""
        return type(self)({name: a for name, a in self.arrays.items() if name.startswith(EMBEDDINGS) == chosen})

    @property
    def beyond_layers(self) -> Self:
        """The parameters that are neither weights nor bias of a layer."""
        of_layers = self.of_layers(self.layers)
        return type(self)({name: array for name, array in self.arrays.items() if name not in of_layers})

    def is_learned(self, name: str) -> bool:
        """Return whether an array is changed by its gradient."""
        return not name.endswith(STATISTICS)

    def with_variances_from_0(self) -> Self:
        """Return the parameters with 0 in place of running variances below 0, to which a direction may lead."""
        return type(self)({name: np.maximum(a, 0) if name.endswith(VARIANCE) else a for name, a in self.arrays.items()})

    @property
    def count(self) -> int:
        """How many numbers there are, in all networks together."""
        return sum(array.size for array in self.arrays.values())

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array."""
        return {name: array.shape for name, array in self.arrays.items()}

    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        return all(bool(np.isfinite(array).all()) for array in self.arrays.values())

    def map(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Self:
        """Return what a function makes of each array."""
        return type(self)({name: function(array) for name, array in self.arrays.items()})

    def astype(self, dtype: Any) -> Self:
        """Return copies of another precision."""
        return self.map(lambda array: array.astype(dtype))

    def copy(self) -> Self:
        """Return copies of all arrays."""
        return self.map(np.copy)

    def repeat(self, networks: int) -> Self:
        """Return as many copies of one network, stacked."""
        return self.map(lambda array: np.repeat(array[None], networks, axis=0))

    def network(self, number: int) -> Self:
        """Return one of many networks, as views."""
        return self.map(lambda array: array[number])

    def flatten(self) -> NDArray[np.float64]:
        """Return all numbers as one vector, array after array."""
        return np.concatenate([np.ravel(array) for array in self.arrays.values()]).astype(np.float64)

    def unflatten(self, vectors: NDArray[Any]) -> Self:
        """Return the parameters from which `flatten` made a vector, or one for each of many vectors, stacked.

        Parameters
        ----------
        vectors : (count,) or (m, count) array
            The numbers of networks of the shape of this one.

        Examples
        --------
        >>> one = Parameters.of_layers([(np.ones((2, 1)), np.zeros(1))])
        >>> one.unflatten(np.arange(6).reshape(2, 3)).layers[0][1].tolist()
        [[2], [5]]

        """
        return self.of_vectors(vectors, self.shapes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name} {shape}' for name, shape in self.shapes.items())})"


def count_numbers(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many numbers arrays of these shapes hold."""
    return sum(math.prod(shape) for shape in shapes.values())


def parameter_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of a plan's parameters, in the engine's order.

    Examples
    --------
    >>> from creche.plan import Network
    >>> parameter_shapes(Plan(Network.of(4, [3], 1)))
    {'0.weights': (4, 3), '0.bias': (3,), '1.weights': (3, 1), '1.bias': (1,)}

    """
    engine = _core.load()
    return engine.parameter_shapes(translate_network(engine, plan.network))  # type: ignore[no-any-return]
