"""The loss over a plane through a network: along two weights, two directions, or the path of training."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import CrecheError, PlanError, nearest
from creche.explain.curve_range import find_range
from creche.explain.loss_evaluator import LossEvaluator, create_evaluator, step_along, unpack_networks
from creche.explain.weight_space import (
    check_weights,
    filter_normalized_directions,
    find_weight,
    flatten_path,
    principal_directions,
    project,
    read_weight,
    resolve_path,
)
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.words import canonical_word
from creche.table.result_frames import FrameResult, frame_method

if TYPE_CHECKING:
    import polars as pl

    from creche.engine.parameters import Parameters
    from creche.model.model import Model

__all__ = ["DirectionsName", "LossSurface", "Plane", "compute_surface", "find_plane", "loss_surface"]

DirectionsName: TypeAlias = Literal["path", "random"]
DIRECTIONS: tuple[DirectionsName, ...] = get_args(DirectionsName)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A plane in the space of the weights: a network and two directions.

    Attributes
    ----------
    origin : (parameters,) float64
        The network's weights as one vector.
    directions : (2, parameters) float64
    names : (str, str)
        The titles of the two axes.
    offset : (2,) float64
        The coordinates of the network: for two weights their values, otherwise 0.
    kind : {"weights", "path", "random", "directions"}

    """

    origin: Array
    directions: Array
    names: tuple[str, str]
    offset: Array
    kind: str


def find_plane(
    model: Model, directions: DirectionsName | Sequence[Any] | None, path: Array | None, seed: int, of: str = "path"
) -> Plane:
    """Return the plane through a model that a user's `directions` span.

    Raises
    ------
    PlanError
        If they span none.

    """
    origin = model.parameters.flatten()
    if directions is None:
        directions = "random" if path is None else "path"
    if isinstance(directions, str):
        directions = canonical_word(directions, DIRECTIONS)
        if directions not in DIRECTIONS:
            raise PlanError(f"directions: got {directions!r}; {nearest(directions, DIRECTIONS)} (or two weights)")
        if directions == "random":
            two = np.stack([drawn.flatten() for drawn in filter_normalized_directions(model.parameters, seed)])
            names = ("first random direction", "second random direction")
            return Plane(origin, _check_independent(two), names, np.zeros(2), "random")
        if path is None:
            raise PlanError("directions: 'path' needs a path; give path=, a list of weights in order")
        two, shares = principal_directions(path)
        first, second = (f"{share:.1%}" for share in shares)
        whose = "its" if of == "path" else "their"
        names = (f"first direction of the {of} ({first} of {whose} variance)", f"second direction ({second})")
        return Plane(origin, two, names, np.zeros(2), "path")
    if not isinstance(directions, Sequence) or len(directions) != 2:
        raise PlanError(
            "directions: needs two of them: two weights, each as (layer, source, target), or two directions"
        )
    if any(isinstance(one, tuple) and len(one) == 3 and not isinstance(one[0], Sequence) for one in directions):
        return _plane_of_weights(model, directions, origin)
    like = model.parameters
    two = np.stack([check_weights(f"directions[{k}]", one, like).flatten() for k, one in enumerate(directions)])
    if not np.isfinite(two).all():
        raise PlanError("directions: hold values that are not finite")
    return Plane(origin, _check_independent(two), ("first direction", "second direction"), np.zeros(2), "directions")


def _plane_of_weights(model: Model, pair: Sequence[Any], origin: Array) -> Plane:
    numbers = model.parameters.unflatten(np.arange(len(origin)))
    two, names = np.zeros((2, len(origin))), []
    for k, weight in enumerate(pair):
        if not isinstance(weight, tuple) or len(weight) != 3:
            raise PlanError(f"directions[{k}]: got {weight!r}; needs a weight as (layer, source, target)")
        place = find_weight(model, *weight)
        two[k, read_weight(numbers, place)] = 1.0
        names.append(place.name)
    if names[0] == names[1]:
        raise PlanError(f"directions: both are the {names[0]}; give two different ones")
    return Plane(origin, two, (names[0], names[1]), two @ origin, "weights")


def _check_independent(two: Array) -> Array:
    """Return two directions if they span a plane.

    Raises
    ------
    PlanError
        If one is 0 or both lie on one line.

    """
    lengths = np.linalg.norm(two, axis=1)
    if not lengths.all():
        raise PlanError(f"directions[{int(np.argmin(lengths))}]: is 0 everywhere, so it has no direction")
    if abs(float(two[0] @ two[1])) > (1 - 1e-9) * float(lengths[0] * lengths[1]):
        raise PlanError("directions: lie on one line; give two different ones")
    return two


POINTS = 51
MARGIN = 0.25  # on either side of a path, as a share of its extent
NARROWEST = 0.2  # as a share of the wider extent, so that a straight path still has a surface around it


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossSurface(FrameResult):
    """The loss over a plane: made by `loss_surface`.

    Attributes
    ----------
    x, y : (points,) float64
        Coordinates along the two directions; for two weights, their values.
    losses : (points, points) float64
        The loss at each point, by y and then x; not finite where the loss is not.
    position : (2,) float64
        The coordinates of the network as it is.
    loss : float
        The loss of the network as it is.
    names : (str, str)
        The titles of the two axes.
    kind : {"weights", "path", "random", "directions"}
        What spans the plane.
    directions : two Parameters
        Each as `Model.parameters`, in float64. The network at (x, y) has the parameters w + (x - position[0]) d₀ +
        (y - position[1]) d₁, where w are those of the current network.
    path : (steps, 2) float64 or None
        The path projected onto the plane.
    path_losses : (steps,) float64 or None
        The loss of each network of the path itself, not of its projection.
    share : float or None
        The share of the path's variance that lies in the plane, from 0 to 1.

    """

    x: Array
    y: Array
    losses: Array
    position: Array
    loss: float
    names: tuple[str, str]
    kind: str
    directions: Sequence[Parameters]
    path: Array | None
    path_losses: Array | None
    share: float | None

    @property
    def left_out(self) -> int:
        """The number of points at which the loss is not finite."""
        return int((~np.isfinite(self.losses)).sum())

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return all points as a DataFrame: x, y, loss."""
        import polars as pl

        x, y = np.meshgrid(self.x, self.y)
        return pl.DataFrame({"x": x.ravel(), "y": y.ravel(), "loss": self.losses.ravel()})

    @frame_method
    def path_table(self) -> pl.DataFrame:
        """Return the path as a DataFrame, one row for each of its networks in order: x, y, loss."""
        import polars as pl

        if self.path is None:
            return pl.DataFrame(schema={"x": pl.Float64, "y": pl.Float64, "loss": pl.Float64})
        return pl.DataFrame({"x": self.path[:, 0], "y": self.path[:, 1], "loss": self.path_losses})

    def plot(self, *, axes: Any = None) -> Any:
        """Draw lines of equal loss, the network and its path (needs the `plots` extra).

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.loss_surface(self, axes=axes)

    def __repr__(self) -> str:
        held = "" if self.share is None else f"; holds {self.share:.1%} of the path's variance"
        return f"LossSurface({self.names[0]} x {self.names[1]}, {len(self.x)} x {len(self.y)} points{held})"


@reject_unknown
def loss_surface(
    model: Any,
    data: Any = None,
    y: Any = None,
    *,
    directions: DirectionsName | Sequence[Any] | None = None,
    path: Any = None,
    seed: int = 0,
    reach: float | None = None,
    points: int = POINTS,
    sample_weight: Any = None,
    threads: int | None = None,
    on_progress: OnProgress[StepProgress] = None,
) -> LossSurface:
    """Return the loss over the plane that two weights or two directions span, with the path of training on it.

    The directions of a path are its principal components (Lorch 2016, "Visualizing deep network training trajectories
    with PCA"); random directions are normalized neuron by neuron (Li et al. 2018, "Visualizing the loss landscape of
    neural nets", NeurIPS 31). The loss is that of the data, as for `loss_against_weight`.

    A path has as many dimensions as the network has weights, and the plane shows two of them. `share` is the share of
    the path's variance in the plane. The surface belongs to the plane, which runs through the network as it is.

    Parameters
    ----------
    model : Model, Run or Member
    data, y, sample_weight, threads
        As for `loss_against_weight`.
    directions : {"path", "random"}, two weights or two directions, optional
        By default "path" if there is a path, otherwise "random". A weight is (layer, source, target), as in
        ``[(0, "bill_length_mm", 3), (2, "bias", "Gentoo")]``; a direction has the form of `Model.weights`.
    path : list of weights, optional
        The weights at each step in order, each as `Model.weights`. By default those that the run recorded, if it did.
    seed : int, default 0
        The seed of the random directions.
    reach : float, optional
        How far to go from the network to either side, in units of the axes. By default 1 for random directions, which
        are as long as the weights themselves; otherwise as far as the path goes, and without a path until the loss has
        risen.
    points : int, default 51
        The number of points along each side.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    LossSurface

    Raises
    ------
    PlanError
        If there is no such weight, or a direction or a path does not fit the network.
    TableError
        If the columns or labels are not those the model was trained on.
    CrecheError
        If the loss of the network as it is is not finite.

    Examples
    --------
    >>> import creche as cr
    >>> path = []
    >>> run = cr.train("penguins", label="species", hidden=[5], epochs=8, threads=1,
    ...                on_epoch=lambda epoch: path.append(epoch.run.model.weights))
    >>> surface = cr.explain.loss_surface(run, path=path, points=9, threads=1)
    >>> surface.losses.shape, surface.path.shape, surface.share > 0.9
    ((9, 9), (8, 2), True)

    """
    points, seed = check_whole_number("points", points, at_least=3), check_whole_number("seed", seed, at_least=0)
    if reach is not None and (isinstance(reach, bool) or not isinstance(reach, numbers.Real) or not 0 < reach < np.inf):
        raise PlanError(f"reach: got {reach!r}; needs a number above 0")
    network, evaluator = create_evaluator(model, data, y, sample_weight, threads)
    path = resolve_path(model, path)
    rows = None if path is None else flatten_path("path", path, network.parameters)
    plane = find_plane(network, directions, rows, seed)
    with watch_steps(on_progress):
        return compute_surface(
            evaluator, network.parameters, plane, rows, points, None if reach is None else float(reach)
        )


def compute_surface(
    evaluator: LossEvaluator, parameters: Parameters, plane: Plane, path: Array | None, points: int, reach: float | None
) -> LossSurface:
    """Return the losses over a plane, with a path on it.

    Raises
    ------
    CrecheError
        If the loss at its origin is not finite.

    """
    directions = [parameters.unflatten(direction) for direction in plane.directions]
    here = float(evaluator.losses(step_along(parameters, directions, np.zeros((1, 2))), 1)[0])
    if not np.isfinite(here):
        raise CrecheError(f"the loss of the current network on these rows is {here}, so there is no surface to draw")
    projection = share = path_losses = None
    if path is not None:
        projection, share = project(path, plane.origin, plane.directions)
        path_losses = evaluator.losses(unpack_networks(path, parameters, evaluator.plan.dtype), len(path))
    if reach is not None or plane.kind == "random":
        window = [(-(reach or 1.0), reach or 1.0)] * 2
    elif projection is not None:
        window = _window_around(projection)
    else:
        window = [_range_of_rise(evaluator, parameters, plane, directions[k], here) for k in range(2)]
    x, y = (np.linspace(low, high, points) for low, high in window)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)
    losses = evaluator.losses(step_along(parameters, directions, grid), len(grid)).reshape(points, points)
    on_axes = None if projection is None else projection + plane.offset
    x, y = x + plane.offset[0], y + plane.offset[1]
    return LossSurface(
        x, y, losses, plane.offset.copy(), here, plane.names, plane.kind, directions, on_axes, path_losses, share,
        library=evaluator.library,
    )  # fmt: skip


def _window_around(path: Array) -> list[tuple[float, float]]:
    """Return a window around a path and the network."""
    low, high = np.minimum(path.min(axis=0), 0), np.maximum(path.max(axis=0), 0)
    extent = high - low
    extent = np.maximum(extent, NARROWEST * extent.max() if extent.max() > 0 else 1.0)
    middle, half = (low + high) / 2, extent * (0.5 + MARGIN)
    return [(float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]


def _range_of_rise(
    evaluator: LossEvaluator, parameters: Parameters, plane: Plane, direction: Parameters, here: float
) -> tuple[float, float]:
    """Return how far to go along one direction until the loss has risen."""
    length = float(np.linalg.norm(direction.flatten()))
    scale = 1.0 if plane.kind == "weights" else float(np.linalg.norm(plane.origin)) / length or 1.0
    span = find_range(
        lambda d: evaluator.losses(step_along(parameters, [direction], d.reshape(-1, 1)), len(d)), here, scale
    )
    return span.low, span.high
