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
from tools.wheels.mach_o import NotMachOError, read_module
from tools.wheels.platforms import PLATFORMS

ARM, INTEL = PLATFORMS["macos-arm64"], PLATFORMS["macos-x86-64"]
NAME = "creche/_core/_neon.cpython-311-darwin.so"
LOADED, ANYWHERE, DEFINED = 1, 0xFE, None


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
        ("_PyInit__neon", DEFINED), ("_malloc", LOADED), ("_PyLong_AsLong", ANYWHERE), ("__Py_Dealloc", ANYWHERE),
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
        start = 32 + sum(map(len, commands)) + 24
        names, table = b"\0", b""
        for name, looked_up in self.symbols:
            kind, described = (0x0F, 0) if looked_up is None else (0x01, looked_up << 8)
            table += struct.pack("<IBBHQ", len(names), kind, 0, described, 0)
            names += name.encode() + b"\0"
        table += struct.pack("<IBBHQ", 0, 0x20, 0, 0, 0)  # for debuggers
        count = len(table) // 16
        commands.append(struct.pack("<6I", 0x2, 24, start, count, start + len(table), len(names)))
        size = sum(map(len, commands))
        header = struct.pack("<8I", 0xFEEDFACF, self.machine, 0, 6, len(commands), size, self.flags, 0)
        return header + b"".join(commands) + table + names


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
    assert module.anywhere == {"_PyLong_AsLong", "__Py_Dealloc"}
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
