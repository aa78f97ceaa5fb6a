"""The jobs of a sweep: the plan of each network and the rows it trains on, from the arguments of `creche.train`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from creche.engine.colony import Job, check_tables
from creche.engine.native import Rows
from creche.errors import CrecheWarning, PlanError, nearest
from creche.model_selection.search_space import OF_THE_OPTIMIZER
from creche.plan.losses import Loss
from creche.plan.plan import EarlyStopping, Plan
from creche.table.folds import check_fold_arguments, prepare_folds
from creche.table.prepare import Prepared, inspect_table, prepare, resample_rows
from creche.table.reading.read import is_table, read_table
from creche.training.arguments import create_plan, default_loss, resolve_loss, resolve_optimizer, resolve_preparation
from creche.training.train import train

__all__ = ["Jobs", "complete_arguments"]

# Arguments of `creche.train` that concern a single run.
OF_ONE_RUN = (
    "data",
    "y",
    "plan",
    "threads",
    "on_epoch",
    "on_progress",
    "checkpoint",
    "checkpoint_every",
    "resume",
    "record",
)


def complete_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with the defaults of `creche.train` for those that are missing.

    Raises
    ------
    PlanError
        If a name is unknown, or belongs to a single run.

    """
    parameters = signature(train).parameters
    defaults = {name: p.default for name, p in parameters.items() if name not in OF_ONE_RUN}
    for name in arguments:
        if name in OF_ONE_RUN:
            raise PlanError(f"{name}: belongs to a single run of creche.train; leave it out")
        if name not in defaults and name not in OF_THE_OPTIMIZER:
            raise PlanError(f"{name}: unknown argument; {nearest(name, defaults)}")
    assert Parameter.empty not in defaults.values()
    return {**defaults, **arguments}


@dataclass(frozen=True, slots=True, eq=False)
class EncodedSplit:
    """The rows of one split or fold, prepared and encoded in one way.

    Attributes
    ----------
    prepared : Prepared
    rows : Rows
        The training rows.
    validation : Rows or None
    held_out : Rows or None
        The rows of the fold, where early stopping monitors other rows.
    position : dict
        The repeat (if there are several) and the number of the fold.
    test_to_train : float
        The ratio of held-out rows to training rows.

    """

    prepared: Prepared
    rows: Rows
    validation: Rows | None
    held_out: Rows | None = None
    position: dict[str, int] = field(default_factory=dict)
    test_to_train: float = 0.0
    _samples: dict[int, EncodedSplit] = field(default_factory=dict)  # by seed

    def bootstrap_sample(self, seed: int) -> EncodedSplit:
        """Return the split with a bootstrap sample in place of the training rows."""
        if seed not in self._samples:
            preparation = replace(self.prepared.preparation, bootstrap=seed)
            prepared = replace(self.prepared, preparation=preparation)
            rows = resample_rows(self.rows, seed)
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

    Attributes
    ----------
    n_splits : int
        1, or the number of folds of all repeats.

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
        self.n_splits = 1 if folds is None else folds * repeats
        if folds is not None:
            check_fold_arguments(fixed)
        read_options = resolve_preparation({**fixed, "preprocessing": None}).read_options
        self._data = read_table(data, read_options) if is_table(data) else data
        self._y = y
        split_seed = seed if fixed["split_seed"] is None else fixed["split_seed"]
        self._fixed = {**fixed, "split_seed": split_seed}
        self._encoded: dict[str, list[EncodedSplit]] = {}

    def create_plan(self, choice: Mapping[str, Any], split: int = 0) -> tuple[Plan, Prepared]:
        """Return the plan, with seed 0, and the prepared table of one combination of values on one of the splits.

        Raises
        ------
        PlanError
            If the plan is invalid: which value, and why.

        """
        arguments = {**self._fixed, "seed": 0, **choice}
        try:
            arguments["optimizer"], arguments["learning_rate"] = _resolve_optimizer(arguments), None
            encoded = self._encode(arguments)[split]
            plan = create_plan(arguments, encoded.prepared)
        except PlanError as error:
            if not choice:
                raise
            values = ", ".join(f"{name}={value!r}" for name, value in choice.items())
            raise PlanError(f"{error} (in the network with {values})") from error
        return plan.resolved(len(encoded.rows)), encoded.prepared

    def create_job(self, plan: Plan, choice: Mapping[str, Any]) -> Job:
        """Return the job of a network on the first split."""
        encoded = self.select_rows(plan.seed, self.encode_split(choice))
        return Job(plan, encoded.rows, encoded.validation)

    def encode_split(self, choice: Mapping[str, Any], split: int = 0) -> EncodedSplit:
        """Return the rows of one of the splits, encoded as one combination of values needs them."""
        return self._encode({**self._fixed, **choice})[split]

    def select_rows(self, seed: int, encoded: EncodedSplit) -> EncodedSplit:
        """Return the rows that the network with this seed trains on."""
        return encoded.bootstrap_sample(seed) if self.bootstrap else encoded

    def test_to_train(self, choice: Mapping[str, Any]) -> float:
        """Return the ratio of a fold's held-out rows to its training rows, both averaged over the folds."""
        return self._encode({**self._fixed, **choice})[0].test_to_train

    def _encode(self, arguments: Mapping[str, Any]) -> list[EncodedSplit]:
        loss = resolve_loss(arguments)
        watches = self.folds is not None and EarlyStopping.of(arguments["early_stopping"]) is not None
        key = f"{arguments['preprocessing']!r} {loss!r} {watches}"
        if key not in self._encoded:
            with warnings.catch_warnings():
                if self._encoded:  # the table was prepared before, and warned of everything then
                    warnings.simplefilter("ignore", CrecheWarning)
                if self.folds is None:
                    self._encoded[key] = [self._encode_single_split(arguments, loss)]
                else:
                    self._encoded[key] = self._encode_folds(arguments, loss, self.folds, watches)
        return self._encoded[key]

    def _encode_single_split(self, arguments: Mapping[str, Any], loss: Loss | None) -> EncodedSplit:
        prepared = prepare(
            self._data, self._y, resolve_preparation(arguments), task=arguments["task"], loss=loss, seed=0,
            validation_data=arguments["validation_data"], test_data=arguments["test_data"],
            weights=_weight_array(arguments),
        )  # fmt: skip
        return EncodedSplit(prepared, *prepared.rows(loss or default_loss(prepared.task), arguments["precision"]))

    def _encode_folds(
        self, arguments: Mapping[str, Any], loss: Loss | None, n_folds: int, watches: bool
    ) -> list[EncodedSplit]:
        """Return one encoded split for each fold of each repeat."""
        inspection = inspect_table(
            self._data, self._y, resolve_preparation(arguments), task=arguments["task"], loss=loss,
            weights=_weight_array(arguments),
        )  # fmt: skip
        folds = prepare_folds(inspection, n_folds, self.repeats, 0, watches)
        ratio = sum(len(fold.held_out) for fold in folds) / sum(fold.learnt for fold in folds)
        splits: list[EncodedSplit] = []
        for fold in folds:
            fold_loss, precision = loss or default_loss(fold.prepared.task), arguments["precision"]
            rows, validation = fold.prepared.rows(fold_loss, precision)
            if not splits:
                check_tables(rows, validation, len(folds))
            held_out = fold.prepared.encoded(fold.held_out, fold_loss, precision) if watches else None
            position = {**({"repeat": fold.repeat} if self.repeats > 1 else {}), "fold": fold.number}
            splits.append(EncodedSplit(fold.prepared, rows, validation, held_out, position, ratio))
        return splits


def _weight_array(arguments: Mapping[str, Any]) -> Any:
    """The weights of the rows, unless they are a column of the table."""
    weights = arguments["sample_weight"]
    return None if isinstance(weights, str) else weights


def _resolve_optimizer(arguments: Mapping[str, Any]) -> Any:
    """Return the optimizer, with its fields that are arguments of the sweep."""
    optimizer = resolve_optimizer(arguments)
    values = {name: arguments[name] for name in OF_THE_OPTIMIZER if arguments.get(name) is not None}
    known = {field.name for field in fields(optimizer)}
    for name in values:
        if name not in known:
            raise PlanError(f"{name}: {optimizer.key} has no {name}; leave it out, or choose an optimizer that has one")
    return replace(optimizer, **values)
