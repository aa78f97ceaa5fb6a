"""The recipe of a fitted model: each configuration that it keeps, as a plan of `creche.train`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from creche.errors import PlanError, nearest
from creche.model.fit_record import TriedConfiguration
from creche.model.fitted import FittedModel
from creche.plan.plan import Plan
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.preparation import Preparation
from creche.training.plan_file import plan_to_arguments

__all__ = ["KeptPlan", "list_kept_plans", "select_plan"]

HELD_OUT = ("validation_fraction", "test_fraction")


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """The plan of one network of a configuration.

    Attributes
    ----------
    tried : TriedConfiguration
        The configuration, with its weight.
    plan : Plan
        That of its first network, for as many epochs as were best; the schedule is that of all epochs.
    preparation : Preparation
        That of the fit, with the preprocessing of the configuration.

    """

    tried: TriedConfiguration
    plan: Plan
    preparation: Preparation

    def to_arguments(self) -> dict[str, Any]:
        """Return the arguments of `creche.train`, as plain data; how many rows are held out is left to its defaults."""
        arguments = plan_to_arguments(self.plan, self.preparation)
        return {
            name: value for name, value in arguments.items() if name not in ("validation_fraction", "test_fraction")
        }


def list_kept_plans(model: FittedModel) -> list[KeptPlan]:
    """Return a plan for each configuration that a fitted model keeps, the one of the highest weight first.

    Raises
    ------
    PlanError
        If the model does not record how its table was prepared.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.fit("penguins", label="species", effort="fast", threads=1)
    >>> best = list_kept_plans(model)[0]
    >>> network = cr.train("penguins", **best.to_arguments(), threads=1)
    >>> network.epoch == best.tried.epoch
    True

    """
    if model.provenance is None:
        raise PlanError("the model does not record how it was fitted; there is no plan to save", argument="save_plan")
    kept = sorted((each for each in model.record.tried if each.weight > 0), key=lambda each: each.number)
    networks = len(model) // len(kept)  # as many of each, in the order of the numbers
    plans = [
        KeptPlan(
            tried,
            replace(model.models[place * networks].plan, epochs=tried.epoch),
            replace(
                model.provenance.preparation,
                preprocessing=Preprocessing.of(tried.arguments.get("preprocessing")),
            ),
        )
        for place, tried in enumerate(kept)
    ]
    return sorted(plans, key=lambda each: (-each.tried.weight, each.tried.number))


def select_plan(model: FittedModel, name: str | None = None) -> KeptPlan:
    """Return the plan of the configuration of this name, or of the highest weight.

    Raises
    ------
    PlanError
        If the model keeps no configuration of this name.

    """
    plans = list_kept_plans(model)
    if name is None:
        return plans[0]
    for each in plans:
        if each.tried.name == name:
            return each
    if any(tried.name == name for tried in model.record.tried):
        raise PlanError(
            f"configuration: {name!r} was tried, but has no weight; choose one of "
            f"{', '.join(each.tried.name for each in plans)}",
            argument="configuration",
        )
    raise PlanError(
        f"configuration: got {name!r}; {nearest(name, [each.tried.name for each in plans])}", argument="configuration"
    )
