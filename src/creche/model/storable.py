"""What models of every kind share as files: saving, and building from the parts of a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

if TYPE_CHECKING:
    from creche.model.provenance import Provenance

__all__ = ["Storable"]


class Storable(ABC):
    """A model that is saved to one file: a header, plain data, and arrays by name."""

    @property
    @abstractmethod
    def provenance(self) -> Provenance | None:
        """Where the model comes from: preparation, digests of the data, history, evaluation; None if unknown."""

    @abstractmethod
    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the header, plain data, and the named arrays of a model file."""

    @classmethod
    def from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Build the model from what `to_parts` returned.

        Parameters
        ----------
        header : dict
            Plain data.
        arrays : dict of str to array
            The arrays by name.

        Raises
        ------
        CrecheError
            If header and arrays do not fit together.

        """
        return cls._from_parts(header, arrays)

    @classmethod
    @abstractmethod
    def _from_parts(cls, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Build the model."""

    def save(self, path: str | Path) -> None:
        """Save the model to a file with all that is needed to predict, to explain and to train it again.

        Parameters
        ----------
        path : str or path
            Usually ending with ``.creche``. A file of that name is replaced, once the new one is whole on disk, and
            keeps its permissions.

        Raises
        ------
        FileError
            If it cannot be written, or is named like a table; a file that was there is unchanged.
        PlanError
            If it is a table that the model was trained with, as far as that is known.

        Examples
        --------
        >>> import tempfile, creche as cr
        >>> model = cr.train("penguins", label="species", epochs=2, threads=1).model
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder + "/penguins.creche")
        ...     again = cr.load(folder + "/penguins.creche")
        >>> bool((again.predict_proba("penguins") == model.predict_proba("penguins")).all())
        True

        """
        from creche._system.archive import write_archive
        from creche.model.provenance import check_model_file

        check_model_file(path, self.provenance)
        write_archive(path, "model", *self.to_parts())
