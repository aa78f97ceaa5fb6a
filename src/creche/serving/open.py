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
    workers: int = 1,
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
    workers : int, default 1
        Processes that answer on the same port.
    threads : int, default 1
    device : str, optional
        As `creche.load` takes them.
    log : callable
        Told what happens, in a sentence.

    """
    from creche.serving.run import Server
    from creche.serving.served_model import Models
    from creche.serving.worker_pool import WorkerPool

    # Models that several workers serve are loaded here, too, so that what is wrong is told before any of them starts.
    models = Models(paths, threads=threads, device=device)
    names = list(models.by_name)
    server: Server | WorkerPool
    if workers > 1:
        del models
        server = WorkerPool(paths, options, workers, threads=threads, device=device, log=log)
    else:
        server = Server(models, options, log=log)

    def tell() -> None:
        together = f", by {workers} workers" if workers > 1 else ""
        print(f"Serving {', '.join(names)} at {server.link}{together}", flush=True)
        if not server.is_on_loopback:
            print("It listens on the network, without encryption.", flush=True)

    server.run(tell)
    print("The server has ended.", flush=True)
