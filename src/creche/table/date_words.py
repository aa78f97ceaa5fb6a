"""Dates with the words of languages other than English, in English."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["translate_date"]

# Of German, French, Spanish, Italian, Portuguese and Dutch, without accents; each may be cut to three or more letters.
MONTHS = {
    "Jan": "januar janner janvier enero gennaio janeiro januari",
    "Feb": "februar feber fevrier febrero febbraio fevereiro februari",
    "Mar": "marz maerz mars marzo marco maart mrt mrz",
    "Apr": "april avril abril aprile",
    "May": "mai mayo maggio maio mei",
    "Jun": "juni juin junio giugno junho",
    "Jul": "juli juillet julio luglio julho",
    "Aug": "august aout agosto augustus",
    "Sep": "september septembre septiembre setiembre settembre setembro",
    "Oct": "oktober octobre octubre ottobre outubro",
    "Nov": "november novembre noviembre novembro",
    "Dec": "dezember decembre diciembre dicembre dezembro december",
}

# Their first three letters are those of other months: French juin and juillet.
UNCLEAR = ("jui",)

WEEKDAY = re.compile(
    r"(?:"
    r"montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so|lundi"
    r"|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim|lunes|martes|miercoles"
    r"|jueves|viernes|sabado|domingo|mie|jue|vie|sab|dom|lunedi|martedi|mercoledi|giovedi|venerdi|domenica"
    r"|gio|segunda|terca|quarta|quinta|sexta|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|ma"
    r"|wo|vr|za|zo"
    r")\b[., ]*"
)

EASTERN = re.compile(r"(\d{4}) ?[年년] ?(\d\d?) ?[月월] ?(\d\d?) ?[日일]")

WORD = re.compile(r"[^\W\d_]+")

ORDINAL = re.compile(r"(?<=\d)(?:\.|er|º|ª|°)(?=[ -])")

# Before months and years: 5 de enero de 2023, 5 gennaio del 2023.
PARTICLE = re.compile(r" (?:de|del|di|den|der|le) ")

CLOCK_WORD = re.compile(r"(?<=\d) ?uhr\Z")


def translate_date(word: str) -> str | None:
    """Return a date in the words of another language in English, or None if there is nothing to translate.

    Examples
    --------
    >>> translate_date("5. März 2023"), translate_date("1er février 2023"), translate_date("5 de enero de 2023")
    ('5 Mar 2023', '1 Feb 2023', '5 Jan 2023')
    >>> translate_date("05.01.2023, 10:30 Uhr"), translate_date("2023年1月5日"), translate_date("London")
    ('05.01.2023, 10:30', '2023-1-5', None)

    """
    if not any(map(str.isdigit, word)):
        return None
    plain = EASTERN.sub(r"\1-\2-\3", word)
    plain = "".join(c for c in unicodedata.normalize("NFD", plain.lower()) if not unicodedata.combining(c))
    plain = PARTICLE.sub(" ", CLOCK_WORD.sub("", ORDINAL.sub("", plain)))
    plain = WORD.sub(_translate_month, WEEKDAY.sub("", plain, count=1) if WEEKDAY.match(plain) else plain)
    return plain if plain != word else None


def _translate_month(match: re.Match[str]) -> str:
    return _english_month(match[0])


@cache
def _english_month(word: str) -> str:
    if len(word) < 3 or word in UNCLEAR:
        return word
    months = {month for month, names in MONTHS.items() if any(name.startswith(word) for name in names.split())}
    # "sept" and "set" are September, but "mar" is March, which English has, too.
    return months.pop() if len(months) == 1 else word
