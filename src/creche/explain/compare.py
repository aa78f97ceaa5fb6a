"""Runs from one start, side by side: as curves and as paths on one loss surface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._displayed import Displayed
from creche._progress import OnProgress, StepProgress, count_steps, watch_steps
from creche.engine.hardware import resolve_hardware
from creche.errors import CrecheError, DivergedError, PlanError
from creche.explain.constant_loss import constant_loss
from creche.explain.loss_evaluator import LossEvaluator, unpack_networks
from creche.explain.loss_surface import LossSurface, compute_surface, find_plane
from creche.explain.run_verdict import RunVerdict, judge_run
from creche.explain.weight_space import project
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.model_selection.results import format_choice
from creche.model_selection.search_space import Combinations, split_axes
from creche.plan.arguments import OPTIMIZER_FIELDS, check_whole_number
from creche.plan.component import Component
from creche.render.components import describe_component
from creche.table.result_frames import frame_method
from creche.table.table import FrameLibrary
from creche.training.run import Run

if TYPE_CHECKING:
    import polars as pl

__all__ = ["VARIABLE_ARGUMENTS", "ComparedRun", "Comparison", "compare"]

# Arguments that do not change the network, its initial weights, its loss or its rows.
VARIABLE_ARGUMENTS = ("learning_rate", "optimizer", *OPTIMIZER_FIELDS, "schedule", "batch_size", "shuffle")
POINTS = 41

# How many sets of weights are kept.
MAX_KEPT = 200  # of each run
MAX_BYTES = 128_000_000  # of all runs together

FAR = 10.0  # a run that goes this many times the median distance does not determine the directions or the window


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComparedRun(Displayed):
    """One run of a comparison.

    Attributes
    ----------
    name : str
        The values in which the run differs, such as "learning rate 0.1".
    choice : dict
        The same values as arguments.
    run : Run
    steps : (kept,) int64
        The steps after which weights were kept; the first is 0, the start.
    losses : (kept,) float64
        The loss of these weights on all training rows.
    validation_losses : (kept,) float64 or None
        Their loss on the validation rows.
    path : (kept, 2) float64
        These weights projected onto the surface.
    is_far : bool
        Whether the run went so far that the directions and the window were chosen without it.
    verdict : RunVerdict
        Whether its learning rate was too low, good or too high beside the others, and why.

    """

    name: str
    choice: Mapping[str, Any]
    run: Run
    steps: NDArray[np.int64]
    losses: Array
    validation_losses: Array | None
    path: Array
    is_far: bool
    verdict: RunVerdict

    @property
    def status(self) -> str:
        """How the run ended: as `Run.status`."""
        return self.run.status

    def __repr__(self) -> str:
        return f"ComparedRun({self.name}: {self.status}, loss {self.losses[0]:.4g} to {self.losses[-1]:.4g})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Displayed, Sequence[ComparedRun]):
    """Runs from one start: made by `compare`. A sequence of `ComparedRun`, in the order of the arguments.

    Attributes
    ----------
    runs : tuple of ComparedRun
    surface : LossSurface
        The loss on the training rows over the plane of the paths, which runs through the end of the best run.

    """

    runs: tuple[ComparedRun, ...]
    surface: LossSurface

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which its tables come."""
        return self.surface.library

    def __len__(self) -> int:
        return len(self.runs)

    @overload
    def __getitem__(self, place: int) -> ComparedRun: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[ComparedRun, ...]: ...

    def __getitem__(self, place: int | slice) -> ComparedRun | tuple[ComparedRun, ...]:
        return self.runs[place]

    @property
    def share(self) -> float:
        """The share of the variance of all paths, except far ones, that lies in the surface's plane, from 0 to 1."""
        assert self.surface.share is not None
        return self.surface.share

    def best(self) -> ComparedRun:
        """Return the run that ends with the lowest training loss."""
        return min(self.runs, key=lambda one: one.losses[-1] if one.status != "diverged" else np.inf)

    @frame_method
    def table(self) -> pl.DataFrame:
        """Return one row for each run: its values, status, steps, losses (final, lowest, final validation), verdict."""
        import polars as pl

        rows = []
        for one in self.runs:
            validation = one.validation_losses
            rows.append(
                {
                    **{name: format_choice(value) for name, value in one.choice.items()},
                    "status": one.status, "steps": int(one.run.step), "loss": float(one.losses[-1]),
                    "lowest_loss": float(np.nanmin(one.losses)),
                    "validation_loss": None if validation is None else float(validation[-1]),
                    "verdict": one.verdict.word, "reason": one.verdict.reason,
                }
            )  # fmt: skip
        return pl.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the runs, with the losses of the weights that were kept, as plain data."""
        columns = ("steps", "losses", "validation_losses")
        return {
            "best": self.best().name,
            "runs": [
                {
                    "name": one.name, "choice": {name: format_choice(value) for name, value in one.choice.items()},
                    "status": one.status, "verdict": one.verdict.word, "reason": one.verdict.reason,
                    **{name: _to_list(getattr(one, name)) for name in columns},
                }
                for one in self.runs
            ],
        }  # fmt: skip

    @frame_method
    def step_table(self) -> pl.DataFrame:
        """Return one row for each set of weights that was kept: run, step, losses, and coordinates on the surface."""
        import polars as pl

        frames = []
        for one in self.runs:
            validation = np.full(len(one.steps), np.nan) if one.validation_losses is None else one.validation_losses
            columns = {
                "run": [one.name] * len(one.steps), "step": one.steps, "loss": one.losses,
                "validation_loss": validation, "x": one.path[:, 0], "y": one.path[:, 1],
            }  # fmt: skip
            frames.append(pl.DataFrame(columns))
        return pl.concat(frames)

    def plot(self, *, axes: Any = None) -> list[Any]:
        """Draw curves and paths side by side (needs the `plots` extra).

        Parameters
        ----------
        axes : two matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        list of two matplotlib.axes.Axes

        """
        from creche import plots

        return plots.comparison(self, axes=axes)

    def __repr__(self) -> str:
        return f"Comparison({len(self)} runs; {', '.join(map(repr, self.runs[:4]))}{', …' if len(self) > 4 else ''})"


def compare(
    data: Any,
    y: Any = None,
    *,
    directions: Sequence[Any] | None = None,
    points: int = POINTS,
    seed: int = 0,
    threads: int | None = None,
    on_progress: OnProgress[StepProgress] = None,
    **arguments: Any,
) -> Comparison:
    """Train from one start with several learning rates or optimizers, and compare their paths.

    All runs have the same initial weights, the same rows and, unless the batch size differs, the same batches, and go
    through all epochs. A verdict says of each whether its learning rate was too low, good or too high. The
    weights are kept at up to 200 evenly spaced steps of each run. The paths are shown on one surface of the loss, in
    the two directions along which they vary most (their principal components: Lorch 2016; Li et al. 2018). A run that
    goes more than ten times the median distance does not influence the directions.

    Parameters
    ----------
    data, y
        As for `creche.train`.
    directions : two weights, optional
        Two weights, each as (layer, source, target), to span the surface instead; see `loss_surface`.
    points : int, default 41
        The number of points of the surface along each side.
    seed : int, default 0
        The seed of the split, the initial weights and the order of rows.
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.
    **arguments
        Arguments of `creche.train`. Lists give several values of `learning_rate`, `optimizer`, `schedule`,
        `batch_size`, `shuffle`, or of the optimizer's `momentum`, `weight_decay`, `l1`, `clip_norm` and `clip_value`.
        Every combination is a run. Unless it is given, there is no early stopping, and the last weights are kept.

    Returns
    -------
    Comparison

    Raises
    ------
    PlanError
        If nothing varies, or an argument varies that changes the network, the loss or the rows.
    TableError, FileError
        As for `creche.train`.
    CrecheError
        If all runs diverge.

    Examples
    --------
    >>> import creche as cr
    >>> both = cr.explain.compare("penguins", label="species", hidden=[5], optimizer="sgd", learning_rate=[0.01, 0.3],
    ...                           epochs=10, points=9, threads=1)
    >>> [run.name for run in both], both.best().name
    (['learning rate 0.01', 'learning rate 0.3'], 'learning rate 0.3')
    >>> bool(both[0].losses[0] == both[1].losses[0])
    True
    >>> print(both[0].verdict)
    too low: still falling when it ended, by 0.078 in the last quarter, to 1.01

    """
    points, seed, hardware = (
        check_whole_number("points", points, at_least=3),
        check_whole_number("seed", seed, at_least=0),
        resolve_hardware(threads),
    )
    arguments = {"early_stopping": False, "keep": "last", **arguments}
    fixed, axes = split_axes({name: value for name, value in complete_arguments(arguments).items() if name != "seed"})
    for axis in axes:
        if axis.name not in VARIABLE_ARGUMENTS:
            raise PlanError(
                f"{axis.name}: has several values, but all runs share the same start and loss; arguments that may "
                f"vary: {', '.join(VARIABLE_ARGUMENTS)}"
            )
    choices = Combinations(axes)
    if len(choices) < 2:
        several = advise("learning_rate", [0.001, 0.01, 0.1])
        raise PlanError(f"nothing varies; give several values, such as {several}")
    jobs = Jobs(data, y, fixed, seed)
    runs = []
    for choice in choices:
        plan, prepared = jobs.create_plan(choice)
        runs.append(Run(replace(plan, seed=seed), prepared, hardware))
    with watch_steps(on_progress):
        followed = _follow_all(runs)
        sizes = np.array([np.linalg.norm(path - path[0], axis=1).max() for _, path in followed])
        return _compare_runs(list(choices), runs, followed, sizes > FAR * np.median(sizes), directions, points)


def _follow_all(runs: list[Run]) -> list[tuple[NDArray[np.int64], Array]]:
    """Train runs to their end; return the steps at which weights of each were kept, and these weights as rows."""
    total, before, followed = sum(run.plan.epochs for run in runs), 0, []
    with count_steps(total, "epochs") as report:
        for run in runs:
            followed.append(_follow(run, len(runs), partial(_report_epochs, report, before)))
            before += run.plan.epochs
            report(before)
    return followed


def _report_epochs(report: Callable[[int], None], before: int, run: Run) -> None:
    report(before + run.epoch)


def _follow(run: Run, runs: int, on_progress: Callable[[Run], None]) -> tuple[NDArray[np.int64], Array]:
    plan = run.plan
    steps = plan.epochs * plan.steps_per_epoch(len(run.prepared.train))
    count = max(2, min(MAX_KEPT, MAX_BYTES // (8 * plan.network.parameters * runs)))
    stride = max(1, -(-steps // count))
    at, rows = [run.step], [run.parameters.flatten()]
    try:
        while run.status == "running" and run.epoch < plan.epochs:
            run.resume(steps=stride, on_progress=on_progress)
            at.append(run.step)
            rows.append(run.parameters.flatten())
    except DivergedError:
        pass  # the run's status says so, and the path ends with the last finite loss
    return np.array(at, dtype=np.int64), np.stack(rows)


def _compare_runs(
    choices: list[dict[str, Any]],
    runs: list[Run],
    followed: list[tuple[NDArray[np.int64], Array]],
    is_far: NDArray[np.bool_],
    directions: Sequence[Any] | None,
    points: int,
) -> Comparison:
    """Return the losses along the paths, and the surface on which they are shown."""
    plan, prepared, threads = runs[0].plan, runs[0].prepared, runs[0].threads
    rows, validation = prepared.encode(plan.loss, plan.dtype)
    evaluators = [LossEvaluator(plan, rows, threads, prepared.library)] + (
        [] if validation is None else [LossEvaluator(plan, validation, threads)]
    )
    like = runs[0].parameters
    losses = [
        [evaluator.losses(unpack_networks(path, like, plan.dtype), len(path)) for evaluator in evaluators]
        for _, path in followed
    ]
    ends = np.array([of[0][-1] for of in losses])
    ends[is_far | ~np.isfinite(ends)] = np.inf
    best = int(np.argmin(ends + np.array([1e300 if run.status == "diverged" else 0.0 for run in runs])))
    if not np.isfinite(ends[best]) or all(run.status == "diverged" for run in runs):
        raise CrecheError("every run ends with a loss that is not finite; try lower learning rates")
    near = np.concatenate([path for (_, path), far in zip(followed, is_far, strict=True) if not far])
    model = runs[best].model
    plane = find_plane(model, directions, near, 0, of="paths")
    surface = compute_surface(evaluators[0], model.parameters, plane, near, points, None)
    constant = constant_loss(runs[0])
    compared = []
    for choice, run, (steps, path), of, far in zip(choices, runs, followed, losses, is_far.tolist(), strict=True):
        on_surface = project(path, plane.origin, plane.directions)[0] + plane.offset
        name = ", ".join(_describe_choice(argument, value) for argument, value in choice.items())
        verdict = judge_run(
            of[0], float(ends[best]), float(of[0][0]) if constant is None else constant,
            diverged_in=None if run.divergence is None else run.divergence[0] + 1,
        )  # fmt: skip
        validation_losses = of[1] if len(of) > 1 else None
        compared.append(ComparedRun(name, choice, run, steps, of[0], validation_losses, on_surface, far, verdict))
    return Comparison(tuple(compared), replace(surface, path=None, path_losses=None))


def _to_list(numbers: NDArray[Any] | None) -> list[float | None] | None:
    """Return numbers as plain data, with None for those that are not finite."""
    return None if numbers is None else [value if np.isfinite(value) else None for value in numbers.tolist()]


def _describe_choice(argument: str, value: Any) -> str:
    if isinstance(value, Component):
        shown = describe_component(value)
    else:
        shown = f"{value:g}" if isinstance(value, float) else str(format_choice(value))
    return shown if argument == "optimizer" else f"{argument.replace('_', ' ')} {shown}"
