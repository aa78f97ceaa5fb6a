"""How what a network says depends on a column or two, on average over rows or for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.explain.given import outcome_number, unlike
from creche.explain.span import Span

if TYPE_CHECKING:
    import polars as pl

__all__ = ["PartialDependence"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PartialDependence:
    """What the network says as columns change and all else stays as it is: made by `partial_dependence`.

    Attributes
    ----------
    spans : tuple of Span
        One or two columns, and the values of them that were tried.
    outcomes : tuple
        The classes, or the labels of numbers: k of them.
    of_classes : bool
        Whether the numbers are probabilities.
    label : str
    average : (m, k) or (m, m2, k) float64
        The mean over the rows, for each value tried of the first (and the second) column.
    individual : (n, m, k) float64, or None
        Of each row, if that was asked for.
    called : (n,) int64
        What the user calls each row.

    """

    spans: tuple[Span, ...]
    outcomes: tuple[Any, ...]
    of_classes: bool
    label: str
    average: NDArray[np.float64]
    individual: NDArray[np.float64] | None
    called: NDArray[np.int64]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that were changed."""
        return tuple(span.name for span in self.spans)

    @property
    def ranges(self) -> NDArray[np.float64]:
        """How far apart the least and the greatest average are, (k,)."""
        flat = self.average.reshape(-1, len(self.outcomes))
        return np.asarray(np.ptp(flat, axis=0))

    def number_of(self, of: Any = None) -> int:
        """The place of a class or label; by default, of the one that depends most.

        Raises
        ------
        PlanError
            If there is none of that name.

        """
        return int(np.argmax(self.ranges)) if of is None else outcome_number(self.outcomes, of)

    def measure(self, of: Any) -> str:
        """What the average is of."""
        return f"mean probability of {of}" if self.of_classes else f"mean prediction of {of}"

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame: the columns, and what was said.

        Of classes there is a row for each value and class, of numbers one for each value; of individual rows, as many
        for each of them, and the row's number.
        """
        import polars as pl

        said = self.average[np.newaxis] if self.individual is None else self.individual
        rows = len(said)
        grid = np.indices((rows, *map(len, self.spans))).reshape(1 + len(self.spans), -1)
        flat = said.reshape(-1, len(self.outcomes))
        repeats = len(self.outcomes) if self.of_classes else 1
        found: dict[str, Any] = {}
        if self.individual is not None:
            found[unlike("row", (*self.columns, self.label, *map(str, self.outcomes)))] = np.repeat(
                self.called[grid[0]], repeats
            )
        for span, place in zip(self.spans, grid[1:], strict=True):
            values = span.values
            found[span.name] = [values[i] for i in np.repeat(place, repeats).tolist()]
        if self.of_classes:
            found[self.label] = list(self.outcomes) * len(flat)
            found[unlike("probability", (*found,))] = flat.ravel()
        else:
            found |= {str(name): flat[:, i] for i, name in enumerate(self.outcomes)}
        return pl.DataFrame(found)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        columns = [
            {"name": span.name, "kind": span.kind, "is_used": span.is_used,
             "values": [value.isoformat() if hasattr(value, "isoformat") else value for value in span.values]}
            for span in self.spans
        ]  # fmt: skip
        return {
            "label": self.label, "outcomes": [_plain(outcome) for outcome in self.outcomes],
            "of_classes": self.of_classes, "rows": len(self.called), "columns": columns,
            "average": self.average.tolist(),
            "individual": None if self.individual is None else self.individual.tolist(), "notes": self.notes(),
        }  # fmt: skip

    def notes(self) -> list[str]:
        """What a picture would not show."""
        return [note for span in self.spans for note in span.notes()]

    def plot(self, axes: Any = None, *, of: Any = None) -> Any:
        """Curves, bars or a map, as matplotlib Axes (needs the `plots` extra); `of`: which class or label alone."""
        from creche.plots.dependences import partial_dependence

        return partial_dependence(self, of=of, axes=axes)

    def __repr__(self) -> str:
        tried = " and ".join(f"{len(span)} values of {span.name}" for span in self.spans)
        return f"PartialDependence({self.label}: {tried}, {len(self.called):,} rows)"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
