"""Tables larger than memory: how fast CSV is read and encoded, and how much memory that and training take.

A table of numbers, words and a label is written as CSV, encoded by `creche.encode` with limited memory, and trained on
from its folder, each in a new process. Memory is the peak that the kernel noted for the process (VmHWM), without the
page cache, which the kernel frees when memory is needed.

Options of its own: ``--rows 4_000_000`` and ``--numbers 98`` for another size of the table, ``--memory 500MB`` for
another amount, ``--limit 1GB`` for what the kernel gives each process at most, and ``--folder`` for where the table
lies meanwhile. The limit is that of a control group, page cache included, where this process may make one below its
own, and otherwise RLIMIT_DATA.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from _compare import Spread
from _report import Report, parse_options

from creche.plan.memory_size import parse_memory

NUMBERS, WORDS = 18, 2  # columns, besides the label
ROWS, QUICK_ROWS = 1_000_000, 20_000
MEMORY = "300MB"
AT_LEAST = 1.0  # GB of CSV a minute
ABOVE_LIMIT = 300.0  # MB that a process may take besides its memory

CHILD = """
import json, os, resource, sys, time
what, table, folder, memory, limit, group = sys.argv[1:]
if group:
    open(f"{group}/cgroup.procs", "w").write(str(os.getpid()))
elif int(limit):
    resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))
import creche as cr
from creche.plan.memory_size import parse_memory
began, reading = time.perf_counter(), 0.0
def watch(progress):
    global reading
    reading = progress.seconds if progress.stage == "reading" else reading
if what == "encode":
    cr.encode(table, folder, label="y", memory=memory, preprocessing="standard", on_progress=watch)
else:
    cr.train(folder, memory=memory, epochs=2, hidden=[32], shuffle=cr.Windows(1024, 16))
seconds = time.perf_counter() - began
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": seconds, "reading": reading, "peak": peak / 1000, "memory": parse_memory(memory) / 1e6}))
"""


def main() -> int:
    own = {name: take_option(name) for name in ("--rows", "--numbers", "--memory", "--limit", "--folder")}
    options = parse_options(__doc__, rounds=1)
    rows = int((own["--rows"] or str(QUICK_ROWS if options.quick else ROWS)).replace("_", ""))
    memory = own["--memory"] or MEMORY
    numbers = int(own["--numbers"] or NUMBERS)
    limit = 0 if own["--limit"] is None else parse_memory(own["--limit"])
    report = Report(f"A table of {rows:,} rows and {numbers + WORDS + 1} columns on disk, with {memory}", options)
    with tempfile.TemporaryDirectory(dir=own["--folder"]) as folder:
        table = Path(folder) / "table.csv"
        write_table(table, rows, numbers)
        size = table.stat().st_size
        report.say("", f"The table has {size / 1e6:,.0f} MB of CSV.")
        with control_group(limit) as group:
            if limit:
                by = "a control group, page cache included" if group else "RLIMIT_DATA"
                report.say("", f"The kernel gives each process {limit / 1e6:,.0f} MB at most, by {by}.")
            found = measure(table, table.with_suffix(".rows"), memory, limit, group)
    report.section("Seconds, and the largest memory of the process in MB")
    report.table(
        ["what", "s", "MB"],
        [[what, f"{each['seconds']:.1f}", f"{each['peak']:.0f}"] for what, each in found.items()],
    )
    encode = found["encode"]
    share = encode["reading"] / encode["seconds"]
    report.say("", f"Reading took {encode['reading']:.1f} s, {share:.0%} of the time of encoding.")
    report.section("Claims")
    rate = 60 * size / 1e9 / found["encode"]["seconds"]
    report.claim_ratio("GB of CSV encoded a minute", Spread.of([rate]), AT_LEAST)
    for what, each in found.items():
        report.claim_below(
            f"memory of {what} above the limit", Spread.of([each["peak"] - each["memory"]]), ABOVE_LIMIT, " MB"
        )
    return report.finish()


def write_table(path: Path, rows: int, numbers: int) -> None:
    """Write a table, a piece at a time."""
    import polars as pl

    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for begin in range(0, rows, 100_000):
            count = min(100_000, rows - begin)
            columns = {f"x{i}": np.round(rng.standard_normal(count) * 100, 4) for i in range(numbers)}
            words = {f"w{i}": [f"word{code}" for code in rng.integers(0, 20 * (i + 1), count)] for i in range(WORDS)}
            y = np.where(columns["x0"] + columns["x1"] > 0, "yes", "no")
            pl.DataFrame({**columns, **words, "y": y}).write_csv(file, include_header=begin == 0)


@contextmanager
def control_group(limit: int) -> Iterator[str]:
    """Yield a new control group with this limit of memory, in bytes; an empty text if none can be made."""
    group = None
    if limit:
        with suppress(OSError):
            group = _make_group(limit)
    try:
        yield "" if group is None else str(group)
    finally:
        if group is not None:
            group.rmdir()


def _make_group(limit: int) -> Path:
    """Make a control group below that of this process, of either version of control groups."""
    groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    of_memory = [path for _, kinds, path in groups if "memory" in kinds.split(",")]
    root, file = Path("/sys/fs/cgroup"), "memory.max"
    if of_memory:
        root, file = root / "memory", "memory.limit_in_bytes"
    group = root / (of_memory or [groups[-1][2]])[0].strip("/") / f"creche-benchmark-{os.getpid()}"
    group.mkdir()
    try:
        (group / file).write_text(str(limit))
    except OSError:
        group.rmdir()
        raise
    return group


def measure(table: Path, encoded: Path, memory: str, limit: int = 0, group: str = "") -> dict[str, dict[str, float]]:
    """Encode the table and train on it, each in a process of its own."""
    found = {}
    for what in ("encode", "train"):
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            CHILD,
            what,
            str(table),
            str(encoded),
            memory,
            str(limit),
            group,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[what] = json.loads(done.stdout)
    return found


def take_option(name: str) -> str | None:
    """Take an option of this benchmark, with its value, from the command line."""
    if name not in sys.argv:
        return None
    at = sys.argv.index(name)
    value = sys.argv[at + 1]
    del sys.argv[at : at + 2]
    return value


if __name__ == "__main__":
    sys.exit(main())
