"""Categories: one input for each of the frequent ones; rare ones share, and very many are hashed into a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_types import ColumnContext, Rule, coerce_column
from creche.table.encoders.numeric import MISSING, read_flag, read_name, read_words
from creche.table.table import KINDS, Column

__all__ = ["CategoricalEncoder"]


@dataclass(frozen=True, slots=True)
class CategoricalEncoder:
    """One-hot: an input for each frequent category, others for the rest.

    A category that is not among the frequent ones, be it rare or never seen in training, goes to one of the `buckets`,
    which its letters decide. Without buckets, when there was nothing rare to train them with, it is 0 everywhere.

    Attributes
    ----------
    name : str
    kind : str
        As what the column is read.
    categories : tuple of str
        The frequent ones, sorted.
    buckets : int
        How many inputs the others share.
    marked : bool
        Whether one more input says that the value is missing, as it was in some training rows.

    """

    role: ClassVar[str] = "categorical"

    name: str
    kind: str
    categories: tuple[str, ...]
    buckets: int = 0
    marked: bool = False

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        infrequent: float,
        most: int,
        buckets: int,
        weights: NDArray[np.float64] | None,
    ) -> Self:
        """From the training rows.

        Parameters
        ----------
        name, column
        infrequent : float
            Categories of fewer rows share an input.
        most : int
            How many categories get an input of their own; where more are frequent, the rest are hashed.
        buckets : int
            Into how many inputs.
        weights : (n,) array, optional

        """
        kind = column.kind
        column = _in_words(column, ColumnContext("the table", name))
        present = column.values >= 0
        counts = np.bincount(
            column.values[present], None if weights is None else weights[present], minlength=len(column.words)
        )
        there = [(count, word) for word, count in zip(column.words, counts.tolist(), strict=True) if count > 0]
        counted = sorted(there, key=lambda pair: (-pair[0], pair[1]))
        frequent = [word for count, word in counted if count >= infrequent]
        kept = frequent[:most]
        rest = len(counted) - len(kept)
        shared = 0 if rest == 0 else 1 if len(frequent) <= most else min(buckets, rest)
        if not kept and shared == 1:
            kept = [word for _, word in counted][:most]  # all are rare, and so they are all there is
            shared = min(buckets, len(counted) - len(kept))
        return cls(name, kind, tuple(sorted(kept)), shared, bool((~present).any()))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs of the network."""
        shared = ["other"] if self.buckets == 1 else [f"other {i + 1}" for i in range(self.buckets)]
        named = tuple(f"{self.name}={word}" for word in (*self.categories, *shared))
        return (*named, self.name + MISSING) if self.marked else named

    @property
    def width(self) -> int:
        """How many inputs there are."""
        return len(self.categories) + self.buckets + self.marked

    @property
    def is_constant(self) -> bool:
        return len(self.categories) + self.buckets <= 1 and not self.marked

    def prepared(self, column: Column, place: ColumnContext) -> NDArray[Any]:
        """The place of each row's input, -1 for none."""
        column = _in_words(column, place)
        own = {word: i for i, word in enumerate(self.categories)}
        places = [own[word] if word in own else self._shared(word) for word in column.words]
        missing = len(self.categories) + self.buckets if self.marked else -1
        return np.asarray(np.array([*places, missing], dtype=np.int64)[column.values])

    def _shared(self, word: str) -> int:
        if self.buckets == 0:
            return -1
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return len(self.categories) + int.from_bytes(digest, "little") % self.buckets

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Writes the inputs of some rows."""
        out[:] = 0
        rows = np.flatnonzero(values >= 0)
        out[rows, values[rows]] = 1

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "role": self.role, "name": self.name, "kind": self.kind, "categories": list(self.categories),
            "buckets": self.buckets, "marked": self.marked,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described; FileError if it cannot be."""
        kind, buckets = data.get("kind"), data.get("buckets")
        if kind not in KINDS or type(buckets) is not int or not 0 <= buckets <= 2**20:
            raise FileError(f"features: kind {kind!r} or buckets {buckets!r}; the file was damaged or made by hand")
        return cls(read_name(data), kind, read_words(data, "categories"), buckets, read_flag(data, "marked"))


def _in_words(column: Column, place: ColumnContext) -> Column:
    return coerce_column(column, Rule("words", given=True), place)
