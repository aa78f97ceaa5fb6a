"""Event files of TensorBoard: records with checksums, each a small message of Protocol Buffers."""

from __future__ import annotations

import errno
import math
import os
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from creche.tracking.hyperparameters import Hyperparameter

__all__ = ["EventFile", "crc32c", "encode_histogram", "encode_scalar", "encode_session"]

VERSION = b"brain.Event:2"  # of the format, in the first record of each file
POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), its bits in reverse
MASK = 0xA282EAD8  # added to a rotated checksum, so that a record of checksums is not its own checksum
BINS = 30  # of a histogram

# What the kinds of a field are called in its key.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

START = 1  # of a session, in its log
DATA_CLASS_TENSOR = 2
FLOAT = 1  # the type of an empty tensor


def _create_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


TABLE = _create_table()
SMALL = tuple(bytes((number,)) for number in range(0x80))  # numbers that are one byte


def crc32c(data: bytes) -> int:
    """Return the CRC-32C checksum of bytes.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'

    """
    table, crc = TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _checksum(length) + data + _checksum(data)


def _varint(number: int) -> bytes:
    if number < len(SMALL):
        return SMALL[number]
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | FIXED64) + struct.pack("<d", value)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | LENGTH) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode(errors="replace"))


@lru_cache
def _scalar_head(tag: str) -> bytes:
    return _text(1, tag) + _varint(2 << 3 | FIXED32)


def encode_scalar(tag: str, value: float) -> bytes:
    """Encode a number as a value of a summary; one too large for float32 becomes infinite."""
    try:
        number = struct.pack("<f", value)
    except OverflowError:
        number = struct.pack("<f", math.copysign(math.inf, value))
    return _scalar_head(tag) + number


def encode_histogram(tag: str, numbers: NDArray[np.floating]) -> bytes:
    """Encode the distribution of finite numbers, in equal bins from the least to the largest."""
    values = numbers.astype(np.float64).ravel()
    counts, edges = np.histogram(values, BINS)
    histogram = b"".join(
        (
            _double(1, values.min()),
            _double(2, values.max()),
            _double(3, values.size),
            _double(4, float(values.sum())),
            _double(5, float(values @ values)),
            _bytes(6, edges[1:].astype("<f8").tobytes()),
            _bytes(7, counts.astype("<f8").tobytes()),
        )
    )
    return _text(1, tag) + _bytes(5, histogram)


def _encode_hyperparameter(value: Hyperparameter) -> bytes:
    """Encode a value of the well-known type google.protobuf.Value."""
    if isinstance(value, bool):
        return _number(4, value)
    return _text(3, value) if isinstance(value, str) else _double(2, value)


def encode_session(hyperparameters: Mapping[str, Hyperparameter]) -> bytes:
    """Encode the values by which the page "HParams" compares this folder with others, as a value of a summary.

    Parameters
    ----------
    hyperparameters : dict of str to bool, int, float or str

    """
    entries = (_text(1, name) + _bytes(2, _encode_hyperparameter(value)) for name, value in hyperparameters.items())
    session = b"".join(_bytes(1, entry) for entry in entries) + _double(5, time.time())
    metadata = _bytes(1, _text(1, "hparams") + _bytes(2, _bytes(3, session))) + _number(4, DATA_CLASS_TENSOR)
    empty_tensor = _number(1, FLOAT) + _bytes(2, _bytes(2, b""))
    return _text(1, "_hparams_/session_start_info") + _bytes(8, empty_tensor) + _bytes(9, metadata)


@dataclass(slots=True)
class EventFile:
    """A file of events, to which each call appends a whole record, so that an interrupted run leaves a readable file.

    Attributes
    ----------
    path : Path
    last_step : int
        The last step whose values were written.

    """

    path: Path
    last_step: int = 0

    @classmethod
    def create(cls, folder: Path, number: int) -> Self:
        """Create the event file of this number in a folder.

        Raises
        ------
        FileExistsError
            If there is one.
        OSError
            If it cannot be created.

        """
        # TensorBoard knows an event file by "tfevents", and reads those of a folder in the order of their names.
        path = folder / f"events.out.tfevents.{number:010}.creche"
        with open(path, "xb", buffering=0) as file:
            file.write(_record(_double(1, time.time()) + _bytes(3, VERSION)))
        return cls(path)

    def write(self, step: int, values: Iterable[bytes]) -> None:
        """Append values of one step.

        Raises
        ------
        OSError
            If they cannot be written.

        """
        summary = b"".join(_bytes(1, value) for value in values)
        self._append(step, _bytes(5, summary))
        self.last_step = step

    def restart(self, step: int) -> None:
        """Append that training goes on with this step: values of it, and of later ones, written so far are outdated."""
        self._append(step, _bytes(7, _number(1, START)))
        self.last_step = step - 1

    def _append(self, step: int, what: bytes) -> None:
        # Opened for each record: a file that stays open would have to be closed in forks and copies, and by the user.
        event = _record(_double(1, time.time()) + _number(2, step) + what)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            written = os.write(descriptor, event)
            if written < len(event):  # a record in part would hide those after it
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
