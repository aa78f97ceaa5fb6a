"""The network and its training: its shape, its state now, and the history of its epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from creche.studio.protocol.common import FloatArray, IntArray

__all__ = ["History", "LayerView", "NetworkView", "Restored", "Status", "Tick"]

Status: TypeAlias = Literal["empty", "paused", "running", "finished", "diverged"]


@dataclass(frozen=True, slots=True)
class LayerView:
    """A layer of neurons; the inputs are layer 0, as in a drawing of the network.

    `activation` is the function that is applied to the sums; of outputs the one that makes predictions, as "softmax".
    """

    width: int
    activation: str
    names: tuple[str, ...]
    """Inputs: what each stands for ("island = Biscoe"); outputs: classes or labels; hidden layers: empty."""
    columns: tuple[str, ...]
    """Inputs: the column of the table that each comes from; otherwise empty."""


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The shape of the network, and which connections are drawn.

    `edges` has one row (layer, source, target) for each drawn connection, where weights[layer] leads from layer
    `layer` to layer `layer + 1`: all connections, or the strongest `edges_limit` of them.
    `edges_version` changes with the selection; a `Tick` refers to it.
    """

    layers: tuple[LayerView, ...]
    parameters: int
    connections: int
    edges_version: int
    edges_limit: int
    edges: IntArray  # (n, 3)


@dataclass(frozen=True, slots=True)
class Tick:
    """The state of training. Pushed up to thirty times a second while it runs, and once after each change.

    Only the newest state is sent. `edge_weights` are the weights of `NetworkView.edges`, `biases` those of all neurons
    of layers 1, 2, … in their order. `activations` and `probabilities` belong to the selected row: activations of all
    neurons, inputs included, layer by layer; both are empty without a selected row, the former also where the network
    has more than 4,096 neurons. `train_loss` and `validation_loss` are those of the last completed epoch.
    `history_rows` counts the completed epochs that a `History` would have, `watchers` the windows that see the session.
    """

    sequence: int
    status: Status
    why: str
    """In words, why training does not run; empty while it runs."""
    step: int
    epoch: int
    batch: int
    batches: int
    """Completed batches of this epoch, and how many an epoch has."""
    learning_rate: float
    epochs_per_second: float
    train_loss: float | None
    validation_loss: float | None
    history_rows: int
    edges_version: int
    edge_weights: FloatArray  # (n,)
    biases: FloatArray  # (neurons,)
    activations: FloatArray  # (inputs + neurons,)
    probabilities: FloatArray  # (outputs,)
    selected_row: int | None
    watchers: int


@dataclass(frozen=True, slots=True)
class History:
    """Losses and metrics of completed epochs, from epoch `first` (counted from 1) on. Pushed in pieces.

    `columns` names the columns of `values`, such as "train_loss" and "validation_accuracy"; `epochs` numbers the rows.
    Of a long training there are the epochs 1, 1 + `stride`, 1 + 2 `stride`, … and the newest; those of earlier pieces
    that are not among them are to be dropped. A piece with `first` 1 replaces what the page has. `snapshots` are the
    epochs to which `Rewind` can go back.
    """

    first: int
    columns: tuple[str, ...]
    epochs: IntArray  # (n,)
    values: FloatArray  # (n, columns)
    stride: int
    snapshots: IntArray  # (m,)


@dataclass(frozen=True, slots=True)
class Restored:
    """What going back to an epoch, or to the last finite weights, led to."""

    epoch: int
    step: int
    text: str
