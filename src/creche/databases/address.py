"""The address of a table or query in a database, as users type it and as messages show it: never with a password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote

from creche._phrases import shorten_text
from creche.errors import PlanError

__all__ = ["FILES", "Database", "DatabaseKind", "find_database", "is_address"]

DatabaseKind: TypeAlias = Literal["postgresql", "sqlite", "duckdb", "objects", "delta"]

KINDS: dict[str, DatabaseKind] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "s3": "objects",
    "gs": "objects",
    "az": "objects",
    "https": "objects",
    "http": "objects",
    "delta": "delta",
}

# What some schemes are also called.
SCHEMES = {"postgres": "postgresql"}

# A driver is what SQLAlchemy takes there: postgresql+psycopg2://host/db.
SCHEME = re.compile(r"([a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)

# Parameters of an address that are Creche's; all others go to the database.
OWN = ("table", "query", "order_by")

SECRET = ("password", "sslpassword")

# Kinds whose addresses name files, not tables of a database.
FILES = ("objects", "delta")

LONGEST_QUERY = 60  # characters that messages show

# What separates the parts of an address, and may be in a password that is not percent-encoded.
CREDENTIALS = re.compile(r"^([^/?#]*?):(.*)@", re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class Database:
    """A table or a query in a database; it is taken wherever the name of a file is.

    Parameters
    ----------
    uri : str
        The address of the database: ``postgresql://user@host:5432/name``, ``sqlite:///folder/file.db`` or
        ``duckdb:///folder/file.duckdb``; with a fourth slash, the path of the file begins at the root. It may hold the
        other parameters, percent-encoded: ``sqlite:///houses.db?table=houses``. Or that of a Parquet or Arrow file,
        ``s3://bucket/houses.parquet`` (or ``gs``, ``az``, ``https``), or of a Delta table, ``delta:///folder``.
    table : str, optional
        The name of a table or view, or ``schema.name``; a name that has a dot itself is in double quotes. Upper and
        lower case differ.
    query : str, optional
        The query whose rows are read, in place of `table`. Nothing that it does can change the database.
    order_by : str or sequence of str, optional
        The columns of `table` by which rows are ordered; by default those of its primary key.

    Raises
    ------
    PlanError
        If it is not the address of a database, or both a table and a query are given.

    Examples
    --------
    >>> Database("postgresql://ann:secret@localhost/sales", table="houses")
    Database('postgresql://ann@localhost/sales', table='houses')
    >>> Database("sqlite:///houses.db?table=houses&order_by=id").order_by
    ('id',)

    """

    uri: str
    table: str | None = None
    query: str | None = None
    order_by: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_text(self.uri, self.table, self.query)
        scheme, rest = _split_scheme(self.uri)
        body, _, parameters = rest.partition("?")
        own, others = _split_parameters(parameters)
        if KINDS[scheme] == "postgresql":
            _check_credentials(body)
        if KINDS[scheme] in FILES:  # all that follows ? is part of a name
            own, others = {}, [parameters] if parameters else []
            if self.table is not None or self.query is not None or self.order_by:
                raise PlanError(f"{_without_password(self.uri)}: is not a database, and has no tables to choose from")
        if KINDS[scheme] in ("sqlite", "duckdb") and not body.strip("/"):
            raise PlanError(f"{scheme}://{body}: names no file; write {scheme}:///file.db")
        canonical = SCHEMES.get(scheme, scheme)
        object.__setattr__(self, "uri", f"{canonical}://{body}" + (f"?{'&'.join(others)}" if others else ""))
        for name in ("table", "query"):
            given = getattr(self, name) or own.get(name)
            if given is not None and not isinstance(given, str):
                raise PlanError(f"{name}: got {given!r}; needs text", argument=name)
            object.__setattr__(self, name, given)
        object.__setattr__(self, "order_by", _read_order(self.order_by or own.get("order_by", "").split(",")))
        if self.table is not None and self.query is not None:
            raise PlanError(f"{self.address}: has both a table and a query; give one of them", argument="query")
        if self.query is not None and self.order_by:
            raise PlanError(f"{self.address}: order_by is for a table; write ORDER BY in the query")

    def __repr__(self) -> str:
        shown = {"table": self.table, "query": self.query, "order_by": self.order_by or None}
        given = "".join(f", {name}={value!r}" for name, value in shown.items() if value is not None)
        return f"Database({_without_password(self.uri)!r}{given})"

    @property
    def kind(self) -> DatabaseKind:
        """The kind of the database."""
        return KINDS[_split_scheme(self.uri)[0]]

    @property
    def place(self) -> str:
        """The address of the database without its password, for messages."""
        return _without_password(self.uri)

    @property
    def address(self) -> str:
        """The whole address without the password, from which `find_database` makes an equal object."""
        given = {"table": self.table, "query": self.query, "order_by": ",".join(self.order_by) or None}
        own = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items() if value is not None)
        separator = "&" if "?" in self.place else "?"
        return f"{self.place}{separator}{own}" if own else self.place

    @property
    def source(self) -> str:
        """The name of the table in messages."""
        what = self.table if self.query is None else shorten_text(" ".join(self.query.split()), LONGEST_QUERY)
        return self.place if what is None else f"{self.place} ({what})"

    @property
    def path(self) -> Path | None:
        """The file of the database; None for one that is not a file of this machine."""
        if self.kind not in ("sqlite", "duckdb"):
            return None
        name = self.uri.partition("://")[2].partition("?")[0]
        return Path(name[1:] if name.startswith("/") else name).expanduser()

    def without_secrets(self, text: str) -> str:
        """Return a text of a driver in which the password of the address is replaced.

        Parameters
        ----------
        text : str

        """
        body, _, parameters = self.uri.partition("://")[2].partition("?")
        found = CREDENTIALS.match(body)
        secrets = [found[2]] if found else []
        secrets += [part.partition("=")[2] for part in parameters.split("&") if part.partition("=")[0] in SECRET]
        for secret in filter(None, {*secrets, *map(unquote, secrets)}):
            text = text.replace(secret, "…")
        return text

    def changed(self, table: str | None, query: str | None, order_by: Sequence[str] = ()) -> Database:
        """Return the address with these in place of its own, as far as they are given.

        Parameters
        ----------
        table, query, order_by : optional
            As for the class.

        """
        if table is None and query is None:
            return replace(self, order_by=order_by) if order_by else self
        return Database(self.uri, table, query, order_by)


def is_address(data: Any) -> bool:
    """Whether a text is the address of a database, by its scheme.

    Examples
    --------
    >>> is_address("postgresql://localhost/sales"), is_address("houses.csv"), is_address("c:/houses.csv")
    (True, False, False)

    """
    found = SCHEME.match(data) if isinstance(data, str) else None
    return found is not None and found[1].lower() in KINDS


def find_database(data: Any) -> Database | None:
    """Return the database that data are the address of; None if they are anything else.

    Raises
    ------
    PlanError
        If the address cannot be understood, or is that of something that is not read.

    """
    if isinstance(data, Database):
        return data
    is_meant = is_address(data) or (isinstance(data, str) and SCHEME.match(data) and not Path(data).exists())
    return Database(data) if is_meant else None


def _check_text(*given: Any) -> None:
    """Refuse text that no driver takes: with a character of code 0, or halves of surrogate pairs."""
    for text in given:
        try:
            is_text = not isinstance(text, str) or b"\0" not in text.encode()
        except UnicodeEncodeError:
            is_text = False
        if not is_text:
            raise PlanError("Database: got text with a character that no database takes; check the address")


def _read_order(names: Any) -> tuple[str, ...]:
    """Return the names of columns to order by."""
    listed = [names] if isinstance(names, str) else list(names) if isinstance(names, list | tuple) else [None]
    for name in listed:
        if not isinstance(name, str):
            raise PlanError(f"order_by: got {names!r}; needs the name of a column, or a list of them")
    _check_text(*listed)
    return tuple(filter(None, listed))


def _split_scheme(uri: str) -> tuple[str, str]:
    found = SCHEME.match(uri) if isinstance(uri, str) else None
    if found is None or found[1].lower() not in KINDS:
        shown = uri if found is None else found[0]
        raise PlanError(
            f"Database: got {shown!r}; needs an address such as postgresql://user@host/name, sqlite:///file.db, "
            "duckdb:///file.duckdb or s3://bucket/file.parquet"
        )
    return found[1].lower(), uri[found.end() :]


def _split_parameters(text: str) -> tuple[dict[str, str], list[str]]:
    own, others = {}, []
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        if name in OWN:
            own[name] = unquote(value)
        else:
            others.append(part)
    return own, others


def _check_credentials(body: str) -> None:
    """Refuse what a password with a slash or @ looks like, before any message can show a part of it."""
    authority = body.partition("/")[0]
    hosts = authority.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    if authority.count("@") > 1 or not all(port.isdigit() for port in ports if port):
        raise PlanError(
            "Database: the address has a port that is not a number, or several @; in a password, write / as %2F, @ as "
            "%40, : as %3A, ? as %3F, # as %23 and % as %25"
        )


def _without_password(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    body, _, parameters = rest.partition("?")
    shown = "&".join(part for part in parameters.split("&") if part.partition("=")[0] not in SECRET)
    plain = CREDENTIALS.sub(r"\1@", body)
    if scheme in ("https", "http"):  # what follows may be a signature that opens the file to everybody
        shown = ""
    return f"{scheme}{separator}{plain}" + (f"?{shown}" if shown else "")
