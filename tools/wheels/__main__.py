"""Build and try wheels: python -m tools.wheels [--platforms NAMES] [--twice] [--try FILES], which is `make wheels`.

``--twice`` builds each wheel again in another folder, from nothing, and compares the bytes. ``--try`` builds nothing,
and tries those of some wheels that this machine can run: for machines that get wheels from another.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tools.wheels.audit import AuditError, check_files, check_interface, check_system
from tools.wheels.build import Workshop, build_all, unpack
from tools.wheels.environments import BuildError
from tools.wheels.fresh import TrialError
from tools.wheels.platforms import PLATFORMS, Platform
from tools.wheels.source import build_source, read_epoch
from tools.wheels.trial import try_wheel

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"
FOLDER = ROOT / "build" / "wheels"


def choose_platforms(names: str) -> list[Platform]:
    """Return the platforms of some names; "linux" or "all" are several."""
    chosen = []
    for name in filter(None, names.replace(",", " ").split()):
        found = [p for p in PLATFORMS.values() if name in ("all", p.name, p.name.partition("-")[0])]
        if not found:
            raise SystemExit(f"PLATFORMS: got {name!r}; choose among all, linux, {', '.join(PLATFORMS)}")
        chosen += [platform for platform in found if platform not in chosen]
    return chosen


def platform_of(wheel: Path) -> Platform:
    tag = wheel.stem.split("-")[-1]
    for platform in PLATFORMS.values():
        if platform.tag == tag:
            return platform
    raise TrialError(f"{wheel.name}: is for none of the platforms {', '.join(PLATFORMS)}; leave it out")


def build_and_check(platform: Platform, archive: Path, jobs: int, twice: bool) -> list[Path]:
    """Build the wheels of a platform into dist/ and judge their files; with `twice`, compare with a second build."""
    environments = FOLDER / "environments"
    workshop = Workshop(FOLDER, environments, read_epoch(ROOT), jobs)
    unpack(archive, workshop.source)
    kept = []
    for wheel in build_all(platform, workshop):
        check_files(wheel, platform)
        size = f"{wheel.stat().st_size / 1e6:.1f} MB"
        judged = filter(None, (size, check_system(wheel, platform), check_interface(wheel)))
        print(f"{wheel.name}: {'; '.join(judged)}", flush=True)
        kept.append(Path(shutil.copy2(wheel, DIST)))
    if twice:
        with tempfile.TemporaryDirectory() as folder:
            elsewhere = Workshop(Path(folder), environments, workshop.epoch, jobs)
            unpack(archive, elsewhere.source)
            compare(kept, build_all(platform, elsewhere))
    return kept


def compare(first: list[Path], second: list[Path]) -> None:
    for a, b in zip(first, second, strict=True):
        digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in (a, b)]
        if digests[0] != digests[1]:
            raise BuildError(f"{a.name}: a second build in another folder has other bytes: {b}")
        print(f"{a.name}: a second build in another folder has the same bytes, SHA-256 {digests[0]}", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.wheels", description="Build and try wheels.")
    parser.add_argument("--platforms", default="linux", help="all, linux, or some of " + ", ".join(PLATFORMS))
    parser.add_argument("--twice", action="store_true", help="build again elsewhere, and compare the bytes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many files to compile at once")
    parser.add_argument("--try", dest="tried", nargs="*", type=Path, help="only try these wheels")
    options = parser.parse_args(arguments)
    try:
        if options.tried is None:
            archive = build_source(ROOT, DIST, FOLDER / "environments", read_epoch(ROOT))
            wheels = []
            for platform in choose_platforms(options.platforms):
                wheels += build_and_check(platform, archive, options.jobs, options.twice)
        else:
            wheels = options.tried
        for wheel in wheels:
            for line in try_wheel(wheel, platform_of(wheel), FOLDER):
                print(f"{wheel.name}: {line}", flush=True)
    except (AuditError, BuildError, TrialError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
