"""The subject of a report: a model, and the rows on which it is evaluated fairly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from creche._phrases import format_count
from creche.databases.address import find_database
from creche.errors import CrecheError, CrecheWarning, PlanError, TableError
from creche.model.ensemble import Ensemble
from creche.model.file import load
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.model.provenance import Provenance
from creche.plan.plan import Plan
from creche.plan.words import MissingLabel
from creche.plots.evaluated import EvaluatedRows
from creche.table.digest import compare_tables, describe_table
from creche.table.observations import Observations
from creche.table.partition import Partition
from creche.table.prepare import Prepared
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import is_table, read_table
from creche.table.row_weights import resolve_sample_weights
from creche.table.table import Table
from creche.training.resume import order_columns, prepare_again

__all__ = ["N_RESAMPLES", "ReportSubject", "create_subject", "take_first_rows"]

N_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class ReportSubject:
    """A model and the rows on which it is evaluated.

    Attributes
    ----------
    title : str
    model : Model or Ensemble
    rows : Observations
        The rows of the evaluation.
    part : {"test", "validation", "train", "other"}
        The part of the training table that the rows are; "other" if they come from another table.
    evaluated : EvaluatedRows
    prepared : Prepared or None
        The table, split as for training, if it is the one that the model was trained with.
    source : str
        The name of the table.

    """

    title: str
    model: Model | Ensemble
    rows: Observations
    part: str
    evaluated: EvaluatedRows
    prepared: Prepared | None
    source: str

    @property
    def evaluation(self) -> Any:
        return self.evaluated.evaluation

    @property
    def origin(self) -> Provenance | None:
        return self.model.provenance

    @property
    def label(self) -> str:
        return self.model.labels.name

    @property
    def model_plan(self) -> Plan | None:
        """The plan of the training; None for an ensemble."""
        return self.model.plan if isinstance(self.model, Model) else None

    @property
    def kind(self) -> str:
        """The model in words: "a multilayer perceptron 14-5-5-3 with 118 parameters"."""
        if isinstance(self.model, Model):
            network = self.model.plan.network
            return f"a multilayer perceptron {network} with {network.parameters:,} parameters"
        return f"an ensemble of {format_count(len(self.model.models), 'network')}"

    @property
    def fitted_model(self) -> FittedModel | None:
        """The model, if it is one of `creche.fit`."""
        return self.model if isinstance(self.model, FittedModel) else None

    @property
    def has_out_of_fold(self) -> bool:
        """Whether there are metrics of out-of-fold predictions, which tell more than those of the training rows."""
        known = self.origin is not None and self.origin.is_out_of_fold
        return known or self.fitted_model is not None

    @property
    def is_classification(self) -> bool:
        return self.model.classes is not None

    @property
    def reference_rows(self) -> Observations:
        """The training rows; if the table is another one, the rows of the evaluation in their place."""
        return self.rows if self.prepared is None else self.prepared.train.observations

    @property
    def rows_description(self) -> str:
        """The rows of the evaluation, in words: "the 103 rows held out for validation"."""
        count = format_count(len(self.rows), "row")
        return {
            "test": f"the {count} held out for testing",
            "validation": f"the {count} held out for validation",
            "train": f"the {count} it was trained on",
            "other": f"the {count} of {self.source}",
        }[self.part]


def create_subject(
    model: Model | Ensemble | str | Path,
    data: Any,
    y: Any = None,
    *,
    title: str | None = None,
    sample_weight: Any = None,
    read_options: ReadOptions | None = None,
    missing_label: MissingLabel = "error",
    threads: int | None = None,
) -> ReportSubject:
    """Evaluate a model on the rows of a table that were kept out of its training; on all rows of another table.

    Raises
    ------
    PlanError
        If `model` is neither a model nor the name of its file.
    FileError
        If the model cannot be read.
    TableError
        If the rows cannot be evaluated.

    """
    network = load(model, threads=threads) if isinstance(model, str | Path) else model
    if not isinstance(network, Model | Ensemble):
        raise PlanError(f"model: got {type(network).__name__}; needs a trained model, or the name of a model file")
    if data is None:
        raise TableError("data: is missing; a model does not store rows, so pass rows to evaluate it on")
    name = Path(model).stem if isinstance(model, str | Path) else ""
    source = _table_name(data)
    if is_table(data) and (not isinstance(data, str | Path) or str(data) == "-"):
        data, read_options = read_table(data, read_options), None  # a stream can be read only once
    found = _find_partition(network, data, y, sample_weight, read_options)
    if found is None:
        rows = network.read_observations(data, y, read_options=read_options, missing_label=missing_label)
        found = "other", Partition(rows, resolve_sample_weights(sample_weight, rows)), None
    part, partition, prepared = found
    rows, weights = partition.observations, partition.weights
    evaluated = EvaluatedRows(
        network.evaluate_rows(rows, weights, n_resamples=N_RESAMPLES), network.labels.name, rows.row_numbers
    )
    heading = title or (f"{name}: {network.labels.name}" if name else network.labels.name)
    return ReportSubject(heading, network, rows, part, evaluated, prepared, source)


def _table_name(data: Any) -> str:
    if isinstance(data, Table):
        return data.source
    database = find_database(data)
    if database is not None:
        return database.source
    return Path(data).name if isinstance(data, str | Path) else "the table" if is_table(data) else "the arrays"


def _find_partition(
    network: Model | Ensemble, data: Any, y: Any, sample_weight: Any, read_options: ReadOptions | None
) -> tuple[str, Partition, Prepared | None] | None:
    """Return the part, the rows to evaluate on, and the split table, if the model was trained with this table."""
    origin = network.provenance
    if origin is None:
        return None
    preparation = (
        origin.preparation
        if read_options in (None, ReadOptions())
        else replace(origin.preparation, read_options=read_options)
    )
    if isinstance(sample_weight, str) and sample_weight != preparation.sample_weight:
        return None
    if isinstance(network, Ensemble) and not isinstance(network, FittedModel):
        # Each network may have been trained on other rows; those of folds have learned all rows, but for the last ones
        # where folds go forward in time.
        split = preparation.split
        if split.time is not None if origin.is_out_of_fold else split.seed is None:
            return None
    weights = None if isinstance(sample_weight, str) else sample_weight
    first = network if isinstance(network, Model) else network.models[0]
    names = () if origin.schema is None else [column.name for column in origin.schema.columns]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CrecheWarning)  # the training has shown them
            ordered = order_columns(data, preparation, names, others=False)
            prepared = prepare_again(first.plan, preparation, ordered, y, sample_weight=weights)
            described = describe_table(prepared.training_table(), prepared.side_tables())
            changes = compare_tables(origin.data, described)
    except CrecheError:  # rows of another table may be unfit for training
        return None
    if not changes:
        part, rows = prepared.evaluation_part
        # Class weights are for training: in an evaluation on the training rows, all rows count alike.
        balanced = part == "train" and preparation.class_weight is not None
        return part, Partition(rows.observations) if balanced else rows, prepared
    # If validation rows came in a table of their own, this may be that table or the one with the training rows.
    validation = origin.data.get("beside", {}).get("validation_data")
    if validation is None:
        return None
    everything = Partition(prepared.labelled)
    if described["total"] == validation["total"]:
        return "validation", everything, None
    return ("train", everything, None) if described["total"] == origin.data["total"] else None


def take_first_rows(rows: Observations, limit: int) -> Observations:
    """Return the first rows, at most `limit`."""
    return rows if len(rows) <= limit else rows.take(np.arange(limit))
