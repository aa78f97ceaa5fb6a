"""Files of object stores and the web, and Delta tables, by Polars with the credentials of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from creche.databases.address import Database
from creche.databases.arrow_batches import ROWS_AT_A_TIME
from creche.errors import CrecheError, FileError, TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_target", "read_frames", "write_rows"]

PATTERN = "*?["  # characters of a pattern in a name

STATUS = re.compile(r"(?<![\d:.])[1-5]\d\d(?!\d)")  # of an answer, and no part of a port or of an address

PARQUET, ARROW = (".parquet", ".pq"), (".arrow", ".feather", ".ipc")

# By any of these the environment has credentials, or says that none are needed; and files that hold some.
CREDENTIALS = {
    "s3": (
        "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_SKIP_SIGNATURE",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_CLIENT_ID", "AZURE_STORAGE_SAS_KEY",
        "AZURE_SKIP_SIGNATURE",
    ),
}  # fmt: skip
CREDENTIAL_FILES = {
    "s3": "~/.aws/credentials", "gs": "~/.config/gcloud/application_default_credentials.json", "az": "~/.azure",
}  # fmt: skip

# What tells that the environment has them, and which variable says that a bucket is public.
ADVICE = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public bucket",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for a public bucket",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_SKIP_SIGNATURE=true for a public one",
}


def read_frames(database: Database) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file, of several that a pattern names, or of a Delta table, some at a time.

    Raises
    ------
    CrecheError
        If a package for Delta tables is missing.
    FileError
        If there are no credentials, or the file cannot be reached.
    TableError
        If it is in a format that is not read from there.

    """
    import polars as pl

    scheme, _, name = database.uri.partition("://")
    _check_credentials(scheme if scheme != "delta" else name.partition("://")[0], database)
    rows, of_delta = 0, _delta_errors(database) if database.kind == "delta" else ()
    try:
        lazy = _scan_delta(name) if database.kind == "delta" else _scan(database)
        schema = lazy.collect_schema()
        for frame in lazy.collect_batches(chunk_size=ROWS_AT_A_TIME, maintain_order=True, lazy=True):
            yield frame
            rows += len(frame)
    except CrecheError:
        raise
    except of_delta as error:
        reason = str(error).strip().partition("\n")[0]
        raise FileError(f"{database.source}: {reason}; name the folder of a Delta table") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        text = database.without_secrets(str(error))
        raise FileError(f"{database.source}: {_why(text, 'file')}, after {rows:,} rows") from error
    if rows == 0:
        yield pl.DataFrame(schema=schema)


def check_target(database: Database, format: str | None = None) -> str:
    """Return the format in which a file can be written, before its rows are computed.

    Parameters
    ----------
    database : Database
    format : {"csv", "parquet", "arrow", "jsonl"}, optional
        By default, the format that the name implies.

    Raises
    ------
    FileError
        If there are no credentials.
    TableError
        If nothing is written there, the name is a pattern, or it is not of a format that is.

    """
    scheme, _, name = database.uri.partition("://")
    if scheme not in CREDENTIALS:
        raise TableError(f"{database.source}: cannot be written to; write a file, and upload it")
    if any(sign in name for sign in PATTERN):
        raise TableError(f"{database.source}: is a pattern of several files ({' '.join(PATTERN)}); name one file")
    ending = Path(name).suffix.lower()
    chosen = format or ("parquet" if ending in PARQUET else "arrow" if ending in ARROW else None)
    if chosen not in ("parquet", "arrow"):
        raise TableError(
            f"{database.source}: files of object stores are written as Parquet ({', '.join(PARQUET)}) or Arrow "
            f"({', '.join(ARROW)}); name it so, or write a file of this machine, and upload it"
        )
    _check_credentials(scheme, database)
    return chosen


def write_rows(database: Database, rows: pl.LazyFrame, format: str | None = None) -> None:
    """Write rows to a file of an object store, which replaces one that is there once it has arrived whole.

    Parameters
    ----------
    database : Database
    rows : polars.LazyFrame
        Only some of the rows are in memory at a time.
    format
        As for `check_target`.

    Raises
    ------
    FileError
        If there are no credentials, the bucket cannot be reached, or the server refuses; nothing is written then.
    TableError
        As for `check_target`.

    """
    import polars as pl

    write = rows.sink_parquet if check_target(database, format) == "parquet" else rows.sink_ipc
    try:
        write(database.uri)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        text = database.without_secrets(str(error))
        raise FileError(f"{database.source}: {_why(text, 'bucket')}; nothing was written") from error


def _check_credentials(scheme: str, database: Database) -> None:
    """Refuse what would ask the cloud for credentials, which takes long on a machine that is not one of the cloud."""
    if scheme not in CREDENTIALS or Path(CREDENTIAL_FILES[scheme]).expanduser().exists():
        return
    if not any(os.environ.get(name) for name in CREDENTIALS[scheme]):
        raise FileError(f"{database.source}: the environment has no credentials; set {ADVICE[scheme]}")


def _scan(database: Database) -> pl.LazyFrame:
    import polars as pl

    ending = Path(database.uri.partition("://")[2].partition("?")[0] if "http" in database.uri[:5] else database.uri)
    if ending.suffix.lower() in PARQUET:
        return pl.scan_parquet(database.uri)
    if ending.suffix.lower() in ARROW:
        return pl.scan_ipc(database.uri)
    raise TableError(
        f"{database.source}: files of object stores and the web are read as Parquet ({', '.join(PARQUET)}) or Arrow "
        f"({', '.join(ARROW)}); download it, and name the file"
    )


def _scan_delta(name: str) -> pl.LazyFrame:
    import polars as pl

    path = name if "://" in name else str(Path(name[1:] if name.startswith("/") else name).expanduser())
    return pl.scan_delta(path)


def _delta_errors(database: Database) -> tuple[type[Exception], ...]:
    try:
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise CrecheError(f"{database.source}: needs the package deltalake: pip install 'creche[delta]'") from error
    return (DeltaError,)


def _why(text: str, what: str) -> str:
    """Return why something cannot be reached, from the text of an error that lists attempts and addresses."""
    lowered = text.lower()
    statuses = set(STATUS.findall(text))
    if "404" in statuses or "not found" in lowered or "expanded paths were empty" in lowered:
        return f"there is no such {what}"
    if statuses & {"401", "403"} or "forbidden" in lowered or "unauthorized" in lowered:
        return "the server refuses access; check the credentials"
    if any(sign in lowered for sign in ("connect", "dns", "timed out", "error sending request")):
        return "no server answers there; check the address and the network"
    return text.strip().partition("\n")[0]
