"""Build the wheels of a platform from a source distribution.

The engine is compiled once for each platform: both interfaces of Python share a build folder, in which only the
bindings differ. Equal sources give equal bytes, wherever and whenever they are compiled.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.wheels.environments import BuildError, environment_for
from tools.wheels.platforms import INTERFACES, Interface, Platform

BUILD = """
import sys
from scikit_build_core.build import build_wheel
settings = dict(argument.split("=", 1) for argument in sys.argv[2:])
print(build_wheel(sys.argv[1], settings))
"""


@dataclass(frozen=True)
class Workshop:
    """The folders that wheels are built in: one that may be anywhere, and the one of the project."""

    folder: Path
    environments: Path
    epoch: str
    jobs: int

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def wheels(self, platform: Platform) -> Path:
        return self.folder / "wheels" / platform.name


def unpack(archive: Path, to: Path) -> None:
    """Unpack a source distribution, but leave files that have not changed, lest they be compiled again."""
    written = set()
    with tarfile.open(archive) as tar:
        for member in tar:
            if not member.isfile():
                continue
            path = to / Path(*Path(member.name).parts[1:])
            file = tar.extractfile(member)
            assert file is not None
            content = file.read()
            written.add(path)
            if not (path.exists() and path.read_bytes() == content):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            path.chmod(0o755 if member.mode & 0o100 else 0o644)
    for path in to.rglob("*"):
        if path.is_file() and path not in written:
            path.unlink()


def write_commands(folder: Path, platform: Platform, source: Path) -> None:
    """Write the programs that CMake takes for its compiler."""
    from ziglang import __file__ as ziglang

    folder.mkdir(parents=True, exist_ok=True)
    zig = Path(ziglang).with_name("zig")
    wrapper = Path(__file__).with_name("zig_compiler.py")
    for mode in ("c++", "ar", "ranlib"):
        path = folder / mode
        words = [sys.executable, "-I", "-S", wrapper, zig, platform.target, source, mode]
        path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
        path.chmod(0o755)


def build(platform: Platform, interface: Interface, workshop: Workshop) -> Path:
    """Build one wheel, and return its path."""
    commands = workshop.folder / "commands" / platform.name
    write_commands(commands, platform, workshop.source)
    defines = {
        "CMAKE_SYSTEM_NAME": platform.system,
        "CMAKE_SYSTEM_PROCESSOR": platform.machine,
        "CMAKE_CXX_COMPILER": str(commands / "c++"),
        "CMAKE_AR": str(commands / "ar"),
        "CMAKE_RANLIB": str(commands / "ranlib"),
        "CMAKE_DISABLE_PRECOMPILE_HEADERS": "ON",  # they name the folder that they were made in
        "NB_HAS_MTLS_GNU2": "OFF",
        "CRECHE_LEVELS": ";".join(platform.levels),
        "CRECHE_TESTING": "OFF",
    }
    if platform.system == "Darwin":
        defines["CMAKE_INSTALL_NAME_TOOL"] = (
            shutil.which("true") or ""
        )  # CMake asks for Apple's, and never uses it here
    folder = workshop.folder / "build" / platform.name
    # Else scikit-build-core would remove the objects of the engine with them, as each Python has its own environment.
    for name in ("CMakeCache.txt", ".skbuild-info.json"):
        (folder / name).unlink(missing_ok=True)
    settings = {f"cmake.define.{name}": value for name, value in defines.items()}
    settings["wheel.tags"] = f"{interface.tag}-{platform.tag}"
    settings["build-dir"] = str(folder)
    settings["build.tool-args"] = f"-j{workshop.jobs}"
    if interface.api:
        settings["wheel.py-api"] = interface.api
    to = workshop.wheels(platform) / interface.tag
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    log = to / "log.txt"
    python = environment_for(interface.versions, workshop.environments)
    with log.open("wb") as output:
        done = subprocess.run(
            [python, "-c", BUILD, to, *(f"{name}={value}" for name, value in settings.items())],
            cwd=workshop.source,
            env=os.environ | environment(platform, interface, workshop),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    wheels = sorted(to.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise BuildError(f"{platform.name}, {interface.tag}: could not be built; the end of {log} says why")
    return wheels[0]


def environment(platform: Platform, interface: Interface, workshop: Workshop) -> dict[str, str]:
    """Return the variables of the environment that steer a build."""
    version = interface.versions[0].replace(".", "")
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SETUPTOOLS_EXT_SUFFIX": "" if interface.api else f".cpython-{version}-{platform.suffix}",
        "SOURCE_DATE_EPOCH": workshop.epoch,
        "ZIG_GLOBAL_CACHE_DIR": str(workshop.folder / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(workshop.folder / "zig"),
    }


def build_all(platform: Platform, workshop: Workshop) -> list[Path]:
    """Build the wheels of a platform, one for each interface of Python."""
    return [build(platform, interface, workshop) for interface in INTERFACES]
