"""How columns become inputs of the network: the user's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

__all__ = ["PRESETS", "Preprocessing"]


MAX_BUCKETS = 4096

# Fields that files of all versions name; the others are left out at their default, so that such files stay the same.
ALWAYS_WRITTEN = ("scaling", "infrequent", "max_categories", "buckets")

WORDS = {
    "clip": CLIPS, "numeric_encoding": NUMERIC_ENCODINGS, "bin_edges": BIN_EDGES, "binary": BINARIES,
}  # fmt: skip

# What a name that is no scaling is short for.
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
    scaling : {"standard", "robust", "quantile", "none"}, default "standard"
        How numbers are scaled. "standard": to mean 0 and standard deviation 1. "robust": to median 0, divided by the
        distance between the quartiles, which a few extreme values do not move. "quantile": to the standard normal
        number of the same rank, which makes any distribution a normal one. "none": not at all.

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

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        object.__setattr__(self, "scaling", check_word("preprocessing", self.scaling, SCALINGS))
        for name, words in WORDS.items():
            object.__setattr__(self, name, check_word(f"Preprocessing.{name}", getattr(self, name), words))

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

        A word is the name of a scaling; or "realmlp", which is short for robust scaling, the smooth clip and signs; or
        "piecewise_linear", which is the same and piecewise-linear codes.

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
