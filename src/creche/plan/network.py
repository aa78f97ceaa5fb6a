"""The network: its inputs, its hidden layers and its output layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np

from creche._advice import advise
from creche.errors import PlanError
from creche.plan.activations import ACTIVATIONS, Activation, Identity
from creche.plan.component import Bounds, Component, count_field, flag_field, number_field
from creche.plan.embeddings import EmbeddedColumns, count_embedded_inputs, find_columns_of_inputs
from creche.plan.initializers import INITIALIZERS, Initializer, default_initializer
from creche.plan.words import (
    BIAS_INITIALIZERS,
    NORMALIZATIONS,
    SUBMODEL_STARTS,
    WEIGHT_SHARINGS,
    ActivationName,
    BiasInitializerName,
    InitializerName,
    Normalization,
    SubmodelStart,
    WeightSharing,
    check_word,
)

__all__ = ["Layer", "Network", "choose_submodel_start"]


WIDTHS = Bounds(at_least=1, at_most=2**31 - 1, whole=True)
FEATURE_NUMBERS = Bounds(at_least=0, at_most=2**31 - 1, whole=True)


@dataclass(frozen=True, slots=True, repr=False)
class Layer(Component):
    """One fully connected layer: a = f(x W + b), and what it has besides.

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
    bias_initializer : {"zeros", "normal", "uniform", "sampled"}, default "zeros"
        The initial biases: 0; standard normal; uniform within 1 / sqrt(inputs); or, for each neuron, minus a random
        mean of its weighted sums of five rows, so that its activation bends where the rows are (Holzmüller, Grinsztajn
        & Steinwart 2024, "Better by default", appendix A, where it is called he+5).
    normalization : {"none", "layer", "batch"}, default "none"
        "layer" normalizes the weighted sums of each row before the activation, with a learned gain and shift for each
        neuron (Ba, Kiros & Hinton 2016); "batch" those of each neuron over the rows of a batch, in a training step,
        and otherwise by their running mean and variance (Ioffe & Szegedy 2015, "Batch Normalization").
    parametric_activation : bool, default False
        Each neuron learns a slope alpha with which its activation bends: z + alpha (f(z) - z), where alpha begins at 1
        (Holzmüller, Grinsztajn & Steinwart 2024).
    residual : bool, default False
        The inputs of the layer, as many as its neurons, are added to its outputs (He et al. 2016, "Deep Residual
        Learning").
    scale_inputs : bool, default False
        Each input is multiplied by a learned factor, which begins at 1, before the weights (Holzmüller, Grinsztajn &
        Steinwart 2024, for the first layer).

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
    bias_initializer: BiasInitializerName = "zeros"
    normalization: Normalization = field(default="none", metadata={"hidden_only": True})
    parametric_activation: bool = flag_field(False, hidden_only=True)
    residual: bool = flag_field(False, hidden_only=True)
    scale_inputs: bool = flag_field(False)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        for name, words in (("bias_initializer", BIAS_INITIALIZERS), ("normalization", NORMALIZATIONS)):
            word = "none" if name == "normalization" and getattr(self, name) is None else getattr(self, name)
            object.__setattr__(self, name, check_word(name, word, words))
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
        Number of inputs: the columns of the encoded table.
    layers : tuple of Layer
        From the first hidden layer to the output layer.
    embeddings : tuple of EmbeddedColumns
        How columns become inputs of the first layer; the others are inputs of it as they are.
    submodels : int, default 1
        How many networks share weights, and are trained and predict as one: their prediction is the mean of those of
        all submodels (Gorishniy, Kotelnikov & Babenko 2024, "TabM").
    weight_sharing : {"mini", "full"}, default "mini"
        What several submodels share. Each has an output layer of its own and a learned factor for each input; with
        "full" (Wen, Tran & Ba 2020, "BatchEnsemble") also factors for the inputs and the outputs of each hidden layer,
        and biases.
    submodel_start : {"signs", "normal"}, default "signs"
        Where the factors of the inputs begin: with -1 or 1, or standard normal.
    input_features : sequence of int
        For each input, the number of the feature it stems from: the inputs of a feature begin with the same factor.
        Empty if each input is a feature.

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
    embeddings: tuple[EmbeddedColumns, ...] = ()
    submodels: int = count_field(1, at_most=4096)
    weight_sharing: WeightSharing = "mini"
    submodel_start: SubmodelStart = "signs"
    input_features: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        words = {"weight_sharing": WEIGHT_SHARINGS, "submodel_start": SUBMODEL_STARTS}
        for name, known in words.items():
            object.__setattr__(self, name, check_word(name, getattr(self, name), known))
        features = tuple(
            FEATURE_NUMBERS.check(f"input_features[{i}]", number) for i, number in enumerate(self.input_features)
        )
        object.__setattr__(self, "input_features", features)
        if self.input_features and len(self.input_features) != self.inputs:
            raise PlanError(
                f"input_features: got {len(self.input_features):,} numbers for {self.inputs:,} inputs; give one for "
                "each",
                argument="input_features",
            )
        if isinstance(self.layers, str) or not isinstance(self.layers, Sequence):
            raise PlanError(f"Network.layers: got {self.layers!r}; needs a list of layers", argument="layers")
        for layer in self.layers:
            if not isinstance(layer, Layer | Mapping):
                raise PlanError(f"Network.layers: got {layer!r} in the list; needs Layer objects", argument="layers")
        layers = tuple(layer if isinstance(layer, Layer) else Layer.from_dict(layer) for layer in self.layers)
        if not layers:
            raise PlanError("Network.layers: got none; needs at least the output layer", argument="layers")
        object.__setattr__(self, "layers", layers)
        self._check_embeddings()
        self._check_places()

    def _check_embeddings(self) -> None:
        """Check that the embeddings are of different columns of the table.

        Raises
        ------
        PlanError
            If they are not.

        """
        object.__setattr__(self, "embeddings", _as_embedded_columns(self.embeddings))
        taken: set[int] = set()
        for embedded in self.embeddings:
            for column in embedded.taken():
                if column >= self.inputs:
                    raise PlanError(
                        f"Network.embeddings: got column {column:,}; the network has columns 0 to {self.inputs - 1:,}",
                        argument="embeddings",
                    )
                if column in taken:
                    raise PlanError(
                        f"Network.embeddings: column {column:,} is embedded twice; leave one of the two out",
                        argument="embeddings",
                    )
                taken.add(column)

    def _check_places(self) -> None:
        """Check that each layer can have what it is given in its place.

        Raises
        ------
        PlanError
            If it cannot.

        """
        *_, output = self.layers
        for name in (each.name for each in fields(output) if each.metadata.get("hidden_only")):
            if not output.has_default(name):
                raise PlanError(
                    f"{name}: the output layer has it, and only hidden layers can; leave it out there", argument=name
                )
        by_batch = self.first_layer_normalized_by_batch
        if by_batch is not None and self.submodels > 1:
            raise PlanError(
                f"normalization: got 'batch' in layer {by_batch}, and the network has {self.submodels} submodels, "
                f"which would need statistics of their own; choose {advise('normalization', 'layer')}, or leave "
                f"{advise('submodels')} out",
                argument="normalization",
            )
        for number, (inputs, layer) in enumerate(zip(self.widths, self.layers, strict=False), start=1):
            if layer.residual and layer.width != inputs:
                raise PlanError(
                    f"residual: layer {number} has {layer.width:,} neurons and {inputs:,} inputs, and a residual layer "
                    "needs as many of both; give it the width of the layer before, or leave residual out there",
                    argument="residual",
                )

    @classmethod
    def of(
        cls,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: Activation | ActivationName | Sequence[Activation | ActivationName] = "tanh",
        dropout: float | Sequence[float] = 0.0,
        initializer: Initializer | InitializerName | Sequence[Initializer | InitializerName | None] | None = None,
        bias_initializer: BiasInitializerName | Sequence[BiasInitializerName] = "zeros",
        normalization: Normalization | Sequence[Normalization | None] | None = None,
        parametric_activation: bool | Sequence[bool] = False,
        residual: bool | Sequence[bool] = False,
        scale_inputs: bool | Sequence[bool] = False,
        embeddings: Sequence[EmbeddedColumns] = (),
        submodels: int = 1,
        weight_sharing: WeightSharing = "mini",
        submodel_start: SubmodelStart = "signs",
        input_features: Sequence[int] = (),
    ) -> Self:
        """Return a network with hidden layers of the given widths.

        Parameters
        ----------
        inputs, outputs : int
            Number of inputs and of outputs.
        hidden : sequence of int
            Widths of the hidden layers.
        activation, dropout, normalization, parametric_activation
            One value for all hidden layers, or a list with one for each.
        initializer, bias_initializer : optional
            One for all layers, or a list with one for each, the output layer included.
        residual
            True for all hidden layers with as many neurons as inputs, or a list with one value for each hidden layer.
        scale_inputs
            True for the first layer, or a list with one value for each layer, the output layer included.
        embeddings : sequence of EmbeddedColumns, optional
            How columns become inputs of the first layer.
        submodels, weight_sharing, submodel_start, input_features
            As for `Network`.

        Raises
        ------
        PlanError
            If a width, an activation or a dropout is invalid, or a list does not have one value for each layer.

        """
        embeddings = _as_embedded_columns(embeddings)
        if isinstance(hidden, np.ndarray):
            hidden = hidden.tolist()
        if isinstance(hidden, str) or not isinstance(hidden, Sequence):
            raise PlanError(f"hidden: got {hidden!r}; needs a list of widths such as [10, 10]", argument="hidden")
        for width in hidden:
            WIDTHS.check("hidden", width)
        widths = [*hidden, outputs]
        of_all = {"initializer": initializer, "bias_initializer": bias_initializer}
        of_hidden = {
            "activation": activation, "dropout": dropout, "normalization": normalization,
            "parametric_activation": parametric_activation,
        }  # fmt: skip
        of_output = {"activation": Identity(), "dropout": 0.0, "normalization": "none", "parametric_activation": False}
        fields = {name: _spread_over_layers(name, value, len(widths), "layers") for name, value in of_all.items()}
        for name, value in of_hidden.items():
            fields[name] = [*_spread_over_layers(name, value, len(hidden)), of_output[name]]
        fields["residual"] = [*_spread_residual(residual, [count_embedded_inputs(inputs, embeddings), *hidden]), False]
        if isinstance(scale_inputs, bool | np.bool_):
            scale_inputs = [bool(scale_inputs), *[False] * len(hidden)]
        fields["scale_inputs"] = _spread_over_layers("scale_inputs", scale_inputs, len(widths), "layers")
        layers = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]
        made = tuple(Layer(width, **layer) for width, layer in zip(widths, layers, strict=True))
        return cls(
            inputs,
            made,
            embeddings,
            submodels,
            weight_sharing,
            submodel_start,
            input_features,  # type: ignore[arg-type]  # made a tuple there
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the network as plain data."""
        data = Component.to_dict(self)
        if self.submodels == 1:  # as nearly all networks have
            for name in ("submodels", "weight_sharing", "submodel_start", "input_features"):
                del data[name]
        return data

    def require_one_model(self, what: str) -> None:
        """Refuse a network of several submodels for what shows the neurons and weights of one.

        Parameters
        ----------
        what : str
            The function that shows them, or its argument.

        Raises
        ------
        PlanError
            If the network has several.

        """
        if self.submodels > 1:
            raise PlanError(
                f"{what}: the network has {self.submodels} submodels, and this is about the neurons and weights of a "
                f"single one; give a network that was trained with {advise('submodels', 1)}"
            )

    def shared_by_submodels(self, layer: int) -> Literal["all", "all_but_scale", "matrix", "none"]:
        """Return what submodels share of a layer, from 0, in the engine's words."""
        if self.submodels == 1:
            return "all"
        if layer == len(self.layers) - 1:
            return "none"
        if self.weight_sharing == "full":
            return "matrix"
        return "all_but_scale" if layer == 0 else "all"

    def scales_inputs(self, layer: int) -> bool:
        """Return whether the inputs of a layer, from 0, have learned factors."""
        is_own = self.shared_by_submodels(layer) in ("all_but_scale", "matrix")
        return self.layers[layer].scale_inputs or is_own or (layer == 0 and self.submodels > 1)

    @property
    def outputs(self) -> int:
        """The number of outputs: the width of the last layer."""
        return self.layers[-1].width

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs of the first layer, then the width of each layer."""
        return (count_embedded_inputs(self.inputs, self.embeddings), *(layer.width for layer in self.layers))

    def name_inputs(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the inputs of the first layer.

        Parameters
        ----------
        columns : sequence of str
            The names of the columns of the encoded table.

        Examples
        --------
        >>> embedded = EmbeddedColumns({"kind": "periodic", "width": 3}, columns=(1,))
        >>> Network.of(2, [5], 3, embeddings=[embedded]).name_inputs(["age", "height"])
        ('height ~1', 'height ~2', 'height', 'age')

        """
        places = find_columns_of_inputs(self.inputs, self.embeddings)
        return tuple(f"{columns[column]} ~{part}" if part else columns[column] for column, part in places)

    @property
    def first_layer_normalized_by_batch(self) -> int | None:
        """The first layer with batch normalization, counted from 1, or None."""
        return next((n for n, layer in enumerate(self.layers, start=1) if layer.normalization == "batch"), None)

    @property
    def parameters(self) -> int:
        """The number of learned parameters: weights, biases, and those of embeddings and of what layers have besides.

        The running statistics of batch normalization are not among them.
        """
        total = sum(embedded.parameters for embedded in self.embeddings)
        for i, (inputs, layer) in enumerate(zip(self.widths, self.layers, strict=False)):
            shared = self.shared_by_submodels(i)
            total += inputs * layer.width * (self.submodels if shared == "none" else 1)
            total += layer.width * (self.submodels if shared in ("matrix", "none") else 1)  # biases
            total += self.scales_inputs(i) * inputs * (1 if shared == "all" else self.submodels)
            total += layer.width * self.submodels * (shared == "matrix")
            total += layer.width * (2 * (layer.normalization != "none") + layer.parametric_activation)
        return total

    def describe(self, precision: str = "") -> str:
        """Describe the network in words: its widths, its parameters, and what its layers have besides weights.

        Parameters
        ----------
        precision : str, optional
            The type of its numbers.

        Examples
        --------
        >>> Network.of(4, [5, 5], 3, normalization="layer", residual=True).describe()
        '4-5-5-3, 93 parameters; layer normalization in layers 1 and 2; residual layer 2'

        """
        has = [
            ("learned scale of the inputs of", [layer.scale_inputs for layer in self.layers]),
            ("layer normalization in", [layer.normalization == "layer" for layer in self.layers]),
            ("batch normalization in", [layer.normalization == "batch" for layer in self.layers]),
            ("parametric activation in", [layer.parametric_activation for layer in self.layers]),
            ("residual", [layer.residual for layer in self.layers]),
        ]
        parts = [
            f"{_name_features(len(embedded.columns))} with {embedded.embedding.key} embeddings"
            for embedded in self.embeddings
        ]
        parts += [f"{name} {_name_layers(flags)}" for name, flags in has if any(flags)]
        if self.submodels > 1:
            shared = {"mini": "all but scales and output layers", "full": "the matrices of hidden layers"}
            parts.append(f"{self.submodels} submodels that share {shared[self.weight_sharing]}")
        first = f"{self}, {self.parameters:,} parameters" + (f", {precision}" if precision else "")
        return "; ".join([first, *parts])

    def __str__(self) -> str:
        first, *widths = [str(width) for width in self.widths]
        return "-".join([f"{self.inputs}→{first}" if self.embeddings else first, *widths])


def choose_submodel_start(embeddings: Sequence[EmbeddedColumns]) -> SubmodelStart:
    """Return where the factors of submodels' inputs begin: normal with embeddings, and else -1 or 1, as in TabM."""
    return "normal" if embeddings else "signs"


def _as_embedded_columns(given: object) -> tuple[EmbeddedColumns, ...]:
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise PlanError(f"Network.embeddings: got {given!r}; needs a list of EmbeddedColumns", argument="embeddings")
    return tuple(each if isinstance(each, EmbeddedColumns) else EmbeddedColumns.from_dict(each) for each in given)


def _name_features(count: int) -> str:
    return "1 feature" if count == 1 else f"{count:,} features"


def _name_layers(flags: Sequence[bool]) -> str:
    numbers = [str(number) for number, flag in enumerate(flags, start=1) if flag]
    return f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"


def _spread_residual(residual: bool | Sequence[bool], widths: Sequence[int]) -> list[bool]:
    """Return whether each hidden layer is residual: where one value is for all, those that can be."""
    if not isinstance(residual, bool | np.bool_):
        return _spread_over_layers("residual", residual, len(widths) - 1)
    fits = [inputs == width for inputs, width in pairwise(widths)]
    if residual and not any(fits):
        raise PlanError(
            "residual: no hidden layer has as many neurons as the layer before; give two of them the same width, or "
            "leave residual out",
            argument="residual",
        )
    return [bool(residual) and fit for fit in fits]


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
