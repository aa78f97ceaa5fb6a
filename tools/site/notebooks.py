"""The notebooks of examples/, executed in kernels of their own, as the site hands them out."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tools.site.code_blocks import PageError
from tools.site.structure import ROOT

__all__ = ["NOTEBOOKS", "execute_notebook"]

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
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook: Any = nbformat.read(path, as_version=4)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise PageError(f"{path.name}: not a valid notebook: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of the person who builds the site changes what a cell shows, and nothing of it stays behind.
        own = dict.fromkeys(("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR"), folder)
        environment = {**os.environ, **own, "PYTHONPATH": str(ROOT / "src")}
        client = NotebookClient(
            notebook, timeout=SECONDS, startup_timeout=SECONDS, kernel_name="python3",
            resources={"metadata": {"path": folder}}, extra_arguments=["--log-level=ERROR"],
        )  # fmt: skip
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise PageError(f"{path.name}: {error}") from error
    return str(nbformat.writes(notebook))
