"""The plan of a network as hyperparameters: single values by name, as trackers list and compare them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from creche.plan.plan import Plan
from creche.table.preparation import Preparation
from creche.training.plan_file import plan_to_arguments

__all__ = ["Hyperparameter", "flatten", "list_hyperparameters"]

Hyperparameter: TypeAlias = bool | int | float | str


def list_hyperparameters(plan: Plan, preparation: Preparation) -> dict[str, Hyperparameter]:
    """Return the arguments of `creche.train` that make a network, as single values.

    Parameters
    ----------
    plan : Plan
    preparation : Preparation

    Returns
    -------
    dict of str to bool, int, float or str
        What an argument holds has a dot in its name, and a list is JSON text.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5], epochs=3, threads=1)
    >>> found = list_hyperparameters(run.plan, run.prepared.preparation)
    >>> found["hidden"], found["optimizer.kind"], found["epochs"]
    ('[5]', 'adam', 3)

    """
    return dict(flatten(plan_to_arguments(plan, replace(preparation, bootstrap=None))))


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Hyperparameter]]:
    """Return the single values in plain data, each with its name; what is None is left out."""
    flat: list[tuple[str, Hyperparameter]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat += flatten(value, f"{prefix}{name}.")
        elif isinstance(value, bool | int | float | str):
            flat.append((f"{prefix}{name}", value))
        elif value is not None:
            flat.append((f"{prefix}{name}", json.dumps(value, ensure_ascii=False, default=str)))
    return flat
