"""Attributions: what each column of some rows did to their predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError, nearest
from creche.explain.encoded_rows import column_blocks, encode_inputs
from creche.explain.input_gradients import OutputFunction, OutputTarget
from creche.explain.rows import as_predictor, read_rows, select_rows
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.plan.arguments import check_whole_number
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.numeric import NumericEncoder

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IntegratedGradients", "format_cell", "integrated_gradients"]

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

    def selected(self, place: int) -> str:
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
                raise PlanError(f"row: is missing; there are {len(self):,} rows, from row {self.rows[0]} on")
            return 0
        return int(select_rows(self.rows, row, "row")[0])

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
        cells = [format_cell(of[i]) if of[i] is not None else None for i in range(count) for of in self.cells]
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
                {"column": name, "value": None if cell is None else format_cell(cell), "attribution": value}
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
        from creche import plots

        return plots.integrated_gradients(self, row, axes=axes)

    def __repr__(self) -> str:
        worst = float(np.abs(self.gap).max(initial=0))
        return (
            f"IntegratedGradients({len(self):,} rows x {len(self.columns)} columns, of {self.what}; "
            f"largest gap {worst:.2g})"
        )


def format_cell(value: Any) -> str:
    """A cell as it is shown.

    Examples
    --------
    >>> format_cell(3.25), format_cell(True), format_cell(None), format_cell(datetime(2020, 8, 20))
    ('3.25', 'yes', 'missing', '2020-08-20')

    """
    if value is None:
        return "missing"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return f"{value:,}" if isinstance(value, int) and abs(value) >= 1e6 else f"{value:.6g}"
    return str(value).removesuffix(" 00:00:00") if isinstance(value, datetime) else str(value)


STEPS = 128


POINTS_AT_ONCE = 8192


POINTS_OF_A_STRETCH = 64  # finding more of them at once takes long


MEAN = "mean"


LOGIT = "logit"


def integrated_gradients(
    model: Any,
    data: Any,
    *,
    rows: Any = None,
    baseline: Any = None,
    target: Any = None,
    logit: bool = False,
    steps: int = STEPS,
) -> IntegratedGradients:
    """How much each column of a row moved the prediction, from what would be said of a neutral row.

    On the straight line from the baseline x' to the row x, the slopes of the prediction f by each input are added up:
    (x_i - x'_i) ∫ ∂f/∂x_i (x' + α (x - x')) dα, α from 0 to 1 (Sundararajan, Taly & Yan 2017, eq. 1); the inputs of
    a column are added. The attributions sum to f(x) - f(x') (their proposition 1); `gap` is by how much they miss it,
    for the integral is a sum over some points.

    What is attributed depends on the baseline: it is a difference to it, column by column.

    Parameters
    ----------
    model : Model, Ensemble, Run or Member
        Of an ensemble, what it says together: each network by its share, and its temperature.
    data : file name, DataFrame or (n, d) array
        The label is not needed.
    rows : int or several, optional
        Which rows, as they are called: in tables from 1, in arrays from 0. By default all.
    baseline : "mean", or one row as a dict, table or array, optional
        By default the row of which the encoder knows nothing: numbers at their training mean (the median, if they
        were scaled by quantiles), dates in the middle of the years and of the calendar, categories at none, and nothing
        marked as missing. It favours no class or category, is the same for all rows, and depends on the training rows
        alone. "mean" is the mean of the rows of `data`, so that a category is as much as its share.
    target : class or name of a label, optional
        Whose probability, or which of several numbers. By default the class that is said of each row, or the only
        number.
    logit : bool, default False
        Whether log-odds are attributed instead of the probability: log p - log(1 - p). They go on moving where a
        probability is near 1 and hardly moves any more.
    steps : int, default 128
        Points of the Gauss-Legendre quadrature.

    Returns
    -------
    IntegratedGradients

    Raises
    ------
    TableError
        If a row or a column is not there.
    PlanError
        If there is no such class or label: what there is.

    Notes
    -----
    Gradients are exact, by the network's own way back, in float64 (weights as they are). Where activations have a kink
    (relu) the quadrature is exact between kinks only, so that the gap falls with one over the steps; with smooth ones
    it is soon nothing.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=60, threads=1).model
    >>> parts = cr.explain.integrated_gradients(model, "penguins", rows=12)
    >>> parts.columns == model.features.names, parts.targets
    (True, ('Adelie',))
    >>> round(float(parts.attributions.sum() - (parts.outputs - parts.baselines)[0]), 2)
    0.0

    """
    network = as_predictor(model)
    steps = check_whole_number("steps", steps, at_least=1)
    every = read_rows(network, data)
    chosen = every.take(select_rows(every.row_numbers, rows))
    said = OutputFunction(network)
    ends = [encode_inputs(one, chosen).astype(np.float64) for one in said.models]
    starts = [_baseline(one, baseline, data) for one in said.models]
    looked_at, names = _target(network, said.all(ends), target, logit)
    outputs = said.values(ends, looked_at)
    baselines = said.values(_repeated(starts, len(chosen)), looked_at)
    by_input = _integrals(said, starts, ends, looked_at, quadrature(steps))
    attributions = sum(_by_column(one.features, own) for one, own in zip(said.models, by_input, strict=True))
    unit = "log-odds" if logit else "probability" if network.classes is not None else "number"
    return IntegratedGradients(
        network.features.names, chosen.row_numbers, np.asarray(attributions), names, outputs, baselines,
        chosen.cells(network.features.names), network.labels.name, unit,
        _in_words(baseline),
    )  # fmt: skip


def quadrature(points: int) -> tuple[Array, Array]:
    """Points between 0 and 1, and the share of each: Gauss-Legendre, in stretches where there are many."""
    stretches = np.array_split(np.arange(points), -(-points // POINTS_OF_A_STRETCH))
    at, shares = [], []
    for stretch in stretches:
        begin, width = stretch[0] / points, len(stretch) / points
        nodes, own = np.polynomial.legendre.leggauss(len(stretch))
        at.append(begin + width * (nodes + 1) / 2)
        shares.append(width * own / 2)
    return np.concatenate(at), np.concatenate(shares)


def _integrals(
    said: OutputFunction, starts: list[Array], ends: list[Array], target: OutputTarget, nodes: tuple[Array, Array]
) -> list[Array]:
    """Of each network: (x - x') times the integral of the slopes, (n, inputs)."""
    at, shares = nodes
    found = [np.empty_like(end) for end in ends]
    rows_at_once = max(1, POINTS_AT_ONCE // len(at))
    for begin in range(0, len(target.which), rows_at_once):
        some = slice(begin, begin + rows_at_once)
        ways = [end[some] - start for start, end in zip(starts, ends, strict=True)]
        count = len(ways[0])
        points = [
            np.ascontiguousarray((start + at[:, np.newaxis, np.newaxis] * way).reshape(len(at) * count, -1))
            for start, way in zip(starts, ways, strict=True)
        ]
        slopes = said.slopes(points, OutputTarget(np.tile(target.which[some], len(at)), target.logit))
        for own, way, by_point in zip(found, ways, slopes, strict=True):
            own[some] = way * np.tensordot(shares, by_point.reshape(len(at), count, -1), axes=1)
    return found


def _repeated(starts: list[Array], rows: int) -> list[Array]:
    return [np.repeat(start[np.newaxis], rows, axis=0) for start in starts]


def _by_column(features: FeatureEncoder, by_input: Array) -> Array:
    return np.column_stack([by_input[:, block].sum(axis=1) for block in column_blocks(features)])


def _baseline(model: Model, baseline: Any, data: Any) -> Array:
    """The inputs, (inputs,), at which attributions begin."""
    if baseline is None:
        return neutral_inputs(model.features)
    if isinstance(baseline, str) and baseline == MEAN:
        return np.asarray(encode_inputs(model, read_rows(model, data)).mean(axis=0, dtype=np.float64))
    one = read_rows(model, _as_rows(baseline))
    if len(one) != 1:
        raise TableError(f"baseline: has {len(one):,} rows; needs one, or 'mean' for the mean of the data's rows")
    return np.asarray(encode_inputs(model, one)[0], dtype=np.float64)


def _in_words(baseline: Any) -> str:
    if baseline is None:
        return "a neutral row"
    return "the mean of the rows" if isinstance(baseline, str) else "the row given as baseline"


def _as_rows(baseline: Any) -> Any:
    """One row, by itself, as a table or array of one row."""
    if isinstance(baseline, str | int | float):
        raise PlanError(f"baseline: got {baseline!r}; needs 'mean', or one row as a dict, a table or an array")
    if isinstance(baseline, Mapping) and all(np.ndim(value) == 0 for value in baseline.values()):
        return [dict(baseline)]
    is_row = isinstance(baseline, list | tuple | np.ndarray) and np.ndim(baseline) == 1 and len(baseline) > 0
    return np.asarray(baseline)[np.newaxis] if is_row and not isinstance(baseline[0], Mapping) else baseline


def neutral_inputs(features: FeatureEncoder) -> Array:
    """Of a row of which nothing is known: what stands for a missing number, unmarked, and 0 for all else."""
    x = np.zeros(features.width)
    for column, block in zip(features.columns, column_blocks(features), strict=True):
        if isinstance(column, NumericEncoder):
            column.write(np.array([column.fill]), x[np.newaxis, block])
    return x


def _target(network: Model | Ensemble, said: Array, target: Any, logit: bool) -> tuple[OutputTarget, tuple[Any, ...]]:
    """Which output of each row, and what it is called."""
    if network.classes is None:
        if logit:
            raise PlanError(f"logit: is of classes; the label {network.labels.name!r} is a number")
        return _one_of(target, network.labels.names, len(said))
    if target is None:
        which = said.argmax(axis=1)
        return OutputTarget(which, logit), tuple(network.classes[i] for i in which)
    found, names = _one_of(target, network.classes, len(said))
    return OutputTarget(found.which, logit), names


def _one_of(target: Any, names: tuple[Any, ...], rows: int) -> tuple[OutputTarget, tuple[Any, ...]]:
    if target is None:
        if len(names) > 1:
            raise PlanError(f"target: is missing; name one of the labels {', '.join(names)}")
        target = names[0]
    if isinstance(target, str) and target not in names:  # a class may be 7, where words are typed
        target = {str(name): name for name in names}.get(target, target)
    if target not in names:
        also = " For log-odds say logit=True." if target == LOGIT else ""
        raise PlanError(f"target: got {target!r}; {nearest(target, map(str, names))}{also and '.' + also}")
    place = names.index(target)
    return OutputTarget(np.full(rows, place), False), (names[place],) * rows
