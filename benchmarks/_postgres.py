"""A server of PostgreSQL that tests and benchmarks start, on a socket in a temporary folder, and end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

__all__ = ["PASSWORD", "Server", "start_server"]

PASSWORD = "s3cret/of:ann"

# What makes a server fast that is not needed after the tests.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "autovacuum=off")


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    socket : Path
        The folder of its socket.

    """

    socket: Path

    def uri(self, user: str = "postgres", password: str = "", **parameters: str) -> str:
        given = "".join(f"&{name}={quote(value, safe='')}" for name, value in parameters.items())
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{user}{secret}@/postgres?host={self.socket}{given}"

    def connect(self) -> Any:
        from adbc_driver_postgresql import dbapi

        return dbapi.connect(self.uri(), autocommit=True)

    def execute(self, *statements: str) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def select(self, query: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return pl.scan_arrow_c_stream(cursor.fetch_arrow()).collect().rows()

    def write(self, name: str, frame: pl.DataFrame) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(name, frame, mode="create")


@contextmanager
def start_server() -> Iterator[Server]:
    """Start a server with a user ann, who has a password; it ends with the context, and its data with it."""
    binaries = _find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="creche-postgres-", dir="/tmp"))  # a short name: sockets allow 107 bytes
    user = _choose_user()
    if user is not None:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        # To a file: a server that inherits a pipe keeps it open.
        with open(folder / "commands.log", "a", encoding="utf-8") as log:
            done = subprocess.run(command, user=user, cwd=folder, stdout=log, stderr=log, check=False)
        assert done.returncode == 0, (folder / "commands.log").read_text()

    data = str(folder / "data")
    run(
        str(binaries / "initdb"), "-D", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
        "--no-sync", "--no-instructions",
    )  # fmt: skip
    rules = folder / "data" / "pg_hba.conf"
    rules.write_text(f"local all ann scram-sha-256\n{rules.read_text()}")
    options = " ".join(f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={folder}"))
    control = str(binaries / "pg_ctl")
    run(control, "-D", data, "-w", "-o", options, "-l", str(folder / "server.log"), "start")
    try:
        server = Server(folder)
        server.execute(f"CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        run(control, "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _find_binaries() -> Path:
    """The folder of initdb, that of the newest version where there are several."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    if not folders and found is None:
        raise FileNotFoundError("this starts a server of PostgreSQL; install it: apt-get install postgresql")
    return folders[-1] if folders else Path(os.path.realpath(str(found))).parent


def _choose_user() -> str | None:
    """The user of the server, which refuses to run as root; None where this process runs as another user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "daemon"
