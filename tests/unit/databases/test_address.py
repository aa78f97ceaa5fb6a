"""Addresses of databases: what they are read as, and that no password leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creche.databases.address import Database, find_database
from creche.databases.quoting import quote_name, split_table_name
from creche.errors import PlanError


@pytest.mark.parametrize(
    ("address", "kind", "uri"),
    [
        ("postgresql://ann@host/sales?table=houses", "postgresql", "postgresql://ann@host/sales"),
        ("postgres://host/sales", "postgresql", "postgresql://host/sales"),
        ("postgresql+psycopg2://host/sales?sslmode=require", "postgresql", "postgresql://host/sales?sslmode=require"),
        ("sqlite:///houses.db?table=houses&cache=shared", "sqlite", "sqlite:///houses.db?cache=shared"),
        ("DuckDB:///houses.duckdb", "duckdb", "duckdb:///houses.duckdb"),
    ],
)
def test_an_address_is_taken_apart(address: str, kind: str, uri: str) -> None:
    found = find_database(address)
    assert found is not None
    assert (found.kind, found.uri) == (kind, uri)


@pytest.mark.parametrize("data", ["houses.csv", "c:/x", "-", Path("houses.csv"), None, 3])
def test_what_is_no_address_is_none(data: object) -> None:
    assert find_database(data) is None


@pytest.mark.parametrize("address", ["ftp://host/houses.csv", "mysql://host/db?table=t", "file:///houses.csv"])
def test_an_address_of_a_kind_that_is_not_read_is_refused(address: str) -> None:
    kind = address.partition("://")[0]
    with pytest.raises(PlanError, match=rf"got '{kind}://'; needs an address such as postgresql://user@host/name"):
        find_database(address)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("sqlite:///houses.db", "houses.db"),
        ("sqlite:////data/houses.db?table=t", "/data/houses.db"),
        ("duckdb:///folder/houses.duckdb", "folder/houses.duckdb"),
    ],
)
def test_a_fourth_slash_is_the_root(address: str, path: str) -> None:
    assert Database(address).path == Path(path)


def test_an_address_written_again_is_equal() -> None:
    names = Database("sqlite:///a.db", table="sales & more.a+b%41", order_by=["id", "day"])
    query = Database("postgresql://host/db?sslmode=require", query="SELECT 'a+b & c%', \"d\" FROM e -- ?")
    for database in (names, query):
        assert find_database(database.address) == database


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://ann:s3cret@host/db",
        "postgresql://ann:s3cret%40x@[::1]:5432/db?application_name=host",
        "postgresql://host/db?user=ann&password=s3cret",
        "postgresql+asyncpg://ann:s3cret@host:5432/db?sslpassword=s3cret",
    ],
)
def test_no_password_is_shown(uri: str) -> None:
    database = Database(uri, table="houses")
    assert "s3cret" in database.uri
    for shown in (repr(database), str(database), database.place, database.source, database.address):
        assert "s3cret" not in shown
        assert "host" in shown
    encoded = uri.partition("ann:")[2].partition("@")[0] or "s3cret"
    assert "s3cret" not in database.without_secrets(f'invalid token: "{encoded}"')


@pytest.mark.parametrize("password", ["s3cr/et", "s3cr?et", "s3cr/e@t", "s3cr@et"])
def test_a_password_that_needs_encoding_is_not_shown_either(password: str) -> None:
    with pytest.raises(PlanError, match=r"%2F") as caught:
        Database(f"postgresql://ann:{password}@host/db")
    assert "s3cr" not in str(caught.value)


def test_a_table_and_a_query_are_refused() -> None:
    with pytest.raises(PlanError, match=r"both a table and a query"):
        Database("sqlite:///a.db?table=t", query="SELECT 1")
    with pytest.raises(PlanError, match=r"ORDER BY in the query"):
        Database("sqlite:///a.db", query="SELECT 1", order_by="id")
    with pytest.raises(PlanError, match=r"postgresql://user@host/name"):
        Database("mysql://host/db")


@pytest.mark.parametrize(
    "arguments",
    [
        {"uri": "sqlite:///a\0b.db"}, {"uri": "postgresql://host/\udcff"}, {"uri": "duckdb:///a.db", "table": "\udcff"},
        {"uri": "duckdb:///a.db", "query": "SELECT '\0'"}, {"uri": "sqlite:///a.db", "table": "t", "order_by": ["\0"]},
    ],
)  # fmt: skip
def test_characters_that_no_driver_takes_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="a character that no database takes; check the address"):
        Database(**arguments)


@pytest.mark.parametrize("names", [3, [3], {"id": 1}, ["id", None]])
def test_what_is_no_order_is_refused(names: Any) -> None:
    with pytest.raises(PlanError, match=r"order_by: got .*; needs the name of a column, or a list of them"):
        Database("sqlite:///a.db", table="t", order_by=names)


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a.b.c", '"a', 'a"."b"c', "a..b"])
def test_what_names_no_table_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match=r"schema.name"):
        split_table_name(name)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ('"a.b".c', ("a.b", "c")),
        ('"say ""hi"""', ('say "hi"',)),
        ('t"; DROP TABLE big', ('t"; DROP TABLE big',)),
        ("Größe 1", ("Größe 1",)),
    ],
)
def test_any_name_can_be_typed(name: str, parts: tuple[str, ...]) -> None:
    assert split_table_name(name) == parts


def test_a_name_is_quoted_whatever_it_holds() -> None:
    assert quote_name('a"b') == '"a""b"'
    with pytest.raises(PlanError):
        quote_name("a\0b")


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite://", "DuckDB:///?table=t"])
def test_a_database_of_one_file_names_it(uri: str) -> None:
    with pytest.raises(PlanError, match=r"names no file; write (sqlite|duckdb):///file\.db$"):
        find_database(uri)
