"""Learning rates drawn in text: what networks came to against their rate, and the bands below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.pages.sweep import format_short_duration
from creche.evaluation.metrics import metric_name
from creche.render.words import describe_classes, name_purpose

if TYPE_CHECKING:
    from creche.model_selection.learning_rate_result import LearningRates

__all__ = ["draw_rates", "learning_rate_data", "learning_rate_page"]

WIDTH, HEIGHT = 64, 10


TIMES_FOR_LOGARITHMS = 20


SHOWN_EITHER_WAY = 1e3  # times the median


NETWORK, MEDIAN, DIVERGED = ("·", "dim"), ("●", "blue"), ("×", "red")


STYLES = {"too low": "yellow", "good": "bold green", "too high": "yellow", "diverged": "red"}


def draw_rates(found: LearningRates) -> Text:
    """A column for each rate, or for a few beside each other, from low rates to high ones: networks, and their median.

    What diverged, or lies beyond the scale, stands in the top line. Under the axis are the bands, and an arrow at the
    rate to take.
    """
    losses = found.losses
    low, high, is_logarithmic = _scale(found)
    apart = max(1, (WIDTH - 1) // (len(found.rates) - 1))
    width = min(WIDTH, (len(found.rates) - 1) * apart + 1)
    logs = np.log(found.rates)
    place = np.round((logs - logs[0]) / (logs[-1] - logs[0]) * (width - 1)).astype(int)
    canvas = [[(" ", "")] * width for _ in range(HEIGHT)]
    bottom, top = (np.log(low), np.log(high)) if is_logarithmic else (low, high)

    def put(loss: float, column: int, mark: tuple[str, str]) -> None:
        at = np.log(max(loss, low)) if is_logarithmic else loss
        share = 1.0 if not np.isfinite(loss) else float(np.clip((at - bottom) / (top - bottom), 0, 1))
        canvas[HEIGHT - 1 - round(share * (HEIGHT - 1))][column] = mark

    for column, row in zip(place, losses, strict=True):
        for loss in row[~np.isnan(row)].tolist():
            put(loss, column, NETWORK if np.isfinite(loss) else DIVERGED)
    for column, row in zip(place, losses, strict=True):
        median = float(np.median(row[~np.isnan(row)]))
        if np.isfinite(median):
            put(median, column, MEDIAN)
    text = Text()
    for line, cells in enumerate(canvas):
        at = {0: top, HEIGHT // 2: (top + bottom) / 2, HEIGHT - 1: bottom}.get(line)
        value = None if at is None else float(np.exp(at)) if is_logarithmic else float(at)
        text.append(f"{'' if value is None else f'{value:.3g}':>9} {'│' if value is None else '┤'}", style="dim")
        for character, style in cells:
            text.append(character, style=style)
        text.append("\n")
    return text.append_text(_bands(found, place, width)).append_text(_legend(found, is_logarithmic))


def _bands(found: LearningRates, place: NDArray[Any], width: int) -> Text:
    """A line in which each band has its length, one of names, one with the arrow, one with both ends of the range."""
    begins = [int(place[np.searchsorted(found.rates, band.low)]) for band in found.bands]
    text, names = Text(" " * 11), Text(" " * 11)
    for band, begin, end in zip(found.bands, begins, [*begins[1:], width], strict=True):
        text.append("═" * (end - begin) if band.name == "good" else "─" * (end - begin), style=STYLES[band.name])
        shown = band.name if len(band.name) < end - begin else ""
        names.append(shown.center(end - begin), style=STYLES[band.name])
    arrow = int(place[found.limits.recommended])
    said = f"▲ {found.rate:.3g}"
    before = arrow if arrow + len(said) <= width else arrow - len(said) + 1
    said = said if before == arrow else f"{found.rate:.3g} ▲"
    low, high = f"{found.rates[0]:.3g}", f"{found.rates[-1]:.3g}"
    text.append("\n").append_text(names).append("\n" + " " * (11 + before)).append(said, style="bold green")
    ends = f"{low}{high:>{width - len(low)}}"
    return text.append(f"\n{'rate':>9}  {ends}\n", style="dim")


def _legend(found: LearningRates, is_logarithmic: bool) -> Text:
    which = "validation" if found.colony.watched == "validation" else "training"
    text = Text(" " * 11)
    text.append("● median", style=MEDIAN[1]).append(f" and · networks: {which} loss at the end", style="dim")
    if (found.losses == np.inf).any():
        text.append("   × diverged", style=DIVERGED[1])
    return text.append("   (logarithmic)" if is_logarithmic else "", style="dim")


def _scale(found: LearningRates) -> tuple[float, float, bool]:
    """From where to where, and whether by equal factors."""
    known = found.losses[np.isfinite(found.losses)]
    above = known[known > 0]  # a network that has learnt its rows by heart may come to 0
    if known.min() >= 0 and len(above) and above.max() > TIMES_FOR_LOGARITHMS * above.min():
        middle = float(np.median(above))
        return (
            max(float(above.min()), middle / SHOWN_EITHER_WAY),
            min(float(above.max()), middle * SHOWN_EITHER_WAY),
            True,
        )
    low, high = float(known.min()), min(float(known.max()), found.ceiling)
    return low, high if high > low else low + 1, False


SEEDS_SHOWN = 8


def learning_rate_page(found: LearningRates) -> RenderableType:
    """The whole page."""
    parts: list[RenderableType] = [_heading(found), Text(), draw_rates(found), Text(), _band_table(found), Text()]
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
    grid.add_row(
        "rows", ", ".join(f"{len(part):,} for {name_purpose(n)}" for n, part in parts.items() if part is not None)
    )
    grid.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    grid.add_row(
        "network", f"{plan.network}, {plan.optimizer.key}, batch size {plan.batch_size}, {plan.epochs:,} epochs"
    )
    rates, seeds = (len({choice[name] for choice in colony.choices}) for name in ("learning_rate", "seed"))
    grid.add_row("networks", f"{len(colony):,}: {rates} learning rates × {seeds} seed{'s' if seeds > 1 else ''}")
    threads = f"{colony.crew.threads} thread{'s' if colony.crew.threads > 1 else ''}"
    done = f"{int(colony.results.done.sum()):,} of {len(colony):,} done, of {len(found.rates)} rates"
    ended = f"; interrupted with {done}" if found.interrupted else ""
    grid.add_row("trained", f"in {format_short_duration(colony.seconds)} on {threads}{ended}")
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
    share = f"{member.plan.optimizer.key}'s own is {type(member.plan.optimizer)().learning_rate:g}"
    which = "validation" if found.colony.watched == "validation" else "training"
    metric = metric_name(results.metric_name)
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
