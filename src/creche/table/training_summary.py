"""The summary of the training rows: what a model keeps of them, to recognize them and to check other rows against them.

It holds no row: for each column the mean, the deviation and some quantiles, or the counts of its categories, and short
hashes of the rows' features. It is computed when it is first asked for, such as when a model is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_types import ColumnContext, Rule
from creche.table.column_statistics import QUANTILES, CategoryCounts, count_categories, summarize_numbers
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.features import Encoder, FeatureEncoder
from creche.table.leakage import Expectation, digest_columns, digest_rows
from creche.table.split import mix_bits
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

__all__ = ["TrainingRows", "TrainingSummary", "feature_columns"]

COPIED_BYTES = 2**30  # of an array whose columns are laid out one after another, which is faster to read

MAX_HASHES = 65_536  # of rows; of more rows, those with certain bits

PREFIX = "training."  # of the names of its arrays in a model file

TYPES = {
    "missing": np.int64, "moments": np.float64, "quantiles": np.float64, "category_rows": np.int64,
    "category_facts": np.int64, "rare_categories": np.uint32, "row_hashes": np.uint32,
}  # fmt: skip

DAMAGED = "the file was damaged or made by hand"


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """How many of some rows were training rows.

    Attributes
    ----------
    count : int
    rows : int
        The number of all these rows.
    is_estimate : bool
        Whether the count is an estimate from a sample, as for very large tables.

    """

    count: int
    rows: int
    is_estimate: bool = False

    def __str__(self) -> str:
        if self.rows == 1:
            return "this row was a training row"
        about = "about " if self.is_estimate else ""
        were = "was a training row" if self.count == 1 else "were training rows"
        whole = f"all {self.rows:,} of these" if self.count >= self.rows else f"{self.count:,} of these {self.rows:,}"
        return f"{about}{whole} rows {were}"

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {"count": self.count, "rows": self.rows, "is_estimate": self.is_estimate}


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSummary:
    """What a model keeps of its training rows: made by `TrainingSummary.of`. Arrays follow the order of the features.

    Attributes
    ----------
    rows : int
        The number of training rows.
    missing : (d,) int64
        The missing values of each column.
    mean, deviation : (d,) float64
        NaN for categories, and for columns without a value; of dates, in microseconds since 1970.
    quantiles : (d, QUANTILES + 1) float64
        Evenly spaced quantiles of each column, from the smallest value to the largest.
    categories : dict of str to CategoryCounts
        For each column of categories.
    row_hashes : (h,) uint32
        Hashes of the features of the training rows, ascending and each once.
    hash_step : int
        A power of two, above 1 for very many rows: the hash of only one in that number is kept.
    single_rows : int
        How many training rows equal no other.
    table_rows : int
        The number of rows of the whole table, those for validation and testing included.
    table_hash : str
        A hash of all its rows, which does not depend on their order.

    """

    rows: int
    missing: NDArray[np.int64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    categories: Mapping[str, CategoryCounts]
    row_hashes: NDArray[np.uint32]
    hash_step: int
    single_rows: int
    table_rows: int
    table_hash: str

    @classmethod
    def of(
        cls,
        features: FeatureEncoder,
        train: Table | NDArray[np.floating[Any]],
        table: Table | NDArray[np.floating[Any]],
        rows: NDArray[np.int64],
    ) -> Self:
        """Summarize the training rows.

        Parameters
        ----------
        features : FeatureEncoder
            Fitted to them.
        train : Table or (n, d) array
            The features of the training rows.
        table : Table or (m, d) array
            Those of all rows, from which the training rows were taken.
        rows : (n,) array of int
            The indices of the training rows among all rows.

        """
        columns = feature_columns(features, train)
        missing, mean, deviation, quantiles = summarize_numbers(columns)
        categories = {
            encoder.name: count_categories(encoder, columns[i])
            for i, encoder in enumerate(features.columns)
            if isinstance(encoder, CategoricalEncoder)
        }
        whole = _hash_rows(features, table)
        hashes, counts = np.unique(whole[rows], return_counts=True)
        step = 1
        while len(hashes) > MAX_HASHES * step:
            step *= 2
        return cls(
            rows=len(train), missing=missing, mean=mean, deviation=deviation, quantiles=quantiles,
            categories=categories, row_hashes=np.unique(_shorten(_select_hashes(hashes, step))), hash_step=step,
            single_rows=int((counts == 1).sum()), table_rows=len(table), table_hash=_combine(whole),
        )  # fmt: skip

    def find_training_rows(self, features: FeatureEncoder, x: Table | NDArray[np.floating[Any]]) -> TrainingRows | None:
        """Count those of some rows that were training rows; None if there are none, or no more than by chance.

        A new row equals a training row by chance with the probability that one of the training rows equals another.

        Parameters
        ----------
        features : FeatureEncoder
        x : Table or (n, d) array
            Their features.

        """
        hashes = _hash_rows(features, x)
        if len(hashes) == self.table_rows and _combine(hashes) == self.table_hash:
            return TrainingRows(self.rows, len(hashes))
        asked = _select_hashes(hashes, self.hash_step)
        count = int(np.isin(_shorten(asked), self.row_hashes).sum())
        chance = 1 - self.single_rows / self.rows + len(self.row_hashes) / 2**32
        chance = min(chance, 1.0)
        if not count or Expectation(chance * len(asked), chance * (1 - chance) * len(asked)).explains(count):
            return None
        if self.hash_step == 1:
            return TrainingRows(count, len(hashes))
        return TrainingRows(round(count / len(asked) * len(hashes)), len(hashes), is_estimate=True)

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return plain data and named arrays, for a model file."""
        counts = list(self.categories.values())
        facts = [(len(c.rare), c.singles, int(c.is_complete)) for c in counts]
        arrays = {
            "missing": self.missing,
            "moments": np.column_stack([self.mean, self.deviation]),
            "quantiles": self.quantiles,
            "category_rows": np.concatenate([np.zeros(0), *(c.rows for c in counts)]),
            "category_facts": np.array(facts).reshape(-1, 3),
            "rare_categories": np.concatenate([np.zeros(0), *(c.rare for c in counts)]),
            "row_hashes": self.row_hashes,
        }
        header = {
            "rows": self.rows, "hash_step": self.hash_step, "single_rows": self.single_rows,
            "table_rows": self.table_rows, "table_hash": self.table_hash,
        }  # fmt: skip
        return header, {PREFIX + name: array.astype(TYPES[name]) for name, array in arrays.items()}

    @classmethod
    def from_parts(cls, header: Any, arrays: Mapping[str, NDArray[Any]], features: FeatureEncoder) -> Self:
        """Make the summary from what `to_parts` returned, and the encoders.

        Raises
        ------
        FileError
            If they do not fit together.

        """
        found = {name: arrays.get(PREFIX + name) for name in TYPES}
        encoders = [encoder for encoder in features.columns if isinstance(encoder, CategoricalEncoder)]
        width, sizes = len(features.columns), [len(encoder.categories) + 1 for encoder in encoders]
        shapes = {
            "missing": (width,), "moments": (width, 2), "quantiles": (width, QUANTILES + 1),
            "category_rows": (sum(sizes),), "category_facts": (len(encoders), 3),
        }  # fmt: skip
        for name, array in found.items():
            if array is None or array.dtype != TYPES[name] or shapes.get(name, (array.size,)) != array.shape:
                raise FileError(f"training summary: {name} does not fit the features; {DAMAGED}")
        _check_header(header)
        plain: dict[str, Any] = found
        facts = plain["category_facts"]
        fits = (
            (plain["missing"] >= 0).all()
            and (plain["category_rows"] >= 0).all()
            and (facts >= 0).all()
            and facts[:, 0].sum() == len(plain["rare_categories"])
            and not np.isinf(plain["moments"]).any()
            and not np.isinf(plain["quantiles"]).any()
            and not (np.diff(plain["quantiles"], axis=1) < 0).any()
            and not (np.diff(plain["row_hashes"].astype(np.int64)) <= 0).any()
        )
        if not fits:
            raise FileError(f"training summary: its numbers contradict each other; {DAMAGED}")
        rows = np.split(plain["category_rows"], np.cumsum(sizes)[:-1])
        rare = np.split(plain["rare_categories"], np.cumsum(facts[:, 0])[:-1])
        categories = {
            encoder.name: CategoryCounts(own, others, int(singles), bool(is_complete))
            for encoder, own, others, (_, singles, is_complete) in zip(encoders, rows, rare, facts, strict=False)
        }
        return cls(
            **header, missing=plain["missing"], mean=plain["moments"][:, 0], deviation=plain["moments"][:, 1],
            quantiles=plain["quantiles"], categories=categories, row_hashes=plain["row_hashes"],
        )  # fmt: skip


class _FeatureColumns(Sequence[Column]):
    """The columns of the features of a table larger than memory, each read when it is asked for."""

    def __init__(self, features: FeatureEncoder, table: Table) -> None:
        self._features, self._table = features, table

    def __len__(self) -> int:
        return len(self._features.columns)

    def __getitem__(self, index: Any) -> Any:
        encoder = self._features.columns[index]
        context = ColumnContext(self._table.source, encoder.name, self._table.first_row)
        return _as_encoder_reads(encoder, self._table.column(encoder.name), context)


def feature_columns(features: FeatureEncoder, x: Table | NDArray[np.floating[Any]]) -> Sequence[Column]:
    """Return the column of each feature, of the kind it had in training; those of arrays are identified by their
    position.

    Raises
    ------
    TableError
        If a column is missing, or a value is of another kind than in training.

    """
    if not isinstance(x, Table):
        by_column = np.ascontiguousarray(x.T) if x.nbytes <= COPIED_BYTES else x.T
        columns = [Column("number", values) for values in by_column]
        source, first_row = "X", 0
    elif x.is_lazy and features.has_column_names:
        return _FeatureColumns(features, x)
    elif features.has_column_names or all(name in x.columns for name in features.names):
        columns = [x.column(name) for name in features.names]
        source, first_row = x.source, x.first_row
    else:
        columns, source, first_row = list(x.columns.values()), x.source, x.first_row
    return [
        _as_encoder_reads(encoder, column, ColumnContext(source, encoder.name, first_row))
        for encoder, column in zip(features.columns, columns, strict=True)
    ]


def _as_encoder_reads(encoder: Encoder, column: Column, context: ColumnContext) -> Column:
    """Return a column of the kind that its encoder takes; of categories, each as training has it."""
    if not isinstance(encoder, CategoricalEncoder):
        kind = encoder.kind
        return column if column.kind == kind else coerce_column(column, Rule(kind, required=True), context)
    column = coerce_column(column, Rule("words", required=True), context)
    return replace(column, words=tuple(encoder.match_categories(column.words)))


def _hash_rows(features: FeatureEncoder, x: Table | NDArray[np.floating[Any]]) -> NDArray[np.uint64]:
    if not isinstance(x, Table):
        return digest_rows(x)
    return digest_columns(feature_columns(features, x), len(x))


def _select_hashes(hashes: NDArray[np.uint64], step: int) -> NDArray[np.uint64]:
    return np.asarray(hashes[(hashes & np.uint64(step - 1)) == 0])


def _shorten(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return the bits of each hash by which `_select_hashes` does not select."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


def _combine(hashes: NDArray[np.uint64]) -> str:
    """Return a hash of hashes in any order: their sum, which unlike an exclusive or tells two copies from none."""
    return f"{int(mix_bits(hashes).sum(dtype=np.uint64)):016x}"


def _check_header(header: Any) -> None:
    counts = ("rows", "hash_step", "single_rows", "table_rows")
    fits = (
        isinstance(header, Mapping)
        and set(header) == {*counts, "table_hash"}
        and all(type(header[name]) is int and header[name] >= 0 for name in counts)
        and isinstance(header["table_hash"], str)
        and header["rows"] > 0
        and header["single_rows"] <= header["rows"]
        and header["hash_step"].bit_count() == 1
        and header["hash_step"] <= 2**32
    )
    if not fits:
        raise FileError(f"training summary: its counts contradict each other; {DAMAGED}")
