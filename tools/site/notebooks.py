"""The notebooks of examples/, executed in kernels of their own, as the site hands them out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tools.site.code_blocks import PageError
from tools.site.structure import ROOT

__all__ = ["NOTEBOOKS", "execute_notebook", "run_notebook"]

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
SECONDS = 300  # a cell takes seconds; on a busy machine, a minute


def execute_notebook(path: Path) -> str:
    """Execute a notebook in a kernel, in an empty folder, and return it with its outputs.

    Raises
    ------
    PageError
        If it is not a valid notebook, or a cell fails.

    """
    import nbformat
    from nbclient.exceptions import CellExecutionError

    notebook: Any = nbformat.read(path, as_version=4)
    try:
        nbformat.validate(notebook)
        with tempfile.TemporaryDirectory() as folder:
            run_notebook(notebook, Path(folder))
    except nbformat.ValidationError as error:
        raise PageError(f"{path.name}: not a valid notebook: {error}") from error
    except CellExecutionError as error:
        raise PageError(f"{path.name}: {error}") from error
    return str(nbformat.writes(notebook))


def run_notebook(notebook: Any, folder: Path, *, allow_errors: bool = False) -> None:
    """Run the cells of a notebook in a kernel of its own, in a folder; their outputs are kept in it.

    Nothing of the person who runs it changes what a cell shows, and nothing of it stays outside the folder.
    """
    from nbclient import NotebookClient

    own = dict.fromkeys(("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR"), str(folder))
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT / "src")}
    client = NotebookClient(
        notebook, timeout=SECONDS, startup_timeout=SECONDS, kernel_name="python3", allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}}, extra_arguments=["--log-level=ERROR"],
    )  # fmt: skip
    client.execute(env=environment)
