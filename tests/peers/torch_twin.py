"""A network in PyTorch with the same settings as Creche's plan: the independent side of the parity tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tests.peers.parity_cases import ACTIVATION_PARAMETERS

Layers = list[tuple[NDArray[Any], NDArray[Any]]]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(ACTIVATION_PARAMETERS["leaky_relu"]),
    "elu": lambda: nn.ELU(ACTIVATION_PARAMETERS["elu"]),
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    # PyTorch replaces the formula by the identity above the threshold.
    "softplus": lambda: nn.Softplus(beta=ACTIVATION_PARAMETERS["softplus"], threshold=50),
}


def squared_error_of_classes(z: Tensor, y: Tensor) -> Tensor:
    return functional.mse_loss(z.softmax(1), functional.one_hot(y.long(), z.shape[1]).to(z), reduction="none").mean(1)


def pinball(z: Tensor, y: Tensor, quantiles: list[float]) -> Tensor:
    level = torch.tensor(quantiles, dtype=z.dtype)
    return torch.maximum(level * (y - z), (level - 1) * (y - z)).mean(1)


# The loss of each row, from the output layer's weighted sums.
LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": lambda z, y, label_smoothing=0.0: functional.cross_entropy(
        z, y.long(), reduction="none", label_smoothing=label_smoothing
    ),
    "squared_error_of_classes": squared_error_of_classes,
    "binary_cross_entropy": lambda z, y: functional.binary_cross_entropy_with_logits(z, y, reduction="none").mean(1),
    "squared_error": lambda z, y: functional.mse_loss(z, y, reduction="none").mean(1),
    "absolute_error": lambda z, y: functional.l1_loss(z, y, reduction="none").mean(1),
    "huber": lambda z, y, delta: functional.huber_loss(z, y, reduction="none", delta=delta).mean(1),
    "poisson": lambda z, y: functional.poisson_nll_loss(z, y, reduction="none").mean(1),
    "quantile": pinball,
}

HEADS: dict[str, Callable[[Tensor], Tensor]] = {
    "cross_entropy": lambda z: z.softmax(1),
    "squared_error_of_classes": lambda z: z.softmax(1),
    "binary_cross_entropy": torch.sigmoid,
    "poisson": torch.exp,
}


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2; PyTorch has none."""

    def __init__(self, params: Any, lr: float, betas: tuple[float, float], weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * (beta1 * m + (1 - beta1) * p.grad).sign())
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class Twin:
    """One network in PyTorch, which trains on rows in their order."""

    def __init__(self, layers: Layers, activation: str, loss: str, loss_arguments: dict[str, Any]) -> None:
        modules: list[nn.Module] = []
        for weights, bias in layers:
            dense = nn.Linear(*weights.shape, dtype=torch.from_numpy(weights).dtype)
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(weights.T.copy()))
                dense.bias.copy_(torch.from_numpy(bias.copy()))
            modules += [dense, ACTIVATIONS[activation]()]
        self.network = nn.Sequential(*modules[:-1])
        self.loss, self.loss_arguments = loss, loss_arguments

    def dense_layers(self) -> Iterator[nn.Linear]:
        return (module for module in self.network if isinstance(module, nn.Linear))

    def layers(self) -> Layers:
        return [(d.weight.detach().numpy().T, d.bias.detach().numpy()) for d in self.dense_layers()]

    def gradients(self) -> Layers:
        return [(d.weight.grad.numpy().T, d.bias.grad.numpy()) for d in self.dense_layers()]  # type: ignore[union-attr]

    def compute_loss(self, x: Tensor, y: Tensor, row_weights: Tensor | None = None) -> Tensor:
        """Return the mean loss over the rows, weighted if there are weights."""
        losses = LOSSES[self.loss](self.network(x), y, **self.loss_arguments)
        return losses.mean() if row_weights is None else (losses * row_weights).sum() / row_weights.sum()

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        with torch.no_grad():
            return HEADS.get(self.loss, lambda z: z)(self.network(torch.from_numpy(x))).numpy()

    def train(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        make_optimizer: Callable[[Any], torch.optim.Optimizer],
        *,
        batch_size: int,
        epochs: int,
        row_weights: NDArray[Any] | None = None,
        decay_biases: bool = True,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
    ) -> list[float]:
        """Train, and return the mean training loss of each epoch."""
        weights = [d.weight for d in self.dense_layers()]
        biases = [d.bias for d in self.dense_layers()]
        bias_group: dict[str, Any] = {"params": biases}
        if not decay_biases:
            bias_group["weight_decay"] = 0.0
        optimizer = make_optimizer([{"params": weights}, bias_group])
        weight_column = torch.from_numpy(np.ones(len(x), x.dtype) if row_weights is None else row_weights)
        columns = (torch.from_numpy(x), torch.from_numpy(y), weight_column)
        history = []
        for _ in range(epochs):
            total = 0.0
            for xb, yb, wb in zip(*(column.split(batch_size) for column in columns), strict=True):
                optimizer.zero_grad()
                loss = self.compute_loss(xb, yb, wb)
                loss.backward()
                if clip_value:
                    nn.utils.clip_grad_value_(self.network.parameters(), clip_value)
                if clip_norm:
                    nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
                optimizer.step()
                total += loss.item() * wb.sum().item()
            history.append(total / weight_column.sum().item())
        return history


def optimizer_factory(name: str, arguments: dict[str, Any]) -> Callable[[Any], torch.optim.Optimizer]:
    """Return a function that creates a PyTorch optimizer, by its class name, for parameter groups."""
    kind = Lion if name == "Lion" else getattr(torch.optim, name)
    return lambda groups: kind(groups, **arguments)
