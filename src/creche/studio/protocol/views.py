"""What a session sends to the page: answers to requests, and what it pushes while a network trains.

Every class is a message, or a part of one. Arrays travel as binary buffers and may hold NaN and infinity; other numbers
are finite, or None where a number does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.plan.words import (
    ActivationName,
    Effort,
    LossName,
    OptimizerName,
    PreprocessingName,
    Role,
    ScheduleName,
    Task,
)

__all__ = [
    "PUSHED",
    "VERSION",
    "BatchTrace",
    "Choices",
    "Closing",
    "ColonyMember",
    "ColonyView",
    "Column",
    "DiagnosisView",
    "Done",
    "ErrorsView",
    "EvaluationView",
    "Failure",
    "FailureCode",
    "Field",
    "Finding",
    "FitCandidate",
    "FitView",
    "FloatArray",
    "History",
    "IntArray",
    "KeptFile",
    "LayerView",
    "MemberStatus",
    "Metric",
    "NetworkView",
    "NeuronArithmetic",
    "NeuronResponse",
    "NumberView",
    "OptimizerArray",
    "Partition",
    "PredictionView",
    "Restored",
    "RowView",
    "RowsView",
    "Settings",
    "SettingsView",
    "SmallResponses",
    "Status",
    "TableProgress",
    "TableView",
    "Tick",
    "TracedLayer",
    "WeightCurve",
    "Welcome",
    "WorkStatus",
]

VERSION = 1

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int32]

Status: TypeAlias = Literal["empty", "paused", "running", "finished", "diverged"]
MemberStatus: TypeAlias = Literal["training", "finished", "early_stopped", "stopped", "diverged"]
WorkStatus: TypeAlias = Literal["running", "finished", "cancelled"]
Partition: TypeAlias = Literal["train", "validation", "test"]
FailureCode: TypeAlias = Literal[
    "bad_request", "bad_value", "bad_table", "needs_restart", "no_table", "no_network", "diverged", "too_large",
    "busy", "cancelled", "disk", "unsupported", "internal",
]  # fmt: skip


# -- the table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about a table, a column or a run.

    `severity` is how much it matters; `remedy` is what to do, and may be empty. `role` is the role of `column` that
    would remedy it, if one does.
    """

    severity: Literal["note", "warning", "error"]
    text: str
    remedy: str = ""
    column: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    `bars` are the counts of its histogram (numbers and dates: up to 20 intervals of equal width; others: the most
    frequent values), `bar_labels` names each bar. `inferred` is the role that the data suggest, `role` the role in use.
    """

    name: str
    role: Role
    inferred: Role
    missing: int
    distinct: int
    bars: tuple[int, ...]
    bar_labels: tuple[str, ...]
    summary: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """The table of a session, its columns, its label and its split.

    `label` is empty until one is chosen; `label_candidates` are columns that can be predicted, the likeliest first.
    `summarized_rows` is how many rows the histograms describe: all, or a sample of a large table.
    """

    name: str
    rows: int
    summarized_rows: int
    columns: tuple[Column, ...]
    label: tuple[str, ...]
    label_candidates: tuple[str, ...]
    task: Task | None
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    train_rows: int
    validation_rows: int
    test_rows: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TableProgress:
    """What is done to a table beside training: it is read, prepared or encoded. Pushed while that goes on.

    `doing` says what, as "preparing 1,000,000 rows".
    """

    status: WorkStatus
    name: str
    doing: str


# -- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the network and of training, by the names of `creche.train`'s arguments.

    `epochs` is where training ends by itself. Changing `hidden`, `activation`, `loss`, `seed`, `preprocessing` or the
    split starts training anew; the others apply from the next batch on.
    """

    hidden: tuple[int, ...]
    activation: ActivationName
    optimizer: OptimizerName
    learning_rate: float
    batch_size: int
    loss: LossName
    weight_decay: float
    l1: float
    dropout: float
    label_smoothing: float
    schedule: ScheduleName
    epochs: int
    seed: int
    preprocessing: PreprocessingName
    validation_fraction: float
    test_fraction: float
    split_seed: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the selects of the page offer, for the task of the table."""

    activations: tuple[str, ...]
    optimizers: tuple[str, ...]
    losses: tuple[str, ...]
    schedules: tuple[str, ...]
    preprocessings: tuple[str, ...]
    default_rates: tuple[float, ...]
    """The default learning rate of each optimizer, in their order."""
    efforts: tuple[Effort, ...]


@dataclass(frozen=True, slots=True)
class SettingsView:
    """The settings in force. Pushed to every tab when one of them changes a setting.

    `changed_at` says after how many epochs settings were changed while training (2.5: in the middle of the third),
    with `changes` in words.
    """

    settings: Settings
    choices: Choices
    restarted: bool
    changed_at: tuple[float, ...]
    changes: tuple[str, ...]


# -- the network and its training --------------------------------------------------------------------------------------


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


# -- evaluation --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the predictions; `baseline` is its value for a constant prediction."""

    key: str
    title: str
    value: float | None
    baseline: float | None
    lower_is_better: bool


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """How good the network is now, on one part of the rows. Pushed while it is watched.

    `rows` is how many rows that is: all, or an even sample of more than 10,000. `confusion` has the actual classes as
    rows and the predicted ones as columns; (0, 0) for more than 100 classes, and for a regression, which has `actual`
    and `predicted` of up to 2,000 rows instead. `reliability` has rows (predicted, observed, count).
    """

    partition: Partition
    rows: int
    epoch: int
    metrics: tuple[Metric, ...]
    classes: tuple[str, ...]
    confusion: IntArray
    actual: FloatArray
    predicted: FloatArray
    reliability: FloatArray  # (bins, 3)


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of the table. `number` is counted from 1, as in messages of Creche.

    `values` has the cells of the features as text, by the order of `RowsView.columns`. `activations` are as in `Tick`.
    """

    number: int
    partition: Partition
    values: tuple[str, ...]
    actual: str
    predicted: str
    probability: float | None
    """Of the actual class; None for a regression."""
    loss: float


@dataclass(frozen=True, slots=True)
class RowsView:
    """A piece of the table, with what the network predicts for it now."""

    columns: tuple[str, ...]
    rows: tuple[RowView, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ErrorsView:
    """The rows with the largest losses now. Pushed while it is watched."""

    partition: Partition
    epoch: int
    columns: tuple[str, ...]
    rows: tuple[RowView, ...]


@dataclass(frozen=True, slots=True)
class DiagnosisView:
    """The diagnosis of the run in words."""

    epoch: int
    verdict: str
    findings: tuple[Finding, ...]


# -- looking inside ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NeuronResponse:
    """What a neuron responds to: its activation over one or two columns, the others held at a typical row.

    `layer` is counted as in `NetworkView.layers`. `x_values` (and `y_values`) are numbers of the column or, for
    categories, the places of `x_labels` (`y_labels`). `activations` is (x,), or (y, x) for two columns. `rows` has up
    to 200 training rows as (x, y or 0, class number or label), to be drawn over it.
    """

    layer: int
    neuron: int
    title: str
    x_column: str
    y_column: str | None
    x_values: FloatArray
    y_values: FloatArray
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    activations: FloatArray
    rows: FloatArray  # (n, 3)


@dataclass(frozen=True, slots=True)
class SmallResponses:
    """What neurons respond to, for small pictures, each over the columns of `RespondSmall` or its strongest one.

    `activations` has a map for each neuron, or one line of it for one column. Of each line the first `counts` numbers
    are there, and the rest is NaN: a column of categories has as many values as categories.
    """

    activations: FloatArray  # (neurons, y, x)
    counts: IntArray  # (neurons,)


@dataclass(frozen=True, slots=True)
class WeightCurve:
    """The loss against one weight, all others fixed, with its tangent.

    `layer` is the index of W in `Model.weights`; `source` is None for a bias. `weight`, `loss` and `gradient` are those
    of the point; `next_weight` is where plain gradient descent with the present learning rate leads.
    `rows` says in words on which rows the loss is evaluated.
    """

    layer: int
    source: int | None
    target: int
    title: str
    weight: float
    loss: float
    gradient: float
    slope: str
    next_weight: float
    rows: str
    weights: FloatArray  # (points,)
    losses: FloatArray  # (points,)
    is_trial: bool
    """Whether the point is a value that the user tries, which the network does not have yet."""


@dataclass(frozen=True, slots=True)
class OptimizerArray:
    """One of the arrays that an optimizer keeps for each weight, before and after a step."""

    name: str
    before: FloatArray  # (d_in, width)
    after: FloatArray
    bias_before: FloatArray  # (width,)
    bias_after: FloatArray


@dataclass(frozen=True, slots=True)
class TracedLayer:
    """A layer in a traced step: the numbers of `creche.explain.trace`, in its order."""

    activation: str
    sums: FloatArray  # (n, width)
    activations: FloatArray  # (n, width)
    sum_gradients: FloatArray  # (n, width)
    weights: FloatArray  # (d_in, width)
    bias: FloatArray  # (width,)
    weight_gradients: FloatArray
    bias_gradients: FloatArray
    weights_after: FloatArray
    bias_after: FloatArray
    optimizer_arrays: tuple[OptimizerArray, ...]


@dataclass(frozen=True, slots=True)
class BatchTrace:
    """One training step on some rows, taken apart. The network itself does not take the step.

    For a classification, `labels` are (n, classes) of 0 and 1, `differences` are predictions - labels, `squares` their
    squares, `mean_squares` (n,) the mean over classes, and `row_losses` (n,) the loss that is minimized. For a
    regression, labels and predictions are in the units that the network sees.
    """

    rows: IntArray  # (n,), counted from 1
    row_names: tuple[str, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    inputs: FloatArray  # (n, d)
    layers: tuple[TracedLayer, ...]
    predictions: FloatArray  # (n, outputs)
    labels: FloatArray
    differences: FloatArray
    squares: FloatArray
    mean_squares: FloatArray
    row_losses: FloatArray
    loss_name: str
    loss: float
    loss_after: float | None
    optimizer: str
    learning_rate: float


@dataclass(frozen=True, slots=True)
class NeuronArithmetic:
    """The arithmetic of one neuron in one row, written out as lines of text: forward, backward, update."""

    layer: int
    neuron: int
    row: int
    title: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    update: tuple[str, ...]


# -- many networks -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColonyMember:
    """A network of the colony."""

    number: int
    optimizer: str
    learning_rate: float
    hidden: tuple[int, ...]
    seed: int
    status: MemberStatus
    validation_loss: float | None
    rank: int | None
    """From 1 for the lowest validation loss; None if it diverged."""


@dataclass(frozen=True, slots=True)
class ColonyView:
    """Many networks trained together. Pushed while they train.

    `curves` has the validation loss of each member after the first epochs, NaN where it has none yet. `epoch` is the
    mean of their completed epochs, for they need not take turns.
    """

    status: WorkStatus
    epoch: int
    epochs: int
    members: tuple[ColonyMember, ...]
    curves: FloatArray  # (members, epochs)
    networks_per_second: float
    text: str


@dataclass(frozen=True, slots=True)
class FitCandidate:
    """A configuration that `creche.fit` trains."""

    number: int
    title: str
    score: float | None
    weight: float
    """Its share in the model; 0 if it was left out."""
    epochs: int | None


@dataclass(frozen=True, slots=True)
class FitView:
    """The progress and the result of `creche.fit`. Pushed while it runs."""

    status: WorkStatus
    done: float
    """From 0 to 1."""
    metric: str
    candidates: tuple[FitCandidate, ...]
    text: str
    metrics: tuple[Metric, ...] = ()
    calibration: tuple[str, ...] = ()
    """What calibration changed, in words."""
    importances: tuple[NumberView, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberView:
    """A number with its name, for bars."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


# -- prediction and results --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the prediction form. Numbers have a range and a typical value, categories their choices."""

    column: str
    role: Role
    value: str
    low: float | None
    high: float | None
    step: float | None
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictionView:
    """What the network predicts for one observation.

    `numbers` has the probability of each class, or the predicted number of each label. `warnings` name values that are
    far from the training rows. `activations` are as in `Tick`. `edges_version` tells the network they belong to.
    """

    predicted: str
    names: tuple[str, ...]
    numbers: FloatArray
    warnings: tuple[str, ...]
    activations: FloatArray
    fields: tuple[Field, ...]
    edges_version: int


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file to download: a model, a plan, a report or code."""

    name: str
    media_type: str
    content: NDArray[np.uint8]
    text: str
    """The same as text, for code and plans; otherwise empty."""


# -- the session -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request was not carried out, in one or two sentences; pushed without a request if training stops by it."""

    code: FailureCode
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first message: everything a page needs to draw itself, new or after a lost connection.

    `upload_limit` is the greatest number of bytes of a file that can be uploaded. `progress` is what is done to a table
    at the moment, `failure` why the table that the session was to begin with is not there.
    """

    version: int
    creche_version: str
    session: str
    datasets: tuple[str, ...]
    table: TableView | None
    settings: SettingsView | None
    network: NetworkView | None
    fields: tuple[Field, ...]
    upload_limit: int
    progress: TableProgress | None
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a request that has nothing else to tell."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """The session ends: the server stops, or the kernel."""

    text: str


PUSHED = (
    Welcome, TableProgress, TableView, SettingsView, NetworkView, Tick, History, EvaluationView, ErrorsView, ColonyView,
    FitView, Failure, Closing,
)  # fmt: skip
"""What a session may send without being asked."""
