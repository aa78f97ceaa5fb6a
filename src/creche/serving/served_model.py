"""Models ready to answer, by name: each is replaced as a whole when its file was, and kept when the new one is bad."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creche._system.atomic_files import file_name
from creche.errors import FileError, PlanError
from creche.model.ensemble import Ensemble
from creche.model.file import load
from creche.model.model import Model
from creche.plan.words import DeviceName
from creche.serving.cells import CellChecker
from creche.serving.columns import InputColumn, describe_columns
from creche.serving.predictions import as_json_value
from creche.serving.unusual_values import UnusualValues

__all__ = ["FileState", "Models", "ServedModel"]

DIGEST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file was replaced or written again."""

    inode: int
    modified: int
    size: int

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """Return the state of a file; None if it cannot be found."""
        try:
            found = os.stat(path)
        except OSError:
            return None
        return cls(found.st_ino, found.st_mtime_ns, found.st_size)


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A model with all that answers need, computed once.

    Attributes
    ----------
    name : str
    path : Path
    model : Model or Ensemble
    columns : tuple of InputColumn
    checker : CellChecker
    unusual : UnusualValues
    digest : str
        The beginning of the SHA-256 of the file.
    loaded : datetime

    """

    name: str
    path: Path
    model: Model | Ensemble
    columns: tuple[InputColumn, ...]
    checker: CellChecker
    unusual: UnusualValues
    digest: str
    loaded: datetime

    @classmethod
    def load(cls, name: str, path: Path, *, threads: int | None, device: DeviceName | None) -> ServedModel:
        """Load a model from its file.

        Raises
        ------
        FileError
            If it cannot be read, or is none.

        """
        model = load(path, threads=threads, device=device)
        columns = describe_columns(model)
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:DIGEST_DIGITS]
        except OSError as error:
            raise FileError(f"{file_name(path)}: cannot be read ({error.strerror})") from error
        checker = CellChecker(model, columns)
        unusual = UnusualValues(model, checker)
        return cls(name, path, model, columns, checker, unusual, digest, datetime.now(UTC))

    def to_dict(self) -> dict[str, Any]:
        """Return what clients may know of the model, as plain data."""
        labels = self.model.labels
        data: dict[str, Any] = {
            "name": self.name, "task": labels.task, "labels": list(labels.names),
            "predicts": list(labels.predicted_names),
            "networks": len(self.model) if isinstance(self.model, Ensemble) else 1,
            "digest": self.digest, "loaded": self.loaded.isoformat(timespec="seconds"),
            "columns": [column.to_dict() for column in self.columns],
        }  # fmt: skip
        if labels.task != "regression":
            data["outcomes"] = [as_json_value(value) for value in labels.outcomes]
        return data

    @property
    def is_ensemble(self) -> bool:
        """Whether several networks predict together."""
        return isinstance(self.model, Ensemble)


class Models:
    """The models that are served.

    Parameters
    ----------
    paths : sequence of Path, or dict of str to Path
        The files; each model has its key as name, or that of its file, without the ending.
    threads : int, optional
    device : str, optional
        As `creche.load` takes them.

    Raises
    ------
    FileError
        If a file cannot be read, or is not a model.
    PlanError
        If there is none, or two have the same name.

    """

    def __init__(
        self,
        paths: Sequence[Path] | Mapping[str, Path],
        *,
        threads: int | None = None,
        device: DeviceName | None = None,
    ) -> None:
        if not paths:
            raise PlanError("models: got none; name the file of a model, such as penguins.creche", argument="models")
        self._threads, self._device = threads, device
        self._lock = threading.Lock()
        self._models: dict[str, ServedModel] = {}
        self._states: dict[str, FileState | None] = {}
        pairs = paths.items() if isinstance(paths, Mapping) else [(path.stem, path) for path in paths]
        for name, path in pairs:
            if name in self._models:
                both = f"{self._models[name].path} and {path}"
                raise PlanError(f"models: {both} have the same name, {name!r}; rename one file", argument="models")
            self._states[name] = FileState.of(path)
            self._models[name] = self._load(name, path)

    def _load(self, name: str, path: Path) -> ServedModel:
        return ServedModel.load(name, path, threads=self._threads, device=self._device)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def by_name(self) -> Mapping[str, ServedModel]:
        """The models, in the order in which they were named."""
        return self._models

    def find_changed(self) -> dict[str, FileState]:
        """Return the models whose files are others than when they were last loaded, or tried, and these files."""
        states = {name: FileState.of(served.path) for name, served in self._models.items()}
        return {name: state for name, state in states.items() if state is not None and state != self._states[name]}

    def reload(self, name: str, on_failure: Callable[[str, FileError], object]) -> ServedModel | None:
        """Load a model again; requests in the meantime are answered by the old one, as are all if this fails.

        Parameters
        ----------
        name : str
        on_failure : callable
            Told the name and the error.

        Returns
        -------
        ServedModel or None
            The new model; None if the old one stays, because loading failed or nothing changed.

        """
        with self._lock:
            old = self._models[name]
            self._states[name] = FileState.of(old.path)
            try:
                new = self._load(name, old.path)
            except FileError as error:
                on_failure(name, error)
                return None
            if new.digest == old.digest:
                return None
            self._models[name] = new
            return new
