"""Attributions: what each column of some rows did to their predictions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IntegratedGradients", "cell_in_words"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntegratedGradients:
    """How much each column of each row moved a prediction: made by `integrated_gradients`.

    Attributes
    ----------
    columns : tuple of str
        Of the user's table, in the network's order.
    rows : (n,) int64
        What the user calls each row.
    attributions : (n, columns) float64
        In the unit of what is attributed.
    targets : tuple
        Of each row: the class, or the name of the label.
    outputs, baselines : (n,) float64
        What is said of each row, and of the baseline.
    cells : tuple of (n,) arrays
        What stands in each column, None where nothing does.
    label : str
    unit : {"probability", "log-odds", "number"}
    beginning : str
        What the baseline is, in words: "a neutral row".

    """

    columns: tuple[str, ...]
    rows: NDArray[np.int64]
    attributions: Array
    targets: tuple[Any, ...]
    outputs: Array
    baselines: Array
    cells: tuple[NDArray[np.object_], ...]
    label: str
    unit: str
    beginning: str

    @property
    def gap(self) -> Array:
        """By how much the attributions of each row miss outputs - baselines, (n,): completeness; 0 at best."""
        return np.asarray(self.attributions.sum(axis=1) - (self.outputs - self.baselines))

    @property
    def what(self) -> str:
        """What is attributed, in words: "probability"; of numbers the label."""
        return self.label if self.unit == "number" else self.unit

    def looked_at(self, place: int) -> str:
        """What is attributed of one row, in words: "probability of Adelie"; of numbers the name of the label."""
        target = str(self.targets[place])
        return target if self.unit == "number" else f"{self.unit} of {target}"

    def __len__(self) -> int:
        return len(self.rows)

    def place_of(self, row: int | None = None) -> int:
        """The place of a row by what the user calls it; the only one, if it is left out.

        Raises
        ------
        TableError
            If there is no such row.
        PlanError
            If there are several and none is named.

        """
        if row is None:
            if len(self) != 1:
                raise PlanError(f"row: is missing; there are {len(self):,} rows, from {self.rows[0]} on")
            return 0
        found = np.flatnonzero(self.rows == row)
        if len(found) == 0:
            some = ", ".join(str(r) for r in self.rows[:10]) + (", …" if len(self) > 10 else "")
            raise TableError(f"row: got {row!r}; there are attributions of rows {some}")
        return int(found[0])

    def strongest(self, row: int | None = None) -> list[tuple[str, Any, float]]:
        """Of one row: each column, its cell and its attribution, the largest first."""
        place = self.place_of(row)
        own = self.attributions[place]
        order = np.argsort(-np.abs(own), kind="stable").tolist()
        return [(self.columns[i], self.cells[i][place], float(own[i])) for i in order]

    def table(self) -> pl.DataFrame:
        """As a Polars DataFrame, a line for each row and column."""
        import polars as pl

        count, width = self.attributions.shape
        cells = [cell_in_words(of[i]) if of[i] is not None else None for i in range(count) for of in self.cells]
        return pl.DataFrame(
            {
                "row": np.repeat(self.rows, width),
                "target": [str(target) for target in self.targets for _ in range(width)],
                "column": list(self.columns) * count,
                "value": pl.Series(cells, dtype=pl.String),
                "attribution": self.attributions.ravel(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data; cells as words."""
        rows = []
        for i, row in enumerate(self.rows.tolist()):
            columns = [
                {"column": name, "value": None if cell is None else cell_in_words(cell), "attribution": value}
                for name, cell, value in self.strongest(row)
            ]
            target = self.targets[i] if isinstance(self.targets[i], str | int | float | bool) else str(self.targets[i])
            rows.append(
                {"row": row, "target": target, "output": float(self.outputs[i]), "baseline": float(self.baselines[i]),
                 "gap": float(self.gap[i]), "columns": columns}
            )  # fmt: skip
        return {"label": self.label, "unit": self.unit, "beginning": self.beginning, "rows": rows}

    def plot(self, row: int | None = None, axes: Any = None) -> Any:
        """One row's attributions as signed bars, as matplotlib Axes (needs the `plots` extra)."""
        from creche.plots.attributions import integrated_gradients

        return integrated_gradients(self, row, axes=axes)

    def __repr__(self) -> str:
        worst = float(np.abs(self.gap).max(initial=0))
        return (
            f"IntegratedGradients({len(self):,} rows x {len(self.columns)} columns, of {self.what}; "
            f"largest gap {worst:.2g})"
        )


def cell_in_words(value: Any) -> str:
    """A cell as it is shown.

    Examples
    --------
    >>> cell_in_words(3.25), cell_in_words(True), cell_in_words(None), cell_in_words(datetime(2020, 8, 20))
    ('3.25', 'yes', 'missing', '2020-08-20')

    """
    if value is None:
        return "missing"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return f"{value:,}" if isinstance(value, int) and abs(value) >= 1e6 else f"{value:.6g}"
    return str(value).removesuffix(" 00:00:00") if isinstance(value, datetime) else str(value)
