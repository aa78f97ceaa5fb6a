"""`creche.studio`: the live page, in a browser or in a notebook."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._progress import is_notebook
from creche.databases.address import find_database
from creche.errors import CrecheError
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.studio.page_files import page_folder, widget_file
from creche.studio.ready_table import WantedTable
from creche.studio.session import Session
from creche.studio.table_source import TableSource, is_large, open_data
from creche.studio.uploads import MAX_UPLOAD, Uploads
from creche.table.reading.options import ReadOptions

if TYPE_CHECKING:
    from creche.studio.widget import StudioWidget

__all__ = ["START_TABLE", "SessionMaker", "serve_studio", "studio"]

START_TABLE = "penguins-four"
MEBIBYTE = 2**20
LOOPBACK = "127.0.0.1"
SERVER_LIBRARIES = ("starlette", "uvicorn", "websockets")
NOTEBOOK_LIBRARIES = ("anywidget",)


@reject_unknown
def studio(
    data: Any = START_TABLE,
    label: str | Sequence[str] | None = None,
    *,
    in_notebook: bool | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    browser: bool = True,
    max_upload: int = MAX_UPLOAD // MEBIBYTE,
    threads: int | None = None,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
) -> StudioWidget | None:
    """Open a live page in which a network learns from a table, and may be shaped and watched.

    In a notebook the page is a widget, the value of the cell. Elsewhere it is served on this machine until Ctrl-C, and
    opens in a browser.

    Parameters
    ----------
    data : file name, DataFrame or other table, default "penguins-four"
        As `creche.train` takes it; another can be opened in the page.
    label : str or sequence of str, optional
        The column to predict, or several; it can be chosen in the page.
    in_notebook : bool, optional
        Whether to return a widget; by default where this is the kernel of a notebook.
    host : str, default "127.0.0.1"
        The address to listen on. With the default, only this machine reaches the page.
    port : int, optional
        By default 8450, or a free one if that is taken.
    browser : bool, default True
        Whether to open a browser.
    max_upload : int, default 64
        The greatest size of a file that is opened in the page, in MiB.
    threads : int, optional
        By default the environment variable CRECHE_NUM_THREADS, else one for each usable core.
    read_options : ReadOptions or dict, optional
        How the file is written, if that is not to be detected.

    Returns
    -------
    StudioWidget or None
        The widget of a notebook.

    Raises
    ------
    CrecheError
        If a library is missing.
    FileError, TableError
        If the table cannot be read or trained on, or the page was not built. A table that takes long is read while the
        page is open, which then tells it.
    PlanError
        If the port is taken.

    Examples
    --------
    >>> import creche as cr
    >>> cr.studio("penguins", label="species")  # doctest: +SKIP
    The studio is at http://127.0.0.1:8450/?token=...

    """
    make = SessionMaker(data, label, max_upload=max_upload, threads=threads, read_options=read_options)
    if in_notebook or (in_notebook is None and _is_in_notebook()):
        return _create_widget(make)
    serve_studio(make, host=host, port=port, browser=browser)
    return None


class SessionMaker:
    """Makes sessions on one table.

    The first is made beforehand, so that what is wrong with the table is told before a page opens. A large table is
    read in the session instead, once for all of them, so that no one waits for the page.

    Parameters
    ----------
    data, label, max_upload, threads, read_options
        As `studio` takes them, with its errors.

    """

    def __init__(
        self,
        data: Any,
        label: str | Sequence[str] | None = None,
        *,
        max_upload: int = MAX_UPLOAD // MEBIBYTE,
        threads: int | None = None,
        read_options: ReadOptions | Mapping[str, Any] | None = None,
    ) -> None:
        self._max_upload = check_whole_number("max_upload", max_upload, 1) * MEBIBYTE
        self._source = _read_large(data, read_options) if is_large(data) else open_data(data, read_options)
        self._label = () if label is None else (label,) if isinstance(label, str) else tuple(label)
        self._threads = threads
        self._first: Session | None = self._make()

    def __call__(self) -> Session:
        """Return a new session."""
        first, self._first = self._first, None
        return self._make() if first is None else first

    def close(self) -> None:
        """End the first session, if it was not asked for."""
        if self._first is not None:
            self._first.close("")

    def _make(self) -> Session:
        uploads = Uploads(self._max_upload)
        return Session(self._source, self._label, threads=self._threads, uploads=uploads)


def _read_large(data: Any, read_options: ReadOptions | Mapping[str, Any] | None) -> WantedTable:
    """Return a table that is read when it is first asked for."""
    lock, found = threading.Lock(), list[TableSource]()

    def read() -> TableSource:
        with lock:
            if not found:
                found.append(open_data(data, read_options))
            return found[0]

    database = find_database(data)
    name = Path(data).name if isinstance(data, str | Path) else "data"
    return WantedTable(name if database is None else database.source, read)


def serve_studio(make: SessionMaker, *, host: str = LOOPBACK, port: int | None = None, browser: bool = True) -> None:
    """Serve sessions until Ctrl-C, with arguments and errors as those of `studio`."""
    libraries = "Starlette, uvicorn and websockets: pip install starlette uvicorn websockets"
    try:
        _need(SERVER_LIBRARIES, f"the studio needs {libraries}")
        from creche.studio.server.run import Server, ServerOptions, serve

        serve(Server(make, page_folder(), ServerOptions(host, port)), browser)
    finally:
        make.close()


def _create_widget(make: SessionMaker) -> StudioWidget:
    try:
        _need(NOTEBOOK_LIBRARIES, "the studio needs anywidget in a notebook: pip install anywidget")
        module = widget_file()
        from creche.studio.widget import StudioWidget

        return StudioWidget(make(), module)
    finally:
        make.close()


def _is_in_notebook() -> bool:
    """Return whether a widget would be shown: in Jupyter's kernel, or in marimo."""
    marimo = sys.modules.get("marimo")
    return is_notebook() or (marimo is not None and bool(marimo.running_in_notebook()))


def _need(modules: tuple[str, ...], message: str) -> None:
    if any(find_spec(module) is None for module in modules):
        raise CrecheError(message)
