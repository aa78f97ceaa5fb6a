"""What a report is about: a model, and the rows it is fairly judged by."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from creche.errors import CrecheError, CrecheWarning, PlanError, TableError
from creche.model.ensemble import Ensemble
from creche.model.file import load
from creche.model.model import Model
from creche.model.provenance import Provenance
from creche.plan.plan import Plan
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

__all__ = ["ReportSubject", "create_subject", "take_first_rows"]

INTERVALS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class ReportSubject:
    """A model and the rows it is judged by.

    Attributes
    ----------
    title : str
    model : Model or Ensemble
    rows : Observations
        Those it is judged by.
    part : {"test", "validation", "train", "given"}
        Which of the rows it comes from they are; "given" if they are others.
    evaluated : Judged
    prepared : Prepared or None
        The table parted as for training, if it is the one it was trained on and all of its rows are in it.
    source : str
        What the table is called.

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
        """How it was trained; None for several networks together."""
        return self.model.plan if isinstance(self.model, Model) else None

    @property
    def is_of_classes(self) -> bool:
        return self.model.classes is not None

    @property
    def seen(self) -> Observations:
        """The rows that tell what it has seen: those for training, if they are there."""
        return self.rows if self.prepared is None else self.prepared.train.observations

    @property
    def which(self) -> str:
        """The rows it is judged by, in words: "the 103 rows kept for validation"."""
        count = f"{len(self.rows):,} row{'' if len(self.rows) == 1 else 's'}"
        return {
            "test": f"the {count} kept for testing",
            "validation": f"the {count} kept for validation",
            "train": f"the {count} it was trained on",
            "given": f"the {count} of {self.source}",
        }[self.part]


def create_subject(
    model: Model | Ensemble | str | Path,
    data: Any,
    y: Any = None,
    *,
    title: str | None = None,
    sample_weight: Any = None,
    read_options: ReadOptions | None = None,
    missing_label: str = "error",
    threads: int | None = None,
) -> ReportSubject:
    """A model and rows: if they are the table it was trained on, those of them that were kept out.

    Raises
    ------
    PlanError
        If there is no model.
    FileError
        If the model cannot be read.
    TableError
        If the rows cannot be judged.

    """
    network = load(model, threads=threads) if isinstance(model, str | Path) else model
    if not isinstance(network, Model | Ensemble):
        raise PlanError(f"model: got {type(network).__name__}; needs a trained model, or the name of its file")
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to judge it by")
    name = Path(model).stem if isinstance(model, str | Path) else ""
    source = _source_of(data)
    if is_table(data) and (not isinstance(data, str | Path) or str(data) == "-"):
        data, read_options = read_table(data, read_options), None  # what flows can be read but once
    known = _rows_of_training(network, data, y, sample_weight, read_options)
    if known is None:
        rows = network.read_observations(data, y, read_options=read_options, missing_label=missing_label)
        known = "given", Partition(rows, resolve_sample_weights(sample_weight, rows)), None
    part, (rows, weights), prepared = known[0], (known[1].observations, known[1].weights), known[2]
    judged = EvaluatedRows(
        network.evaluate_rows(rows, weights, n_resamples=INTERVALS), network.labels.name, rows.row_numbers
    )
    heading = title or (f"{name}: {network.labels.name}" if name else network.labels.name)
    return ReportSubject(heading, network, rows, part, judged, prepared, source)


def _source_of(data: Any) -> str:
    if isinstance(data, Table):
        return data.source
    return Path(data).name if isinstance(data, str | Path) else "the table" if is_table(data) else "the arrays"


def _rows_of_training(
    network: Model | Ensemble, data: Any, y: Any, sample_weight: Any, read_options: ReadOptions | None
) -> tuple[str, Partition, Prepared | None] | None:
    """If this is a table of the network's training: the rows of it to judge by, and which they are."""
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
    if isinstance(network, Ensemble) and preparation.split.seed is None:
        return None  # each of its networks may have learnt other rows
    weights = None if isinstance(sample_weight, str) else sample_weight
    first = network if isinstance(network, Model) else network.models[0]
    names = () if origin.schema is None else [column.name for column in origin.schema.columns]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CrecheWarning)  # they were told in training
            given = order_columns(data, preparation, names, others=False)
            prepared = prepare_again(first.plan, preparation, given, y, sample_weight=weights)
            described = describe_table(prepared.training_table(), prepared.side_tables())
            changes = compare_tables(origin.data, described)
    except CrecheError:  # other rows need not be ones that can be trained on
        return None
    if not changes:
        part, rows = prepared.evaluation_part
        # Class weights are for learning: where the rows of training judge, they count alike.
        balanced = part == "train" and preparation.class_weight is not None
        return part, Partition(rows.observations) if balanced else rows, prepared
    beside = origin.data.get("beside", {}).get("validation_data")
    if beside is None:
        return None
    everything = Partition(prepared.labelled)  # it had a table of its own for validation: this may be either
    if described["total"] == beside["total"]:
        return "validation", everything, None
    return ("train", everything, None) if described["total"] == origin.data["total"] else None


def take_first_rows(rows: Observations, most: int) -> Observations:
    """The first so many of them."""
    return rows if len(rows) <= most else rows.take(np.arange(most))
