"""Identifiers are found by their values, and by a name only together with these."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest

from creche.table.identifiers import split_name
from creche.table.roles import infer_role, suggest_role
from creche.table.table import Column

ROWS = 200
RANDOM = np.random.default_rng(1)
DISTINCT = RANDOM.permutation(50 * ROWS)[:ROWS] + 1000  # all different, in no order, with gaps


def role_of(name: str, column: Column, row_numbers: Any = None) -> str:
    missing = int(column.missing.sum())
    values = column.values[~column.missing]
    return infer_role(name, column, missing, len(np.unique(values)), row_numbers)[0]


def whole(values: Any) -> Column:
    return Column("whole", np.asarray(values))


@pytest.mark.parametrize(
    "name",
    [
        "paid", "humid", "bid", "grid", "liquid", "plasma_fluid", "valid", "acid", "amount_paid", "amountPaid", "PAID",
        "price_index", "body_mass_index", "bodyMassIndex", "salary", "monkey", "turkey", "hybrid", "avoid", "steroid",
        "atomic_number", "reynolds_number", "horsepower", "zip_code", "idle", "ideal_weight", "keyboard", "rowing",
    ],
)  # fmt: skip
def test_the_ending_of_a_name_makes_no_identifier(name: str) -> None:
    assert role_of(name, whole(DISTINCT)) == "numeric"


@pytest.mark.parametrize(
    "name",
    [
        "id", "ID", "Id", "patient_id", "PatientID", "PassengerId", "customerID", "patient id", "patient-id",
        "patient.id", "id_patient", "ID Number", "customerid", "USERID", "userKey", "uuid", "UID", "row", "Row Number",
        "rownames", "row.names", "Unnamed: 0", "index", "order_no", "Invoice Number", "InvoiceNo", "EmployeeNumber",
        "patient", "isbn", "level_0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["whole", "with repeats", "with gaps", "float"])
def test_nearly_unique_numbers_with_the_name_of_an_identifier_are_one(name: str, kind: str) -> None:
    values = DISTINCT - DISTINCT.min() + 10_000  # of five digits, or a few of four
    column = whole(values)
    if kind == "with repeats":
        column = whole(np.where(np.arange(ROWS) < 2, values[5], values))
    elif kind == "with gaps":
        column = whole(np.where(np.arange(ROWS) % 7 == 3, np.nan, values))
    elif kind == "float":
        column = Column("number", values.astype(np.float64))
    assert role_of(name, column) == "identifier"


def test_an_identifier_that_repeats_is_a_feature() -> None:
    assert role_of("patient_id", whole(DISTINCT[np.arange(ROWS) % 40])) == "numeric"
    assert role_of("patient_id", Column("number", DISTINCT + 0.5)) == "numeric"


@pytest.mark.parametrize("name", ["column 1", "X", "n", "whatever", "paid", ""])
@pytest.mark.parametrize(("start", "step"), [(0, 1), (1, 1), (17, 1), (1000, 10), (500, -1), (-5, 3)])
def test_a_count_is_a_row_number_whatever_its_name(name: str, start: int, step: int) -> None:
    count = start + step * np.arange(ROWS)
    role, reason = infer_role(name, whole(count), 0, ROWS)
    assert role == "identifier"
    assert reason == f"an identifier: a row number ({count[0]}, {count[1]}, {count[2]}, …)"
    gaps = count.astype(np.float64)
    gaps[[0, 50, ROWS - 1]] = np.nan
    assert role_of(name, whole(gaps)) == "identifier"


def test_rows_that_were_left_out_are_no_gaps_in_a_count() -> None:
    rows = np.flatnonzero(RANDOM.random(3 * ROWS) < 0.4)
    assert role_of("n", whole(rows * 2 + 7), rows + 1) == "identifier"
    assert role_of("n", whole(rows * 2 + 7)) == "numeric"


def test_an_index_in_another_order() -> None:
    assert role_of("n", whole(RANDOM.permutation(ROWS))) == "identifier"
    assert role_of("n", whole(RANDOM.permutation(ROWS) + 1)) == "identifier"
    rows = np.sort(RANDOM.permutation(5 * ROWS)[:ROWS])
    assert [role_of(name, whole(rows)) for name in ("column 1", "Unnamed: 3", "mass")] == [
        "identifier", "identifier", "numeric",
    ]  # fmt: skip
    assert role_of("column 1", whole(DISTINCT)) == "numeric"


def test_an_index_of_a_small_table() -> None:
    for name in ("Unnamed: 0", "index", "row", ""):
        assert role_of(name, whole(np.arange(5))) == "identifier"
    assert [role_of(name, whole(np.arange(5))) for name in ("mass", "patient_id")] == ["numeric", "numeric"]
    assert role_of("index", whole([3, 1, 9, 7])) == "numeric"


def test_years_in_a_row_are_moments() -> None:
    assert role_of("year", whole(np.arange(1900, 1900 + ROWS))) == "numeric"
    assert role_of("Year", whole(np.arange(1900, 1900 + ROWS)[::-1])) == "numeric"
    assert role_of("year", whole(np.arange(ROWS))) == "identifier"


def test_hashes_and_uuids() -> None:
    assert role_of("h", whole(RANDOM.integers(-(2**63), 2**63, ROWS))) == "identifier"
    nanoseconds = 1_600_000_000_000_000_000 + RANDOM.integers(0, 10**18, ROWS)
    assert role_of("moment", whole(nanoseconds)) == "numeric"
    uuids = [str(uuid.UUID(bytes=RANDOM.bytes(16))) for _ in range(ROWS)]
    for words in (uuids, [word.replace("-", "") for word in uuids], [f"{{{word.upper()}}}" for word in uuids]):
        assert role_of("customer", Column.from_words(words)) == "identifier"
        assert role_of("customer", Column.from_words(words[:10])) == "identifier"
        assert role_of("customer", Column.from_words(words[:60] * 3)) == "identifier"  # three rows for each
        assert role_of("customer", Column.from_words(words[:5] * 40)) == "categorical"


@pytest.mark.parametrize(
    ("words", "role", "suggested"),
    [
        ([f"k{i}" for i in range(ROWS)], "identifier", "categorical"),
        ([f"{i:05d}" for i in range(ROWS)], "identifier", "categorical"),
        ([str(i) for i in range(ROWS)], "identifier", "numeric"),
        ([f"{i * 0.37:.2f}" for i in range(ROWS)], "ignore", "numeric"),
        ([*(f"{i * 0.37:.2f}" for i in range(ROWS)), "unknown", "-"], "ignore", "numeric"),
        ([f"${i * 37:,}" for i in range(ROWS)], "ignore", "numeric"),
        ([f"{i * 37} EUR" for i in range(ROWS)], "ignore", "numeric"),
        ([f"{i * 0.3:.1f}%" for i in range(ROWS)], "ignore", "numeric"),
        ([f"({i * 0.3:.3f})" for i in range(ROWS)], "ignore", "numeric"),
        ([f"{i % 28 + 1}/{i % 12 + 1}/{2000 + i}" for i in range(ROWS)], "ignore", "datetime"),
        ([f"192.168.{i}.{i + 1}" for i in range(ROWS)], "identifier", "categorical"),
        ([f"A-{i}" for i in range(ROWS)], "identifier", "categorical"),
    ],
    ids=lambda value: value[7] if isinstance(value, list) else value,
)
def test_advice_for_words_that_are_nearly_all_different(words: list[str], role: str, suggested: str) -> None:
    column = Column.from_words(words)
    assert (role_of("it", column), suggest_role(column)) == (role, suggested)


def test_names_are_split_into_words() -> None:
    assert split_name("customerID") == split_name("customer_id") == split_name("Customer Id") == ["customer", "id"]
    assert split_name("ID") == split_name("id1") == ["id"]
    assert split_name("größeId") == ["größe", "id"]
    assert split_name("XMLFile.no") == ["xml", "file", "no"]
    assert split_name("1 2") == []
