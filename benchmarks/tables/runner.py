"""Run systems on tables: a process per system and table, two threads, a limit to each fit."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.results import ResultFile, open_results
from benchmarks.tables.sources import LoadedTable, TableError, load_table
from benchmarks.tables.systems import LIMIT_S, SYSTEMS, THREADS, System
from benchmarks.tables.worker import failure, write_request

ROOT = Path(__file__).parents[2]

# Before libraries load, which is when most of them read it.
THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

# To import its libraries and to read the table.
START_S = 120.0


@dataclass(frozen=True)
class Limits:
    """Seconds of a fit, which also limit predicting, and the number of splits of each table."""

    fit_s: float = LIMIT_S
    folds: int | None = None
    again: bool = False
    results: Path | None = None


def run_systems(specs: Sequence[TableSpec], systems: Sequence[System], limits: Limits) -> None:
    """Run what has no result yet, table by table, and keep each result as soon as it is known."""
    possible = [system for system in systems if not _report_obstacle(system)]
    files = {system.name: open_results(system.name, system.version(), limits.results) for system in possible}
    for spec in specs:
        try:
            table = load_table(spec)
        except TableError as problem:
            print(f"left out: {problem}", flush=True)
            continue
        for system in list(possible):
            fits = system.max_rows is None or spec.rows <= system.max_rows
            if fits and not run_table(system, table, files[system.name], limits):
                print(f"left out: {system.name}: its process ended before it began to fit", flush=True)
                possible.remove(system)


def run_table(system: System, table: LoadedTable, file: ResultFile, limits: Limits) -> bool:
    """Run a system on the splits of a table that have no result yet; return false if it does not start."""
    name = table.spec.name
    waiting = [
        number
        for number, split in enumerate(table.splits[: limits.folds])
        if limits.again or file.find(name, number, split.digest) is None
    ]
    while waiting:
        done = run_worker(system, table, waiting, limits.fit_s, file)
        if not done:
            return False
        waiting = [number for number in waiting if number not in done]
    return True


def run_worker(
    system: System, table: LoadedTable, splits: Sequence[int], limit_s: float, file: ResultFile
) -> list[int]:
    """Run one process, until its splits are done or a fit takes too long; return the numbers of those that are done."""
    environment = {**os.environ, **dict.fromkeys(THREAD_LIMITS, str(THREADS))}
    command = [sys.executable, "-m", "benchmarks.tables.worker", write_request(system, table.spec, list(splits))]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True, text=False
    )
    done: list[int] = []
    current: int | None = None
    begin = time.perf_counter()

    def keep(result: dict[str, Any]) -> None:
        file.add(table.spec.name, result)
        done.append(result["split"])
        _report(system, table, result)

    try:
        lines = Lines(process)
        while True:
            line = lines.read(limit_s if current is not None else START_S)
            if not line:
                if current is not None:
                    reason = f"took more than {limit_s:g} s" if line is None else "its process ended"
                    keep(failure(table, current, reason, time.perf_counter() - begin))
                return done
            event = json.loads(line)
            if event["event"] == "judged":
                keep(event["result"])
                current = None
                if len(done) == len(splits):
                    return done
            elif event["event"] == "fitting":
                current, begin = event["split"], time.perf_counter()
    finally:
        _end(process)


class Lines:
    """Lines of a process's output, each waited for only so long."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self.pipe = process.stdout
        self.rest = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.pipe, selectors.EVENT_READ)

    def read(self, seconds: float) -> bytes | None:
        """Return the next line; None when the time is over, and no bytes when the output has ended."""
        until = time.perf_counter() + seconds
        while b"\n" not in self.rest:
            if not self.selector.select(max(0.0, until - time.perf_counter())):
                return None
            more = os.read(self.pipe.fileno(), 65_536)
            if not more:
                return b""
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line


def choose_systems(names: Sequence[str]) -> list[System]:
    """Return the systems with these names, or all; a name with * stands for all that begin so."""
    if not names:
        return list(SYSTEMS.values())
    chosen = []
    for name in names:
        found = [system for system in SYSTEMS.values() if system.name == name]
        if name.endswith("*"):
            found = [system for system in SYSTEMS.values() if system.name.startswith(name[:-1])]
        if not found:
            raise SystemExit(f"No system is named {name}. Systems: {', '.join(SYSTEMS)}.")
        chosen += found
    return chosen


def _report_obstacle(system: System) -> bool:
    obstacle = system.find_obstacle()
    if obstacle is not None:
        print(f"left out: {system.name}: {obstacle}", flush=True)
    return obstacle is not None


def _report(system: System, table: LoadedTable, result: dict[str, Any]) -> None:
    measure = "log_loss" if table.classes else "rmse"
    times = f"fit {result['fit_s']:.2f} s"
    if "failed" in result:
        times += f", FAILED: {result['failed']}"
    print(
        f"{table.spec.name} {result['split'] + 1}/{len(table.splits)} {system.name}: "
        f"{measure} {result[measure]:.4g}, {times}",
        flush=True,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, which has nothing left to do or took too long, with the processes that it has begun."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
