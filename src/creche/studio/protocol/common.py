"""What the views of several subjects share."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatArray", "IntArray", "Partition", "WorkStatus"]

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int32]
Partition: TypeAlias = Literal["train", "validation", "test"]
WorkStatus: TypeAlias = Literal["running", "finished", "cancelled"]
