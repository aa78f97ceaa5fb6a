"""A row of units below the column names, such as kg and cm: it is not an observation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from creche.table.cell_format import DEFAULT_MISSING
from creche.table.datetimes import is_date
from creche.table.number_marks import is_number
from creche.table.number_words import PLAIN
from creche.table.text_rules import MARKERS

__all__ = ["describe_units_row", "is_units_row"]

UNIT = (  # compiled when a cell may be one
    r"[%‰$€£¥°]|[\[(]?[A-Za-zµμΩ°%$€£¥][A-Za-zµμΩ°%$€£¥0-9 ./·*^²³⁻¹-]{0,15}[\])]?"
)

# Words such as low and high may be values: at least one of the units must be known, in brackets, or have a sign.
KNOWN = (
    "g kg mg µg ug ng lb lbs oz t m km cm mm µm um nm ft in inch inches mi yd s sec ms µs us ns min mins h hr hrs"
    " hour hours d day days week weeks month months yr yrs year years l ml dl cl gal pa kpa mpa hpa bar mbar psi"
    " atm mmhg n kn j kj kcal cal kwh wh w kw mw v mv a ma hz khz mhz ghz k c f degc degf deg degrees rad mol mmol"
    " mm2 cm2 m2 km2 ha mm3 cm3 m3 bpm rpm mph kmh kph knots db ppm ppb iu usd eur gbp jpy chf cny % percent pct b"
    " kb mb gb tb px count counts seconds minutes meters metres grams kilograms liters litres celsius fahrenheit"
    " kelvin volts watts"
)

SIGNS = frozenset("%‰$€£¥°/·*^²³⁻¹")

BRACKETS = r"\[.*\]|\(.*\)"

MIN_ROWS = 3  # below it

INSPECTED_ROWS = 50


def is_units_row(first: Sequence[str], below: Sequence[Sequence[str]], are_known: bool = True) -> bool:
    """Whether a row has units in the columns of numbers, and nothing that could be a value in the others.

    Parameters
    ----------
    first : sequence of str
    below : sequence of sequence of str
        The rows below it.
    are_known : bool, default True
        Whether one of the units must be known, in brackets or have a sign; otherwise any words will do.

    Examples
    --------
    >>> rows = [["1.5", "20", "a"], ["2.5", "30", "b"], ["0.5", "10", "a"]]
    >>> is_units_row(["kg", "cm", ""], rows), is_units_row(["(kg)", "", "-"], rows), is_units_row(["3", "cm", ""], rows)
    (True, True, False)
    >>> is_units_row(["kg", "", "a"], rows), is_units_row(["unknown", "", ""], rows)
    (False, False)
    >>> is_units_row(["low", "high", ""], rows), is_units_row(["low", "high", ""], rows, are_known=False)
    (False, True)

    """
    if any(map(PLAIN.fullmatch, first)):  # as in nearly all tables
        return False
    rows = [row for row in below[:INSPECTED_ROWS] if len(row) == len(first)]
    if len(rows) < MIN_ROWS:
        return False
    n_units = n_known = n_others = 0
    for i, cell in enumerate(first):
        if _is_missing(cell):
            continue
        values = [row[i] for row in rows if not _is_missing(row[i])]
        if values and all(map(is_number, values)):
            if is_number(cell) or not re.fullmatch(UNIT, cell):
                return False
            n_units += 1
            is_known = f" {cell.lower()} " in f" {KNOWN} " or not SIGNS.isdisjoint(cell)
            n_known += is_known or re.fullmatch(BRACKETS, cell) is not None
        elif cell in values or is_date(cell) or is_number(cell):
            return False
        else:
            n_others += re.fullmatch(BRACKETS, cell) is None
    return (n_known > 0 or not are_known) and (n_units > 1 or (n_units == 1 and n_others == 0))


def describe_units_row(row: Sequence[str]) -> str:
    """Return what is left out with such a row."""
    units = ", ".join(cell for cell in row if not _is_missing(cell))
    return f"dropped the row of units below the column names ({units[:40]})"


def _is_missing(cell: str) -> bool:
    return cell in DEFAULT_MISSING or cell.lower() in MARKERS
