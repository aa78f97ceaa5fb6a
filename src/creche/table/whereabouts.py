"""Where a table lies: a file that is there, standard input, or one that comes with Creche."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from creche.errors import FileError
from creche.table.datasets import BUNDLED, bundled_path

__all__ = ["located"]

NAMES_LOOKED_AT = 10_000


def located(data: str | Path | IO[Any]) -> tuple[Path | IO[Any] | None, str]:
    """The file (the open one itself) and what to call it in messages; no file for standard input.

    Raises
    ------
    FileError
        If it is not there, with the nearest name there is, or is a folder.

    """
    if not isinstance(data, str | Path):
        name = getattr(data, "name", None)
        return data, name if isinstance(name, str) else "the open file"
    if str(data) == "-":
        return None, "standard input"
    try:
        path = Path(data).expanduser()
        there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, or with a NUL
        raise FileError(f"{str(data)[:200]}: is no name of a file ({error}); give a CSV file, say") from error
    if is_folder:
        raise FileError(f"{path}: is a folder; give a file in it{_inside(path)}")
    if there:
        return path, str(data)
    bundled = bundled_path(str(data))
    if bundled is not None:
        return bundled, str(data)
    raise FileError(f"{path}: there is no such file{_meant(path)}")


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for _, entry in zip(range(NAMES_LOOKED_AT), folder.iterdir(), strict=False)]
    except OSError:
        return []


def _meant(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent} either"
    close = get_close_matches(path.name, sorted([*_names(path.parent), *BUNDLED]), 1)
    if close:
        return f"; did you mean {close[0] if close[0] in BUNDLED else path.parent / close[0]}?"
    return f"; give the name of one, or of a bundled table ({', '.join(BUNDLED)})"


def _inside(folder: Path) -> str:
    tables = sorted(name for name in _names(folder) if name.endswith((".csv", ".parquet", ".arrow", ".jsonl")))
    return f", such as {folder / tables[0]}" if tables else ""
