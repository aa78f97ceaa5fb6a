"""The training of a run: windows of steps, epochs, limits, and the way back from a loss that is not finite.

What decides, the progress of the run and the coefficients of its steps, is the compiled engine's own (`RunNumbers`).
The host asks the device for the sums of losses once in a window of steps: a loss that is not finite is noticed then,
and the run goes back to the beginning of the epoch and repeats its good steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from creche.engine.torch.arrays import Arrays, RunArrays
from creche.engine.torch.capture import choose_taker
from creche.engine.torch.evaluation import CustomLoss, call_custom_loss, evaluate
from creche.engine.torch.interrupts import held_interrupts
from creche.engine.torch.line_search import Evaluated, LineSearch
from creche.engine.torch.losses import LossNumbers
from creche.engine.torch.network import Network
from creche.engine.torch.rules import NUMBERS_OF_GROUP, flush
from creche.engine.torch.settings import engine_settings
from creche.engine.torch.shared_steps import Exchange, SharedSteps, StoppedError
from creche.engine.torch.step import Step, StepInputs, flush_gradient
from creche.engine.torch.tables import EvaluatedRows, TrainingRows
from creche.engine.torch.windows import Window, Windows

__all__ = ["Limits", "Trainer"]

SECONDS_PER_POLL = 0.05
DECAY_OF_GROUP = 9  # the place of the weight decay among the numbers of a group


@dataclass(frozen=True, slots=True)
class Limits:
    """Where training stops; -1 for no limit.

    Attributes
    ----------
    step, epoch : int
    end : float
        A time of `time.monotonic`.
    poll : callable, or None
        Asked at most every 50 ms whether to stop.

    """

    step: int
    epoch: int
    end: float
    poll: Callable[[], bool] | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at the beginning of an epoch, or where its state was set."""

    trained: list[Tensor]
    numbers: Arrays
    batch: int


class Trainer:
    """Trains the arrays of a run.

    Parameters
    ----------
    plan : Plan
        A plan of the compiled engine.
    network : Network
    arrays : RunArrays
    numbers : RunNumbers
        The numbers of the run, by the compiled engine.
    loss_numbers : LossNumbers
    rows : TrainingRows
        The training rows.
    validation : EvaluatedRows, or None
    loss : callable, or None
        A custom loss.

    Attributes
    ----------
    status : {"running", "finished", "early_stopped", "interrupted", "diverged"}
    divergence : (int, int, float), or None
        Epoch and batch, from 0, and learning rate where training diverged.

    """

    def __init__(
        self,
        plan: Any,
        network: Network,
        arrays: RunArrays,
        numbers: Any,
        loss_numbers: LossNumbers,
        rows: TrainingRows,
        validation: EvaluatedRows | None,
        loss: CustomLoss | None,
    ) -> None:
        self._plan, self._network, self._arrays, self._numbers = plan, network, arrays, numbers
        self._loss_numbers, self._validation, self._loss = loss_numbers, validation, loss
        self._device = rows.device
        self.windows = Windows(plan, network, rows, arrays.weights.flat.dtype)
        self.step = Step(plan, network, arrays, numbers.steps(0)[0].shape[1], rows, loss_numbers)
        self.take = choose_taker(self.step, rows.device, arrays.trained)
        self._line_search = LineSearch(arrays.planes) if plan.optimizer.kind == "lbfgs" else None
        self._members: SharedSteps | None = None
        self.divergence: tuple[int, int, float] | None = None
        self.begin_anew()

    def join(self, rank: int, count: int, exchange: Exchange | None) -> None:
        """Take the next steps together with other processes, or alone."""
        self._members = None
        if exchange is not None and count > 1:
            self._members = SharedSteps(self.step, self._arrays, self._plan.shards, rank, count, exchange)

    def begin_anew(self) -> None:
        """Begin where the arrays and the numbers are, which have been set."""
        self._epoch_begun = False
        self._snapshot: Snapshot | None = None
        self.status = "running"
        if self._numbers.early_stopped:
            self.status = "early_stopped"
        elif self._numbers.epoch >= self._plan.epochs:
            self.status = "finished"

    def evaluate(self, rows: EvaluatedRows) -> tuple[float, float]:
        """Return loss and metric of a table."""
        kind = self._plan.loss.kind
        return evaluate(self._network, self._arrays.weights, kind, self._loss_numbers, rows, self._loss)

    def train(self, limits: Limits) -> None:
        """Train up to the limits; `status` tells how it ended."""
        if self.status == "interrupted":
            self.status = "running"
        self._last_poll = self._clock = time.monotonic()
        try:
            with engine_settings(self._device, self._network.precision), held_interrupts() as self._handle_interrupt:
                self._train(limits)
        finally:
            self._count_seconds()

    def _count_seconds(self) -> None:
        now = time.monotonic()
        self._numbers.add_seconds(now - self._clock)
        self._clock = now

    def _train(self, limits: Limits) -> None:
        has_trained = False
        while self.status == "running":
            if self._numbers.batch_in_epoch == self._numbers.batches:
                self._end_epoch()
            elif self._numbers.epoch >= self._plan.epochs:
                self.status = "finished"
            elif self._is_at(limits) or (has_trained and time.monotonic() >= limits.end):
                return
            elif self._begin_epoch():
                self._take_window(limits)
                has_trained = True

    def _is_at(self, limits: Limits) -> bool:
        return bool(self._numbers.step == limits.step or self._numbers.epoch == limits.epoch)

    def _begin_epoch(self) -> bool:
        """Keep the state at the beginning of an epoch. Returns whether its steps can be taken."""
        if self._epoch_begun:
            return True
        if not self._arrays.are_finite():
            last = self._numbers.batches - 1
            self._go_back(self._numbers.epoch - 1, last, last)
            return False
        trained = [tensor.clone() for tensor in self._arrays.trained]
        self._snapshot = Snapshot(trained, dict(self._numbers.state()), self._numbers.batch_in_epoch)
        self._epoch_begun = True
        return True

    def _next_window(self, steps: int) -> Window:
        return self.windows.take(self._numbers, 1 if self._line_search else steps)

    def _take_window(self, limits: Limits) -> None:
        window = self._next_window(self._numbers.batches if limits.step < 0 else limits.step - self._numbers.step)
        taken = 0
        try:
            while taken < len(window.steps) and self.status == "running":
                may_go_on = self._take_step(window, taken)
                taken += 1
                if not may_go_on or time.monotonic() >= limits.end or self._is_interrupted(limits):
                    break
        except StoppedError:
            self.status = "interrupted"
        finally:
            self._settle(window, taken)

    def _is_interrupted(self, limits: Limits) -> bool:
        now = time.monotonic()
        # With several processes, all stop together, in the exchange of a step.
        if self._members is not None or limits.poll is None or now - self._last_poll < SECONDS_PER_POLL:
            return False
        if self._device.type == "cuda":  # or the host would be many steps ahead
            torch.cuda.synchronize(self._device)
        self._last_poll = time.monotonic()
        self._handle_interrupt()
        if limits.poll():
            self.status = "interrupted"
        return self.status == "interrupted"

    def _take_step(self, window: Window, number: int) -> bool:
        """Take a step of a window. Returns whether the host knows of nothing that is not finite."""
        is_finite = self._compute_step(window, number)
        if self._line_search is None:
            return is_finite
        while not math.isfinite(float(window.sums[number, 0])):  # a point nearer to the accepted one, instead
            if not self._shorten_step(self._line_search):
                return False
            self._compute_step(window, number)
        self._search_line(self._line_search, window)
        return True

    def _compute_step(self, window: Window, number: int) -> bool:
        """Take a step up to its line search, if it has one."""
        inputs, sums = window.steps[number], window.sums[number]
        if self._members is not None:
            return self._members.take(inputs, sums)
        if self._loss is not None:
            return self._take_step_of_custom_loss(self._loss, inputs, sums)
        self.take(inputs, sums)
        return True

    def _shorten_step(self, line_search: LineSearch) -> bool:
        """Go nearer to the accepted point. Returns whether there is one to go to."""
        weights = self._arrays.layout.learned.of(self._arrays.weights.flat)
        scalars = line_search.shorten(weights, self._numbers.scalars)
        if scalars is not None:
            self._numbers.scalars = scalars
        return scalars is not None

    def _take_step_of_custom_loss(self, loss: CustomLoss, inputs: StepInputs, sums: Tensor) -> bool:
        weights = self._arrays.weights.flat
        before = weights.clone() if self._network.has_batch_normalization else None
        rows, z = self.step.forward(inputs)
        try:
            losses, gradient = call_custom_loss(loss, z, rows.labels)
        except BaseException:
            if before is not None:  # running statistics have moved
                weights.copy_(before)
            raise
        gradient = flush_gradient(gradient.mul_(self.step.scale(inputs, rows)))
        self.step.finish(inputs, rows, losses, gradient, sums)
        return bool(torch.isfinite(losses).all())

    def _search_line(self, line_search: LineSearch, window: Window) -> None:
        loss = float(window.sums[0, 0]) / float(window.weights[0])
        numbers, learned = self._numbers, self._arrays.layout.learned
        is_last = numbers.epoch + 1 >= self._plan.epochs and numbers.batch_in_epoch + 1 == numbers.batches
        at = Evaluated(
            learned.of(self._arrays.weights.flat), learned.of(self._arrays.gradients.flat), loss,
            window.learning_rate, self._decays(window), is_last,
        )  # fmt: skip
        self._next_scalars = line_search.step(at, numbers.scalars)

    def _decays(self, window: Window) -> Tensor | None:
        """Return the weight decay of each weight; None if there is none."""
        if self._plan.optimizer.weight_decay == 0:
            return None
        layout = self._arrays.layout
        decays = torch.zeros_like(layout.learned.of(self._arrays.weights.flat))
        for found in layout.regularized:
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
        epoch, batch = self._numbers.epoch, self._numbers.batch_in_epoch
        self._restore()
        self._repeat(batch)
        self._go_back(epoch, batch, batch - 1)

    def _go_back(self, epoch: int, batch: int, good_steps: int) -> None:
        """End with the last finite weights: those now, or those after this many steps of the epoch."""
        self.divergence = epoch, batch, self._numbers.learning_rate
        snapshot = self._snapshot
        if not self._arrays.are_finite() and snapshot is not None and good_steps >= snapshot.batch:
            self._restore()
            self._repeat(good_steps)
        self.status = "diverged"

    def _repeat(self, until: int) -> None:
        while self._numbers.batch_in_epoch < until:
            window = self._next_window(until - self._numbers.batch_in_epoch)
            for number in range(len(window.steps)):
                self._take_step(window, number)
            self._settle(window, len(window.steps))

    def _restore(self) -> None:
        assert self._snapshot is not None
        for tensor, values in zip(self._arrays.trained, self._snapshot.trained, strict=True):
            tensor.copy_(values)
        self._numbers.set_state(self._snapshot.numbers)
        self._epoch_begun = False

    def _end_epoch(self) -> None:
        validation = None
        if self._validation is not None:
            validation = self.evaluate(self._validation)
            if not math.isfinite(validation[0]):
                if self._line_search is not None and self._shorten_step(self._line_search):
                    return  # and the rows are evaluated there
                last = self._numbers.batch_in_epoch - 1
                self._go_back(self._numbers.epoch, last, last)
                return
        arrays = self._arrays
        flush(arrays.planes)
        self._count_seconds()
        improved = self._numbers.finish_epoch(validation)
        if improved and arrays.best is not None:
            arrays.best.copy_(arrays.weights.flat)
        self._epoch_begun = False
        if self._numbers.early_stopped:
            self.status = "early_stopped"
        ended = self._numbers.early_stopped or self._numbers.epoch == self._plan.epochs
        if ended and arrays.best is not None and self._plan.early_stopping.restore_best:
            arrays.weights.flat.copy_(arrays.best)
