"""Try a wheel as a user would install it: in an environment of its own, with empty caches."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tools.wheels.emulated import can_emulate, try_emulated
from tools.wheels.environments import find_python
from tools.wheels.fresh import Place, check, variables
from tools.wheels.platforms import Platform


def install(wheel: Path, python: Path, folder: Path) -> Place:
    """Install a wheel for a Python of this machine."""
    environment = folder / "environment"
    programs = environment / "bin"
    place = Place((str(programs / "python"),), (str(programs / "creche"),), variables(folder, programs), folder)
    place.call(str(python), "-m", "venv", str(environment))
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir")
    place.call(*place.python, *pip, "--only-binary", ":all:", str(wheel.resolve()))
    return place


def pythons_for(wheel: Path) -> list[Path]:
    """Return the Pythons of this machine that a wheel is for."""
    tag = wheel.name.split("-")[2]
    first = int(tag.removeprefix("cp3"))
    last = 14 if "-abi3-" in wheel.name else first
    found = [find_python(f"3.{minor}") for minor in range(first, last + 1)]
    return [path for path in found if path is not None]


def try_here(wheel: Path, platform: Platform) -> list[str]:
    """Try a wheel with each Python of this machine that it is for."""
    results = []
    for python in pythons_for(wheel):
        with tempfile.TemporaryDirectory() as folder:
            results.append(check(install(wheel, python, Path(folder)), platform))
    return results


def try_wheel(wheel: Path, platform: Platform, cache: Path) -> list[str]:
    """Try a wheel wherever this machine can, and return a line for each try, or one that says why there is none."""
    here = os.uname()
    if (platform.system, platform.machine) == (here.sysname, here.machine):
        return try_here(wheel, platform) or ["not tried: this machine has no Python that it is for"]
    if platform.name == "linux-aarch64" and can_emulate():
        return try_emulated(wheel, platform, sys.executable, cache)
    return [f"not tried: it needs {platform.system} on {platform.machine}"]
