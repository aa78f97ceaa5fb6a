"""Writing files atomically: whatever happens meanwhile, a file has either its old content or the new."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from creche.errors import FileError

__all__ = ["check_folder", "check_writable", "clear_temporaries", "file_name", "open_replacement"]

SUFFIX = ".creche-temporary"

MAX_STEM = 50  # characters, of up to 4 bytes, of the name in that of the temporary file, which may have 255 bytes

ADVICE = {
    errno.ENOSPC: "the disk is full; free some space, or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space, or write elsewhere",
    errno.EFBIG: "it would exceed the largest permitted file size; write elsewhere",
    errno.EACCES: "you have no permission; choose a folder that you may write to",
    errno.EPERM: "you have no permission; choose a folder that you may write to",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "its symbolic links form a loop; name the file itself",
    errno.ENOTDIR: "a part of its path is not a folder; check the spelling",
}


def file_name(path: str | os.PathLike[str]) -> str:
    """Return the path as text.

    Raises
    ------
    FileError
        If it cannot be the name of a file.

    """
    if not isinstance(path, str | os.PathLike):
        raise FileError(f"path: got {path!r}; needs the name of a file")
    name = os.fsdecode(path)
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:
        encoded = b""
    if not encoded or b"\0" in encoded:
        raise FileError(f"path: got {name!r}; needs the name of a file")
    return name


@contextmanager
def open_replacement(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` in one step at the end, once it is safely on disk.

    If an error is raised before, `path` is left as it was. The new file has the permissions of the old one. A symbolic
    link stays, and the file it points to is replaced. Terminals, pipes and other streams are written directly.

    Parameters
    ----------
    path : str or path

    Yields
    ------
    binary file

    Raises
    ------
    FileError
        If it cannot be written, with the reason and a remedy.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_replacement(f"{folder}/penguins.txt") as file:
    ...         _ = file.write(b"Adelie")
    ...     Path(folder, "penguins.txt").read_bytes()
    b'Adelie'

    """
    name = file_name(path)
    target = os.path.realpath(name)
    folder, base = os.path.split(target)
    temporary = ""
    try:
        replaced = _get_status(name)
        _check_target(name, replaced)
        if replaced is not None and _is_stream(name, replaced):
            with open(name, "wb") as stream:
                yield stream
            return
        temporary = os.path.join(folder, f".{base[:MAX_STEM]}.{secrets.token_hex(8)}{SUFFIX}")
        with _create(temporary, replaced) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
        _sync_folder(folder)
    except (FileError, BrokenPipeError):
        raise
    except OSError as error:
        if error.filename not in (None, name, target, temporary, folder):
            raise  # it is about another file, which the caller uses meanwhile
        raise FileError(_explain(name, error)) from error
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check that a file can probably be written, before any work is done for it; `open_replacement` checks the rest.

    Raises
    ------
    FileError
        If the name, the folder or the permissions do not allow it.

    """
    name = file_name(path)
    try:
        _check_target(name, _get_status(name))
    except FileError:
        raise
    except OSError as error:
        raise FileError(_explain(name, error)) from error


def check_folder(path: str | os.PathLike[str]) -> None:
    """Check that files can probably be written to a folder, which need not exist yet.

    Raises
    ------
    FileError
        If it cannot be made, or the permissions do not allow to write there.

    """
    existing = os.path.abspath(file_name(path))
    while not os.path.lexists(existing) and existing != os.path.dirname(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise FileError(f"{existing}: is a file, not a folder; choose another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise FileError(f"{existing}: is write-protected; permit writing (chmod u+w), or choose another folder")


def clear_temporaries(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files of killed processes; files that are being written are locked, and stay."""
    for path in Path(folder).glob(f".*{SUFFIX}"):
        with suppress(OSError), open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _get_status(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None


def _check_target(name: str, status: os.stat_result | None) -> None:
    if name.endswith(os.sep) or (status is not None and stat.S_ISDIR(status.st_mode)):
        raise FileError(f"{name}: is a folder; name a file in it")
    if status is None:
        folder = os.path.dirname(os.path.realpath(name))
        if not os.path.isdir(folder):
            raise FileError(f"{name}: cannot be written: there is no folder {folder}; make it, or check the spelling")
        _check_permission(name, folder)
    elif stat.S_ISBLK(status.st_mode) or stat.S_ISSOCK(status.st_mode):
        raise FileError(f"{name}: is a disk or a socket; name a file")
    elif not os.access(name, os.W_OK):
        raise FileError(f"{name}: is write-protected; permit writing (chmod u+w), or choose another name")
    elif not _is_stream(name, status):
        _check_permission(name, os.path.dirname(os.path.realpath(name)))


def _check_permission(name: str, folder: str) -> None:
    """Check that a new file can be made in a folder: also an existing file is replaced by a new one."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(f"{name}: the folder is write-protected; permit writing (chmod u+w), or choose another one")


def _is_stream(name: str, status: os.stat_result) -> bool:
    """Whether it has to be written directly; so does /dev/stdout, even if it is redirected to a file."""
    return not stat.S_ISREG(status.st_mode) or os.path.abspath(name).startswith(("/dev/std", "/dev/fd/", "/proc/"))


def _create(temporary: str, replaced: os.stat_result | None) -> BinaryIO:
    """Create the temporary file, locked while it is open, and never more readable than the file it will replace."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        file = os.fdopen(os.open(temporary, flags, 0o666 if replaced is None else 0o600), "wb")
        try:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if replaced is not None:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), replaced.st_uid, replaced.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(replaced.st_mode))
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # another process removed it before it was locked


def _sync_folder(folder: str) -> None:
    """Write the new name to disk, if the file system can sync folders."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(name: str, error: OSError) -> str:
    why = ADVICE.get(error.errno or 0, f"{error.strerror or error}; write elsewhere")
    old = "; the existing file is unchanged" if os.path.isfile(name) else ""
    return f"{name}: cannot be written: {why}{old}"
