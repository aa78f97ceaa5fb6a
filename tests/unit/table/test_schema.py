from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import CrecheError, CrecheWarning, FileError, TableError
from creche.table.datasets import penguins
from creche.table.reading.read import read_table
from creche.table.roles import apply_roles
from creche.table.schema import ColumnSchema, Schema
from creche.table.table import Column, Table

ROWS = 60
RANDOM = np.random.default_rng(0)
DAYS = np.datetime64("2020-01-01", "us") + np.arange(ROWS).astype("timedelta64[D]")
SENTENCE = "the quick brown fox jumps over the lazy dog number "


def table(**columns: Column) -> Table:
    return Table(columns, "the table")


def number(values: Any) -> Column:
    return Column("number", np.asarray(values, dtype=np.float64))


def describe(column: Column, name: str = "it", role: str | None = None) -> ColumnSchema:
    """Describe a column of a table with one other column."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)
        schema = Schema.infer(
            table(**{name: column, "other": number(RANDOM.normal(size=len(column)))}), [], {name: role} if role else {}
        )
    return schema.columns[0]


@pytest.mark.parametrize(
    ("column", "role"),
    [
        (number(RANDOM.normal(size=ROWS)), "numeric"),
        (Column("whole", RANDOM.permutation(ROWS) + 1000), "numeric"),
        (Column("whole", np.arange(ROWS)), "identifier"),
        (Column("whole", np.arange(ROWS)[::-1] + 1), "identifier"),
        (Column("whole", np.arange(ROWS) % 50), "numeric"),
        (Column("whole", np.arange(10)), "numeric"),
        (Column("boolean", np.arange(ROWS) % 2 / 1.0), "boolean"),
        (Column("datetime", DAYS), "datetime"),
        (Column.from_words(["a", "b", "c"] * 20), "categorical"),
        (Column.from_words(["a", None, "c"] * 20), "categorical"),
        (Column.from_words([f"code{i}" for i in range(ROWS)]), "identifier"),
        (Column.from_words([f"code{i}" for i in range(10)]), "categorical"),
        (Column.from_words([SENTENCE + str(i) for i in range(ROWS)]), "ignore"),
        (Column.from_words([SENTENCE + str(i % 3) for i in range(ROWS)]), "text"),
    ],
    ids=lambda value: value.kind if isinstance(value, Column) else value,
)
def test_roles_by_values(column: Column, role: str) -> None:
    assert describe(column).role == role


@pytest.mark.parametrize("name", ["id", "ID", "patient_id", "PassengerId", "customerID", "row", "uuid"])
def test_different_whole_numbers_called_an_identifier_are_one(name: str) -> None:
    column = Column("whole", RANDOM.permutation(10 * ROWS)[:ROWS])
    assert describe(column, name).role == "identifier"
    assert describe(column, "width").role == "numeric"


def test_a_warning_says_why_a_column_is_left_out() -> None:
    words = Column.from_words([f"code{i}" for i in range(ROWS)])
    columns = table(code=words, size=number(RANDOM.normal(size=ROWS)))
    with pytest.warns(CrecheWarning, match="dropped column 'code': an identifier: 60 distinct values in 60 rows"):
        schema = Schema.infer(columns, [], {})
    assert schema.features == ["size"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Schema.infer(columns, [], {"code": "identifier"}).features == ["size"]
        assert Schema.infer(columns, [], {"code": "categorical"}).features == ["code", "size"]


@pytest.mark.parametrize(
    ("column", "role"),
    [
        (Column("whole", np.arange(ROWS)), "numeric"),
        (Column("whole", np.arange(ROWS)), "categorical"),
        (Column("whole", np.arange(ROWS) % 2), "boolean"),
        (number([0.0, 1.0, np.nan] * 20), "boolean"),
        (Column("boolean", np.ones(ROWS)), "numeric"),
        (Column("boolean", np.ones(ROWS)), "categorical"),
        (Column("datetime", DAYS), "categorical"),
        (Column.from_words(["a"] * ROWS), "ignore"),
        (Column.from_words(["a"] * ROWS), "text"),
        (number(np.ones(ROWS)), "identifier"),
    ],
    ids=lambda value: value.kind if isinstance(value, Column) else value,
)
def test_a_role_that_is_set_is_kept(column: Column, role: str) -> None:
    assert describe(column, role=role).role == role


@pytest.mark.parametrize(
    ("column", "role", "message"),
    [
        (Column.from_words([None, "a"] * 30), "numeric", "row 2, column 'it' is 'a'; needs a number"),
        (Column.from_words(["a"] * ROWS), "datetime", "row 1, column 'it' is 'a'; needs a date"),
        (Column.from_words(["a"] * ROWS), "boolean", "row 1, column 'it' is 'a'; needs yes or no"),
        (number(np.arange(ROWS)), "boolean", "row 3, column 'it' is 2.0; needs yes or no"),
        (number(np.arange(ROWS)), "datetime", "row 1, column 'it' is 0.0; needs a date such"),
        (Column.from_words(["1", "2", None, "-"] * 15), "numeric", "row 4, column 'it' is '-'; needs a number"),
        (
            Column.from_words(["1/2/2020", "3/4/2020"] * 30),
            "datetime",
            "the rows disagree on whether the day or the month comes first",
        ),
        (Column("datetime", DAYS), "numeric", "row 1, column 'it' is '2020-01-01.*needs a number"),
        (number(np.arange(ROWS)), "numerical", "column 'it' got 'numerical'; .*numeric, categorical"),
    ],
    ids=str,
)
def test_a_role_that_does_not_fit_is_refused(column: Column, role: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        describe(column, role=role)


def test_words_become_what_their_role_needs() -> None:
    """In a DataFrame, words that look like numbers are words until their role is set."""
    data = {"size": ["1.5", None, "3"] * 20, "ringed": ["1", "0", None] * 20, "when": ["1.2.2020"] * 60}
    roles = {"size": "numeric", "ringed": "boolean", "when": "datetime"}
    columns = apply_roles(read_table(data), roles).columns
    assert {name: column.kind for name, column in columns.items()} == {
        "size": "number", "ringed": "boolean", "when": "datetime",
    }  # fmt: skip
    assert columns["size"].to_objects()[:3].tolist() == [1.5, None, 3.0]
    assert columns["ringed"].to_objects()[:3].tolist() == [True, False, None]
    schema = Schema.infer(read_table(data), [], roles)
    assert [(c.role, c.missing) for c in schema.columns] == [("numeric", 20), ("boolean", 20), ("datetime", 0)]


def test_a_word_among_numbers_is_named_in_a_warning() -> None:
    sizes = [str(i) for i in range(ROWS)]
    sizes[6] = "#REF!"
    with pytest.warns(CrecheWarning) as caught:
        Schema.infer(table(size=Column.from_words(sizes), other=number(np.arange(ROWS) % 7)), [], {})
    assert "column 'size' is read as words because row 7 is '#REF!', though 59 of 60 rows hold numbers" in str(
        caught[0].message
    )
    assert "dropped column 'size'" in str(caught[1].message)
    assert "to keep it, set schema={'size': 'numeric'}" in str(caught[1].message)


def test_a_role_for_a_column_that_is_not_there() -> None:
    with pytest.raises(TableError, match="schema: the table has no column 'siz'; did you mean 'size'"):
        Schema.infer(table(size=number([1, 2])), [], {"siz": "numeric"})
    assert Schema.infer(table(size=number([1, 2])), ["kind"], {"kind": "categorical"}).features == ["size"]


def test_empty_columns_are_left_out_with_one_warning() -> None:
    empty = table(size=number([1.0, 2.0]), gap=number([np.nan, np.nan]))
    with pytest.warns(CrecheWarning, match="dropped column 'gap': empty in each of the 2 rows"):
        assert Schema.infer(empty, [], {}).features == ["size"]
    assert Schema.infer(empty, [], {"gap": "ignore"}).features == ["size"]  # without a warning
    several = table(size=number([1.0, 2.0]), **{f"gap{i}": number([np.nan, np.nan]) for i in range(7)})
    message = r"dropped columns 'gap0', .*'gap4', … \(2 more\): empty in each of the 2 rows"
    with pytest.warns(CrecheWarning, match=message) as caught:
        assert Schema.infer(several, [], {}).features == ["size"]
    assert len(caught) == 1


def test_an_empty_column_that_is_to_be_learnt_from_is_refused() -> None:
    empty = table(size=number([1.0, 2.0]), gap=number([np.nan, np.nan]))
    with pytest.raises(TableError, match="column 'gap' is empty in each of the 2 rows; leave it out: schema="):
        Schema.infer(empty, [], {"gap": "numeric"})


@pytest.mark.parametrize("values", [[[1, 2]] * ROWS, [b"x"] * ROWS, [{"x": 1}] * ROWS])
def test_a_column_that_no_network_could_take_is_left_out_with_what_it_holds(values: list[Any]) -> None:
    columns = read_table({"size": RANDOM.normal(size=ROWS), "odd": values})
    with pytest.warns(CrecheWarning, match="dropped column 'odd': it holds (a list|bytes|a dict)"):
        assert Schema.infer(columns, [], {}).features == ["size"]
    with pytest.raises(TableError, match=r"column 'odd': it holds .*; leave it out, or make columns of it"):
        Schema.infer(columns, [], {"odd": "categorical"})


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_infinite_numbers_are_named_as_the_user_counts_the_rows(infinite: float) -> None:
    columns = table(fine=number([1, 2, 3]), size=number([1, np.nan, infinite]))
    with pytest.raises(TableError, match=r"the table: row 3, column 'size' is -?inf; needs a finite number"):
        Schema.infer(columns, [], {})
    with pytest.raises(TableError, match=r"the table: row 70, column 'size' is -?inf"):
        Schema.infer(columns, [], {}, row_numbers=np.array([1, 40, 70]))
    assert Schema.infer(columns, [], {"size": "ignore"}).features == ["fine"]


def test_a_category_as_long_as_a_book_is_named() -> None:
    words = Column.from_words(["a", "b", "c" * 5000] * 20)
    with pytest.raises(TableError, match="row 3, column 'book' holds 5,000 characters; a category has at most 1,000"):
        Schema.infer(table(book=words, size=number(np.ones(ROWS))), [], {})


def test_nothing_left_to_learn_from() -> None:
    with pytest.raises(TableError, match=r"no column is left to learn from .size is ignored"):
        Schema.infer(table(size=number([1, 2])), [], {"size": "ignore"})


def test_counts_are_those_of_polars() -> None:
    frame = penguins()
    schema = Schema.infer(read_table(frame), [], {})
    assert [column.name for column in schema.columns] == frame.columns
    for column in schema.columns:
        series = frame[column.name]
        assert (column.rows, column.missing) == (len(series), series.null_count())
        assert column.distinct == series.drop_nulls().n_unique()
        assert 0 < len(column.examples) <= 3


@pytest.mark.parametrize("rows", [1000, 60_000])
def test_different_values_are_counted_in_long_columns_too(rows: int) -> None:
    values = RANDOM.integers(0, 700, rows)
    expected = len(set(values.tolist()))
    gaps = np.where(RANDOM.random(rows) < 0.1, np.nan, values.astype(np.float64))
    assert describe(Column("whole", values)).distinct == expected
    assert describe(number(gaps)).distinct == len(set(gaps[~np.isnan(gaps)].tolist()))
    moments = DAYS[0] + values.astype("timedelta64[D]")
    moments[:5] = np.datetime64("NaT")
    assert describe(Column("datetime", moments)).distinct == len(set(values[5:].tolist()))


def test_examples_are_the_first_different_values() -> None:
    assert describe(number([2.5, np.nan, 2.5, 1e6, -3.0, 4.0])).examples == ("2.5", "1e+06", "-3")
    assert describe(Column("whole", 2**53 + np.array([1, 5, 9]))).examples == tuple(str(2**53 + i) for i in (1, 5, 9))
    assert describe(Column("boolean", np.array([1.0, 0.0]))).examples == ("yes", "no")
    assert describe(Column("datetime", DAYS[:1])).examples == ("2020-01-01",)
    assert describe(Column.from_words([None, "a" * 50, "b\n\tc"])).examples == ("a" * 39 + "…", "b c")


def test_there_and_back_as_plain_data() -> None:
    schema = Schema.infer(read_table(pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "y"]})), [], {"b": "text"})
    again = Schema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert again == schema
    assert again.roles == {"a": "numeric", "b": "text"}


PLAIN = Schema((ColumnSchema("a", "numeric", "whole", 3, 1, 2, ("1", "2")),)).to_dict()


@pytest.mark.parametrize(
    "data",
    [
        {}, {"columns": 3}, {"columns": [3]}, {"columns": PLAIN["columns"] * 2}, [], None,
        *({"columns": [{**PLAIN["columns"][0], key: value}]} for key, value in [
            ("role", "number"), ("role", []), ("kind", "float"), ("rows", -1), ("missing", 1.5), ("distinct", True),
            ("examples", 3), ("examples", [3]), ("name", None), ("reason", 1), ("more", 1),
        ]),
    ],
    ids=str,
)  # fmt: skip
def test_damaged_data_is_refused(data: Any) -> None:
    assert Schema.from_dict(PLAIN).columns[0].examples == ("1", "2")
    with pytest.raises(FileError, match="the file was damaged or made by hand"):
        Schema.from_dict(data)


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([*PLAIN["columns"][0]]), JUNK)
def test_any_data_from_a_file_is_refused_or_fits(key: str, value: Any) -> None:
    try:
        schema = Schema.from_dict({"columns": [{**PLAIN["columns"][0], key: value}]})
    except CrecheError:
        return
    assert schema.to_dict()["columns"][0].keys() == PLAIN["columns"][0].keys()
