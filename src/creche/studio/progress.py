"""What a session says of training: the tick, and the history of its epochs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import new_predictor
from creche.model.model import Model
from creche.studio.protocol.views import FloatArray, History, Tick
from creche.studio.state import SessionState

__all__ = ["HISTORY_LIMIT", "NOTHING", "describe_history", "send_row", "take_tick"]

# Above this many neurons, the activations of the selected row are left out.
ACTIVATIONS_LIMIT = 4096

# Beyond this many epochs, the page gets every second, fourth, … of them.
HISTORY_LIMIT = 1000

NOTHING: FloatArray = np.empty(0, dtype=np.float32)


def take_tick(state: SessionState, sequence: int) -> Tick:
    """Return the state of training now."""
    live, drawn = state.live, state.drawn
    if live is None or drawn is None:
        return _empty_tick(state, sequence)
    run = live.run
    parameters = run.parameters
    layers = parameters.layers
    history = live.recorded
    activations = probabilities = NOTHING
    if (x := state.selected_inputs) is not None:
        model = Model(run.plan, state.prepared.features, state.prepared.labels, parameters, 1)
        activations, probabilities = send_row(model, x)
    return Tick(
        sequence=sequence,
        status=live.status,
        why=live.why,
        step=run.step,
        epoch=run.epoch,
        batch=run.batch,
        batches=live.batches,
        learning_rate=run.learning_rate,
        epochs_per_second=live.epochs_per_second,
        train_loss=float(history.train_loss[-1]) if len(history) else None,
        validation_loss=float(history.validation_loss[-1]) if history.has_validation else None,
        history_rows=len(live.history),
        edges_version=drawn.version,
        edge_weights=drawn.take(layers),
        biases=np.concatenate([bias for _, bias in layers]).astype(np.float32),
        activations=activations,
        probabilities=probabilities,
        selected_row=state.selected_row,
        watchers=len(state.watched),
    )


def _empty_tick(state: SessionState, sequence: int) -> Tick:
    is_read = state.desk is not None and state.desk.progress is not None
    why = "choose the column to predict" if state.source else "a table is being read" if is_read else "open a table"
    return Tick(
        sequence, "empty", why, 0, 0, 0, 0, 0.0, 0.0, None, None, 0, 0, NOTHING, NOTHING, NOTHING, NOTHING, None,
        len(state.watched),
    )  # fmt: skip


def send_row(model: Model, x: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Send a row (1, d) through the network: the activations of all neurons, inputs included, and what it predicts."""
    predictor = new_predictor(model.plan, model.parameters, 1)
    predicted = model.decode_outputs(predictor.predict(x))[0].astype(np.float32)
    layers = model.plan.network.layers
    if sum(layer.width for layer in layers) > ACTIVATIONS_LIMIT:
        return NOTHING, predicted
    activations = [predictor.layer_outputs(x, layer)[0] for layer in range(-1, len(layers))]
    return np.concatenate(activations).astype(np.float32), predicted


def describe_history(state: SessionState, after: int = 0) -> History:
    """Return the history of the epochs after this one; of a long training, a part of them."""
    if state.live is None:
        empty = np.empty(0, dtype=np.int32)
        return History(1, (), empty, np.empty((0, 0), dtype=np.float32), 1, empty)
    history = state.live.history
    stride = 1
    while len(history) > stride * HISTORY_LIMIT:
        stride *= 2
    epochs = np.arange(-(-after // stride) * stride, len(history), stride)
    if len(history) > after and (len(history) - 1) % stride:
        epochs = np.append(epochs, len(history) - 1)
    columns = {"train_loss": history.train_loss, f"train_{history.metric}": history.train_metric}
    if history.has_validation or (not len(history) and state.prepared.validation is not None):
        columns["validation_loss"] = history.validation_loss
        columns[f"validation_{history.metric}"] = history.validation_metric
    columns["learning_rate"] = history.learning_rate
    values = np.stack([column[epochs] for column in columns.values()], axis=1).astype(np.float32)
    return History(
        first=after + 1,
        columns=tuple(columns),
        epochs=(epochs + 1).astype(np.int32),
        values=values,
        stride=stride,
        snapshots=state.live.snapshot_epochs(),
    )
