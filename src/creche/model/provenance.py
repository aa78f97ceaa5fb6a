"""Provenance: where a model comes from, so that it can be shown, checked and trained again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from creche._displayed import Displayed
from creche._system.atomic_files import file_name
from creche._system.output_files import check_ending, check_outputs
from creche.errors import CrecheError, FileError, TableError
from creche.model.fold_origin import FoldOrigin
from creche.model.history import History
from creche.table.datasets import locate_read_file
from creche.table.preparation import Preparation
from creche.table.schema import Schema
from creche.table.table import Table

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.model.model import Model
    from creche.table.prepare import Prepared

__all__ = ["OUT_OF_FOLD", "Provenance", "check_model_file", "describe_provenance"]

# The part of the rows that an evaluation is of, where each row was predicted by networks that had not learned it.
OUT_OF_FOLD = "out-of-fold"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Provenance(Displayed):
    """The record of a model's training.

    Attributes
    ----------
    preparation : Preparation
        How the table became training rows.
    schema : Schema or None
        The table's columns; None for arrays.
    rows : dict of str to int
        The number of rows in "train", "validation" and "test".
    data : dict
        Digests of the training data, column by column (see `creche.table.digest`).
    weights : str
        The digest of the weights.
    history : History
    evaluation : dict
        The evaluation at the end of training as plain data, and the part of the rows it is of ("on").
    status : str
        How the run ended.
    kept_epoch : int or None
        The epoch, counted from 1, whose weights the model has; None in files of earlier versions.
    steps : int
        The number of steps taken.
    version : str
        The version of Creche that trained the model.
    tables : tuple of Path
        The files of the tables that it was trained with, which no file may overwrite; a model file does not keep them.
    folds : FoldOrigin or None
        The folds of the networks, if it is the ensemble of a cross-validation.
    device : dict of str to str, or None
        What trained it: the name of the GPU, and the versions that its bits depend on; None for the processor, where
        they depend on nothing.

    """

    preparation: Preparation
    schema: Schema | None
    rows: Mapping[str, int]
    data: Mapping[str, Any]
    weights: str
    history: History
    evaluation: Mapping[str, Any]
    status: str
    steps: int
    version: str
    tables: tuple[Path, ...] = ()
    kept_epoch: int | None = None
    folds: FoldOrigin | None = None
    device: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        parts = ", ".join(f"{count:,} {part}" for part, count in self.rows.items())
        return f"Provenance(rows: {parts}; {self.steps:,} steps, {self.status}, Creche {self.version})"

    @property
    def is_out_of_fold(self) -> bool:
        """Whether the evaluation is of out-of-fold predictions, because the model has learned all rows."""
        return self.evaluation.get("on") == OUT_OF_FOLD

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "preparation": self.preparation.to_dict(),
            "schema": None if self.schema is None else self.schema.to_dict(),
            "rows": dict(self.rows),
            "data": dict(self.data),
            "weights": self.weights,
            "history": self.history.to_dict(),
            "evaluation": dict(self.evaluation),
            "status": self.status,
            "steps": self.steps,
            "version": self.version,
            "kept_epoch": self.kept_epoch,
            **({} if self.folds is None else {"folds": self.folds.to_dict()}),
            **({} if self.device is None else {"device": dict(self.device)}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned.

        Parameters
        ----------
        data : dict

        Raises
        ------
        FileError
            If a part is missing or invalid.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"provenance: is {type(data).__name__}; the file was damaged or made by hand")
        kinds = {"rows": dict, "data": dict, "weights": str, "evaluation": dict, "status": str, "steps": int}
        plain: dict[str, Any] = {}
        for name, kind in {**kinds, "version": str}.items():
            plain[name] = data.get(name)
            if not isinstance(plain[name], kind):
                raise FileError(f"provenance: {name} is {plain[name]!r}; the file was damaged or made by hand")
        kept = data.get("kept_epoch")
        if kept is not None and (isinstance(kept, bool) or not isinstance(kept, int) or kept < 0):
            raise FileError(f"provenance: kept_epoch is {kept!r}; the file was damaged or made by hand")
        if not all(isinstance(count, int) and count >= 0 for count in plain["rows"].values()):
            raise FileError(f"provenance: rows are {plain['rows']!r}; the file was damaged or made by hand")
        if not _is_evaluation(plain["evaluation"]):
            raise FileError("provenance: its evaluation holds no intervals; the file was damaged or made by hand")
        try:
            preparation = Preparation.from_dict(data["preparation"])
            schema = None if data["schema"] is None else Schema.from_dict(data["schema"])
            history = History.from_dict(data["history"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, CrecheError):
                raise
            raise FileError(f"provenance: {error!r}; the file was damaged or made by hand") from error
        folds = None if data.get("folds") is None else FoldOrigin.from_dict(data["folds"])
        device = data.get("device")
        if device is not None and not (isinstance(device, dict) and isinstance(device.get("device"), str)):
            raise FileError(f"provenance: device is {device!r}; the file was damaged or made by hand")
        return cls(
            preparation=preparation, schema=schema, history=history, kept_epoch=kept, folds=folds, device=device,
            **plain,
        )  # fmt: skip


def describe_provenance(
    model: Model,
    prepared: Prepared,
    history: History,
    status: str,
    steps: int,
    kept_epoch: int,
    evaluate: Callable[[], AnyEvaluation],
    device: Mapping[str, str] | None,
) -> Provenance:
    """Record how a model was trained on a prepared table; `evaluate` is called for its evaluation.

    An evaluation that a table forbids, such as of a diverged network, is left empty.
    """
    from creche._version import __version__
    from creche.table.digest import describe_table, digest_arrays

    try:
        evaluation = evaluate().to_dict()
    except TableError:  # the weights of a diverged run are finite; its predictions need not be
        evaluation = {}
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    tables = [part.observations.x for part in parts.values() if part is not None]
    files = [locate_read_file(source) for source in dict.fromkeys(t.source for t in tables if isinstance(t, Table))]
    return Provenance(
        preparation=prepared.preparation,
        schema=prepared.schema,
        rows={name: len(part) for name, part in parts.items() if part is not None},
        data=describe_table(prepared.training_table(), prepared.side_tables()),
        weights=digest_arrays(model.arrays()),
        history=history,
        evaluation={"on": prepared.evaluation_part[0], **evaluation},
        status=status,
        steps=steps,
        version=__version__,
        tables=tuple(path for path in files if path is not None),
        kept_epoch=kept_epoch,
        device=device,
    )


def _is_evaluation(data: Mapping[str, Any]) -> bool:
    """Whether the intervals of an evaluation, if any, are pairs of numbers."""
    intervals = data.get("intervals", {})
    return isinstance(intervals, Mapping) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(bound) in (int, float) for bound in pair)
        for pair in intervals.values()
    )


def check_model_file(path: str | os.PathLike[str], provenance: Provenance | None) -> None:
    """Check that a model may be written to a file: one that is not named like a table, and none it was trained with.

    Raises
    ------
    FileError, PlanError

    """
    name = file_name(path)
    check_outputs({"path": name}, {"table": () if provenance is None else provenance.tables})
    check_ending(name, "model file", ".creche")
