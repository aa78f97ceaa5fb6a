"""What the page asks of a session. Each request is answered by its `reply`, or by a `Failure`.

A request travels as JSON: its class as "type", a number of the page's choice as "id", and its fields. Fields with a
default may be left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

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
from creche.studio.protocol import views
from creche.studio.protocol.views import Partition

__all__ = [
    "REQUESTS",
    "Acknowledge",
    "ApplyWeight",
    "Cancel",
    "ChangeSettings",
    "Code",
    "ConfigureTable",
    "Connect",
    "Diagnose",
    "ExplainNeuron",
    "Keep",
    "LoadRow",
    "ModelName",
    "OpenTable",
    "Pause",
    "PickMember",
    "Play",
    "Predict",
    "Probe",
    "Request",
    "Reset",
    "Respond",
    "RespondSmall",
    "Rewind",
    "SelectRow",
    "ShowRows",
    "StartColony",
    "StartFit",
    "Step",
    "TraceStep",
    "UploadPart",
    "Watch",
    "WatchedView",
]

ModelName: TypeAlias = Literal["network", "fit", "ensemble"]
"""Which model predicts: the network at hand, the result of `StartFit`, or the ensemble of the colony."""

WatchedView: TypeAlias = Literal["evaluation", "errors"]


@dataclass(frozen=True, slots=True)
class Request:
    """The base of all requests."""

    reply: ClassVar[type] = views.Done


@dataclass(frozen=True, slots=True)
class Connect(Request):
    """Begin: the page tells which version of the protocol it speaks."""

    reply: ClassVar[type] = views.Welcome
    version: int


@dataclass(frozen=True, slots=True)
class Acknowledge(Request):
    """The page has drawn the `Tick` of this sequence number. A session has at most two that are not acknowledged."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Watch(Request):
    """Which views to push while training; `rate` is the greatest number of ticks a second."""

    views: tuple[WatchedView, ...] = ()
    partition: Partition = "validation"
    rate: float = 30.0


# -- the table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UploadPart(Request):
    """A part of a file that is uploaded through the connection: base64, at most 48 kB of it, in order of `offset`."""

    upload: str
    name: str
    offset: int
    content: str


@dataclass(frozen=True, slots=True)
class OpenTable(Request):
    """Open a bundled table (`dataset`) or an uploaded one (`upload`)."""

    reply: ClassVar[type] = views.TableView
    dataset: str | None = None
    upload: str | None = None
    label: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigureTable(Request):
    """Choose the label, the task and the roles of columns; what is left out stays as it is."""

    reply: ClassVar[type] = views.TableView
    label: tuple[str, ...] | None = None
    task: Task | None = None
    roles: dict[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShowRows(Request):
    """A piece of the table; `first` is counted from 1."""

    reply: ClassVar[type] = views.RowsView
    first: int = 1
    count: int = 20


# -- training ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeSettings(Request):
    """Change settings. Those that cannot change while a network trains need `restart`, or are refused.

    The refusal has the code "needs_restart" and says which weights would be lost.
    """

    reply: ClassVar[type] = views.SettingsView
    restart: bool = False
    hidden: tuple[int, ...] | None = None
    activation: ActivationName | None = None
    optimizer: OptimizerName | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    loss: LossName | None = None
    weight_decay: float | None = None
    l1: float | None = None
    dropout: float | None = None
    label_smoothing: float | None = None
    schedule: ScheduleName | None = None
    epochs: int | None = None
    seed: int | None = None
    preprocessing: PreprocessingName | None = None
    validation_fraction: float | None = None
    test_fraction: float | None = None
    split_seed: int | None = None


@dataclass(frozen=True, slots=True)
class Play(Request):
    """Train until the plan ends or `Pause`; `epochs_per_second` slows it down so that it can be followed."""

    epochs_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Pause(Request):
    """Stop after the batch at hand."""


@dataclass(frozen=True, slots=True)
class Step(Request):
    """Train one batch, or to the end of the epoch, and pause. Answered when it is done."""

    unit: Literal["batch", "epoch"] = "batch"
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reset(Request):
    """Go back to the random weights; a `seed` draws others."""

    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Rewind(Request):
    """Go back to the end of a recorded epoch (0 for the random weights), or to the last finite weights.

    Training goes on from there; what came after stays recorded until it does.
    """

    reply: ClassVar[type] = views.Restored
    epoch: int | None = None
    last_finite: bool = False


# -- looking inside ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SelectRow(Request):
    """Send a row (counted from 1) through the network with every tick; None for none."""

    row: int | None


@dataclass(frozen=True, slots=True)
class Respond(Request):
    """What a neuron responds to. Without `x_column`, the column that changes it most; `y_column` makes it a map."""

    reply: ClassVar[type] = views.NeuronResponse
    layer: int
    neuron: int
    x_column: str | None = None
    y_column: str | None = None


@dataclass(frozen=True, slots=True)
class RespondSmall(Request):
    """What up to 500 neurons respond to, in few numbers each; `places` has (layer, neuron) of each."""

    reply: ClassVar[type] = views.SmallResponses
    places: tuple[tuple[int, ...], ...]
    x_column: str | None = None
    y_column: str | None = None


@dataclass(frozen=True, slots=True)
class Probe(Request):
    """The loss against a weight: W[layer][source, target], or the bias if `source` is None.

    Without `target`, the weight with the steepest slope. `value` tries a value, which the network does not take yet.
    """

    reply: ClassVar[type] = views.WeightCurve
    layer: int = 0
    source: int | None = None
    target: int | None = None
    value: float | None = None
    points: int = 81


@dataclass(frozen=True, slots=True)
class ApplyWeight(Request):
    """Give a weight a value. The code that `Keep` writes says so."""

    layer: int
    source: int | None
    target: int
    value: float


@dataclass(frozen=True, slots=True)
class TraceStep(Request):
    """Take one training step on these rows apart, without taking it; by default on the next batch."""

    reply: ClassVar[type] = views.BatchTrace
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainNeuron(Request):
    """The arithmetic of a neuron in one of the rows of the last `TraceStep`."""

    reply: ClassVar[type] = views.NeuronArithmetic
    layer: int
    neuron: int
    row: int


@dataclass(frozen=True, slots=True)
class Diagnose(Request):
    """What the run suffers from, in words."""

    reply: ClassVar[type] = views.DiagnosisView


# -- many networks -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartColony(Request):
    """Train a network for each combination, all others settings as they are. Answered at once; views are pushed."""

    learning_rates: tuple[float, ...]
    optimizers: tuple[OptimizerName, ...] = ()
    hidden: tuple[tuple[int, ...], ...] = ()
    seeds: int = 1
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class PickMember(Request):
    """Continue with a network of the colony: its settings and weights become those of the session."""

    number: int


@dataclass(frozen=True, slots=True)
class StartFit(Request):
    """Run `creche.fit` on the table. Answered at once; views are pushed."""

    effort: Effort = "default"
    time_limit: float | None = None


@dataclass(frozen=True, slots=True)
class Cancel(Request):
    """Stop the colony or the fit, whose results so far are kept; or give up what is done to the table."""

    work: Literal["colony", "fit", "table"]


# -- prediction and results --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Predict(Request):
    """Predict one observation: the text of each field by column.

    Numbers have a decimal point. Columns that are left out are missing; without any value, the observation is a typical
    one.
    """

    reply: ClassVar[type] = views.PredictionView
    values: dict[str, str]
    model: ModelName = "network"


@dataclass(frozen=True, slots=True)
class LoadRow(Request):
    """The fields of a row (counted from 1), with what is predicted for it."""

    reply: ClassVar[type] = views.PredictionView
    row: int
    model: ModelName = "network"


@dataclass(frozen=True, slots=True)
class Keep(Request):
    """Make a file of what was trained. An ensemble is made of the best `size` networks of the colony."""

    reply: ClassVar[type] = views.KeptFile
    what: Literal["model", "plan", "report", "fit", "ensemble"]
    size: int = 16


@dataclass(frozen=True, slots=True)
class Code(Request):
    """The code that makes the same model, to the bit."""

    reply: ClassVar[type] = views.KeptFile
    language: Literal["python", "command"]


REQUESTS: dict[str, type[Request]] = {
    request.__name__: request
    for request in (
        Connect, Acknowledge, Watch, UploadPart, OpenTable, ConfigureTable, ShowRows, ChangeSettings, Play, Pause, Step,
        Reset, Rewind, SelectRow, Respond, RespondSmall, Probe, ApplyWeight, TraceStep, ExplainNeuron, Diagnose,
        StartColony, PickMember, StartFit, Cancel, Predict, LoadRow, Keep, Code,
    )
}  # fmt: skip
