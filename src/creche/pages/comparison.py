"""The page of a comparison: the losses of runs from one start, and a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from creche.model_selection.results import format_choice
from creche.pages.tables import count_rows, format_score, part_sizes
from creche.render.document import Block, Chart, Curve, Facts, Grid, Section
from creche.render.words import describe_classes

if TYPE_CHECKING:
    from creche.explain.compare import Comparison

__all__ = ["MARKS", "comparison_chart", "comparison_page", "verdict_grid"]

MARKS = "123456789abcdefghijklmnopqrstuvwxyz"
HIGHEST = 1.5  # times the loss at the start


def comparison_page(comparison: Comparison) -> Sequence[Section]:
    """Return the sections: what is the same for all runs, their losses by step, and the verdict on each."""
    run = comparison[0].run
    prepared, plan = run.prepared, run.plan
    shared = Facts(
        [
            ("rows", count_rows(part_sizes(prepared))),
            ("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}"),
            ("network", f"{plan.network}, batch size {plan.batch_size}, {plan.epochs:,} epochs"),
            ("the same start", f"initial weights, split and order of rows of seed {plan.seed}"),
        ]
    )
    blocks: list[Block] = [comparison_chart(comparison), "", verdict_grid(comparison), ""]
    blocks += [
        f"{mark} {one.name}: {one.verdict.word}; {one.verdict.reason}."
        for mark, one in zip(MARKS, comparison, strict=False)
    ]
    return [Section(f"{len(comparison)} runs from one start", [shared]), Section("Loss on the training rows", blocks)]


def comparison_chart(comparison: Comparison) -> Chart:
    """Return the losses of the runs by step; those far above the start of all are cut off."""
    curves = [
        Curve(one.name, one.steps.tolist(), one.losses.tolist(), mark)
        for mark, one in zip(MARKS, comparison, strict=False)
    ]
    return Chart("step", curves, highest=HIGHEST * float(comparison[0].losses[0]))


def verdict_grid(comparison: Comparison) -> Grid:
    """Return a row for each run: its final losses, and the verdict in one word."""
    has_validation = comparison[0].validation_losses is not None
    names = [name.replace("_", " ") for name in comparison[0].choice]
    head = ["", *names, "verdict", "loss", *(["validation"] if has_validation else [])]
    rows = []
    for mark, one in zip(MARKS, comparison, strict=False):
        losses = [one.losses] + ([] if one.validation_losses is None else [one.validation_losses])
        values = [format_choice(value) for value in one.choice.values()]
        rows.append([mark, *values, one.verdict.word, *(format_score(float(curve[-1])) for curve in losses)])
    return Grid(head, rows, left=2 + len(names))
