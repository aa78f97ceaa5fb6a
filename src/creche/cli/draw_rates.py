"""Learning rates drawn in text: what networks came to against their rate, and the bands below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

if TYPE_CHECKING:
    from creche.colony.rates_found import LearningRates

__all__ = ["rates_drawing"]

WIDTH, HEIGHT = 64, 10
TIMES_FOR_LOGARITHMS = 20
SHOWN_EITHER_WAY = 1e3  # times the median
NETWORK, MEDIAN, DIVERGED = ("·", "dim"), ("●", "blue"), ("×", "red")
STYLES = {"too low": "yellow", "good": "bold green", "too high": "yellow", "diverged": "red"}


def rates_drawing(found: LearningRates) -> Text:
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
