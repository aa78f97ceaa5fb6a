"""The page of a cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche._phrases import format_count
from creche.evaluation.metrics import metric_name
from creche.explain.cells import format_cell
from creche.pages.evaluation import evaluation_page
from creche.pages.tables import INTERVAL, format_duration, note, plain_table
from creche.render.words import format_interval, format_number

if TYPE_CHECKING:
    from creche.model_selection.cross_validation_result import CrossValidation

__all__ = ["cross_validation_page"]

MAX_FOLDS = 20
MAX_METRICS = 4  # of each fold


def cross_validation_page(crossed: CrossValidation, interrupted: bool = False) -> RenderableType:
    """Render the metrics over all networks, those of each fold, and the evaluation of all held-out predictions."""
    summary = crossed.summary()
    parts: list[RenderableType] = [_heading(crossed, interrupted), Text(), _summary_table(crossed)]
    notes = []
    if any(np.isfinite(spread.low) for spread in summary.values()):
        notes.append("The CI accounts for folds that share training rows (Nadeau & Bengio 2003).")
    if any(np.isfinite(spread.share_of_seed) for spread in summary.values()):
        notes.append("split, seed: share of variance explained by each.")
    parts += [note(each) for each in notes]
    parts += [Text(), _fold_table(crossed), Text()]
    counts = crossed.prediction_counts[crossed.prediction_counts > 0]
    has_means = counts.max() > 1
    if has_means:
        networks = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
        parts += [Text(f"Held-out predictions: the mean of the {networks} networks that were not trained on the row.")]
        parts += [Text()]
    parts.append(evaluation_page(crossed.evaluation, "held-out rows", crossed.row_numbers))
    if has_means:
        parts += [Text(), _uncertain_rows(crossed)]
    return Group(*parts)


def _heading(crossed: CrossValidation, interrupted: bool) -> Text:
    count, members = len(crossed.members), crossed.fold_members
    sizes = {
        "fold": len({member.fold for member in members}),
        "repeat": len({member.repeat for member in members}),
        "seed": len({member.seed for member in members}),
    }
    factors = " × ".join(format_count(n, name) for name, n in sizes.items() if n > 1 or name == "fold")
    rate = f", {count / crossed.seconds:,.0f} networks a second" if crossed.seconds > 0 else ""
    threads = format_count(crossed.threads, "thread")
    lines = [
        f"{format_count(count, 'network')}, each evaluated on its held-out fold",
        f"{factors}, trained in {format_duration(crossed.seconds)} on {threads}{rate}",
    ]
    if crossed.diverged:
        lines.append(f"{len(crossed.diverged):,} more diverged and were dropped")
    if interrupted:
        lines.append("interrupted: unfinished networks were dropped")
    return Text("\n".join(lines))


def _summary_table(crossed: CrossValidation) -> Table:
    """Render the mean of each metric with its interval and standard deviation, and what its variance comes from."""
    summary = crossed.summary()
    has_shares = any(np.isfinite(spread.share_of_seed) for spread in summary.values())
    head = f"of {format_count(len(crossed.members), 'network')}"
    table = plain_table(head, "mean", INTERVAL, "std", *(["split", "seed"] if has_shares else []), left=(head,))
    table.columns[0].style = "dim"
    for key, spread in summary.items():
        share = spread.share_of_seed
        shares = ["", ""] if np.isnan(share) else [f"{1 - share:.0%}", f"{share:.0%}"]
        table.add_row(
            metric_name(key), Text(format_number(spread.mean), style="bold"), format_interval(spread.low, spread.high),
            format_number(spread.std), *(shares if has_shares else []),
        )  # fmt: skip
    return table


def _fold_table(crossed: CrossValidation) -> Table:
    """Render the mean of each metric over the networks of a fold."""
    names = list(crossed.summary())[:MAX_METRICS]
    has_repeats = len({member.repeat for member in crossed.fold_members}) > 1
    table = plain_table(*(["repeat"] if has_repeats else []), "fold", "rows", *(metric_name(name) for name in names))
    members: dict[tuple[int, int], list[int]] = {}
    for i, member in enumerate(crossed.fold_members):
        members.setdefault((member.repeat, member.fold), []).append(i)
    for (repeat, fold), numbers in list(members.items())[:MAX_FOLDS]:
        metrics = [crossed.evaluations[i].metrics() for i in numbers]
        finite = ([m[name] for m in metrics if np.isfinite(m[name])] for name in names)
        means = [format_number(float(np.mean(values)) if values else np.nan) for values in finite]
        rows = f"{crossed.evaluations[numbers[0]].rows:,}"
        table.add_row(*([str(repeat)] if has_repeats else []), str(fold), rows, *means)
    if len(members) > MAX_FOLDS:
        table.add_row("…", *("" for _ in table.columns[1:]))
    return table


def _uncertain_rows(crossed: CrossValidation) -> Table:
    """Render the rows about which the networks disagree most."""
    names = ("most uncertain", "true", "predicted", "disagreement")
    table = plain_table(*names, left=names[:3])
    for row in crossed.most_uncertain_rows():
        true, predicted = format_cell(row.true, digits=5), format_cell(row.predicted, digits=5)
        table.add_row(f"row {row.row}", true, predicted, format_number(row.disagreement))
    return table
