"""What all losses have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from creche.plan.parts import Part

__all__ = ["Loss"]


@dataclass(frozen=True, slots=True, repr=False)
class Loss(Part):
    """The base of all losses."""

    for_classes: ClassVar[bool] = False  # can judge classes
    for_numbers: ClassVar[bool] = False  # can judge numbers
