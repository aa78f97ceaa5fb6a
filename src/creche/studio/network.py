"""The network as the page draws it: its layers, the names of inputs and outputs, and the connections that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from creche.engine.parameters import Layers
from creche.plan.embeddings import find_columns_of_inputs
from creche.studio.protocol.views import FloatArray, IntArray, LayerView, NetworkView
from creche.training.run import Run

__all__ = ["EDGES_LIMIT", "DrawnEdges", "describe_network"]

EDGES_LIMIT = 1500


@dataclass(frozen=True, slots=True, eq=False)
class DrawnEdges:
    """The connections that are drawn: all, or the strongest at the time they were chosen.

    Attributes
    ----------
    version : int
    edges : (n, 3) int32 array
        Layer, source and target of each, in the order of the network.
    connections : int
        How many the network has.

    """

    version: int
    edges: IntArray
    connections: int

    @classmethod
    def choose(cls, weights: Layers, version: int) -> DrawnEdges:
        """Choose the connections of the largest absolute weights, up to `EDGES_LIMIT`."""
        sizes = [w.size for w, _ in weights]
        if sum(sizes) <= EDGES_LIMIT:
            chosen = np.arange(sum(sizes))
        else:
            strengths = np.abs(np.concatenate([w.ravel() for w, _ in weights]))
            strengths[~np.isfinite(strengths)] = np.inf
            chosen = np.sort(np.argpartition(strengths, -EDGES_LIMIT)[-EDGES_LIMIT:])
        starts = np.cumsum([0, *sizes])
        layers = np.searchsorted(starts, chosen, side="right") - 1
        places = chosen - starts[layers]
        widths = np.array([w.shape[1] for w, _ in weights])[layers]
        edges = np.stack([layers, places // widths, places % widths], axis=1).astype(np.int32)
        return cls(version, edges, sum(sizes))

    def take(self, weights: Layers) -> FloatArray:
        """Return the weights of the connections, (n,)."""
        out = np.empty(len(self.edges), dtype=np.float32)
        for layer, (w, _) in enumerate(weights):
            at = self.edges[:, 0] == layer
            out[at] = w[self.edges[at, 1], self.edges[at, 2]]
        return out

    @property
    def is_choice(self) -> bool:
        """Whether there are connections that are not drawn."""
        return len(self.edges) < self.connections


def describe_network(run: Run, drawn: DrawnEdges) -> NetworkView:
    """Return the network of a run for the page."""
    network, prepared = run.plan.network, run.prepared
    of_columns = [column.name for column in prepared.features.columns for _ in column.inputs]
    places = find_columns_of_inputs(network.inputs, network.embeddings)
    names = network.name_inputs(prepared.features.inputs)
    inputs = LayerView(network.widths[0], "", names, tuple(of_columns[column] for column, _ in places))
    layers = [LayerView(layer.width, layer.activation.key, (), ()) for layer in network.layers[:-1]]
    head = run.plan.loss.head(run.plan.task)
    layers.append(LayerView(network.outputs, head.key, _output_names(run), ()))
    return NetworkView(
        layers=(inputs, *layers),
        parameters=network.parameters,
        connections=sum(a * b for a, b in pairwise(network.widths)),
        edges_version=drawn.version,
        edges_limit=EDGES_LIMIT,
        edges=drawn.edges,
    )


def _output_names(run: Run) -> tuple[str, ...]:
    """Return what each output stands for: a class (the second of two that share an output), or a label."""
    return run.prepared.labels.output_names(run.plan.network.outputs)
