"""Categories: one input for each frequent category; rare ones share one, and very many are hashed into a few.

Two categories may be the signs of one input, and one input may hold the number of the category, for an embedding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule, parse_boolean
from creche.table.encoders.file_values import read_flag, read_name, read_numbers, read_words
from creche.table.encoders.numeric import MISSING, QUARTILES, clip_smoothly, unscaled_spread
from creche.table.encoders.quantiles import quantiles
from creche.table.number_columns import parse_number
from creche.table.table import KINDS, Column
from creche.table.word_columns import coerce_column

if TYPE_CHECKING:
    from creche.table.encoders.preprocessing import Preprocessing

__all__ = ["CategoricalEncoder"]

# Categories of a coded column with a code of their own. The parameters of that many take a few megabytes.
MAX_CODED = 100_000

# Libraries write booleans as words or as numbers.
SAME_VALUES = {"true": "1", "false": "0", "1": "true", "0": "false"}


@dataclass(frozen=True, slots=True)
class CategoricalEncoder:
    """A one-hot encoder: one input for each frequent category, and shared inputs for the others.

    A category that is rare, or that never occurred in training, goes to one of the `buckets` by a hash of its name.
    Without buckets, because there were no rare categories to train them with, all its inputs are 0.

    Attributes
    ----------
    name : str
    kind : str
        The kind of the column in training.
    categories : tuple of str
        The categories with an input of their own, sorted.
    buckets : int
        The number of inputs that the other categories share.
    marked : bool
        Whether one more input marks missing values, because there were some in the training rows.
    signed : bool
        Whether its two categories, and no buckets, share one input: -1 for the first, 1 for the second, 0 for none.
    coded : bool
        Whether one input holds the number of the category, from 1 on, then of the bucket; 0 for missing values and for
        all that has no input of its own.
    centers, scales : tuple of float
        With scaled categories, by which each input but the mark of missing values is scaled; otherwise empty.
    clipped : bool
        Whether scaled inputs go through `clip_smoothly`.

    """

    role: ClassVar[str] = "categorical"

    name: str
    kind: str
    categories: tuple[str, ...]
    buckets: int = 0
    marked: bool = False
    signed: bool = False
    coded: bool = False
    centers: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    clipped: bool = False

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        moments: tuple[float, float] | None = None,
    ) -> Self:
        """Fit the encoder to the training rows.

        Parameters
        ----------
        name : str
        column : Column
            The training rows.
        preprocessing : Preprocessing
            Its `infrequent`, `max_categories`, `buckets`, `binary` and `codes_above` are used.
        weights : (n,) array, optional
            How many rows each row counts for.
        moments : (float, float), optional
            Not used.

        """
        kind = column.kind
        column = _to_words(column, ColumnContext("the table", name))
        present = column.values >= 0
        counts = np.bincount(
            column.values[present], None if weights is None else weights[present], minlength=len(column.words)
        )
        occurring = [(count, word) for word, count in zip(column.words, counts.tolist(), strict=True) if count > 0]
        ranked = sorted(occurring, key=lambda pair: (-pair[0], pair[1]))
        marked = bool((~present).any())
        codes_above = preprocessing.codes_above
        coded = codes_above is not None and len(ranked) > max(codes_above, 1)
        if preprocessing.binary == "sign" and len(ranked) == 2 and not coded:
            signs = cls(name, kind, tuple(sorted(word for _, word in ranked)), 0, marked, True)
            return signs._scale(column, preprocessing, weights)
        frequent = [word for count, word in ranked if count >= preprocessing.infrequent]
        limit, buckets = preprocessing.max_categories, preprocessing.buckets
        if coded:
            limit = MAX_CODED
        own = frequent[:limit]
        rest = len(ranked) - len(own)
        shared = 0 if rest == 0 else 1 if len(frequent) <= limit else min(buckets, rest)
        if not own and shared == 1:
            own = [word for _, word in ranked][:limit]  # where all are rare, one shared input would tell nothing
            shared = min(buckets, len(ranked) - len(own))
        encoder = cls(name, kind, tuple(sorted(own)), shared, marked and not coded, coded=coded)
        return encoder if coded else encoder._scale(column, preprocessing, weights)

    def _scale(self, column: Column, preprocessing: Preprocessing, weights: NDArray[np.float64] | None) -> Self:
        """Return the encoder with scaled inputs, if the preprocessing asks for them."""
        if not preprocessing.scale_categories or self.width == self.marked:
            return self
        counted = slice(None) if weights is None else weights > 0
        inputs = np.zeros((len(column), self.width))
        self.write(self.prepare(column, ColumnContext("the table", self.name)), inputs)
        centers, scales = [], []
        for values in inputs[counted, : self.width - self.marked].T:
            quartiles = quantiles(values, QUARTILES, None if weights is None else weights[counted])
            centers.append(float(quartiles[1]))
            scales.append(unscaled_spread(values, quartiles) or 1.0)
        return replace(self, centers=tuple(centers), scales=tuple(scales), clipped=preprocessing.clip == "smooth")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that it makes."""
        if self.coded:
            return (self.name,)
        shared = ["other"] if self.buckets == 1 else [f"other {i + 1}" for i in range(self.buckets)]
        own = self.categories[1:] if self.signed else self.categories
        named = tuple(f"{self.name}={word}" for word in (*own, *shared))
        return (*named, self.name + MISSING) if self.marked else named

    @property
    def width(self) -> int:
        """The number of inputs that it makes."""
        return (1 if self.signed or self.coded else len(self.categories) + self.buckets) + self.marked

    @property
    def codes(self) -> int:
        """The number of codes of a coded column, 0 among them."""
        return 1 + len(self.categories) + self.buckets

    @property
    def is_constant(self) -> bool:
        """Whether the column was constant in training, so that nothing can be learnt from it."""
        return len(self.categories) + self.buckets <= 1 and not self.marked

    def prepare(self, column: Column, context: ColumnContext) -> NDArray[Any]:
        """Return the index of the input that is 1 in each row, -1 for none."""
        column = _to_words(column, context)
        index = {word: i for i, word in enumerate(self.categories)}
        words = self.match_categories(column.words)
        indices = [index[word] if word in index else self._hash(word) for word in words]
        missing = len(self.categories) + self.buckets if self.marked else -1
        return np.asarray(np.array([*indices, missing], dtype=np.int64)[column.values])

    def match_categories(self, words: Sequence[str]) -> list[str]:
        """Return each word as training would have it: 10115.0 as the category 10115, and True as "True" or "1".

        A word that is not a category with an input of its own stays as it is, but for the notation of its value.
        """
        known = set(self.categories)
        if known.issuperset(words):
            return list(words)
        same = self.index_by_value()
        values = {word: _value_of(word, self.kind) for word in words if word not in known}
        return [word if word in known else same.get(values[word], values[word]) for word in words]

    def index_by_value(self) -> dict[str, str]:
        """Return the only category of each value, in whichever notation."""
        by_value: dict[str, set[str]] = {}
        for word in self.categories:
            by_value.setdefault(_value_of(word, self.kind), set()).add(word)
        for value, other in SAME_VALUES.items():
            if value in by_value and other not in by_value:
                by_value[other] = by_value[value]
        return {value: next(iter(words)) for value, words in by_value.items() if len(words) == 1}

    def _hash(self, word: str) -> int:
        """Return the index of the shared input of a category, -1 for none."""
        if self.buckets == 0:
            return -1
        digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return len(self.categories) + int.from_bytes(digest, "little") % self.buckets

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the inputs of some rows into `out`, (rows, width)."""
        if self.coded:
            out[:, 0] = values + 1
            return
        out[:] = 0
        if self.signed:
            out[values == 0, 0], out[values == 1, 0] = -1, 1
            if self.marked:
                out[values == 2, 1] = 1
        else:
            rows = np.flatnonzero(values >= 0)
            out[rows, values[rows]] = 1
        if self.centers:
            own = out[:, : len(self.centers)]
            scaled = (own.astype(np.float64) - np.array(self.centers)) / np.array(self.scales)
            own[:] = clip_smoothly(scaled) if self.clipped else scaled

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        data: dict[str, Any] = {
            "role": self.role, "name": self.name, "kind": self.kind, "categories": list(self.categories),
            "buckets": self.buckets, "marked": self.marked,
        }  # fmt: skip
        if self.signed:
            data["signed"] = True
        if self.coded:
            data["coded"] = True
        if self.centers:
            data |= {"centers": list(self.centers), "scales": list(self.scales), "clipped": self.clipped}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the encoder that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        kind, buckets = data.get("kind"), data.get("buckets")
        if kind not in KINDS or type(buckets) is not int or not 0 <= buckets <= 2**20:
            raise FileError(f"features: kind is {kind!r} and buckets {buckets!r}; the file was damaged or made by hand")
        categories, signed = read_words(data, "categories"), "signed" in data and read_flag(data, "signed")
        if signed and (len(categories), buckets) != (2, 0):
            raise FileError(
                f"features: {read_name(data)!r} has a sign for other than two categories; the file was damaged or made "
                "by hand"
            )
        coded = "coded" in data and read_flag(data, "coded")
        if coded and (signed or read_flag(data, "marked")):
            raise FileError(
                f"features: {read_name(data)!r} has codes besides other inputs; the file was damaged or made by hand"
            )
        encoder = cls(read_name(data), kind, categories, buckets, read_flag(data, "marked"), signed, coded)
        if "centers" not in data:
            return encoder
        centers, scales = read_numbers(data, "centers"), read_numbers(data, "scales")
        own = encoder.width - encoder.marked
        if coded or (len(centers), len(scales)) != (own, own) or min(scales, default=0) <= 0:
            raise FileError(
                f"features: the scales of {read_name(data)!r} do not fit its inputs; the file was damaged or made by "
                "hand"
            )
        return replace(encoder, centers=centers, scales=scales, clipped=read_flag(data, "clipped"))


def _value_of(word: str, kind: str) -> str:
    """Return the same word for 10115, 10115.0 and "10115", and for True, "true" and "TRUE"."""
    lower = word.lower()
    if lower in ("true", "false"):
        return lower
    if kind == "boolean" and parse_boolean(word) is not None:
        return "true" if parse_boolean(word) else "false"
    value = parse_number(word, CellFormat())
    if value is None or not math.isfinite(value):
        return word
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**63 else repr(float(value))


def _to_words(column: Column, context: ColumnContext) -> Column:
    return coerce_column(column, Rule("words", required=True), context)
