"""Judge the modules of a wheel for macOS, as auditwheel judges those for Linux."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tools.wheels.mach_o import ANYWHERE, ITSELF, Module, NotMachOError, read_module
from tools.wheels.platforms import Platform

# What every macOS has.
SYSTEM = frozenset({"/usr/lib/libSystem.B.dylib", "/usr/lib/libc++.1.dylib"})


def find_problems_on_macos(name: str, content: bytes, platform: Platform) -> list[str]:
    """Return what keeps a module from being loaded by a Python on the oldest system that its wheel promises."""
    try:
        module = read_module(content)
    except NotMachOError as error:
        return [f"{name}: {error}"]
    return [f"{name} {problem}" for problem in _judge(module, PurePosixPath(name), platform)]


def _judge(module: Module, path: PurePosixPath, platform: Platform) -> list[str]:
    problems = []
    tag = re.fullmatch(r"macosx_(\d+)_(\d+)_\w+", platform.tag)
    assert tag is not None, f"{platform.tag} is no tag of a wheel for macOS"
    promised = int(tag[1]), int(tag[2])
    if module.machine != platform.machine:
        problems.append(f"is for {module.machine}, not for {platform.machine}")
    if module.oldest is None or module.oldest > promised:
        oldest = "no version of macOS" if module.oldest is None else f"macOS {module.oldest[0]}.{module.oldest[1]}"
        problems.append(f"is for {oldest}, not for {promised[0]}.{promised[1]}")
    strange = [library for library in module.libraries if library not in SYSTEM]
    if strange:
        problems.append(f"needs {', '.join(strange)}, which not every macOS has")
    if module.run_paths:
        problems.append(f"looks for libraries in {', '.join(module.run_paths)}")
    if PurePosixPath(module.own_name).is_absolute():
        problems.append(f"has the name of a file of the machine that built it: {module.own_name}")
    if module.machine == "arm64" and not module.is_signed:
        problems.append("has no signature, without which an Apple processor loads nothing")
    if not module.has_two_levels:
        problems.append("looks for all its symbols anywhere, so that another library's may get between")
    found = {
        place: sorted(name for name, where in module.bound.items() if where == place) for place in (ANYWHERE, ITSELF)
    }
    foreign = [name for name in found[ANYWHERE] if not re.match(r"__?Py", name)]
    if foreign:
        problems.append(f"needs {', '.join(foreign)}, which neither the system nor Python has")
    lacking = [name for name in found[ITSELF] if name not in module.defined]
    if lacking:
        problems.append(f"looks in itself for {', '.join(lacking)}, which it lacks")
    if not found[ANYWHERE]:
        problems.append("needs no function of Python, so what it binds was not understood")
    start = f"_PyInit_{path.name.partition('.')[0]}"
    if start not in module.defined:
        problems.append(f"lacks {start.removeprefix('_')}, with which Python begins a module")
    return problems
