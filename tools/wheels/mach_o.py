"""Read what a module for macOS needs of its system: its processor, oldest version, libraries and foreign symbols.

Apple describes the format in <mach-o/loader.h> and <mach-o/nlist.h>: a header, load commands, and tables that these
point to. Only what an audit needs is read, of files for one processor. Where a symbol is looked up is read from what
the loader carries out (BIND_OPCODE_…), as linkers differ in what they write beside the names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAGIC = 0xFEEDFACF  # of 64 bits, little-endian
MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
TWO_LEVELS = 0x80  # each symbol is looked up in the library that it was found in when the module was linked

SYMBOLS, OWN_NAME, RUN_PATH, SIGNATURE, OLDEST, BUILT_FOR, BOUND = 0x2, 0xD, 0x8000001C, 0x1D, 0x24, 0x32, 0x80000022
# Needed, weak, exported again, lazy and upward.
LIBRARIES = frozenset({0xC, 0x80000018, 0x8000001F, 0x20, 0x80000023})

MACOS = 1
DEBUGGING, KIND, UNDEFINED, EXTERNAL = 0xE0, 0x0E, 0x00, 0x01  # parts of the type of a symbol

# Where a symbol is looked up that the loader binds: in a library, counted from 1, in the module, or in all modules.
ITSELF, ANYWHERE = 0, -2


class NotMachOError(ValueError):
    """Some bytes are not a module for macOS and one processor."""


@dataclass
class Module:
    """What a module says of itself. `bound` are the symbols it lacks, each with where the loader looks it up."""

    machine: str
    has_two_levels: bool
    oldest: tuple[int, int] | None = None
    libraries: list[str] = field(default_factory=list)
    run_paths: list[str] = field(default_factory=list)
    own_name: str = ""
    is_signed: bool = False
    defined: set[str] = field(default_factory=set)
    bound: dict[str, int] = field(default_factory=dict)


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
            module.defined |= _defined_symbols(content, command)
        elif kind == BOUND:
            for start, size in (struct.unpack_from("<2I", command, at) for at in (16, 32)):  # at once, and when called
                module.bound |= _bound_symbols(_part(content, start, size))
    return module


def _commands(content: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", content, at)
        if size < 8 or at + size > len(content):
            raise NotMachOError(f"the load command at byte {at} has a size of {size}")
        yield kind, content[at : at + size]
        at += size


def _defined_symbols(content: bytes, command: bytes) -> set[str]:
    start, count, strings, size = struct.unpack_from("<4I", command, 8)
    names = _part(content, strings, size)
    found = set()
    for name_at, kind, _, _, _ in struct.iter_unpack("<IBBHQ", _part(content, start, 16 * count)):
        if not kind & DEBUGGING and kind & EXTERNAL and kind & KIND != UNDEFINED:
            found.add(_text(names, name_at))
    return found


def _bound_symbols(program: bytes) -> dict[str, int]:
    """Carry out what the loader does to bind symbols, but for the binding."""
    found: dict[str, int] = {}
    at, name, place = 0, "", ITSELF

    def next_number() -> int:  # of seven bits a byte, the lowest first
        nonlocal at
        value = shift = 0
        while True:
            if at == len(program):
                raise NotMachOError(f"what is to be bound ends after {at} bytes, within a number")
            byte = program[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(program):
        step, value = program[at] & 0xF0, program[at] & 0x0F
        at += 1
        if step == 0x10:  # the library, in this byte
            place = value
        elif step == 0x20:  # the library, in the next
            place = next_number()
        elif step == 0x30:  # no library
            place = value - 16 if value else ITSELF
        elif step == 0x40:  # the name
            name = _text(program, at)
            at += len(name.encode()) + 1
        elif step in (0x60, 0x70, 0x80):  # numbers that move to an address
            next_number()
        elif step in (0x90, 0xA0, 0xB0, 0xC0):  # bind it here, or at several addresses
            found[name] = place
            for _ in range({0xA0: 1, 0xC0: 2}.get(step, 0)):
                next_number()
        elif step not in (0x00, 0x50):  # the end of a symbol that is bound when it is called; its kind
            raise NotMachOError(f"what is to be bound has the unknown step {step:#x} before byte {at}")
    return found


def _part(content: bytes, start: int, size: int) -> bytes:
    if start + size > len(content):
        raise NotMachOError(f"a module for macOS of {len(content)} bytes is cut off: it goes on to byte {start + size}")
    return content[start : start + size]


def _text(of: bytes, start: int) -> str:
    return of[start:].partition(b"\0")[0].decode(errors="replace")


def _version(word: int) -> tuple[int, int]:
    return word >> 16, word >> 8 & 0xFF
