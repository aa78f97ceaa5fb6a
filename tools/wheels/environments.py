"""Environments of the Pythons that wheels are built with and tried in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# The stable interface needs a newer CMake than Debian 12 has.
PACKAGES = ("cmake>=3.26", "nanobind>=3.1", "ninja", "scikit-build-core>=1.1")


class BuildError(Exception):
    """What was to be built could not be; the message says what is missing, or where the compiler's output is."""


class MissingPythonError(BuildError):
    """No Python of a version that is needed is installed."""


def find_python(version: str) -> Path | None:
    """Return the Python of a version such as "3.12" that is on the path, or None."""
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # Only a Python that begins counts: what lies there may be a shim of one that is switched off.
    done = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def find_one(versions: tuple[str, ...]) -> Path:
    """Return the first Python that is installed of some versions."""
    for version in versions:
        found = find_python(version)
        if found is not None:
            return found
    raise MissingPythonError(
        f"Python {' or '.join(versions)}: not found on the path; its headers are needed to compile wheels for it. "
        f"Install one of them as python{versions[0]}, headers included"
    )


def environment_for(versions: tuple[str, ...], folder: Path) -> Path:
    """Return the Python of an environment that can build wheels for one of some versions; make it if need be."""
    environment = folder / f"build-{versions[0]}"
    python = environment / "bin" / "python"
    made = environment / ".made"
    if not (made.exists() and made.read_text() == " ".join(PACKAGES)):
        subprocess.run([find_one(versions), "-m", "venv", "--clear", environment], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(command, check=True)
        made.write_text(" ".join(PACKAGES))
    return python
