"""What a network is for: predictions, and files to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.plan.words import Role
from creche.studio.protocol.common import FloatArray

__all__ = ["Field", "KeptFile", "PredictionView"]


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
