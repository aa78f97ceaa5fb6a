"""Memory: the peak of resident memory that training on 100,000 rows adds to a process that holds the encoded table.

Each contender trains in a new process that has read the table with NumPy. The figure includes the libraries it loads,
its copies of the table, the network and the optimizer. Linux keeps the peak of the resident size (VmHWM) and resets it
on request, so that no moment is missed.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from _compare import HERE, Contender, Spread, task_folder
from _jobs import WIDE, read_task, shorten_job, synthetic_task
from _report import Report, parse_options
from _worker import MissingLibraryError, build_trainer

BELOW = 100.0  # MB, 1,000,000 bytes

CONTENDERS = (
    Contender("Creche, creche.train", "Creche", "creche_call", 2),
    Contender("Creche, engine only", "engine", "creche_engine", 2),
    Contender("PyTorch eager, fused Adam", "PyTorch", "torch_eager", 2, {"adam": {"fused": True}}),
    Contender("scikit-learn", "scikit-learn", "scikit_learn", 2),
    Contender("JAX, orders by NumPy", "JAX", "jax_scan", 2, {"row_orders": "numpy"}),
)


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("Memory: what training adds to the encoded table", options)
    job = replace(WIDE[0], epochs=1)
    if options.quick:
        job = shorten_job(job)
    task = synthetic_task(job)
    table = (task.features.nbytes + task.labels.nbytes) / 1e6
    report.section(str(job))
    report.say(f"The encoded table itself: {table:.1f} MB (not counted)", "")
    peaks: dict[str, list[tuple[float, float]]] = {}
    absent: set[str] = set()
    with task_folder(task) as folder:
        for _ in range(options.rounds):
            for contender in CONTENDERS:
                measured = measure(contender, folder)
                if measured is None:
                    absent.add(contender.name)
                else:
                    peaks.setdefault(contender.name, []).append(measured)
    spreads = {name: [Spread.of(values) for values in zip(*runs, strict=True)] for name, runs in peaks.items()}
    report.table(
        ["contender", "peak, libraries included, MB", "peak of the job only, MB"],
        [[name, *(spread.show() for spread in both)] for name, both in spreads.items()],
    )
    report.say(
        "",
        "Libraries included: above a process that holds the table and has loaded only NumPy.",
        "The job only: above the same process after it imported the library.",
        *(f"{name}: left out, not installed." for name in sorted(absent)),
    )
    report.section("Claims")
    report.claim_below("creche.train, libraries included", spreads[CONTENDERS[0].name][0], BELOW, " MB")
    return report.finish()


def measure(contender: Contender, folder: Path) -> tuple[float, float] | None:
    """Return the peak above the table, and above table and library, in MB; None if the library is missing."""
    command = [sys.executable, __file__, "--measure", contender.trainer, json.dumps(contender.options), str(folder)]
    environment = {**os.environ, **contender.environment()}
    child = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    if child.returncode:
        raise RuntimeError(f"{contender.name} failed:\n{child.stderr[-2000:]}")
    answer = json.loads(child.stdout.splitlines()[-1])
    return None if "missing" in answer else (answer["above_table"], answer["above_library"])


def measure_here(trainer_name: str, options: str, folder: str) -> None:
    """Train once, in the child process, and print the increase of resident memory."""
    task = read_task(Path(folder))
    holding_table = resident("VmRSS")
    try:
        trainer = build_trainer(trainer_name, task, 2, json.loads(options))
    except MissingLibraryError as error:
        print(json.dumps({"missing": str(error)}))
        return
    with_library = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest size so far
    trainer.reset()
    trainer.train()
    peak = resident("VmHWM")
    print(json.dumps({"above_table": peak - holding_table, "above_library": peak - with_library}))


def resident(field: str) -> float:
    """Return a line of /proc/self/status in MB (1,000,000 bytes)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/self/status has no {field}: this benchmark needs Linux")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure_here(*sys.argv[2:])
    else:
        raise SystemExit(main())
