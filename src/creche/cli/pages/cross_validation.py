"""A cross-validation as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.pages.evaluation import evaluation_page
from creche.cli.pages.tables import plain_table
from creche.evaluation.metrics import metric_name
from creche.render.words import format_interval, format_number

if TYPE_CHECKING:
    from creche.model_selection.cross_validation import CrossValidation

__all__ = ["cross_validation_page"]

FOLDS_SHOWN = 20


METRICS_SHOWN = 4


DOUBTFUL_SHOWN = 5


def cross_validation_page(crossed: CrossValidation, interrupted: bool = False) -> RenderableType:
    """What networks come to on rows they never saw, with intervals; each fold; all held-out predictions together."""
    parts: list[RenderableType] = [_how(crossed, interrupted), Text(), _summary(crossed)]
    if any(np.isfinite(spread.low) for spread in crossed.summary().values()):
        said = "The interval allows for folds sharing training rows (Nadeau & Bengio 2003)."
        parts.append(Text(f"  {said}", style="dim"))
    parts += [Text(), _folds(crossed), Text()]
    times = crossed.times[crossed.times > 0]
    if times.max() > 1:
        many = f"{times.min()}" if times.min() == times.max() else f"{times.min()} to {times.max()}"
        parts += [Text(f"Together: the mean of the {many} networks that never saw a row."), Text()]
    parts.append(evaluation_page(crossed.evaluation, "held-out rows", crossed.row_numbers))
    if times.max() > 1:
        parts += [Text(), _doubtful(crossed)]
    return Group(*parts)


def _how(crossed: CrossValidation, interrupted: bool) -> Text:
    count, places = len(crossed.members), crossed.places
    of_each = [
        ("fold", len({place.fold for place in places})),
        ("repeat", len({place.repeat for place in places})),
        ("seed", len({place.seed for place in places})),
    ]
    made_of = " × ".join(f"{n:,} {name}{'' if n == 1 else 's'}" for name, n in of_each if n > 1 or name == "fold")
    threads = f"{crossed.threads} thread{'' if crossed.threads == 1 else 's'}"
    rate = f", {count / crossed.seconds:,.3g} a second" if crossed.seconds > 0 else ""
    networks = f"{count:,} networks" if count != 1 else "1 network"
    said = f"{networks}, each judged on the rows of its fold\n"
    said += f"{made_of}, trained in {crossed.seconds:.2f} s on {threads}{rate}"
    if crossed.diverged:
        said += f"\n{len(crossed.diverged):,} more diverged and are left out"
    if interrupted:
        said += "\ninterrupted: networks that were not done are left out"
    return Text(said)


def _summary(crossed: CrossValidation) -> Table:
    """Each metric: mean, interval, spread, and what the spread goes with."""
    summary = crossed.summary()
    by_seed = any(np.isfinite(spread.share_of_seed) for spread in summary.values())
    head = f"of {len(crossed.members):,} networks" if len(crossed.members) != 1 else "of 1 network"
    table = plain_table(head, "mean", "95 % interval", "±", *(["by rows", "by seed"] if by_seed else []), left=(head,))
    table.columns[0].style = "dim"
    for name, spread in summary.items():
        share = spread.share_of_seed
        shares = ["", ""] if np.isnan(share) else [f"{1 - share:.0%}", f"{share:.0%}"]
        table.add_row(
            metric_name(name), Text(format_number(spread.mean), style="bold"), format_interval(spread.low, spread.high),
            format_number(spread.std), *(shares if by_seed else []),
        )  # fmt: skip
    return table


def _folds(crossed: CrossValidation) -> Table:
    """The means of each fold."""
    names = list(crossed.summary())[:METRICS_SHOWN]
    several = len({place.repeat for place in crossed.places}) > 1
    table = plain_table(*(["repeat"] if several else []), "fold", "rows", *(metric_name(name) for name in names))
    found: dict[tuple[int, int], list[int]] = {}
    for i, place in enumerate(crossed.places):
        found.setdefault((place.repeat, place.fold), []).append(i)
    for (repeat, fold), of_fold in list(found.items())[:FOLDS_SHOWN]:
        metrics = [crossed.evaluations[i].metrics() for i in of_fold]
        known = ([m[name] for m in metrics if np.isfinite(m[name])] for name in names)
        means = [format_number(float(np.mean(values)) if values else np.nan) for values in known]
        rows = f"{crossed.evaluations[of_fold[0]].rows:,}"
        table.add_row(*([str(repeat)] if several else []), str(fold), rows, *means)
    if len(found) > FOLDS_SHOWN:
        table.add_row("…", *("" for _ in table.columns[1:]))
    return table


def _doubtful(crossed: CrossValidation) -> Table:
    """The rows about which the networks disagree most."""
    head = ("most in doubt", "is", "said", "doubt")
    table = plain_table(*head, left=head[:3])
    for doubtful in crossed.uncertain():
        table.add_row(
            f"row {doubtful.row}",
            _said(doubtful.truth),
            _said(doubtful.predicted),
            format_number(doubtful.disagreement),
        )
    return table


def _said(label: Any) -> str:
    """A class, a number, or the numbers of several labels."""
    if isinstance(label, list):
        return ", ".join(map(_said, label))
    return f"{label:.5g}" if isinstance(label, float) else str(label)
