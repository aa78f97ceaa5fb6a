from __future__ import annotations

import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.preloaded import environment as environment
from tests.preloaded import preloaded_python

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of Click, for which Typer's import is to blame
    from creche.cli import main as main

PENGUINS = ["train", "penguins", "--label", "species"]
QUICK = [*PENGUINS, "--hidden", "5,5", "--learning-rate", "0.01", "--epochs", "40", "--threads", "1"]
SECONDS_OF_A_HANG = 600  # far beyond what anything takes on the busiest machine
COMMAND = [sys.executable, "-m", "creche"]


def process(
    *arguments: str, given: str | None = None, command: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A whole process, with this on its standard input; of the `command`, or one that begins with it imported."""
    return subprocess.run(
        [*(command or quick_command()), *arguments], env=environment(), input=given, capture_output=True, text=True,
        check=False, timeout=SECONDS_OF_A_HANG,
    )  # fmt: skip


def quick_command() -> list[str]:
    """COMMAND as a process that begins with it imported."""
    return [*preloaded_python(), "-m", "creche"]


def wait_until(has_happened: Callable[[], object]) -> None:
    """Waits for an event; fails where it never comes."""
    end = time.monotonic() + SECONDS_OF_A_HANG
    while not has_happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def big_csv(folder: Path) -> Path:
    """3,000 rows; a constant column, whose warning tells that training begins."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 4))
    lines = [",".join(f"{v:.4f}" for v in row) + f",7,{int(row[0] > 0)}" for row in x]
    path = folder / "big.csv"
    path.write_text("\n".join(["a,b,c,d,e,y", *lines]) + "\n")
    return path
