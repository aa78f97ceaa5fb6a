"""The colony of a session: many networks that differ in a few settings, trained together."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import format_count
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.outcomes import RUNNING
from creche.model.ensemble import Ensemble
from creche.model_selection.colony import Colony
from creche.studio.protocol.requests import ChangeSettings, StartColony
from creche.studio.protocol.views import ColonyMember, ColonyView, MemberStatus, Settings, WorkStatus
from creche.studio.settings import build_arguments, merge_settings
from creche.studio.state import RefusedError, SessionState
from creche.studio.work import Work
from creche.training.arguments import create_plan

__all__ = ["ColonyWork", "count_epochs", "list_settings"]

MOST_MEMBERS = 2_000
DEFAULT_EPOCHS = 100

STATUSES: dict[str, MemberStatus] = {
    "finished": "finished", "early_stopped": "early_stopped", "stopped": "stopped", "diverged": "diverged",
}  # fmt: skip


class ColonyWork(Work):
    """Trains many networks for their first epochs; each is, bit for bit, the session's network with its settings.

    Parameters
    ----------
    state : SessionState
        The session, whose table, label and roles they share.
    members : sequence of Settings
        The settings of each.
    epochs : int
        How many epochs each is trained.

    Attributes
    ----------
    members : tuple of Settings

    Raises
    ------
    CrecheError
        If settings are invalid, or the networks would not fit into memory.

    """

    name = "colony"

    def __init__(self, state: SessionState, members: Sequence[Settings], epochs: int) -> None:
        super().__init__(state.push)
        self.members = tuple(members)
        self._basis = _basis_of(state)
        self._epochs = epochs
        run, prepared = state.need_live().run, state.prepared
        self._prepared = prepared
        self._has_validation = run.validation is not None
        jobs = []
        for settings in self.members:
            arguments = build_arguments(settings, prepared.task, state.label, state.roles)
            plan = create_plan(arguments, prepared)
            plan = plan.resolved(len(run.rows), has_validation=self._has_validation)
            jobs.append(Job(plan, run.rows, run.validation))
        self._crew = Crew(jobs, Hardware(state.threads))
        self._started = time.monotonic()
        self._seconds = 0.0
        self._ensembles: dict[int, Ensemble] = {}

    def work(self) -> None:
        """Train all members to the last of the epochs."""
        try:
            self._crew.run(self._epochs, self.report)
        finally:
            self._seconds = time.monotonic() - self._started

    def state_of(self, number: int) -> dict[str, NDArray[Any]]:
        """Return the whole state of a member, from which training goes on."""
        return self._crew.state(number)

    def belongs_to(self, state: SessionState) -> bool:
        """Return whether the members were trained on the table, label and roles that the session has now."""
        return self._basis == _basis_of(state)

    def has_member(self, number: int) -> bool:
        """Return whether there is a member of this number."""
        return 0 <= number < len(self.members)

    def ensemble(self, size: int) -> Ensemble:
        """Return an ensemble of members, chosen by their predictions for the validation rows.

        Raises
        ------
        RefusedError
            If they are still in training.
        PlanError
            If no member can be chosen.

        """
        if self.is_running:
            raise RefusedError("busy", "The colony is still in training.", "Wait until it is done, or cancel it.")
        if size not in self._ensembles:
            choices = [{"number": number, "seed": member.seed} for number, member in enumerate(self.members)]
            colony = Colony(self._crew, choices, [self._prepared] * len(self.members))
            self._ensembles[size] = colony.ensemble(size)
        return self._ensembles[size]

    def view(self) -> ColonyView:
        """Return the members with their losses so far, and the curve of each."""
        curves = np.full((len(self.members), self._epochs), np.nan, dtype=np.float32)
        column = "validation_loss" if self._has_validation else "train_loss"
        for number in range(len(self.members)):
            losses = self._crew.history(number)[column][: self._epochs]
            curves[number, : len(losses)] = losses
        done = np.count_nonzero(np.isfinite(curves), axis=1)
        last = [float(curves[n, count - 1]) if count else math.nan for n, count in enumerate(done.tolist())]
        statuses = [self._status_of(number) for number in range(len(self.members))]
        losses_now = np.array([loss if s != "diverged" else math.nan for loss, s in zip(last, statuses, strict=True)])
        ranks = _rank(losses_now)
        members = tuple(
            ColonyMember(
                number=number,
                optimizer=settings.optimizer,
                learning_rate=settings.learning_rate,
                hidden=settings.hidden,
                seed=settings.seed,
                status=statuses[number],
                validation_loss=last[number] if math.isfinite(last[number]) else None,
                rank=ranks[number],
            )
            for number, settings in enumerate(self.members)
        )
        seconds = (time.monotonic() - self._started) if self.is_running else self._seconds
        epochs = [
            self._epochs if status == "diverged" else n for n, status in zip(done.tolist(), statuses, strict=True)
        ]
        status: WorkStatus = "running" if self.is_running else "cancelled" if self.is_cancelled else "finished"
        return ColonyView(
            status=status,
            epoch=sum(epochs) // len(epochs),
            epochs=self._epochs,
            members=members,
            curves=curves,
            networks_per_second=float(done.sum()) / self._epochs / seconds if seconds > 0 else 0.0,
            text=self._write(status, members, seconds),
        )

    def _status_of(self, number: int) -> MemberStatus:
        status = self._crew.status(number)
        if status != RUNNING:
            return STATUSES[status]
        if self._crew.epoch(number) >= self._epochs:
            return "finished"
        return "training" if self.is_running else "stopped"

    def _write(self, status: WorkStatus, members: Sequence[ColonyMember], seconds: float) -> str:
        """Write how the colony is as a sentence."""
        networks, rows = format_count(len(members), "network"), "validation" if self._has_validation else "training"
        if status == "running":
            return f"{networks} train together; curves show the loss of the {rows} rows."
        diverged = sum(member.status == "diverged" for member in members)
        lost = f" {format_count(diverged, 'network')} diverged." if diverged else ""
        best = next((member for member in members if member.rank == 1), None)
        which = "" if best is None else (
            f" Network {best.number + 1} has the lowest loss of the {rows} rows, {best.validation_loss:.4g}: "
            f"{best.optimizer} with a learning rate of {best.learning_rate:.3g}."
        )  # fmt: skip
        return f"{networks} were trained in {seconds:.2g} seconds.{lost}{which}"


def list_settings(settings: Settings, request: StartColony) -> list[Settings]:
    """Return the settings of each member: all combinations of what is asked for, the others as they are.

    Another optimizer brings its own weight decay and L1, as when it is chosen for the network itself.

    Raises
    ------
    RefusedError
        If there are too many, or none.

    """
    if not 1 <= request.seeds <= MOST_MEMBERS:
        raise RefusedError("bad_value", f"Seeds: got {request.seeds}; needs a number from 1 to {MOST_MEMBERS:,}.")
    rates = request.learning_rates or (settings.learning_rate,)
    optimizers, shapes = request.optimizers or (settings.optimizer,), request.hidden or (settings.hidden,)
    count = len(rates) * len(optimizers) * len(shapes) * request.seeds
    if count > MOST_MEMBERS:
        raise RefusedError(
            "too_large", f"These are {count:,} networks; at most {MOST_MEMBERS:,} are shown together.",
            "Choose fewer learning rates, optimizers or seeds.",
        )  # fmt: skip
    combinations = itertools.product(optimizers, shapes, rates, range(request.seeds))
    return [
        merge_settings(
            settings, ChangeSettings(optimizer=optimizer, hidden=hidden, learning_rate=rate, seed=settings.seed + seed)
        )[0]
        for optimizer, hidden, rate, seed in combinations
    ]


def count_epochs(settings: Settings, request: StartColony) -> int:
    """Return how many epochs the members are trained: as asked for, but no more than the network itself.

    Raises
    ------
    RefusedError
        If that is not a number of epochs.

    """
    epochs = min(DEFAULT_EPOCHS, settings.epochs) if request.epochs is None else request.epochs
    if not 1 <= epochs <= settings.epochs:
        raise RefusedError(
            "bad_value",
            f"Epochs: got {epochs:,}; needs a number from 1 to {settings.epochs:,}, the epochs of training.",
        )
    return epochs


def _rank(losses: NDArray[np.float64]) -> list[int | None]:
    """Return the rank of each loss, from 1 for the lowest; None for NaN."""
    ranks: list[int | None] = [None] * len(losses)
    order = [number for number in np.argsort(losses, kind="stable").tolist() if math.isfinite(losses[number])]
    for rank, number in enumerate(order, 1):
        ranks[number] = rank
    return ranks


def _basis_of(state: SessionState) -> tuple[Any, ...]:
    return state.source, state.label, state.chosen_task, tuple(sorted(state.roles.items()))
