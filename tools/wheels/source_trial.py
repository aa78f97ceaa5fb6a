"""Install the source distribution without a network, Node.js and git: python -m tools.wheels.source_trial.

What the build and the package require is downloaded first. Then pip may look nowhere else, and the path has a compiler
and nothing more. The distribution brings the page of the studio; without it, the rest is installed and says so.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

from tools.wheels.build import unpack
from tools.wheels.environments import BuildError
from tools.wheels.fresh import TRAIN, Place, TrialError, variables
from tools.wheels.source import build_source, read_epoch

ROOT = Path(__file__).resolve().parents[2]

# A compiler and what it calls.
PROGRAMS = ("sh", "c++", "g++", "cc", "gcc", "as", "ld", "ar", "ranlib", "nm", "strip", "uname")

# This processor's level alone, and one precision: what is built for users is tried with the wheels.
SETTINGS = ("cmake.define.CRECHE_LEVELS=native", "cmake.define.CRECHE_PRECISIONS=float32")


def link_programs(folder: Path) -> None:
    """Link the programs, and the compilers by the names by which this Python was built, which a build asks for."""
    folder.mkdir()
    named = (sysconfig.get_config_var(name) or "" for name in ("CC", "CXX"))
    for name in dict.fromkeys((*PROGRAMS, *(command.split()[0] for command in named if command))):
        found = None if "/" in name else shutil.which(name)
        if found is not None:
            (folder / name).symlink_to(found)


def download(packages: Path, place: Place) -> None:
    """Download what building and running the package require."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    required = [*project["build-system"]["requires"], "cmake>=3.20", "ninja", *project["project"]["dependencies"]]
    pip = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
    place.call(*place.python, *pip, "--dest", str(packages), *required)


def install(source: Path, packages: Path, place: Place) -> str:
    """Install a source distribution, or what was in one, from the downloaded packages alone; return its output."""
    settings = (word for setting in SETTINGS for word in ("--config-settings", setting))
    pip = ("-m", "pip", "install", "--verbose", "--disable-pip-version-check", "--force-reinstall")
    done = place.run(
        *place.python, *pip, "--no-index", "--find-links", str(packages), "--no-cache-dir", *settings, str(source)
    )
    return done.stdout + done.stderr  # pip writes what a build says to the latter


def has_page(place: Place) -> bool:
    code = "from importlib.resources import files as f; print((f('creche') / 'studio/page/index.html').is_file())"
    return place.call(*place.python, "-c", code).strip() == "True"


def try_source(archive: Path, folder: Path) -> None:
    """Install a source distribution in a fresh environment, use it, and do the same with one that lacks the page."""
    environment = folder / "environment"
    link_programs(folder / "programs")
    seen = variables(folder, environment / "bin")
    seen["PATH"] += f":{folder / 'programs'}"
    place = Place((str(environment / "bin" / "python"),), (str(environment / "bin" / "creche"),), seen, folder)
    place.call(sys.executable, "-m", "venv", str(environment))
    download(folder / "packages", place)

    install(archive, folder / "packages", place)
    place.call(*place.creche, *TRAIN.split())
    if not has_page(place):
        raise TrialError(f"{archive.name}: installed without the studio's page, which it should bring")
    print(f"{archive.name}: installed without a network, Node.js and git; it trains, and has the studio's page")

    source = folder / "source"
    unpack(archive, source)
    shutil.rmtree(source / "src/creche/studio/page")
    said = install(source, folder / "packages", place)
    place.call(*place.creche, *TRAIN.split())
    if has_page(place) or "the page of the studio was not built" not in said:
        raise TrialError(f"{archive.name}: without page and Node.js, the build does not say what it lacks")
    print(f"{archive.name}: without its page and Node.js the rest is installed, trains, and says so")


def main() -> int:
    environments = ROOT / "build" / "wheels" / "environments"
    try:
        archive = build_source(ROOT, ROOT / "dist", environments, read_epoch(ROOT))
        with tempfile.TemporaryDirectory() as folder:
            try_source(archive, Path(folder))
    except (BuildError, TrialError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
