"""The server: it listens, answers, watches the files of its models, and ends without dropping a request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from creche._advice import advise, has_command_line_words
from creche._system.http_server import ListeningServer, UvicornServer
from creche._system.listening import LOOPBACK, is_on_loopback, list_own_hosts, listen
from creche.errors import FileError, PlanError
from creche.serving.app import Serving, create_app
from creche.serving.bodies import Limits
from creche.serving.gate import Access
from creche.serving.patient_protocol import create_protocol
from creche.serving.served_model import FileState, Models

__all__ = ["DEFAULT_PORT", "TOKEN_VARIABLE", "Server", "ServerOptions", "check_access", "check_token", "read_token"]

DEFAULT_PORT = 8080
TOKEN_VARIABLE = "CRECHE_TOKEN"
SHORTEST_TOKEN = 16
WATCH_SECONDS = 0.5
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How models are served.

    Attributes
    ----------
    host : str
        The address to listen on.
    port : int
        0 for a free one.
    token : str
        What requests must carry; empty for none.
    is_open : bool
        Whether all who reach the server may ask, without a token, from another machine too.
    limits : Limits
    drain_seconds : float
        After SIGTERM, how long requests are still welcome: so that those who send them hear that it ends.
    watches : bool
        Whether a model is loaded again when its file was replaced.

    """

    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    token: str = ""
    is_open: bool = False
    limits: Limits = field(default_factory=Limits)
    drain_seconds: float = 0.0
    watches: bool = False


class Server(ListeningServer):
    """A server of models, which listens from the beginning and answers while it runs.

    SIGTERM and Ctrl-C end it: requests that have come are answered, and no new connections taken. SIGHUP loads all
    models again.

    Parameters
    ----------
    models : Models
    options : ServerOptions
    log : callable
        Told what happens while it runs, in a sentence.
    listener : socket, optional
        What it listens on; by default, a socket that it opens.

    Raises
    ------
    PlanError
        If the port is taken, the address is none of this machine's, or other machines would reach it without a token.

    Attributes
    ----------
    link : str
        Where it is.
    serving : Serving
    companions : list of callable
        Each returns a coroutine that runs beside the server, until it ends.

    """

    def __init__(
        self,
        models: Models,
        options: ServerOptions = ServerOptions(),
        *,
        log: Callable[[str], object] = print,
        listener: socket.socket | None = None,
    ) -> None:
        self._options, self._log = options, log
        listener = listen(options.host, options.port) if listener is None else listener
        try:
            check_access(listener, options)
        except PlanError:
            listener.close()
            raise
        self.companions: list[Callable[[], Coroutine[Any, Any, None]]] = [self.watch] if options.watches else []
        hosts = list_own_hosts(options.host, listener.getsockname()[1])
        self.serving = Serving(models, options.limits, has_token=bool(options.token))
        access = Access(options.token, frozenset() if options.token or options.is_open else frozenset(hosts))
        config = uvicorn.Config(
            create_app(self.serving, access), http=create_protocol(options.limits), ws="none", lifespan="off",
            log_level=logging.ERROR, access_log=False, server_header=False, proxy_headers=False,
            limit_concurrency=options.limits.max_connections, timeout_graceful_shutdown=GRACE_SECONDS,
        )  # fmt: skip
        super().__init__(listener, _ServerOfModels(config, self), f"http://{hosts[0]}/")

    @property
    def open_connections(self) -> int:
        """The number of connections."""
        return len(self._server.server_state.connections)

    def abort(self) -> None:
        """End the server at once, without waiting for answers."""
        self._server.should_exit = self._server.force_exit = True

    def drain(self) -> None:
        """Tell that the server ends, and end it after the time of the options. May be called from any thread."""
        self.serving.state.is_ready = False
        if self._options.drain_seconds > 0:
            timer = threading.Timer(self._options.drain_seconds, self.stop)
            timer.daemon = True
            timer.start()
        else:
            self.stop()

    def reload(self, names: Sequence[str] | None = None) -> None:
        """Load models again, by default all of them; one that cannot be loaded goes on as it is."""
        models, metrics = self.serving.models, self.serving.metrics

        def tell_failure(name: str, error: FileError) -> None:
            metrics.count_reload(name, "failed")
            self._log(f"{name}: cannot be loaded again, and goes on as it is: {error}")

        for name in list(models.by_name) if names is None else names:
            served = models.reload(name, tell_failure)
            if served is not None:
                metrics.count_reload(name, "loaded")
                self._log(f"{name}: was loaded again from {served.path} (digest {served.digest})")

    async def watch(self) -> None:
        """Load a model again when its file was replaced, once it is written to its end."""
        models = self.serving.models
        seen: dict[str, FileState] = {}
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            changed = models.find_changed()
            # A file that is being written is another one at the next look.
            ready = [name for name, state in changed.items() if state == seen.get(name)]
            seen = changed
            if ready:
                await asyncio.to_thread(self.reload, ready)


class _ServerOfModels(UvicornServer):
    """A server that knows what signals mean."""

    def __init__(self, config: uvicorn.Config, owner: Server) -> None:
        super().__init__(config)
        self._owner = owner
        self._tasks: set[asyncio.Task[None]] = set()

    def prepare(self) -> None:
        self._tasks.update(asyncio.create_task(companion()) for companion in self._owner.companions)
        if threading.current_thread() is threading.main_thread():
            with suppress(NotImplementedError, AttributeError):
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        task = asyncio.create_task(asyncio.to_thread(self._owner.reload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._owner.serving.state.is_ready = False
        for task in self._tasks:
            task.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; a second signal ends at once."""
        if self.should_exit or not self._owner.serving.state.is_ready:
            self._owner.abort()
        else:
            self._owner.drain()


def check_access(listener: socket.socket, options: ServerOptions) -> None:
    """Check that other machines reach a server only if it has a token, or is to be open.

    Raises
    ------
    PlanError
        If they do without.

    """
    if not is_on_loopback(listener) and not options.token and not options.is_open:
        how = advise("token", ...)
        if has_command_line_words():
            how = f"{advise('token_file')} or the environment variable {TOKEN_VARIABLE}"
        raise PlanError(
            f"host: got {options.host!r}, which other machines reach; set a token by {how}, or let everyone ask by "
            f"{advise('without_token', True)}",
            argument="host",
        )


def read_token(path: Path | None) -> str:
    """Return the token from a file or the environment; empty if there is none.

    Parameters
    ----------
    path : Path, optional
        A file whose only line is the token.

    Raises
    ------
    FileError
        If the file cannot be read.
    PlanError
        If the token is too short, or could not be sent in a header.

    """
    if path is None:
        source, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            return ""
    else:
        source = str(path)
        try:
            token = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise FileError(f"{path}: cannot be read ({reason}); name a file that holds a token") from error
    return check_token(token, source)


def check_token(token: str, source: str) -> str:
    """Return a token that can be sent in a header.

    Raises
    ------
    PlanError
        If it is too short, or cannot be.

    """
    is_one = isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token
    if not is_one or len(token) < SHORTEST_TOKEN:
        raise PlanError(f"{source}: holds no token; needs one line of at least {SHORTEST_TOKEN} letters and digits")
    return token
