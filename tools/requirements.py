"""Print what pyproject.toml has pip install: python tools/requirements.py [EXTRA ...]

The Makefile installs this while the engine is compiled, instead of before it.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def requirements(extras: Sequence[str]) -> list[str]:
    """Return what the package requires, and what the extras add."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(each for name in extras for each in project["optional-dependencies"][name])]


if __name__ == "__main__":
    print(*requirements(sys.argv[1:]), sep="\n")
