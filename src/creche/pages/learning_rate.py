"""The page of a learning-rate search: the loss against the learning rate, the bands, and the rate to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche._advice import advise
from creche._phrases import format_count
from creche.evaluation.metrics import metric_name
from creche.pages.charts import MARGIN, Canvas, Mark, append_legend, fit_drawing
from creche.pages.page_table import PageTable
from creche.pages.tables import (
    count_rows,
    facts_table,
    format_duration,
    part_sizes,
)
from creche.render.words import describe_classes, format_number

if TYPE_CHECKING:
    from creche.model_selection.learning_rate_result import LearningRates

__all__ = ["learning_rate_data", "learning_rate_page"]

WIDTH, HEIGHT = 64, 10
LOGARITHMIC_FROM = 20  # the factor between lowest and highest loss above which the axis is logarithmic
MAX_FACTOR = 1e3  # how far above or below the median loss the axis goes
MAX_SEEDS = 8

NETWORK: Mark = ("·", "dim")
MEDIAN: Mark = ("●", "blue")
DIVERGED: Mark = ("×", "red")
STYLES = {"too low": "yellow", "good": "bold green", "too high": "yellow", "diverged": "red"}


def learning_rate_page(found: LearningRates) -> RenderableType:
    """Render the search, the loss against the learning rate, the bands, and the rate to use."""
    parts: list[RenderableType] = [_search_facts(found), Text(), _draw_rates(found), Text(), _band_table(found), Text()]
    parts += [Text(f"Note: {note}.") for note in found.notes]
    return Group(*parts, _recommendation(found))


def learning_rate_data(found: LearningRates) -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    colony = found.colony
    return {
        **found.to_dict(),
        "networks": len(colony),
        "seconds": colony.seconds,
        "threads": colony.crew.hardware.threads,
        "label": colony[0].prepared.labels.name,
        "plan": found.member().plan.to_dict(),
    }


def _search_facts(found: LearningRates) -> Table:
    colony = found.colony
    prepared, plan = colony[0].prepared, colony[0].plan
    facts = facts_table()
    facts.add_row("rows", count_rows(part_sizes(prepared)))
    facts.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    facts.add_row(
        "network", f"{plan.network}, {plan.optimizer.key}, batch size {plan.batch_size}, {plan.epochs:,} epochs"
    )
    rates, seeds = (len({choice[name] for choice in colony.choices}) for name in ("learning_rate", "seed"))
    facts.add_row("networks", f"{len(colony):,}: {rates} learning rates × {format_count(seeds, 'seed')}")
    done = f"{int(colony.results.done.sum()):,} of {len(colony):,} done, of {len(found.rates)} rates"
    ending = f"; interrupted with {done}" if found.interrupted else ""
    threads = str(colony.crew.hardware)
    facts.add_row("trained", f"in {format_duration(colony.seconds)} on {threads}{ending}")
    return facts


def _draw_rates(found: LearningRates) -> Text:
    """Draw the loss of each network and the median of each rate, with the bands and the rate to use below.

    Networks that diverged, or whose loss is beyond the axis, are in the top line.
    """
    losses = found.losses
    low, high, is_logarithmic = _loss_axis(found)
    room = fit_drawing(WIDTH)
    distance = max(1, (room - 1) // (len(found.rates) - 1))
    width = min(room, (len(found.rates) - 1) * distance + 1)
    logs = np.log(found.rates)
    columns = np.round((logs - logs[0]) / (logs[-1] - logs[0]) * (width - 1)).astype(int)
    canvas = Canvas(width, HEIGHT)
    bottom, top = (np.log(low), np.log(high)) if is_logarithmic else (low, high)

    def put(loss: float, column: int, mark: Mark) -> None:
        value = np.log(max(loss, low)) if is_logarithmic else loss
        share = 1.0 if not np.isfinite(loss) else float(np.clip((value - bottom) / (top - bottom), 0, 1))
        canvas.put(column, share, mark)

    for column, row in zip(columns, losses, strict=True):
        for loss in row[~np.isnan(row)].tolist():
            put(loss, column, NETWORK if np.isfinite(loss) else DIVERGED)
    for column, row in zip(columns, losses, strict=True):
        median = float(np.median(row[~np.isnan(row)]))
        if np.isfinite(median):
            put(median, column, MEDIAN)
    text = canvas.draw(bottom, top, is_logarithmic=is_logarithmic, digits=3)
    text.append_text(_draw_bands(found, columns, width))
    append_legend(text, _legend(found, is_logarithmic))
    return text


def _draw_bands(found: LearningRates, columns: NDArray[Any], width: int) -> Text:
    """Draw the bands, their names, an arrow at the rate to use, and the ends of the range, a line each."""
    begins = [int(columns[np.searchsorted(found.rates, band.low)]) for band in found.bands]
    text, names = Text(MARGIN), Text(MARGIN)
    for band, begin, end in zip(found.bands, begins, [*begins[1:], width], strict=True):
        text.append("═" * (end - begin) if band.name == "good" else "─" * (end - begin), style=STYLES[band.name])
        name = band.name if len(band.name) < end - begin else ""
        names.append(name.center(end - begin), style=STYLES[band.name])
    arrow = int(columns[found.limits.recommended_index])
    caption = f"▲ {found.rate:.3g}"
    indent = arrow if arrow + len(caption) <= width else arrow - len(caption) + 1
    caption = caption if indent == arrow else f"{found.rate:.3g} ▲"
    low, high = f"{found.rates[0]:.3g}", f"{found.rates[-1]:.3g}"
    text.append("\n").append_text(names).append("\n" + MARGIN + " " * indent).append(caption, style="bold green")
    ends = f"{low}{high:>{width - len(low)}}"
    return text.append(f"\n{'rate':>9}  {ends}", style="dim")


def _legend(found: LearningRates, is_logarithmic: bool) -> list[Text]:
    entries = [Text("● median", MEDIAN[1]), Text(f"· network: final {_watched_rows(found)} loss", "dim")]
    if (found.losses == np.inf).any():
        entries.append(Text("× diverged", DIVERGED[1]))
    return [*entries, Text("(logarithmic)", "dim")] if is_logarithmic else entries


def _loss_axis(found: LearningRates) -> tuple[float, float, bool]:
    """Choose the ends of the axis, and whether it is logarithmic."""
    known = found.losses[np.isfinite(found.losses)]
    above = known[known > 0]  # the loss of a network that has memorized its rows may be 0
    if known.min() >= 0 and len(above) and above.max() > LOGARITHMIC_FROM * above.min():
        middle = float(np.median(above))
        return (
            max(float(above.min()), middle / MAX_FACTOR),
            min(float(above.max()), middle * MAX_FACTOR),
            True,
        )
    low, high = float(known.min()), min(float(known.max()), found.ceiling)
    return low, high if high > low else low + 1, False


def _watched_rows(found: LearningRates) -> str:
    return "validation" if found.colony.partition == "validation" else "training"


def _band_table(found: LearningRates) -> Table:
    table = PageTable(box=None, padding=(0, 1), header_style="dim")
    table.add_column("band", no_wrap=True)
    table.add_column("learning rates", no_wrap=True)
    table.add_column("tried", justify="right")
    table.add_column("reason")
    for band in found.bands:
        stretch = f"{band.low:.2g}" if band.rates == 1 else f"{band.low:.2g} to {band.high:.2g}"
        table.add_row(Text(band.name, style=STYLES[band.name]), stretch, str(band.rates), band.reason)
    return table


def _recommendation(found: LearningRates) -> Text:
    optimizer, results = found.member().plan.optimizer, found.colony.results
    members = [n for n, choice in enumerate(found.colony.choices) if choice["learning_rate"] == found.rate]
    values = results.metric[members].tolist()
    metric = f"{_watched_rows(found)} {metric_name(results.metric_name)}"
    if len(values) > MAX_SEEDS:
        low, median, high = (format_number(value) for value in np.nanquantile(values, [0, 0.5, 1]).tolist())
        spread = f"over {len(values):,} seeds: median {median}, from {low} to {high}"
    else:
        spread = f"by seed: {', '.join(map(format_number, values))}"
    text = Text("Use ").append(advise("learning_rate", float(f"{found.rate:g}")), style="bold green")
    default = f"the default of {optimizer.key} is {type(optimizer)().learning_rate:g}"
    return text.append(f", the middle of the good rates ({default}). Its {metric} {spread}.")
