"""The source distribution. Wheels are built from it, so that a file which it lacks is missed at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.wheels.environments import BuildError, environment_for
from tools.wheels.platforms import INTERFACES

PAGE = "src/creche/studio/page"
BUILD = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"


def read_epoch(root: Path) -> str:
    """Return the second of the last commit, which files in wheels are dated with."""
    command = ["git", "log", "-1", "--format=%ct"]
    return os.environ.get("SOURCE_DATE_EPOCH") or subprocess.check_output(command, cwd=root, text=True).strip()


def copy_tracked(root: Path, to: Path) -> None:
    """Copy the files that git knows, as they are now, and the page of the studio: whatever else lies about stays."""
    if not (root / PAGE / "index.html").exists():
        raise BuildError(f"{root / PAGE} has no index.html: the page of the studio is not built; run make web")
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=root, text=True).split("\0")
    for name in filter(None, names):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    shutil.copytree(root / PAGE, to / PAGE)


def build_source(root: Path, to: Path, environments: Path, epoch: str) -> Path:
    """Build the source distribution, and return its path."""
    python = environment_for(INTERFACES[0].versions, environments)
    to.mkdir(parents=True, exist_ok=True)
    for old in to.glob("creche-*.tar.gz"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        copy_tracked(root, Path(folder))
        variables = os.environ | {"SOURCE_DATE_EPOCH": epoch}
        subprocess.run([python, "-c", BUILD, to], cwd=folder, env=variables, check=True)
    (archive,) = to.glob("creche-*.tar.gz")
    return archive
