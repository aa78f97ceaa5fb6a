"""What is to be recorded, how often, and in how much memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creche.engine.machine import available_memory
from creche.engine.native import gigabytes
from creche.errors import PlanError, nearest
from creche.plan.parts import Part, count, flag

if TYPE_CHECKING:
    from creche.plan.plan import Plan

__all__ = ["Record", "Spacing"]

KEPT = ("weights", "gradients", "activations")
MOMENTS = 200
MOST_MOMENTS = 256  # of a run that may stop early, so that nobody knows how long it is
DEFAULT_BYTES = 2**28
NUMBERS_OF_A_NEURON = 4  # mean, deviation, share of rows silent, share saturated
BYTES_OF_A_NUMBER = 8


@dataclass(frozen=True, slots=True, repr=False)
class Record(Part):
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

    every: int | None = count(None, optional=True)
    weights: bool = flag(True)
    gradients: bool = flag(True)
    activations: bool = flag(True)
    rows: int = count(256)
    max_bytes: int = count(DEFAULT_BYTES)

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
    return gigabytes(size) if size >= 10**8 else f"{size:,} bytes"
