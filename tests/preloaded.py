"""Python processes that begin with the package imported, which takes most of the time of a short command.

One process for each worker of the test run imports what commands use, and is forked for each of them. A program in
front of it, `tests/preloaded_client.py`, stands for the forked process: it hands over its arguments, folder,
environment and streams, passes on signals, and ends as the other ends. What must begin as a new interpreter is not
started here: tests of what is imported, of processes that are killed or have children, and of variables that an import
reads.
"""

from __future__ import annotations

import atexit
import importlib
import io
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import creche

__all__ = ["environment", "preloaded_python"]

ROOT = Path(__file__).parents[1]
CLIENT = Path(__file__).with_name("preloaded_client.py")
SIZE_BYTES = 4  # of a number that goes through a socket

# All modules of these packages are imported, and what they import only when they need it.
PACKAGES = ("cli", "evaluation", "model", "pages", "plan", "render", "table", "training")
OTHERS = ("numpy", "polars", "rich.console", "rich.progress", "rich.table", "typer.rich_utils", "creche.engine.native")


def environment() -> dict[str, str]:
    """Return the variables of a process that finds the package where this one has found it."""
    package = str(Path(creche.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}


@cache
def preloaded_python() -> tuple[str, ...]:
    """Return a command that takes the options ``-W``, ``-m`` and ``-c`` of Python, and the arguments of a program."""
    address = str(Path(tempfile.mkdtemp(prefix="preloaded-"), "socket"))
    command = [sys.executable, "-m", "tests.preloaded", address]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(server.communicate)  # it ends when its standard input does, also where this process is killed
    return sys.executable, "-I", "-S", str(CLIENT), address


@dataclass
class Request:
    """What a process shall do, and where."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]

    @classmethod
    def receive(cls, connection: socket.socket) -> Request:
        size, streams, *_ = socket.recv_fds(connection, SIZE_BYTES, 3)
        with connection.makefile("rb") as file:
            return cls(*json.loads(file.read(int.from_bytes(size, "little"))), streams)

    def carry_out(self) -> None:
        """Become the process that was asked for; what it raises at its end, the interpreter handles as always."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin = sys.__stdin__ = open_stream(0, sys.stdin)
        sys.stdout = sys.__stdout__ = open_stream(1, sys.stdout)
        sys.stderr = sys.__stderr__ = open_stream(2, sys.stderr)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        option, value, *rest = self.arguments
        while option == "-W":
            warnings.simplefilter(value)  # type: ignore[arg-type]
            option, value, *rest = rest
        if option == "-m":
            sys.path[0] = self.folder
            sys.argv = [value, *rest]
            runpy.run_module(value, run_name="__main__", alter_sys=True)
        elif option == "-c":
            sys.path[0] = ""
            sys.argv = [option, *rest]
            sys.modules["__main__"] = ModuleType("__main__")
            exec(compile(value, "<string>", "exec"), vars(sys.modules["__main__"]))
        else:
            raise ValueError(f"{option}: needs -W, -m or -c")


def open_stream(number: int, like: io.TextIOWrapper) -> io.TextIOWrapper:
    """Open a standard stream as the interpreter does when it begins."""
    is_unbuffered = number > 0 and bool(os.environ.get("PYTHONUNBUFFERED"))
    binary = open(number, "wb" if number else "rb", 0 if is_unbuffered else -1, closefd=False)  # noqa: SIM115
    by_lines = not is_unbuffered and (number == 2 or binary.isatty())
    return io.TextIOWrapper(
        binary, like.encoding, like.errors, newline="\n", line_buffering=by_lines, write_through=is_unbuffered
    )


class Server:
    """Forks for each request that comes, and tells how the processes end."""

    def __init__(self, address: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        self.selector = selectors.DefaultSelector()
        self.selector.register(0, selectors.EVENT_READ)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.running: dict[int, tuple[int, socket.socket]] = {}  # by the file descriptor of each process

    def serve(self) -> Request | None:
        """Return None when standard input ends, and, in each process that is forked, what it shall do."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj == 0:
                    return None
                if key.fileobj is not self.listener:
                    self.tell_end(key.fd)
                elif request := self.fork():
                    return request

    def fork(self) -> Request | None:
        connection, _ = self.listener.accept()
        request = Request.receive(connection)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Polars has a thread, which nothing waits for
            process = os.fork()
        if process == 0:
            for opened in (self.selector, self.listener, connection, *(other for _, other in self.running.values())):
                opened.close()
            return request
        for stream in request.streams:
            os.close(stream)
        connection.sendall(process.to_bytes(SIZE_BYTES, "little"))
        descriptor = os.pidfd_open(process)
        self.running[descriptor] = process, connection
        self.selector.register(descriptor, selectors.EVENT_READ)
        return None

    def tell_end(self, descriptor: int) -> None:
        process, connection = self.running.pop(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        self.selector.unregister(descriptor)
        os.close(descriptor)
        with suppress(BrokenPipeError), connection:  # the caller may have been killed
            connection.sendall(code.to_bytes(SIZE_BYTES, "little", signed=True))


def import_what_commands_use() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Click, for which Typer's import is to blame
        for name in OTHERS:
            importlib.import_module(name)
        package = Path(creche.__file__).parent
        for path in sorted(path for name in PACKAGES for path in (package / name).rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            importlib.import_module(".".join(parts).removesuffix(".__init__"))


def main() -> None:
    address = sys.argv[1]
    import_what_commands_use()
    server = Server(address)
    print("ready", flush=True)
    request = server.serve()
    if request is not None:
        request.carry_out()
    else:
        shutil.rmtree(Path(address).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
