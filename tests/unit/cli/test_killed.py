"""`creche train` killed by SIGKILL at any moment, and taken up by `creche resume`: the same model in the end."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

from creche._system.archive import read_archive
from tests.unit.cli.commands import COMMAND, big_csv, environment

KILLS = 20
# A job of about a second, with a checkpoint every few hundredths.
JOB = ["--label", "y", "--hidden", "16,16", "--dropout", "0.1", "--schedule", "cosine", "--epochs", "2500"]


def lives(arguments: list[str], seconds: float | None = None) -> bool:
    """Whether a command came to its end, and was not killed after so many seconds."""
    with subprocess.Popen(
        [*COMMAND, *arguments, "--json"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            _, said = child.communicate(timeout=seconds or 60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return False
        assert child.returncode == 0, said
        return True


def content(model: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """All that is in a model file, but for how long the epochs took."""
    header, arrays = read_archive(model, "model")
    del header["provenance"]["history"]["seconds"]
    return header, {name: array.tobytes() for name, array in arrays.items()}


def test_a_process_killed_twenty_times_leaves_what_ends_with_the_same_model(tmp_path: Path) -> None:
    table = str(big_csv(tmp_path))
    begin = time.perf_counter()
    assert lives(["train", table, *JOB, "--threads", "1", "-o", str(tmp_path / "whole.creche")])
    whole, seconds = content(tmp_path / "whole.creche"), time.perf_counter() - begin
    random = Random(0)
    kills: list[int] = []  # of each run, from its beginning to its end
    while sum(kills) < KILLS:
        folder, model = tmp_path / f"run{len(kills)}", tmp_path / f"{len(kills)}.creche"
        kills.append(0)
        options = ["--checkpoint", str(folder), "--checkpoint-every", "20"]
        going_on = False
        while True:
            command = (
                ["resume", str(folder), "--checkpoint-every", "20"] if going_on else ["train", table, *JOB, *options]
            )
            command += ["--threads", str(random.choice([1, 2])), "-o", str(model)]
            if lives(command, random.uniform(0.1, 0.6) * seconds if sum(kills) < KILLS else None):
                break
            kills[-1] += 1
            assert not model.exists() or content(model) == whole  # killed while it told what it had done
            going_on = any(folder.glob("epoch-*.creche-checkpoint"))
        assert content(model) == whole
        assert len(list(folder.glob("epoch-*"))) == 2
        assert list(folder.glob(".*")) == []
    assert max(kills) >= 2
