"""Recording a run while it trains: what is recorded, how often, and in how much memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import available_memory
from creche.engine.introspection import batch_internals
from creche.engine.native import Rows, format_gigabytes
from creche.engine.parameters import Parameters, parameter_shapes
from creche.engine.stored_rows import as_rows
from creche.errors import PlanError
from creche.plan.activations import Activation
from creche.plan.component import Component, count_field, flag_field
from creche.plan.words import RecordedQuantity, check_word
from creche.table.split import hash_sequence
from creche.training.recording import NEURON_STATISTICS, Recording

if TYPE_CHECKING:
    from creche.plan.plan import Plan
    from creche.training.run import Run

__all__ = [
    "Neurons",
    "Record",
    "Recorder",
    "Spacing",
    "can_die",
    "can_saturate",
    "describe_neurons",
    "sample_rows",
    "select_rows",
]

QUANTITIES: tuple[RecordedQuantity, ...] = get_args(RecordedQuantity)

TARGET_MOMENTS = 200
MOMENT_LIMIT = 256  # where a run may stop early, so that its length is not known

DEFAULT_BYTES = 2**28
NUMBERS_PER_NEURON = 4  # mean, deviation, share of rows inactive, share saturated
BYTES_PER_NUMBER = 8


@dataclass(frozen=True, slots=True, repr=False)
class Record(Component):
    """What `creche.train` records in `Run.recording` while it trains.

    The norms of the weights and of their last update are always recorded.

    Parameters
    ----------
    every : int, optional
        Steps between two recorded moments; by default as many as give about 200 moments that fit in memory.
    weights : bool, default True
        Whether to record all weights.
    gradients : bool, default True
        Whether to record all gradients, on a sample of the training rows.
    activations : bool, default True
        Whether to record, for each neuron, the mean and standard deviation of its activation on the same rows, and the
        share of rows on which it is inactive or saturated.
    rows : int, default 256
        Training rows in the sample, chosen by the plan's seed and the same at each moment.
    max_bytes : int, default 2**28
        Memory that the recording may take.

    Examples
    --------
    >>> Record.of("weights")
    Record(gradients=False, activations=False)
    >>> Record.of(["weights", "gradients"]) == Record(activations=False)
    True

    """

    every: int | None = count_field(None, optional=True)
    weights: bool = flag_field(True)
    gradients: bool = flag_field(True)
    activations: bool = flag_field(True)
    rows: int = count_field(256)
    max_bytes: int = count_field(DEFAULT_BYTES)

    @classmethod
    def of(cls, choice: object) -> Record | None:
        """Return a `Record` from the argument of `creche.train`; None if nothing is recorded.

        Parameters
        ----------
        choice : Record, str, sequence of str, dict, bool or None
            True for everything, one or several of "weights", "gradients" and "activations", or a dict of fields; None
            or False for nothing.

        Raises
        ------
        PlanError
            If the choice is none of these.

        """
        if choice is None or choice is False:
            return None
        if choice is True:
            return cls()
        if isinstance(choice, cls):
            return choice
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        words = [choice] if isinstance(choice, str) else choice
        if not isinstance(words, Iterable):
            raise PlanError(
                f"record: got {choice!r}; needs True, a Record, or some of {', '.join(QUANTITIES)}", argument="record"
            )
        chosen = [check_word("record", word, QUANTITIES) for word in words]
        return cls(**{name: name in chosen for name in QUANTITIES})

    def bytes_per_moment(self, plan: Plan) -> int:
        """Return the memory that one moment of a network takes, in bytes.

        Parameters
        ----------
        plan : Plan

        """
        network = plan.network
        itemsize = 4 if plan.dtype == "float32" else 8
        parameters = network.parameters * itemsize * (self.weights + self.gradients)
        neurons = sum(network.widths[1:]) * NUMBERS_PER_NEURON if self.activations else 0
        return parameters + BYTES_PER_NUMBER * (neurons + 2 + 2 * len(network.layers))

    def spacing(self, plan: Plan, rows: int) -> Spacing:
        """Return how far apart moments lie, and for how many there is room.

        Parameters
        ----------
        plan : Plan
        rows : int
            Number of training rows.

        Raises
        ------
        PlanError
            If the recording would not fit in memory.

        """
        steps = plan.epochs * plan.steps_per_epoch(rows)
        each = self.bytes_per_moment(plan)
        free = available_memory()
        room = self.max_bytes if free is None else min(self.max_bytes, free)
        fit = room // each
        if fit < 2:
            raise PlanError(
                f"record: the recording would not fit in memory: the first and the last moment alone take "
                f"{_format_size(2 * each)}, more than {self._memory_limit(free)}; {self._suggest_less(plan)}",
                argument="record",
            )
        if self.every is not None:
            moments = steps // self.every + 2  # the first, and a last one between two strides
            if moments > fit:
                raise PlanError(
                    f"record: the recording would not fit in memory: {moments:,} moments take "
                    f"{_format_size(moments * each)}, more than {self._memory_limit(free)}; give "
                    f"every={-(-steps // (fit - 1))} or more, or leave it out",
                    argument="record",
                )
            return Spacing(self.every, moments, thinned=False)
        limit = min(fit, MOMENT_LIMIT)
        may_stop = plan.early_stopping is not None
        stride = 1 if may_stop else max(1, -(-steps // (min(fit, TARGET_MOMENTS + 2) - 1)))
        return Spacing(stride, max(limit, 2), thinned=True)

    def _memory_limit(self, free: int | None) -> str:
        if free is not None and free < self.max_bytes:
            return f"the {_format_size(free)} available"
        return f"max_bytes={self.max_bytes:,}"

    def _suggest_less(self, plan: Plan) -> str:
        recorded = [name for name in QUANTITIES if getattr(self, name)]
        if len(recorded) > 1 and self.bytes_per_moment(plan) > 2**16:
            return f"record less than {' and '.join(recorded)}, or raise max_bytes"
        return "raise max_bytes, or train a smaller network"


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far apart recorded moments lie.

    Attributes
    ----------
    stride : int
        Steps between two moments, at first.
    moments : int
        Moments for which there is room.
    thinned : bool
        Whether every other moment is dropped and the stride doubled when there is no room left.

    """

    stride: int
    moments: int
    thinned: bool


def _format_size(size: int) -> str:
    return format_gigabytes(size) if size >= 10**8 else f"{size:,} bytes"


# Activations that tend to 0 for negative z: a neuron whose z is negative on all rows learns nothing more.
CAN_DIE = ("relu", "gelu", "gelu_tanh", "silu", "mish", "softplus")
INACTIVE = 1e-6  # relu gives exactly 0; the others come near it

CAN_SATURATE = ("tanh", "sigmoid")
FLAT = 0.05  # share of the greatest slope below which an activation counts as flat


@dataclass(frozen=True, slots=True, eq=False)
class Neurons:
    """Statistics of each neuron of a layer, on the same rows.

    Attributes
    ----------
    mean, deviation : (width,) float64
        Mean and standard deviation of its activation.
    inactive : (width,) float64
        Share of rows on which it gives 0; NaN where the activation cannot die.
    saturated : (width,) float64
        Share of rows on which its slope f'(z) is less than a twentieth of the greatest; NaN where the activation is not
        flat on both sides.

    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    inactive: NDArray[np.float64]
    saturated: NDArray[np.float64]


def can_die(activation: Activation) -> bool:
    """Whether a neuron with this activation may give 0 on all rows, and then learn nothing more."""
    return activation.key in CAN_DIE


def can_saturate(activation: Activation) -> bool:
    """Whether this activation is flat on both sides."""
    return activation.key in CAN_SATURATE


def describe_neurons(activation: Activation, activations: NDArray[Any]) -> Neurons:
    """Return statistics of the neurons of a layer from their activations (n, width).

    Examples
    --------
    >>> from creche.plan.activations import Relu
    >>> describe_neurons(Relu(), np.array([[0.0, 1.0], [0.0, 3.0]])).inactive
    array([1., 0.])

    """
    a: NDArray[np.float64] = activations.astype(np.float64)
    none = np.full(a.shape[1], np.nan)
    inactive = (np.abs(a) < INACTIVE).mean(axis=0) if can_die(activation) else none
    saturated = (_slope(activation, a) < FLAT).mean(axis=0) if can_saturate(activation) else none
    with np.errstate(all="ignore"):
        return Neurons(a.mean(axis=0), a.std(axis=0), inactive, saturated)


def _slope(activation: Activation, a: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return f'(z) from a = f(z), as a share of the greatest slope."""
    return np.asarray(1 - a * a if activation.key == "tanh" else 4 * a * (1 - a))


def sample_rows(rows: int, count: int, seed: int) -> NDArray[np.int64]:
    """Return the positions of some of the training rows, ascending: those whose hashes by the seed are the lowest."""
    if rows <= count:
        return np.arange(rows)
    return np.sort(np.argpartition(hash_sequence(seed, rows), count)[:count])


def select_rows(rows: Rows, positions: NDArray[np.int64]) -> Rows:
    """Return the rows at these positions."""
    arrays = (rows.x, rows.classes, rows.targets, rows.weights)
    return Rows(*(None if a is None else np.ascontiguousarray(a[positions]) for a in arrays))  # type: ignore[arg-type]


class Recorder:
    """Records moments of a run: the first, one at regular intervals, and the last.

    It only reads, so it changes no bit of what the network learns.

    Parameters
    ----------
    record : Record
    run : Run
        The run that will be recorded.

    Raises
    ------
    PlanError
        If the recording would not fit in memory.

    """

    def __init__(self, record: Record, run: Run) -> None:
        self.record = record
        plan, rows = run.plan, run.rows
        spacing = record.spacing(plan, len(rows))
        self._stride, self._room, self._is_thinned = spacing.stride, spacing.moments, spacing.thinned
        self._sample = sample_rows(len(rows), record.rows, plan.seed)
        self._rows = select_rows(as_rows(rows), self._sample)
        self._previous: tuple[int, Parameters] | None = None  # a step, and the parameters after it
        self._count = 0
        self._recorded = self._empty(run)
        self._plan, self._steps_per_epoch = plan, plan.steps_per_epoch(len(rows))
        self._library = run.prepared.library
        self._row_numbers = run.prepared.train.observations.row_numbers[self._sample]

    def _empty(self, run: Run) -> dict[str, NDArray[Any]]:
        """Return arrays for all moments; the system lends memory only as it is written to."""
        record, plan = self.record, run.plan
        widths, layers = plan.network.widths, len(plan.network.layers)
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "step": ((), np.int64), "loss": ((), np.float64),
            "weight_norm": ((layers,), np.float64), "update_norm": ((layers,), np.float64),
        }  # fmt: skip
        for quantity in ("weights", "gradients"):
            if getattr(record, quantity):
                of_parts = parameter_shapes(plan).items()
                shapes |= {f"{quantity}.{name}": (shape, plan.dtype) for name, shape in of_parts}
        if record.activations:
            for i, width in enumerate(widths[1:]):
                shapes |= {f"{name}.{i}": ((width,), np.float64) for name in NEURON_STATISTICS}
        return {name: np.empty((self._room, *shape), kind) for name, (shape, kind) in shapes.items()}

    def next_stop(self, step: int) -> int:
        """Return the next step after which to look at the run: that of a moment, or the one before it."""
        due = step // self._stride * self._stride + self._stride
        return due - 1 if due - 1 > step else due

    def look(self, run: Run) -> None:
        """Record the run as it is now, if a moment is due."""
        step = run.step
        if run.status == "diverged":  # weights may have gone back to the last finite ones
            steps = self._recorded["step"][: self._count]
            self._count = int(np.searchsorted(steps, step, side="right"))
        last = int(self._recorded["step"][self._count - 1]) if self._count else -1
        ended = run.status not in ("running", "interrupted")
        if step > last and not run.is_at_best and (last < 0 or ended or step % self._stride == 0):
            self._record(run, step, ended)
        elif (step + 1) % self._stride == 0 and not ended and (self._previous is None or self._previous[0] != step):
            self._previous = step, run.parameters

    def _record(self, run: Run, step: int, ended: bool) -> None:
        while self._is_thinned and self._count == self._room:
            self._thin()
        if self._count == self._room or not (ended or self._count == 0 or step % self._stride == 0):
            return
        recorded, at, parameters = self._recorded, self._count, run.parameters
        recorded["step"][at] = step
        recorded["loss"][at] = run.loss_on(self._rows)
        previous = self._previous[1].layers if self._previous is not None and self._previous[0] == step - 1 else None
        for i, (w, _) in enumerate(parameters.layers):
            recorded["weight_norm"][at, i] = _norm(w)
            recorded["update_norm"][at, i] = np.nan if previous is None else _norm(w - previous[i][0])
        self._store("weights", at, parameters)
        if self.record.gradients or self.record.activations:
            with np.errstate(all="ignore"):
                inside = batch_internals(run.current_plan, parameters, self._rows)
            self._store("gradients", at, inside.gradients)
            if self.record.activations:
                for i, layer in enumerate(run.plan.network.layers):
                    neurons = describe_neurons(layer.activation, inside.activations[i])
                    for name in NEURON_STATISTICS:
                        recorded[f"{name}.{i}"][at] = getattr(neurons, name)
        self._count += 1
        self._previous = (step, parameters) if self._stride == 1 else None

    def _store(self, quantity: str, at: int, parameters: Parameters) -> None:
        if getattr(self.record, quantity):
            for name, array in parameters.items():
                self._recorded[f"{quantity}.{name}"][at] = array

    def _thin(self) -> None:
        """Drop every other moment, but not the first."""
        self._stride *= 2
        is_kept = self._recorded["step"][: self._count] % self._stride == 0
        is_kept[0] = True
        remaining = np.flatnonzero(is_kept)
        for array in self._recorded.values():
            array[: len(remaining)] = array[remaining]
        self._count = len(remaining)

    @property
    def recording(self) -> Recording:
        """The recording so far, as views: a run that continues may thin it out."""
        recorded = {name: array[: self._count] for name, array in self._recorded.items()}
        for array in recorded.values():
            array.flags.writeable = False
        return Recording(self._plan, self._steps_per_epoch, self._row_numbers, recorded, library=self._library)


def _norm(w: NDArray[Any]) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(w.astype(np.float64)))
