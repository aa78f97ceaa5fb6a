"""The network: its inputs, its hidden layers and its output layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from creche.errors import PlanError
from creche.plan.activations import ACTIVATIONS, Activation, Identity
from creche.plan.component import Bounds, Component, count_field, number_field
from creche.plan.initializers import INITIALIZERS, Initializer, default_initializer
from creche.plan.words import ActivationName, InitializerName

__all__ = ["Layer", "Network"]


WIDTHS = Bounds(at_least=1, at_most=2**31 - 1, whole=True)


@dataclass(frozen=True, slots=True, repr=False)
class Layer(Component):
    """One fully connected layer: a = f(x W + b).

    Parameters
    ----------
    width : int
        Number of neurons.
    activation : Activation or str, default "identity"
        The function f that each neuron applies to its weighted sum.
    dropout : float, default 0
        Probability with which an activation is set to 0 in a training step; the others are divided by
        ``1 - dropout`` (Srivastava et al. 2014, "Dropout"). From 0 to below 1.
    initializer : Initializer or str, optional
        Distribution of the initial weights; by default the one suited to the activation (`default_initializer`).

    Examples
    --------
    >>> layer = Layer(10, "relu", dropout=0.2)
    >>> layer.initializer
    HeUniform()

    """

    width: int = count_field(at_most=2**31 - 1)
    activation: Activation = Identity()  # noqa: RUF009 - frozen
    dropout: float = number_field(0.0, at_least=0, below=1)
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        activation = ACTIVATIONS.of(self.activation, "Layer.activation")
        object.__setattr__(self, "activation", activation)
        chosen = default_initializer(activation) if self.initializer is None else self.initializer
        object.__setattr__(self, "initializer", INITIALIZERS.of(chosen, "Layer.initializer"))

    def has_default(self, name: str) -> bool:
        """Return whether a field has its default; that of `initializer` depends on the activation.

        Parameters
        ----------
        name : str
            The name of the field.

        """
        if name == "initializer":
            return self.initializer == default_initializer(self.activation)
        return Component.has_default(self, name)


@dataclass(frozen=True, slots=True, repr=False)
class Network(Component):
    """A fully connected network.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    layers : tuple of Layer
        From the first hidden layer to the output layer.

    Examples
    --------
    >>> network = Network.of(inputs=4, hidden=[10, 10], outputs=3)
    >>> str(network)
    '4-10-10-3'
    >>> network.parameters
    193

    """

    inputs: int = count_field(at_most=2**31 - 1)
    layers: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if isinstance(self.layers, str) or not isinstance(self.layers, Sequence):
            raise PlanError(f"Network.layers: got {self.layers!r}; needs a list of layers", argument="layers")
        for layer in self.layers:
            if not isinstance(layer, Layer | Mapping):
                raise PlanError(f"Network.layers: got {layer!r} in the list; needs Layer objects", argument="layers")
        layers = tuple(layer if isinstance(layer, Layer) else Layer.from_dict(layer) for layer in self.layers)
        if not layers:
            raise PlanError("Network.layers: got none; needs at least the output layer", argument="layers")
        object.__setattr__(self, "layers", layers)

    @classmethod
    def of(
        cls,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "tanh",
        dropout: float | Sequence[float] = 0.0,
        initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName | None] | None = None,
    ) -> Self:
        """Return a network with hidden layers of the given widths.

        Parameters
        ----------
        inputs, outputs : int
            Number of inputs and of outputs.
        hidden : sequence of int
            Widths of the hidden layers.
        activation, dropout
            One value for all hidden layers, or a list with one for each.
        initializer : optional
            One for all layers, or a list with one for each, the output layer included.

        Raises
        ------
        PlanError
            If a width, an activation or a dropout is invalid, or a list does not have one value for each layer.

        """
        if isinstance(hidden, np.ndarray):
            hidden = hidden.tolist()
        if isinstance(hidden, str) or not isinstance(hidden, Sequence):
            raise PlanError(f"hidden: got {hidden!r}; needs a list of widths such as [10, 10]", argument="hidden")
        for width in hidden:
            WIDTHS.check("hidden", width)
        activations = [*_spread_over_layers("activation", activation, len(hidden)), Identity()]
        dropouts = [*_spread_over_layers("dropout", dropout, len(hidden)), 0.0]
        initializers = _spread_over_layers("initializer", initializer, len(hidden) + 1, "layers")
        layers = zip([*hidden, outputs], activations, dropouts, initializers, strict=True)
        return cls(inputs, tuple(Layer(width, ACTIVATIONS.of(chosen), *rest) for width, chosen, *rest in layers))

    @property
    def outputs(self) -> int:
        """The number of outputs: the width of the last layer."""
        return self.layers[-1].width

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs, then the width of each layer."""
        return (self.inputs, *(layer.width for layer in self.layers))

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        widths = self.widths
        return sum((a + 1) * b for a, b in pairwise(widths))

    def __str__(self) -> str:
        return "-".join(str(width) for width in self.widths)


def _spread_over_layers(name: str, value: Any, layers: int, kind: str = "hidden layers") -> list[Any]:
    """Return a list with a value for each layer, from one value for all or from such a list."""
    value = value.tolist() if hasattr(value, "tolist") else value  # NumPy's numbers and arrays
    if value is None or isinstance(value, str | float | int | Component | Mapping) or not isinstance(value, Sequence):
        return [value] * layers
    if len(value) != layers:
        raise PlanError(
            f"{name}: got {len(value)} values for {layers} {kind}; give one, or one for each", argument=name
        )
    return list(value)
