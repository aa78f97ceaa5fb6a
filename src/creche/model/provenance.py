"""Provenance: where a model comes from, so that it can be shown, judged and made again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from creche.errors import CrecheError, FileError, TableError
from creche.model.history import History
from creche.table.preparation import Preparation
from creche.table.schema import Schema

if TYPE_CHECKING:
    from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
    from creche.model.model import Model
    from creche.table.prepare import Prepared

__all__ = ["Provenance", "describe_provenance"]


@dataclass(frozen=True, slots=True, eq=False)
class Provenance:
    """What is known of a model's training.

    Attributes
    ----------
    preparation : Preparation
        How the table became training rows.
    schema : Schema or None
        The table's columns; None for arrays.
    rows : dict
        How many rows were for "train", "validation" and "test".
    data : dict
        Digests of what was trained on, column by column (see `creche.table.digest`).
    weights : str
        The digest of the weights.
    history : History
    evaluation : dict
        How good the model was, and on which part of the rows ("on").
    status : str
        How the run ended.
    steps : int
    version : str
        Of the Creche that trained it.

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

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
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
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described.

        Raises
        ------
        FileError
            If it cannot be.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"provenance: is {type(data).__name__}; the file was damaged or made by hand")
        kinds = {"rows": dict, "data": dict, "weights": str, "evaluation": dict, "status": str, "steps": int}
        plain: dict[str, Any] = {}
        for name, kind in {**kinds, "version": str}.items():
            plain[name] = data.get(name)
            if not isinstance(plain[name], kind):
                raise FileError(f"provenance: {name} is {plain[name]!r}; the file was damaged or made by hand")
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
        return cls(preparation=preparation, schema=schema, history=history, **plain)


def describe_provenance(
    model: Model,
    prepared: Prepared,
    history: History,
    status: str,
    steps: int,
    judge: Callable[[], ClassificationEvaluation | RegressionEvaluation],
) -> Provenance:
    """What is known of a model that was trained on a prepared table; `judge` judges it by its evaluation part."""
    from creche._version import __version__
    from creche.table.digest import describe_table, digest_arrays

    try:
        evaluation = judge().to_dict()
    except TableError:  # the weights of a run that diverged are finite; what they give need not be
        evaluation = {}
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
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
    )


def _is_evaluation(data: Mapping[str, Any]) -> bool:
    """Whether its intervals, where it has any, are pairs of numbers."""
    intervals = data.get("intervals", {})
    return isinstance(intervals, Mapping) and all(
        isinstance(pair, list) and len(pair) == 2 and all(type(bound) in (int, float) for bound in pair)
        for pair in intervals.values()
    )
