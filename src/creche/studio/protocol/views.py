"""What a session sends to the page: answers to requests, and what it pushes while a network trains.

Every class is a message, or a part of one. Arrays travel as binary buffers and may hold NaN and infinity; other numbers
are finite, or None where a number does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from creche.studio.protocol.common import FloatArray, IntArray, Partition, WorkStatus
from creche.studio.protocol.evaluation_views import DiagnosisView, ErrorsView, EvaluationView, Metric, RowsView, RowView
from creche.studio.protocol.inside_views import (
    BatchTrace,
    NeuronArithmetic,
    NeuronResponse,
    OptimizerArray,
    SmallResponses,
    TracedLayer,
    WeightCurve,
)
from creche.studio.protocol.result_views import Field, KeptFile, PredictionView
from creche.studio.protocol.search_views import (
    ColonyMember,
    ColonyView,
    FitCandidate,
    FitView,
    MemberStatus,
    NumberView,
)
from creche.studio.protocol.settings_views import Choices, Settings, SettingsView
from creche.studio.protocol.table_views import Column, Finding, TableProgress, TableView
from creche.studio.protocol.training_views import History, LayerView, NetworkView, Restored, Status, Tick

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

FailureCode: TypeAlias = Literal[
    "bad_request", "bad_value", "bad_table", "needs_restart", "no_table", "no_network", "diverged", "too_large",
    "busy", "cancelled", "disk", "unsupported", "internal",
]  # fmt: skip


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
    colony: ColonyView | None
    fit: FitView | None
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
