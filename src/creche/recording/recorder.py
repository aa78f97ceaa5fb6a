"""The recorder: looks at a run now and then while it trains, and keeps what it sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.inside import inside_of
from creche.engine.native import Rows
from creche.recording.layers import neurons_of
from creche.recording.record import Record
from creche.recording.recording import OF_NEURONS, Recording
from creche.table.split import hashed

if TYPE_CHECKING:
    from creche.run import Run

__all__ = ["Recorder", "sampled", "taken"]

Layers = Sequence[tuple[NDArray[Any], NDArray[Any]]]


def sampled(rows: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """The places of some of the training rows, ascending: those with the lowest numbers hashed from the seed."""
    if rows <= wanted:
        return np.arange(rows)
    return np.sort(np.argpartition(hashed(seed, rows), wanted)[:wanted])


def taken(rows: Rows, which: NDArray[np.int64]) -> Rows:
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
        self._sample = sampled(len(rows), record.rows, plan.seed)
        self._rows = taken(rows, self._sample)
        self._before: tuple[int, Layers] | None = None  # a step, and the weights then
        self._count = 0
        self._kept = self._empty(run)
        self._plan, self._steps_per_epoch = plan, plan.steps_per_epoch(len(rows))
        self._called = run.prepared.train.observations.called[self._sample]

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
                inside = inside_of(run.plan, weights, self._rows)
            for i, layer in enumerate(run.plan.network.layers):
                self._keep("gradients", at, i, *inside.gradients[i])
                if self.record.activations:
                    neurons = neurons_of(layer.activation, inside.activations[i])
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
