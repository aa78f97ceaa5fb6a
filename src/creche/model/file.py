"""Reading model files: the model or the ensemble in an archive of kind "model".

`Model` and `Ensemble` save themselves, as a header of plain data and named arrays (`to_parts`), and check what they are
built from (`from_parts`); only this module knows both.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

from creche._advice import advise
from creche._system.archive import BrokenArchiveError, read_archive
from creche._system.atomic_files import file_name
from creche._system.resources import resolve_threads
from creche.engine.device import CPU, resolve_predicting_device
from creche.errors import FileError
from creche.model.model import Model
from creche.plan.arguments import reject_unknown
from creche.plan.words import DeviceName

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble

__all__ = ["build_from_file", "build_model", "load", "load_model"]

M = TypeVar("M")


@reject_unknown
def load(path: str | Path, threads: int | None = None, device: DeviceName | None = None) -> Model | Ensemble:
    """Load the model, the ensemble or the fitted model that `save` or the command line wrote to a file.

    No code in the file is run, and everything in it is checked.

    Parameters
    ----------
    path : str or path
        The file.
    threads : int, optional
        Number of threads for predictions; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    device : str, optional
        What predicts, as for `creche.train`; by default ``CRECHE_DEVICE``, or else the processor, wherever the model
        was trained.

    Returns
    -------
    Model, Ensemble or FittedModel

    Raises
    ------
    FileError
        If there is no such file, or it is of another kind, damaged, or from a newer version of Creche.
    PlanError
        If this machine lacks the device.

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(folder + "/penguins.creche")
    ...     cr.load(folder + "/penguins.creche").classes
    ('Adelie', 'Chinstrap', 'Gentoo')

    """
    if threads is not None:
        resolve_threads(threads)
    found = resolve_predicting_device(device)
    loaded = build_from_file(path, _build)
    loaded = replace(loaded, threads=threads) if isinstance(loaded, Model) else loaded.with_threads(threads)
    return loaded if found == CPU else loaded.with_device(found)


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load a model of a single network; errors as for `load`, and if the file holds an ensemble."""
    loaded = build_from_file(path, _build)
    if not isinstance(loaded, Model):
        raise FileError(
            f"{file_name(path)}: holds an ensemble of {len(loaded)} networks; needs a model of one, such as "
            f"{advise('Model.save')} writes"
        )
    return loaded


def _build(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model | Ensemble:
    if "ensemble" not in header:
        return Model.from_parts(header, arrays)
    if "fit" in header:
        from creche.model.fitted import FittedModel

        return FittedModel.from_parts(header, arrays)
    from creche.model.ensemble import Ensemble

    return Ensemble.from_parts(header, arrays)


def build_from_file(path: str | os.PathLike[str], build: Callable[[dict[str, Any], dict[str, NDArray[Any]]], M]) -> M:
    """Return what `build` makes of a model file's header and arrays; its errors are reported as the file's."""
    name = file_name(path)
    return _build_checked(name, *read_archive(name, "model"), build)


def build_model(name: str, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Model | Ensemble:
    """Return the model of an archive's header and arrays; `name` is what errors call it."""
    return _build_checked(name, header, arrays, _build)


def _build_checked(
    name: str,
    header: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
    build: Callable[[dict[str, Any], dict[str, NDArray[Any]]], M],
) -> M:
    try:
        return build(header, arrays)
    except MemoryError as error:
        raise FileError(f"{name}: its model is too large for the available memory; close other programs") from error
    except Exception as error:
        # The digest is right but the content is not: another program wrote it, or Creche has a bug. Whatever fails on
        # content that contradicts itself, the user's matter is the file.
        raise BrokenArchiveError(
            f"{name}: holds a model that contradicts itself ({_shorten(error)}); use a backup copy, or train it again"
        ) from error


def _shorten(error: Exception) -> str:
    text = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return text if len(text) <= 500 else f"{text[:500]}…"
