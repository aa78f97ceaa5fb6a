"""The audit of modules for macOS: it reads what a module says of itself, and finds what no Python there could load."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.wheels.audit import AuditError, check_system
from tools.wheels.audit_macos import find_problems_on_macos
from tools.wheels.mach_o import ANYWHERE, ITSELF, NotMachOError, read_module
from tools.wheels.platforms import PLATFORMS

ARM, INTEL = PLATFORMS["macos-arm64"], PLATFORMS["macos-x86-64"]
NAME = "creche/_core/_neon.cpython-311-darwin.so"
DEFINED, FROM_SYSTEM = None, 1


@dataclass(frozen=True)
class Written:
    """A module as a linker would write it; by default, one that nothing is wrong with."""

    machine: int = 0x0100000C
    flags: int = 0x85
    platform: int = 1
    oldest: tuple[int, int] = (11, 0)
    libraries: tuple[str, ...] = ("/usr/lib/libSystem.B.dylib",)
    run_paths: tuple[str, ...] = ()
    own_name: str = "@rpath/_neon.so"
    is_signed: bool = True
    # Each with where it is looked up.
    symbols: tuple[tuple[str, int | None], ...] = (
        ("_PyInit__neon", DEFINED), ("_malloc", FROM_SYSTEM), ("_PyLong_AsLong", ANYWHERE), ("__Py_Dealloc", ANYWHERE),
    )  # fmt: skip

    def content(self) -> bytes:
        version = self.oldest[0] << 16 | self.oldest[1] << 8
        commands = [
            struct.pack("<6I", 0x32, 24, self.platform, version, 0, 0),
            *(named(0xC, library, 24) for library in self.libraries),
            *(named(0x8000001C, path, 12) for path in self.run_paths),
            named(0xD, self.own_name, 24),
            *([struct.pack("<4I", 0x1D, 16, 0, 0)] if self.is_signed else []),
        ]
        names, symbols = b"\0", b""
        for name, place in self.symbols:
            symbols += struct.pack("<IBBHQ", len(names), 0x01 if place is not DEFINED else 0x0F, 0, 0, 0)
            names += name.encode() + b"\0"
        symbols += struct.pack("<IBBHQ", 0, 0x20, 0, 0, 0)  # for debuggers
        lacking = [(name, place) for name, place in self.symbols if place is not DEFINED]
        at_once, when_called = (b"".join(bind(*each) for each in part) for part in (lacking[:1], lacking[1:]))
        start = 32 + sum(map(len, commands)) + 24 + 48
        tables = [symbols, names, at_once, when_called]
        at = [start + sum(map(len, tables[:i])) for i in range(4)]
        commands.append(struct.pack("<6I", 0x2, 24, at[0], len(symbols) // 16, at[1], len(names)))
        bound = at[2], len(at_once), 0, 0, at[3], len(when_called)
        commands.append(struct.pack("<12I", 0x80000022, 48, 0, 0, *bound, 0, 0))
        size = sum(map(len, commands))
        header = struct.pack("<8I", 0xFEEDFACF, self.machine, 0, 6, len(commands), size, self.flags, 0)
        return header + b"".join(commands) + b"".join(tables)


def bind(name: str, place: int) -> bytes:
    """The steps by which the loader binds a symbol at an address, and 300 bytes further at another."""
    looked_up = bytes([0x10 | place]) if place >= 0 else bytes([0x30 | place & 0x0F])
    there = bytes([0x51, 0x72, 0x08])  # a pointer, at byte 8 of the second segment
    return looked_up + b"\x40" + name.encode() + b"\0" + there + bytes([0xA0, 0xAC, 0x02, 0x90, 0x00])


def named(kind: int, text: str, at: int) -> bytes:
    body = text.encode() + b"\0"
    body += bytes(-len(body) % 8)
    return struct.pack("<3I", kind, at + len(body), at) + bytes(at - 12) + body


GOOD = Written()


def test_what_a_module_says_of_itself_is_read() -> None:
    module = read_module(replace(GOOD, run_paths=("/opt/lib",)).content())
    assert (module.machine, module.oldest, module.own_name) == ("arm64", (11, 0), "@rpath/_neon.so")
    assert (module.libraries, module.run_paths) == (["/usr/lib/libSystem.B.dylib"], ["/opt/lib"])
    assert module.defined == {"_PyInit__neon"}
    assert module.bound == {"_malloc": 1, "_PyLong_AsLong": ANYWHERE, "__Py_Dealloc": ANYWHERE}
    assert module.is_signed
    assert module.has_two_levels
    assert not read_module(replace(GOOD, is_signed=False).content()).is_signed


BAD = {
    "is for x86_64, not for arm64": replace(GOOD, machine=0x01000007),
    "is for macOS 12.3, not for 11.0": replace(GOOD, oldest=(12, 3)),
    "is for no version of macOS, not for 11.0": replace(GOOD, platform=2),
    "needs /opt/lib/libgcc.dylib, which not every macOS has": replace(
        GOOD, libraries=("/usr/lib/libSystem.B.dylib", "/opt/lib/libgcc.dylib")
    ),
    "looks for libraries in /opt/lib": replace(GOOD, run_paths=("/opt/lib",)),
    "has the name of a file of the machine that built it: /build/_neon.so": replace(GOOD, own_name="/build/_neon.so"),
    "has no signature": replace(GOOD, is_signed=False),
    "looks for all its symbols anywhere": replace(GOOD, flags=0x05),
    "needs _backtrace, which neither the system nor Python has": replace(
        GOOD, symbols=(*GOOD.symbols, ("_backtrace", ANYWHERE))
    ),
    "looks in itself for _PyLong_AsLong, which it lacks": replace(
        GOOD, symbols=(*GOOD.symbols[:2], ("_PyLong_AsLong", ITSELF), GOOD.symbols[3])
    ),
    "needs no function of Python": replace(GOOD, symbols=GOOD.symbols[:2]),
    "lacks PyInit__neon": replace(GOOD, symbols=GOOD.symbols[1:]),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_no_python_could_load_is_found(problem: str) -> None:
    (found,) = find_problems_on_macos(NAME, BAD[problem].content(), ARM)
    assert found.startswith(f"{NAME} {problem}")


def test_a_good_module_has_no_problem_and_an_older_system_is_none() -> None:
    assert find_problems_on_macos(NAME, GOOD.content(), ARM) == []
    assert find_problems_on_macos(NAME, replace(GOOD, oldest=(10, 15)).content(), ARM) == []
    intel = replace(GOOD, machine=0x01000007, is_signed=False)
    assert find_problems_on_macos(NAME, intel.content(), INTEL) == []


def test_bytes_that_are_no_module_are_refused() -> None:
    with pytest.raises(NotMachOError, match="begins with 7f454c46"):
        read_module(b"\x7fELF" + bytes(100))
    (found,) = find_problems_on_macos(NAME, b"short", ARM)
    assert "of 5 bytes is cut off" in found
    broken = bytearray(GOOD.content())
    struct.pack_into("<I", broken, 36, 0)  # the size of the first load command
    with pytest.raises(NotMachOError, match="the load command at byte 32 has a size of 0"):
        read_module(bytes(broken))
    unknown = GOOD.content().replace(b"\x51\x72\x08\xa0", b"\x51\x72\x08\xd0")
    with pytest.raises(NotMachOError, match="the unknown step 0xd0 before byte"):
        read_module(unknown)


@given(st.integers(0, len(GOOD.content()) - 1))
def test_a_module_that_is_cut_off_is_never_taken(size: int) -> None:
    assert find_problems_on_macos(NAME, GOOD.content()[:size], ARM)


def test_a_wheel_is_judged_by_all_its_modules(tmp_path: Path) -> None:
    wheel = tmp_path / "creche-1.2.3-cp311-cp311-macosx_11_0_arm64.whl"

    def write(**modules: Written) -> None:
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("creche/__init__.py", "")
            for name, module in modules.items():
                start = (f"_PyInit_{name}", DEFINED)
                whole = replace(module, symbols=(start, *module.symbols[1:]))
                archive.writestr(f"creche/_core/{name}.cpython-311-darwin.so", whole.content())

    write(_neon=GOOD, _detect=GOOD)
    assert check_system(wheel, ARM) == "its 2 modules need nothing but macosx_11_0_arm64"
    write(_neon=GOOD, _detect=replace(GOOD, is_signed=False))
    with pytest.raises(AuditError, match=r"arm64\.whl: .*_detect.*has no signature"):
        check_system(wheel, ARM)
