"""Planes through a network: along two weights, two directions, or those in which training went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.explain.paths import checked_weights, filter_normalised, flat, principal
from creche.explain.place import place_of

if TYPE_CHECKING:
    from creche.model import Model

__all__ = ["Plane", "plane_of"]

WORDS = ("path", "random")

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Two directions from one network.

    Attributes
    ----------
    origin : (parameters,) float64
        The network's weights in one row.
    directions : (2, parameters) float64
    names : (str, str)
        What the axes are of.
    offset : (2,) float64
        What the axes say at the origin: 0, but for single weights their values.
    kind : {"weights", "path", "random", "directions"}

    """

    origin: Array
    directions: Array
    names: tuple[str, str]
    offset: Array
    kind: str


def plane_of(model: Model, directions: Any, path: Array | None, seed: int, of: str = "path") -> Plane:
    """The plane that a user means, through a model.

    Raises
    ------
    PlanError
        If it is none.

    """
    origin, network = flat(model.weights), model.plan.network
    if directions is None:
        directions = "random" if path is None else "path"
    if isinstance(directions, str):
        if directions not in WORDS:
            raise PlanError(f"directions: got {directions!r}; {nearest(directions, WORDS)} (or two weights)")
        if directions == "random":
            two = np.stack([flat(direction) for direction in filter_normalised(model.weights, seed)])
            names = ("first random direction", "second random direction")
            return Plane(origin, _spanning(two), names, np.zeros(2), "random")
        if path is None:
            raise PlanError("directions: 'path' needs one; give path, a list of weights in order")
        two, shares = principal(path)
        first, second = (f"{share:.1%}" for share in shares)
        whose = "its" if of == "path" else "their"
        names = (f"first direction of the {of} ({first} of {whose} variance)", f"second direction ({second})")
        return Plane(origin, two, names, np.zeros(2), "path")
    if not isinstance(directions, Sequence) or len(directions) != 2:
        raise PlanError("directions: needs two of them: two weights, each as (layer, row, column), or two directions")
    if any(isinstance(one, tuple) and len(one) == 3 and not isinstance(one[0], Sequence) for one in directions):
        return _of_two_weights(model, directions, origin)
    two = np.stack([flat(checked_weights(f"directions[{k}]", one, network)) for k, one in enumerate(directions)])
    if not np.isfinite(two).all():
        raise PlanError("directions: hold numbers that are not finite")
    return Plane(origin, _spanning(two), ("first direction", "second direction"), np.zeros(2), "directions")


def _of_two_weights(model: Model, given: Sequence[Any], origin: Array) -> Plane:
    widths = model.plan.network.widths
    two, names = np.zeros((2, len(origin))), []
    for k, weight in enumerate(given):
        if not isinstance(weight, tuple) or len(weight) != 3:
            raise PlanError(f"directions[{k}]: got {weight!r}; needs a weight as (layer, row, column)")
        place = place_of(model, *weight)
        before = sum((widths[i] + 1) * widths[i + 1] for i in range(place.layer))
        row = widths[place.layer] if place.row is None else place.row  # biases stand behind the last row of W
        two[k, before + row * widths[place.layer + 1] + place.column] = 1.0
        names.append(place.name)
    if names[0] == names[1]:
        raise PlanError(f"directions: are twice the {names[0]}; give two different ones")
    return Plane(origin, two, (names[0], names[1]), two @ origin, "weights")


def _spanning(two: Array) -> Array:
    """Two directions that are none too many.

    Raises
    ------
    PlanError
        If one is 0 or both are the same.

    """
    lengths = np.linalg.norm(two, axis=1)
    if not lengths.all():
        raise PlanError(f"directions[{int(np.argmin(lengths))}]: is 0 throughout; it leads nowhere")
    if abs(float(two[0] @ two[1])) > (1 - 1e-9) * float(lengths[0] * lengths[1]):
        raise PlanError("directions: are the same line; give two different ones")
    return two
