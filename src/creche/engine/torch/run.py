"""A run on PyTorch, with the face of the compiled engine's `Solo32` and `Solo64`: callers need not know which it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from creche import _core
from creche.engine.native import Rows, translate
from creche.engine.stored_rows import StoredRows
from creche.engine.torch.arrays import Arrays, RunArrays
from creche.engine.torch.full_memory import full_memory_told
from creche.engine.torch.introspection import pass_rows
from creche.engine.torch.layout import Layout
from creche.engine.torch.losses import LossNumbers
from creche.engine.torch.network import Network
from creche.engine.torch.settings import engine_settings
from creche.engine.torch.shared_steps import Exchange
from creche.engine.torch.stored_rows import StoredDeviceRows, first_rows
from creche.engine.torch.tables import DeviceRows
from creche.engine.torch.trainer import Limits, Trainer
from creche.engine.torch.words import check_words
from creche.plan.plan import Plan

__all__ = ["TorchRun"]


class TorchRun:
    """A plan that is carried out on a device of PyTorch.

    Parameters
    ----------
    plan : Plan
        Its lengths must be resolved (`Plan.resolved`).
    rows, validation : Rows or StoredRows
        Copied to the device, from a file some at a time; `validation` may be None.
    device : str
        As PyTorch spells it: "cpu", "cuda", "cuda:1", "mps".

    """

    def __init__(self, plan: Plan, rows: Rows | StoredRows, validation: Rows | StoredRows | None, device: str) -> None:
        with full_memory_told(torch.device(device)):
            self._begin(plan, rows, validation, device)

    def _begin(self, plan: Plan, rows: Rows | StoredRows, validation: Rows | StoredRows | None, device: str) -> None:
        engine, self._loss = _core.load(), plan.loss.engine_callback()
        self._plan = translated = translate(engine, plan)
        check_words(translated)
        if plan.dtype == "float64":
            assert engine.Solo64  # a build without float64 says so
        self._device = torch.device(device)
        self._dtype = torch.float32 if plan.dtype == "float32" else torch.float64
        self._rows = self._place(rows, "training")
        if isinstance(rows, StoredRows):
            initial = engine.initial_parameters(*first_rows(translated, rows))
        else:
            initial = engine.initial_parameters(translated, rows.x)
        # An empty table is false.
        self._validation = self._place(validation, "validation") if validation else None
        self._numbers = engine.RunNumbers(translated, len(rows))
        layout = Layout(engine.parameter_shapes(translated), self._numbers.groups)
        like = torch.zeros(0, dtype=self._dtype, device=self._device)
        keeps_best = translated.early_stopping.patience > 0
        self._arrays = RunArrays(layout, len(translated.layers), self._numbers.planes, keeps_best, like)
        self._arrays.set_parameters(initial)
        self._network = Network(translated, self._device, plan.precision)
        self._loss_numbers = LossNumbers.of(translated.loss, plan.network.outputs, like)
        self._trainer = Trainer(
            translated, self._network, self._arrays, self._numbers, self._loss_numbers, self._rows, self._validation,
            self._loss,
        )  # fmt: skip

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
        return self._trainer.divergence if self._trainer.status == "diverged" else None

    @property
    def seconds_waited(self) -> float:
        """How long training has waited for rows of a file."""
        return self._rows.seconds_waited if isinstance(self._rows, StoredDeviceRows) else 0.0

    def release_rows(self) -> None:
        """Give back what is needed to read rows from a file, until the run goes on."""
        if isinstance(self._rows, StoredDeviceRows):
            self._rows.release()

    def history(self, first: int = 0) -> Arrays:
        """Return the records of the completed epochs from epoch `first` on."""
        return dict(self._numbers.history(first))

    def parameters(self) -> Arrays:
        """Return copies of all parameters."""
        return self._arrays.layout.to_arrays(self._arrays.weights.flat)

    def set_parameters(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Set all parameters.

        Raises
        ------
        ValueError
            That names an array if one is missing, unknown or of another shape.

        """
        self._arrays.set_parameters(parameters)
        self._trainer.begin_anew()

    def state(self) -> Arrays:
        """Return the whole state, with the names, shapes and types of the compiled engine's."""
        return {**self._arrays.to_state(), **self._numbers.state()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over a state, of this or of the compiled engine.

        Raises
        ------
        ValueError
            If an array is missing or of another shape; the run stays as it was.

        """
        read = self._arrays.read_state(state)
        self._numbers.set_state(dict(state))
        self._arrays.take_over(read)
        self._trainer.begin_anew()

    def join(self, rank: int, count: int, exchange: Exchange | None = None) -> None:
        """Take the next steps together with other processes in the same state, or (count 1) alone.

        Parameters
        ----------
        rank, count : int
        exchange : callable, optional
            As the compiled engine has it.

        """
        self._trainer.join(rank, count, exchange)

    def evaluate(
        self,
        x: NDArray[Any],
        classes: NDArray[np.int32] | None,
        targets: NDArray[Any] | None,
        weights: NDArray[Any] | None = None,
    ) -> tuple[float, float]:
        """Return loss and metric of the current weights, without dropout."""
        rows = self._to_device(Rows(x, classes, targets, weights), "evaluate")
        with engine_settings(self._device, self._network.precision):
            return self._trainer.evaluate(rows)

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
        rows = self._to_device(Rows(x, classes, targets, weights), "introspect")
        arrays = self._arrays
        of = arrays.named(arrays.weights.flat.clone())
        to = arrays.named(torch.zeros_like(of.flat))
        with engine_settings(self._device, self._network.precision):
            found = pass_rows(
                self._network, of, to, self._plan.loss.kind, self._loss_numbers, rows, self._loss, as_step
            )
        return (*found, arrays.layout.to_arrays(to.flat), arrays.layout.to_arrays(of.flat))

    def evaluate_file(self, rows: StoredRows) -> tuple[float, float]:
        """Return loss and metric of the current weights on rows in a file."""
        return self._trainer.evaluate(StoredDeviceRows(rows, self._plan, self._device))

    def _place(self, rows: Rows | StoredRows, what: str) -> DeviceRows | StoredDeviceRows:
        if isinstance(rows, StoredRows):
            return StoredDeviceRows(rows, self._plan, self._device)
        return self._to_device(rows, what)

    def _to_device(self, rows: Rows, what: str) -> DeviceRows:
        return DeviceRows(rows, self._plan, self._dtype, self._device, what)

    def run(
        self, steps: int = -1, epochs: int = -1, seconds: float = -1.0, poll: Callable[[], bool] | None = None
    ) -> str:
        """Continue training, to the end of the plan or for these steps, epochs or seconds (-1: no limit).

        As in the compiled engine, `poll` is called at most every 50 ms; True or an exception stops the run between two
        steps. Returns "running", "finished", "early_stopped", "interrupted" or "diverged".
        """
        end = math.inf if seconds < 0 else time.monotonic() + seconds
        last_step, last_epoch = (-1 if steps < 0 else self.step + steps, -1 if epochs < 0 else self.epoch + epochs)
        with full_memory_told(self._device):
            self._trainer.train(Limits(last_step, last_epoch, end, poll))
        return self._trainer.status
