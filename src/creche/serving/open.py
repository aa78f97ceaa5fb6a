"""Serving models until the end: what is needed, the server, and what it tells where it was started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from creche.errors import CrecheError
from creche.plan.words import DeviceName

if TYPE_CHECKING:
    from creche.serving.run import ServerOptions

__all__ = ["check_libraries", "serve_models"]

LIBRARIES = ("starlette", "uvicorn", "httptools", "orjson")


def check_libraries() -> None:
    """Check that the libraries of the server are there.

    Raises
    ------
    CrecheError
        If one is not.

    """
    if any(find_spec(module) is None for module in LIBRARIES):
        raise CrecheError('serving needs Starlette, uvicorn, httptools and orjson: pip install "creche[serve]"')


def serve_models(
    paths: Sequence[Path],
    options: ServerOptions,
    *,
    threads: int | None = 1,
    device: DeviceName | None = None,
    log: Callable[[str], object] = print,
) -> None:
    """Serve models until SIGTERM or Ctrl-C, and tell where.

    Parameters
    ----------
    paths : sequence of Path
        The files of models.
    options : ServerOptions
    threads : int, default 1
    device : str, optional
        As `creche.load` takes them.
    log : callable
        Told what happens, in a sentence.

    """
    from creche.serving.run import Server
    from creche.serving.served_model import Models

    models = Models(paths, threads=threads, device=device)
    server = Server(models, options, log=log)

    def tell() -> None:
        print(f"Serving {', '.join(models.by_name)} at {server.link}", flush=True)
        if not server.is_on_loopback:
            print("It listens on the network, without encryption.", flush=True)

    server.run(tell)
    print("The server has ended.", flush=True)
