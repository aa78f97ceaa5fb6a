"""Judge a wheel by its files: what it has, what its modules need of a system, and what they say about this machine."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tools.wheels.audit_macos import find_problems_on_macos
from tools.wheels.platforms import Platform

# What a wheel must have besides the modules of the package.
NEEDED = ("creche/py.typed", "creche/data/penguins.csv", "creche/studio/page/index.html")


class AuditError(Exception):
    """A wheel is not what its name says; the message says in what."""


def find_problems(wheel: Path, levels: Iterable[str]) -> list[str]:
    """Return what a wheel lacks of levels, data and the studio's page, and what it should not have."""
    folder = str(Path(__file__).resolve().parents[2]).encode()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        missing = [name for name in NEEDED if name not in names]
        missing += [level for level in levels if not any(f"/_core/_{level}." in name for name in names)]
        strangers = [name for name in names if "_testing_" in name or name.startswith("tests/")]
        told = [name for name in names if folder in archive.read(name)]
    return [
        *(f"{wheel.name} lacks {name}" for name in missing),
        *(f"{wheel.name} has {name}" for name in strangers),
        *(f"{name} in {wheel.name} names the folder it was built in" for name in told),
    ]


def check_files(wheel: Path, platform: Platform) -> None:
    problems = find_problems(wheel, ("detect", *platform.levels))
    if problems:
        raise AuditError("; ".join(problems))


def check_system(wheel: Path, platform: Platform) -> str:
    """Compare what its modules need of a system with what its name promises; for Linux, auditwheel judges."""
    if platform.system == "Darwin":
        with zipfile.ZipFile(wheel) as archive:
            modules = {name: archive.read(name) for name in archive.namelist() if name.endswith(".so")}
        problems = [
            each for name, content in modules.items() for each in find_problems_on_macos(name, content, platform)
        ]
        if problems:
            raise AuditError(f"{wheel.name}: " + "; ".join(problems))
        return f"its {len(modules)} modules need nothing but {platform.tag}"
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    words = " ".join(done.stdout.split())
    if f'consistent with the following platform tag: "{platform.tag}"' not in words:
        raise AuditError(f"{wheel.name}: is not what auditwheel takes it for:\n{done.stdout}{done.stderr}")
    return f"auditwheel: {platform.tag}"


def check_interface(wheel: Path) -> str:
    """For a wheel of Python's stable interface: that no module uses more than that; abi3audit judges."""
    if "-abi3-" not in wheel.name:
        return ""
    done = subprocess.run([sys.executable, "-m", "abi3audit", "--strict", str(wheel)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AuditError(f"{wheel.name}: uses more than the stable interface of Python:\n{done.stdout}{done.stderr}")
    return "abi3audit: nothing but the stable interface"
