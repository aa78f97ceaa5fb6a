"""The best plan of a sweep with folds, as a cross-validation, which leaves a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from creche.engine.hardware import Hardware
from creche.errors import PlanError
from creche.model_selection.cross_validation_result import CrossValidation
from creche.model_selection.fold_statistics import plan_numbers
from creche.model_selection.member import Member
from creche.table.folds import Fold
from creche.training.arguments import TrainArguments
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = ["select_best_folds"]

N_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _PlanFolds:
    """The networks of one plan on all folds."""

    folds: list[Fold]
    arguments: TrainArguments
    hardware: Hardware
    seconds: float
    members: list[list[tuple[int, Member | Run]]]

    def fold_networks(self, fold: int) -> list[tuple[int, Member | Run]]:
        return self.members[fold]


def select_best_folds(colony: Colony) -> CrossValidation:
    """Return the cross-validation of `Colony.best_folds`."""
    layout = colony.fold_layout
    if layout is None or colony.jobs is None:
        raise PlanError("folds: the sweep had none; its best network is `best()`, and `best().model` a model")
    ranking = colony.ranking()
    if not len(ranking):
        colony.raise_no_ranked_member()
    plans = plan_numbers(colony)
    numbers = np.flatnonzero(plans == plans[ranking[0]]).tolist()
    first = colony.choices[numbers[0]]
    inspection, folds, arguments = colony.jobs.describe_folds({name: first[name] for name in colony.varied_arguments})
    members: list[list[tuple[int, Member | Run]]] = [[] for _ in folds]
    for number in numbers:
        choice = colony.choices[number]
        members[(choice.get("repeat", 1) - 1) * layout.folds + choice["fold"] - 1].append(
            (choice["seed"], colony[number])
        )
    hardware = colony.crew.hardware
    arguments = replace(arguments, seed=first["seed"], threads=hardware.threads, device=hardware.device.word)
    networks = _PlanFolds(folds, arguments, hardware, colony.seconds, members)
    return CrossValidation(inspection, networks, N_RESAMPLES)
