"""Reads event files by the descriptions of their formats, without the code that writes them.

A record is described at https://github.com/tensorflow/tensorboard (data/serverless), the messages by event.proto and
summary.proto, CRC-32C by RFC 3720, appendix B.4, here as long division of polynomials, bit by bit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

GENERATOR = 0x11EDC6F41  # x^32 + x^28 + x^27 + x^26 + x^25 + x^23 + ... + 1


def reverse_bits(number: int, width: int) -> int:
    return int(f"{number:0{width}b}"[::-1], 2)


def checksum(data: bytes) -> int:
    bits = int("".join(f"{reverse_bits(byte, 8):08b}" for byte in data) or "0", 2) << 32
    bits ^= 0xFFFFFFFF << (8 * len(data))  # the register begins with ones
    for shift in range(8 * len(data) - 1, -1, -1):
        if bits >> (shift + 32) & 1:
            bits ^= GENERATOR << shift
    return reverse_bits(bits, 32) ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = checksum(data)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32


def records(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        (length,), head = struct.unpack_from("<Q", data, at), data[at : at + 8]
        body = data[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", data, at + 8) == (masked(head),)
        assert struct.unpack_from("<I", data, at + 12 + length) == (masked(body),)
        found.append(body)
        at += 16 + length
    assert at == len(data)
    return found


def fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Each field's number, and what it holds: a number, or the bytes of a message, text or fixed-width number."""
    at, found = 0, []

    def varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind, value = key & 7, b""
        if kind == 0:
            found.append((key >> 3, varint()))
            continue
        length = {1: 8, 5: 4}.get(kind) or (varint() if kind == 2 else 0)
        value, at = message[at : at + length], at + length
        assert len(value) == length
        found.append((key >> 3, value))
    return found


@dataclass
class Events:
    """What a file holds: scalars by tag and step, histograms likewise, restarts, and hyperparameters."""

    version: str = ""
    scalars: dict[str, dict[int, float]] = field(default_factory=dict)
    histograms: dict[str, dict[int, dict[int, bytes]]] = field(default_factory=dict)
    restarts: list[int] = field(default_factory=list)
    hyperparameters: dict[str, bool | float | str] = field(default_factory=dict)


def read(path: Path) -> Events:
    events = Events()
    for record in records(path.read_bytes()):
        event = dict(fields(record))
        step = event.get(2, 0)
        assert isinstance(step, int)
        assert struct.unpack("<d", event[1])[0] > 1.7e9  # seconds since 1970
        if 3 in event:
            events.version = event[3].decode()
        if 7 in event:
            assert fields(event[7]) == [(1, 1)]
            events.restarts.append(step)
        for number, value in fields(event.get(5, b"")):
            assert number == 1
            _read_value(events, step, dict(fields(value)))
    return events


def _read_value(events: Events, step: int, value: dict[int, bytes]) -> None:
    tag = value[1].decode()
    if 2 in value:
        events.scalars.setdefault(tag, {})[step] = struct.unpack("<f", value[2])[0]
    elif 5 in value:
        events.histograms.setdefault(tag, {})[step] = dict(fields(value[5]))
    else:
        plugin = dict(fields(dict(fields(value[9]))[1]))
        assert (tag, plugin[1]) == ("_hparams_/session_start_info", b"hparams")
        for number, entry in fields(dict(fields(plugin[2]))[3]):
            if number == 1:
                pair = dict(fields(entry))
                ((kind, held),) = fields(pair[2])
                read_as = {2: lambda h: struct.unpack("<d", h)[0], 3: bytes.decode, 4: bool}[kind]
                events.hyperparameters[pair[1].decode()] = read_as(held)
