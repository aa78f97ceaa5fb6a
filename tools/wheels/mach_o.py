"""Read what a module for macOS needs of its system: its processor, oldest version, libraries and foreign symbols.

Apple describes the format in <mach-o/loader.h> and <mach-o/nlist.h>: a header, load commands, and tables that these
point to. Only what an audit needs is read, of files for one processor.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = 0xFEEDFACF  # of 64 bits, little-endian
MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
TWO_LEVELS = 0x80  # each symbol is looked up in the library that it was found in when the module was linked

SYMBOLS, OWN_NAME, RUN_PATH, SIGNATURE, OLDEST, BUILT_FOR = 0x2, 0xD, 0x8000001C, 0x1D, 0x24, 0x32
# Needed, weak, exported again, lazy and upward.
LIBRARIES = frozenset({0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023})

MACOS = 1
DEBUGGING, KIND, UNDEFINED, EXTERNAL = 0xE0, 0x0E, 0x00, 0x01  # parts of a symbol's type
ANYWHERE = 0xFE  # what stands for its library if it is looked up in all that the process has


class NotMachOError(ValueError):
    """Some bytes are not a module for macOS and one processor."""


@dataclass
class Module:
    """What a module says of itself. `anywhere` are the symbols that the process which loads it must have."""

    machine: str
    has_two_levels: bool
    oldest: tuple[int, int] | None = None
    libraries: list[str] = field(default_factory=list)
    run_paths: list[str] = field(default_factory=list)
    own_name: str = ""
    is_signed: bool = False
    defined: set[str] = field(default_factory=set)
    anywhere: set[str] = field(default_factory=set)


def read_module(content: bytes) -> Module:
    """Read the bytes of a module.

    Raises
    ------
    NotMachOError
        If they are none, are cut off, or are for several processors.

    """
    try:
        return _read(content)
    except struct.error as error:
        raise NotMachOError(f"a module for macOS of {len(content)} bytes is cut off: {error}") from error


def _read(content: bytes) -> Module:
    magic, machine, _, _, n_commands, _, flags, _ = struct.unpack_from("<8I", content)
    if magic != MAGIC or machine not in MACHINES:
        raise NotMachOError(f"begins with {content[:8].hex()}, which no module for macOS on {MACHINES.values()} does")
    module = Module(MACHINES[machine], bool(flags & TWO_LEVELS))
    for kind, command in _commands(content, n_commands):
        if kind in LIBRARIES:
            module.libraries.append(_text(command, struct.unpack_from("<I", command, 8)[0]))
        elif kind == RUN_PATH:
            module.run_paths.append(_text(command, struct.unpack_from("<I", command, 8)[0]))
        elif kind == OWN_NAME:
            module.own_name = _text(command, struct.unpack_from("<I", command, 8)[0])
        elif kind == SIGNATURE:
            module.is_signed = True
        elif kind == OLDEST:
            module.oldest = _version(struct.unpack_from("<I", command, 8)[0])
        elif kind == BUILT_FOR:
            platform, version = struct.unpack_from("<2I", command, 8)
            module.oldest = _version(version) if platform == MACOS else None
        elif kind == SYMBOLS:
            _read_symbols(content, command, module)
    return module


def _commands(content: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", content, at)
        if size < 8 or at + size > len(content):
            raise NotMachOError(f"the load command at byte {at} has a size of {size}")
        yield kind, content[at : at + size]
        at += size


def _read_symbols(content: bytes, command: bytes, module: Module) -> None:
    start, count, strings, size = struct.unpack_from("<4I", command, 8)
    table = content[strings : strings + size]
    if len(table) < size:
        raise NotMachOError(f"a module for macOS of {len(content)} bytes is cut off: its names end at {strings + size}")
    for i in range(count):
        name_at, kind, _, described, _ = struct.unpack_from("<IBBHQ", content, start + 16 * i)
        if kind & DEBUGGING or not kind & EXTERNAL:
            continue
        name = _text(table, name_at)
        if kind & KIND != UNDEFINED:
            module.defined.add(name)
        elif described >> 8 == ANYWHERE:
            module.anywhere.add(name)


def _text(of: bytes, start: int) -> str:
    return of[start:].partition(b"\0")[0].decode(errors="replace")


def _version(word: int) -> tuple[int, int]:
    return word >> 16, word >> 8 & 0xFF
