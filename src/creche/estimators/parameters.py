"""Parameters within parameters: ``optimizer__learning_rate`` reaches into the plan's parts, as searches want to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Self

from sklearn.base import BaseEstimator

from creche.errors import PlanError, nearest
from creche.plan.activations import ACTIVATIONS
from creche.plan.initializers import INITIALIZERS
from creche.plan.losses import LOSSES
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.parts import Part
from creche.plan.plan import EarlyStopping
from creche.plan.schedules import SCHEDULES

__all__ = ["WithParts"]

# What turns a parameter (a word, a dict, a part) into a part.
PARTS: dict[str, Callable[[Any], Part | None]] = {
    "activation": ACTIVATIONS.of,
    "early_stopping": EarlyStopping.of,
    "initializer": INITIALIZERS.of,
    "loss": LOSSES.of,
    "optimizer": OPTIMIZERS.of,
    "schedule": SCHEDULES.of,
}


class WithParts(BaseEstimator):  # type: ignore[misc]
    """An estimator some of whose parameters are parts of a plan."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name.

        Parameters
        ----------
        deep : bool, default True
            Also what is within those that are objects: ``optimizer__learning_rate`` of ``optimizer=cr.Adam()``.

        Returns
        -------
        dict

        """
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            for name in PARTS:
                part = params.get(name)
                if isinstance(part, Part):
                    params |= {f"{name}__{field.name}": getattr(part, field.name) for field in fields(part)}
        return params

    def set_params(self, **params: Any) -> Self:
        """Sets parameters, also those within others: ``optimizer__beta1=0.8`` keeps what else the optimizer has.

        Parameters
        ----------
        **params

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such parameter.

        """
        within = {name: params.pop(name) for name in list(params) if name.partition("__")[0] in PARTS and "__" in name}
        super().set_params(**params)
        for name, value in within.items():
            outer, _, inner = name.partition("__")
            part = PARTS[outer](getattr(self, outer))
            known = [] if part is None else [field.name for field in fields(part)]
            if part is None or inner not in known:
                raise PlanError(f"{name}: there is no such parameter of {outer}={part!r}; {nearest(inner, known)}")
            setattr(self, outer, replace(part, **{inner: value}))
        return self
