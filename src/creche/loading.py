"""Loading: what a file holds, a model or several together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from creche.model import Model

if TYPE_CHECKING:
    from creche.ensemble import Ensemble

__all__ = ["load"]


def load(path: str | Path, threads: int | None = None) -> Model | Ensemble:
    """The model, or the ensemble, in a file that `save` or the command line wrote.

    Nothing in the file is run, and nothing is believed unchecked.

    Parameters
    ----------
    path : file name
    threads : int, optional
        How many threads predict; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.

    Returns
    -------
    Model or Ensemble

    Raises
    ------
    FileError
        If there is none: no file, another thing, a damaged one, or one that a newer Creche wrote.

    """
    from creche.files.model_file import load_any

    found = load_any(path)
    return replace(found, threads=threads) if isinstance(found, Model) else found.on_threads(threads)
