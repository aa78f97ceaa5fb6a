"""Numbers as people write them, one word and one column at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.table.number_marks import Marks, collect_evidence, join_digits, resolve_marks
from creche.table.number_words import PLAIN, are_plain, split_number, split_numbers


@pytest.mark.parametrize(
    ("word", "digits", "unit", "is_negative"),
    [
        ("815", "815", "", False),
        ("-1.5", "1.5", "", True),
        ("−3", "3", "", True),  # a minus sign
        ("+7", "7", "", False),
        ("$9,520", "9,520", "$", False),
        ("-$5", "5", "$", True),
        ("$-5", "5", "$", True),
        ("US$ 12", "12", "US$", False),
        ("9520 EUR", "9520", "EUR", False),
        ("9520€", "9520", "€", False),
        ("CHF 1'200.50", "1'200.50", "CHF", False),
        ("43.0%", "43.0", "%", False),
        ("43 %", "43", "%", False),
        ("(0.299)", "0.299", "", True),
        ("($1,200)", "1,200", "$", True),
        ("60.30 kg", "60.30", "kg", False),
        ("50 m2", "50", "m2", False),
        ("21.5 °C", "21.5", "°C", False),
        ("90 km/h", "90", "km/h", False),
        ("18\u00a0520", "18\u00a0520", "", False),
        ("1\u202f234\u202f567", "1\u202f234\u202f567", "", False),
        ("1.5e-3", "1.5e-3", "", False),
        (".5", ".5", "", False),
    ],
)
def test_a_number_is_taken_apart(word: str, digits: str, unit: str, is_negative: bool) -> None:
    found = split_number(word)
    assert found is not None
    assert (found.digits, found.unit, found.is_negative) == (digits, unit, is_negative)
    assert found.is_accounting == word.startswith("(")


@pytest.mark.parametrize(
    "word",
    ["", "-", "abc", "SW1A 1AA", "(5", "5)", "(-5)", "--5", "+-5", "A1", "$", "%", "1-2", "12:30", "2020-01-05"],
)  # fmt: skip
def test_other_words_are_no_numbers(word: str) -> None:
    assert split_number(word) is None


@pytest.mark.parametrize(
    ("digits", "decimal", "thousands", "joined"),
    [
        ("1,234.5", ".", ",", "1234.5"),
        ("1.234,5", ",", ".", "1234.5"),
        ("1.234.567", ",", ".", "1234567"),
        ("12,34,567", ".", ",", "1234567"),  # lakh
        ("1 234,5", ",", " ", "1234.5"),
        ("1\u00a0234", ".", " ", "1234"),
        ("1\u2019234.5", ".", "'", "1234.5"),
        ("1,5e3", ",", ".", "1.5e3"),
        (",5", ",", ".", "0.5"),
        ("5,", ",", ".", "5"),
        ("1,23", ".", ",", None),  # no group of three
        ("1,2345", ".", ",", None),
        ("1234,567", ".", ",", None),
        (",234", ".", ",", None),
        ("1.5", ",", ".", None),
        ("1.5", ",", "", None),
        ("1.234.5", ",", ".", None),
        (".", ".", "", None),
    ],
)
def test_digits_are_joined_only_where_their_marks_fit(
    digits: str, decimal: str, thousands: str, joined: str | None
) -> None:
    assert join_digits(digits, decimal, thousands) == joined


COLUMNS = {
    # Evidence that can be read in one way only.
    ("1,5", "2,25"): (",", ""),
    ("0,123", "0,456"): (",", ""),  # no group begins with a zero
    ("1.5", "2.250"): (".", ""),
    ("1.234.567", "8.520"): (",", "."),
    ("1,234,567", "815"): (".", ","),
    ("1,234.5", "12"): (".", ","),
    ("1.234,5", "8.520"): (",", "."),
    ("1 234", "815"): (".", " "),
    ("1 234,5", "815"): (",", " "),
    ("1'234.5",): (".", "'"),
    ("8.520", "0,46"): (",", "."),
    ("12,34,567", "1,234"): (".", ","),
    # What can be read either way.
    ("8,520", "5,738", "815"): (".", ","),
    ("1,500", "2,250"): (".", ","),
    ("8.520", "7.440", "815"): (",", "."),  # decimals would be written 8.52
    ("8.521", "7.443"): (".", ""),
    ("8,520", "12000"): (",", ""),  # thousands are written without a mark
    ("8.520", "12000"): (".", ""),
}


@pytest.mark.parametrize("digits", COLUMNS)
def test_the_marks_of_a_column(digits: tuple[str, ...]) -> None:
    marks = resolve_marks(collect_evidence(digits), None, False)
    assert marks is not None
    assert (marks.decimal, marks.thousands) == COLUMNS[digits]


@pytest.mark.parametrize(
    "digits",
    [("1.5", "1,5"), ("1,234.5", "1.234,5"), ("1,23,4",), ("1,234", "1.234"), ("1 234", "1'234"), ("1.5", "1.234.567")],
)  # fmt: skip
def test_contradictory_marks(digits: tuple[str, ...]) -> None:
    assert resolve_marks(collect_evidence(digits), None, False) is None


def test_only_what_can_be_read_in_two_ways_is_doubtful() -> None:
    for digits in COLUMNS:
        marks = resolve_marks(collect_evidence(digits), None, False)
        is_open = all(len(word) == 5 for word in digits if not word.isdigit())
        assert marks is not None
        assert not marks.doubtful or is_open
    doubtful = resolve_marks(collect_evidence(["8,520", "815"]), None, False)
    assert doubtful is not None
    assert doubtful.doubtful == "8,520"


def test_the_other_columns_of_a_table_decide() -> None:
    german, english = Marks(",", "."), Marks(".", ",")
    open_one = collect_evidence(["1.234", "2.345"])
    assert resolve_marks(open_one, german, False) == Marks(",", ".")
    assert resolve_marks(open_one, english, False) == Marks(".", ",")
    assert resolve_marks(collect_evidence(["1,5"]), english, False) is None  # it contradicts them
    assert resolve_marks(collect_evidence(["815"]), german, False) == german


@given(st.lists(st.text("0123456789.eE+-infan\n", max_size=8), min_size=1, max_size=5))
def test_plain_words_are_found_at_once_as_one_by_one(words: list[str]) -> None:
    assert are_plain(words) == all(PLAIN.fullmatch(word) is not None for word in words)


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=20),
    st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u202f")]),
)
def test_numbers_of_any_notation_keep_their_values(numbers: list[object], notation: tuple[str, str]) -> None:
    decimal, thousands = notation
    words = [f"{n:,.2f}".translate({ord(","): thousands, ord("."): decimal}) for n in numbers]
    split = [split_number(word) for word in words]
    marks = resolve_marks(collect_evidence(part.digits for part in split if part), None, False)
    assert marks is not None
    for number, part in zip(numbers, split, strict=True):
        assert part is not None
        joined = join_digits(part.digits, marks.decimal, marks.thousands)
        assert joined is not None
        assert float(joined) * (-1 if part.is_negative else 1) == float(str(number))


ALIKE = st.text("0123456789.,e -+()$%kgmDx\u00a0\n", max_size=9)


@given(
    st.lists(st.one_of(ALIKE, st.from_regex(r"[-$]?[0-9]{1,4}([.,][0-9]{1,3})?( ?(kg|m2|%|x|EUR))?", fullmatch=True)))
)
def test_words_are_taken_apart_together_as_one_by_one(words: list[str]) -> None:
    assert split_numbers(words) == [split_number(word) for word in words]


@given(st.lists(st.from_regex(r"[0-9]{1,4}([., ][0-9]{1,3}){0,2}(e[0-9])?", fullmatch=True), max_size=8))
def test_numbers_written_alike_tell_what_each_of_them_tells(numbers: list[str]) -> None:
    together = collect_evidence(numbers)
    alone = [collect_evidence([number]) for number in numbers]
    assert together.decimal == set().union(*(found.decimal for found in alone))
    assert together.thousands == set().union(*(found.thousands for found in alone))
    first: dict[str, str] = {}
    for found in alone:
        first = {**found.open, **first}
    assert together.open == first
    for name in ("is_broken", "has_small", "has_large", "keeps_zeros"):
        assert getattr(together, name) == any(getattr(found, name) for found in alone)
