"""What each network of a sweep is to do: a plan and the rows it learns, out of the arguments of `creche.train`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from creche.engine.colony import Job, check_tables
from creche.engine.native import Rows
from creche.errors import CrecheWarning, PlanError, UnknownArgumentError, nearest
from creche.plan.arguments import DEFAULTS, OPTIMIZER_FIELDS, arguments_in
from creche.plan.losses import Loss
from creche.plan.plan import EarlyStopping, Plan
from creche.table.bootstrap_sample import resample_rows
from creche.table.folds import check_fold_arguments, prepare_folds
from creche.table.inspection import inspect_table
from creche.table.prepare import Prepared, prepare
from creche.table.reading.read import is_table, read_table
from creche.training.arguments import (
    TrainArguments,
    create_plan,
    default_loss,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
)

__all__ = ["Jobs", "SweepArguments", "complete_arguments"]

_ONE_RUN = arguments_in("data", "run")
_SHARED_DEFAULTS = {name: default for name, default in DEFAULTS.items() if name not in _ONE_RUN}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepArguments(TrainArguments):
    """The arguments of one network of a sweep: those of `creche.train`, and fields of its optimizer."""

    weight_decay: float | None = None
    l1: float | None = None
    momentum: float | None = None
    clip_norm: float | None = None
    clip_value: float | None = None


def complete_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that networks of a sweep share or differ in: those given, and the defaults of the others.

    A value may be several: what `split_axes` tells apart.

    Raises
    ------
    UnknownArgumentError
        If one is unknown, or about one run.

    """
    for name in given:
        if name in _ONE_RUN:
            raise UnknownArgumentError(f"{name}: is about one run, not about many; leave it out", argument=name)
        if name not in _SHARED_DEFAULTS and name not in OPTIMIZER_FIELDS:
            known = [*_SHARED_DEFAULTS, *OPTIMIZER_FIELDS]
            raise UnknownArgumentError(f"{name}: unknown argument; {nearest(name, known)}", argument=name)
    return {**_SHARED_DEFAULTS, **given}


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSplit:
    """The rows of one split, prepared and encoded in one way."""

    prepared: Prepared
    rows: Rows
    validation: Rows | None
    held_out: Rows | None = None  # a fold's rows, where others are watched to stop early
    place: dict[str, int] = field(default_factory=dict)  # which repeat and fold
    test_to_train: float = 0.0
    samples: dict[int, EncodedSplit] = field(default_factory=dict)  # by their seed

    def sample(self, seed: int) -> EncodedSplit:
        """With a bootstrap sample in place of the training rows."""
        if seed not in self.samples:
            preparation = replace(self.prepared.preparation, bootstrap=seed)
            prepared = replace(self.prepared, preparation=preparation)
            self.samples[seed] = replace(self, prepared=prepared, rows=resample_rows(self.rows, seed), samples={})
        return self.samples[seed]


class Jobs:
    """Makes the plans of a sweep's networks, and prepares the table once for each way it is to be prepared.

    Parameters
    ----------
    data, y
        As for `creche.train`; a file is read once.
    fixed : dict
        The arguments that all networks share.
    seed : int
        Of the split, the same for all.
    folds : int, optional
        In place of one split.
    repeats : int, default 1
        How often the folds are dealt out anew.
    bootstrap : bool, default False
        Whether each network learns a bootstrap sample of the training rows, drawn by its seed.

    Attributes
    ----------
    splits : int
        How many there are: 1, or one for each fold of each repeat.

    Raises
    ------
    PlanError
        If `bootstrap` is neither True nor False, or an argument does not go with folds.

    """

    def __init__(
        self,
        data: Any,
        y: Any,
        fixed: Mapping[str, Any],
        seed: int,
        folds: int | None = None,
        repeats: int = 1,
        bootstrap: bool = False,
    ) -> None:
        if not isinstance(bootstrap, bool | np.bool_):
            raise PlanError(f"bootstrap: got {bootstrap!r}; needs True or False")
        self.bootstrap = bool(bootstrap)
        self.folds, self.repeats = folds, repeats
        self.splits = 1 if folds is None else folds * repeats
        if folds is not None:
            check_fold_arguments(fixed)
        read_options = resolve_preparation(SweepArguments.complete(data, {**fixed, "preprocessing": None})).read_options
        self._data = read_table(data, read_options) if is_table(data) else data
        self._y = y
        split_seed = seed if fixed["split_seed"] is None else fixed["split_seed"]
        self._fixed = {**fixed, "split_seed": split_seed}
        self._encoded: dict[str, list[EncodedSplit]] = {}

    def planned(self, choice: Mapping[str, Any], split: int = 0) -> tuple[Plan, Prepared]:
        """The plan, with seed 0, and the prepared table of one combination of choices on one of the splits.

        Raises
        ------
        PlanError
            If the plan cannot be: which choice, and why.

        """
        try:
            arguments = _with_optimizer(self._arguments({"seed": 0, **choice}))
            encoded = self._prepared(arguments)[split]
            plan = create_plan(arguments, encoded.prepared)
        except PlanError as error:
            if not choice:
                raise
            said = ", ".join(f"{name}={value!r}" for name, value in choice.items())
            raise PlanError(f"{error} (in the network with {said})") from error
        return plan.resolved(len(encoded.rows)), encoded.prepared

    def job(self, plan: Plan, choice: Mapping[str, Any]) -> Job:
        """What the network of a plan is to do on the first of the splits."""
        encoded = self.of(plan.seed, self.encoded(choice))
        return Job(plan, encoded.rows, encoded.validation)

    def encoded(self, choice: Mapping[str, Any], split: int = 0) -> EncodedSplit:
        """The rows of one of the splits as one combination of choices has them."""
        return self._prepared(self._arguments(choice))[split]

    def of(self, seed: int, encoded: EncodedSplit) -> EncodedSplit:
        """The rows as the network with that seed learns them."""
        return encoded.sample(seed) if self.bootstrap else encoded

    def test_to_train(self, choice: Mapping[str, Any]) -> float:
        """Held-out rows of a fold to its other rows, both as means over the folds."""
        return self._prepared(self._arguments(choice))[0].test_to_train

    def _arguments(self, choice: Mapping[str, Any]) -> SweepArguments:
        return SweepArguments(**{**DEFAULTS, **self._fixed, **choice, "data": self._data, "y": self._y})

    def _prepared(self, given: SweepArguments) -> list[EncodedSplit]:
        loss = resolve_loss(given)
        watches = self.folds is not None and EarlyStopping.of(given.early_stopping) is not None
        key = f"{given.preprocessing!r} {loss!r} {watches}"
        if key not in self._encoded:
            with warnings.catch_warnings():
                if self._encoded:  # what there is to warn of was said when the table was prepared first
                    warnings.simplefilter("ignore", CrecheWarning)
                self._encoded[key] = (
                    self._split(given, loss) if self.folds is None else self._parted(given, loss, watches)
                )
        return self._encoded[key]

    def _split(self, given: SweepArguments, loss: Loss | None) -> list[EncodedSplit]:
        prepared = prepare(
            self._data, self._y, resolve_preparation(given), task=given.chosen_task, loss=loss, seed=0,
            validation_data=given.validation_data, test_data=given.test_data, weights=given.row_weights,
        )  # fmt: skip
        return [EncodedSplit(prepared, *prepared.encode(loss or default_loss(prepared.task), given.chosen_precision))]

    def _parted(self, given: SweepArguments, loss: Loss | None, watches: bool) -> list[EncodedSplit]:
        """One for each fold of each repeat."""
        assert self.folds is not None
        survey = inspect_table(
            self._data, self._y, resolve_preparation(given), task=given.chosen_task, loss=loss,
            weights=given.row_weights,
        )  # fmt: skip
        folds = prepare_folds(survey, self.folds, self.repeats, 0, watches)
        ratio = sum(len(fold.held_out) for fold in folds) / sum(fold.n_train for fold in folds)
        found: list[EncodedSplit] = []
        for fold in folds:
            suited, precision = loss or default_loss(fold.prepared.task), given.chosen_precision
            rows, validation = fold.prepared.encode(suited, precision)
            if not found:
                check_tables(rows, validation, len(folds))
            held_out = fold.prepared.encode_part(fold.held_out, suited, precision) if watches else None
            place = {**({"repeat": fold.repeat} if self.repeats > 1 else {}), "fold": fold.number}
            found.append(EncodedSplit(fold.prepared, rows, validation, held_out, place, ratio))
        return found


def _with_optimizer(arguments: SweepArguments) -> SweepArguments:
    """Return the arguments with the optimizer as an object that has its learning rate and the fields given besides."""
    optimizer = resolve_optimizer(arguments)
    values = {name: getattr(arguments, name) for name in OPTIMIZER_FIELDS}
    given = {name: value for name, value in values.items() if value is not None}
    takes = {f.name for f in fields(optimizer)}
    for name in given:
        if name not in takes:
            raise PlanError(
                f"{name}: {optimizer.key} has none; leave it out, or choose an optimizer that has", argument=name
            )
    return replace(arguments, optimizer=replace(optimizer, **given), learning_rate=None)
