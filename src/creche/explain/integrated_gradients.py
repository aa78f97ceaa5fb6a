"""Integrated gradients: how much each column of a row contributed to its prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._progress import OnProgress, StepProgress, track, watch_steps
from creche.errors import PlanError, TableError, nearest
from creche.explain.cells import format_cell
from creche.explain.encoded_rows import column_blocks, encode_inputs
from creche.explain.input_gradients import OutputFunction, OutputTarget
from creche.explain.rows import as_predictor, read_rows, select_rows
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.embeddings import find_columns_of_inputs
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.result_frames import RowsResult, frame_method
from creche.table.training_summary import TrainingRows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IntegratedGradients", "integrated_gradients"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IntegratedGradients(RowsResult):
    """How much each column of each row contributed to a prediction: made by `integrated_gradients`.

    Attributes
    ----------
    columns : tuple of str
        The columns of the table, in the network's order.
    rows : (n,) int64
        The row numbers.
    attributions : (n, columns) float64
        The contribution of each column, in `unit`.
    targets : tuple
        The class, or the name of the label, whose prediction is attributed, for each row.
    outputs, baselines : (n,) float64
        The prediction for each row, and for the baseline.
    cells : tuple of (n,) arrays
        The cells of each column, None where one is missing.
    label : str
        The name of the label.
    unit : {"probability", "log-odds", "number"}
    baseline_name : str
        The baseline in words: "a neutral row".
    training_rows : TrainingRows or None
        How many of the rows the model was trained on; None if there are none.

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
    baseline_name: str
    training_rows: TrainingRows | None = None

    @property
    def gap(self) -> Array:
        """The completeness error of each row, (n,): the sum of its attributions minus (output - baseline)."""
        return np.asarray(self.attributions.sum(axis=1) - (self.outputs - self.baselines))

    @property
    def quantity(self) -> str:
        """The attributed quantity in words: "probability", "log-odds", or the name of the label in a regression."""
        return self.label if self.unit == "number" else self.unit

    def describe_target(self, place: int) -> str:
        """Return what is attributed in one row, in words: "probability of Adelie", or the name of the label.

        Parameters
        ----------
        place : int
            The place of the row in `rows`, from 0.

        """
        target = str(self.targets[place])
        return target if self.unit == "number" else f"{self.unit} of {target}"

    def __len__(self) -> int:
        return len(self.rows)

    def find_row(self, row: int | None = None) -> int:
        """Return the place of a row in `rows`, from 0.

        Parameters
        ----------
        row : int, optional
            The row's number; it may be left out if there is only one row.

        Returns
        -------
        int

        Raises
        ------
        TableError
            If there is no such row.
        PlanError
            If there are several rows and none is named.

        """
        if row is None:
            if len(self) != 1:
                raise PlanError(f"row: is missing; there are {len(self):,} rows, from row {self.rows[0]} on")
            return 0
        return int(select_rows(self.rows, row, "row")[0])

    def largest(self, row: int | None = None) -> list[tuple[str, Any, float]]:
        """Return each column of a row with its cell and attribution, the largest absolute value first.

        Parameters
        ----------
        row : int, optional
            The row's number; it may be left out if there is only one row.

        Returns
        -------
        list of (column, cell, attribution)
            The cell is None if it is missing.

        """
        place = self.find_row(row)
        own = self.attributions[place]
        order = np.argsort(-np.abs(own), kind="stable").tolist()
        return [(self.columns[i], self.cells[i][place], float(own[i])) for i in order]

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return a DataFrame with one line for each row and column; one of pandas has the index of the data."""
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
        """Return plain data, ready for JSON; cells are text."""
        rows = []
        for i, row in enumerate(self.rows.tolist()):
            columns = [
                {"column": name, "value": None if cell is None else format_cell(cell), "attribution": value}
                for name, cell, value in self.largest(row)
            ]
            target = self.targets[i] if isinstance(self.targets[i], str | int | float | bool) else str(self.targets[i])
            rows.append(
                {"row": row, "target": target, "output": float(self.outputs[i]), "baseline": float(self.baselines[i]),
                 "gap": float(self.gap[i]), "columns": columns}
            )  # fmt: skip
        known = {} if self.training_rows is None else {"training_rows": self.training_rows.to_dict()}
        return {"label": self.label, "unit": self.unit, "baseline": self.baseline_name, "rows": rows, **known}

    def plot(self, row: int | None = None, *, axes: Any = None) -> Any:
        """Draw one row's attributions as signed bars (needs the `plots` extra).

        Parameters
        ----------
        row : int, optional
            The row's number; it may be left out if there is only one row.
        axes : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        """
        from creche import plots

        return plots.integrated_gradients(self, row, axes=axes)

    def __repr__(self) -> str:
        largest = float(np.abs(self.gap).max(initial=0))
        return (
            f"IntegratedGradients({len(self):,} rows x {len(self.columns)} columns, of {self.quantity}; "
            f"largest gap {largest:.2g})"
        )


STEPS = 128
POINTS_AT_ONCE = 8192
MAX_NODES = 64  # of one Gauss-Legendre rule; finding more takes long

MEAN = "mean"
LOGIT = "logit"


@reject_unknown
def integrated_gradients(
    model: Any,
    data: Any,
    *,
    rows: Any = None,
    baseline: Any = None,
    target: Any = None,
    logit: bool = False,
    steps: int = STEPS,
    on_progress: OnProgress[StepProgress] = None,
) -> IntegratedGradients:
    """Attribute the prediction for a row to its columns, relative to the prediction for a neutral row.

    Along the straight line from the baseline x' to the row x, the gradient of the prediction f with respect to each
    input is integrated: (x_i - x'_i) ∫ ∂f/∂x_i (x' + α (x - x')) dα, α from 0 to 1 (Sundararajan, Taly & Yan 2017,
    eq. 1). The inputs of a column are summed; with embeddings, those of the first layer, in which the vector of a
    category is. The attributions sum to f(x) - f(x') (their proposition 1); `gap` is the
    difference that remains because the integral is a sum over a number of points.

    Attributions depend on the baseline: they explain the difference from it.

    Parameters
    ----------
    model : Model, Ensemble, Run, Member of a colony or fitted estimator
        The prediction of an ensemble is attributed as a whole, with its shares and its temperature.
    data : file name, DataFrame or (n, d) array
        The rows; labels are not needed.
    rows : int, sequence of int, slice, or (n,) boolean mask, optional
        Row numbers of `data`: tables are counted from 1, arrays from 0. By default all rows.
    baseline : "mean", or one row as a dict, table or array, optional
        By default a neutral row: numbers at their training mean (their median, with robust or quantile scaling), dates
        in the middle of the years and of the calendar, categories at none, and nothing marked as missing. It favours no
        class or category, is the same for all rows, and depends on the training rows only. "mean" is the mean of the
        rows of `data`, with each category at its share.
    target : class or name of a label, optional
        The class whose probability, or the label whose number, is attributed. By default each row's predicted class, or
        the only label.
    logit : bool, default False
        Whether to attribute the log-odds, log p - log(1 - p), instead of the probability p, which hardly changes near 0
        and 1.
    steps : int, default 128
        The number of points of the Gauss-Legendre quadrature.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    IntegratedGradients

    Raises
    ------
    TableError
        If there is no such row, or a column is missing.
    PlanError
        If there is no such class or label; the error lists those there are.

    Notes
    -----
    Gradients are exact: the network's own backpropagation, in float64. With activations that have a kink (relu) the
    quadrature is exact only between kinks, so that the gap falls with one over `steps`; with smooth activations it soon
    vanishes.

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
    function = OutputFunction(network)
    ends = function.embed([encode_inputs(one, chosen).astype(np.float64) for one in function.models])
    baseline_rows = function.embed([_baseline_rows(one, baseline, data) for one in function.models])
    starts = [rows.mean(axis=0) for rows in baseline_rows]
    outcome, names = _find_targets(network, function.outputs(ends), target, logit)
    outputs = function.values(ends, outcome)
    baselines = function.values(_repeat(starts, len(chosen)), outcome)
    with watch_steps(on_progress):
        by_input = _integrate(function, starts, ends, outcome, quadrature(steps))
    attributions = sum(_sum_by_column(one, own) for one, own in zip(function.models, by_input, strict=True))
    unit = "log-odds" if logit else "number" if network.labels.task == "regression" else "probability"
    return IntegratedGradients(
        network.features.names, chosen.row_numbers, np.asarray(attributions), names, outputs, baselines,
        chosen.cells(network.features.names), network.labels.name, unit,
        _describe_baseline(baseline), network.find_training_rows(chosen.table),
        library=chosen.table.library, row_labels=chosen.table.row_labels,
    )  # fmt: skip


def quadrature(points: int) -> tuple[Array, Array]:
    """Return points between 0 and 1 and their weights: Gauss-Legendre, composite if there are many points."""
    stretches = np.array_split(np.arange(points), -(-points // MAX_NODES))
    at, shares = [], []
    for stretch in stretches:
        begin, width = stretch[0] / points, len(stretch) / points
        nodes, own = np.polynomial.legendre.leggauss(len(stretch))
        at.append(begin + width * (nodes + 1) / 2)
        shares.append(width * own / 2)
    return np.concatenate(at), np.concatenate(shares)


def _integrate(
    function: OutputFunction, starts: list[Array], ends: list[Array], target: OutputTarget, nodes: tuple[Array, Array]
) -> list[Array]:
    """Return (x - x') times the integral of the gradients for each network, (n, inputs)."""
    at, shares = nodes
    integrals = [np.empty_like(end) for end in ends]
    rows_at_once = max(1, POINTS_AT_ONCE // len(at))
    for begin in track(range(0, len(target.which), rows_at_once), "groups of rows"):
        some = slice(begin, begin + rows_at_once)
        ways = [end[some] - start for start, end in zip(starts, ends, strict=True)]
        count = len(ways[0])
        points = [
            np.ascontiguousarray((start + at[:, np.newaxis, np.newaxis] * way).reshape(len(at) * count, -1))
            for start, way in zip(starts, ways, strict=True)
        ]
        gradients = function.gradients(points, OutputTarget(np.tile(target.which[some], len(at)), target.logit))
        for own, way, by_point in zip(integrals, ways, gradients, strict=True):
            own[some] = way * np.tensordot(shares, by_point.reshape(len(at), count, -1), axes=1)
    return integrals


def _repeat(starts: list[Array], rows: int) -> list[Array]:
    return [np.repeat(start[np.newaxis], rows, axis=0) for start in starts]


def _sum_by_column(model: Model, by_input: Array) -> Array:
    network, blocks = model.plan.network, column_blocks(model.features)
    owners = np.concatenate([[column] * (block.stop - block.start) for column, block in enumerate(blocks)])
    places = find_columns_of_inputs(network.inputs, network.embeddings)
    of_inputs = owners[[place for place, _ in places]]
    return np.column_stack([by_input[:, of_inputs == column].sum(axis=1) for column in range(len(blocks))])


def _baseline_rows(model: Model, baseline: Any, data: Any) -> Array:
    """Return the encoded rows whose mean is the baseline, (rows, inputs)."""
    if baseline is None:
        return neutral_inputs(model.features)[np.newaxis]
    if isinstance(baseline, str) and baseline == MEAN:
        return encode_inputs(model, read_rows(model, data)).astype(np.float64)
    one = read_rows(model, _as_single_row(baseline))
    if len(one) != 1:
        raise TableError(f"baseline: has {len(one):,} rows; needs one, or 'mean' for the mean of the data's rows")
    return encode_inputs(model, one).astype(np.float64)


def _describe_baseline(baseline: Any) -> str:
    if baseline is None:
        return "a neutral row"
    return "the mean of the rows" if isinstance(baseline, str) else "the baseline row"


def _as_single_row(baseline: Any) -> Any:
    """Return one row as a table or array of one row."""
    if isinstance(baseline, str | int | float):
        raise PlanError(f"baseline: got {baseline!r}; needs 'mean', or one row as a dict, a table or an array")
    if isinstance(baseline, Mapping) and all(np.ndim(value) == 0 for value in baseline.values()):
        return [dict(baseline)]
    is_row = isinstance(baseline, list | tuple | np.ndarray) and np.ndim(baseline) == 1 and len(baseline) > 0
    return np.asarray(baseline)[np.newaxis] if is_row and not isinstance(baseline[0], Mapping) else baseline


def neutral_inputs(features: FeatureEncoder) -> Array:
    """Return the inputs of a neutral row: the fill value of each number, no category, and nothing marked as missing."""
    x = np.zeros(features.width)
    for column, block in zip(features.columns, column_blocks(features), strict=True):
        if isinstance(column, NumericEncoder):
            column.write(np.array([column.fill]), x[np.newaxis, block])
        elif isinstance(column, CategoricalEncoder):
            column.write(np.array([-1]), x[np.newaxis, block])
    return x


def _find_targets(
    network: Model | Ensemble, outputs: Array, target: Any, logit: bool
) -> tuple[OutputTarget, tuple[Any, ...]]:
    """Return the output to attribute in each row, and its name."""
    if network.classes is None:
        if logit:
            held = "several labels of yes or no" if network.labels.is_multilabel else "a number"
            raise PlanError(f"logit: needs a classification; the label {network.labels.name!r} is {held}")
        return _find_one_target(target, network.labels.outcomes, len(outputs))
    if target is None:
        which = outputs.argmax(axis=1)
        return OutputTarget(which, logit), tuple(network.classes[i] for i in which)
    one, names = _find_one_target(target, network.classes, len(outputs))
    return OutputTarget(one.which, logit), names


def _find_one_target(target: Any, names: tuple[Any, ...], rows: int) -> tuple[OutputTarget, tuple[Any, ...]]:
    if target is None:
        if len(names) > 1:
            raise PlanError(f"target: is missing; name one of the labels {', '.join(names)}")
        target = names[0]
    if isinstance(target, str) and target not in names:  # the class may be the number 7, and the target text
        target = {str(name): name for name in names}.get(target, target)
    if target not in names:
        also = f" For log-odds, set {advise('logit', True)}." if target == LOGIT else ""
        raise PlanError(f"target: got {target!r}; {nearest(target, map(str, names))}{also and '.' + also}")
    place = names.index(target)
    return OutputTarget(np.full(rows, place), False), (names[place],) * rows
