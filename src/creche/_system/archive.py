"""Where the arrays of a safetensors file lie, checked before a byte of them is read.

The format: 8 bytes with the length of a JSON header; the header, with a type, a shape and a range of bytes for each
array; then the arrays' bytes, one after another without gaps (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from creche._system import strict_json
from creche._system.atomic_files import file_name, open_replacement
from creche._system.resources import available_memory
from creche._system.strict_json import MalformedJsonError
from creche._version import __version__
from creche.errors import FileError

__all__ = [
    "DTYPES",
    "MIGRATIONS",
    "VERSION",
    "BrokenArchiveError",
    "Content",
    "Extent",
    "describe_signature",
    "parse_extents",
    "read_archive",
    "seal",
    "write_archive",
]

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8), "U16": np.dtype("<u2"), "U32": np.dtype("<u4"), "U64": np.dtype("<u8"),
    "I8": np.dtype(np.int8), "I16": np.dtype("<i2"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8"),
}  # fmt: skip


MAX_DIMENSIONS = 8


# Of an empty array, whose shape its bytes do not bound, NumPy still multiplies the other lengths.
MAX_EMPTY = 2**40


@dataclass(frozen=True, slots=True)
class Extent:
    """One array: what it is and how many bytes it takes."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int


def parse_extents(table: dict[str, Any], data_size: int) -> list[Extent]:
    """The arrays in the order in which they lie, which together take exactly `data_size` bytes.

    Raises
    ------
    Malformed
        If an entry is none, or the arrays overlap, leave gaps or reach beyond the data.

    """
    found = sorted((_entry(name, entry, data_size) for name, entry in table.items()), key=lambda item: item[:2])
    at = 0
    for begin, end, extent in found:
        if begin != at:
            raise MalformedJsonError(f"array {extent.name[:100]!r} begins at byte {begin} of the data; {at} is next")
        at = end
    if at != data_size:
        raise MalformedJsonError(f"its arrays take {at:,} bytes, and {data_size:,} are there")
    return [extent for *_, extent in found]


def _entry(name: str, entry: Any, data_size: int) -> tuple[int, int, Extent]:
    where = f"array {name[:100]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise MalformedJsonError(f"{where} has no dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise MalformedJsonError(f"{where} is of a type unknown here, {str(entry['dtype'])[:40]!r}")
    shape, offsets = _lengths(where, entry["shape"]), _lengths(where, entry["data_offsets"])
    if len(shape) > MAX_DIMENSIONS:
        raise MalformedJsonError(f"{where} has {len(shape)} dimensions")
    if len(offsets) != 2 or not offsets[0] <= offsets[1] <= data_size:
        raise MalformedJsonError(f"{where} lies at bytes {str(list(offsets))[:100]} of {data_size:,}")
    size = math.prod(shape) * dtype.itemsize
    if size == 0 and math.prod(length or 1 for length in shape) > MAX_EMPTY:
        raise MalformedJsonError(f"{where} is empty, of shape {str(shape)[:100]}")
    if size != offsets[1] - offsets[0]:
        raise MalformedJsonError(
            f"{where} of shape {str(shape)[:100]} needs {size} bytes, and has {offsets[1] - offsets[0]}"
        )
    return offsets[0], offsets[1], Extent(name, dtype, shape, size)


def _lengths(where: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in values):
        raise MalformedJsonError(f"{where} has lengths that are no whole numbers of 0 or more: {str(values)[:100]}")
    return tuple(values)


SIGNATURES = {
    b"PK\x03\x04": "a zip archive, as PyTorch (.pt), NumPy (.npz) and Excel write them",
    b"\x80\x02": "a Python pickle, which Creche never opens, for it can run code",
    b"\x80\x03": "a Python pickle, which Creche never opens, for it can run code",
    b"\x80\x04": "a Python pickle, which Creche never opens, for it can run code",
    b"\x80\x05": "a Python pickle, which Creche never opens, for it can run code",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, as Keras writes them",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "compressed by gzip; decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; decompress it first",
    b"BZh": "compressed by bzip2; decompress it first",
    b"\xfd7zXZ\x00": "compressed by xz; decompress it first",
}


def describe_signature(first: bytes) -> str:
    r"""What begins with these bytes, in words that follow "it is".

    Examples
    --------
    >>> describe_signature(b"species,island\nAdelie,Dream\n")
    'text, such as a table in CSV'

    """
    for signature, words in SIGNATURES.items():
        if first.startswith(signature):
            return words
    if first[8:9] == b"{" and int.from_bytes(first[:8], "little") < 2**40:
        return "a safetensors file, but not one that Creche wrote"
    if first[:1] in b"{[":
        return "text, such as JSON"
    if b"\0" not in first and _is_text(first):
        return "text, such as a table in CSV"
    return "of no format known here"


def _is_text(first: bytes) -> bool:
    for cut in range(4):  # a character of up to 4 bytes may be cut off at the end
        try:
            first[: len(first) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


Content = tuple[dict[str, Any], dict[str, NDArray[Any]]]


VERSION = 1


# From the content of a version to that of the next; empty as long as there is only one.
MIGRATIONS: dict[int, Callable[[Content], Content]] = {}


# What each kind is called, and where one comes from.
KINDS = {
    "model": ("model", "`model.save` or `creche train -o`"),
    "checkpoint": ("checkpoint", "`creche train --checkpoint`"),
    "sweep": ("sweep", "`creche sweep --checkpoint`"),
}


MARK = b'{\\"digest\\":\\"'  # as it stands in safetensors' header, where our text is text in JSON


DIGEST = re.compile("[0-9a-f]{64}")


NO_DIGEST = b"0" * 64


RELEASE = re.compile(r"[0-9][0-9A-Za-z.+-]{0,40}")


class BrokenArchiveError(FileError):
    """A file that is no archive of Creche's, or not any more: cut short, changed, or another thing from the start."""


def write_archive(
    path: str | os.PathLike[str], kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Writes header and arrays as one file, whole or not at all.

    Parameters
    ----------
    path : str or path
    kind : {"model", "checkpoint", "sweep"}
    header : dict
        Plain data, as JSON takes it.
    arrays : dict of str to array
        Of any shape; bool, integers of 8 to 64 bits, float16 to float64.

    Raises
    ------
    FileError
        If it cannot be written; a file that was there is unchanged.

    """
    name = file_name(path)
    try:
        head, data = _encode(kind, header, arrays)
    except MalformedJsonError as error:
        raise FileError(f"{name}: cannot be written: {error}") from error
    with open_replacement(name) as file:
        file.write(head)
        file.write(data)


def read_archive(path: str | os.PathLike[str], kind: str) -> Content:
    """Header and arrays of a file that `write_archive` wrote, in this version or an earlier one.

    Parameters
    ----------
    path : str or path
    kind : {"model", "checkpoint", "sweep"}

    Returns
    -------
    header : dict
    arrays : dict of str to array

    Raises
    ------
    FileError
        If it cannot be read, or was written by a newer Creche.
    BrokenArchiveError
        If it is another thing, or damaged.

    """
    name = file_name(path)
    try:
        status = os.stat(name)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise FileError(f"{name}: is {what}; needs a {KINDS[kind][0]} file")
        with open(name, "rb") as file:
            return _Reader(name, kind, file).read()
    except MalformedJsonError as error:
        raise BrokenArchiveError(
            f"{name}: is damaged: {error}; take a copy of it, or a file made anew by {KINDS[kind][1]}"
        ) from error
    except MemoryError as error:
        raise FileError(f"{name}: is too large for the memory there is; close other programs") from error
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{name}: cannot be read: {_why(error)}") from error


def seal(head: bytes, data: bytes | memoryview) -> bytes:
    """The head of a file (length and header) with the digest in its place that belongs to head and data.

    Raises
    ------
    Malformed
        If it has no place for one.

    """
    at, blank = _without_digest(head)
    digest = hashlib.sha256(blank)
    digest.update(data)
    return blank[:at] + digest.hexdigest().encode("ascii") + blank[at + len(NO_DIGEST) :]


def _without_digest(head: bytes) -> tuple[int, bytes]:
    """Where the digest stands, and the head with zeros there."""
    mark = head.find(MARK)
    at = mark + len(MARK)
    if mark < 0 or len(head) < at + len(NO_DIGEST):
        raise MalformedJsonError("its header has no digest")
    return at, head[:at] + NO_DIGEST + head[at + len(NO_DIGEST) :]


def _encode(kind: str, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> tuple[bytes, memoryview]:
    from safetensors.numpy import save

    assert kind in KINDS
    envelope = {
        "digest": NO_DIGEST.decode("ascii"),
        "format": "creche",
        "version": VERSION,
        "kind": kind,
        "written_by": __version__,
        "header": dict(header),
    }
    text = strict_json.dump(envelope)
    stored = {name: _storable(name, array) for name, array in arrays.items()}
    file = save(stored, {"creche": text.decode("ascii")})
    length = 8 + int.from_bytes(file[:8], "little")
    head, data = file[:length], memoryview(file)[length:]
    for part in (text, head[8:]):  # what would be refused when read is refused while there is still a model to save
        strict_json.parse(part)
    return seal(head, data), data


def _storable(name: str, array: NDArray[Any]) -> NDArray[Any]:
    out = np.asarray(array, order="C")
    little = out.dtype.newbyteorder("<")
    if little not in DTYPES.values():
        raise MalformedJsonError(f"array {name!r} holds {out.dtype}; there is no place for such")
    if not name.isascii() or name == "__metadata__":
        raise MalformedJsonError(f"{name!r} cannot be the name of an array")
    return out.astype(little, copy=False)


class _Reader:
    """Reads one open file from its beginning to its end; each step trusts only what an earlier one has checked."""

    def __init__(self, name: str, kind: str, file: BinaryIO) -> None:
        self.name = name
        self.kind = kind
        self.file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self) -> Content:
        head = self._head()
        table = strict_json.parse(head[8:])
        metadata = table.pop("__metadata__", None)
        if not isinstance(metadata, dict) or set(metadata) != {"creche"} or not isinstance(metadata["creche"], str):
            raise MalformedJsonError("its header does not have one text of Creche's")
        text = metadata.pop("creche")
        if not text.isascii():
            raise MalformedJsonError("its header has characters that are not escaped")
        envelope = strict_json.parse(text.encode("ascii"))
        version = self._checked_version(envelope)
        found = parse_extents(table, self.size - len(head))
        arrays = self._arrays(head, found, envelope)
        content: Content = envelope["header"], arrays
        for older in range(version, VERSION):
            content = MIGRATIONS[older](content)
        return content

    def _head(self) -> bytes:
        """Length and header, as they stand in the file."""
        first = self.file.read(4096)
        if not first:
            raise BrokenArchiveError(f"{self.name}: is empty; needs a file that {KINDS[self.kind][1]} wrote")
        length = int.from_bytes(first[:8], "little")
        too_long = length > strict_json.MAX_BYTES
        head = first[: 8 + length] + (b"" if too_long else self.file.read(max(0, 8 + length - len(first))))
        if MARK not in head:
            raise BrokenArchiveError(
                f"{self.name}: is no {KINDS[self.kind][0]} file: it is {describe_signature(first)}. "
                f"Needs a file that {KINDS[self.kind][1]} wrote"
            )
        if too_long:
            raise MalformedJsonError(f"its header has {length:,} bytes; at most {strict_json.MAX_BYTES:,} are allowed")
        if len(head) < 8 + length:
            raise MalformedJsonError(
                f"its header alone has {length:,} bytes, and the file only {self.size:,}: it was cut short"
            )
        return head

    def _checked_version(self, envelope: dict[str, Any]) -> int:
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
            raise MalformedJsonError("its header has not the parts it should have")
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest) or not isinstance(envelope["header"], dict):
            raise MalformedJsonError("its header has parts that are not what they should be")
        if kind != self.kind:
            other = KINDS[kind][0] if isinstance(kind, str) and kind in KINDS else "file of another kind"
            raise BrokenArchiveError(
                f"{self.name}: is a {other}, not a {KINDS[self.kind][0]}. Needs a file that {KINDS[self.kind][1]} wrote"
            )
        return version

    def _arrays(self, head: bytes, found: list[Extent], envelope: dict[str, Any]) -> dict[str, NDArray[Any]]:
        free, needed = available_memory(), self.size - len(head)
        if free is not None and needed > free:
            raise MemoryError
        digest = hashlib.sha256(_without_digest(head)[1])
        self.file.seek(len(head))
        arrays = {}
        for extent in found:
            array = np.empty(extent.shape, extent.dtype)
            place = array.reshape(-1).view(np.uint8).data
            if extent.size and self.file.readinto(place) != extent.size:  # type: ignore[attr-defined]
                raise MalformedJsonError("it became shorter while it was read")
            digest.update(place)
            arrays[extent.name] = array
            if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
                raise MalformedJsonError(f"array {extent.name[:100]!r} holds bytes that are neither true nor false")
        if digest.hexdigest() != envelope["digest"]:
            raise MalformedJsonError("its content is not what was written (the digests differ)")
        return arrays


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "there is no such file; check the spelling and the folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "that is not permitted; ask for the right to read it (chmod u+r)"
    return error.strerror or str(error)
