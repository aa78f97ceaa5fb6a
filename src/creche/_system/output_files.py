"""What a call reads and what it writes: no output may be an input, or the file of another output.

A file is recognized under every spelling of its path, through symbolic and hard links, and behind standard input and
output. Only regular files can be overwritten, so pipes, terminals and ``/dev/null`` may be named any number of times.
"""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Hashable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from creche.errors import FileError, PlanError

__all__ = [
    "EVENT_FILES",
    "STANDARD_STREAM",
    "TABLE_ENDINGS",
    "Folder",
    "Input",
    "Output",
    "check_ending",
    "check_outputs",
]

# How tables are named, also those that Creche does not read; .txt and .json are names of other files as well.
TABLE_ENDINGS = (
    ".csv", ".tsv", ".tab", ".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc", ".jsonl", ".ndjson", ".xls",
    ".xlsx", ".xlsm", ".xlsb", ".ods",
)  # fmt: skip
COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz", ".zip")
STANDARD_STREAM = "-"
EVENT_FILES = ("*tfevents*",)  # of TensorBoard, which knows them by this


class Input(NamedTuple):
    """Declares that an option or argument of the command line names a file that the command reads.

    Attributes
    ----------
    what : str
        What the file is: "table".
    listed_by : str
        For a file that names others, or a folder: where the function lies that lists all that is read, as
        ``module:function``. It takes the path, and returns what `check_outputs` takes.

    """

    what: str
    listed_by: str = ""


class Output(NamedTuple):
    """Declares that an option of the command line names a file, or a folder of files, that the command writes.

    Attributes
    ----------
    what : str
        What the file is: "model file".
    ending : str
        How its name usually ends; empty for tables and pictures, whose names determine their format.
    default : str
        The file that is written where the option is not typed; empty for none.
    patterns : tuple of str
        For a folder: the names of the files that are written to it, as `fnmatch` understands them.
    to_stream : bool
        Whether ``-`` means standard output.
    resolved_by : str
        Where the function lies that returns the path that is really written, or raises an error, as
        ``module:function``.

    """

    what: str
    ending: str = ""
    default: str = ""
    patterns: tuple[str, ...] = ()
    to_stream: bool = False
    resolved_by: str = ""


class Folder(NamedTuple):
    """A folder in which files of certain names are read or written.

    Attributes
    ----------
    path : str or path
    patterns : tuple of str
        The names of the files, as `fnmatch` understands them.

    """

    path: str | os.PathLike[str]
    patterns: tuple[str, ...]

    def __str__(self) -> str:
        return os.fspath(self.path)


def check_outputs(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """Check that no output is an input or another output, before any work is done.

    Parameters
    ----------
    outputs : mapping
        From the name of an argument or option to its value: a path, a `Folder`, ``"-"`` for standard output, or None.
    inputs : mapping
        From what is read, such as "table", to its value: a path, a `Folder`, an open file, ``"-"`` for standard input,
        or a tuple of these. Data that are not files, such as DataFrames, are passed over.

    Raises
    ------
    PlanError
        If a file would be overwritten that is read, or written for another argument.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "penguins.csv")
    ...     _ = table.write_text("species,island")
    ...     check_outputs({"path": table.with_suffix(".html")}, {"table": table})
    ...     try:
    ...         check_outputs({"path": f"{folder}/./penguins.csv"}, {"table": table})
    ...     except PlanError as error:
    ...         print(str(error).replace(folder, "…"))
    path: …/./penguins.csv, another name of …/penguins.csv, is the table itself; give another name

    """
    written = {argument: output for argument, output in outputs.items() if output is not None}
    if not written:
        return
    read = [(what, source) for what, value in inputs.items() for source in _list_sources(value)]
    earlier: dict[str, Any] = {}
    for argument, output in written.items():
        for what, source in read:
            if _overlap(output, source, sys.stdout, sys.stdin):
                raise PlanError(f"{argument}: {_describe_overlap(output, source, what)}", argument=argument)
        for other, before in earlier.items():
            if _overlap(output, before, sys.stdout, sys.stdout):
                message = f"{argument}: {output} is written by {other}, too; give another name"
                raise PlanError(message, argument=argument)
        earlier[argument] = output


def check_ending(path: str | os.PathLike[str], what: str, ending: str) -> None:
    """Check that a file that is not a table is not named like one, which is likely to be a slip.

    Raises
    ------
    FileError

    Examples
    --------
    >>> check_ending("penguins.csv", "model file", ".creche")
    Traceback (most recent call last):
    creche.errors.FileError: penguins.csv: is the name of a table (.csv); a model file ends in .creche

    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if len(suffixes) > 1 and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    if suffixes and suffixes[-1] in TABLE_ENDINGS:
        raise FileError(f"{os.fspath(path)}: is the name of a table ({suffixes[-1]}); a {what} ends in {ending}")


def _list_sources(value: Any) -> Iterator[Any]:
    """Yield the files in what was given as an input, in every way in which their paths can be understood."""
    if isinstance(value, tuple | list) and not isinstance(value, Folder):
        for part in value:
            yield from _list_sources(part)
    elif isinstance(value, str | os.PathLike):
        names = dict.fromkeys((os.fspath(value), os.path.expanduser(value)))
        # Of a file that is not there nothing can be lost; reading it gives a better error.
        for name in names:
            if os.path.isdir(name):  # of the files of one table
                yield Folder(name, ("*",))
            elif name == STANDARD_STREAM or os.path.exists(name):
                yield name
            elif isinstance(name, str) and glob.has_magic(name):
                yield from glob.glob(name, recursive=True)
    elif isinstance(value, Folder) or callable(getattr(value, "fileno", None)):
        yield value


def _describe_overlap(output: Any, source: Any, what: str) -> str:
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else getattr(source, "name", "")
    if isinstance(output, Folder) and os.path.isdir(output.path):
        return f"{output} holds the {what}, {name}, under a name that is written there; give another folder"
    spelled = isinstance(name, str) and name not in ("", STANDARD_STREAM, str(output))
    return f"{output}{f', another name of {name},' if spelled else ''} is the {what} itself; give another name"


def _overlap(output: Any, other: Any, stream: Any, other_stream: Any) -> bool:
    """Whether writing the output would overwrite the other, a file or folder that is read or written as well."""
    if isinstance(output, Folder) and isinstance(other, Folder):
        if _real_path(output.path) == _real_path(other.path):
            return True
        # A folder may have the name of a file of the other, and a file in it may be a link to one.
        written = (output.path, *_list_files(output))
        return any(_is_in_folder(path, other, stream) for path in written) or _is_in_folder(
            other.path, output, other_stream
        )
    if isinstance(output, Folder):
        return _is_in_folder(other, output, other_stream)
    if isinstance(other, Folder):
        return _is_in_folder(output, other, stream)
    key = _identify(output, stream)
    return key is not None and key == _identify(other, other_stream)


def _is_in_folder(file: Any, folder: Folder, stream: Any) -> bool:
    """Whether a file is, or would become, one of those of a folder; or is named in place of the folder."""
    key = _identify(file, stream)
    if key is None:
        return False
    if isinstance(file, str | os.PathLike):
        home, name = os.path.split(_real_path(file))
        if home == _real_path(folder.path) and _matches(name, folder):
            return True
    return any(key == _identify(path, None) for path in (folder.path, *_list_files(folder)))


def _list_files(folder: Folder) -> list[str]:
    """Return the files that are there already; each may be a link to another place."""
    try:
        return [entry.path for entry in os.scandir(folder.path) if _matches(entry.name, folder)]
    except OSError:
        return []


def _matches(name: str, folder: Folder) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in folder.patterns)


def _real_path(path: str | os.PathLike[str]) -> str:
    return os.path.realpath(os.fspath(path))


def _identify(file: Any, stream: Any) -> Hashable:
    """Return what distinguishes a file from all others; None for what cannot be overwritten.

    Parameters
    ----------
    file : str, path or open file
    stream : file
        What ``-`` stands for.

    """
    try:
        if isinstance(file, str | os.PathLike) and os.fspath(file) != STANDARD_STREAM:
            try:
                status = os.stat(file)
            except FileNotFoundError:
                return _real_path(file)
        else:
            status = os.fstat((stream if isinstance(file, str | os.PathLike) else file).fileno())
    except (OSError, ValueError, AttributeError, TypeError):  # closed, or in memory, or no valid name
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
