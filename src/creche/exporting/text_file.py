"""Writing the text that a model is exported as, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from creche._system.atomic_files import file_name, open_replacement
from creche._system.output_files import Output, check_ending, check_outputs
from creche.errors import PlanError
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor

__all__ = ["write_text"]


def write_text(model: Predictor, path: str | Path, output: Output, build: Callable[[Model | Ensemble], str]) -> None:
    """Write what a function makes of a model, unless the file is a table or has the name of one.

    Raises
    ------
    FileError
        If the file cannot be written.
    PlanError
        If its text is not valid Unicode.

    """
    assert isinstance(model, Model | Ensemble)  # there is no other kind
    name = file_name(path)
    tables = () if model.provenance is None else model.provenance.tables
    check_outputs({"path": name}, {"table": tables})
    check_ending(name, output.what, output.ending)
    try:
        content = build(model).encode()
    except UnicodeEncodeError as error:
        at_fault = error.object[error.start : error.end]
        raise PlanError(f"a name holds {at_fault!r}, which is not valid Unicode, and cannot be written") from error
    with open_replacement(name) as file:
        file.write(content)
