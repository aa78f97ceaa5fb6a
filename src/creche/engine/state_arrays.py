"""The states of many networks as a few arrays, for a file or another process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.crew_member import State
from creche.errors import PlanError

__all__ = ["join_states", "split_states"]

MAX_DIMENSIONS = 3  # of an array in a state


def join_states(states: Sequence[State]) -> dict[str, NDArray[Any]]:
    """Concatenate the arrays of the same name of all states, so that the file has few arrays."""
    joined: dict[str, NDArray[Any]] = {}
    for name in dict.fromkeys(name for state in states for name in state):
        shapes = np.full((len(states), MAX_DIMENSIONS), -1, dtype=np.int64)
        for i, state in enumerate(states):
            if name in state:
                shapes[i, : state[name].ndim] = state[name].shape
        joined[f"shapes.{name}"] = shapes
        joined[f"values.{name}"] = np.concatenate([state[name].reshape(-1) for state in states if name in state])
    return joined


def split_states(arrays: Mapping[str, NDArray[Any]], count: int) -> list[State]:
    """Return the states that `join_states` concatenated."""
    states: list[State] = [{} for _ in range(count)]
    for key, shapes in arrays.items():
        if not key.startswith("shapes."):
            continue
        name = key.removeprefix("shapes.")
        values, start = arrays[f"values.{name}"], 0
        for state, lengths in zip(states, shapes.tolist(), strict=True):
            if lengths[0] < 0:
                continue
            shape = [length for length in lengths if length >= 0]
            end = start + math.prod(shape)
            state[name] = values[start:end].reshape(shape)
            start = end
        if start != len(values):
            raise PlanError(f"{name} has {len(values):,} numbers, not {start:,}")
    return states
