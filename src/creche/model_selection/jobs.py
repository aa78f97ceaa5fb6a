"""The jobs of a sweep: the plan of each network and the rows it trains on, from the arguments of `creche.train`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from creche._advice import advise, advise_all
from creche.engine.feeding import check_batches_of_file
from creche.engine.job import Job
from creche.engine.memory_checks import check_tables
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows, as_rows, require_memory
from creche.errors import CrecheWarning, PlanError, UnknownArgumentError, nearest
from creche.plan.arguments import DEFAULTS, OPTIMIZER_FIELDS, arguments_in
from creche.plan.losses import Loss
from creche.plan.memory_size import parse_memory
from creche.plan.plan import Plan
from creche.plan.row_order import Windows
from creche.table.bootstrap_sample import resample_rows
from creche.table.folds import Fold, check_fold_arguments, prepare_folds
from creche.table.inspection import TableInspection, inspect_table
from creche.table.on_disk import read_within
from creche.table.prepare import Prepared, prepare
from creche.table.reading.read import is_table, read_table
from creche.training.arguments import (
    TrainArguments,
    create_plan,
    default_loss,
    resolve_early_stopping,
    resolve_loss,
    resolve_optimizer,
    resolve_preparation,
)
from creche.training.large_tables import RowBudget, check_window, left_out_columns
from creche.training.recipes import apply_recipe, check_recipe
from creche.training.watching import create_measure

__all__ = ["ONE_RUN", "EncodedSplit", "Jobs", "SweepArguments", "complete_arguments", "plan_on_fold"]

# The data, and the arguments of `creche.train` that concern a single run.
ONE_RUN = arguments_in("data", "run")

_SHARED_DEFAULTS = {name: default for name, default in DEFAULTS.items() if name not in ONE_RUN}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepArguments(TrainArguments):
    """The arguments of one network of a sweep: those of `creche.train`, and fields of its optimizer."""

    weight_decay: float | None = None
    l1: float | None = None
    momentum: float | None = None
    clip_norm: float | None = None
    clip_value: float | None = None


def complete_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with the defaults of `creche.train` for those that are missing.

    An argument may have several values, which `split_axes` recognizes.

    Raises
    ------
    UnknownArgumentError
        If a name is unknown, or belongs to a single run.

    """
    for name in arguments:
        if name in ONE_RUN:
            raise UnknownArgumentError(
                f"{name}: belongs to a single run of {advise('creche.train')}; leave it out", argument=name
            )
        if name not in _SHARED_DEFAULTS and name not in OPTIMIZER_FIELDS:
            known = [*_SHARED_DEFAULTS, *OPTIMIZER_FIELDS]
            raise UnknownArgumentError(f"{name}: unknown argument; {nearest(name, known)}", argument=name)
    return {**_SHARED_DEFAULTS, **arguments}


def plan_on_fold(plan: Plan) -> Plan:
    """Return the plan of a network on a fold.

    Without early stopping a fold has no validation rows of its own, and the rows that evaluate the network must not
    choose its weights.
    """
    return plan if plan.early_stopping is not None else replace(plan, keep="last")


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSplit:
    """The rows of one split or fold, prepared and encoded in one way.

    Attributes
    ----------
    prepared : Prepared
    rows : Rows or StoredRows
        The training rows.
    validation : Rows, StoredRows or None
    held_out : Rows or None
        The rows of the fold, where early stopping monitors other rows.
    position : dict
        The repeat (if there are several) and the number of the fold.
    test_to_train : float
        The ratio of held-out rows to training rows.

    """

    prepared: Prepared
    rows: Rows | StoredRows
    validation: Rows | StoredRows | None
    held_out: Rows | None = None
    position: dict[str, int] = field(default_factory=dict)
    test_to_train: float = 0.0
    _samples: dict[int, EncodedSplit] = field(default_factory=dict)  # by seed

    def job(self, plan: Plan) -> Job:
        """Return the job of a network on these rows."""
        measure = create_measure(plan, self.prepared, as_rows(self.validation or self.rows), threads=1)
        return Job(plan, self.rows, self.validation, measure)

    def bootstrap_sample(self, seed: int) -> EncodedSplit:
        """Return the split with a bootstrap sample in place of the training rows."""
        if seed not in self._samples:
            preparation = replace(self.prepared.preparation, bootstrap=seed)
            prepared = replace(self.prepared, preparation=preparation)
            rows = resample_rows(require_memory(self.rows, "bootstrap"), seed)
            self._samples[seed] = replace(self, prepared=prepared, rows=rows, _samples={})
        return self._samples[seed]


class Jobs:
    """Creates the plans of a sweep's networks, and prepares the table once for each way in which they need it.

    Parameters
    ----------
    data, y
        As for `creche.train`; a file is read once.
    fixed : dict
        The arguments that all networks share.
    seed : int
        Seed of the split, which is the same for all networks.
    folds : int, optional
        Number of folds, in place of a single split.
    repeats : int, default 1
        How often the rows are divided into folds.
    bootstrap : bool, default False
        Whether each network trains on a bootstrap sample of the training rows, drawn by its seed.
    memory : str or int, optional
        What the table may take, if it is not held in memory, and what the encoded rows may, unless they are on disk.

    Attributes
    ----------
    n_splits : int
        1, or the number of folds of all repeats.

    Raises
    ------
    PlanError
        If `bootstrap` is neither True nor False, or an argument cannot be combined with folds.

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
        memory: str | int | None = None,
    ) -> None:
        if not isinstance(bootstrap, bool | np.bool_):
            raise PlanError(f"bootstrap: got {bootstrap!r}; needs True or False")
        self.bootstrap = bool(bootstrap)
        self.folds, self.repeats = folds, repeats
        self.n_splits = 1 if folds is None else folds * repeats
        if folds is not None:
            check_fold_arguments(fixed)
        read_options = resolve_preparation(SweepArguments.complete(data, {**fixed, "preprocessing": None})).read_options
        self._budget = RowBudget(None if memory is None else parse_memory(memory))
        data = read_within(data, memory, read_options, left_out_columns(fixed["schema"]))
        self._data = read_table(data, read_options) if is_table(data) else data
        self._y = y
        split_seed = seed if fixed["split_seed"] is None else fixed["split_seed"]
        self._fixed = {**fixed, "split_seed": split_seed}
        self._encoded: dict[str, list[EncodedSplit]] = {}
        self._folds: dict[str, tuple[TableInspection, list[Fold]]] = {}

    def create_plan(self, choice: Mapping[str, Any], split: int = 0) -> tuple[Plan, Prepared]:
        """Return the plan, with seed 0, and the prepared table of one combination of values on one of the splits.

        Raises
        ------
        PlanError
            If the plan is invalid: which value, and why.

        """
        try:
            arguments = _with_optimizer(self._arguments({"seed": 0, **choice}))
            encoded = self._encode(arguments)[split]
            plan = create_plan(arguments, encoded.prepared)
            plan = plan if self.folds is None else plan_on_fold(plan)
        except PlanError as error:
            if not choice:
                raise
            raise PlanError(f"{error} (in the network with {advise_all(choice)})", argument=error.argument) from error
        if isinstance(encoded.rows, StoredRows) and self._budget.memory is not None:
            check_window(plan, encoded.rows, self._budget.memory)
        has_validation = encoded.validation is not None
        return plan.resolved(len(encoded.rows), has_validation=has_validation), encoded.prepared

    def create_job(self, plan: Plan, choice: Mapping[str, Any]) -> Job:
        """Return the job of a network on the first split."""
        encoded = self.select_rows(plan.seed, self.encode_split(choice))
        return encoded.job(plan)

    def encode_split(self, choice: Mapping[str, Any], split: int = 0) -> EncodedSplit:
        """Return the rows of one of the splits, encoded as one combination of values needs them."""
        return self._encode(self._arguments(choice))[split]

    def select_rows(self, seed: int, encoded: EncodedSplit) -> EncodedSplit:
        """Return the rows that the network with this seed trains on."""
        return encoded.bootstrap_sample(seed) if self.bootstrap else encoded

    def test_to_train(self, choice: Mapping[str, Any]) -> float:
        """Return the ratio of a fold's held-out rows to its training rows, both averaged over the folds."""
        return self._encode(self._arguments(choice))[0].test_to_train

    def describe_folds(self, choice: Mapping[str, Any]) -> tuple[TableInspection, list[Fold], SweepArguments]:
        """Return the table, its folds and all arguments of one combination of values; there must be folds."""
        arguments = self._arguments({"seed": 0, **choice})
        self._encode(arguments)
        return *self._folds[self._key(arguments)], _with_optimizer(arguments)

    def _arguments(self, choice: Mapping[str, Any]) -> SweepArguments:
        """Return all arguments of one combination of values, those of its recipe among them."""
        arguments = SweepArguments(**{**DEFAULTS, **self._fixed, **choice, "data": self._data, "y": self._y})
        if arguments.shuffle is True and self._budget.memory is not None:
            arguments = replace(arguments, shuffle=Windows())
        if self._budget.memory is not None:
            check_batches_of_file(arguments.submodel_batches)
        if arguments.recipe is None:
            return arguments
        check_recipe(arguments)
        prepared = self._encode(replace(arguments, recipe=None))[0].prepared
        return apply_recipe(arguments, prepared.task, len(prepared.train), on_disk=prepared.is_lazy)

    def _encode(self, arguments: SweepArguments) -> list[EncodedSplit]:
        loss, stops_early, key = resolve_loss(arguments), self._stops_early(arguments), self._key(arguments)
        if key not in self._encoded:
            with warnings.catch_warnings():
                if self._encoded:  # the table was prepared before, and warned of everything then
                    warnings.simplefilter("ignore", CrecheWarning)
                if self.folds is None:
                    self._encoded[key] = [self._encode_single_split(arguments, loss)]
                else:
                    self._folds[key] = self._prepare_folds(arguments, loss, self.folds, stops_early)
                    self._encoded[key] = self._encode_folds(arguments, loss, self._folds[key][1], stops_early)
        return self._encoded[key]

    def _stops_early(self, arguments: SweepArguments) -> bool:
        """Whether networks on folds watch rows of their own."""
        return self.folds is not None and resolve_early_stopping(arguments.early_stopping, True) is not None

    def _key(self, arguments: SweepArguments) -> str:
        """Return what the rows, as networks need them, depend on."""
        preparation = resolve_preparation(arguments)
        parts = preparation.preprocessing, preparation.row_order, resolve_loss(arguments), self._stops_early(arguments)
        return repr(parts)

    def _encode_single_split(self, arguments: SweepArguments, loss: Loss | None) -> EncodedSplit:
        prepared = prepare(
            self._data, self._y, resolve_preparation(arguments), task=arguments.chosen_task, loss=loss, seed=0,
            validation_data=arguments.validation_data, test_data=arguments.test_data, weights=arguments.row_weights,
        )  # fmt: skip
        precision = arguments.chosen_dtype
        if self.bootstrap:
            reason = "samples of the rows are drawn from the encoded rows in memory"
            self._budget.check_fits(prepared, precision, 1, "bootstrap", reason)
        return EncodedSplit(prepared, *self._budget.encode(prepared, loss or default_loss(prepared.task), precision))

    def _prepare_folds(
        self, arguments: SweepArguments, loss: Loss | None, n_folds: int, stops_early: bool
    ) -> tuple[TableInspection, list[Fold]]:
        """Return the table and the folds of all repeats."""
        inspection = inspect_table(
            self._data, self._y, resolve_preparation(arguments), task=arguments.chosen_task, loss=loss,
            weights=arguments.row_weights,
        )  # fmt: skip
        return inspection, prepare_folds(inspection, n_folds, self.repeats, 0, stops_early)

    def _encode_folds(
        self, arguments: SweepArguments, loss: Loss | None, folds: Sequence[Fold], stops_early: bool
    ) -> list[EncodedSplit]:
        """Return one encoded split for each fold of each repeat."""
        ratio = sum(len(fold.held_out) for fold in folds) / sum(fold.n_train for fold in folds)
        splits: list[EncodedSplit] = []
        for fold in folds:
            fold_loss, precision = loss or default_loss(fold.prepared.task), arguments.chosen_dtype
            if not splits:
                reason = f"the networks of a sweep have the encoded rows of all {len(folds)} folds in memory"
                self._budget.check_fits(fold.prepared, precision, len(folds), "folds", reason)
            rows, validation = fold.prepared.encode(fold_loss, precision)
            if not splits:
                check_tables(rows, validation, len(folds))
            held_out = fold.prepared.encode_part(fold.held_out, fold_loss, precision) if stops_early else None
            position = {**({"repeat": fold.repeat} if self.repeats > 1 else {}), "fold": fold.number}
            splits.append(EncodedSplit(fold.prepared, rows, validation, held_out, position, ratio))
        return splits


def _with_optimizer(arguments: SweepArguments) -> SweepArguments:
    """Return the arguments with the optimizer as an object that has its learning rate and its other fields."""
    optimizer = resolve_optimizer(arguments)
    values = {name: getattr(arguments, name) for name in OPTIMIZER_FIELDS if getattr(arguments, name) is not None}
    known = {field.name for field in fields(optimizer)}
    for name in values:
        if name not in known:
            raise PlanError(
                f"{name}: {optimizer.key} has no {name}; leave it out, or choose an optimizer that has one",
                argument=name,
            )
    return replace(arguments, optimizer=replace(optimizer, **values), learning_rate=None)
