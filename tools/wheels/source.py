"""The source distribution. Wheels are built from it, so that a file which it lacks is missed at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.wheels.environments import environment_for
from tools.wheels.platforms import INTERFACES

BUILD = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"


def read_epoch(root: Path) -> str:
    """Return the second of the last commit, which files in wheels are dated with."""
    command = ["git", "log", "-1", "--format=%ct"]
    return os.environ.get("SOURCE_DATE_EPOCH") or subprocess.check_output(command, cwd=root, text=True).strip()


def build_source(root: Path, to: Path, environments: Path, epoch: str) -> Path:
    """Build the source distribution, with the page of the studio (from `make web`), and return its path."""
    if not (root / "src/creche/studio/page/index.html").exists():
        raise FileNotFoundError("the page of the studio is not built; run make web")
    python = environment_for(INTERFACES[0].versions, environments)
    for old in to.glob("creche-*.tar.gz"):
        old.unlink()
    to.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-c", BUILD, to], cwd=root, env=os.environ | {"SOURCE_DATE_EPOCH": epoch}, check=True)
    (archive,) = to.glob("creche-*.tar.gz")
    return archive
