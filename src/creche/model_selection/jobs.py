"""What each network of a sweep is to do: a plan and the rows it learns, out of the arguments of `creche.train`."""

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
from creche.table.bootstrap_sample import resample_rows
from creche.table.folds import check_fold_arguments, prepare_folds
from creche.table.inspection import inspect_table
from creche.table.prepare import Prepared, prepare
from creche.table.reading.read import is_table, read_table
from creche.training.arguments import create_plan, default_loss, resolve_loss, resolve_optimizer, resolve_preparation
from creche.training.train import train

__all__ = ["Jobs", "complete_arguments"]

# Of `creche.train`, but about one run.
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


def complete_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `creche.train` and of its optimizer, by name: those given, and the defaults of the others.

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
        read_options = resolve_preparation({**fixed, "preprocessing": None}).read_options
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
        given = {**self._fixed, "seed": 0, **choice}
        try:
            given["optimizer"], given["learning_rate"] = _optimizer(given), None
            encoded = self._prepared(given)[split]
            plan = create_plan(given, encoded.prepared)
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
        return self._prepared({**self._fixed, **choice})[split]

    def of(self, seed: int, encoded: EncodedSplit) -> EncodedSplit:
        """The rows as the network with that seed learns them."""
        return encoded.sample(seed) if self.bootstrap else encoded

    def test_to_train(self, choice: Mapping[str, Any]) -> float:
        """Held-out rows of a fold to its other rows, both as means over the folds."""
        return self._prepared({**self._fixed, **choice})[0].test_to_train

    def _prepared(self, given: Mapping[str, Any]) -> list[EncodedSplit]:
        loss = resolve_loss(given)
        watches = self.folds is not None and EarlyStopping.of(given["early_stopping"]) is not None
        key = f"{given['preprocessing']!r} {loss!r} {watches}"
        if key not in self._encoded:
            with warnings.catch_warnings():
                if self._encoded:  # what there is to warn of was said when the table was prepared first
                    warnings.simplefilter("ignore", CrecheWarning)
                self._encoded[key] = (
                    self._split(given, loss) if self.folds is None else self._parted(given, loss, watches)
                )
        return self._encoded[key]

    def _split(self, given: Mapping[str, Any], loss: Loss | None) -> list[EncodedSplit]:
        weights = given["sample_weight"]
        prepared = prepare(
            self._data, self._y, resolve_preparation(given), task=given["task"], loss=loss, seed=0,
            validation_data=given["validation_data"], test_data=given["test_data"],
            weights=None if isinstance(weights, str) else weights,
        )  # fmt: skip
        return [EncodedSplit(prepared, *prepared.encode(loss or default_loss(prepared.task), given["precision"]))]

    def _parted(self, given: Mapping[str, Any], loss: Loss | None, watches: bool) -> list[EncodedSplit]:
        """One for each fold of each repeat."""
        assert self.folds is not None
        weights = given["sample_weight"]
        survey = inspect_table(
            self._data, self._y, resolve_preparation(given), task=given["task"], loss=loss,
            weights=None if isinstance(weights, str) else weights,
        )  # fmt: skip
        folds = prepare_folds(survey, self.folds, self.repeats, 0, watches)
        ratio = sum(len(fold.held_out) for fold in folds) / sum(fold.n_train for fold in folds)
        found: list[EncodedSplit] = []
        for fold in folds:
            suited, precision = loss or default_loss(fold.prepared.task), given["precision"]
            rows, validation = fold.prepared.encode(suited, precision)
            if not found:
                check_tables(rows, validation, len(folds))
            held_out = fold.prepared.encode_part(fold.held_out, suited, precision) if watches else None
            place = {**({"repeat": fold.repeat} if self.repeats > 1 else {}), "fold": fold.number}
            found.append(EncodedSplit(fold.prepared, rows, validation, held_out, place, ratio))
        return found


def _optimizer(given: Mapping[str, Any]) -> Any:
    """The optimizer with what was given beside it."""
    optimizer = resolve_optimizer(given)
    beside = {name: given[name] for name in OF_THE_OPTIMIZER if given.get(name) is not None}
    takes = {f.name for f in fields(optimizer)}
    for name in beside:
        if name not in takes:
            raise PlanError(f"{name}: {optimizer.key} has none; leave it out, or choose an optimizer that has")
    return replace(optimizer, **beside)
