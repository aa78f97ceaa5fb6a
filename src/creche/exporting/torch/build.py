"""The network of a model as a module that gives weighted sums, and where each of the model's parameters is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from creche.engine.parameters import EMBEDDINGS
from creche.exporting.torch import modules
from creche.model.model import Model
from creche.plan.activations import Activation
from creche.plan.embeddings import LinearEmbedding, PeriodicEmbedding
from creche.plan.network import Layer

__all__ = ["Place", "build_network"]

ACTIVATIONS: dict[str, Callable[[float], nn.Module]] = {
    "identity": lambda _: nn.Identity(),
    "relu": lambda _: nn.ReLU(),
    "leaky_relu": lambda slope: nn.LeakyReLU(slope),
    "elu": lambda alpha: nn.ELU(alpha),
    "selu": lambda _: nn.SELU(),
    "gelu": lambda _: nn.GELU(),
    "gelu_tanh": lambda _: nn.GELU(approximate="tanh"),
    "silu": lambda _: nn.SiLU(),
    "mish": lambda _: nn.Mish(),
    "tanh": lambda _: nn.Tanh(),
    "sigmoid": lambda _: nn.Sigmoid(),
    "softplus": lambda beta: nn.Softplus(beta),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parameter of the model is.

    Attributes
    ----------
    name : str
        The parameter's name in the model.
    tensor : Tensor
        The parameter or buffer of the module.
    is_transposed : bool
        Whether its two dimensions are exchanged, as torch has the weights of a linear layer.

    """

    name: str
    tensor: Tensor
    is_transposed: bool = False


def build_network(model: Model) -> tuple[nn.Sequential, list[Place]]:
    """Return the network, in eval mode and in the model's precision, and the place of each parameter.

    The module takes encoded rows (n, inputs), and returns weighted sums (n, outputs), with submodels (submodels, n,
    outputs).
    """
    plan = model.plan.network
    places: list[Place] = []
    parts: list[nn.Module] = []
    if plan.embeddings:
        parts.append(_build_embeddings(model, places))
    if plan.submodels > 1:
        parts.append(modules.Submodels(plan.submodels))
    for number, layer in enumerate(plan.layers):
        prefix = f"{number}."
        own = {name.removeprefix(prefix): a for name, a in model.parameters.items() if name.startswith(prefix)}
        built = _build_layer(layer, own, prefix, is_single=plan.submodels == 1, places=places)
        parts += [modules.Residual(*built)] if layer.residual else built
    network = nn.Sequential(*parts).eval()
    with torch.no_grad():
        for place in places:
            array = np.ascontiguousarray(_transpose(model.parameters[place.name], place.is_transposed))
            place.tensor.copy_(torch.from_numpy(array.copy()))
    network.to(torch.float64 if model.plan.dtype == "float64" else torch.float32)
    return network, places


def _transpose(array: NDArray[Any], is_transposed: bool) -> NDArray[Any]:
    return array.T if is_transposed else array


def _build_layer(
    layer: Layer, of: dict[str, NDArray[Any]], prefix: str, *, is_single: bool, places: list[Place]
) -> list[nn.Module]:
    built: list[nn.Module] = []
    if "scale" in of:
        built.append(modules.Scale(*of["scale"].shape))
        places.append(Place(f"{prefix}scale", built[-1].weight))
    if is_single:
        inputs, outputs = of["weights"].shape
        linear: Any = nn.Linear(inputs, outputs)
    else:
        factors = of["output_scale"].shape if "output_scale" in of else None
        linear = modules.SharedLinear(of["weights"].shape, of["bias"].shape, factors)
        if factors is not None:
            places.append(Place(f"{prefix}output_scale", linear.output_scale))
    built.append(linear)
    places += [Place(f"{prefix}weights", linear.weight, is_single), Place(f"{prefix}bias", linear.bias)]
    if layer.normalization != "none":
        kind = nn.LayerNorm if layer.normalization == "layer" else modules.BatchNormalization
        normalization: Any = kind(layer.width)
        built.append(normalization)
        places += [Place(f"{prefix}gain", normalization.weight), Place(f"{prefix}shift", normalization.bias)]
        if layer.normalization == "batch":
            places.append(Place(f"{prefix}running_mean", normalization.running_mean))
            places.append(Place(f"{prefix}running_variance", normalization.running_var))
    activation = _build_activation(layer.activation)
    if "slopes" in of:
        built.append(modules.ParametricActivation(activation, layer.width))
        places.append(Place(f"{prefix}slopes", built[-1].slopes))
    elif layer.activation.key != "identity":
        built.append(activation)
    if layer.dropout:
        built.append(nn.Dropout(layer.dropout))
    return built


def _build_activation(activation: Activation) -> nn.Module:
    return ACTIVATIONS[activation.key](activation.parameter)


def _build_embeddings(model: Model, places: list[Place]) -> nn.Module:
    network = model.plan.network
    built: list[Any] = []

    def place(**tensors: tuple[Tensor, bool]) -> None:
        prefix = f"{EMBEDDINGS}{len(built) - 1}."
        places.extend(Place(f"{prefix}{name}", *found) for name, found in tensors.items())

    for embedded in network.embeddings:
        embedding = embedded.embedding
        if isinstance(embedding, PeriodicEmbedding):
            waves = modules.PeriodicEmbedding(embedded.columns, embedding.frequencies, embedding.width - 1)
            built.append(waves)
            place(
                frequencies=(waves.frequencies, False), phases=(waves.phases, False), weights=(waves.weight, False),
                bias=(waves.bias, False),
            )  # fmt: skip
            continue
        for first, size in zip(embedded.columns, embedded.sizes, strict=True):
            if isinstance(embedding, LinearEmbedding):
                built.append(modules.LinearEmbedding(first, size, embedding.width))
                place(weights=(built[-1].weight, True), bias=(built[-1].bias, False))
            else:
                built.append(modules.CategoryEmbedding(first, size, embedding.width))
                place(vectors=(built[-1].weight, False))
    taken = {column for embedded in network.embeddings for column in embedded.taken()}
    return modules.Embeddings(built, [column for column in range(network.inputs) if column not in taken])
