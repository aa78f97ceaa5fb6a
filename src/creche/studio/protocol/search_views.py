"""Many networks: the colony, and the search for the best model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from creche.studio.protocol.common import FloatArray, WorkStatus
from creche.studio.protocol.evaluation_views import Metric

__all__ = ["ColonyMember", "ColonyView", "FitCandidate", "FitView", "MemberStatus", "NumberView"]

MemberStatus: TypeAlias = Literal["training", "finished", "early_stopped", "stopped", "diverged"]


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
