"""A run on PyTorch, with the face of the compiled engine's `Solo32` and `Solo64`: callers need not know which it is.

What decides, the progress of the run and the coefficients of its steps, is the compiled engine's own (`RunNumbers`);
the arrays are on the device. The host asks the device for the sums of losses once in a window of steps: a loss that is
not finite is noticed then, and the run goes back to the beginning of the epoch and repeats its good steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creche import _core
from creche.engine.native import Rows, translate
from creche.engine.torch.capture import choose_taker
from creche.engine.torch.evaluation import CustomLoss, call_custom_loss, evaluate
from creche.engine.torch.interrupts import held_interrupts
from creche.engine.torch.introspection import pass_rows
from creche.engine.torch.layout import Layout
from creche.engine.torch.line_search import Evaluated, LineSearch
from creche.engine.torch.losses import LossNumbers
from creche.engine.torch.network import NamedTensors, Network
from creche.engine.torch.rules import NUMBERS_OF_GROUP, flush
from creche.engine.torch.settings import engine_settings
from creche.engine.torch.step import Step, StepInputs, flush_gradient
from creche.engine.torch.tables import DeviceRows
from creche.engine.torch.windows import Window, Windows
from creche.engine.torch.words import check_words
from creche.plan.plan import Plan

__all__ = ["TorchRun"]

SECONDS_PER_POLL = 0.05
DECAY_OF_GROUP = 9  # the place of the weight decay among the numbers of a group

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where `run` stops; -1 for no limit."""

    step: int
    epoch: int
    end: float
    poll: Callable[[], bool] | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at the beginning of an epoch, or where its state was set."""

    weights: Tensor
    planes: list[Tensor]
    numbers: Arrays
    batch: int


class TorchRun:
    """A plan that is carried out on a device of PyTorch.

    Parameters
    ----------
    plan : Plan
        Its lengths must be resolved (`Plan.resolved`).
    rows, validation : Rows
        Copied to the device; `validation` may be None.
    device : str
        As PyTorch spells it: "cpu", "cuda", "cuda:1", "mps".

    """

    def __init__(self, plan: Plan, rows: Rows, validation: Rows | None, device: str) -> None:
        self._begin(translate(_core.load(), plan), rows, validation, device, plan.loss.engine_callback())

    @classmethod
    def of_translated(
        cls, plan: Any, rows: Rows, validation: Rows | None, device: str, loss: CustomLoss | None = None
    ) -> TorchRun:
        """Create a run of a plan of the compiled engine; its type is that of x."""
        run = cls.__new__(cls)
        run._begin(plan, rows, validation, device, loss)
        return run

    def _begin(self, plan: Any, rows: Rows, validation: Rows | None, device: str, loss: CustomLoss | None) -> None:
        check_words(plan)
        engine = _core.load()
        self._plan, self._loss = plan, loss
        self._device = torch.device(device)
        self._dtype = torch.float32 if rows.x.dtype == np.float32 else torch.float64
        self._rows = DeviceRows(rows, plan, self._dtype, self._device, "training")
        self._validation = None
        if validation is not None and len(validation):
            self._validation = DeviceRows(validation, plan, self._dtype, self._device, "validation")
        self._numbers = engine.RunNumbers(plan, len(rows))
        self._layout = Layout(engine.parameter_shapes(plan), self._numbers.groups)
        self._network = Network(plan, self._device)
        self._weights = self._named(self._zeros())
        initial = engine.initial_parameters(plan, rows.x)
        self._weights.flat.copy_(self._layout.from_arrays(initial, self._weights.flat, "parameters"))
        self._gradients = self._named(self._zeros())
        self._planes = [torch.full_like(self._weights.flat, value) for value in self._numbers.planes]
        self._best = self._zeros() if plan.early_stopping.patience > 0 else None
        self._loss_numbers = LossNumbers.of(plan.loss, plan.layers[-1].width, self._weights.flat)
        self._windows = Windows(plan, self._network, self._rows, self._dtype)
        self._step = Step(
            plan, self._network, self._layout, self._numbers.steps(0)[0].shape[1], self._rows, self._weights,
            self._gradients, self._planes, self._loss_numbers,
        )  # fmt: skip
        self._take = choose_taker(self._step, self._device, [self._weights.flat, *self._planes])
        self._line_search = LineSearch(self._planes) if plan.optimizer.kind == "lbfgs" else None
        self._status = "running"
        self._divergence: tuple[int, int, float] | None = None
        self._snapshot: Snapshot | None = None
        self._epoch_begun = False

    def _zeros(self) -> Tensor:
        return torch.zeros(self._layout.size, dtype=self._dtype, device=self._device)

    def _named(self, flat: Tensor) -> NamedTensors:
        return NamedTensors.of(flat, self._layout.views(flat), len(self._network.layers))

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return int(self._numbers.epoch)

    @property
    def step(self) -> int:
        """Completed steps."""
        return int(self._numbers.step)

    @property
    def batch_in_epoch(self) -> int:
        """Completed steps of the current epoch."""
        return int(self._numbers.batch_in_epoch)

    @property
    def best_epoch(self) -> int:
        """The epoch, from 0, with the lowest monitored loss; -1 before the first."""
        return int(self._numbers.best_epoch)

    @property
    def learning_rate(self) -> float:
        """The value at the next step."""
        return float(self._numbers.learning_rate)

    @property
    def label_smoothing(self) -> float:
        """The value at the next step."""
        return float(self._numbers.label_smoothing)

    @property
    def divergence(self) -> tuple[int, int, float] | None:
        """Epoch and batch, from 0, and learning rate where training diverged."""
        return self._divergence if self._status == "diverged" else None

    def history(self, first: int = 0) -> Arrays:
        """Return the records of the completed epochs from epoch `first` on."""
        return dict(self._numbers.history(first))

    def parameters(self) -> Arrays:
        """Return copies of all parameters."""
        return self._layout.to_arrays(self._weights.flat)

    def set_parameters(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Set all parameters.

        Raises
        ------
        ValueError
            That names an array if one is missing, unknown or of another shape.

        """
        unknown = next((name for name in parameters if name not in self._layout.shapes), None)
        if unknown is not None:
            raise ValueError(f"parameters: the network has no '{unknown}'; it has {', '.join(self._layout.shapes)}")
        self._weights.flat.copy_(self._layout.from_arrays(parameters, self._weights.flat, "parameters"))
        self._state_changed()

    def state(self) -> Arrays:
        """Return the whole state, with the names, shapes and types of the compiled engine's."""
        flush(self._planes)
        state = self._layout.to_arrays(self._weights.flat, "network.")
        for number, plane in enumerate(self._planes):
            state |= self._layout.to_arrays(plane, f"optimizer.{number}.")
        if self._best is not None:
            state |= self._layout.to_arrays(self._best, "best.")
        return {**state, **self._numbers.state()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a state, of this or of the compiled engine.

        Raises
        ------
        ValueError
            If an array is missing or of another shape; the run stays as it was.

        """
        targets = {"network.": self._weights.flat}
        targets |= {f"optimizer.{number}.": plane for number, plane in enumerate(self._planes)}
        if self._best is not None:
            targets["best."] = self._best
        read = [self._layout.from_arrays(state, target, "state", prefix) for prefix, target in targets.items()]
        self._numbers.set_state(dict(state))
        for target, values in zip(targets.values(), read, strict=True):
            target.copy_(values)
        self._state_changed()

    def _state_changed(self) -> None:
        self._epoch_begun, self._snapshot = False, None
        self._status = "running"
        if self._numbers.early_stopped:
            self._status = "early_stopped"
        elif self.epoch >= self._plan.epochs:
            self._status = "finished"

    def evaluate(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, float]:
        """Return loss and metric of the current weights, without dropout."""
        rows = self._table(x, classes, targets, weights, "evaluate")
        with engine_settings(self._device):
            return self._evaluate(rows)

    def _evaluate(self, rows: DeviceRows) -> tuple[float, float]:
        kind = self._plan.loss.kind
        return evaluate(self._network, self._weights, kind, self._loss_numbers, rows, self._loss)

    def gradients(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, Arrays]:
        """Return the loss of these rows as one batch, without dropout, and its gradient by each parameter."""
        *_, loss, gradients, _ = self.introspect(x, classes, targets, weights)
        return loss, gradients

    def introspect(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
        as_step: bool = False,
    ) -> tuple[
        list[NDArray[Any]], list[NDArray[Any]], list[NDArray[Any]], NDArray[Any], float, Arrays, Arrays,
    ]:  # fmt: skip
        """Return the intermediate results of `gradients`, as the compiled engine does."""
        rows = self._table(x, classes, targets, weights, "introspect")
        of, to = self._named(self._weights.flat.clone()), self._named(self._zeros())
        with engine_settings(self._device):
            found = pass_rows(
                self._network, of, to, self._plan.loss.kind, self._loss_numbers, rows, self._loss, as_step
            )
        return (*found, self._layout.to_arrays(to.flat), self._layout.to_arrays(of.flat))

    def _table(self, x: Any, classes: Any, targets: Any, weights: Any, what: str) -> DeviceRows:
        return DeviceRows(Rows(x, classes, targets, weights), self._plan, self._dtype, self._device, what)

    def run(
        self, steps: int = -1, epochs: int = -1, seconds: float = -1.0, poll: Callable[[], bool] | None = None
    ) -> str:
        """Continue training, to the end of the plan or for these steps, epochs or seconds (-1: no limit).

        As in the compiled engine, `poll` is called at most every 50 ms; True or an exception stops the run between two
        steps. Returns "running", "finished", "early_stopped", "interrupted" or "diverged".
        """
        if self._status == "interrupted":
            self._status = "running"
        end = math.inf if seconds < 0 else time.monotonic() + seconds
        limits = Limits(
            -1 if steps < 0 else self.step + steps, -1 if epochs < 0 else self.epoch + epochs, end, poll
        )  # fmt: skip
        self._last_poll = self._clock = time.monotonic()
        try:
            with engine_settings(self._device), held_interrupts() as self._handle_interrupt:
                self._train(limits)
        finally:
            self._count_seconds()
        return self._status

    def _count_seconds(self) -> None:
        now = time.monotonic()
        self._numbers.add_seconds(now - self._clock)
        self._clock = now

    def _train(self, limits: Limits) -> None:
        has_trained = False
        while self._status == "running":
            if self.batch_in_epoch == self._numbers.batches:
                self._end_epoch()
            elif self.epoch >= self._plan.epochs:
                self._status = "finished"
            elif self._is_at(limits) or (has_trained and time.monotonic() >= limits.end):
                return
            elif self._begin_epoch():
                self._take_window(limits)
                has_trained = True

    def _is_at(self, limits: Limits) -> bool:
        return self.step == limits.step or self.epoch == limits.epoch

    def _begin_epoch(self) -> bool:
        """Keep the state at the beginning of an epoch. Returns whether its steps can be taken."""
        if self._epoch_begun:
            return True
        if not self._weights_are_finite():
            last = self._numbers.batches - 1
            self._go_back(self.epoch - 1, last, last)
            return False
        planes = [plane.clone() for plane in self._planes]
        self._snapshot = Snapshot(
            self._weights.flat.clone(), planes, dict(self._numbers.state()), self.batch_in_epoch
        )  # fmt: skip
        self._epoch_begun = True
        return True

    def _take_window(self, limits: Limits) -> None:
        left = self._plan.epochs * self._numbers.batches if limits.step < 0 else limits.step - self.step
        window = self._windows.take(self._numbers, 1 if self._line_search else left)
        taken = 0
        try:
            while taken < len(window.steps) and self._status == "running":
                self._take_step(window, taken)
                taken += 1
                if time.monotonic() >= limits.end or self._is_interrupted(limits):
                    break
        finally:
            self._settle(window, taken)

    def _is_interrupted(self, limits: Limits) -> bool:
        now = time.monotonic()
        if limits.poll is None or now - self._last_poll < SECONDS_PER_POLL:
            return False
        if self._device.type == "cuda":  # or the host would be many steps ahead
            torch.cuda.synchronize(self._device)
        self._last_poll = time.monotonic()
        self._handle_interrupt()
        if limits.poll():
            self._status = "interrupted"
        return self._status == "interrupted"

    def _take_step(self, window: Window, number: int) -> None:
        inputs, sums = window.steps[number], window.sums[number]
        if self._loss is None:
            self._take(inputs, sums)
        else:
            self._take_step_of_custom_loss(self._loss, inputs, sums)
        if self._line_search is not None:
            self._search_line(window)

    def _take_step_of_custom_loss(self, loss: CustomLoss, inputs: StepInputs, sums: Tensor) -> None:
        before = self._weights.flat.clone() if self._network.has_batch_normalization else None
        rows, z = self._step.forward(inputs)
        try:
            losses, gradient = call_custom_loss(loss, z, rows.labels)
        except BaseException:
            if before is not None:  # running statistics have moved
                self._weights.flat.copy_(before)
            raise
        gradient = flush_gradient(gradient.mul_(self._step.scale(inputs, rows)))
        self._step.finish(inputs, rows, losses, gradient, sums)

    def _search_line(self, window: Window) -> None:
        loss = float(window.sums[0, 0]) / float(window.weights[0])
        if not math.isfinite(loss):
            return  # the window is settled next
        numbers = self._numbers
        assert self._line_search is not None
        learned = self._layout.learned
        is_last = numbers.epoch + 1 >= self._plan.epochs and numbers.batch_in_epoch + 1 == numbers.batches
        at = Evaluated(
            learned.of(self._weights.flat), learned.of(self._gradients.flat), loss, window.learning_rate,
            self._decays(window), is_last,
        )  # fmt: skip
        self._next_scalars = self._line_search.step(at, numbers.scalars)

    def _decays(self, window: Window) -> Tensor | None:
        """Return the weight decay of each weight; None if there is none."""
        if self._plan.optimizer.weight_decay == 0:
            return None
        decays = torch.zeros_like(self._layout.learned.of(self._weights.flat))
        for found in self._layout.regularized:
            found.of(decays).fill_(window.steps[0].numbers[found.group * NUMBERS_OF_GROUP + DECAY_OF_GROUP])
        return decays

    def _settle(self, window: Window, taken: int) -> None:
        """Count the steps of a window that were taken, up to the first whose loss is not finite."""
        sums = window.sums[:taken].cpu().to(torch.float64).numpy()
        wrong = np.flatnonzero(~np.isfinite(sums[:, 0]))
        good = int(wrong[0]) if len(wrong) else taken
        for (loss_sum, metric_sum), weight in zip(sums[:good].tolist(), window.weights[:good].tolist(), strict=True):
            self._numbers.count_step(loss_sum, weight, metric_sum)
        if self._line_search is not None and good:
            self._numbers.scalars = self._next_scalars
        if len(wrong):
            self._leave_wrong_steps()

    def _leave_wrong_steps(self) -> None:
        """Go back to before the first step whose loss is not finite."""
        epoch, batch = self.epoch, self.batch_in_epoch
        self._restore()
        self._repeat(batch)
        self._go_back(epoch, batch, batch - 1)

    def _go_back(self, epoch: int, batch: int, good_steps: int) -> None:
        """End with the last finite weights: those now, or those after this many steps of the epoch."""
        self._divergence = epoch, batch, self.learning_rate
        snapshot = self._snapshot
        if not self._weights_are_finite() and snapshot is not None and good_steps >= snapshot.batch:
            self._restore()
            self._repeat(good_steps)
        self._status = "diverged"

    def _repeat(self, until: int) -> None:
        while self.batch_in_epoch < until:
            window = self._windows.take(self._numbers, 1 if self._line_search else until - self.batch_in_epoch)
            for number in range(len(window.steps)):
                self._take_step(window, number)
            self._settle(window, len(window.steps))

    def _restore(self) -> None:
        assert self._snapshot is not None
        self._weights.flat.copy_(self._snapshot.weights)
        for plane, values in zip(self._planes, self._snapshot.planes, strict=True):
            plane.copy_(values)
        self._numbers.set_state(self._snapshot.numbers)
        self._epoch_begun = False

    def _weights_are_finite(self) -> bool:
        return bool(torch.isfinite(self._weights.flat).all())

    def _end_epoch(self) -> None:
        validation = None
        if self._validation is not None:
            validation = self._evaluate(self._validation)
            if not math.isfinite(validation[0]):
                self._go_back(self.epoch, self.batch_in_epoch - 1, self.batch_in_epoch - 1)
                return
        flush(self._planes)
        self._count_seconds()
        improved = self._numbers.finish_epoch(validation)
        if improved and self._best is not None:
            self._best.copy_(self._weights.flat)
        self._epoch_begun = False
        if self._numbers.early_stopped:
            self._status = "early_stopped"
        ended = self._numbers.early_stopped or self.epoch == self._plan.epochs
        if ended and self._best is not None and self._plan.early_stopping.restore_best:
            self._weights.flat.copy_(self._best)
