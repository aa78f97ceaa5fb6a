"""Categories that differ only in how they are written are pointed out, and kept apart."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import creche as cr
from creche.table.schema import Schema
from creche.table.spellings import describe_spellings, find_spellings
from creche.table.table import Column, Table


@pytest.mark.parametrize(
    "variant",
    [
        "london", "LONDON", "london ", " London", "London.", "London,", "Lon\u200bdon", "London\u00a0", "LONDON !",
    ],
)  # fmt: skip
def test_a_variant_is_found(variant: str) -> None:
    assert find_spellings(["London", "Paris", variant], [5, 4, 1]) == [(("London", 5), (variant, 1))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("New York", "new  york"), ("caf\u00e9", "cafe\u0301"), ("Straße", "STRASSE"), ("U.S.A.", "u.s.a"),
        ("Å", "A\u030a"), ("M", "m"),
    ],
)  # fmt: skip
def test_two_spellings_of_one_word(one: str, other: str) -> None:
    assert len(find_spellings([one, other], [1, 1])) == 1


@pytest.mark.parametrize(
    "words",
    [["A+", "A-", "A"], ["...", "!", ","], ["cafe", "café"], ["1", "1.5"], ["m²", "m2"], ["New York", "NewYork"], []],
    ids=str,
)
def test_other_words_are_left_alone(words: list[str]) -> None:
    assert find_spellings(words, [1] * len(words)) == []


def test_words_without_rows_do_not_count() -> None:
    assert find_spellings(["a", "A"], [3, 0]) == []


def test_many_variants_in_one_line() -> None:
    words = [form(f"city {i}") for i in range(5) for form in (str, str.upper, str.title, "{}.".format, " {}".format)]
    line = describe_spellings("column 'city'", find_spellings(words, list(range(25, 0, -1))))
    assert line.startswith("column 'city' has spellings that probably mean the same, but are kept apart: 'city 0' (25 ")
    assert line.endswith(", …; … (2 more)")
    assert "\n" not in line


def test_equal_letters_are_told_apart() -> None:
    assert r"'caf\xe9' (2 rows), 'cafe\u0301' (1 row)" in describe_spellings(
        "it", find_spellings(["caf\u00e9", "cafe\u0301"], [2, 1])
    )


@pytest.mark.parametrize("roles", [{}, {"city": "categorical"}])
def test_a_column_is_warned_of_and_keeps_its_categories(roles: dict[str, str]) -> None:
    city = Column.from_words(["London"] * 40 + ["london"] * 15 + ["Paris"] * 5)
    table = Table({"city": city, "mass": Column("number", np.linspace(0, 1, 60) ** 2)}, "t")
    with pytest.warns(
        cr.CrecheWarning, match=r"column 'city' has .*: 'London' \(40 rows\), 'london' \(15 rows\); write"
    ):
        schema = Schema.infer(table, [], roles)
    assert schema.columns[0].distinct == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Schema.infer(table, [], {"city": "ignore"})


def test_classes_are_warned_of() -> None:
    table = {"x": np.linspace(0, 1, 60) ** 2, "kind": ["Yes, fully", "yes, fully", "no"] * 20}
    with pytest.warns(
        cr.CrecheWarning, match=r"label 'kind' has spellings .*'Yes, fully' \(20 rows\), 'yes, fully' \(20"
    ):
        run = cr.train(table, label="kind", hidden=[2], epochs=1, threads=1)
    assert len(run.model.classes) == 3
