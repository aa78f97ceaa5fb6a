"""The files of a call: checked for every command before it begins, as its options and arguments declare them."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args

import typer

from creche._system.output_files import STANDARD_STREAM, Folder, Input, Output, check_ending, check_outputs
from creche.cli.databases import name_database
from creche.cli.options import Option, import_object
from creche.databases.address import is_address
from creche.errors import CrecheError, FileError, PlanError

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = [
    "MODEL_FILE",
    "PLAN_FILE",
    "CheckpointArgument",
    "File",
    "ModelArgument",
    "OptionalTableArgument",
    "TableArgument",
    "check_files",
    "declared_files",
    "save_model",
]

# The arguments of commands; what they mean is told by the text of a command, since Typer does not show their help.
TableArgument = Annotated[str, typer.Argument(show_default=False), Input("table")]
OptionalTableArgument = Annotated[str | None, typer.Argument(show_default=False), Input("table")]
ModelArgument = Annotated[Path, typer.Argument(show_default=False), Input("model")]
CheckpointArgument = Annotated[
    Path,
    typer.Argument(show_default=False),
    Input("checkpoint", listed_by="creche.training.checkpoint:list_inputs"),
]

MODEL_FILE, PLAN_FILE = Output("model file", ".creche"), Output("plan file", ".toml")


class File(NamedTuple):
    """A parameter of a command that names a file.

    Attributes
    ----------
    name : str
        The parameter.
    flag : str
        How the option is typed; for an argument that is written, its name in the help; empty for other arguments.
    declared : Input or Output

    """

    name: str
    flag: str
    declared: Input | Output


def declared_files(command: Callable[..., None]) -> list[File]:
    """Return the parameters of a command that name files.

    Raises
    ------
    TypeError
        If the command takes a path without declaring whether it reads or writes the file.

    """
    found = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind, *marks = get_args(parameter.annotation) or (parameter.annotation,)
        option = next((mark for mark in marks if isinstance(mark, Option)), None)
        of_argument = next((mark for mark in marks if isinstance(mark, Input | Output)), None)
        declared = of_argument if option is None else option.file
        if declared is not None:
            of_output = parameter.name.upper() if isinstance(declared, Output) else ""  # as the help names it
            found.append(File(parameter.name, of_output if option is None else option.flag, declared))
        elif Path in (kind, *get_args(kind)):
            raise TypeError(
                f"{command.__name__}: {parameter.name} is a path; declare what it is as an Input or an Output of "
                "creche._system.output_files"
            )
    return found


def check_files(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command check its files before it does anything.

    It refuses to overwrite a file that it reads, or to write two results to one file; files that cannot be written; and
    names that are those of tables for what is not a table.
    """
    files = declared_files(command)

    @wraps(command)
    def checked(**given: Any) -> None:
        name_database(given)
        _check(files, given)
        command(**given)

    return checked


def _check(files: list[File], given: dict[str, Any]) -> None:
    outputs: list[tuple[str, Output, Any]] = []
    inputs: dict[str, tuple[Input, Any]] = {}
    for name, flag, declared in files:
        value = given.get(name)
        if isinstance(declared, Output):
            value = (declared.default or None) if value is None else value
            if value is not None and not (declared.to_stream and is_address(value)):  # or a table of a database
                _refuse_standard_output(flag, declared, value)
                path = Path(value)
                outputs.append((flag, declared, Folder(path, declared.patterns) if declared.patterns else path))
        elif value is not None:
            inputs[f"{declared.what} of {flag}" if flag else declared.what] = declared, value
    if not outputs:
        return
    read = _list_inputs(inputs)
    check_outputs({flag: target for flag, _, target in outputs}, read)
    resolved = [(flag, declared, _resolve(flag, declared, target)) for flag, declared, target in outputs]
    check_outputs({flag: target for flag, _, target in resolved}, read)
    for flag, declared, target in resolved:
        with _naming(flag):
            _check_target(declared, target)


def _refuse_standard_output(flag: str, declared: Output, value: Any) -> None:
    if str(value) == STANDARD_STREAM and not declared.to_stream:
        kind = "folder" if declared.patterns else "file"
        raise PlanError(f"{flag}: got '-', but the page goes to standard output; name a {kind}")


def _list_inputs(named: dict[str, tuple[Input, Any]]) -> dict[str, Any]:
    """Return all that is read, also what an input names."""
    from creche.table.datasets import resolve_bundled

    found: dict[str, Any] = {}
    for what, (declared, value) in named.items():
        found |= import_object(declared.listed_by)(value) if declared.listed_by else {what: resolve_bundled(value)}
    return found


def _resolve(flag: str, declared: Output, target: Any) -> Any:
    """Return the path that is really written."""
    if not declared.resolved_by:
        return target
    with _naming(flag):
        return import_object(declared.resolved_by)(target)


def _check_target(declared: Output, path: Any) -> None:
    """Check that a file or folder of this name can be written."""
    from creche._system.atomic_files import check_folder, check_writable

    if isinstance(path, Folder):
        check_folder(path.path)
        return
    if declared.ending:
        check_ending(path, declared.what, declared.ending)
    if str(path) != STANDARD_STREAM:
        check_writable(path)


@contextmanager
def _naming(flag: str) -> Iterator[None]:
    """Put the option before the message of an error."""
    try:
        yield
    except CrecheError as error:
        raise type(error)(f"{flag}: {error}") from error


def save_model(model: Model | Ensemble, path: Path) -> None:
    """Write the model to its file; if that fails, to a temporary folder, for training may have taken long."""
    try:
        model.save(path)
    except FileError as error:
        spare = Path(tempfile.mkdtemp(prefix="creche-")) / path.name
        try:
            model.save(spare)
        except FileError:
            shutil.rmtree(spare.parent, ignore_errors=True)
            raise error from None
        raise FileError(f"{error}. For now, the model is in {spare}") from error
