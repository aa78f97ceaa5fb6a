"""What is to be recorded, how often, and in how much memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import available_memory
from creche.engine.introspection import batch_internals
from creche.engine.native import Rows, format_gigabytes
from creche.errors import PlanError, nearest
from creche.plan.activations import Activation
from creche.plan.component import Component, count_field, flag_field
from creche.table.split import hash_sequence
from creche.training.recording import OF_NEURONS, Recording

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

KEPT = ("weights", "gradients", "activations")


MOMENTS = 200


MOST_MOMENTS = 256  # of a run that may stop early, so that nobody knows how long it is


DEFAULT_BYTES = 2**28


NUMBERS_OF_A_NEURON = 4  # mean, deviation, share of rows silent, share saturated


BYTES_OF_A_NUMBER = 8


@dataclass(frozen=True, slots=True, repr=False)
class Record(Component):
    """What `creche.train` is to keep on the way, in `Run.recording`.

    Norms of the weights and of their last update are kept always.

    Parameters
    ----------
    every : int, optional
        Steps between two moments; by default as many as give about 200 moments that fit.
    weights, gradients, activations : bool, default True
        Whether all weights are kept; all gradients, on a sample of the training rows; of each neuron, on the same
        rows, mean and standard deviation of its activation and on how many rows it is silent or saturated.
    rows : int, default 256
        How many training rows are in the sample, chosen by the plan's seed, the same at each moment.
    max_bytes : int, default 2**28
        How much memory the recording may take.

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
        """From None or False (nothing), True (everything), a word or several of what is kept, a dict, or itself.

        Raises
        ------
        PlanError
            If it is none of these.

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
            raise PlanError(f"record: got {choice!r}; needs True, a Record, or some of: {', '.join(KEPT)}")
        chosen = list(words)
        for word in chosen:
            if word not in KEPT:
                raise PlanError(f"record: got {word!r}; {nearest(word, KEPT)}")
        return cls(**{name: name in chosen for name in KEPT})

    def bytes_per_moment(self, plan: Plan) -> int:
        """How much memory one moment of a network takes."""
        network = plan.network
        itemsize = 4 if plan.precision == "float32" else 8
        of_parameters = network.parameters * itemsize * (self.weights + self.gradients)
        neurons = sum(network.widths[1:]) * NUMBERS_OF_A_NEURON if self.activations else 0
        return of_parameters + BYTES_OF_A_NUMBER * (neurons + 2 + 2 * len(network.layers))

    def spacing(self, plan: Plan, rows: int) -> Spacing:
        """How far moments lie apart, and for how many there is to be room.

        Parameters
        ----------
        plan : Plan
        rows : int
            Training rows.

        Raises
        ------
        PlanError
            If the recording would not fit.

        """
        steps = plan.epochs * plan.steps_per_epoch(rows)
        each = self.bytes_per_moment(plan)
        free = available_memory()
        room = self.max_bytes if free is None else min(self.max_bytes, free)
        fit = room // each
        if fit < 2:
            raise PlanError(
                f"record: a recording that would not fit in memory: the beginning and the end alone take "
                f"{_size(2 * each)}, more than {self._limit(free)}; {self._advice(plan)}"
            )
        if self.every is not None:
            moments = steps // self.every + 2  # the beginning, and an end between two strides
            if moments > fit:
                raise PlanError(
                    f"record: a recording that would not fit in memory: {moments:,} moments take "
                    f"{_size(moments * each)}, more than {self._limit(free)}; give every={-(-steps // (fit - 1)):,} or "
                    "more, or leave it out"
                )
            return Spacing(self.every, moments, thinned=False)
        most = min(fit, MOST_MOMENTS)
        may_stop = plan.early_stopping is not None
        stride = 1 if may_stop else max(1, -(-steps // (min(fit, MOMENTS + 2) - 1)))
        return Spacing(stride, max(most, 2), thinned=True)

    def _limit(self, free: int | None) -> str:
        if free is not None and free < self.max_bytes:
            return f"the {_size(free)} available"
        return f"max_bytes={self.max_bytes:,}"

    def _advice(self, plan: Plan) -> str:
        fewer = [name for name in KEPT if getattr(self, name)]
        if len(fewer) > 1 and self.bytes_per_moment(plan) > 2**16:
            return f"keep less than {' and '.join(fewer)}, or raise max_bytes"
        return "raise max_bytes, or train a smaller network"


@dataclass(frozen=True, slots=True)
class Spacing:
    """How far moments lie apart.

    Attributes
    ----------
    stride : int
        Steps between moments, to begin with.
    moments : int
        For how many there is room.
    thinned : bool
        Whether, when there is no room left, every other moment is given up and the stride doubled.

    """

    stride: int
    moments: int
    thinned: bool


def _size(size: int) -> str:
    return format_gigabytes(size) if size >= 10**8 else f"{size:,} bytes"


# Activations that tend to 0 on the left: a neuron that is there on all rows learns nothing more.
CAN_DIE = ("relu", "gelu", "gelu_tanh", "silu", "mish", "softplus")


SILENT = 1e-6  # relu gives exactly 0; the others come near it


CAN_SATURATE = ("tanh", "sigmoid")


LEVEL = 0.05  # of the greatest slope


@dataclass(frozen=True, slots=True, eq=False)
class Neurons:
    """Of each neuron of a layer, on the same rows.

    Attributes
    ----------
    mean, deviation : (width,) float64
        Of its activation.
    silent : (width,) float64
        The share of rows on which it gives 0; NaN where the activation cannot die.
    saturated : (width,) float64
        The share of rows on which its slope f'(z) is less than a twentieth of the greatest; NaN where the activation is
        not level on both sides.

    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    silent: NDArray[np.float64]
    saturated: NDArray[np.float64]


def can_die(activation: Activation) -> bool:
    return activation.key in CAN_DIE


def can_saturate(activation: Activation) -> bool:
    return activation.key in CAN_SATURATE


def describe_neurons(activation: Activation, activations: NDArray[Any]) -> Neurons:
    """What the neurons of a layer do; activations (n, width).

    Examples
    --------
    >>> from creche.plan.activations import Relu
    >>> describe_neurons(Relu(), np.array([[0.0, 1.0], [0.0, 3.0]])).silent
    array([1., 0.])

    """
    a: NDArray[np.float64] = activations.astype(np.float64)
    none = np.full(a.shape[1], np.nan)
    silent = (np.abs(a) < SILENT).mean(axis=0) if can_die(activation) else none
    saturated = (_slope(activation, a) < LEVEL).mean(axis=0) if can_saturate(activation) else none
    with np.errstate(all="ignore"):
        return Neurons(a.mean(axis=0), a.std(axis=0), silent, saturated)


def _slope(activation: Activation, a: NDArray[np.float64]) -> NDArray[np.float64]:
    """f'(z) by a = f(z), as a share of the greatest."""
    return np.asarray(1 - a * a if activation.key == "tanh" else 4 * a * (1 - a))


Layers = Sequence[tuple[NDArray[Any], NDArray[Any]]]


def sample_rows(rows: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """The places of some of the training rows, ascending: those with the lowest numbers hashed from the seed."""
    if rows <= wanted:
        return np.arange(rows)
    return np.sort(np.argpartition(hash_sequence(seed, rows), wanted)[:wanted])


def select_rows(rows: Rows, which: NDArray[np.int64]) -> Rows:
    """Some of the rows, by place."""
    arrays = (rows.x, rows.classes, rows.targets, rows.weights)
    return Rows(*(None if a is None else np.ascontiguousarray(a[which]) for a in arrays))  # type: ignore[arg-type]


class Recorder:
    """Keeps moments of a run: at its beginning, at every so many steps, and at its end.

    It only reads, so it changes no bit of what is learnt.

    Parameters
    ----------
    record : Record
    run : Run
        Its rows and plan are looked at.

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
        self._rows = select_rows(rows, self._sample)
        self._before: tuple[int, Layers] | None = None  # a step, and the weights then
        self._count = 0
        self._kept = self._empty(run)
        self._plan, self._steps_per_epoch = plan, plan.steps_per_epoch(len(rows))
        self._called = run.prepared.train.observations.row_numbers[self._sample]

    def _empty(self, run: Run) -> dict[str, NDArray[Any]]:
        """Room for all moments; the system lends memory only as it is written to."""
        record, plan = self.record, run.plan
        widths, layers = plan.network.widths, len(plan.network.layers)
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "step": ((), np.int64), "loss": ((), np.float64),
            "weight_norm": ((layers,), np.float64), "update_norm": ((layers,), np.float64),
        }  # fmt: skip
        for i in range(layers):
            for name in ("weights", "gradients"):
                if getattr(record, name):
                    shapes[f"{name}.{i}"] = ((widths[i], widths[i + 1]), plan.precision)
                    shapes[f"{name}.{i}.bias"] = ((widths[i + 1],), plan.precision)
            if record.activations:
                shapes |= {f"{name}.{i}": ((widths[i + 1],), np.float64) for name in OF_NEURONS}
        return {name: np.empty((self._room, *shape), kind) for name, (shape, kind) in shapes.items()}

    def next_stop(self, step: int) -> int:
        """The next step at which the run is to be looked at: a moment, or the step before it."""
        due = step // self._stride * self._stride + self._stride
        return due - 1 if due - 1 > step else due

    def look(self, run: Run) -> None:
        """Keeps what is to be kept at the step where the run stands."""
        step = run.step
        if run.status == "diverged":  # weights may have gone back to the last finite ones
            steps = self._kept["step"][: self._count]
            self._count = int(np.searchsorted(steps, step, side="right"))
        last = int(self._kept["step"][self._count - 1]) if self._count else -1
        ended = run.status not in ("running", "interrupted")
        if step > last and not run.is_at_best and (last < 0 or ended or step % self._stride == 0):
            self._take(run, step, ended)
        elif (step + 1) % self._stride == 0 and not ended and (self._before is None or self._before[0] != step):
            self._before = step, run.weights

    def _take(self, run: Run, step: int, ended: bool) -> None:
        while self._is_thinned and self._count == self._room:
            self._thin()
        if self._count == self._room or not (ended or self._count == 0 or step % self._stride == 0):
            return
        kept, at, weights = self._kept, self._count, run.weights
        kept["step"][at] = step
        kept["loss"][at] = run.loss_on(self._rows)
        for i, (w, b) in enumerate(weights):
            kept["weight_norm"][at, i] = _norm(w)
            is_next = self._before is not None and self._before[0] == step - 1
            kept["update_norm"][at, i] = _norm(w - self._before[1][i][0]) if is_next else np.nan  # type: ignore[index]
            self._keep("weights", at, i, w, b)
        if self.record.gradients or self.record.activations:
            with np.errstate(all="ignore"):
                inside = batch_internals(run.plan, weights, self._rows)
            for i, layer in enumerate(run.plan.network.layers):
                self._keep("gradients", at, i, *inside.gradients[i])
                if self.record.activations:
                    neurons = describe_neurons(layer.activation, inside.activations[i])
                    for name in OF_NEURONS:
                        kept[f"{name}.{i}"][at] = getattr(neurons, name)
        self._count += 1
        self._before = (step, weights) if self._stride == 1 else None

    def _keep(self, name: str, at: int, layer: int, w: NDArray[Any], b: NDArray[Any]) -> None:
        if getattr(self.record, name):
            self._kept[f"{name}.{layer}"][at] = w
            self._kept[f"{name}.{layer}.bias"][at] = b

    def _thin(self) -> None:
        """Gives up every other moment, but not the first."""
        self._stride *= 2
        is_kept = self._kept["step"][: self._count] % self._stride == 0
        is_kept[0] = True
        stay = np.flatnonzero(is_kept)
        for array in self._kept.values():
            array[: len(stay)] = array[stay]
        self._count = len(stay)

    @property
    def recording(self) -> Recording:
        """What was kept so far: views of it, so that a run that goes on may thin them out."""
        kept = {name: array[: self._count] for name, array in self._kept.items()}
        for array in kept.values():
            array.flags.writeable = False
        return Recording(self._plan, self._steps_per_epoch, self._called, kept)


def _norm(w: NDArray[Any]) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(w.astype(np.float64)))
