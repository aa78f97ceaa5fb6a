"""What each network of a sweep is to do: a plan and the rows it learns, out of the arguments of `rookery.train`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from rookery.colony.choices import OF_THE_OPTIMIZER
from rookery.engine.colony import Job
from rookery.engine.native import Rows
from rookery.errors import PlanError, RookeryWarning, nearest
from rookery.plan.plan import Plan
from rookery.planning import loss_of, optimizer_of, plan_of, preparation_of, suited_loss
from rookery.table.prepare import Prepared, prepare
from rookery.table.read import is_table, read_table
from rookery.table.resample import resampled
from rookery.training import train

__all__ = ["Jobs", "all_arguments"]

# Of `rookery.train`, but about one run.
OF_ONE_RUN = ("data", "y", "plan", "threads", "on_epoch", "on_progress", "checkpoint", "every", "resume")


def all_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `rookery.train` and of its optimizer, by name: those given, and the defaults of the others.

    Raises
    ------
    PlanError
        If one is unknown.

    """
    parameters = signature(train).parameters
    defaults = {name: p.default for name, p in parameters.items() if name not in OF_ONE_RUN}
    for name in given:
        if name not in defaults and name not in OF_THE_OPTIMIZER:
            about_one = "is about one run; it has no place here" if name in OF_ONE_RUN else ""
            raise PlanError(f"{name}: {about_one or f'unknown argument; {nearest(name, defaults)}'}")
    assert Parameter.empty not in defaults.values()
    return {**defaults, **given}


@dataclass(frozen=True, slots=True, eq=False)
class _Encoded:
    prepared: Prepared
    rows: Rows
    validation: Rows | None
    samples: dict[int, _Encoded] = field(default_factory=dict)  # by their seed

    def sample(self, seed: int) -> _Encoded:
        """With a bootstrap sample in place of the training rows."""
        if seed not in self.samples:
            preparation = replace(self.prepared.preparation, bootstrap=seed)
            prepared = replace(self.prepared, preparation=preparation)
            self.samples[seed] = _Encoded(prepared, resampled(self.rows, seed), self.validation)
        return self.samples[seed]


class Jobs:
    """Makes the plans of a sweep's networks, and prepares the table once for each way it is to be prepared.

    Parameters
    ----------
    data, y
        As for `rookery.train`; a file is read once.
    fixed : dict
        The arguments that all networks share.
    seed : int
        Of the split, the same for all.
    bootstrap : bool, default False
        Whether each network learns a bootstrap sample of the training rows, drawn by its seed.

    Raises
    ------
    PlanError
        If `bootstrap` is neither True nor False.

    """

    def __init__(self, data: Any, y: Any, fixed: Mapping[str, Any], seed: int, bootstrap: bool = False) -> None:
        if not isinstance(bootstrap, bool | np.bool_):
            raise PlanError(f"bootstrap: got {bootstrap!r}; needs True or False")
        self.bootstrap = bool(bootstrap)
        reading = preparation_of({**fixed, "encoding": None}).reading
        self._data = read_table(data, reading) if is_table(data) else data
        self._y = y
        split_seed = seed if fixed["split_seed"] is None else fixed["split_seed"]
        self._fixed = {**fixed, "split_seed": split_seed}
        self._encoded: dict[str, _Encoded] = {}

    def planned(self, choice: Mapping[str, Any]) -> Plan:
        """The plan, with seed 0, of one combination of choices.

        Raises
        ------
        PlanError
            If the plan cannot be: which choice, and why.

        """
        given = {**self._fixed, "seed": 0, **choice}
        try:
            given["optimizer"], given["learning_rate"] = _optimizer(given), None
            encoded = self._prepared(given)
            plan = plan_of(given, encoded.prepared)
        except PlanError as error:
            if not choice:
                raise
            said = ", ".join(f"{name}={value!r}" for name, value in choice.items())
            raise PlanError(f"{error} (in the network with {said})") from error
        return plan.resolved(len(encoded.rows))

    def job(self, plan: Plan, choice: Mapping[str, Any]) -> tuple[Job, Prepared]:
        """What the network of a plan is to do, and the table its rows are of."""
        encoded = self._prepared({**self._fixed, **choice})
        if self.bootstrap:
            encoded = encoded.sample(plan.seed)
        return Job(plan, encoded.rows, encoded.validation), encoded.prepared

    def _prepared(self, given: Mapping[str, Any]) -> _Encoded:
        loss = loss_of(given)
        key = f"{given['encoding']!r} {loss!r}"
        if key not in self._encoded:
            weights = given["sample_weight"]
            with warnings.catch_warnings():
                if self._encoded:  # what there is to warn of was said when the table was prepared first
                    warnings.simplefilter("ignore", RookeryWarning)
                prepared = prepare(
                    self._data, self._y, preparation_of(given), task=given["task"], loss=loss, seed=0,
                    validation_data=given["validation_data"], test_data=given["test_data"],
                    weights=None if isinstance(weights, str) else weights,
                )  # fmt: skip
            rows = prepared.rows(loss or suited_loss(prepared.task), given["precision"])
            self._encoded[key] = _Encoded(prepared, *rows)
        return self._encoded[key]


def _optimizer(given: Mapping[str, Any]) -> Any:
    """The optimizer with what was given beside it."""
    optimizer = optimizer_of(given)
    beside = {name: given[name] for name in OF_THE_OPTIMIZER if given.get(name) is not None}
    takes = {f.name for f in fields(optimizer)}
    for name in beside:
        if name not in takes:
            raise PlanError(f"{name}: {optimizer.word} has none; leave it out, or choose an optimizer that has")
    return replace(optimizer, **beside)
