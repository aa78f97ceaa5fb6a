"""The record of a fit: what `creche.fit` tried, kept and found, as plain data in a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import NoneType
from typing import TYPE_CHECKING, Any, Self

from creche._phrases import format_count
from creche.errors import FileError
from creche.plan.words import EFFORTS
from creche.table.result_frames import FrameResult, frame_method, library_entry, read_library

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FitRecord", "Round", "TriedConfiguration"]


@dataclass(frozen=True, slots=True)
class TriedConfiguration:
    """A configuration that was trained on every fold.

    Attributes
    ----------
    number : int
        Its position in the order in which configurations are tried, from 0.
    name : str
    arguments : dict
        What it is made of, as plain data.
    score : float
        The metric of its out-of-fold predictions.
    epoch : int
        The epoch that was best for all folds together, from 1.
    epochs : int
        The epochs it was trained.
    weight : float
        How much it counts among those kept; 0 if it was not.
    work : float
        Operations of its training.

    """

    number: int
    name: str
    arguments: Mapping[str, Any]
    score: float
    epoch: int
    epochs: int
    weight: float
    work: float


@dataclass(frozen=True, slots=True)
class Round:
    """Configurations that were trained together.

    Attributes
    ----------
    first, count : int
        The positions of the configurations.
    epochs : int
        The epochs after which the round ended.

    """

    first: int
    count: int
    epochs: int


@dataclass(frozen=True, slots=True, repr=False)
class FitRecord(FrameResult):
    """What `creche.fit` did; from `rounds`, the same model can be made again.

    Attributes
    ----------
    effort : {"fast", "default", "best"}
    time_limit : float or None
        In seconds.
    metric : str
        What was asked for.
    score : float
        The metric of the model's out-of-fold predictions.
    baseline : float or None
        That of a constant prediction, where it means anything.
    seed : int
    folds : int
        The number of folds; 1 for a single split.
    rows, judged_rows : int
        The rows it was fitted to, and those with an out-of-fold prediction.
    rounds : tuple of Round
    tried : tuple of TriedConfiguration
        In the order of their scores, the best first.
    importance : dict of str to float
        By how much the loss of the out-of-fold predictions rises when a column is shuffled, the largest first: log
        loss, or root mean squared error. Empty for very wide tables.
    work, seconds : float
        Operations and seconds in all.
    status : {"finished", "interrupted", "out of time"}
    refitted : bool
        Whether its networks were trained on all rows in the end, as after a single split.

    """

    effort: str
    time_limit: float | None
    metric: str
    score: float
    baseline: float | None
    seed: int
    folds: int
    rows: int
    judged_rows: int
    rounds: tuple[Round, ...]
    tried: tuple[TriedConfiguration, ...]
    importance: Mapping[str, float]
    work: float
    seconds: float
    status: str
    refitted: bool

    def __repr__(self) -> str:
        tried = format_count(len(self.tried), "configuration")
        return f"FitRecord({tried} tried on {self.rows:,} rows; {self.score_name} {self.score:.4g}, {self.status})"

    @property
    def score_name(self) -> str:
        """The name of the metric on pages."""
        from creche.evaluation.metrics import metric_name

        return metric_name(self.metric)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return the configurations that were tried as a DataFrame, the best score first.

        Examples
        --------
        >>> import creche as cr
        >>> record = cr.fit("penguins", label="species", effort="fast", threads=1).record
        >>> record.table().columns[:5]
        ['number', 'name', 'log_loss', 'weight', 'epoch']

        """
        import polars as pl

        rows = []
        for each in self.tried:
            row = {
                "number": each.number, "name": each.name, self.metric: each.score, "weight": each.weight,
                "epoch": each.epoch, "epochs": each.epochs, "work": each.work,
                "hidden": "-".join(map(str, each.arguments["hidden"])),
            }  # fmt: skip
            plain = {name: value for name, value in each.arguments.items() if isinstance(value, str | int | float)}
            rows.append({**row, **{name: value for name, value in plain.items() if name not in row}})
        return pl.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        data = asdict(self)
        del data["library"]
        data["rounds"] = [asdict(each) for each in self.rounds]
        data["importance"] = dict(self.importance)
        data["tried"] = [{**asdict(each), "arguments": dict(each.arguments)} for each in self.tried]
        return {**data, **library_entry(self.library)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned.

        Raises
        ------
        FileError
            If a part is missing or invalid.

        """
        values = _read(cls, data, {"rounds", "tried", "library"})
        for name, kind in (("rounds", Round), ("tried", TriedConfiguration)):
            entries = data.get(name)
            if not isinstance(entries, list) or not entries:
                raise FileError(f"fit: {name} is not a list; the file was damaged or made by hand")
            values[name] = tuple(kind(**_read(kind, entry)) for entry in entries)
        if not all(isinstance(rise, int | float) for rise in values["importance"].values()):
            raise FileError("fit: importance holds no numbers; the file was damaged or made by hand")
        if values["effort"] not in EFFORTS:
            raise FileError(f"fit: effort is {values['effort']!r}; the file was damaged or made by hand")
        if not any(each.weight > 0 for each in values["tried"]):
            raise FileError("fit: no configuration has a weight; the file was damaged or made by hand")
        return cls(**values, library=read_library(data))


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "int": int, "float": (int, float), "float | None": (int, float, NoneType), "str": str, "bool": bool,
    "Mapping[str, Any]": dict,
    "Mapping[str, float]": dict,
}  # fmt: skip
_LOWEST = {"first": 0, "count": 1, "epochs": 1, "number": 0, "epoch": 1, "weight": 0, "seed": 0, "folds": 1, "rows": 1,
           "judged_rows": 1}  # fmt: skip
# What pages tell of a configuration.
_ARGUMENTS: Mapping[str, type | tuple[type, ...]] = {
    "hidden": list, "activation": str, "dropout": (int, float), "learning_rate": (int, float),
}  # fmt: skip


def _read(kind: Any, data: Any, others: Sequence[str] | set[str] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass from plain data, each of its type."""
    names = {field.name for field in fields(kind)} - {"library"}
    if not isinstance(data, Mapping) or set(data) - {"library"} != names:
        raise FileError("fit: its record lacks a part; the file was damaged or made by hand")
    values = {}
    for field in fields(kind):
        if field.name in others:
            continue
        value, expected = data[field.name], _KINDS[str(field.type)]
        is_right = isinstance(value, expected) and (expected is bool or not isinstance(value, bool))
        if is_right and field.name in _LOWEST:
            is_right = value >= _LOWEST[field.name]
        if is_right and field.name == "arguments":
            is_right = all(isinstance(value.get(name), needed) for name, needed in _ARGUMENTS.items())
        if not is_right:
            raise FileError(f"fit: {field.name} is {value!r}; the file was damaged or made by hand")
        values[field.name] = value
    return values
