"""Learning rates as a page of text: which to take, what each band came to and why it is called so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.draw_rates import STYLES, rates_drawing
from creche.cli.render_model import classes_in_words, purpose
from creche.cli.render_sweep import duration

if TYPE_CHECKING:
    from creche.colony.rates_found import LearningRates

__all__ = ["learning_rate_data", "rates_page"]

SEEDS_SHOWN = 8


def rates_page(found: LearningRates) -> RenderableType:
    """The whole page."""
    parts: list[RenderableType] = [_heading(found), Text(), rates_drawing(found), Text(), _band_table(found), Text()]
    parts += [Text(f"Note: {note}.") for note in found.notes]
    return Group(*parts, _to_take(found))


def _heading(found: LearningRates) -> RenderableType:
    colony = found.colony
    member = colony[0]
    prepared, plan = member.prepared, member.plan
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    grid.add_row("rows", ", ".join(f"{len(part):,} for {purpose(n)}" for n, part in parts.items() if part is not None))
    grid.add_row("label", f"{prepared.labels.name}: {classes_in_words(prepared.labels)}")
    grid.add_row(
        "network", f"{plan.network}, {plan.optimizer.word}, batch size {plan.batch_size}, {plan.epochs:,} epochs"
    )
    rates, seeds = (len({choice[name] for choice in colony.choices}) for name in ("learning_rate", "seed"))
    grid.add_row("networks", f"{len(colony):,}: {rates} learning rates × {seeds} seed{'s' if seeds > 1 else ''}")
    threads = f"{colony.crew.threads} thread{'s' if colony.crew.threads > 1 else ''}"
    done = f"{int(colony.results.done.sum()):,} of {len(colony):,} done, of {len(found.rates)} rates"
    ended = f"; interrupted with {done}" if found.interrupted else ""
    grid.add_row("trained", f"in {duration(colony.seconds)} on {threads}{ended}")
    return grid


def _band_table(found: LearningRates) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("band", no_wrap=True)
    table.add_column("learning rates", no_wrap=True)
    table.add_column("tried", justify="right")
    table.add_column("because")
    for band in found.bands:
        stretch = f"{band.low:.2g}" if band.rates == 1 else f"{band.low:.2g} to {band.high:.2g}"
        table.add_row(Text(band.name, style=STYLES[band.name]), stretch, str(band.rates), band.why)
    return table


def _to_take(found: LearningRates) -> Text:
    member = found.member()
    text = Text("Take ").append(f"--learning-rate {found.rate:g}", style="bold green")
    results = found.colony.results
    of_rate = results.metric[[n for n, c in enumerate(found.colony.choices) if c["learning_rate"] == found.rate]]
    share = f"{member.plan.optimizer.word}'s own is {type(member.plan.optimizer)().learning_rate:g}"
    which = "validation" if found.colony.watched == "validation" else "training"
    metric = {"accuracy": "accuracy", "rmse": "root mean squared error"}[results.metric_name]
    said = "by seed: " + ", ".join(f"{value:.4g}" for value in of_rate.tolist())
    if len(of_rate) > SEEDS_SHOWN:
        low, middle, high = (f"{value:.4g}" for value in np.nanquantile(of_rate, [0, 0.5, 1]).tolist())
        said = f"of {len(of_rate):,} seeds: median {middle}, from {low} to {high}"
    return text.append(f" ({share}): the middle of the good rates. With it, the {which} {metric} {said}.")


def learning_rate_data(found: LearningRates) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    colony = found.colony
    return {
        **found.to_dict(),
        "networks": len(colony),
        "seconds": colony.seconds,
        "threads": colony.crew.threads,
        "label": colony[0].prepared.labels.name,
        "plan": found.member().plan.to_dict(),
    }
