"""A fresh environment with a wheel in it, without sources or a compiler, and what must work there."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.wheels.platforms import Platform

ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path(__file__).with_name("inside.py")
TRAIN = "train penguins --label species --hidden 5,5 --learning-rate 0.01 --epochs 20 --output penguins.creche"
PREDICT = "predict penguins.creche penguins --output predictions.csv"


NOT_INSTALLED = ("frame: pandas", "estimator")
"""Digests that need packages which a wheel does not bring: pandas, scikit-learn."""


class TrialError(Exception):
    """A wheel does not work where it should; the message has what the failing command printed."""


@dataclass(frozen=True)
class Place:
    """A fresh environment: how its Python and its `creche` are called, and the variables they see."""

    python: tuple[str, ...]
    creche: tuple[str, ...]
    variables: dict[str, str]
    folder: Path

    def call(self, *command: str) -> str:
        """Run a command, and return what it printed."""
        return self.run(*command).stdout

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True)
        if done.returncode != 0:
            raise TrialError(f"{' '.join(command)}: ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done


def variables(folder: Path, path: Path) -> dict[str, str]:
    """Return the environment of a user who has nothing: only where packages come from is kept."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return kept | {"HOME": str(folder), "PATH": str(path), "LANG": "C.UTF-8", "TMPDIR": str(folder)}


def check(place: Place, platform: Platform) -> str:
    """Import, train, predict and run the command line; compare the bytes of what is computed with the golden ones."""
    found = place.call(*place.python, str(INSIDE), *platform.levels).strip()
    place.call(*place.creche, *TRAIN.split())
    place.call(*place.creche, *PREDICT.split())
    rows = (place.folder / "predictions.csv").read_text().count("\n")
    if rows < 300:
        raise TrialError(f"{PREDICT}: wrote {rows} lines")
    golden = ROOT / "tests" / "golden" / "digests.json"
    command = (*place.python, str(ROOT / "tools" / "digests.py"), "--check", str(golden), "--without", *NOT_INSTALLED)
    digests = place.call(*command).strip()
    return f"{found}; {digests.splitlines()[-1]}"
