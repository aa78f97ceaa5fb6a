"""The network: its inputs and its layers, the last of which is the output layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from creche.errors import PlanError
from creche.plan.activations import ACTIVATIONS, Activation, Identity
from creche.plan.component import Bounds, Component, count_field, number_field
from creche.plan.initializers import INITIALIZERS, Initializer, default_initializer

__all__ = ["Layer", "Network"]


WIDTHS = Bounds(at_least=1, at_most=2**31 - 1, whole=True)


@dataclass(frozen=True, slots=True, repr=False)
class Layer(Component):
    """One fully connected layer.

    Parameters
    ----------
    width : int
        Its neurons.
    activation : Activation or str, default identity
    dropout : float, default 0
        The share of its activations dropped, at random, while training (Srivastava et al. 2014).
    initializer : Initializer or str, optional
        How its weights begin; by default the one suited to the activation.

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

    def _is_default(self, name: str) -> bool:
        if name == "initializer":
            return self.initializer == default_initializer(self.activation)
        return Component._is_default(self, name)


@dataclass(frozen=True, slots=True, repr=False)
class Network(Component):
    """The inputs and the layers of a network.

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
            raise PlanError(f"Network.layers: got {self.layers!r}; needs a list of layers")
        for layer in self.layers:
            if not isinstance(layer, Layer | Mapping):
                raise PlanError(f"Network.layers: got {layer!r} among them; needs Layer objects")
        layers = tuple(layer if isinstance(layer, Layer) else Layer.from_dict(layer) for layer in self.layers)
        if not layers:
            raise PlanError("Network.layers: got none; needs at least the output layer")
        object.__setattr__(self, "layers", layers)

    @classmethod
    def of(
        cls,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: Activation | str | Sequence[Activation | str] = "relu",
        dropout: float | Sequence[float] = 0.0,
        initializer: Initializer | str | Sequence[Initializer | str | None] | None = None,
    ) -> Self:
        """A network with hidden layers of the given widths; activation and dropout are those of the hidden layers.

        An initializer is for all layers; a list of them has one for each, the output layer too.

        Raises
        ------
        PlanError
            If a width, an activation or a dropout cannot be, or there are not as many of them as hidden layers.

        """
        if isinstance(hidden, str) or not isinstance(hidden, Sequence):
            raise PlanError(f"hidden: got {hidden!r}; needs a list of widths such as [10, 10]")
        for width in hidden:
            WIDTHS.check("hidden", width)
        activations = [*_each("activation", activation, len(hidden)), Identity()]
        dropouts = [*_each("dropout", dropout, len(hidden)), 0.0]
        initializers = _each("initializer", initializer, len(hidden) + 1, "layers")
        layers = zip([*hidden, outputs], activations, dropouts, initializers, strict=True)
        return cls(inputs, tuple(Layer(width, ACTIVATIONS.of(word), *rest) for width, word, *rest in layers))

    @property
    def outputs(self) -> int:
        return self.layers[-1].width

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.inputs, *(layer.width for layer in self.layers))

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        widths = self.widths
        return sum((a + 1) * b for a, b in pairwise(widths))

    def __str__(self) -> str:
        return "-".join(str(width) for width in self.widths)


def _each(name: str, value: Any, layers: int, what: str = "hidden layers") -> list[Any]:
    """One value for each layer, from one for all or a list."""
    value = value.tolist() if hasattr(value, "tolist") else value  # of NumPy
    if value is None or isinstance(value, str | float | int | Component | Mapping) or not isinstance(value, Sequence):
        return [value] * layers
    if len(value) != layers:
        raise PlanError(f"{name}: got {len(value)} values for {layers} {what}; give one, or one for each")
    return list(value)
