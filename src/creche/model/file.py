"""Model files: a model as an archive of kind "model", and back.

A model says itself what it is made of (`to_parts`: a header of plain data, and arrays) and checks what it is made from
(`from_parts`); here is what has to do with files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from numpy.typing import NDArray

from creche._system.archive import BrokenArchiveError, Content, read_archive, write_archive
from creche._system.atomic_files import file_name
from creche.errors import FileError
from creche.model.model import Model

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble

__all__ = ["load", "load_any", "load_model", "load_with", "save_model"]

M = TypeVar("M")


Build = Callable[[dict[str, Any], dict[str, NDArray[Any]]], M]


class HasParts(Protocol):
    """Anything that can say what it is made of."""

    def to_parts(self) -> Content: ...


def save_model(model: HasParts, path: str | os.PathLike[str]) -> None:
    """Writes a model file, whole or not at all.

    Parameters
    ----------
    model : Model
    path : str or path
        Usually ending with ``.creche``; a file of that name is replaced, and keeps its permissions.

    Raises
    ------
    FileError
        If it cannot be written; a file that was there is unchanged.

    """
    header, arrays = model.to_parts()
    write_archive(path, "model", header, arrays)


def load_model(path: str | os.PathLike[str]) -> Model:
    """The model in a file. Nothing in the file is run, and nothing is believed unchecked.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Model

    Raises
    ------
    FileError
        If there is none: no file, another thing, a damaged one, or one that a newer Creche wrote.

    """
    found = load_any(path)
    if not isinstance(found, Model):
        raise FileError(
            f"{file_name(path)}: holds an ensemble of {len(found)} networks; needs a model of one, such as "
            "`creche train -o` writes"
        )
    return found


def load_any(path: str | os.PathLike[str]) -> Model | Ensemble:
    """The model or the ensemble in a file; errors as for `load_model`."""

    def build(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model | Ensemble:
        if "ensemble" not in header:
            return Model.from_parts(header, arrays)
        from creche.model.ensemble import Ensemble

        return Ensemble.from_parts(header, arrays)

    return load_with(path, build)


def load_with(path: str | os.PathLike[str], build: Build[M]) -> M:
    """What `build` makes of a model file's header and arrays; what it refuses is the file's fault."""
    name = file_name(path)
    header, arrays = read_archive(name, "model")
    try:
        return build(header, arrays)
    except MemoryError as error:
        raise FileError(f"{name}: its model is too large for the memory there is; close other programs") from error
    except Exception as error:
        # The digest fits and the content does not: written by another program, or by a mistake of ours. Whatever
        # a content that contradicts itself makes fail, the user's matter is the file.
        raise BrokenArchiveError(
            f"{name}: holds a model that contradicts itself ({_brief(error)}); take a copy of it, or train it anew"
        ) from error


def _brief(error: Exception) -> str:
    text = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return text if len(text) <= 500 else f"{text[:500]}…"


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
    # MOVED

    found = load_any(path)
    return replace(found, threads=threads) if isinstance(found, Model) else found.on_threads(threads)
