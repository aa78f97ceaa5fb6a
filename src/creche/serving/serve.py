"""`creche.serve`: models that answer over HTTP while the program goes on."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from creche.errors import CrecheError, PlanError
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.words import DeviceName
from creche.serving.open import check_libraries

if TYPE_CHECKING:
    from creche.serving.run import Server

__all__ = ["ModelServer", "ServedModels", "serve"]

ModelOrFile: TypeAlias = Model | Ensemble | str | Path
ServedModels: TypeAlias = ModelOrFile | Sequence[str | Path] | Mapping[str, ModelOrFile]

START_SECONDS = 30.0


class ModelServer:
    """A server of models, which answers on a thread of its own until it is stopped.

    In a ``with`` statement it is stopped at the end. A program that ends does not wait for it.

    Attributes
    ----------
    link : str
        Where it is, such as ``"http://127.0.0.1:8080/"``.

    """

    def __init__(self, server: Server, resources: ExitStack) -> None:
        self.link = server.link
        self._server, self._resources = server, resources
        self._error: BaseException | None = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="creche-serve", daemon=True)
        self._thread.start()
        started.wait(START_SECONDS)
        if self._error is not None:
            raise CrecheError(f"the server could not start: {self._error}") from self._error

    def _run(self, started: threading.Event) -> None:
        try:
            self._server.run(started.set)
        except BaseException as error:
            self._error = error
        finally:
            started.set()
            self._resources.close()

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the server, once the requests that have begun are answered."""
        self._server.stop()
        self._thread.join()

    def wait(self) -> None:
        """Wait until the server is stopped by another thread, or by Ctrl-C here."""
        try:
            self._thread.join()
        finally:
            self.stop()

    def reload(self) -> None:
        """Load the models again from their files; one that cannot be loaded goes on as it is."""
        self._server.reload()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"ModelServer({self.link!r})" if self.is_running else "ModelServer(stopped)"


@reject_unknown
def serve(
    models: ServedModels,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    token: str = "",
    without_token: bool = False,
    watch: bool = False,
    max_rows: int = 10_000,
    threads: int | None = 1,
    device: DeviceName | None = None,
    log: Callable[[str], object] = print,
) -> ModelServer:
    """Answer requests for predictions over HTTP, on a thread, as `creche serve` does.

    Parameters
    ----------
    models : Model, Ensemble, file name, sequence of file names, or dict
        A model answers under the name ``model``, those of files under the names of the files, and those of a dict,
        models or files, under its keys.
    host : str, default "127.0.0.1"
        The address to listen on. With the default, only this machine reaches it.
    port : int, default 8080
        0 for a free one.
    token : str, optional
        What requests must carry, of at least 16 letters and digits; needed if other machines reach the server.
    without_token : bool, default False
        Whether all who reach the server may ask without a token.
    watch : bool, default False
        Whether a model is loaded again when its file was replaced.
    max_rows : int, default 10000
        Rows of a request, at most.
    threads : int, default 1
    device : str, optional
        As `creche.load` takes them.
    log : callable, default print
        Told, in a sentence, what happens while it runs.

    Returns
    -------
    ModelServer
        It answers already.

    Raises
    ------
    CrecheError
        If a library is missing: ``pip install "creche[serve]"``.
    FileError
        If a file cannot be read, or is not a model.
    PlanError
        If the port is taken, two models have the same name, or other machines would reach the server without a token.

    Examples
    --------
    >>> import json, urllib.request
    >>> import creche as cr
    >>> model = cr.train("penguins-four", label="species", hidden=[5], epochs=2, seed=0, threads=1).model
    >>> with cr.serve(model, port=0) as server:
    ...     answer = json.load(urllib.request.urlopen(server.link + "models"))
    >>> answer["models"][0]["name"], answer["models"][0]["labels"]
    ('model', ['species'])

    """
    check_libraries()
    from creche.serving.bodies import Limits
    from creche.serving.run import Server, ServerOptions, check_token
    from creche.serving.served_model import Models

    if token:
        check_token(token, "token")
    options = ServerOptions(
        host=host, port=check_whole_number("port", port, 0), token=token, is_open=without_token, watches=watch,
        limits=Limits(max_rows=check_whole_number("max_rows", max_rows, 1)),
    )  # fmt: skip
    with ExitStack() as resources:
        paths = _find_files(models, resources)
        server = Server(Models(paths, threads=threads, device=device), options, log=log)
        return ModelServer(server, resources.pop_all())


def _find_files(models: ServedModels, resources: ExitStack) -> dict[str, Path]:
    """Return the file of each model by its name; models without one are written to a folder of their own."""
    named: Mapping[str, ModelOrFile]
    if isinstance(models, Model | Ensemble):
        named = {"model": models}
    elif isinstance(models, Mapping):
        named = models
    elif not isinstance(models, str | Path | Sequence):
        needed = "a model, the name of a file, several of them, or a dict"
        raise PlanError(f"models: got {models!r}; needs {needed}", argument="models")
    else:
        files = [models] if isinstance(models, str | Path) else list(models)
        named = {}
        for file in files:
            if not isinstance(file, str | Path):
                needed = "the names of files; name models by a dict"
                raise PlanError(f"models: got a {type(file).__name__} in a list; needs {needed}", argument="models")
            name = Path(file).stem
            if name in named:
                both = f"{named[name]} and {file}"
                raise PlanError(f"models: {both} have the same name, {name!r}; name them by a dict", argument="models")
            named[name] = file
    if not named:
        raise PlanError("models: got none; give a model, or the name of its file", argument="models")
    paths = {}
    for name, model in named.items():
        if not isinstance(name, str) or not name or "/" in name or not name.isprintable():
            raise PlanError(f"models: got the name {name!r}; needs text without a slash", argument="models")
        if isinstance(model, Model | Ensemble):
            folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="creche-serve-"))
            paths[name] = Path(folder, "model.creche")
            model.save(paths[name])
        elif isinstance(model, str | Path):
            paths[name] = Path(model)
        else:
            raise PlanError(
                f"models: {name!r} is a {type(model).__name__}; needs a model, or the name of its file",
                argument="models",
            )
    return paths
