"""Archives: a JSON header and named arrays in one safetensors file, sealed by a digest, with a version of the format.

Models, checkpoints and sweeps are such files. Reading one runs no code and believes no length.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._system import strict_json
from creche._system.array_layout import DTYPES, Extent, parse_extents
from creche._system.atomic_files import file_name, open_replacement
from creche._system.file_signatures import describe_signature
from creche._system.packed_header import PREFIX, pack_header, packed_values_limit, unpack_header
from creche._system.resources import ALWAYS_AVAILABLE, available_memory
from creche._system.strict_json import MalformedJsonError, TooLargeError
from creche._version import __version__
from creche.errors import FileError

__all__ = [
    "MIGRATIONS",
    "VERSION",
    "BrokenArchiveError",
    "Content",
    "compute_digest",
    "dump_archive",
    "parse_archive",
    "read_archive",
    "seal",
    "write_archive",
]

Content = tuple[dict[str, Any], dict[str, NDArray[Any]]]

VERSION = 1

# From the content of a version to that of the next; empty while there is only one version.
MIGRATIONS: dict[int, Callable[[Content], Content]] = {}

# The kinds of archives, and the function that writes each of them.
KINDS = {"model": "Model.save", "checkpoint": "creche.train", "sweep": "creche.sweep", "fit": "creche.fit"}

# Lists and objects with at least this number of items are kept as arrays; in a header that is still too large, shorter
# ones as well.
PACKED_ITEMS = 1000

PACKED_ITEMS_OF_LARGE = 16

MARK = b'{\\"digest\\":\\"'  # as it is escaped in the header of safetensors, where our JSON is a string in JSON

DIGEST = re.compile("[0-9a-f]{64}")

NO_DIGEST = b"0" * 64

RELEASE = re.compile(r"[0-9][0-9A-Za-z.+-]{0,40}")


class BrokenArchiveError(FileError):
    """A file that is not an archive of Creche: cut short, changed, or of another format."""


def write_archive(
    path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write header and arrays to one file, completely or not at all.

    Parameters
    ----------
    path : str or path
    kind : {"model", "checkpoint", "sweep", "fit"}
    header : dict
        Plain data that JSON can hold.
    arrays : dict of str to array
        Arrays of any shape, of bool, integers of 8 to 64 bits, or float16 to float64.

    Raises
    ------
    FileError
        If the file cannot be written; an existing file is unchanged.

    """
    name = file_name(path)
    try:
        head, data = _encode(kind, header, arrays)
    except MalformedJsonError as error:
        raise FileError(f"{name}: cannot be written, because {error}") from error
    with open_replacement(name) as file:
        file.write(head)
        file.write(data)


def dump_archive(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of the file that `write_archive` writes.

    Raises
    ------
    MalformedJsonError
        If JSON cannot hold the header, or an archive an array.

    """
    head, data = _encode(kind, header, arrays)
    return head + data


def parse_archive(data: bytes, kind: str, name: str) -> Content:
    """Read what `dump_archive` returned, in this version or an earlier one; `name` is what errors call it.

    Raises
    ------
    FileError
        If it was written by a newer Creche.
    BrokenArchiveError
        If it is damaged or of another format.

    """
    try:
        return _Reader(name, kind, BytesIO(data), len(data)).read()
    except MalformedJsonError as error:
        raise BrokenArchiveError(f"{name}: is damaged: {error}; use a copy of it, or fit it again") from error


def compute_digest(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the digest that a file of this content has in its head.

    Raises
    ------
    MalformedJsonError
        If JSON cannot hold the header.

    """
    head, _ = _encode(kind, header, arrays)
    begin, _ = _clear_digest(head)
    return head[begin : begin + len(NO_DIGEST)].decode("ascii")


def read_archive(path: str | os.PathLike[str], kind: str) -> Content:
    """Read header and arrays of a file that `write_archive` wrote, in this version or an earlier one.

    Parameters
    ----------
    path : str or path
    kind : {"model", "checkpoint", "sweep", "fit"}

    Returns
    -------
    header : dict
    arrays : dict of str to array

    Raises
    ------
    FileError
        If the file cannot be read, or was written by a newer Creche.
    BrokenArchiveError
        If it is damaged or of another format.

    """
    name = file_name(path)
    try:
        status = os.stat(name)
        if not stat.S_ISREG(status.st_mode):
            description = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise FileError(f"{name}: is {description}; needs a {kind} file")
        with open(name, "rb") as file:
            return _Reader(name, kind, file, os.fstat(file.fileno()).st_size).read()
    except MalformedJsonError as error:
        raise BrokenArchiveError(
            f"{name}: is damaged: {error}; use a copy of it, or write it again by {_name_writer(kind)}"
        ) from error
    except MemoryError as error:
        raise FileError(f"{name}: is too large for the available memory; close other programs") from error
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{name}: cannot be read: {_explain(error)}") from error


def seal(head: bytes, data: bytes | memoryview) -> bytes:
    """Return the head of a file (length and header) with the digest of head and data filled in.

    Raises
    ------
    MalformedJsonError
        If the head has no place for a digest.

    """
    position, blank = _clear_digest(head)
    digest = hashlib.sha256(blank)
    digest.update(data)
    return blank[:position] + digest.hexdigest().encode("ascii") + blank[position + len(NO_DIGEST) :]


def _clear_digest(head: bytes) -> tuple[int, bytes]:
    """Return the position of the digest, and the head with zeros in its place."""
    mark = head.find(MARK)
    position = mark + len(MARK)
    if mark < 0 or len(head) < position + len(NO_DIGEST):
        raise MalformedJsonError("its header has no digest")
    return position, head[:position] + NO_DIGEST + head[position + len(NO_DIGEST) :]


def _encode(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> tuple[bytes, memoryview]:
    from safetensors.numpy import save

    assert kind in KINDS
    wrong = next((name for name in arrays if name.startswith(PREFIX)), None)
    if wrong is not None:
        raise MalformedJsonError(f"{wrong!r} cannot be the name of an array")
    text, packed = _dump_envelope(kind, header)
    stored = {name: _to_storable(name, array) for name, array in {**arrays, **packed}.items()}
    file = save(stored, {"creche": text.decode("ascii")})
    length = 8 + int.from_bytes(file[:8], "little")
    head, data = file[:length], memoryview(file)[length:]
    for part in (text, head[8:]):  # an archive that could not be read again must not be written
        strict_json.parse(part)
    return seal(head, data), data


def _dump_envelope(
    kind: str, header: Mapping[str, Any], packed_items: int = PACKED_ITEMS
) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return the JSON text of a header and what is around it, and the arrays of what is packed in the header."""
    plain, arrays, n_values = pack_header(dict(header), packed_items)
    size = sum(array.nbytes for array in arrays.values())
    if n_values > packed_values_limit(size):
        raise MalformedJsonError(f"its header describes {n_values:,} values in only {size:,} bytes")
    envelope = {
        "digest": NO_DIGEST.decode("ascii"),
        "format": "creche",
        "version": VERSION,
        "kind": kind,
        "written_by": __version__,
        "header": plain,
    }
    try:
        return strict_json.dump(envelope), arrays
    except TooLargeError:
        if packed_items <= PACKED_ITEMS_OF_LARGE:
            raise
        return _dump_envelope(kind, header, PACKED_ITEMS_OF_LARGE)


def _to_storable(name: str, array: NDArray[Any]) -> NDArray[Any]:
    out = np.asarray(array, order="C")
    little = out.dtype.newbyteorder("<")
    if little not in DTYPES.values():
        raise MalformedJsonError(f"array {name!r} holds {out.dtype}, which archives cannot store")
    if not name.isascii() or name == "__metadata__":
        raise MalformedJsonError(f"{name!r} cannot be the name of an array")
    return out.astype(little, copy=False)


def _name_writer(kind: str) -> str:
    writer = advise(KINDS[kind])
    return writer if kind == "model" else f"{writer} with {advise('checkpoint')}"


class _Reader:
    """A reader of one open file from beginning to end; each step relies only on what earlier ones have checked."""

    def __init__(self, name: str, kind: str, file: BinaryIO, size: int) -> None:
        self.name = name
        self.kind = kind
        self.file = file
        self.size = size

    def read(self) -> Content:
        """Return header and arrays, migrated to the present version."""
        head = self._read_head()
        table = strict_json.parse(head[8:])
        metadata = table.pop("__metadata__", None)
        if not isinstance(metadata, dict) or set(metadata) != {"creche"} or not isinstance(metadata["creche"], str):
            raise MalformedJsonError("its header does not have exactly one entry of Creche")
        text = metadata.pop("creche")
        if not text.isascii():
            raise MalformedJsonError("its header has characters that are not escaped")
        envelope = strict_json.parse(text.encode("ascii"))
        version = self._check_envelope(envelope)
        extents = parse_extents(table, self.size - len(head))
        arrays = self._read_arrays(head, extents, envelope)
        header = unpack_header(envelope["header"], arrays, packed_values_limit(self.size))
        content: Content = header, arrays
        for older in range(version, VERSION):
            content = MIGRATIONS[older](content)
        return content

    def _read_head(self) -> bytes:
        """Read the length and the header."""
        first = self.file.read(4096)
        if not first:
            raise BrokenArchiveError(
                f"{self.name}: is empty; needs a file that is written by {_name_writer(self.kind)}"
            )
        length = int.from_bytes(first[:8], "little")
        too_long = length > strict_json.MAX_BYTES
        head = first[: 8 + length] + (b"" if too_long else self.file.read(max(0, 8 + length - len(first))))
        if MARK not in head:
            raise BrokenArchiveError(
                f"{self.name}: is not a {self.kind} file: it is {describe_signature(first)}. "
                f"Needs a file that is written by {_name_writer(self.kind)}"
            )
        if too_long:
            raise MalformedJsonError(f"its header has {length:,} bytes; at most {strict_json.MAX_BYTES:,} are allowed")
        if len(head) < 8 + length:
            raise MalformedJsonError(
                f"its header alone has {length:,} bytes, but the file only {self.size:,}: it was cut short"
            )
        return head

    def _check_envelope(self, envelope: dict[str, Any]) -> int:
        """Check all fields around the header, and return the version of the format."""
        version, release = envelope.get("version"), envelope.get("written_by")
        if envelope.get("format") != "creche" or isinstance(version, bool) or not isinstance(version, int):
            raise MalformedJsonError("its header does not say which version of the format it has")
        if not isinstance(release, str) or not RELEASE.fullmatch(release) or version < 1:
            raise MalformedJsonError("its header does not say which Creche wrote it")
        if version > VERSION:
            raise FileError(
                f"{self.name}: was written by Creche {release}, in version {version} of the format; this is Creche "
                f"{__version__}, which reads up to version {VERSION}: install Creche {release} or newer"
            )
        digest, kind = envelope.get("digest"), envelope.get("kind")
        if set(envelope) != {"digest", "format", "version", "kind", "written_by", "header"}:
            raise MalformedJsonError("its header lacks fields or has unknown ones")
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or not isinstance(envelope["header"], dict):
            raise MalformedJsonError("its header has fields of the wrong type")
        if kind != self.kind:
            other = kind if isinstance(kind, str) and kind in KINDS else "file of another kind"
            raise BrokenArchiveError(
                f"{self.name}: is a {other}, not a {self.kind}. Needs a file that is written by "
                f"{_name_writer(self.kind)}"
            )
        return version

    def _read_arrays(self, head: bytes, extents: list[Extent], envelope: dict[str, Any]) -> dict[str, NDArray[Any]]:
        needed = self.size - len(head)
        if needed > ALWAYS_AVAILABLE:
            free = available_memory()
            if free is not None and needed > free:
                raise MemoryError
        digest = hashlib.sha256(_clear_digest(head)[1])
        self.file.seek(len(head))
        arrays = {}
        for extent in extents:
            array = np.empty(extent.shape, extent.dtype)
            buffer = array.reshape(-1).view(np.uint8).data
            if extent.size and self.file.readinto(buffer) != extent.size:  # type: ignore[attr-defined]
                raise MalformedJsonError("it became shorter while it was read")
            digest.update(buffer)
            arrays[extent.name] = array
            if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
                raise MalformedJsonError(f"array {extent.name[:100]!r} holds bytes that are neither true nor false")
        if digest.hexdigest() != envelope["digest"]:
            raise MalformedJsonError("its content differs from what was written (the digests differ)")
        return arrays


def _explain(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "there is no such file; check the spelling and the folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "you have no permission; permit reading it (chmod u+r)"
    return error.strerror or str(error)
