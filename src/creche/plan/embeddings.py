"""The embeddings: how columns of the encoded table become inputs of the first layer by learned parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from creche.errors import PlanError
from creche.plan.component import Bounds, Component, Registry, count_field, number_field

__all__ = [
    "EMBEDDINGS",
    "NUMBER_EMBEDDINGS",
    "CategoryEmbedding",
    "EmbeddedColumns",
    "Embedding",
    "LinearEmbedding",
    "NumberEmbedding",
    "PeriodicEmbedding",
    "count_embedded_inputs",
    "find_columns_of_inputs",
    "resolve_category_embedding",
    "resolve_number_embedding",
]

WIDEST = 1024

COLUMN, SIZE = Bounds(at_least=0, at_most=2**31 - 1, whole=True), Bounds(at_least=1, at_most=2**31 - 1, whole=True)


@dataclass(frozen=True, slots=True, repr=False)
class Embedding(Component):
    """The base of all embeddings: each feature becomes `width` inputs of the first layer."""

    width: int = count_field(8, at_most=WIDEST)

    def engine_settings(self) -> dict[str, Any]:
        """Return what the engine needs, by its names."""
        return {"kind": self.key, "width": self.width}

    def count_parameters(self, size: int) -> int:
        """Return the number of parameters of one feature.

        Parameters
        ----------
        size : int
            The columns of the feature, or its codes.

        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, repr=False)
class PeriodicEmbedding(Embedding):
    """Cosines of learned frequencies, combined by learned weights; the number itself follows them.

    A number x becomes c_f = cos(2 pi w_f x + p_f) for each frequency, then ``width - 1`` inputs
    e_j = b_j + sum over f of c_f V_fj, and x. So a network sees fine structure that one number would hide from it. This
    is the PBLD embedding of Holzmüller, Grinsztajn & Steinwart 2024, "Better by default" (arXiv 2407.04491), after
    Gorishniy, Rubachev & Babenko 2022.

    Parameters
    ----------
    width : int, default 4
        Inputs of a feature, at least 2.
    frequencies : int, default 16
        Number of frequencies of a feature.
    deviation : float, default 0.1
        Standard deviation of the initial frequencies, above 0: the larger it is, the finer the structure.

    Examples
    --------
    >>> PeriodicEmbedding(deviation=0.05)
    PeriodicEmbedding(deviation=0.05)

    """

    key: ClassVar[str] = "periodic"

    width: int = count_field(4, at_least=2, at_most=WIDEST)
    frequencies: int = count_field(16, at_most=WIDEST)
    deviation: float = number_field(0.1, above=0)

    def engine_settings(self) -> dict[str, Any]:
        """Return what the engine needs, by its names."""
        return {
            "kind": self.key, "width": self.width, "frequencies": self.frequencies, "deviation": self.deviation,
        }  # fmt: skip

    def count_parameters(self, size: int) -> int:
        """Return the number of parameters of one feature, whatever its size."""
        del size
        return 2 * self.frequencies + (self.frequencies + 1) * (self.width - 1)


@dataclass(frozen=True, slots=True, repr=False)
class LinearEmbedding(Embedding):
    """Learned combinations of a number and the codes of its bins: e = b + x W for each feature.

    With piecewise-linear codes (``preprocessing="piecewise_linear"``) it is version B of the piecewise-linear
    embeddings of Gorishniy, Kotelnikov & Babenko 2025, "TabM" (arXiv 2410.24210): weights of the number begin at
    random, those of its bins at 0. Without bins, it is a linear function of the number alone.

    Parameters
    ----------
    width : int, default 16
        Inputs of a feature.

    Examples
    --------
    >>> LinearEmbedding(width=8)
    LinearEmbedding(width=8)

    """

    key: ClassVar[str] = "linear"

    width: int = count_field(16, at_most=WIDEST)

    def count_parameters(self, size: int) -> int:
        """Return the number of parameters of one feature.

        Parameters
        ----------
        size : int
            Its columns.

        """
        return (1 + size) * self.width


@dataclass(frozen=True, slots=True, repr=False)
class CategoryEmbedding(Embedding):
    """A learned vector for each category of a column (Guo & Berkhahn 2016, "Entity Embeddings").

    Parameters
    ----------
    width : int, default 8
        Numbers of a vector.
    more_than : int, default 8
        Columns with more categories than this are embedded; those with fewer have an input for each, as without
        embeddings. 0 embeds all.

    Examples
    --------
    >>> CategoryEmbedding(width=4)
    CategoryEmbedding(width=4)

    """

    key: ClassVar[str] = "category"

    width: int = count_field(8, at_most=WIDEST)
    more_than: int = count_field(8, at_least=0)

    def count_parameters(self, size: int) -> int:
        """Return the number of parameters of one column.

        Parameters
        ----------
        size : int
            Its codes.

        """
        return size * self.width


NumberEmbedding: TypeAlias = PeriodicEmbedding | LinearEmbedding
NUMBER_EMBEDDINGS: Registry[Embedding] = Registry("number_embedding", PeriodicEmbedding, LinearEmbedding)
EMBEDDINGS: Registry[Embedding] = Registry("embedding", PeriodicEmbedding, LinearEmbedding, CategoryEmbedding)


def resolve_number_embedding(choice: object) -> NumberEmbedding | None:
    """Return the embedding of numbers that a word, a dict or a component stands for; None for None and "none".

    Raises
    ------
    PlanError
        If it is none of these.

    Examples
    --------
    >>> resolve_number_embedding("periodic:0.05")
    PeriodicEmbedding(deviation=0.05)

    """
    if choice is None or (isinstance(choice, str) and choice.strip().lower() == "none"):
        return None
    return NUMBER_EMBEDDINGS.of(choice)  # type: ignore[return-value]  # the registry has no others


def resolve_category_embedding(choice: object) -> CategoryEmbedding | None:
    """Return the embedding of categories that a width, a dict or a CategoryEmbedding stands for; None for None.

    Raises
    ------
    PlanError
        If it is none of these.

    Examples
    --------
    >>> resolve_category_embedding(4)
    CategoryEmbedding(width=4)

    """
    if choice is None or isinstance(choice, CategoryEmbedding):
        return choice
    if isinstance(choice, Mapping):
        return CategoryEmbedding.from_dict(choice)
    width = Bounds(at_least=1, at_most=WIDEST, whole=True).check("category_embedding", choice)
    return CategoryEmbedding(int(width))


@dataclass(frozen=True, slots=True, repr=False)
class EmbeddedColumns(Component):
    """Features of the encoded table that are embedded alike.

    Parameters
    ----------
    embedding : PeriodicEmbedding, LinearEmbedding or CategoryEmbedding
    columns : tuple of int
        The first column of each feature, counted from 0.
    sizes : tuple of int
        For each feature, of linear embeddings, how many neighbouring columns it has; of categories, how many codes.
        Empty for periodic embeddings.

    Examples
    --------
    >>> EmbeddedColumns(LinearEmbedding(4), columns=(0, 3), sizes=(3, 1))
    EmbeddedColumns(embedding=LinearEmbedding(width=4), columns=(0, 3), sizes=(3, 1))

    """

    embedding: Embedding
    columns: tuple[int, ...]
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        object.__setattr__(self, "embedding", EMBEDDINGS.of(self.embedding, "EmbeddedColumns.embedding"))
        for name, bounds in (("columns", COLUMN), ("sizes", SIZE)):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Sequence):
                raise PlanError(f"EmbeddedColumns.{name}: got {given!r}; needs a list of whole numbers", argument=name)
            numbers = tuple(int(bounds.check(f"EmbeddedColumns.{name}", number)) for number in given)
            object.__setattr__(self, name, numbers)
        if not self.columns:
            raise PlanError("EmbeddedColumns.columns: got none; needs at least one", argument="columns")
        needed = 0 if isinstance(self.embedding, PeriodicEmbedding) else len(self.columns)
        if len(self.sizes) != needed:
            raise PlanError(
                f"EmbeddedColumns.sizes: got {len(self.sizes)} for {len(self.columns)} columns; a {self.embedding.key} "
                f"embedding needs {needed}",
                argument="sizes",
            )

    def taken(self) -> Iterator[int]:
        """Yield all columns that the features have."""
        if isinstance(self.embedding, LinearEmbedding):
            for first, size in zip(self.columns, self.sizes, strict=True):
                yield from range(first, first + size)
        else:
            yield from self.columns

    @property
    def width(self) -> int:
        """The number of inputs of the first layer that the features become."""
        return len(self.columns) * self.embedding.width

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return sum(self.embedding.count_parameters(size) for size in self.sizes or (1,) * len(self.columns))


def count_embedded_inputs(inputs: int, embeddings: Sequence[EmbeddedColumns]) -> int:
    """Return the number of inputs of the first layer of a table with `inputs` columns."""
    taken = sum(1 for embedded in embeddings for _ in embedded.taken())
    return inputs - taken + sum(embedded.width for embedded in embeddings)


def find_columns_of_inputs(inputs: int, embeddings: Sequence[EmbeddedColumns]) -> list[tuple[int, int]]:
    """Return for each input of the first layer, in the engine's order, its column and which of its inputs it is.

    They are counted from 0 and from 1; 0 is the number of the column itself.

    Examples
    --------
    >>> find_columns_of_inputs(2, [EmbeddedColumns(PeriodicEmbedding(width=3), (1,))])
    [(1, 1), (1, 2), (1, 0), (0, 0)]

    """
    found: list[tuple[int, int]] = []
    taken = {column for embedded in embeddings for column in embedded.taken()}
    for embedded in embeddings:
        width, keeps_number = embedded.embedding.width, isinstance(embedded.embedding, PeriodicEmbedding)
        for column in embedded.columns:
            found += [(column, j + 1) for j in range(width - keeps_number)]
            if keeps_number:
                found.append((column, 0))
    return found + [(column, 0) for column in range(inputs) if column not in taken]
