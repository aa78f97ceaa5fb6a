"""How columns become inputs of the network: the user's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from creche.errors import PlanError
from creche.plan.component import Component, count_field, flag_field
from creche.plan.words import (
    BIN_EDGES,
    BINARIES,
    CLIPS,
    NUMERIC_ENCODINGS,
    PREPROCESSINGS,
    SCALINGS,
    Binary,
    BinEdges,
    Clip,
    NumericEncoding,
    PreprocessingName,
    Scaling,
    check_word,
)
from creche.table.encoders.bins import MAX_BINS

__all__ = ["MIN_BINS", "PRESETS", "Preprocessing", "limit_bins"]

MAX_BUCKETS = 4096

# Fields that files of all versions name; the others are left out at their default, so that such files stay the same.
ALWAYS_WRITTEN = ("scaling", "infrequent", "max_categories", "buckets")

WORDS = {
    "clip": CLIPS, "numeric_encoding": NUMERIC_ENCODINGS, "bin_edges": BIN_EDGES, "binary": BINARIES,
}  # fmt: skip

# With "auto", tables with fewer training rows than this have numbers that are standardized and nothing else: bins would
# hold so few rows that a network learns their noise, and one step of training stays easy to follow.
MIN_ROWS_FOR_BINS = 500
AUTO_BINS = 16

# Bins are fewer where columns or rows are many: the inputs of a network, and what those of all rows take, are limited.
MAX_INPUTS, MAX_ENCODED_BYTES = 3_000, 6e8
MIN_BINS = 4

# What a name that is not a scaling is short for.
PRESETS: dict[str, dict[str, Any]] = {
    "realmlp": {"scaling": "robust", "clip": "smooth", "binary": "sign"},
    "piecewise_linear": {
        "scaling": "robust", "clip": "smooth", "binary": "sign", "numeric_encoding": "piecewise_linear",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Preprocessing(Component):
    """How columns become inputs of the network.

    Parameters
    ----------
    scaling : {"auto", "standard", "robust", "quantile", "none"}, default "standard"
        How numbers are scaled. "standard": to mean 0 and standard deviation 1. "robust": to median 0, divided by the
        distance between the quartiles, which a few extreme values do not move. "quantile": to the standard normal
        number of the same rank, which makes any distribution a normal one. "none": not at all.

        "auto" is for the number of training rows to decide. Below 500: "standard". From 500 on: "robust", with the
        smooth clip, and piecewise-linear codes of at most 16 bins; fewer if columns or rows are very many.

        The robust scale is that of a normal distribution with these quartiles, or the standard deviation if the
        quartiles are equal. With ``clip="smooth"`` it is the distance between the quartiles itself, or half the range
        if they are equal, as RealMLP has it.
    infrequent : int, default 5
        Categories with fewer training rows than this share one input, as do categories that never occurred in training.
    max_categories : int, default 32
        The number of categories of a column with an input of their own; if more are frequent, the rest are hashed.
    buckets : int, default 16
        The number of inputs into which the rest is hashed.
    clip : {"none", "smooth"}, default "none"
        "smooth": each number x, once scaled, becomes x / sqrt(1 + (x / 3)²), which changes small numbers little and
        keeps all between -3 and 3, so that no extreme value outweighs the rest.
    numeric_encoding : {"plain", "piecewise_linear"}, default "plain"
        "piecewise_linear": besides the scaled number, how far it has come through each of several bins between the
        smallest and the largest training value: 0 below a bin, 1 above it, a fraction within it. A network learns
        sharp bends from these more easily than from one number. Columns with fewer than eight distinct values have no
        bins.
    bins : int, default 32
        The largest number of bins of a column.
    bin_edges : {"quantile", "tree"}, default "quantile"
        Where bins begin and end. "quantile": such that they hold equal shares of the training rows. "tree": at the
        thresholds of a decision tree that predicts the label from this column alone, so that there are more bins where
        the label changes more, and none where it does not.
    binary : {"one_hot", "sign"}, default "one_hot"
        "sign": a column of two categories becomes one input, -1 for the first and 1 for the second in sorted order, and
        a boolean column -1 for no and 1 for yes, unscaled; 0 if missing or of another category.
    clamp : bool, default False
        Whether predicted numbers are kept within the range of the training labels. Losses and metrics during training
        are those without it.
    codes_above : int, optional
        Columns with more categories than this become one input, the number of the category, from which a network with
        embeddings of categories reads a learned vector; by default none do. ``category_embedding`` of `creche.train`
        sets it. Code 0 stands for missing values, and for categories that never occurred in training where none was
        rare.

    scale_categories : bool, default False
        Whether the inputs of categories and booleans are scaled and clipped as numbers are: by their median and the
        distance between their quartiles, or half their range. Only with robust scaling.

    Notes
    -----
    Robust scaling, the smooth clip and signs are the encoding of RealMLP: Holzmüller, Grinsztajn & Steinwart 2024,
    "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS (arXiv 2407.04491), appendix
    A.1. Piecewise-linear codes are those of Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features
    in tabular deep learning", NeurIPS (arXiv 2203.05556), section 3.2.

    A missing number is filled in by the mean, or by the median with robust and quantile scaling, which standard and
    robust scaling make 0; all its bins are 0, and one more input marks it, if numbers were missing in the training
    rows, too. If none were, it is encoded like the value that fills it in.

    Examples
    --------
    >>> Preprocessing.of("quantile")
    Preprocessing(scaling='quantile')
    >>> Preprocessing.of("realmlp")
    Preprocessing(scaling='robust', clip='smooth', binary='sign')

    """

    scaling: Scaling = "standard"
    infrequent: int = count_field(5)
    max_categories: int = count_field(32)
    buckets: int = count_field(16, at_most=MAX_BUCKETS)
    clip: Clip = "none"
    numeric_encoding: NumericEncoding = "plain"
    bins: int = count_field(32, at_most=MAX_BINS)
    bin_edges: BinEdges = "quantile"
    binary: Binary = "one_hot"
    clamp: bool = flag_field(False)
    codes_above: int | None = count_field(None, at_least=0, optional=True)
    scale_categories: bool = flag_field(False)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        object.__setattr__(self, "scaling", check_word("preprocessing", self.scaling, SCALINGS))
        if self.scale_categories and self.scaling != "robust":
            raise PlanError(
                f"Preprocessing.scale_categories: is for robust scaling, and the scaling is {self.scaling!r}; leave it "
                "out, or scale by 'robust'",
                argument="scale_categories",
            )
        for name, words in WORDS.items():
            object.__setattr__(self, name, check_word(f"Preprocessing.{name}", getattr(self, name), words))

    def resolved(self, rows: int, columns: int) -> Self:
        """Return the preprocessing of a table of a known size: "auto" is replaced by what it means.

        Parameters
        ----------
        rows : int
            The number of training rows.
        columns : int
            The number of features.

        Examples
        --------
        >>> Preprocessing.of("auto").resolved(rows=240, columns=6)
        Preprocessing()
        >>> Preprocessing.of("auto").resolved(rows=800, columns=6)
        Preprocessing(scaling='robust', clip='smooth', numeric_encoding='piecewise_linear', bins=16)

        """
        if self.scaling != "auto":
            return self
        if rows < MIN_ROWS_FOR_BINS:
            return replace(self, scaling="standard")
        scaled = replace(self, scaling="robust", clip="smooth")
        bins = limit_bins(AUTO_BINS, rows, columns)
        return replace(scaled, numeric_encoding="piecewise_linear", bins=bins) if bins else scaled

    @property
    def only_scales_numbers(self) -> bool:
        """Whether numbers are neither clipped nor encoded by bins, and booleans are numbers like others."""
        return (self.clip, self.numeric_encoding, self.binary) == ("none", "plain", "one_hot")

    @property
    def needs_labels(self) -> bool:
        """Whether encoders are fitted to the labels, too."""
        return self.numeric_encoding == "piecewise_linear" and self.bin_edges == "tree"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data; those that files of earlier versions lack only if changed."""
        data = Component.to_dict(self)
        return {name: value for name, value in data.items() if name in ALWAYS_WRITTEN or not self.has_default(name)}

    @classmethod
    def of(cls, choice: Preprocessing | Mapping[str, Any] | PreprocessingName | None) -> Preprocessing:
        """Make preprocessing from None (the defaults), a word, a dict of fields, or itself.

        A word is the name of a scaling, "auto" among them; or "realmlp", which is short for robust scaling, the smooth
        clip and signs; or "piecewise_linear", which is the same and piecewise-linear codes.

        Raises
        ------
        PlanError
            If it is none of these.

        """
        if choice is None:
            return cls()
        if isinstance(choice, str):
            word = check_word("preprocessing", choice, PREPROCESSINGS)
            return cls(**PRESETS.get(word, {"scaling": word}))
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        if not isinstance(choice, cls):
            raise PlanError(
                f"preprocessing: got {choice!r}; needs a Preprocessing, a dict of its fields, or one of "
                f"{', '.join(PREPROCESSINGS)}"
            )
        return choice


def limit_bins(bins: int, rows: int, columns: int) -> int:
    """Return the number of bins that a table of this size has room for; 0 if there are too few to be worthwhile.

    Examples
    --------
    >>> limit_bins(16, rows=1_000, columns=20), limit_bins(16, rows=1_000, columns=300), limit_bins(16, 1_000, 1_000)
    (16, 9, 0)

    """
    inputs = min(MAX_INPUTS, MAX_ENCODED_BYTES / (4 * max(rows, 1)))
    affordable = int(inputs / max(columns, 1)) - 1
    return min(bins, affordable) if affordable >= MIN_BINS else 0
