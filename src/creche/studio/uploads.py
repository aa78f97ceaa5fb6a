"""The files that a page uploads: bounded, under names that lead nowhere, in the folder of the session."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from creche.errors import CrecheError, FileError

__all__ = ["MAX_UPLOAD", "TooLargeError", "Uploads"]

MAX_UPLOAD = 64 * 1024 * 1024
MAX_NAME = 100
MAX_FILES = 4


class TooLargeError(CrecheError, ValueError):
    """An upload that exceeds the limit."""


@dataclass(slots=True)
class _Upload:
    path: Path
    size: int = 0


class Uploads:
    """Receives files in parts. All methods may be called from any thread.

    A file keeps the last part of its name, for its ending tells its format, and lies in a folder of its own within a
    temporary one. The latest few are kept.

    Parameters
    ----------
    limit : int
        The greatest number of bytes of a file.
    parent : Path, optional
        Where the temporary folder is made; by default where the system wants it.

    Attributes
    ----------
    limit : int

    """

    def __init__(self, limit: int = MAX_UPLOAD, parent: Path | None = None) -> None:
        self.limit = limit
        self._parent = parent
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}

    def begin(self, upload: str, name: str) -> None:
        """Begin a file, or begin it again.

        Raises
        ------
        FileError
            If it cannot be written.

        """
        with self._lock:
            self._discard(upload)
            while len(self._uploads) >= MAX_FILES:
                self._discard(next(iter(self._uploads)))
            try:
                if self._folder is None:
                    self._folder = Path(tempfile.mkdtemp(prefix="creche-studio-", dir=self._parent))
                path = Path(tempfile.mkdtemp(dir=self._folder)) / _clean(name)
                path.touch(mode=0o600)
            except OSError as error:
                raise _not_written(name, error) from error
            self._uploads[upload] = _Upload(path)

    def add(self, upload: str, offset: int, content: bytes) -> None:
        """Add a part to the end of a file.

        Raises
        ------
        TooLargeError
            If the file would exceed the limit; it is removed.
        FileError
            If a part is missing before this one, or it cannot be written.

        """
        with self._lock:
            found = self._find(upload)
            if offset != found.size:
                raise FileError(
                    f"{found.path.name}: a part of the upload begins at byte {offset:,}, but {found.size:,} bytes have "
                    "come so far; upload the file again"
                )
            if offset + len(content) > self.limit:
                self._discard(upload)
                raise TooLargeError(
                    f"{found.path.name}: is larger than {self.limit / 2**20:,.0f} MiB, which is the most for an "
                    "upload; name it on the command line (creche studio FILE), or raise --max-upload"
                )
            try:
                with found.path.open("ab") as file:
                    file.write(content)
            except OSError as error:
                self._discard(upload)
                raise _not_written(found.path.name, error) from error
            found.size += len(content)

    def path(self, upload: str) -> Path:
        """Return where a file lies.

        Raises
        ------
        FileError
            If there is none of that name, or it is no longer kept.

        """
        with self._lock:
            return self._find(upload).path

    def close(self) -> None:
        """Remove all files."""
        with self._lock:
            self._uploads.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _find(self, upload: str) -> _Upload:
        if upload not in self._uploads:
            raise FileError("the upload is unknown, or was replaced by later ones; upload the file again")
        return self._uploads[upload]

    def _discard(self, upload: str) -> None:
        found = self._uploads.pop(upload, None)
        if found is not None:
            shutil.rmtree(found.path.parent, ignore_errors=True)


def _clean(name: str) -> str:
    """Return the last part of a path, from any system, without characters that mean something to a file system."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in last if c.isprintable()).strip(" .")
    while len(kept[-MAX_NAME:].encode()) > MAX_NAME * 2:
        kept = kept[-MAX_NAME:][1:]
    return kept[-MAX_NAME:].lstrip(" .") or "table"


def _not_written(name: str, error: OSError) -> FileError:
    return FileError(f"{name}: the upload cannot be written: {error.strerror or error}; free some space and try again")
